/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_elementary.c - tests of lib/kernel/elementary*.c: beside binary64 libm, variant
 * beside variant, and by the digests of what they gave when they were measured. */
#include <check.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "elementary_cases.h"
#include "unit.h"

#define N 4096u
#define STRIDE 16381u /* of the 2^32 inputs; a prime */
#define N_EDGES 256u
#define N_F64 200000u

static const uint32_t variants[] = { HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
#define N_VARIANTS (sizeof variants / sizeof *variants)

static const float f32_marks[] = {
	0,
	0x1p-149f,
	0x1.fffffcp-127f,
	0x1p-126f,
	0x1p-30f,
	0x1p-12f,
	0.1f,
	0.5f,
	0.625f,
	0x1.6a09e6p-1f,
	1,
	2,
	4,
	9,
	10,
	12,
	14.5f,
	16,
	88.72283f,
	89,
	90,
	103.97f,
	104,
	0x1p23f,
	0x1p24f,
	0x1p30f,
	0x1.000002p30f,
	0x1p53f,
	0x1p100f,
	0x1.fffffep127f,
	INFINITY,
	3,
	0x1.921fb6p0f,
	0x1.921fb6p1f,
	1e5f,
};
static const double f64_marks[] = {
	0,
	0x1p-1074,
	0x1.ffffffffffffep-1023,
	0x1p-1022,
	0x1p-54,
	0x1p-27,
	0.1,
	0.5,
	1,
	2,
	3,
	6,
	25,
	709.78271289338397,
	710,
	745.13321910194122,
	746,
	0x1p30,
	0x1.0000000000001p30,
	0x1p52,
	0x1p53,
	0x1.fffffffffffffp1023,
	0x1p900,
	0x1.921fb54442d18p0,
};

/* Of the results over the inputs below, in the order of the cases: another result is another
 * version of the numerics. */
static const uint64_t f32_digests[N_F32_CASES] = {
	0x126c926850e18314, /* exp */
	0x48c65f8fbdd5ad47, /* log */
	0xf45a0c3af8e5253b, /* tanh */
	0xdc663fbbe35ebb7b, /* sigmoid */
	0x9c9c53fe7e54a076, /* erf */
	0x51a81c8465739acd, /* erfc */
	0xe00be29359787665, /* gelu */
	0x6c86e749bbfaa32a, /* gelu_tanh */
	0x1acd1d091aa85dff, /* softplus */
	0x6483f439e22d99ff, /* expm1 */
	0x5e447e84d075767e, /* log1p */
	0x2a1bf26a99fe31b9, /* sin */
	0xb42e9d21df881c92, /* cos */
	0x40b3f839eb15777e, /* tan */
	0x881394c437dd450b, /* asin */
	0x22a0dc84e79074ca, /* acos */
	0xac4d71bccc2959bc, /* atan */
	0x51f53e874fe6a4e6, /* sinh */
	0xe700b1159a9e21c5, /* cosh */
	0xfff859dcb65be3c6, /* asinh */
	0x2e8aae454fb22de2, /* acosh */
	0x933591116e5bbc55, /* atanh */
	0xf81ae143d3cb1d98, /* sqrt */
	0x27601b57ce7275c9, /* reciprocal */
};
static const uint64_t f64_digests[N_F64_CASES] = {
	0x61bfac85363e75bd, /* exp */
	0xe27bbfb45a19ab43, /* log */
	0x183cb004fead54c3, /* tanh */
	0x3b7e214985642d1f, /* sigmoid */
	0xb04d1bcb0eea9c94, /* erf */
	0xa0188882b62155de, /* sin */
	0x049151dbe03ee7fa, /* cos */
};

static float f32_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static double f64_of(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Both signs of each mark and of its neighbours, and NaNs. */
static size_t f32_edges(float *x)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof f32_marks / sizeof *f32_marks; i++)
		for (int sign = -1; sign <= 1; sign += 2) {
			const float v = copysignf(f32_marks[i], (float)sign);

			x[n++] = v;
			x[n++] = nextafterf(v, INFINITY);
			x[n++] = nextafterf(v, -INFINITY);
		}
	x[n++] = f32_of(0x7fc00000);
	x[n++] = f32_of(0xffc01234);
	x[n++] = f32_of(0x7f800001); /* a signalling one */
	ck_assert_uint_le(n, N_EDGES);
	return n;
}

static size_t f64_edges(double *x)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof f64_marks / sizeof *f64_marks; i++)
		for (int sign = -1; sign <= 1; sign += 2) {
			const double v = copysign(f64_marks[i], sign);

			x[n++] = v;
			x[n++] = nextafter(v, (double)INFINITY);
			x[n++] = nextafter(v, -(double)INFINITY);
		}
	x[n++] = (double)INFINITY;
	x[n++] = -(double)INFINITY;
	x[n++] = f64_of(0xfff8000000000123u);
	x[n++] = f64_of(0x7ff0000000000001u);
	ck_assert_uint_le(n, N_EDGES);
	return n;
}

static uint64_t hash(uint64_t h, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static void check_nan(const void *y, size_t size)
{
	static const uint32_t nan32 = 0x7fc00000;
	static const uint64_t nan64 = 0x7ff8000000000000u;

	ck_assert_mem_eq(y, size == 4 ? (const void *)&nan32 : (const void *)&nan64, size);
}

/* Of n values; gives the digest of the results. */
static uint64_t try_f32(const struct f32_case *f, const float *x, size_t n, uint64_t h)
{
	static float y[N];
	static float other[N];

	f->by(0, y, x, n);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if (variants[v] & ~heft_cpu_bits())
			continue;
		memset(other, 1, sizeof other);
		f->by(variants[v], other, x, n);
		ck_assert_mem_eq(y, other, n * sizeof *y);
	}
	for (size_t i = 0; i < n; i++) {
		const double ulps = f32_ulps(y[i], f->wanted((double)x[i]));

		ck_assert_msg(ulps <= f->max_ulp, "%s(%a) is %a, off by %g", f->name, (double)x[i],
		              (double)y[i], ulps);
		if (isnan(y[i]))
			check_nan(&y[i], sizeof *y);
	}
	return hash(h, y, n * sizeof *y);
}

static uint64_t try_f64(const struct f64_case *f, const double *x, size_t n, uint64_t h)
{
	static double y[N];
	static double other[N];

	f->by(0, y, x, n);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if (variants[v] & ~heft_cpu_bits())
			continue;
		memset(other, 1, sizeof other);
		f->by(variants[v], other, x, n);
		ck_assert_mem_eq(y, other, n * sizeof *y);
	}
	for (size_t i = 0; i < n; i++) {
		const double ulps = f64_ulps(y[i], f->libm(x[i]));

		ck_assert_msg(ulps <= f->max_ulp, "%s(%a) is %a, off by %g", f->name, x[i], y[i],
		              ulps);
		if (isnan(y[i]))
			check_nan(&y[i], sizeof *y);
	}
	return hash(h, y, n * sizeof *y);
}

/* F1-2 (sqrt, reciprocal), F4-1, F4-2, F4-3, F4-4, F4-5, F4-6, F4-7, F4-8, F4-9, F4-10, F4-11,
 * F4-12, F4-14, F4-17: every 16,381st F32 there is, and the edges. */
START_TEST(f32_functions_are_near_the_truth_and_the_same_in_every_variant)
{
	const struct f32_case *f = &f32_cases[_i];
	static float x[N];
	uint64_t h = 0xcbf29ce484222325u;
	uint64_t next = 0;

	while (next < (uint64_t)1 << 32) {
		size_t n;

		for (n = 0; n < N && next < (uint64_t)1 << 32; n++, next += STRIDE)
			x[n] = f32_of((uint32_t)next);
		h = try_f32(f, x, n, h);
	}
	h = try_f32(f, x, f32_edges(x), h);
	ck_assert_msg(h == f32_digests[_i], "%s: 0x%016llx", f->name, (unsigned long long)h);
}
END_TEST

/* F4-6, F4-7, F4-8, F4-15, F4-17: any bits, and numbers near 1. */
START_TEST(f64_functions_are_near_the_truth_and_the_same_in_every_variant)
{
	const struct f64_case *f = &f64_cases[_i];
	static double x[N];
	uint64_t h = 0xcbf29ce484222325u;
	uint64_t state = 7;

	for (size_t done = 0; done < N_F64; done += N) {
		for (size_t i = 0; i < N; i++) {
			const uint64_t r = next_random(&state);

			x[i] = i % 4 == 0 ? f64_of(r)
			                  : ldexp((double)(int64_t)r, (int)(r % 16) - 68);
		}
		h = try_f64(f, x, N, h);
	}
	h = try_f64(f, x, f64_edges(x), h);
	ck_assert_msg(h == f64_digests[_i], "%s: 0x%016llx", f->name, (unsigned long long)h);
}
END_TEST

/* F4-3, F4-5, F4-9, F4-10: limits that say more than a distance does. */
START_TEST(limits_are_exact)
{
	static const struct {
		void (*array)(float *y, const float *x, size_t n);
		float x;
		float y;
	} rows[] = {
		{ heft_exp_f32, 0, 1 },
		{ heft_exp_f32, -INFINITY, 0 },
		{ heft_exp_f32, 88.8f, INFINITY },
		{ heft_log_f32, 1, 0 },
		{ heft_log_f32, -0.0f, -INFINITY },
		{ heft_tanh_f32, -0.0f, -0.0f },
		{ heft_tanh_f32, 20, 1 },
		{ heft_sigmoid_f32, 0, 0.5f },
		{ heft_sigmoid_f32, -INFINITY, 0 },
		{ heft_sigmoid_f32, INFINITY, 1 },
		{ heft_gelu_f32, -INFINITY, -0.0f },
		{ heft_gelu_f32, INFINITY, INFINITY },
		{ heft_gelu_tanh_f32, -INFINITY, -0.0f },
		{ heft_gelu_tanh_f32, -3e38f, -0.0f },
		{ heft_expm1_f32, -INFINITY, -1 },
		{ heft_log1p_f32, -1, -INFINITY },
		{ heft_softplus_f32, -INFINITY, 0 },
		{ heft_erfc_f32, -INFINITY, 2 },
		{ heft_cos_f32, 0, 1 },
		{ heft_acos_f32, 1, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		float y = -7;

		rows[i].array(&y, &rows[i].x, 1);
		ck_assert_mem_eq(&y, &rows[i].y, sizeof y);
	}
}
END_TEST

/* Every length to 70 and every start in a vector; in place; nothing beside the array. */
START_TEST(arrays_of_any_length_at_any_place)
{
	const struct f32_case *f = &f32_cases[_i];
	float x[96];
	float wanted[96];
	float y[96];

	for (size_t i = 0; i < 96; i++)
		x[i] = (float)i / 16 + 1.25f;
	f->by(0, wanted, x, 96);
	for (size_t v = 0; v <= N_VARIANTS; v++) {
		const uint32_t bits = v < N_VARIANTS ? variants[v] : 0;

		if (bits & ~heft_cpu_bits())
			continue;
		for (size_t n = 0; n <= 70; n++) {
			const size_t start = n % 17;

			for (size_t i = 0; i < 96; i++)
				y[i] = -5;
			memcpy(y + start, x, n * sizeof *y);
			f->by(bits, y + start, y + start, n);
			ck_assert_mem_eq(y + start, wanted, n * sizeof *y);
			for (size_t i = 0; i < 96; i++)
				ck_assert(y[i] == -5 || (i >= start && i < start + n));
		}
	}
}
END_TEST

/* F4-13: C's rules for every pair of edges, and seeded pairs. */
static uint64_t try_pow_f32(const float *a, const float *b, size_t n, uint64_t h)
{
	static float y[N];
	static float other[N];

	heft_pow_f32_by(0, y, a, b, n);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if (variants[v] & ~heft_cpu_bits())
			continue;
		heft_pow_f32_by(variants[v], other, a, b, n);
		ck_assert_mem_eq(y, other, n * sizeof *y);
	}
	for (size_t i = 0; i < n; i++) {
		const double ulps = f32_ulps(y[i], pow((double)a[i], (double)b[i]));

		ck_assert_msg(ulps <= 0.51, "%a ^ %a is %a, off by %g", (double)a[i], (double)b[i],
		              (double)y[i], ulps);
	}
	return hash(h, y, n * sizeof *y);
}

START_TEST(f32_powers)
{
	static float edges[N_EDGES];
	static float a[N];
	static float b[N];
	const size_t n_edges = f32_edges(edges);
	uint64_t h = 0xcbf29ce484222325u;
	uint64_t state = 3;

	/* pow of a signalling NaN and 0 is a matter of taste */
	for (size_t i = 0; i + 1 < n_edges; i++) {
		for (size_t k = 0; k + 1 < n_edges; k++) {
			a[k] = edges[i];
			b[k] = edges[k];
		}
		h = try_pow_f32(a, b, n_edges - 1, h);
	}
	for (size_t round = 0; round < 100; round++) {
		for (size_t i = 0; i < N; i++) {
			a[i] = f32_of((uint32_t)next_random(&state));
			b[i] = f32_of((uint32_t)next_random(&state));
			if (i % 2 == 0) {
				a[i] = fabsf(a[i]);
				b[i] = (float)((double)(int64_t)next_random(&state) * 0x1p-59);
			}
			if (i % 8 == 1)
				b[i] = (float)(int)(next_random(&state) % 40) - 20;
		}
		h = try_pow_f32(a, b, N, h);
	}
	ck_assert_msg(h == 0x96711524c912f1bc, "0x%016llx", (unsigned long long)h);
}
END_TEST

/* F4-16 */
static uint64_t try_pow_f64(const double *a, const double *b, size_t n, uint64_t h)
{
	static double y[N];
	static double other[N];

	heft_pow_f64_by(0, y, a, b, n);
	for (size_t v = 0; v < N_VARIANTS; v++) {
		if (variants[v] & ~heft_cpu_bits())
			continue;
		heft_pow_f64_by(variants[v], other, a, b, n);
		ck_assert_mem_eq(y, other, n * sizeof *y);
	}
	for (size_t i = 0; i < n; i++) {
		const double ulps = f64_ulps(y[i], pow(a[i], b[i]));

		ck_assert_msg(ulps <= 2, "%a ^ %a is %a, off by %g", a[i], b[i], y[i], ulps);
	}
	return hash(h, y, n * sizeof *y);
}

START_TEST(f64_powers)
{
	static double edges[N_EDGES];
	static double a[N];
	static double b[N];
	const size_t n_edges = f64_edges(edges);
	uint64_t h = 0xcbf29ce484222325u;
	uint64_t state = 4;

	for (size_t i = 0; i + 1 < n_edges; i++) {
		for (size_t k = 0; k + 1 < n_edges; k++) {
			a[k] = edges[i];
			b[k] = edges[k];
		}
		h = try_pow_f64(a, b, n_edges - 1, h);
	}
	for (size_t round = 0; round < 50; round++) {
		for (size_t i = 0; i < N; i++) {
			a[i] = f64_of(next_random(&state));
			b[i] = f64_of(next_random(&state));
			if (i % 2 == 0) {
				a[i] = fabs(a[i]);
				b[i] = (double)(int64_t)next_random(&state) * 0x1p-62;
			}
			if (i % 8 == 4)
				a[i] = 1 + (double)(int64_t)next_random(&state) * 0x1p-66;
			if (i % 8 == 4)
				b[i] *= 300;
			if (i % 8 == 1)
				b[i] = (double)(next_random(&state) % 40) - 20;
		}
		h = try_pow_f64(a, b, N, h);
	}
	ck_assert_msg(h == 0x13f2eb08f5c136e7, "0x%016llx", (unsigned long long)h);
}
END_TEST

/* F4-1: odd functions are odd and even ones even, by the bits. */
START_TEST(symmetry_is_exact)
{
	static void (*const odd[])(float *y, const float *x, size_t n) = {
		heft_tanh_f32, heft_erf_f32,  heft_sin_f32,  heft_tan_f32,
		heft_asin_f32, heft_atan_f32, heft_sinh_f32, heft_asinh_f32,
	};
	static void (*const even[])(float *y, const float *x, size_t n) = { heft_cos_f32,
		                                                            heft_cosh_f32 };
	float x[64];
	float minus[64];
	float y[64];
	float other[64];

	for (size_t i = 0; i < 64; i++) {
		x[i] = ldexpf(1.0f + (float)i / 64, (int)i - 30);
		minus[i] = -x[i];
	}
	for (size_t f = 0; f < sizeof odd / sizeof *odd; f++) {
		odd[f](y, x, 64);
		odd[f](other, minus, 64);
		for (size_t i = 0; i < 64; i++)
			ck_assert(isnan(y[i]) ? isnan(other[i]) : other[i] == -y[i]);
	}
	for (size_t f = 0; f < sizeof even / sizeof *even; f++) {
		even[f](y, x, 64);
		even[f](other, minus, 64);
		ck_assert_mem_eq(y, other, sizeof y);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_elementary");
	TCase *tcase = tcase_create("elementary");

	tcase_set_timeout(tcase, 600);
	tcase_add_loop_test(tcase, f32_functions_are_near_the_truth_and_the_same_in_every_variant,
	                    0, (int)N_F32_CASES);
	tcase_add_loop_test(tcase, f64_functions_are_near_the_truth_and_the_same_in_every_variant,
	                    0, (int)N_F64_CASES);
	tcase_add_test(tcase, limits_are_exact);
	tcase_add_loop_test(tcase, arrays_of_any_length_at_any_place, 0, (int)N_F32_CASES);
	tcase_add_test(tcase, f32_powers);
	tcase_add_test(tcase, f64_powers);
	tcase_add_test(tcase, symmetry_is_exact);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
