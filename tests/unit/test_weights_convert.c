/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_convert.c - conversions: formats, selection, names, dtypes, threads, and the way
 * back. */
#include "heft/convert.h"

#include <fcntl.h>

#include "heft/edit.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static struct heft_convert_report report;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static enum heft_status try_convert(const char *from, const char *to,
                                    const struct heft_convert_plan *plan)
{
	struct heft_file *file = model_open(from);
	enum heft_status st = heft_convert(file, to, plan, &report, &err);

	heft_close(file);
	return st;
}

static void convert(const char *from, const char *to, const struct heft_convert_plan *plan)
{
	ck_assert_msg(try_convert(from, to, plan) == HEFT_OK, "%s", err.msg);
}

static void check_same_bytes(const char *a, const char *b)
{
	size_t size;
	char *bytes = scratch_read(a, &size);

	scratch_check(b, bytes, size);
	free(bytes);
}

/* spec R7.2-2, R7.2-3 */
START_TEST(a_source_comes_back_byte_for_byte)
{
	const struct heft_convert_plan plans[] = {
		{ .write = { .compress = HEFT_COMPRESS_NONE } },
		{ .write = { .compress = HEFT_COMPRESS_FAST } },
		{ .write = { .compress = HEFT_COMPRESS_BEST, .alignment = 4096 } },
	};
	char *source = scratch_path(&s, "a.safetensors");
	char *heft = scratch_path(&s, "a.heft");
	char *back = scratch_path(&s, "back.safetensors");
	uint8_t digest[HEFT_DIGEST_SIZE];

	model_write(source, "safetensors", NULL, true, digest);
	convert(source, heft, &plans[_i]);
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	ck_assert(!report.is_restored);
	convert(heft, back, NULL);
	ck_assert(report.is_restored);
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	ck_assert_str_eq(report.note, "");
	check_same_bytes(source, back);
}
END_TEST

START_TEST(a_heft_file_hands_its_recipe_on)
{
	const struct heft_convert_plan packed = { .write = { .compress = HEFT_COMPRESS_FAST } };
	char *source = scratch_path(&s, "a.safetensors");
	char *back = scratch_path(&s, "back.safetensors");

	model_write(source, "safetensors", NULL, false, NULL);
	convert(source, scratch_path(&s, "a.heft"), NULL);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &packed);
	convert(scratch_path(&s, "b.heft"), back, NULL);
	ck_assert(report.is_restored);
	check_same_bytes(source, back);
}
END_TEST

START_TEST(a_file_of_the_same_format_is_copied_byte_for_byte)
{
	char *source = scratch_path(&s, "a.safetensors");
	char *copy = scratch_path(&s, "copy.safetensors");
	uint8_t digest[HEFT_DIGEST_SIZE];

	model_write(source, "safetensors", NULL, false, digest);
	convert(source, copy, NULL);
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	check_same_bytes(source, copy);
}
END_TEST

/* spec R5-6 */
START_TEST(bytes_never_depend_on_the_threads)
{
	static const uint32_t n_threads[] = { 2, 3, 7 };
	struct heft_convert_plan plan = { .write = { .compress = HEFT_COMPRESS_FAST },
		                          .run = { .n_threads = 1 } };
	char *source = scratch_path(&s, "a.safetensors");

	model_write(source, "safetensors", NULL, true, NULL);
	convert(source, scratch_path(&s, "one.heft"), &plan);
	plan.run.n_threads = n_threads[_i];
	convert(source, scratch_path(&s, "more.heft"), &plan);
	check_same_bytes(scratch_path(&s, "one.heft"), scratch_path(&s, "more.heft"));
}
END_TEST

START_TEST(ties_go_from_heft_to_heft)
{
	struct heft_file *file;
	struct heft_tensor t;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, true, NULL);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), NULL);
	file = model_open(scratch_path(&s, "b.heft"));
	ck_assert_int_eq(heft_find(file, "tied.weight", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.tie, 0);
	heft_close(file);
}
END_TEST

START_TEST(a_tie_outlives_its_first_tensor)
{
	const char *const gone[] = { "layer.weight" };
	const struct heft_convert_plan plan = { .exclude = gone, .n_exclude = 1 };
	uint8_t digest[HEFT_DIGEST_SIZE];

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, true, NULL);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &plan);
	ck_assert_uint_eq(report.n_tensors, MODEL_N);
	model_digest(scratch_path(&s, "b.heft"), digest);
	ck_assert_mem_eq(digest, report.weights_digest, sizeof digest);
}
END_TEST

/* Of a group whose first tensor alone is cast, the others stay tied. */
START_TEST(a_tie_stays_between_those_of_one_dtype)
{
	const struct heft_dtype_rule rules[] = { { "t0", HEFT_DTYPE_F16 },
		                                 { "t3", HEFT_DTYPE_F16 },
		                                 { "t5", HEFT_DTYPE_F64 } };
	const struct heft_convert_plan plan = { .dtype_rules = rules, .n_dtype_rules = 3 };
	static const uint32_t ties[] = { 0, 1, 1, 0, 1, 5 };
	struct heft_tensor t = { .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 } };
	static const char *const names[] = { "t0", "t1", "t2", "t3", "t4", "t5" };
	const float values[] = { 1, 2 };
	struct heft_file *file;
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(scratch_path(&s, "a.heft"), "heft", NULL, &w, &err), HEFT_OK);
	for (uint32_t i = 0; i < 6; i++) {
		t.name = names[i];
		if (i == 0)
			ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
		else
			ck_assert_int_eq(heft_declare_tied(w, &t, i - 1, &err), HEFT_OK);
	}
	model_put(w, 0, values, sizeof values);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &plan);
	ck_assert_uint_eq(report.n_cast, 3);
	file = model_open(scratch_path(&s, "b.heft"));
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_int_eq(heft_tensor_at(file, i, &t, &err), HEFT_OK);
		ck_assert_uint_eq(t.tie, ties[i]);
	}
	heft_close(file);
}
END_TEST

/* spec D1-7: a META that says nothing is content as well. */
START_TEST(empty_metadata_is_kept)
{
	char *paths[] = { scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft") };
	uint8_t digest[2][HEFT_DIGEST_SIZE];
	struct heft_file *file;
	struct heft_writer *w;

	ck_assert_int_eq(heft_create(paths[0], "heft", NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_set_metadata(w, "{}", &err), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	convert(paths[0], paths[1], NULL);
	for (unsigned i = 0; i < 2; i++) {
		file = model_open(paths[i]);
		ck_assert_int_eq(heft_artifact_digest(file, digest[i], &err), HEFT_OK);
		heft_close(file);
	}
	ck_assert_mem_eq(digest[0], digest[1], HEFT_DIGEST_SIZE);
}
END_TEST

START_TEST(patterns_choose_and_rename)
{
	const char *const in[] = { "layer.*", "ids" };
	const char *const out[] = { "*.bias" };
	const struct heft_rename renames[] = { { "layer.*", "block.*.0" }, { "ids", "positions" } };
	const struct heft_convert_plan plan = { .include = in,
		                                .n_include = 2,
		                                .exclude = out,
		                                .n_exclude = 1,
		                                .renames = renames,
		                                .n_renames = 2 };
	struct heft_file *file;
	struct heft_tensor t;

	model_write(scratch_path(&s, "a.safetensors"), "safetensors", NULL, false, NULL);
	convert(scratch_path(&s, "a.safetensors"), scratch_path(&s, "b.heft"), &plan);
	ck_assert_uint_eq(report.n_renamed, 2);
	file = model_open(scratch_path(&s, "b.heft"));
	ck_assert_uint_eq(heft_n_tensors(file), 2);
	ck_assert_int_eq(heft_find(file, "block.weight.0", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "positions", &t, &err), HEFT_OK);
	heft_close(file);
}
END_TEST

START_TEST(floats_are_cast_and_integers_are_not)
{
	const struct heft_dtype_rule rules[] = { { "ids", HEFT_DTYPE_I64 } };
	const struct heft_convert_plan plan = { .float_dtype = HEFT_DTYPE_BF16,
		                                .dtype_rules = rules,
		                                .n_dtype_rules = 1 };
	const struct heft_convert_plan wider = { .float_dtype = HEFT_DTYPE_F64 };
	struct heft_file *file;
	struct heft_tensor t;
	int64_t ids[2];
	double last;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, true, NULL);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &plan);
	ck_assert_uint_eq(report.n_cast, 6);
	file = model_open(scratch_path(&s, "b.heft"));
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_BF16);
	ck_assert_int_eq(heft_find(file, "tied.weight", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.tie, 0);
	ck_assert_int_eq(heft_find(file, "ids", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, ids, sizeof ids, &err), HEFT_OK);
	ck_assert_int_eq(ids[0], 7);
	ck_assert_int_eq(ids[1], -1);
	heft_close(file);
	convert(scratch_path(&s, "b.heft"), scratch_path(&s, "c.heft"), &wider);
	file = model_open(scratch_path(&s, "c.heft"));
	ck_assert_int_eq(heft_find(file, "big", &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, t.n_bytes - 8, &last, 8, &err), HEFT_OK);
	/* BF16 keeps 8 bits of (MODEL_BIG_N - 1) % 8191 * 0.25 - 100. */
	ck_assert_double_eq_tol(last, (double)((MODEL_BIG_N - 1) % 8191) * 0.25 - 100, 4);
	heft_close(file);
}
END_TEST

START_TEST(casting_equals_casting_by_hand)
{
	static const enum heft_dtype to[] = { HEFT_DTYPE_F16,     HEFT_DTYPE_F64,
		                              HEFT_DTYPE_F8_E4M3, HEFT_DTYPE_F6_E2M3,
		                              HEFT_DTYPE_F4,      HEFT_DTYPE_BF16 };
	const char *const big[] = { "big" };
	const struct heft_convert_plan plan = { .include = big,
		                                .n_include = 1,
		                                .float_dtype = to[_i] };
	float *v = model_values(MODEL_BIG_N);
	struct heft_file *file;
	struct heft_tensor t;
	uint8_t *wanted;
	uint8_t *found;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, true, NULL);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), &plan);
	file = model_open(scratch_path(&s, "b.heft"));
	ck_assert_int_eq(heft_tensor_at(file, 0, &t, &err), HEFT_OK);
	wanted = malloc(t.n_bytes);
	found = malloc(t.n_bytes);
	ck_assert_int_eq(heft_cast_elements(to[_i], wanted, HEFT_DTYPE_F32, v, MODEL_BIG_N, &err),
	                 HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, found, t.n_bytes, &err), HEFT_OK);
	ck_assert_mem_eq(found, wanted, t.n_bytes);
	heft_close(file);
	free(wanted);
	free(found);
	free(v);
}
END_TEST

START_TEST(rules_that_match_nothing_are_mistakes)
{
	const char *const in[] = { "nothing*" };
	const struct heft_rename renames[] = { { "nothing", "x" }, { "a*b*", "x*" } };
	const struct heft_dtype_rule rules[] = { { "nothing", HEFT_DTYPE_F16 } };
	const struct heft_convert_plan plans[] = {
		{ .include = in, .n_include = 1 },
		{ .exclude = in, .n_exclude = 1 },
		{ .renames = renames, .n_renames = 1 },
		{ .dtype_rules = rules, .n_dtype_rules = 1 },
		{ .renames = renames + 1, .n_renames = 1 },
	};

	model_write(scratch_path(&s, "a.safetensors"), "safetensors", NULL, false, NULL);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.safetensors"), scratch_path(&s, "b.heft"),
	                             &plans[_i]),
	                 HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(two_tensors_under_one_name_are_a_mistake)
{
	const struct heft_rename renames[] = { { "ids", "mask" } };
	const struct heft_convert_plan plan = { .renames = renames, .n_renames = 1 };

	model_write(scratch_path(&s, "a.safetensors"), "safetensors", NULL, false, NULL);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.safetensors"), scratch_path(&s, "b.heft"),
	                             &plan),
	                 HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "mask"));
}
END_TEST

START_TEST(the_target_may_be_the_source)
{
	const struct heft_convert_plan plan = { .write = { .overwrite = true,
		                                           .compress = HEFT_COMPRESS_FAST } };
	char *path = scratch_path(&s, "a.heft");
	uint8_t before[HEFT_DIGEST_SIZE];
	uint8_t after[HEFT_DIGEST_SIZE];

	model_write(path, "heft", NULL, true, before);
	ck_assert_int_eq(try_convert(path, path, NULL), HEFT_E_USAGE);
	convert(path, path, &plan);
	model_digest(path, after);
	ck_assert_mem_eq(before, after, sizeof before);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

static void edit(const char *path)
{
	struct heft_edit *e;

	ck_assert_int_eq(heft_edit_open(path, NULL, &e, &err), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(e, "a", "1", &err), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(e, &err), HEFT_OK);
}

/* spec R8.2-5: an update that was committed after the file was opened must not get lost. */
START_TEST(a_file_that_changed_is_not_converted_onto_itself)
{
	const struct heft_convert_plan plan = { .write = { .overwrite = true } };
	char *path = scratch_path(&s, "a.heft");
	struct heft_file *file;
	char *bytes;
	size_t size;

	model_write(path, "heft", NULL, false, NULL);
	file = model_open(path);
	if (_i == 0) {
		edit(path);
	} else {
		model_write(scratch_path(&s, "new.heft"), "heft", NULL, true, NULL);
		ck_assert_int_eq(rename(scratch_path(&s, "new.heft"), path), 0);
	}
	bytes = scratch_read(path, &size);
	ck_assert_int_eq(heft_convert(file, path, &plan, &report, &err), HEFT_E_BUSY);
	scratch_check(path, bytes, size);
	/* Onto another file it is only an older one. */
	model_write(scratch_path(&s, "b.heft"), "heft", NULL, false, NULL);
	ck_assert_int_eq(heft_convert(file, scratch_path(&s, "b.heft"), &plan, &report, &err),
	                 HEFT_OK);
	heft_close(file);
	convert(path, path, &plan);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
	free(bytes);
}
END_TEST

/* Standard output is a file meanwhile. */
static enum heft_status convert_to_stream(const char *from, const char *to,
                                          const struct heft_convert_plan *plan)
{
	const int out = dup(STDOUT_FILENO);
	const int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum heft_status st;

	ck_assert(out >= 0 && fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	st = try_convert(from, "-", plan);
	ck_assert(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	close(fd);
	return st;
}

START_TEST(a_stream_has_the_bytes_of_the_file)
{
	static const uint32_t n_threads[] = { 1, 2, 5 };
	const char *const in[] = { "*" };
	const char *const out[] = { "ids" };
	struct heft_convert_plan plans[] = {
		{ .format = "safetensors" },
		{ .format = "safetensors",
		  .include = in,
		  .n_include = 1,
		  .exclude = out,
		  .n_exclude = 1,
		  .float_dtype = HEFT_DTYPE_BF16 },
	};
	struct heft_convert_plan *plan = &plans[_i / 3];

	plan->run.n_threads = n_threads[_i % 3];
	model_write(scratch_path(&s, "a.heft"), "heft", NULL, true, NULL);
	ck_assert_msg(convert_to_stream(scratch_path(&s, "a.heft"), scratch_path(&s, "out"),
	                                plan) == HEFT_OK,
	              "%s", err.msg);
	ck_assert_uint_eq(report.file_size, 0); /* which is not known of a pipe */
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.safetensors"), plan);
	check_same_bytes(scratch_path(&s, "out"), scratch_path(&s, "b.safetensors"));
	plan->format = "heft";
	ck_assert_int_eq(convert_to_stream(scratch_path(&s, "a.heft"), scratch_path(&s, "out"),
	                                   plan),
	                 HEFT_E_USAGE);
}
END_TEST

/* Whatever the threads, the first failure in the file's order is the one that is told. */
START_TEST(the_first_of_several_failures_is_told)
{
	struct heft_convert_plan plan = { .run = { .n_threads = 4 } };
	size_t size;
	char *bytes;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, false, NULL);
	bytes = scratch_read(scratch_path(&s, "a.heft"), &size);
	for (unsigned i = 0; i < 3; i++)
		bytes[8192 + 100000 + (i << 20)] ^= 1;
	scratch_write(scratch_path(&s, "a.heft"), bytes, size);
	free(bytes);
	plan.write.compress = (enum heft_compress)(_i % 2);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(try_convert(s.paths[0], scratch_path(&s, "b.heft"), &plan),
		                 HEFT_E_CORRUPT);
		ck_assert_msg(strstr(err.msg, "chunk 0 of tensor 'big'") != NULL, "%s", err.msg);
	}
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

/* A dtype that is not known is carried and never cast. */
START_TEST(an_unknown_dtype_is_carried)
{
	const struct heft_tensor t = { .name = "odd",
		                       .dtype = (enum heft_dtype)0x7777,
		                       .rank = 2,
		                       .dims = { 3, 5 },
		                       .alignment = 6,
		                       .n_bytes = 12 };
	const struct heft_dtype_rule rule = { "odd", HEFT_DTYPE_F32 };
	const struct heft_convert_plan cast = { .dtype_rules = &rule, .n_dtype_rules = 1 };
	uint8_t digest[2][HEFT_DIGEST_SIZE];
	struct heft_tensor tied = t;
	struct heft_writer *w;

	tied.name = "tied";
	tied.alignment = 4;
	ck_assert_int_eq(heft_create(scratch_path(&s, "a.heft"), "heft", NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare_tied(w, &tied, 0, &err), HEFT_E_USAGE); /* another unit */
	heft_discard(w);
	tied.alignment = 6;
	ck_assert_int_eq(heft_create(scratch_path(&s, "a.heft"), "heft", NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare_tied(w, &tied, 0, &err), HEFT_OK);
	model_put(w, 0, "hello, world", 12);
	ck_assert_int_eq(heft_commit(w, digest[0], &err), HEFT_OK);
	convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"), NULL);
	model_digest(scratch_path(&s, "b.heft"), digest[1]);
	ck_assert_mem_eq(digest[0], digest[1], HEFT_DIGEST_SIZE);
	check_same_bytes(scratch_path(&s, "a.heft"), scratch_path(&s, "b.heft"));
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.heft"), scratch_path(&s, "c.heft"), &cast),
	                 HEFT_E_USAGE);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.heft"), scratch_path(&s, "c.safetensors"),
	                             NULL),
	                 HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

START_TEST(what_a_target_cannot_hold_is_said_before_it_is_written)
{
	const struct heft_tensor t = {
		.name = "w", .dtype = HEFT_DTYPE_I4, .rank = 1, .dims = { 2 }
	};
	struct heft_writer *w;
	const uint8_t byte = 0x21;

	ck_assert_int_eq(heft_create(scratch_path(&s, "a.heft"), "heft", NULL, &w, &err), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, &err), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, &byte, 1, &err), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, &err), HEFT_OK);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.safetensors"),
	                             NULL),
	                 HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'w'"));
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(a_damaged_chunk_stops_the_conversion)
{
	size_t size;
	char *bytes;

	model_write(scratch_path(&s, "a.heft"), "heft", NULL, false, NULL);
	bytes = scratch_read(scratch_path(&s, "a.heft"), &size);
	bytes[8192 + 100000] ^= 1;
	scratch_write(scratch_path(&s, "a.heft"), bytes, size);
	free(bytes);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.heft"), scratch_path(&s, "b.safetensors"),
	                             NULL),
	                 HEFT_E_CORRUPT);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

static bool stop_at_once(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	return n_done > 0 && n_total > n_done;
}

START_TEST(a_cancelled_conversion_leaves_nothing)
{
	const struct heft_convert_plan plan = { .run = { .progress = stop_at_once } };

	model_write(scratch_path(&s, "a.safetensors"), "safetensors", NULL, false, NULL);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.safetensors"), scratch_path(&s, "b.heft"),
	                             &plan),
	                 HEFT_E_CANCELLED);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

START_TEST(an_expected_digest_is_compared_when_the_file_is_opened)
{
	static const char *const formats[] = { "heft", "safetensors" };
	struct heft_open_options options = { .flags = 0 };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;

	model_write(scratch_path(&s, "a"), formats[_i], NULL, false, digest);
	options.expect_weights_digest = digest;
	ck_assert_int_eq(heft_open(scratch_path(&s, "a"), &options, &file, &err), HEFT_OK);
	heft_close(file);
	digest[31] ^= 1;
	ck_assert_int_eq(heft_open(scratch_path(&s, "a"), &options, &file, &err), HEFT_E_CORRUPT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights convert");
	TCase *tc = tcase_create("convert");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_source_comes_back_byte_for_byte, 0, 3);
	tcase_add_test(tc, a_heft_file_hands_its_recipe_on);
	tcase_add_test(tc, a_file_of_the_same_format_is_copied_byte_for_byte);
	tcase_add_loop_test(tc, bytes_never_depend_on_the_threads, 0, 3);
	tcase_add_test(tc, ties_go_from_heft_to_heft);
	tcase_add_test(tc, a_tie_outlives_its_first_tensor);
	tcase_add_test(tc, a_tie_stays_between_those_of_one_dtype);
	tcase_add_test(tc, empty_metadata_is_kept);
	tcase_add_test(tc, patterns_choose_and_rename);
	tcase_add_test(tc, floats_are_cast_and_integers_are_not);
	tcase_add_loop_test(tc, casting_equals_casting_by_hand, 0, 6);
	tcase_add_loop_test(tc, rules_that_match_nothing_are_mistakes, 0, 5);
	tcase_add_test(tc, two_tensors_under_one_name_are_a_mistake);
	tcase_add_test(tc, the_target_may_be_the_source);
	tcase_add_loop_test(tc, a_file_that_changed_is_not_converted_onto_itself, 0, 2);
	tcase_add_loop_test(tc, a_stream_has_the_bytes_of_the_file, 0, 6);
	tcase_add_loop_test(tc, the_first_of_several_failures_is_told, 0, 2);
	tcase_add_test(tc, an_unknown_dtype_is_carried);
	tcase_add_test(tc, what_a_target_cannot_hold_is_said_before_it_is_written);
	tcase_add_test(tc, a_damaged_chunk_stops_the_conversion);
	tcase_add_test(tc, a_cancelled_conversion_leaves_nothing);
	tcase_add_loop_test(tc, an_expected_digest_is_compared_when_the_file_is_opened, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
