/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_moments.c - tests of lib/kernel/moments.c. */
#include "kernel/moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cpu.h"
#include "unit.h"

#define MAX_N ((size_t)3 * HEFT_MOMENTS_BLOCK + 7)
#define GUARD UINT32_C(0x5a5a5a5a)

/* Bytes that end where a page begins that cannot be read. */
static uint8_t *pages;
static size_t room;

static uint32_t counts[2][HEFT_MOMENTS_KEYS + 2]; /* with a guard at both ends */

static void set_up(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	room = (MAX_N * 8 + 64 + page - 1) / page * page;
	pages = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(pages != MAP_FAILED);
	ck_assert_int_eq(mprotect(pages + room, page, PROT_NONE), 0);
}

static void tear_down(void)
{
	munmap(pages, room + (size_t)sysconf(_SC_PAGESIZE));
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 32 ^ *state << 20;
}

/* What a kind of data has at a place. */
static double value_of(int kind, size_t i, uint64_t random)
{
	const double unit = (double)(random & 0xffffff) / 0x1p24 - 0.5;

	switch (kind) {
	case 0:
		return unit;
	case 1:
		return 1e8 + 64 * unit;
	case 2:
		return i % 3 == 0 ? 0.0 : i % 3 == 1 ? -0.0 : 0x1p-130 * unit;
	case 3:
		return i % 7 == 2 ? (double)NAN : i % 11 == 3 ? (double)INFINITY : unit;
	case 4:
		return i % 2 ? (double)NAN : -(double)INFINITY;
	case 5:
		return unit * 0x1p520; /* of F64; infinite in F32 */
	case 6:
		return unit * 0x1p-520;
	case 7:
		return i < HEFT_MOMENTS_BLOCK ? unit : unit * 0x1p600;
	default:
		return 0;
	}
}
#define N_KINDS 8

static void fill(uint8_t *p, size_t n, size_t size, int kind)
{
	uint64_t state = (uint64_t)kind + 1;

	for (size_t i = 0; i < n; i++) {
		const double wide = value_of(kind, i, next_random(&state));
		const float narrow = (float)wide;

		memcpy(p + i * size, size == 8 ? (const void *)&wide : (const void *)&narrow, size);
	}
}

typedef void kernel_fn(uint32_t cpu_bits, struct heft_moments *m, uint32_t *keys, const uint8_t *p,
                       size_t n);

static void run_by(kernel_fn *kernel, uint32_t cpu_bits, uint32_t *keys, struct heft_moments *m,
                   const uint8_t *p, size_t n)
{
	memset(m, 0, sizeof *m);
	memset(keys, 0, (HEFT_MOMENTS_KEYS + 2) * sizeof *keys);
	keys[0] = GUARD;
	keys[HEFT_MOMENTS_KEYS + 1] = GUARD;
	kernel(cpu_bits, m, keys + 1, p, n);
	ck_assert_uint_eq(keys[0], GUARD);
	ck_assert_uint_eq(keys[HEFT_MOMENTS_KEYS + 1], GUARD);
}

static void check_equal(kernel_fn *kernel, size_t size, size_t n, size_t shift, int kind)
{
	uint8_t *p = pages + room - n * size - shift;
	struct heft_moments scalar;
	struct heft_moments best;

	fill(p, n, size, kind);
	run_by(kernel, 0, counts[0], &scalar, p, n);
	run_by(kernel, heft_cpu_bits(), counts[1], &best, p, n);
	ck_assert_msg(memcmp(&scalar, &best, sizeof best) == 0, "%zu values of kind %d", n, kind);
	ck_assert_mem_eq(counts[0], counts[1], sizeof counts[0]);
	ck_assert_uint_eq(best.n + best.n_nan + best.n_pos_inf + best.n_neg_inf, n);
}

/* spec T2-2 */
START_TEST(every_variant_equals_the_scalar_one)
{
	for (int kind = 0; kind < N_KINDS; kind++) {
		for (size_t n = 0; n <= 65; n++) {
			check_equal(heft_moments_f32_by, 4, n, n % 4, kind);
			check_equal(heft_moments_f64_by, 8, n, n % 8, kind);
		}
		for (size_t n = HEFT_MOMENTS_BLOCK - 1; n <= MAX_N; n += 1021) {
			check_equal(heft_moments_f32_by, 4, n, 0, kind);
			check_equal(heft_moments_f64_by, 8, n, 3, kind);
		}
	}
}
END_TEST

/* spec T2-1 */
START_TEST(sums_equal_those_of_a_plain_loop)
{
	const double mean = (double)(MAX_N - 1) / 2;
	const double n = (double)MAX_N;
	struct heft_moments m = { .n = 0 };
	uint8_t *p = pages;

	for (size_t i = 0; i < MAX_N; i++) {
		const float value = (float)i;

		memcpy(p + 4 * i, &value, 4);
	}
	heft_moments_f32(&m, counts[0], p, MAX_N);
	ck_assert_uint_eq(m.n, MAX_N);
	ck_assert_double_eq(m.min, 0);
	ck_assert_double_eq(m.max, n - 1);
	ck_assert_double_eq(m.mean + m.mean_rest, mean);
	ck_assert_double_eq_tol(m.m2 / ((n * n - 1) / 12 * n), 1, 1e-14);
	ck_assert_uint_eq(m.n_zero, 1);
}
END_TEST

/* Alternating 2^24 and 2^24 + 2: two parts of the mean keep what one would round away. spec T2-4 */
START_TEST(a_large_mean_keeps_a_small_spread)
{
	struct heft_moments m = { .n = 0 };
	uint8_t *p = pages;

	for (size_t i = 0; i < MAX_N - 1; i++) {
		const float value = i % 2 ? 16777218.0F : 16777216.0F;

		memcpy(p + 4 * i, &value, 4);
	}
	heft_moments_f32(&m, counts[0], p, MAX_N - 1);
	ck_assert_double_eq(m.mean + m.mean_rest, 16777217);
	ck_assert_double_eq(m.m2, (double)(MAX_N - 1));
}
END_TEST

/* spec T2-5 */
START_TEST(squares_beyond_the_range_are_scaled)
{
	struct heft_moments m = { .n = 0 };
	const double values[] = { 0x1p1000, -0x1p1000, 0x1p1000, -0x1p1000 };
	const double small[] = { 0x1p-1000, 3 * 0x1p-1000 };

	heft_moments_f64(&m, counts[0], (const uint8_t *)values, 4);
	ck_assert_int_eq(m.scale, 1);
	ck_assert_double_eq(m.mean, 0);
	ck_assert_double_eq(m.m2, 4 * 0x1p800);
	heft_moments_f64(&m, counts[0], (const uint8_t *)small, 2);
	ck_assert_int_eq(m.scale, 1);
	ck_assert_uint_eq(m.n, 6);
	memset(&m, 0, sizeof m);
	heft_moments_f64(&m, counts[0], (const uint8_t *)small, 2);
	ck_assert_int_eq(m.scale, -1);
	ck_assert_double_eq(m.mean, 0x1p-399);
	ck_assert_double_eq(m.m2, 2 * 0x1p-800);
}
END_TEST

START_TEST(nothing_leaves_everything_as_it_was)
{
	struct heft_moments m = { .n = 0 };
	struct heft_moments before;
	const float value = 3;

	heft_moments_f32(&m, counts[0], (const uint8_t *)&value, 1);
	before = m;
	heft_moments_f32(&m, counts[0], (const uint8_t *)&value, 0);
	heft_moments_merge(&m, &(struct heft_moments){ .n = 0 });
	ck_assert_mem_eq(&m, &before, sizeof m);
}
END_TEST

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

/* spec T3-1 */
START_TEST(the_key_of_a_double_is_that_of_the_f32_cut_from_it)
{
	uint64_t state = 9;

	for (int i = 0; i < 200000; i++) {
		const uint32_t bits = (uint32_t)next_random(&state);
		float value;

		memcpy(&value, &bits, sizeof value);
		if (!isfinite(value))
			continue;
		ck_assert_uint_eq(heft_moments_key(bits_of((double)value)), bits >> 16);
		/* a little further from zero: cut, never rounded */
		if ((bits & 0xffff) != 0)
			ck_assert_uint_eq(heft_moments_key(bits_of((double)value) + 12345),
			                  bits >> 16);
	}
	ck_assert_uint_eq(heft_moments_key(bits_of(1e300)), HEFT_KEY_MAX);
	ck_assert_uint_eq(heft_moments_key(bits_of(-1e39)), 0x8000 | HEFT_KEY_MAX);
	ck_assert_uint_eq(heft_moments_key(bits_of(0x1p-133)), 1);
	ck_assert_uint_eq(heft_moments_key(bits_of(0x1.fp-134)), 0);
	ck_assert_uint_eq(heft_moments_key(bits_of(-0x1p-1074)), 0x8000);
	ck_assert_uint_eq(heft_moments_key(bits_of(0x1p-126)), 0x80);
	ck_assert_uint_eq(heft_moments_key(bits_of(0x1.fp-127)), 0x7c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_moments");
	TCase *tcase = tcase_create("moments");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, every_variant_equals_the_scalar_one);
	tcase_add_test(tcase, sums_equal_those_of_a_plain_loop);
	tcase_add_test(tcase, a_large_mean_keeps_a_small_spread);
	tcase_add_test(tcase, squares_beyond_the_range_are_scaled);
	tcase_add_test(tcase, nothing_leaves_everything_as_it_was);
	tcase_add_test(tcase, the_key_of_a_double_is_that_of_the_f32_cut_from_it);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
