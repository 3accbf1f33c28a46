/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_norm.c - tests of lib/kernel/norm.c. */
#include "kernel/norm.h"

#include "kernel/elementary.h"
#include "lanes_cases.h"

#define MAX_N 20000

static float x[MAX_N];
static float y[MAX_N];
static float first[MAX_N];
static float scale[MAX_N];
static float shift[MAX_N];

static const size_t sizes[] = { 127, 256, 1000, 4095, 4096, 4097, MAX_N };
#define N_SIZES (66 + sizeof sizes / sizeof sizes[0])

static size_t size_of(size_t i)
{
	return i <= 65 ? i : sizes[i - 66];
}

static void check_near(const float *got, size_t i, double exact, double tolerance)
{
	ck_assert_msg(fabs((double)got[i] - exact) <= tolerance * (fabs(exact) + 1e-6),
	              "%zu: %a, not %a", i, (double)got[i], exact);
}

/* spec F3-5: the steps as they stand there. */
static void softmax_naively(float *to, const float *from, size_t n, bool is_log)
{
	const float m = heft_max_f32_by(0, from, n);
	float e[MAX_N];
	float sum;

	for (size_t i = 0; i < n; i++)
		e[i] = from[i] - m;
	heft_exp_f32_by(0, e, e, n);
	sum = heft_sum_f32_by(0, HEFT_TERM_VALUE, 0, e, n);
	if (is_log)
		heft_log_f32_by(0, &sum, &sum, 1);
	for (size_t i = 0; i < n; i++)
		to[i] = is_log ? (from[i] - m) - sum : e[i] / sum;
}

/* spec F3-5 */
START_TEST(softmax_takes_the_steps_of_the_rule)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);

		case_fill(x, n, _i);
		for (size_t k = 0; k < 2 * N_VARIANTS; k++) {
			const bool is_log = k % 2 != 0;

			if (!HAS_VARIANT(k / 2))
				continue;
			softmax_naively(first, x, n, is_log);
			memcpy(y, x, n * sizeof *y); /* in place */
			(is_log ? heft_log_softmax_f32_by
			        : heft_softmax_f32_by)(variants_tried[k / 2], y, y, n);
			check_same(y, first, n);
		}
	}
}
END_TEST

/* spec F3-5 */
START_TEST(softmax_down_a_column_is_that_of_a_row)
{
	for (size_t n_columns = 1; n_columns < 600; n_columns = n_columns * 2 + 1)
		for (size_t n_rows = 1; n_rows * n_columns <= MAX_N; n_rows = n_rows * 3 + 1)
			for (size_t k = 0; k < 2 * N_VARIANTS; k++) {
				const bool is_log = k % 2 != 0;

				if (!HAS_VARIANT(k / 2))
					continue;
				case_fill(x, n_rows * n_columns, _i);
				(is_log ? heft_log_softmax_columns_f32_by
				        : heft_softmax_columns_f32_by)(variants_tried[k / 2], y, x,
				                                       n_rows, n_columns,
				                                       n_columns);
				for (size_t c = 0; c < n_columns; c += 1 + n_columns / 7) {
					for (size_t i = 0; i < n_rows; i++) {
						first[i] = x[i * n_columns + c];
						shift[i] = y[i * n_columns + c];
					}
					softmax_naively(first, first, n_rows, is_log);
					check_same(shift, first, n_rows);
				}
			}
}
END_TEST

START_TEST(softmax_is_near_that_of_binary64)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		double sum = 0;

		case_fill(x, n, 0);
		for (size_t i = 0; i < n; i++)
			sum += exp((double)x[i]);
		heft_softmax_f32_by(heft_cpu_bits(), y, x, n);
		for (size_t i = 0; i < n; i++)
			check_near(y, i, exp((double)x[i]) / sum, 1e-6);
		heft_log_softmax_f32_by(heft_cpu_bits(), y, x, n);
		for (size_t i = 0; i < n; i++)
			ck_assert(fabs((double)y[i] - ((double)x[i] - log(sum))) < 4e-6);
	}
}
END_TEST

/* spec F3-6: layer, instance and pixel forms of ((x - mean) / d) scale + shift. */
START_TEST(normalisation_rounds_each_step)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		float mean;
		float d;

		case_fill(x, n, _i);
		case_fill(scale, n, 1);
		case_fill(shift, n, 0);
		heft_mean_variance_f32_by(0, x, n, &mean, &d);
		heft_norm_divisors_f32_by(0, &d, &d, 1, 1e-5f);
		for (size_t k = 0; k < N_VARIANTS; k++) {
			const uint32_t bits = variants_tried[k];

			if (!HAS_VARIANT(k))
				continue;
			heft_normalise_f32_by(bits, y, x, n, mean, d, scale, shift);
			for (size_t i = 0; i < n; i++) {
				const float t = ((x[i] - mean) / d) * scale[i];

				first[i] = t + shift[i];
			}
			check_same(y, first, n);
			heft_normalise_evenly_f32_by(bits, y, x, n, mean, d, scale, NULL);
			for (size_t i = 0; i < n; i++)
				first[i] = ((x[i] - mean) / d) * scale[0];
			check_same(y, first, n);
			heft_normalise_pixel_f32_by(bits, y, x, n, shift, scale, NULL, shift);
			for (size_t i = 0; i < n; i++)
				first[i] = (x[i] - shift[i]) / scale[i] + shift[i];
			check_same(y, first, n);
		}
	}
}
END_TEST

/* spec F3-6 */
START_TEST(batch_normalisation_is_one_fused_step)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		static float a[MAX_N];
		static float b[MAX_N];

		case_fill(x, n, _i);
		case_fill(scale, n, 1); /* as a variance, too: above 0 */
		case_fill(shift, n, 0);
		for (size_t k = 0; k < N_VARIANTS; k++) {
			const uint32_t bits = variants_tried[k];

			if (!HAS_VARIANT(k))
				continue;
			heft_batch_norm_factors_f32_by(bits, a, b, scale, shift, shift, scale, n,
			                               1e-5f);
			for (size_t i = 0; i < n; i++) {
				const float factor = scale[i] / sqrtf(scale[i] + 1e-5f);
				const float product = shift[i] * factor;

				ck_assert(a[i] == factor && b[i] == shift[i] - product);
				first[i] = fmaf(x[i], a[i], b[i]);
			}
			heft_scale_shift_f32_by(bits, y, x, n, a, b);
			check_same(y, first, n);
			heft_scale_shift_evenly_f32_by(bits, y, x, n, a[0], b[0]);
			for (size_t i = 0; i < n; i++)
				first[i] = fmaf(x[i], a[0], b[0]);
			check_same(y, first, n);
		}
	}
}
END_TEST

/* spec F3-7 */
START_TEST(rms_normalisation_divides_by_the_root_of_the_mean_of_squares)
{
	for (size_t s = 1; s < N_SIZES; s++) {
		const size_t n = size_of(s);
		float d;

		case_fill(x, n, _i);
		case_fill(scale, n, 1);
		d = sqrtf(heft_sum_f32_by(0, HEFT_TERM_SQUARE, 0, x, n) / (float)n + 1e-6f);
		for (size_t i = 0; i < n; i++)
			first[i] = (x[i] / d) * scale[i];
		for (size_t k = 0; k < N_VARIANTS; k++) {
			if (!HAS_VARIANT(k))
				continue;
			heft_rms_norm_f32_by(variants_tried[k], y, x, n, 1e-6f, scale);
			check_same(y, first, n);
		}
	}
}
END_TEST

/* spec F3-9 */
START_TEST(local_responses_are_near_those_of_binary64)
{
	for (size_t n = 1; n <= 300; n += 1 + n / 4)
		for (size_t size = 1; size <= 8; size++) {
			case_fill(x, n * 3, 0);
			heft_lrn_f32_by(0, first, x, n, 3, size, 0.5f, 0.75f, 1.5f);
			heft_lrn_f32_by(heft_cpu_bits(), y, x, n, 3, size, 0.5f, 0.75f, 1.5f);
			for (size_t c = 0; c < n; c++) {
				double sum = 0;

				for (size_t j = 0; j < n; j++)
					if (j + (size - 1) / 2 >= c &&
					    j + (size - 1) / 2 < c + size)
						sum += (double)x[3 * j] * (double)x[3 * j];
				check_same(y + 3 * c, first + 3 * c, 1);
				check_near(y, 3 * c,
				           (double)x[3 * c] /
				                   pow(1.5 + 0.5 / (double)size * sum, 0.75),
				           1e-6);
			}
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_norm");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, softmax_takes_the_steps_of_the_rule, 0, N_KINDS);
	tcase_add_loop_test(t, softmax_down_a_column_is_that_of_a_row, 0, N_KINDS);
	tcase_add_test(t, softmax_is_near_that_of_binary64);
	tcase_add_loop_test(t, normalisation_rounds_each_step, 0, N_KINDS);
	tcase_add_loop_test(t, batch_normalisation_is_one_fused_step, 0, N_KINDS);
	tcase_add_loop_test(t, rms_normalisation_divides_by_the_root_of_the_mean_of_squares, 0,
	                    N_KINDS);
	tcase_add_test(t, local_responses_are_near_those_of_binary64);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
