/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_convert_set.c - models cut into shards and put together again. */
#include "heft/convert.h"

#include <sys/stat.h>

#include "alloc_fail.h"
#include "made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static struct heft_convert_report report;
static char
	*source; /* of 10 tensors of 100 bytes, one of 250 behind the third, one that is empty */
static char *out;
static uint8_t digest[HEFT_DIGEST_SIZE];

static void set_up(void)
{
	struct made m;
	char name[8];

	scratch_init(&s);
	source = scratch_path(&s, "source.safetensors");
	out = scratch_path(&s, "out/");
	made_init(&m);
	m.plan.metadata = "{\"format\":\"pt\"}";
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "t%d", 9 - i);
		made_add(&m, name, HEFT_DTYPE_F32, 1, 25, 0);
		if (i == 2)
			made_add(&m, "big\xc3\xa9\"\n", HEFT_DTYPE_U8, 1, 250, 0);
	}
	made_add(&m, "empty", HEFT_DTYPE_U8, 1, 0, 0);
	made_write(&m, "safetensors", source);
	made_done(&m);
	model_digest(source, digest);
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

static char *in_out(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "out/%s", name);
	return scratch_path(&s, path);
}

static unsigned n_files_in(const char *folder)
{
	struct scratch at = { .folder = (char *)(uintptr_t)folder };

	return scratch_n_files(&at);
}

static void check_same_bytes(const char *a, const char *b)
{
	size_t size;
	char *bytes = scratch_read(a, &size);

	scratch_check(b, bytes, size);
	free(bytes);
}

static void check_digest(const char *path)
{
	uint8_t found[HEFT_DIGEST_SIZE];

	model_digest(path, found);
	ck_assert_mem_eq(found, digest, sizeof digest);
}

static const struct heft_convert_plan by_300 = { .shard_size = 300 };

/* What huggingface_hub's splitting and Python's json.dumps(index, indent=2, sort_keys=True)
 * give. */
#define INDEX                                                                \
	"{\n"                                                                \
	"  \"metadata\": {\n"                                                \
	"    \"total_size\": 1250\n"                                         \
	"  },\n"                                                             \
	"  \"weight_map\": {\n"                                              \
	"    \"big\\u00e9\\\"\\n\": \"model-00001-of-00005.safetensors\",\n" \
	"    \"empty\": \"model-00005-of-00005.safetensors\",\n"             \
	"    \"t0\": \"model-00005-of-00005.safetensors\",\n"                \
	"    \"t1\": \"model-00004-of-00005.safetensors\",\n"                \
	"    \"t2\": \"model-00004-of-00005.safetensors\",\n"                \
	"    \"t3\": \"model-00004-of-00005.safetensors\",\n"                \
	"    \"t4\": \"model-00003-of-00005.safetensors\",\n"                \
	"    \"t5\": \"model-00003-of-00005.safetensors\",\n"                \
	"    \"t6\": \"model-00003-of-00005.safetensors\",\n"                \
	"    \"t7\": \"model-00002-of-00005.safetensors\",\n"                \
	"    \"t8\": \"model-00002-of-00005.safetensors\",\n"                \
	"    \"t9\": \"model-00002-of-00005.safetensors\"\n"                 \
	"  }\n"                                                              \
	"}\n"

/* spec H5-1, H5-2, H5-3, H5-5 */
START_TEST(a_model_is_cut_as_hugging_face_cuts_it)
{
	const struct heft_convert_plan plan = { .shard_size = _i > 0 ? 240 : 300 };
	/* Larger than a shard it comes before the one that is being filled. */
	const uint32_t place_of_big = _i > 0 ? 2 : 3;
	uint32_t n_files;
	struct heft_file *file;
	struct heft_tensor t;

	convert(source, out, &plan);
	ck_assert_uint_eq(report.n_tensors, 12);
	ck_assert_uint_eq(report.n_bytes, 1250);
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	check_digest(out);
	file = model_open(out);
	ck_assert_str_eq(heft_format_name(file), "safetensors-shards");
	ck_assert_uint_eq(heft_file_size(file, &n_files), report.file_size);
	ck_assert_uint_eq(n_files, report.n_files);
	ck_assert_int_eq(heft_find(file, "big\xc3\xa9\"\n", &t, &err), HEFT_OK);
	ck_assert_uint_eq(t.index, place_of_big);
	heft_close(file);
}
END_TEST

/* spec H5-5 */
START_TEST(the_index_is_what_python_prints)
{
	const struct heft_convert_plan plan = { .shard_size = 300 };
	struct made m;
	char name[8];

	/* With the big tensor larger than a shard: it is the first one, before the three that were
	 * there before it. */
	made_init(&m);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "t%d", 9 - i);
		made_add(&m, name, HEFT_DTYPE_F32, 1, 25, 0);
		if (i == 1)
			made_add(&m, "big\xc3\xa9\"\n", HEFT_DTYPE_U8, 1, 301, 0);
	}
	made_add(&m, "empty", HEFT_DTYPE_U8, 1, 0, 0);
	made_write(&m, "safetensors", source);
	made_done(&m);
	convert(source, out, &plan);
	ck_assert_uint_eq(report.n_files, 6);
	{
		size_t size;
		char *text = scratch_read(in_out("model.safetensors.index.json"), &size);
		char *total = strstr(text, "1301");

		ck_assert_ptr_nonnull(total);
		memcpy(total, "1250", 4);
		ck_assert_str_eq(text, INDEX);
		free(text);
	}
}
END_TEST

/* spec H5-1, H5-3 */
START_TEST(a_set_goes_by_the_name_that_is_given)
{
	static const char *const names[] = { "x.safetensors", "x.safetensors.index.json" };

	convert(source, scratch_path(&s, names[_i]), &by_300);
	ck_assert_uint_gt(report.n_files, 2);
	check_digest(scratch_path(&s, "x.safetensors.index.json"));
	ck_assert_int_eq(access(scratch_path(&s, "x-00001-of-00005.safetensors"), F_OK), 0);
	ck_assert_int_eq(access(scratch_path(&s, "x.safetensors"), F_OK), -1);
}
END_TEST

/* spec H5-3 */
START_TEST(a_small_model_is_one_file_without_an_index)
{
	convert(source, out, NULL);
	ck_assert_uint_eq(report.n_files, 1);
	ck_assert_uint_eq(n_files_in(out), 1);
	check_same_bytes(source, in_out("model.safetensors"));
	check_digest(out);
}
END_TEST

/* spec H5-4 */
START_TEST(every_shard_has_the_metadata)
{
	struct heft_file *file;
	const char *json;

	convert(source, out, &by_300);
	file = model_open(in_out("model-00002-of-00005.safetensors"));
	ck_assert_int_eq(heft_metadata(file, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{\"format\":\"pt\"}");
	heft_close(file);
	file = model_open(out);
	ck_assert_int_eq(heft_metadata(file, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{\"format\":\"pt\"}");
	heft_close(file);
}
END_TEST

/* spec H4-1, H4-2, H4-3 */
START_TEST(a_set_comes_back_byte_for_byte)
{
	static const char *const names[] = { "back/", "y.safetensors.index.json" };
	static const char *const indexes[] = { "back/model.safetensors.index.json",
		                               "y.safetensors.index.json" };
	char *heft = scratch_path(&s, "a.heft");

	convert(source, out, &by_300);
	convert(out, heft, NULL);
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	convert(heft, scratch_path(&s, names[_i]), NULL);
	ck_assert(report.is_restored);
	ck_assert_uint_eq(report.n_files, 6);
	ck_assert_str_eq(report.note, "");
	ck_assert_mem_eq(report.weights_digest, digest, sizeof digest);
	check_same_bytes(in_out("model.safetensors.index.json"), scratch_path(&s, indexes[_i]));
	check_same_bytes(in_out("model-00003-of-00005.safetensors"),
	                 scratch_path(&s, _i == 0 ? "back/model-00003-of-00005.safetensors"
	                                          : "model-00003-of-00005.safetensors"));
	check_digest(scratch_path(&s, indexes[_i]));
}
END_TEST

/* A folder that is called by its name is copied, whatever its shards' names. */
START_TEST(a_set_is_copied_byte_for_byte)
{
	static const char index[] =
		"{\"metadata\": {\"total_size\": 1, \"by\": \"me\"},\n \"weight_map\": {}}";
	char *copy = scratch_path(&s, "copy/");

	convert(source, out, &by_300);
	convert(out, copy, NULL);
	ck_assert(report.is_restored);
	check_same_bytes(in_out("model.safetensors.index.json"),
	                 scratch_path(&s, "copy/model.safetensors.index.json"));
	scratch_write(in_out("model.safetensors.index.json"), index, sizeof index - 1);
	convert(out, scratch_path(&s, "empty/"), NULL);
	ck_assert(report.is_restored);
	ck_assert_uint_eq(report.n_files, 1);
	scratch_check(scratch_path(&s, "empty/model.safetensors.index.json"), index,
	              sizeof index - 1);
}
END_TEST

START_TEST(a_changed_set_is_cut_anew)
{
	const struct heft_convert_plan half = { .float_dtype = HEFT_DTYPE_F16 };
	const struct heft_convert_plan smaller = { .shard_size = 200 };
	char *heft = scratch_path(&s, "a.heft");

	convert(source, out, &by_300);
	convert(out, heft, NULL);
	convert(heft, scratch_path(&s, "half/"), &half);
	ck_assert(!report.is_restored);
	ck_assert_uint_eq(report.n_files, 1);
	ck_assert_uint_eq(report.n_cast, 10);
	convert(heft, scratch_path(&s, "smaller/"), &smaller);
	ck_assert(!report.is_restored);
	ck_assert_uint_gt(report.n_files, 6);
	check_digest(scratch_path(&s, "smaller"));
	/* A recipe for shards is none for one file. */
	convert(heft, scratch_path(&s, "whole.safetensors"), NULL);
	ck_assert(!report.is_restored);
	check_digest(scratch_path(&s, "whole.safetensors"));
}
END_TEST

/* spec H5-7 */
START_TEST(nothing_is_replaced_unless_told)
{
	struct heft_convert_plan plan = by_300;

	convert(source, out, &plan);
	ck_assert_int_eq(try_convert(source, out, &plan), HEFT_E_USAGE);
	ck_assert_int_eq(unlink(in_out("model.safetensors.index.json")), 0);
	ck_assert_int_eq(try_convert(source, out, &plan), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "exists"));
	ck_assert_uint_eq(n_files_in(out), 5);
	plan.write.overwrite = true;
	convert(source, out, &plan);
	check_digest(out);
	ck_assert_uint_eq(n_files_in(out), 6);
}
END_TEST

/* spec H5-7 */
START_TEST(a_set_takes_the_place_of_an_older_one)
{
	static const uint64_t sizes[] = { 200, 300, 0, 300, 0 };
	struct heft_convert_plan plan = { .write = { .overwrite = true } };

	scratch_write(scratch_path(&s, "config.json"), "{}", 2);
	ck_assert_int_eq(mkdir(out, 0700), 0);
	scratch_write(in_out("config.json"), "{}", 2);
	scratch_write(in_out("model-1-of-2.safetensors"), "{}", 2);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		plan.shard_size = sizes[i];
		convert(source, out, &plan);
		if (sizes[i] > 0)
			ck_assert_uint_eq(n_files_in(out), report.n_files + 2);
	}
	ck_assert_uint_eq(n_files_in(out), 3);
	check_digest(in_out("model.safetensors"));
}
END_TEST

START_TEST(a_set_may_be_converted_onto_itself)
{
	const struct heft_convert_plan plans[] = {
		{ .write = { .overwrite = true } },
		{ .write = { .overwrite = true }, .shard_size = 500 },
		{ .write = { .overwrite = true }, .shard_size = 1 },
	};

	convert(source, out, &by_300);
	convert(out, out, &plans[_i]);
	ck_assert(report.is_restored == (_i == 0));
	check_digest(out);
	ck_assert_uint_eq(n_files_in(out), report.n_files);
}
END_TEST

/* spec H5-1, H5-3 */
START_TEST(what_makes_no_set_is_refused)
{
	static const struct {
		const char *path;
		const char *format;
		uint64_t shard_size;
		const char *words;
	} cases[] = {
		{ "-", "safetensors", 300, "pipe" },
		{ "x.heft", NULL, 300, "not cut into shards" },
		{ "x.bin", "safetensors", 300, "folder" },
		{ "x", "safetensors-shards", 0, "folder" },
		{ ".safetensors", NULL, 300, "folder" },
		{ "nowhere/x.safetensors", NULL, 300, "does not exist" },
		{ "nowhere/x/", NULL, 0, "does not exist" },
	};
	const struct heft_convert_plan plan = { .format = cases[_i].format,
		                                .shard_size = cases[_i].shard_size };
	const char *path = cases[_i].path;
	const enum heft_status st =
		try_convert(source, strcmp(path, "-") == 0 ? path : scratch_path(&s, path), &plan);

	ck_assert(st == HEFT_E_USAGE || st == HEFT_E_NOT_FOUND);
	ck_assert_msg(strstr(err.msg, cases[_i].words) != NULL, "%s", err.msg);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
}
END_TEST

/* What the last shard cannot hold is said before the first one is written. */
START_TEST(what_no_shard_can_hold_is_told_first)
{
	struct made m;

	made_init(&m);
	m.plan.metadata = _i > 0 ? "{\"n\":1}" : NULL;
	made_add(&m, "a", HEFT_DTYPE_U8, 1, 10, 0);
	made_add(&m, "b", _i > 0 ? HEFT_DTYPE_U8 : HEFT_DTYPE_C128, 1, 10, 0);
	made_write(&m, "heft", scratch_path(&s, "a.heft"));
	made_done(&m);
	ck_assert_int_eq(try_convert(scratch_path(&s, "a.heft"), out,
	                             &(struct heft_convert_plan){ .format = "safetensors",
	                                                          .shard_size = 10 }),
	                 HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

static bool stop_late(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	return n_done < n_total - 200;
}

/* spec H5-8 */
START_TEST(a_cancelled_conversion_leaves_nothing)
{
	const struct heft_convert_plan plan = { .shard_size = 300,
		                                .run = { .progress = stop_late } };

	if (_i > 0)
		ck_assert_int_eq(mkdir(out, 0700), 0);
	ck_assert_int_eq(try_convert(source, out, &plan), HEFT_E_CANCELLED);
	ck_assert_uint_eq(scratch_n_files(&s), _i > 0 ? 2 : 1);
	if (_i > 0)
		ck_assert_uint_eq(n_files_in(out), 0);
}
END_TEST

/* --- memory --- */

static enum heft_status convert_quietly(const char *from, const struct heft_convert_plan *plan)
{
	struct heft_file *file;
	enum heft_status st = heft_open(from, NULL, &file, NULL);

	if (st != HEFT_OK)
		return st;
	st = heft_convert(file, out, plan, &report, NULL);
	heft_close(file);
	return st;
}

/* Cut anew, and restored. */
START_TEST(without_memory_nothing_stays_behind)
{
	const struct heft_convert_plan plans[] = {
		{ .shard_size = 500, .run = { .n_threads = 1 }, .write = { .no_sync = true } },
		{ .format = "safetensors-shards",
		  .run = { .n_threads = 1 },
		  .write = { .no_sync = true } },
	};
	char *heft = scratch_path(&s, "a.heft");
	bool has_failed = true;
	unsigned n_before;

	convert(source, scratch_path(&s, "first/"), &plans[0]);
	convert(scratch_path(&s, "first"), heft, NULL);
	n_before = scratch_n_files(&s);
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		ck_assert_int_eq(mkdir(out, 0700), 0);
		alloc_fail_at(n);
		st = convert_quietly(_i > 0 ? heft : source, &plans[_i]);
		has_failed = alloc_fail_done();
		ck_assert(st == HEFT_OK || st == HEFT_E_NOMEM);
		if (st != HEFT_OK)
			ck_assert_uint_eq(n_files_in(out), 0);
		ck_assert_uint_eq(scratch_n_files(&s), n_before + 1);
		scratch_remove(out);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights convert set");
	TCase *tc = tcase_create("sets");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_model_is_cut_as_hugging_face_cuts_it, 0, 2);
	tcase_add_test(tc, the_index_is_what_python_prints);
	tcase_add_loop_test(tc, a_set_goes_by_the_name_that_is_given, 0, 2);
	tcase_add_test(tc, a_small_model_is_one_file_without_an_index);
	tcase_add_test(tc, every_shard_has_the_metadata);
	tcase_add_loop_test(tc, a_set_comes_back_byte_for_byte, 0, 2);
	tcase_add_test(tc, a_set_is_copied_byte_for_byte);
	tcase_add_test(tc, a_changed_set_is_cut_anew);
	tcase_add_test(tc, nothing_is_replaced_unless_told);
	tcase_add_test(tc, a_set_takes_the_place_of_an_older_one);
	tcase_add_loop_test(tc, a_set_may_be_converted_onto_itself, 0, 3);
	tcase_add_loop_test(tc, what_makes_no_set_is_refused, 0, 7);
	tcase_add_loop_test(tc, what_no_shard_can_hold_is_told_first, 0, 2);
	tcase_add_loop_test(tc, a_cancelled_conversion_leaves_nothing, 0, 2);
	tcase_add_loop_test(tc, without_memory_nothing_stays_behind, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
