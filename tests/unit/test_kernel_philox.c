/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_philox.c - tests of lib/kernel/philox.c. */
#include "kernel/philox.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/elementary.h"
#include "unit.h"

#define N 4096u
#define N_MANY 1048576u

static const uint32_t variants[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };
static const struct heft_random_place place = { 0x0123456789abcdefu, 3, 5, 7 };

/* F5-1: the answers that the authors published. */
START_TEST(known_answers)
{
	static const uint32_t key[][2] = { { 0, 0 },
		                           { 0xffffffff, 0xffffffff },
		                           { 0xa4093822, 0x299f31d0 } };
	static const uint32_t counter[][4] = {
		{ 0, 0, 0, 0 },
		{ 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
		{ 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
	};
	static const uint32_t wanted[][4] = {
		{ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 },
		{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
		{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
	};
	uint32_t words[4];

	heft_philox(key[_i], counter[_i], words);
	ck_assert_mem_eq(words, wanted[_i], sizeof words);
}
END_TEST

/* F5-2: element i is word i mod 4 of the block whose counter ends with i / 4. */
START_TEST(words_come_by_their_place)
{
	const uint32_t key[2] = { 0x89abcdef, 0x01234567 };
	static uint32_t y[N];

	heft_random_words(&place, 400, y, N);
	for (size_t i = 0; i < N; i += 4) {
		const uint32_t counter[4] = { 3, 5, 7, (uint32_t)(100 + i / 4) };
		uint32_t words[4];

		heft_philox(key, counter, words);
		ck_assert_mem_eq(y + i, words, sizeof words);
	}
}
END_TEST

/* Every length, in every variant, with nothing beside the array. */
START_TEST(arrays_are_the_same_in_every_variant)
{
	static uint32_t words[N];
	static float uniform[N];
	static float normal[N];

	heft_random_words_by(0, &place, 8, words, N);
	heft_random_uniform_f32_by(0, &place, 8, uniform, N);
	heft_random_normal_f32_by(0, &place, 8, normal, N);
	for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
		for (size_t n = 0; n <= N; n += n < 140 ? 1 : 1978) {
			static uint32_t y[N + 1];
			static float f[N + 1];

			if (variants[v] & ~heft_cpu_bits())
				continue;
			y[n] = 77;
			heft_random_words_by(variants[v], &place, 8, y, n);
			ck_assert_mem_eq(y, words, n * sizeof *y);
			ck_assert_uint_eq(y[n], 77);
			f[n] = 77;
			heft_random_uniform_f32_by(variants[v], &place, 8, f, n);
			ck_assert_mem_eq(f, uniform, n * sizeof *f);
			ck_assert(f[n] == 77);
			heft_random_normal_f32_by(variants[v], &place, 8, f, n);
			ck_assert_mem_eq(f, normal, n * sizeof *f);
			ck_assert(f[n] == 77);
		}
}
END_TEST

/* F5-3 */
START_TEST(uniform_numbers_are_the_words_high_bits)
{
	static uint32_t words[N];
	static float y[N];

	heft_random_words(&place, 0, words, N);
	heft_random_uniform_f32(&place, 0, y, N);
	for (size_t i = 0; i < N; i++) {
		ck_assert(y[i] >= 0 && y[i] < 1);
		ck_assert((double)y[i] == (double)(words[i] >> 8) / 16777216);
	}
}
END_TEST

/* F5-4: beside libm, and by what they are distributed as. */
START_TEST(normal_numbers_are_box_and_mullers)
{
	static uint32_t words[N];
	static float y[N];

	heft_random_words(&place, 0, words, N);
	heft_random_normal_f32(&place, 0, y, N);
	for (size_t i = 0; i < N; i += 2) {
		const double radius = sqrt(-2 * log(((double)words[i] + 1) * 0x1p-32));
		const double angle = (double)words[i + 1] * 0x1p-32 * 2 * M_PI;

		ck_assert(fabs((double)y[i] - radius * cos(angle)) < 1e-6);
		ck_assert(fabs((double)y[i + 1] - radius * sin(angle)) < 1e-6);
	}
}
END_TEST

START_TEST(normal_numbers_have_the_moments)
{
	static float y[N_MANY];
	double sums[4] = { 0 };
	unsigned n_far = 0;

	heft_random_normal_f32(&place, 0, y, N_MANY);
	for (size_t i = 0; i < N_MANY; i++) {
		const double v = (double)y[i];

		sums[0] += v;
		sums[1] += v * v;
		sums[2] += v * v * v;
		sums[3] += v * v * v * v;
		n_far += fabs(v) > 3;
	}
	/* five deviations of each mean */
	ck_assert(fabs(sums[0] / N_MANY) < 0.005);
	ck_assert(fabs(sums[1] / N_MANY - 1) < 0.007);
	ck_assert(fabs(sums[2] / N_MANY) < 0.02);
	ck_assert(fabs(sums[3] / N_MANY - 3) < 0.05);
	ck_assert_uint_lt(n_far, 3100);
	ck_assert_uint_gt(n_far, 2560);
}
END_TEST

/* F5-5 */
START_TEST(a_draw_of_64_bits_is_two_words)
{
	const uint32_t key[2] = { 0x89abcdef, 0x01234567 };
	const uint32_t counter[4] = { 3, 5, 7, 99 };
	uint32_t words[4];

	heft_philox(key, counter, words);
	ck_assert(heft_random_u64(&place, 99) == (words[0] | (uint64_t)words[1] << 32));
}
END_TEST

/* F5-6: by the definition, with a bound that refuses half of the words. */
START_TEST(bounded_integers_refuse_what_would_favour)
{
	const uint32_t key[2] = { 0x89abcdef, 0x01234567 };
	const uint64_t bound = 0x80000001u;
	const uint64_t unfair = ((uint64_t)1 << 32) % bound;
	unsigned n_later = 0;

	for (uint32_t index = 0; index < 2000; index++) {
		uint64_t product = 0;
		uint32_t n_words = 0;

		do {
			const uint32_t counter[4] = { 3 | (n_words / 4) << 16, 5, 7, index };
			uint32_t words[4];

			heft_philox(key, counter, words);
			product = words[n_words % 4] * bound;
			n_words++;
		} while ((product & 0xffffffff) < unfair);
		n_later += n_words > 4;
		ck_assert_uint_eq(heft_random_below(&place, index, (uint32_t)bound), product >> 32);
	}
	ck_assert_uint_gt(n_later, 50); /* a sixteenth need another block */
}
END_TEST

START_TEST(bounded_integers_are_equally_likely)
{
	unsigned counts[10] = { 0 };

	for (uint32_t i = 0; i < 100000; i++) {
		const uint32_t y = heft_random_below(&place, i, 10);

		ck_assert_uint_lt(y, 10);
		counts[y]++;
	}
	for (size_t i = 0; i < 10; i++)
		ck_assert(counts[i] > 9500 && counts[i] < 10500);
	ck_assert_uint_eq(heft_random_below(&place, 5, 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_philox");
	TCase *tcase = tcase_create("philox");

	tcase_add_loop_test(tcase, known_answers, 0, 3);
	tcase_add_test(tcase, words_come_by_their_place);
	tcase_add_test(tcase, arrays_are_the_same_in_every_variant);
	tcase_add_test(tcase, uniform_numbers_are_the_words_high_bits);
	tcase_add_test(tcase, normal_numbers_are_box_and_mullers);
	tcase_add_test(tcase, normal_numbers_have_the_moments);
	tcase_add_test(tcase, a_draw_of_64_bits_is_two_words);
	tcase_add_test(tcase, bounded_integers_refuse_what_would_favour);
	tcase_add_test(tcase, bounded_integers_are_equally_likely);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
