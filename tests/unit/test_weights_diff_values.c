/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_diff_values.c - tests of lib/weights/diff_values.c: what counts as different, and
 * the measures, over dtypes and pairs of them. */
#include "heft/diff.h"

#include <math.h>

#include "diff_found.h"
#include "made.h"
#include "unit.h"

static struct scratch s;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static const float ones[] = { 1, 1, 1, 1 };

START_TEST(zeros_of_two_signs_differ_in_one_dtype_and_not_in_two)
{
	static const float a[] = { 0.0F, -0.0F, 1 };
	static const float b[] = { -0.0F, -0.0F, 1 };
	static const double wide[] = { -0.0, 0.0, 1 };
	struct heft_difference d;

	d = diff_values(&s, HEFT_DTYPE_F32, a, sizeof a, HEFT_DTYPE_F32, b, sizeof b, 3);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_VALUES);
	ck_assert_uint_eq(d.n_different, 1);
	ck_assert_double_eq(d.max_abs, 0);
	ck_assert_double_eq(d.relative, 0);
	d = diff_values(&s, HEFT_DTYPE_F32, a, sizeof a, HEFT_DTYPE_F64, wide, sizeof wide, 3);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_DTYPE);
	ck_assert_uint_eq(d.n_different, 0);
}
END_TEST

START_TEST(what_is_not_finite_is_counted_and_left_out)
{
	static const float a[] = { 3, NAN, 1, INFINITY, INFINITY, 4, NAN };
	static const float b[] = { 3, NAN, NAN, INFINITY, -INFINITY, 5, 2 };
	struct heft_difference d = diff_values(&s, HEFT_DTYPE_F32, a, sizeof a, HEFT_DTYPE_F32, b,
	                                       sizeof b, 7);
	double wide[7];

	ck_assert_uint_eq(d.n_compared, 7);
	ck_assert_uint_eq(d.n_different, 4);
	ck_assert_uint_eq(d.n_not_finite, 3);
	ck_assert_double_eq(d.max_abs, 1);
	ck_assert_double_eq(d.rms, sqrt(0.5));
	ck_assert_double_eq(d.relative, 1 / 5.0);
	ck_assert_double_eq_tol(d.cosine, 29 / (5 * sqrt(34)), 1e-15);
	for (int i = 0; i < 7; i++)
		wide[i] = (double)b[i];
	d = diff_values(&s, HEFT_DTYPE_F32, a, sizeof a, HEFT_DTYPE_F64, wide, sizeof wide, 7);
	ck_assert_uint_eq(d.n_different, 4);
	ck_assert_uint_eq(d.n_not_finite, 3);
	ck_assert_double_eq(d.max_abs, 1);
}
END_TEST

START_TEST(long_integers_keep_all_their_bits)
{
	static const int64_t a[] = { INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1, -1 };
	static const int64_t b[] = { INT64_MAX - 1, INT64_MIN, INT64_C(1) << 53, -1 };
	static const uint64_t u[] = { INT64_MAX, 0, (UINT64_C(1) << 53) + 1, UINT64_MAX };
	static const double wide[] = { 9223372036854775808.0, -9223372036854775808.0,
		                       9007199254740992.0, -1 };
	struct heft_difference d = diff_values(&s, HEFT_DTYPE_I64, a, sizeof a, HEFT_DTYPE_I64, b,
	                                       sizeof b, 4);

	ck_assert_uint_eq(d.n_different, 2);
	ck_assert_double_eq(d.max_abs, 1);
	ck_assert_double_eq(d.rms, sqrt(0.5));
	d = diff_values(&s, HEFT_DTYPE_I64, a, sizeof a, HEFT_DTYPE_U64, u, sizeof u, 4);
	ck_assert_uint_eq(d.n_different, 2);
	ck_assert_double_eq(d.max_abs, 18446744073709551616.0);
	d = diff_values(&s, HEFT_DTYPE_I64, a, sizeof a, HEFT_DTYPE_F64, wide, sizeof wide, 4);
	ck_assert_uint_eq(d.n_different, 2);
	ck_assert_double_eq(d.max_abs, 1);
}
END_TEST

START_TEST(complex_numbers_are_measured_by_magnitude)
{
	static const float a[] = { 1, 2, 3, 4, NAN, 0, 5, 5 };
	static const float b[] = { 1, 2, 0, 0, 1, 0, 5, 5 };
	static const double wide[] = { 1, 2, 0, 0, 1, 0, 5, 5 };
	struct heft_difference d = diff_values(&s, HEFT_DTYPE_C64, a, sizeof a, HEFT_DTYPE_C64, b,
	                                       sizeof b, 4);

	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(d.n_compared, 4);
		ck_assert_uint_eq(d.n_different, 2);
		ck_assert_uint_eq(d.n_not_finite, 1);
		ck_assert_double_eq(d.max_abs, 5);
		ck_assert_double_eq(d.rms, 5 / sqrt(3));
		d = diff_values(&s, HEFT_DTYPE_C64, a, sizeof a, HEFT_DTYPE_C128, wide, sizeof wide,
		                4);
	}
	d = diff_values(&s, HEFT_DTYPE_C64, a, sizeof a, HEFT_DTYPE_F32, b, sizeof b / 2, 4);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_DTYPE);
	ck_assert(!d.is_compared);
}
END_TEST

/* Codes 1 to 4 and the same but for one, in the widths that share bytes. */
START_TEST(elements_narrower_than_a_byte_are_told_apart)
{
	static const uint8_t i4_a[] = { 0x21, 0x43, 0x0f };
	static const uint8_t i4_b[] = { 0x21, 0x83, 0x0f };
	static const uint8_t f6_a[] = { 0x00, 0x80, 0x10 };
	static const uint8_t f6_b[] = { 0x00, 0x80, 0x20 };
	static const float f6_values[] = { 0, 0, 1, 0.5F };
	static const int8_t bytes[] = { 1, 2, 3, 4, -1 };
	struct heft_difference d;

	d = diff_values(&s, HEFT_DTYPE_I4, i4_a, 3, HEFT_DTYPE_I4, i4_b, 3, 5);
	ck_assert_uint_eq(d.n_different, 1);
	ck_assert_double_eq(d.max_abs, 12);
	d = diff_values(&s, HEFT_DTYPE_I4, i4_a, 3, HEFT_DTYPE_I8, bytes, 5, 5);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_DTYPE);
	d = diff_values(&s, HEFT_DTYPE_F6_E2M3, f6_a, 3, HEFT_DTYPE_F6_E2M3, f6_b, 3, 4);
	ck_assert_uint_eq(d.n_different, 1);
	ck_assert_uint_eq(d.n_compared, 4);
	d = diff_values(&s, HEFT_DTYPE_F6_E2M3, f6_a, 3, HEFT_DTYPE_F32, f6_values, 16, 4);
	ck_assert_uint_eq(d.reasons, HEFT_DIFF_DTYPE);
}
END_TEST

START_TEST(one_side_of_zeros_has_no_angle)
{
	static const float zeros[4] = { 0 };
	struct heft_difference d = diff_values(&s, HEFT_DTYPE_F32, zeros, 16, HEFT_DTYPE_F32, ones,
	                                       16, 4);

	ck_assert_double_eq(d.cosine, 0);
	ck_assert(isinf(d.relative));
	d = diff_values(&s, HEFT_DTYPE_F32, ones, 16, HEFT_DTYPE_F32, zeros, 16, 4);
	ck_assert_double_eq(d.relative, 1);
}
END_TEST

/* Texts, unknown dtypes and blocks have no value: their bytes are compared, unit by unit. */
START_TEST(what_is_no_number_is_compared_by_its_bytes)
{
	static const unsigned dtypes[] = { 0x7777, HEFT_DTYPE_GGML + 2 };
	static const uint64_t units[] = { 1, 18 };
	struct made m;
	struct found f;
	size_t size;
	char *bytes;

	made_init(&m);
	if (_i == 0) {
		const uint64_t dims[] = { 64 };
		const struct heft_listed row = {
			.dtype = 0x7777, .rank = 1, .unit = 1, .n_bytes = 64
		};

		ck_assert_int_eq(heft_listing_add(m.tensors, "w", 1, dims, &row, HEFT_E_USAGE, 0,
		                                  NULL),
		                 HEFT_OK);
	} else {
		made_add(&m, "w", dtypes[_i], 1, 64, 0);
	}
	made_write(&m, "heft", scratch_path(&s, "a"));
	made_done(&m);
	bytes = scratch_read(scratch_path(&s, "a"), &size);
	bytes[8192 + 3] ^= 1;
	scratch_write(scratch_path(&s, "b"), bytes, size);
	free(bytes);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "b"), NULL, 0, &f);
	ck_assert_uint_eq(f.n, 1);
	ck_assert(f.d[0].is_compared && !f.d[0].has_measures);
	ck_assert_uint_eq(f.d[0].n_different, 1);
	ck_assert_uint_eq(f.d[0].n_compared, (_i == 0 ? 64 : 2 * 18) / units[_i]);
	diff_with(scratch_path(&s, "a"), scratch_path(&s, "a"), NULL, 0, &f);
	ck_assert(f.summary.is_equal);
}
END_TEST

/* The dimensions of an unknown dtype say nothing of its bytes: the longer tensor must not be read
 * to its end on both sides. */
START_TEST(an_unknown_dtype_may_have_more_bytes_on_one_side)
{
	static const uint64_t sizes[] = { 64, 1 << 16 };
	struct found f;

	for (int k = 0; k < 2; k++) {
		const uint64_t dims[] = { 4 };
		const struct heft_listed row = {
			.dtype = 0x7777, .rank = 1, .unit = 1, .n_bytes = sizes[k]
		};
		struct made m;

		made_init(&m);
		ck_assert_int_eq(heft_listing_add(m.tensors, "w", 1, dims, &row, HEFT_E_USAGE, 0,
		                                  NULL),
		                 HEFT_OK);
		made_write(&m, "heft", scratch_path(&s, k == 0 ? "a" : "b"));
		made_done(&m);
	}
	for (int k = 0; k < 2; k++) {
		diff_with(scratch_path(&s, k == 0 ? "a" : "b"),
		          scratch_path(&s, k == 0 ? "b" : "a"), NULL, 0, &f);
		ck_assert_uint_eq(f.n, 1);
		ck_assert_uint_eq(f.d[0].reasons, HEFT_DIFF_SHAPE);
		ck_assert(!f.d[0].is_compared);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights diff values");
	TCase *tc = tcase_create("values");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, zeros_of_two_signs_differ_in_one_dtype_and_not_in_two);
	tcase_add_test(tc, what_is_not_finite_is_counted_and_left_out);
	tcase_add_test(tc, long_integers_keep_all_their_bits);
	tcase_add_test(tc, complex_numbers_are_measured_by_magnitude);
	tcase_add_test(tc, elements_narrower_than_a_byte_are_told_apart);
	tcase_add_test(tc, one_side_of_zeros_has_no_angle);
	tcase_add_loop_test(tc, what_is_no_number_is_compared_by_its_bytes, 0, 2);
	tcase_add_test(tc, an_unknown_dtype_may_have_more_bytes_on_one_side);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
