/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_sum.c - tests of lib/kernel/sum.c. */
#include "kernel/sum.h"

#include "lanes_cases.h"

#define MAX_N 20000

static float x[MAX_N + 8];
static double wide[MAX_N];

/* spec F3-1, as it stands there: by element numbers, level by level. */
static float naive_sum(enum heft_term term, float mean, const float *v, size_t n, size_t stride)
{
	float blocks[MAX_N / HEFT_SUM_BLOCK + 1];
	size_t n_blocks = 0;

	for (size_t first = 0; first < n || first == 0; first += HEFT_SUM_BLOCK) {
		float lanes[16];

		for (size_t j = 0; j < 16; j++)
			lanes[j] = term == HEFT_TERM_FACTOR ? 1.0f : 0.0f;
		for (size_t i = first; i < n && i < first + HEFT_SUM_BLOCK; i++) {
			const float e = v[i * stride];
			const float d = e - mean;

			if (term == HEFT_TERM_FACTOR)
				lanes[i % 16] *= e;
			else
				lanes[i % 16] += term == HEFT_TERM_VALUE    ? e
				                 : term == HEFT_TERM_SIZE   ? fabsf(e)
				                 : term == HEFT_TERM_SQUARE ? e * e
				                                            : d * d;
		}
		for (size_t half = 8; half > 0; half /= 2)
			for (size_t j = 0; j < half; j++)
				lanes[j] = term == HEFT_TERM_FACTOR ? lanes[j] * lanes[j + half]
				                                    : lanes[j] + lanes[j + half];
		blocks[n_blocks++] = lanes[0];
	}
	return heft_block_sums_meet_f32(term, blocks, n_blocks);
}

static const size_t sizes[] = {
	127, 1000, 4080, 4095, 4096, 4097, 8192, 8209, 12288, 19999, MAX_N
};
#define N_SIZES (66 + sizeof sizes / sizeof sizes[0])

static size_t size_of(size_t i)
{
	return i <= 65 ? i : sizes[i - 66];
}

/* spec F3-1 */
START_TEST(every_variant_sums_in_the_order_of_the_rule)
{
	for (size_t s = 0; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		const float *v = x + n % 5;

		case_fill(x, n + 5, _i);
		for (enum heft_term t = HEFT_TERM_VALUE; t <= HEFT_TERM_FACTOR; t++) {
			const float naive = naive_sum(t, 0.125f, v, n, 1);
			const double total = heft_total_f32_by(0, t, 0.125, v, n);

			for (size_t i = 0; i < n; i++)
				wide[i] = (double)v[i];
			for (size_t k = 0; k < N_VARIANTS; k++) {
				float sum;

				if (!HAS_VARIANT(k))
					continue;
				sum = heft_sum_f32_by(variants_tried[k], t, 0.125f, v, n);
				check_same(&sum, &naive, 1);
				check_same_f64(heft_total_f32_by(variants_tried[k], t, 0.125, v, n),
				               total);
				check_same_f64(heft_sum_f64_by(variants_tried[k], t, 0.125, wide,
				                               n),
				               total);
			}
		}
	}
}
END_TEST

/* spec F3-1, F3-3 */
START_TEST(runs_and_blocks_come_to_what_one_run_does)
{
	case_fill(x, MAX_N, _i);
	for (size_t step = 1; step < 6000; step = step * 3 + 1) {
		const float whole = heft_sum_f32_by(heft_cpu_bits(), HEFT_TERM_SQUARE, 0, x, MAX_N);
		float blocks[MAX_N / HEFT_SUM_BLOCK + 1];
		struct heft_sum_f32 s;
		float sum;

		heft_sum_f32_init(&s, HEFT_TERM_SQUARE, 0);
		for (size_t at = 0; at < MAX_N; at += step)
			heft_sum_f32_add(heft_cpu_bits(), &s, x + at,
			                 MAX_N - at < step ? MAX_N - at : step);
		sum = heft_sum_f32_done(&s);
		check_same(&sum, &whole, 1);
		heft_block_sums_f32_by(heft_cpu_bits(), HEFT_TERM_SQUARE, 0, x, MAX_N, blocks);
		sum = heft_block_sums_meet_f32(HEFT_TERM_SQUARE, blocks,
		                               MAX_N / HEFT_SUM_BLOCK + 1);
		check_same(&sum, &whole, 1);
	}
}
END_TEST

static void check_columns(size_t n_rows, size_t n_columns, int kind)
{
	const struct heft_rows rows = { 1, n_rows, 0, n_columns };
	const struct heft_rows halves = { 2, n_rows / 2, n_rows / 2 * n_columns, n_columns };
	float mean[80];
	float out[81];

	case_fill(x, n_rows * n_columns, kind);
	case_fill(mean, n_columns, 0);
	for (enum heft_term t = HEFT_TERM_VALUE; t <= HEFT_TERM_FACTOR; t++)
		for (size_t k = 0; k < N_VARIANTS; k++) {
			if (!HAS_VARIANT(k))
				continue;
			out[n_columns] = 77;
			heft_sum_columns_f32_by(variants_tried[k], t, mean, x,
			                        n_rows % 2 == 0 ? &halves : &rows, n_columns, out);
			ck_assert(out[n_columns] == 77);
			for (size_t c = 0; c < n_columns; c++) {
				const float naive = naive_sum(t, mean[c], x + c, n_rows, n_columns);

				check_same(out + c, &naive, 1);
			}
		}
}

/* spec F3-1, F3-3 */
START_TEST(columns_come_to_what_each_would_as_a_run)
{
	for (size_t n_columns = 1; n_columns < 80; n_columns += 1 + n_columns / 5)
		for (size_t n_rows = 0; n_rows * n_columns <= MAX_N; n_rows += 1 + n_rows * 2)
			check_columns(n_rows, n_columns, _i);
	check_columns(8193, 2, _i);
	check_columns(12288, 1, _i);
}
END_TEST

/* spec F3-2 */
START_TEST(mean_and_variance_are_near_those_of_binary64)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		double mean = 0;
		double squares = 0;
		float got[2];
		float columns[2];
		const struct heft_rows rows = { 1, n, 0, 1 };

		case_fill(x, n, 1);
		for (size_t i = 0; i < n; i++)
			mean += (double)x[i] / (double)n;
		for (size_t i = 0; i < n; i++)
			squares += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
		heft_mean_variance_f32_by(heft_cpu_bits(), x, n, got, got + 1);
		ck_assert(fabs((double)got[0] - mean) <= 3e-7);
		ck_assert(fabs((double)got[1] - squares) <= 1e-5 * squares + 1e-13);
		heft_mean_variance_columns_f32_by(heft_cpu_bits(), x, &rows, 1, columns,
		                                  columns + 1);
		check_same(got, columns, 2);
	}
}
END_TEST

/* spec F1-4, F3-4 */
START_TEST(extremes_are_the_first_and_nan_stays)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		const struct heft_rows rows = { 1, n, 0, 1 };
		float max;
		float min;

		case_fill(x, n, _i);
		max = min = x[0];
		for (size_t i = 1; i < n; i++) {
			max = x[i] > max || (isnan(x[i]) && !isnan(max)) ? x[i] : max;
			min = x[i] < min || (isnan(x[i]) && !isnan(min)) ? x[i] : min;
			wide[i] = (double)x[i];
		}
		wide[0] = (double)x[0];
		for (size_t k = 0; k < N_VARIANTS; k++) {
			float got[4];

			if (!HAS_VARIANT(k))
				continue;
			got[0] = heft_max_f32_by(variants_tried[k], x, n);
			got[1] = heft_min_f32_by(variants_tried[k], x, n);
			heft_max_columns_f32_by(variants_tried[k], x, &rows, 1, got + 2);
			heft_min_columns_f32_by(variants_tried[k], x, &rows, 1, got + 3);
			check_same(got, &max, 1);
			check_same(got + 1, &min, 1);
			check_same(got + 2, &max, 1);
			check_same(got + 3, &min, 1);
			check_same_f64(heft_max_f64_by(variants_tried[k], wide, n), (double)max);
			check_same_f64(heft_min_f64_by(variants_tried[k], wide, n), (double)min);
		}
		check_same(x + heft_arg_max_f32(x, n, 1, false), &max, 1);
		check_same(x + heft_arg_min_f32(x, n, 1, false), &min, 1);
	}
}
END_TEST

/* spec F3-4 */
START_TEST(places_are_the_first_or_the_last)
{
	const float v[] = { 1, 3, 0, 3, 0 };
	const float with_nan[] = { 1, NAN, 9, NAN, 2 };

	ck_assert_uint_eq(heft_arg_max_f32(v, 5, 1, false), 1);
	ck_assert_uint_eq(heft_arg_max_f32(v, 5, 1, true), 3);
	ck_assert_uint_eq(heft_arg_min_f32(v, 5, 1, false), 2);
	ck_assert_uint_eq(heft_arg_min_f32(v, 5, 1, true), 4);
	ck_assert_uint_eq(heft_arg_max_f32(v, 3, 2, false), 0);
	ck_assert_uint_eq(heft_arg_max_f32(with_nan, 5, 1, false), 1);
	ck_assert_uint_eq(heft_arg_max_f32(with_nan, 5, 1, true), 3);
	ck_assert_uint_eq(heft_arg_min_f32(with_nan, 5, 1, true), 3);
}
END_TEST

/* spec F3-8 */
START_TEST(log_sum_exp_is_near_that_of_binary64)
{
	const float low[] = { -INFINITY, -INFINITY };

	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		const float scalar = (case_fill(x, n, 0), heft_log_sum_exp_f32_by(0, x, n));
		const float best = heft_log_sum_exp_f32_by(heft_cpu_bits(), x, n);
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += exp((double)x[i]);
		check_same(&scalar, &best, 1);
		ck_assert(fabs((double)best - log(sum)) <= 2e-6);
	}
	ck_assert(heft_log_sum_exp_f32_by(heft_cpu_bits(), x, 0) == -INFINITY);
	ck_assert(heft_log_sum_exp_f32_by(heft_cpu_bits(), low, 2) == -INFINITY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_sum");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_variant_sums_in_the_order_of_the_rule, 0, N_KINDS);
	tcase_add_loop_test(t, runs_and_blocks_come_to_what_one_run_does, 0, N_KINDS);
	tcase_add_loop_test(t, columns_come_to_what_each_would_as_a_run, 0, N_KINDS);
	tcase_add_test(t, mean_and_variance_are_near_those_of_binary64);
	tcase_add_loop_test(t, extremes_are_the_first_and_nan_stays, 0, N_KINDS);
	tcase_add_test(t, places_are_the_first_or_the_last);
	tcase_add_test(t, log_sum_exp_is_near_that_of_binary64);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
