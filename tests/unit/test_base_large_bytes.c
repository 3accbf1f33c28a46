/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_large_bytes.c - tests of lib/base/large_bytes.c */
#include "base/large_bytes.h"

#include <check.h>
#include <string.h>

#include "alloc_fail.h"
#include "unit.h"

START_TEST(many_bytes_lie_in_a_temporary_file)
{
	static const uint64_t sizes[] = { 1, (uint64_t)16 << 20, ((uint64_t)16 << 20) + 1 };
	struct heft_large_bytes b;
	struct heft_error err;

	ck_assert_int_eq(heft_large_bytes_init(&b, sizes[_i], NULL, &err), HEFT_OK);
	ck_assert_uint_eq(b.size, sizes[_i]);
	ck_assert(_i < 2 ? b.scratch == NULL : b.scratch != NULL);
	memset(b.bytes, 'x', sizes[_i]);
	ck_assert_uint_eq(b.bytes[sizes[_i] - 1], 'x');
	heft_large_bytes_done(&b);
	ck_assert_ptr_null(b.bytes);
	heft_large_bytes_done(&b);
}
END_TEST

START_TEST(where_there_is_no_room_they_lie_on_the_heap)
{
	struct heft_large_bytes b;
	struct heft_error err;

	ck_assert_int_eq(heft_large_bytes_init(&b, (uint64_t)17 << 20, "/nowhere", &err), HEFT_OK);
	ck_assert_ptr_null(b.scratch);
	b.bytes[0] = 1;
	heft_large_bytes_done(&b);
}
END_TEST

START_TEST(without_memory_there_are_none)
{
	struct heft_large_bytes b;
	struct heft_error err;

	alloc_fail_at(1);
	ck_assert_int_eq(heft_large_bytes_init(&b, 100, NULL, &err), HEFT_E_NOMEM);
	ck_assert(alloc_fail_done());
	ck_assert_ptr_null(b.bytes);
	heft_large_bytes_done(&b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base large bytes");
	TCase *tc = tcase_create("large bytes");

	tcase_add_loop_test(tc, many_bytes_lie_in_a_temporary_file, 0, 3);
	tcase_add_test(tc, where_there_is_no_room_they_lie_on_the_heap);
	tcase_add_test(tc, without_memory_there_are_none);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
