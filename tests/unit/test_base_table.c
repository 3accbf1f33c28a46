/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_table.c - tests of lib/base/table.h and the little-endian reads and writes of
 * lib/base/bytes.h. */
#include "base/table.h"

#include "unit.h"

START_TEST(numbers_are_little_endian)
{
	uint8_t b[8];

	heft_put_le64(b, UINT64_C(0x8877665544332211));
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(b[i], 0x11 * (i + 1));
	ck_assert_uint_eq(heft_get_le16(b), 0x2211);
	ck_assert_uint_eq(heft_get_le32(b + 4), UINT32_C(0x88776655));
	ck_assert_uint_eq(heft_get_le64(b), UINT64_C(0x8877665544332211));
	heft_put_le16(b, 0xfedc);
	heft_put_le32(b + 2, UINT32_C(0x89abcdef));
	ck_assert_mem_eq(b, "\xdc\xfe\xef\xcd\xab\x89", 6);
}
END_TEST

START_TEST(fields_are_read_where_they_lie)
{
	uint8_t rows[2 * 48] = { 0 };
	uint8_t digest[32];
	const struct heft_table t = { .bytes = rows, .n_rows = 2, .row_size = 48 };

	heft_put_le64(rows + 48, UINT64_C(0x0102030405060708));
	memset(rows + 48 + 16, 0xab, 32);
	ck_assert_uint_eq(heft_table_u8(&t, 1, 0), 8);
	ck_assert_uint_eq(heft_table_u16(&t, 1, 2), 0x0506);
	ck_assert_uint_eq(heft_table_u32(&t, 1, 4), UINT32_C(0x01020304));
	ck_assert_uint_eq(heft_table_u64(&t, 1, 0), UINT64_C(0x0102030405060708));
	heft_table_digest(&t, 1, 16, digest);
	ck_assert_mem_eq(digest, rows + 64, 32);
}
END_TEST

START_TEST(what_is_outside_reads_as_zero)
{
	uint8_t rows[16];
	uint8_t digest[32];
	const struct heft_table t = { .bytes = rows, .n_rows = 2, .row_size = 8 };

	memset(rows, 0xff, sizeof rows);
	ck_assert_uint_eq(heft_table_u64(&t, 1, 0), UINT64_MAX);
	ck_assert_uint_eq(heft_table_u64(&t, 2, 0), 0);
	ck_assert_uint_eq(heft_table_u64(&t, 1, 1), 0);
	ck_assert_uint_eq(heft_table_u8(&t, UINT64_MAX, 0), 0);
	ck_assert_uint_eq(heft_table_u32(&t, 0, UINT32_MAX), 0);
	heft_table_digest(&t, 0, 0, digest);
	ck_assert_uint_eq(digest[0] | digest[31], 0);
}
END_TEST

static Suite *table_suite(void)
{
	Suite *s = suite_create("base_table");
	TCase *t = tcase_create("all");

	tcase_add_test(t, numbers_are_little_endian);
	tcase_add_test(t, fields_are_read_where_they_lie);
	tcase_add_test(t, what_is_outside_reads_as_zero);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(table_suite());
}
