/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_update.c - tests of lib/kernel/update.c: variant beside variant, beside the rules of
 * spec F7-40 to F7-45 written out, and beside the vectors of ONNX's test suite. */
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/update.h"
#include "unit.h"

#define MOST 300
#define GUARD 77

static const uint32_t masks[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_MASKS (int)(sizeof masks / sizeof *masks)

static const size_t sizes[] = { 0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 257 };
#define N_SIZES (sizeof sizes / sizeof *sizes)

/* value, gradient, and the three states, each with a guard in front and behind */
struct arrays_f32 {
	float a[5][MOST];
};
struct arrays_f64 {
	double a[5][MOST];
};

static double drawn(size_t k, size_t i)
{
	const uint64_t h = (i * 2654435761U + k * 40503U + 12345U) % 100003U;

	return ((double)h - 50001) / (k == 1 ? 3000 : 25000);
}

#define FILL(real, type)                                                                      \
	static void fill_##real(struct arrays_##real *x, size_t n)                            \
	{                                                                                     \
		for (size_t k = 0; k < 5; k++)                                                \
			for (size_t i = 0; i < n + 2; i++)                                    \
				x->a[k][i] = (type)(k > 2 ? fabs(drawn(k, i)) : drawn(k, i)); \
		for (size_t k = 0; k < 5; k++)                                                \
			x->a[k][0] = x->a[k][n + 1] = GUARD;                                  \
	}

FILL(f32, float)
FILL(f64, double)

/* The rules, an operation a line. */
#define RULES(real, type, root)                                                             \
	static type taken_##real(const struct heft_update_gradient *t, type g)              \
	{                                                                                   \
		const type limit = (type)t->limit;                                          \
                                                                                            \
		g = g * (type)t->scale;                                                     \
		g = g * (type)t->coefficient;                                               \
		if (t->limit != 0 && g < -limit)                                            \
			g = -limit;                                                         \
		if (t->limit != 0 && g > limit)                                             \
			g = limit;                                                          \
		return g;                                                                   \
	}                                                                                   \
                                                                                            \
	static void sgd_##real(const struct heft_update_sgd *u, type *x, type g, type *b)   \
	{                                                                                   \
		g = taken_##real(&u->taken, g);                                             \
		if (u->decay != 0) {                                                        \
			const type more = (type)u->decay * *x;                              \
                                                                                            \
			g = g + more;                                                       \
		}                                                                           \
		if (b) {                                                                    \
			const type old = *b * (type)u->momentum;                            \
			const type own = g * (type)u->undamped;                             \
			type ahead;                                                         \
                                                                                            \
			*b = u->is_first ? g : old + own;                                   \
			ahead = *b * (type)u->momentum;                                     \
			g = u->is_nesterov ? g + ahead : *b;                                \
		}                                                                           \
		g = g * (type)u->rate;                                                      \
		*x = *x - g;                                                                \
	}                                                                                   \
                                                                                            \
	static void adam_##real(const struct heft_update_adam *u, type *x, type g, type *m, \
	                        type *v, type *w)                                           \
	{                                                                                   \
		type old;                                                                   \
		type own;                                                                   \
		type d;                                                                     \
                                                                                            \
		g = taken_##real(&u->taken, g);                                             \
		*x = *x * (type)u->kept;                                                    \
		if (u->decay != 0) {                                                        \
			const type more = (type)u->decay * *x;                              \
                                                                                            \
			g = g + more;                                                       \
		}                                                                           \
		old = *m * (type)u->beta1;                                                  \
		own = g * (type)u->other1;                                                  \
		*m = old + own;                                                             \
		old = *v * (type)u->beta2;                                                  \
		own = g * g;                                                                \
		own = own * (type)u->other2;                                                \
		*v = old + own;                                                             \
		if (w && *v > *w)                                                           \
			*w = *v;                                                            \
		d = root(w ? *w : *v);                                                      \
		d = d / (type)u->root2;                                                     \
		d = d + (type)u->epsilon;                                                   \
		d = *m / d;                                                                 \
		d = (type)u->rate * d;                                                      \
		*x = *x - d;                                                                \
	}

RULES(f32, float, sqrtf)
RULES(f64, double, sqrt)

static const struct heft_update_gradient ways[] = {
	{ 1, 1, 0 }, { 1.0 / 48, 1, 0 }, { 1.0 / 3, 0.37, 0 }, { 0.7, 1, 0.25 }, { 0.25, 0.9, 1.5 },
};
#define N_WAYS (sizeof ways / sizeof *ways)

#define CHECK(real, type)                                                                          \
	static void check_sgd_##real(uint32_t bits, const struct heft_update_sgd *u, bool has_b,   \
	                             size_t n)                                                     \
	{                                                                                          \
		static struct arrays_##real got;                                                   \
		static struct arrays_##real want;                                                  \
                                                                                                   \
		fill_##real(&got, n);                                                              \
		fill_##real(&want, n);                                                             \
		ck_assert_uint_eq(heft_update_sgd_##real##_by(bits, u, got.a[0] + 1, got.a[1] + 1, \
		                                              has_b ? got.a[2] + 1 : NULL, n),     \
		                  0);                                                              \
		for (size_t i = 1; i <= n; i++)                                                    \
			sgd_##real(u, &want.a[0][i], want.a[1][i], has_b ? &want.a[2][i] : NULL);  \
		for (size_t k = 0; k < 5; k++)                                                     \
			ck_assert_int_eq(memcmp(got.a[k], want.a[k], (n + 2) * sizeof(type)), 0);  \
	}                                                                                          \
                                                                                                   \
	static void check_adam_##real(uint32_t bits, const struct heft_update_adam *u, bool has_w, \
	                              size_t n)                                                    \
	{                                                                                          \
		static struct arrays_##real got;                                                   \
		static struct arrays_##real want;                                                  \
                                                                                                   \
		fill_##real(&got, n);                                                              \
		fill_##real(&want, n);                                                             \
		ck_assert_uint_eq(heft_update_adam_##real##_by(bits, u, got.a[0] + 1,              \
		                                               got.a[1] + 1, got.a[2] + 1,         \
		                                               got.a[3] + 1,                       \
		                                               has_w ? got.a[4] + 1 : NULL, n),    \
		                  0);                                                              \
		for (size_t i = 1; i <= n; i++)                                                    \
			adam_##real(u, &want.a[0][i], want.a[1][i], &want.a[2][i], &want.a[3][i],  \
			            has_w ? &want.a[4][i] : NULL);                                 \
		for (size_t k = 0; k < 5; k++)                                                     \
			ck_assert_int_eq(memcmp(got.a[k], want.a[k], (n + 2) * sizeof(type)), 0);  \
	}

CHECK(f32, float)
CHECK(f64, double)

/* F7-31, F7-41: every variant, every way, every remainder; nothing beyond. */
START_TEST(a_step_of_sgd_is_the_rule_operation_by_operation)
{
	const uint32_t bits = masks[_i] & heft_cpu_bits();

	for (size_t k = 0; k < N_SIZES * N_WAYS * 16; k++) {
		const struct heft_update_sgd u = { .taken = ways[k / N_SIZES % N_WAYS],
			                           .rate = 0.1,
			                           .decay = k / N_SIZES / N_WAYS % 2 ? 0.01 : 0,
			                           .momentum = 0.9,
			                           .undamped = 0.6,
			                           .is_first = k / N_SIZES / N_WAYS / 2 % 2,
			                           .is_nesterov = k / N_SIZES / N_WAYS / 4 % 2 };
		const bool has_b = k / N_SIZES / N_WAYS / 8 != 0;

		check_sgd_f32(bits, &u, has_b, sizes[k % N_SIZES]);
		check_sgd_f64(bits, &u, has_b, sizes[k % N_SIZES]);
	}
}
END_TEST

/* F7-42, F7-43, F7-44. */
START_TEST(a_step_of_adam_is_the_rule_operation_by_operation)
{
	const uint32_t bits = masks[_i] & heft_cpu_bits();

	for (size_t k = 0; k < N_SIZES * N_WAYS * 8; k++) {
		const struct heft_update_adam u = {
			.taken = ways[k / N_SIZES % N_WAYS],
			.rate = 0.001 / 0.1,
			.kept = k / N_SIZES / N_WAYS % 2 ? 1 - 0.001 * 0.01 : 1,
			.decay = k / N_SIZES / N_WAYS / 2 % 2 ? 0.03 : 0,
			.beta1 = 0.9,
			.other1 = 1 - 0.9,
			.beta2 = 0.999,
			.other2 = 1 - 0.999,
			.root2 = 0.0447,
			.epsilon = 1e-8,
		};
		const bool has_w = k / N_SIZES / N_WAYS / 4 != 0;

		check_adam_f32(bits, &u, has_w, sizes[k % N_SIZES]);
		check_adam_f64(bits, &u, has_w, sizes[k % N_SIZES]);
	}
}
END_TEST

/* F7-33: wherever it lies; and a value that overflows by itself. */
START_TEST(what_is_not_finite_is_seen_in_the_same_pass)
{
	static const float odd[] = { NAN, INFINITY, -INFINITY };
	const uint32_t bits = masks[_i] & heft_cpu_bits();
	const struct heft_update_sgd sgd = { .taken = { 1, 1, 0 }, .rate = 0.1 };
	const struct heft_update_adam adam = { .taken = { 1, 1, 0.5 },
		                               .rate = 0.1,
		                               .kept = 1,
		                               .beta1 = 0.9,
		                               .other1 = 0.1,
		                               .beta2 = 0.9,
		                               .other2 = 0.1,
		                               .root2 = 1,
		                               .epsilon = 1e-8 };
	static struct arrays_f32 x;

	for (size_t at = 0; at < 37; at++) {
		for (size_t k = 0; k < 3; k++) {
			fill_f32(&x, 37);
			x.a[1][1 + at] = odd[k];
			ck_assert_uint_ne(heft_update_sgd_f32_by(bits, &sgd, x.a[0] + 1, x.a[1] + 1,
			                                         NULL, 37) &
			                          HEFT_UPDATE_GRADIENT,
			                  0);
			fill_f32(&x, 37);
			x.a[1][1 + at] = odd[k];
			ck_assert_uint_ne(heft_update_adam_f32_by(bits, &adam, x.a[0] + 1,
			                                          x.a[1] + 1, x.a[2] + 1,
			                                          x.a[3] + 1, NULL, 37) &
			                          HEFT_UPDATE_GRADIENT,
			                  0);
		}
		fill_f32(&x, 37);
		x.a[0][1 + at] = 0x1.fffffep127f;
		x.a[1][1 + at] = -0x1.fffffep127f;
		ck_assert_uint_eq(heft_update_sgd_f32_by(bits, &sgd, x.a[0] + 1, x.a[1] + 1, NULL,
		                                         37),
		                  HEFT_UPDATE_VALUE);
		fill_f32(&x, 37);
		x.a[0][1 + at] = 0x1.fffffep127f;
		x.a[1][1 + at] = 0x1p-149f;
		ck_assert_uint_eq(heft_update_sgd_f32_by(bits, &sgd, x.a[0] + 1, x.a[1] + 1, NULL,
		                                         37),
		                  0);
	}
}
END_TEST

/* F7-31: a NaN passes between the limits, a number does not. */
START_TEST(a_gradient_is_scaled_and_kept_between_limits)
{
	const uint32_t bits = masks[_i] & heft_cpu_bits();
	const struct heft_update_gradient t = { 2, 0.5, 1.5 };
	const float g[5] = { 1, -7, NAN, 2, -INFINITY };
	const double g64[5] = { 1, -7, NAN, 2, -INFINITY };
	float to[6] = { 0, 0, 0, 0, 0, 9 };
	double to64[6] = { 0, 0, 0, 0, 0, 9 };

	heft_update_take_f32_by(bits, &t, to, g, 5);
	heft_update_take_f64_by(bits, &t, to64, g64, 5);
	ck_assert(to[0] == 1 && to[1] == -1.5f && isnan(to[2]) && to[3] == 1.5f && to[4] == -1.5f &&
	          to[5] == 9);
	ck_assert(to64[0] == 1 && to64[1] == -1.5 && isnan(to64[2]) && to64[3] == 1.5 &&
	          to64[4] == -1.5 && to64[5] == 9);
}
END_TEST

static void check_near(const float *got, const double *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabs((double)got[i] - want[i]) <= 1e-6 * fabs(want[i]),
		              "element %zu: %.9g and not %.9g", i, (double)got[i], want[i]);
}

/* test_momentum and test_nesterov_momentum of onnx/backend/test: their T = 0 makes beta 1. */
START_TEST(momentum_agrees_with_the_vectors_of_onnx)
{
	const uint32_t bits = masks[_i] & heft_cpu_bits();
	const float g[] = { -0.94f, -2.5f };
	struct heft_update_sgd u = {
		.taken = { 1, 1, 0 }, .rate = 0.1, .decay = 0.001, .momentum = 0.95, .undamped = 1
	};
	float x[] = { 1.2f, 2.8f };
	float v[] = { 1.7f, 3.6f };
	float x2[] = { 1.2f, 2.8f };
	float v2[] = { 1.7f, 3.6f };

	heft_update_sgd_f32_by(bits, &u, x, g, v, 2);
	check_near(x, (const double[]){ 1.13238, 2.70772 }, 2);
	u.decay = 0.01;
	u.is_nesterov = true;
	heft_update_sgd_f32_by(bits, &u, x2, g, v2, 2);
	check_near(x2, (const double[]){ 1.227535, 2.95714 }, 2);
}
END_TEST

/* test_adam of onnx/backend/test: T = 0, so that nothing is corrected and epsilon stands alone. */
START_TEST(adam_agrees_with_the_vector_of_onnx)
{
	const uint32_t bits = masks[_i] & heft_cpu_bits();
	const struct heft_update_adam u = { .taken = { 1, 1, 0 },
		                            .rate = 0.1,
		                            .kept = 1,
		                            .decay = 0.001,
		                            .beta1 = 0.95,
		                            .other1 = 1 - 0.95,
		                            .beta2 = 0.1,
		                            .other2 = 1 - 0.1,
		                            .root2 = 1,
		                            .epsilon = 1e-7 };
	const float g[] = { -0.94f, -2.5f };
	float x[] = { 1.2f, 2.8f };
	float m[] = { 1.7f, 3.6f };
	float v[] = { 0.1f, 0.1f };

	heft_update_adam_f32_by(bits, &u, x, g, m, v, NULL, 2);
	check_near(x, (const double[]){ 1.02503633, 2.66103268 }, 2);
	check_near(m, (const double[]){ 1.56806004, 3.29513979 }, 2);
	check_near(v, (const double[]){ 0.80321079, 5.62240696 }, 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernel_update");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, a_step_of_sgd_is_the_rule_operation_by_operation, 0, N_MASKS);
	tcase_add_loop_test(tc, a_step_of_adam_is_the_rule_operation_by_operation, 0, N_MASKS);
	tcase_add_loop_test(tc, what_is_not_finite_is_seen_in_the_same_pass, 0, N_MASKS);
	tcase_add_loop_test(tc, a_gradient_is_scaled_and_kept_between_limits, 0, N_MASKS);
	tcase_add_loop_test(tc, momentum_agrees_with_the_vectors_of_onnx, 0, N_MASKS);
	tcase_add_loop_test(tc, adam_agrees_with_the_vector_of_onnx, 0, N_MASKS);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
