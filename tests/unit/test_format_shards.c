/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_shards.c - what is read from sharded safetensors, and which sets are refused. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "alloc_fail.h"
#include "base/bytes.h"
#include "format/shards.h"
#include "scratch.h"
#include "unit.h"

#define F32_1(begin, end) "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" #begin "," #end "]}"
#define INDEX "model.safetensors.index.json"

static struct scratch s;
static struct heft_error err;
static struct heft_source *src;
static const struct heft_format *f;
static void *st;

/* A shard of these tensors, whose data counts from `first` on. */
static void write_shard(const char *name, const char *header, size_t n_data, uint8_t first)
{
	const size_t n = strlen(header);
	uint8_t *bytes = malloc(8 + n + n_data);

	heft_put_le64(bytes, n);
	memcpy(bytes + 8, header, n);
	for (size_t i = 0; i < n_data; i++)
		bytes[8 + n + i] = (uint8_t)(first + i);
	scratch_write(scratch_path(&s, name), bytes, 8 + n + n_data);
	free(bytes);
}

/* Tensors a and b in one.st, c in two.st. */
static void set_up(void)
{
	scratch_init(&s);
	f = heft_format_by_name(HEFT_SHARDS_FORMAT);
	write_shard("one.st", "{\"b\":" F32_1(0, 4) ",\"a\":" F32_1(4, 8) "}", 8, 0);
	write_shard("two.st", "{\"__metadata__\":{\"k\":\"v\"},\"c\":" F32_1(0, 4) "}", 4, 100);
	st = NULL;
	src = NULL;
}

static void close_set(void)
{
	f->close(st);
	heft_source_close(src);
	st = NULL;
	src = NULL;
}

static void tear_down(void)
{
	close_set();
	scratch_done(&s);
}

static enum heft_status open_with(const char *index, const struct heft_open_options *options)
{
	char *path = scratch_path(&s, INDEX);

	scratch_write(path, index, strlen(index));
	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	return f->open(src, path, options, &st, &err);
}

static void open_set(const char *index)
{
	ck_assert_msg(open_with(index, NULL) == HEFT_OK, "%s", err.msg);
}

#define GOOD "{\"weight_map\":{\"c\":\"two.st\",\"a\":\"one.st\",\"b\":\"one.st\"}}"

/* spec H1-1, H1-2 */
START_TEST(tensors_come_in_the_order_of_the_shards)
{
	static const char *const names[] = { "b", "a", "c" };
	static const uint8_t bytes[] = { 0, 4, 100 };
	static const uint32_t files[] = { 1, 1, 2 };
	struct heft_place place;
	struct heft_tensor t;
	uint8_t read[4];
	uint32_t found;

	open_set(GOOD);
	ck_assert_uint_eq(f->n_tensors(st), 3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(f->tensor_at(st, i, &t, &err), HEFT_OK);
		ck_assert_str_eq(t.name, names[i]);
		ck_assert_uint_eq(t.index, i);
		ck_assert_uint_eq(t.tie, i);
		ck_assert_int_eq(f->find(st, HEFT_SPACE_WEIGHTS, names[i], &found, &err), HEFT_OK);
		ck_assert_uint_eq(found, i);
		ck_assert_int_eq(f->read(st, i, 1, read, 3, &err), HEFT_OK);
		ck_assert_uint_eq(read[0], bytes[i] + 1u);
		ck_assert_int_eq(f->locate(st, i, &place, &err), HEFT_OK);
		ck_assert_uint_eq(place.file, files[i]);
		ck_assert_int_eq(heft_source_read(place.src, place.off, read, 4, &err), HEFT_OK);
		ck_assert_uint_eq(read[0], bytes[i]);
	}
	ck_assert_int_eq(f->find(st, HEFT_SPACE_WEIGHTS, "d", &found, &err), HEFT_E_NOT_FOUND);
}
END_TEST

START_TEST(the_files_of_a_set_are_told)
{
	uint64_t size = 0;

	open_set(GOOD);
	ck_assert_str_eq(f->file_at(st, 0, &size), "");
	ck_assert_uint_eq(size, strlen(GOOD));
	ck_assert_str_eq(f->file_at(st, 1, &size), "one.st");
	ck_assert_str_eq(f->file_at(st, 2, &size), "two.st");
	ck_assert_ptr_null(f->file_at(st, 3, &size));
}
END_TEST

/* spec H4-1 */
START_TEST(a_recipe_has_the_index_and_every_shard)
{
	struct heft_origin o;

	open_set(GOOD);
	heft_origin_init(&o);
	ck_assert_int_eq(f->origin(st, s.paths[2], &o, &err), HEFT_OK);
	ck_assert_str_eq(o.format, HEFT_SHARDS_FORMAT);
	ck_assert_uint_eq(o.n_files, 3);
	ck_assert_str_eq(o.files[0].name, INDEX);
	ck_assert_uint_eq(o.files[0].n_pieces, 1);
	ck_assert_mem_eq(o.files[0].pieces[0].literal, GOOD, strlen(GOOD));
	ck_assert_str_eq(o.files[1].name, "one.st");
	ck_assert_uint_eq(o.files[1].pieces[1].tensor, 0);
	ck_assert_str_eq(o.files[2].name, "two.st");
	ck_assert_uint_eq(o.files[2].pieces[1].tensor, 2);
	heft_origin_done(&o);
	heft_origin_init(&o);
	ck_assert_int_eq(f->origin(st, "folder/..", &o, &err), HEFT_OK);
	ck_assert_str_eq(o.files[0].name, INDEX);
	heft_origin_done(&o);
}
END_TEST

/* In an index '^' stands before the byte whose offset is told; without one no offset is. */
static const struct refused {
	const char *rule;
	const char *index;
	enum heft_status code;
	const char *words;
} refused[] = {
	{ "H2-2", "^[]", HEFT_E_CORRUPT, "not an object" },
	{ "H2-2", "{\"weight_map\":{\"a\":\"one.st\"^", HEFT_E_CORRUPT, "" },
	{ "H2-2", "{\"weight_map\":{}} ^x", HEFT_E_CORRUPT, "" },
	{ "H2-2", "{\"weight_map\":{},^\"weight_map\":{}}", HEFT_E_CORRUPT, "twice" },
	{ "H2-2", "{\"weight_map\":{\"a\":\"one.st\",^\"a\":\"one.st\"}}", HEFT_E_CORRUPT,
	  "twice" },
	{ "H2-2", "{\"weight_map\":{\"a\":\"one.st\",^\"\\u0061\":\"two.st\"}}", HEFT_E_CORRUPT,
	  "twice" },
	{ "H2-3", "{\"metadata\":{}^}", HEFT_E_CORRUPT, "weight_map is missing" },
	{ "H2-3", "{\"weight_map\":^[]}", HEFT_E_CORRUPT, "weight_map" },
	{ "H2-3", "{\"metadata\":^1,\"weight_map\":{}}", HEFT_E_CORRUPT, "metadata" },
	{ "H2-4", "{\"weight_map\":{^\"a\\u0000\":\"one.st\"}}", HEFT_E_UNSUPPORTED, "NUL" },
	{ "H2-5", "{\"weight_map\":{\"a\":^1}}", HEFT_E_CORRUPT, "not a string" },
	{ "H2-5", "{\"weight_map\":{\"a\":^null}}", HEFT_E_CORRUPT, "not a string" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\".\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"..\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"../one.st\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"/tmp/one.st\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"d\\\\one.st\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"one\\u007f.st\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-6", "{\"weight_map\":{\"a\":^\"one.st\\u0000\"}}", HEFT_E_CORRUPT, "plain name" },
	{ "H2-7", "{\"weight_map\":{\"a\":\"three.st\"}}", HEFT_E_CORRUPT,
	  "'three.st' does not lie" },
	{ "H2-7", "{\"weight_map\":{\"a\":\"folder\"}}", HEFT_E_CORRUPT, "'folder': a folder" },
	{ "H2-8",
	  "{\"weight_map\":{\"a\":\"one.st\",\"b\":\"one.st\",\"c\":\"two.st\",^\"d\":\"two.st\"}}",
	  HEFT_E_CORRUPT, "'d' is not in shard 'two.st'" },
	{ "H2-8", "{\"weight_map\":{\"a\":\"one.st\",^\"b\":\"two.st\",\"c\":\"two.st\"}}",
	  HEFT_E_CORRUPT, "'b' is not in shard 'two.st'" },
	{ "H2-9", "{\"weight_map\":{\"b\":\"one.st\",\"c\":\"two.st\"}}", HEFT_E_CORRUPT,
	  "'a' of shard 'one.st' is not in the index" },
	{ "H2-9", "{\"weight_map\":{\"a\":\"copy.st\",\"b\":\"one.st\"}}", HEFT_E_CORRUPT,
	  "'a' is in two shards, 'one.st' and 'copy.st'" },
};
#define N_REFUSED ((int)(sizeof refused / sizeof *refused))

START_TEST(a_set_that_breaks_a_rule_is_refused)
{
	const struct refused *r = &refused[_i];
	const char *mark = strchr(r->index, '^');
	char *index = strdup(r->index);

	write_shard("copy.st", "{\"a\":" F32_1(0, 4) "}", 4, 0);
	ck_assert_int_eq(mkdir(scratch_path(&s, "folder"), 0700), 0);
	if (mark)
		memmove(index + (mark - r->index), mark + 1, strlen(mark));
	ck_assert_msg(open_with(index, NULL) == r->code, "%s: %d %s", r->rule, err.code, err.msg);
	ck_assert_msg(strstr(err.msg, r->words) != NULL, "%s: %s", r->rule, err.msg);
	free(index);
	ck_assert_msg(err.offset == (mark ? (uint64_t)(mark - r->index) : HEFT_NO_OFFSET),
	              "%s: offset %llu", r->rule, (unsigned long long)err.offset);
}
END_TEST

START_TEST(a_fault_of_a_shard_names_it)
{
	write_shard("bad.st", "{\"a\":" F32_1(0, 4) "}  x", 4, 0);
	ck_assert_int_eq(open_with("{\"weight_map\":{\"a\":\"bad.st\"}}", NULL), HEFT_E_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, "shard 'bad.st': "));
	ck_assert_uint_ne(err.offset, HEFT_NO_OFFSET);
}
END_TEST

/* spec H2-3: what nobody knows, and what is only layout. */
START_TEST(other_members_are_passed_over)
{
	open_set(" {\n\"x\":[{\"y\":[]}], \"metadata\":{\"total_size\":7,\"t\":[1,{\"u\":null}]},"
	         "\"weight_map\":{\"b\":\"one.st\",\"a\":\"one.st\"},\"z\":null}\n ");
	ck_assert_uint_eq(f->n_tensors(st), 2);
	close_set();
	open_set("{\"metadata\":null,\"weight_map\":{}}");
	ck_assert_uint_eq(f->n_tensors(st), 0);
}
END_TEST

/* spec H3-1, H3-2 */
START_TEST(metadata_is_put_together)
{
	const char *json;

	open_set("{\"weight_map\":{\"b\":\"one.st\",\"a\":\"one.st\"}}");
	ck_assert_int_eq(f->metadata(st, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{}");
	close_set();
	write_shard("z.st",
	            "{\"__metadata__\":{\"\":\"e\",\"k\":\"w\",\"l\\n\":\"\"},\"d\":" F32_1(0,
	                                                                                    4) "}",
	            4, 0);
	open_set("{\"metadata\":{\"k\":\"no\",\"total_size\":1,\"own\":\"\\u00e9\","
	         "\"n\":{\"k\":\"1\"}},"
	         "\"weight_map\":{\"c\":\"two.st\",\"d\":\"z.st\"}}");
	ck_assert_int_eq(f->metadata(st, &json, &err), HEFT_OK);
	ck_assert_str_eq(json, "{\"k\":\"v\",\"\":\"e\",\"l\\n\":\"\",\"own\":\"\xc3\xa9\"}");
}
END_TEST

START_TEST(limits_hold_for_the_whole_set)
{
	const struct heft_open_options options[] = {
		{ .limits = { .max_tensors = 2 } },
		{ .limits = { .max_logical_bytes = 11 } },
		{ .limits = { .max_metadata_size = 12 } },
	};
	const struct heft_open_options enough = {
		.limits = { .max_tensors = 3, .max_logical_bytes = 12, .max_metadata_size = 30 },
	};

	ck_assert_int_eq(open_with("{\"metadata\":{\"own\":\"x\"},\"weight_map\":{\"c\":\"two.st\","
	                           "\"a\":\"one.st\",\"b\":\"one.st\"}}",
	                           &options[_i]),
	                 HEFT_E_LIMIT);
	close_set();
	ck_assert_int_eq(open_with(GOOD, &enough), HEFT_OK);
}
END_TEST

/* spec H2-4 */
START_TEST(a_name_has_a_limit)
{
	const struct heft_open_options options = { .limits = { .max_name_size = 3 } };

	ck_assert_int_eq(open_with("{\"weight_map\":{\"abcd\":\"one.st\"}}", &options),
	                 HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, 15);
}
END_TEST

/* spec H2-1: told by the size alone. */
START_TEST(an_index_has_a_limit)
{
	char *path = scratch_path(&s, INDEX);

	scratch_write(path, "{\"weight_map\":{}}", 17);
	ck_assert_int_eq(truncate(path, 100000001), 0);
	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	ck_assert_int_eq(f->open(src, path, NULL, &st, &err), HEFT_E_LIMIT);
}
END_TEST

/* spec H2-7 */
START_TEST(too_many_files_are_refused)
{
	const size_t room = 70000 * sizeof ",\"t00000\":\"f00000\"";
	char *index = malloc(room);
	size_t n = (size_t)snprintf(index, room, "{\"weight_map\":{");

	for (int i = 0; i <= 65536; i++)
		n += (size_t)snprintf(index + n, room - n, "%s\"t%d\":\"f%d\"", i > 0 ? "," : "", i,
		                      i);
	snprintf(index + n, room - n, "}}");
	ck_assert_int_eq(open_with(index, NULL), HEFT_E_LIMIT);
	free(index);
}
END_TEST

/* spec H2-7: fewer descriptors than shards. */
START_TEST(a_system_that_opens_no_more_files_is_told)
{
	struct rlimit old;
	struct rlimit few;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)dup(0) + 3; /* the index and one shard */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(open_with(GOOD, NULL), HEFT_E_IO);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "shard 'two.st': cannot open"));
}
END_TEST

START_TEST(an_index_is_told_by_its_first_key)
{
	static const struct {
		const char *head;
		bool is_index;
	} heads[] = {
		{ "{\"metadata\": {", true },
		{ "{\"weight_map\":{}}", true },
		{ " \t\r\n{ \n\"weight_map\"", true },
		{ "{\"metadata\"", true },
		{ "{\"metadata", false },
		{ "{\"weights\":{}}", false },
		{ "{", false },
		{ "[\"metadata\"]", false },
		{ "", false },
		{ "   ", false },
		{ "{}", false },
	};

	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		const size_t n = strlen(heads[i].head);
		uint8_t *exact = malloc(n > 0 ? n : 1);

		memcpy(exact, heads[i].head, n);
		ck_assert_msg((f->probe(exact, n, n) > 0) == heads[i].is_index, "%s",
		              heads[i].head);
		free(exact);
	}
}
END_TEST

/* Everything that a reader does. */
static enum heft_status use(struct heft_source *index, const char *path)
{
	struct heft_origin origin;
	struct heft_tensor t;
	const char *json;
	void *set = NULL;
	enum heft_status status = f->open(index, path, NULL, &set, NULL);

	heft_origin_init(&origin);
	for (uint32_t i = 0; status == HEFT_OK && i < f->n_tensors(set); i++)
		status = f->tensor_at(set, i, &t, NULL);
	if (status == HEFT_OK)
		status = f->metadata(set, &json, NULL);
	if (status == HEFT_OK)
		status = f->origin(set, path, &origin, NULL);
	heft_origin_done(&origin);
	f->close(set);
	return status;
}

START_TEST(a_reader_without_memory_says_so_and_leaks_nothing)
{
	static const char *const indexes[] = {
		"{\"metadata\":{\"x\":\"y\"},\"weight_map\":{\"c\":\"two.st\",\"a\":\"one.st\","
		"\"b\":\"one.st\"}}",
		"{\"weight_map\":{\"c\":\"two.st\",\"a\":\"one.st\"}}",
	};
	static const enum heft_status results[] = { HEFT_OK, HEFT_E_CORRUPT };
	char *path = scratch_path(&s, INDEX);
	enum heft_status got = HEFT_E_NOMEM;
	bool has_failed = true;

	scratch_write(path, indexes[_i], strlen(indexes[_i]));
	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	for (size_t n = 1; has_failed; n++) {
		alloc_fail_at(n);
		got = use(src, path);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(got, has_failed ? HEFT_E_NOMEM : results[_i]);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("format shards");
	TCase *tc = tcase_create("shards");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, tensors_come_in_the_order_of_the_shards);
	tcase_add_test(tc, the_files_of_a_set_are_told);
	tcase_add_test(tc, a_recipe_has_the_index_and_every_shard);
	tcase_add_loop_test(tc, a_set_that_breaks_a_rule_is_refused, 0, N_REFUSED);
	tcase_add_test(tc, a_fault_of_a_shard_names_it);
	tcase_add_test(tc, other_members_are_passed_over);
	tcase_add_test(tc, metadata_is_put_together);
	tcase_add_loop_test(tc, limits_hold_for_the_whole_set, 0, 3);
	tcase_add_test(tc, a_name_has_a_limit);
	tcase_add_test(tc, an_index_has_a_limit);
	tcase_add_test(tc, too_many_files_are_refused);
	tcase_add_test(tc, a_system_that_opens_no_more_files_is_told);
	tcase_add_test(tc, an_index_is_told_by_its_first_key);
	tcase_add_loop_test(tc, a_reader_without_memory_says_so_and_leaks_nothing, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
