/* SPDX-License-Identifier: Apache-2.0 */
/* norm.c - softmax and normalisation, out of sums, elementary functions and one elementwise
 * loop. */
#include "kernel/norm.h"

#include "base/cpu.h"
#include "kernel/elementary.h"
#include "kernel/lanes.h"

/* Columns that are worked on together, so that what belongs to them stays in the first cache. */
#define N_TOGETHER 256

/* v = x - subtract, / divide, x factor, + add: those that are not NULL, each rounded by itself, or
 * the last two fused. `one_`: a single number for all elements. */
struct steps {
	const float *subtract;
	const float *divide;
	const float *factor;
	const float *add;
	bool one_subtract;
	bool one_divide;
	bool one_factor;
	bool one_add;
	bool is_fused;
};

#define TARGET
#define ISA scalar
#include "kernel/norm_loops.inc"

#ifdef HEFT_TARGET_AVX2
#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#include "kernel/norm_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#include "kernel/norm_loops.inc"
#endif

typedef void apply_fn(float *y, const float *x, size_t n, const struct steps *steps);

static const struct heft_variant variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)apply_avx512 },
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)apply_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)apply_scalar },
};

static void apply(uint32_t cpu_bits, float *y, const float *x, size_t n, const struct steps *s)
{
	((apply_fn *)heft_variant_pick(variants, sizeof variants / sizeof *variants,
	                               cpu_bits))(y, x, n, s);
}

static void subtract_one(uint32_t cpu_bits, float *y, const float *x, size_t n, float m)
{
	const struct steps s = { .subtract = &m, .one_subtract = true };

	apply(cpu_bits, y, x, n, &s);
}

void heft_softmax_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n)
{
	float sum;
	const struct steps divide = { .divide = &sum, .one_divide = true };

	subtract_one(cpu_bits, y, x, n, heft_max_f32_by(cpu_bits, x, n));
	heft_exp_f32_by(cpu_bits, y, y, n);
	sum = heft_sum_f32_by(cpu_bits, HEFT_TERM_VALUE, 0, y, n);
	apply(cpu_bits, y, y, n, &divide);
}

void heft_log_softmax_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n)
{
	float held[N_TOGETHER];
	struct heft_sum_f32 s;
	float log_sum;

	subtract_one(cpu_bits, y, x, n, heft_max_f32_by(cpu_bits, x, n));
	heft_sum_f32_init(&s, HEFT_TERM_VALUE, 0);
	for (size_t at = 0; at < n; at += N_TOGETHER) {
		const size_t n_now = n - at < N_TOGETHER ? n - at : N_TOGETHER;

		heft_exp_f32_by(cpu_bits, held, y + at, n_now);
		heft_sum_f32_add(cpu_bits, &s, held, n_now);
	}
	log_sum = heft_sum_f32_done(&s);
	heft_log_f32_by(cpu_bits, &log_sum, &log_sum, 1);
	subtract_one(cpu_bits, y, y, n, log_sum);
}

/* Less than a whole N_TOGETHER of columns, or as many. */
static void softmax_strip(uint32_t cpu_bits, float *y, const float *x, size_t n_rows, size_t n,
                          size_t ld)
{
	const struct heft_rows rows = { 1, n_rows, 0, ld };
	float of_column[N_TOGETHER];
	const struct steps subtract = { .subtract = of_column };
	const struct steps divide = { .divide = of_column };

	heft_max_columns_f32_by(cpu_bits, x, &rows, n, of_column);
	for (size_t i = 0; i < n_rows; i++) {
		apply(cpu_bits, y + i * ld, x + i * ld, n, &subtract);
		heft_exp_f32_by(cpu_bits, y + i * ld, y + i * ld, n);
	}
	heft_sum_columns_f32_by(cpu_bits, HEFT_TERM_VALUE, NULL, y, &rows, n, of_column);
	for (size_t i = 0; i < n_rows; i++)
		apply(cpu_bits, y + i * ld, y + i * ld, n, &divide);
}

void heft_softmax_columns_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_rows,
                                 size_t n_columns, size_t ld)
{
	for (size_t c = 0; c < n_columns; c += N_TOGETHER)
		softmax_strip(cpu_bits, y + c, x + c, n_rows,
		              n_columns - c < N_TOGETHER ? n_columns - c : N_TOGETHER, ld);
}

/* A column of exponentials has no room of its own: columns are taken out one by one, in parts. */
static float log_sum_of_column(uint32_t cpu_bits, const float *y, size_t n_rows, size_t ld)
{
	float held[N_TOGETHER];
	struct heft_sum_f32 s;
	float sum;

	heft_sum_f32_init(&s, HEFT_TERM_VALUE, 0);
	for (size_t at = 0; at < n_rows; at += N_TOGETHER) {
		const size_t n = n_rows - at < N_TOGETHER ? n_rows - at : N_TOGETHER;

		for (size_t i = 0; i < n; i++)
			held[i] = y[(at + i) * ld];
		heft_exp_f32_by(cpu_bits, held, held, n);
		heft_sum_f32_add(cpu_bits, &s, held, n);
	}
	sum = heft_sum_f32_done(&s);
	heft_log_f32_by(cpu_bits, &sum, &sum, 1);
	return sum;
}

void heft_log_softmax_columns_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_rows,
                                     size_t n_columns, size_t ld)
{
	for (size_t c = 0; c < n_columns; c += N_TOGETHER) {
		const size_t n = n_columns - c < N_TOGETHER ? n_columns - c : N_TOGETHER;
		const struct heft_rows rows = { 1, n_rows, 0, ld };
		float of_column[N_TOGETHER];
		const struct steps subtract = { .subtract = of_column };

		heft_max_columns_f32_by(cpu_bits, x + c, &rows, n, of_column);
		for (size_t i = 0; i < n_rows; i++)
			apply(cpu_bits, y + c + i * ld, x + c + i * ld, n, &subtract);
		for (size_t j = 0; j < n; j++)
			of_column[j] = log_sum_of_column(cpu_bits, y + c + j, n_rows, ld);
		for (size_t i = 0; i < n_rows; i++)
			apply(cpu_bits, y + c + i * ld, y + c + i * ld, n, &subtract);
	}
}

void heft_norm_divisors_f32_by(uint32_t cpu_bits, float *d, const float *variance, size_t n,
                               float epsilon)
{
	const struct steps add = { .add = &epsilon, .one_add = true };

	apply(cpu_bits, d, variance, n, &add);
	heft_sqrt_f32_by(cpu_bits, d, d, n);
}

void heft_normalise_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float mean,
                           float d, const float *scale, const float *shift)
{
	const struct steps s = { .subtract = &mean,
		                 .divide = &d,
		                 .factor = scale,
		                 .add = shift,
		                 .one_subtract = true,
		                 .one_divide = true };

	apply(cpu_bits, y, x, n, &s);
}

void heft_normalise_evenly_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float mean,
                                  float d, const float *scale, const float *shift)
{
	const struct steps s = { .subtract = &mean,
		                 .divide = &d,
		                 .factor = scale,
		                 .add = shift,
		                 .one_subtract = true,
		                 .one_divide = true,
		                 .one_factor = true,
		                 .one_add = true };

	apply(cpu_bits, y, x, n, &s);
}

void heft_normalise_pixel_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n,
                                 const float *mean, const float *d, const float *scale,
                                 const float *shift)
{
	const struct steps s = { .subtract = mean, .divide = d, .factor = scale, .add = shift };

	apply(cpu_bits, y, x, n, &s);
}

void heft_rms_norm_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float epsilon,
                          const float *scale)
{
	float d = heft_sum_f32_by(cpu_bits, HEFT_TERM_SQUARE, 0, x, n) / (float)n;
	const struct steps s = { .divide = &d, .factor = scale, .one_divide = true };

	heft_norm_divisors_f32_by(cpu_bits, &d, &d, 1, epsilon);
	apply(cpu_bits, y, x, n, &s);
}

void heft_batch_norm_factors_f32_by(uint32_t cpu_bits, float *a, float *b, const float *scale,
                                    const float *shift, const float *mean, const float *variance,
                                    size_t n, float epsilon)
{
	heft_norm_divisors_f32_by(cpu_bits, a, variance, n, epsilon);
	for (size_t c = 0; c < n; c++) {
		a[c] = (scale ? scale[c] : 1.0f) / a[c];
		b[c] = (shift ? shift[c] : 0.0f) - mean[c] * a[c];
	}
}

void heft_scale_shift_evenly_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, float a,
                                    float b)
{
	const struct steps s = {
		.factor = &a, .add = &b, .one_factor = true, .one_add = true, .is_fused = true
	};

	apply(cpu_bits, y, x, n, &s);
}

void heft_scale_shift_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n, const float *a,
                             const float *b)
{
	const struct steps s = { .factor = a, .add = b, .is_fused = true };

	apply(cpu_bits, y, x, n, &s);
}

void heft_lrn_f32_by(uint32_t cpu_bits, float *y, const float *x, size_t n_channels, size_t stride,
                     size_t size, float alpha, float beta, float bias)
{
	const size_t n_before = (size - 1) / 2;
	const float share = alpha / (float)size;
	float power[N_TOGETHER];
	float betas[N_TOGETHER];

	for (size_t i = 0; i < N_TOGETHER; i++)
		betas[i] = beta;
	for (size_t at = 0; at < n_channels; at += N_TOGETHER) {
		const size_t n = n_channels - at < N_TOGETHER ? n_channels - at : N_TOGETHER;

		for (size_t i = 0; i < n; i++) {
			const size_t c = at + i;
			const size_t first = c < n_before ? 0 : c - n_before;
			float sum = 0.0f;

			for (size_t j = first; j < n_channels && j + n_before < c + size; j++)
				sum += x[j * stride] * x[j * stride];
			power[i] = bias + share * sum;
		}
		heft_pow_f32_by(cpu_bits, power, power, betas, n);
		for (size_t i = 0; i < n; i++)
			y[(at + i) * stride] = x[(at + i) * stride] / power[i];
	}
}
