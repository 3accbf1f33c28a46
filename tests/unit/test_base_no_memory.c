/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_no_memory.c - every allocation of lib/base fails once: HEFT_E_NOMEM, nothing leaked,
 * nothing left behind. */
#include "alloc_fail.h"
#include "base/buffer.h"
#include "base/json_pull.h"
#include "base/pool.h"
#include "base/sink.h"
#include "base/source.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "file");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

/* It must make no assertion, since Check allocates for one. */
typedef enum heft_status (*attempt_fn)(struct heft_error *err);

/* Lets allocation 1, 2, 3, ... fail until the attempt makes no more of them, and succeeds. */
static void fail_each(attempt_fn attempt, size_t n_least)
{
	const unsigned n_files = scratch_n_files(&scratch);
	size_t n = 0;
	bool has_failed = true;

	while (has_failed) {
		struct heft_error err = { .code = HEFT_OK };
		enum heft_status st;

		alloc_fail_at(++n);
		st = attempt(&err);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		ck_assert_int_eq(err.code, st);
		if (has_failed)
			ck_assert_uint_eq(scratch_n_files(&scratch), n_files);
	}
	ck_assert_uint_gt(n, n_least);
}

static enum heft_status read_json(struct heft_error *err)
{
	static const char text[] = "{\"1\":[[[[[[[[[1]]]]]]]]],\"2\":2,\"3\":3,\"4\":4,\"5\":5,"
				   "\"6\":6,\"7\":7,\"8\":8,\"9\":9,"
				   "\"\\u0031\\u0030\":\"\\n\",\"11\":{}}";
	struct heft_json *j;
	struct heft_json_token token = { .kind = HEFT_JSON_NULL };
	enum heft_status st = heft_json_new(text, sizeof text - 1, 0, NULL, &j, err);

	if (st != HEFT_OK)
		return st;
	while (st == HEFT_OK && token.kind != HEFT_JSON_END)
		st = heft_json_next(j, &token, err);
	heft_json_free(j);
	return st;
}

START_TEST(a_json_reader_without_memory_says_so)
{
	fail_each(read_json, 4);
}
END_TEST

static enum heft_status write_file(struct heft_error *err)
{
	struct heft_sink *s;
	enum heft_status st = heft_sink_open(path, NULL, &s, err);

	if (st == HEFT_OK)
		st = heft_sink_append(s, "bytes", 5, err);
	if (st == HEFT_OK)
		st = heft_sink_commit(s, err);
	return st;
}

START_TEST(a_new_file_without_memory_leaves_nothing)
{
	fail_each(write_file, 4);
}
END_TEST

static enum heft_status open_file(struct heft_error *err)
{
	struct heft_source *s;
	const enum heft_status st = heft_source_open(path, true, &s, err);

	if (st == HEFT_OK)
		heft_source_close(s);
	return st;
}

START_TEST(a_source_without_memory_closes_its_file)
{
	scratch_write(path, "x", 1);
	fail_each(open_file, 1);
}
END_TEST

static enum heft_status make_pool(struct heft_error *err)
{
	struct heft_pool *p;
	struct heft_turn *t;
	enum heft_status st = heft_pool_new(2, &p, err);

	if (st != HEFT_OK)
		return st;
	st = heft_turn_new(&t, err);
	if (st == HEFT_OK)
		heft_turn_free(t);
	heft_pool_free(p);
	return st;
}

START_TEST(a_pool_without_memory_says_so)
{
	fail_each(make_pool, 2);
}
END_TEST

START_TEST(a_buffer_without_memory_keeps_what_it_has)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add_zeros(&b, 40);
	alloc_fail_at(1);
	heft_buffer_add_zeros(&b, 40);
	ck_assert(alloc_fail_done());
	ck_assert(!b.ok);
	ck_assert_uint_eq(b.size, 40);
	heft_buffer_done(&b);
}
END_TEST

static Suite *no_memory_suite(void)
{
	Suite *s = suite_create("base_no_memory");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_json_reader_without_memory_says_so);
	tcase_add_test(t, a_new_file_without_memory_leaves_nothing);
	tcase_add_test(t, a_source_without_memory_closes_its_file);
	tcase_add_test(t, a_pool_without_memory_says_so);
	tcase_add_test(t, a_buffer_without_memory_keeps_what_it_has);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(no_memory_suite());
}
