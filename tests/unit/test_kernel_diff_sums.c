/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_diff_sums.c - tests of lib/kernel/diff_sums.c: every variant beside the scalar
 * one, bit by bit, and beside sums made another way. */
#include "kernel/diff_sums.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cpu.h"
#include "unit.h"

#define N_MAX 1037

/* Two buffers that end where the next byte cannot be read. */
struct edge {
	uint8_t *map[2];
	size_t page;
	size_t size; /* of a map */
};

static struct edge edge;
static uint32_t state = 1;

static uint32_t next_random(void)
{
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

static void set_up(void)
{
	edge.page = (size_t)sysconf(_SC_PAGESIZE);
	edge.size = (N_MAX * 8 / edge.page + 2) * edge.page;
	for (int k = 0; k < 2; k++) {
		edge.map[k] = mmap(NULL, edge.size, PROT_READ | PROT_WRITE,
		                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ck_assert_ptr_ne(edge.map[k], MAP_FAILED);
		ck_assert_int_eq(mprotect(edge.map[k] + edge.size - edge.page, edge.page,
		                          PROT_NONE),
		                 0);
	}
}

static void tear_down(void)
{
	munmap(edge.map[0], edge.size);
	munmap(edge.map[1], edge.size);
}

static uint8_t *last_bytes(int k, size_t n)
{
	return edge.map[k] + edge.size - edge.page - n;
}

static void put(uint8_t *bytes, size_t i, size_t size, double v)
{
	const float narrow = (float)v;

	memcpy(bytes + i * size, size == 4 ? (const void *)&narrow : (const void *)&v, size);
}

static double get(const uint8_t *bytes, size_t i, size_t size)
{
	float narrow;
	double wide;

	if (size == 8) {
		memcpy(&wide, bytes + i * 8, 8);
		return wide;
	}
	memcpy(&narrow, bytes + i * 4, 4);
	return (double)narrow;
}

static void fill(uint8_t *a, uint8_t *b, size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		const double v = ((double)next_random() / 16777216 - 0.5) *
		                 ldexp(1, (int)(next_random() % 24) - 12);
		const double w = next_random() % 4 == 0 ? v : v * 1.01 + 1e-3;

		put(a, i, size, v);
		put(b, i, size, w);
	}
}

static void sums_by(uint32_t bits, size_t size, const uint8_t *a, const uint8_t *b, size_t n,
                    struct heft_diff_sums *s)
{
	if (size == 4)
		heft_diff_sums_f32_by(bits, a, b, n, s);
	else
		heft_diff_sums_f64_by(bits, a, b, n, s);
}

/* A NaN may be any NaN. */
static void check_same(const struct heft_diff_sums *x, const struct heft_diff_sums *y)
{
	const double *p = &x->squares;
	const double *q = &y->squares;

	for (int i = 0; i < 5; i++)
		ck_assert(memcmp(p + i, q + i, sizeof *p) == 0 || (isnan(p[i]) && isnan(q[i])));
}

START_TEST(every_variant_equals_the_scalar_one)
{
	const size_t size = _i == 0 ? 4 : 8;

	for (size_t n = 0; n <= N_MAX; n += n < 66 ? 1 : 97) {
		for (size_t shift = 0; shift < 3; shift++) {
			uint8_t *a = last_bytes(0, n * size) - shift * 3;
			uint8_t *b = last_bytes(1, n * size) - shift * 5;
			struct heft_diff_sums scalar;
			struct heft_diff_sums best;

			fill(a, b, n, size);
			sums_by(0, size, a, b, n, &scalar);
			sums_by(heft_cpu_bits(), size, a, b, n, &best);
			check_same(&scalar, &best);
		}
	}
}
END_TEST

START_TEST(infinities_and_nans_are_seen_in_the_squares)
{
	static const double values[] = { INFINITY, -INFINITY, NAN };
	const size_t size = _i == 0 ? 4 : 8;
	uint8_t *a = last_bytes(0, 65 * size);
	uint8_t *b = last_bytes(1, 65 * size);

	for (size_t at = 0; at < 65; at++) {
		for (size_t v = 0; v < 3; v++) {
			struct heft_diff_sums scalar;
			struct heft_diff_sums best;

			fill(a, b, 65, size);
			put(at % 2 ? a : b, at, size, values[v]);
			sums_by(0, size, a, b, 65, &scalar);
			sums_by(heft_cpu_bits(), size, a, b, 65, &best);
			ck_assert(!isfinite(at % 2 ? scalar.a_squares : scalar.b_squares));
			ck_assert(isfinite(at % 2 ? scalar.b_squares : scalar.a_squares));
			ck_assert(!isfinite(at % 2 ? best.a_squares : best.b_squares));
		}
	}
}
END_TEST

START_TEST(sums_are_right)
{
	const size_t size = _i == 0 ? 4 : 8;
	uint8_t *a = last_bytes(0, N_MAX * size);
	uint8_t *b = last_bytes(1, N_MAX * size);
	long double squares = 0;
	long double products = 0;
	struct heft_diff_sums s;
	double max = 0;

	fill(a, b, N_MAX, size);
	for (size_t i = 0; i < N_MAX; i++) {
		const long double x = (long double)get(a, i, size);
		const long double y = (long double)get(b, i, size);

		squares += (x - y) * (x - y);
		products += x * y;
		max = fmax(max, fabs((double)(x - y)));
	}
	sums_by(heft_cpu_bits(), size, a, b, N_MAX, &s);
	ck_assert_double_eq_tol(s.squares, (double)squares, 1e-13 * (double)squares);
	ck_assert_double_eq_tol(s.products, (double)products, 1e-12 * s.a_squares);
	ck_assert_double_eq(s.max, max);
}
END_TEST

/* 2^53 + 1 and 2^53 are the same F64: the second part tells them apart. */
START_TEST(what_f64_lacks_of_long_integers_counts)
{
	uint8_t high[2 * 8];
	uint8_t a_low[2 * 8];
	uint8_t b_low[2 * 8];
	struct heft_diff_sums s;

	put(high, 0, 8, 9007199254740992.0);
	put(high, 1, 8, 3);
	memset(b_low, 0, sizeof b_low);
	memcpy(a_low, b_low, sizeof a_low);
	put(a_low, 0, 8, 1);
	heft_diff_sums_long(high, a_low, high, b_low, 2, &s);
	ck_assert_double_eq(s.max, 1);
	ck_assert_double_eq(s.squares, 1);
}
END_TEST

START_TEST(adding_keeps_the_larger_maximum)
{
	struct heft_diff_sums total = { 1, 2, 3, 4, 5 };
	const struct heft_diff_sums more = { 10, 20, 30, 40, 4 };

	heft_diff_sums_add(&total, &more);
	ck_assert_double_eq(total.squares, 11);
	ck_assert_double_eq(total.a_squares, 22);
	ck_assert_double_eq(total.b_squares, 33);
	ck_assert_double_eq(total.products, 44);
	ck_assert_double_eq(total.max, 5);
}
END_TEST

START_TEST(different_elements_are_counted_whatever_their_size)
{
	static const size_t units[] = { 1, 2, 3, 4, 8, 16, 18 };
	const size_t unit = units[_i];

	for (size_t n = 0; n * unit <= N_MAX * 8 - 64; n += n < 66 ? 1 : 97) {
		uint8_t *a = last_bytes(0, n * unit) - 1;
		uint8_t *b = last_bytes(1, n * unit) - 3;
		size_t want = 0;

		for (size_t i = 0; i < n * unit; i++)
			a[i] = b[i] = (uint8_t)next_random();
		for (size_t i = 0; i < n; i++) {
			if (next_random() % 3)
				continue;
			b[i * unit + next_random() % unit] ^= (uint8_t)(1u << next_random() % 8);
			want++;
		}
		ck_assert_uint_eq(heft_diff_count_by(0, unit, a, b, n), want);
		ck_assert_uint_eq(heft_diff_count_by(heft_cpu_bits(), unit, a, b, n), want);
		ck_assert_uint_eq(heft_diff_count(unit, a, b, n), want);
		ck_assert_uint_eq(heft_diff_count(unit, a, a, n), 0);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel diff sums");
	TCase *tc = tcase_create("sums");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, every_variant_equals_the_scalar_one, 0, 2);
	tcase_add_loop_test(tc, infinities_and_nans_are_seen_in_the_squares, 0, 2);
	tcase_add_loop_test(tc, sums_are_right, 0, 2);
	tcase_add_test(tc, what_f64_lacks_of_long_integers_counts);
	tcase_add_test(tc, adding_keeps_the_larger_maximum);
	tcase_add_loop_test(tc, different_elements_are_counted_whatever_their_size, 0, 7);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
