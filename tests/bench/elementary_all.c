/* SPDX-License-Identifier: Apache-2.0 */
/* elementary_all.c - holds the elementary functions of F32 against binary64 libm at every input, or
 * at every STRIDE-th: prints the largest error of each, where, and the seconds that it took of one
 * core; ends with 1 where one is beyond its bound. Odd and even functions are held at one sign, and
 * the other sign against the first. pow takes pairs from a generator. `list` prints the names, so
 * that a script can start a process for each. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/elementary_cases.h"
#include "base/cpu.h"

#define N_AT_ONCE 4096u

static float f32_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

static bool report(const char *name, uint64_t n, double worst, float at, double max, clock_t begin)
{
	printf("%-10s %10llu inputs, largest error %.6f ulp at %a, bound %.2f, %.0f s\n", name,
	       (unsigned long long)n, worst, (double)at, max,
	       (double)(clock() - begin) / CLOCKS_PER_SEC);
	fflush(stdout);
	return worst <= max;
}

/* Of n inputs x and their results y: where the error is larger than *worst, it and the input. */
static void judge(const struct f32_case *f, const float *x, const float *y, size_t n, double *worst,
                  float *worst_at)
{
	for (size_t i = 0; i < n; i++) {
		const double ulps = f32_ulps(y[i], f->wanted((double)x[i]));

		if (ulps > *worst) {
			*worst = ulps;
			*worst_at = x[i];
		}
	}
}

/* Whether the function of -x is that of x, as far as the signs go. */
static bool is_symmetric(const struct f32_case *f, const float *x, const float *y, size_t n)
{
	static float minus[N_AT_ONCE];
	static float other[N_AT_ONCE];
	bool is_right = true;

	for (size_t i = 0; i < n; i++)
		minus[i] = -x[i];
	f->array(other, minus, n);
	for (size_t i = 0; i < n; i++) {
		const float wanted = (float)f->symmetry * y[i];

		is_right &= isnan(wanted) ? isnan(other[i])
		                          : memcmp(&wanted, &other[i], sizeof wanted) == 0;
	}
	return is_right;
}

static bool try_all(const struct f32_case *f, uint64_t stride)
{
	static float x[N_AT_ONCE];
	static float y[N_AT_ONCE];
	const uint64_t end = (uint64_t)1 << (f->symmetry ? 31 : 32);
	const clock_t begin = clock();
	uint64_t n_tried = 0;
	double worst = 0;
	float worst_at = 0;

	for (uint64_t next = 0; next < end;) {
		size_t n;

		for (n = 0; n < N_AT_ONCE && next < end; n++, next += stride)
			x[n] = f32_of((uint32_t)next);
		f->array(y, x, n);
		judge(f, x, y, n, &worst, &worst_at);
		n_tried += n;
		if (f->symmetry && !is_symmetric(f, x, y, n)) {
			printf("%s is not symmetric\n", f->name);
			return false;
		}
	}
	return report(f->name, f->symmetry ? 2 * n_tried : n_tried, worst, worst_at, f->max_ulp,
	              begin);
}

/* Half of the pairs have any bits, the others a power that is not far from 1. */
static bool try_pow(uint64_t n_pairs)
{
	static float a[N_AT_ONCE];
	static float b[N_AT_ONCE];
	static float y[N_AT_ONCE];
	const clock_t begin = clock();
	uint64_t state = 1;
	double worst = 0;
	float worst_at = 0;

	for (uint64_t done = 0; done < n_pairs; done += N_AT_ONCE) {
		for (size_t i = 0; i < N_AT_ONCE; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			a[i] = f32_of((uint32_t)(state >> 32));
			state = state * 6364136223846793005u + 1442695040888963407u;
			b[i] = f32_of((uint32_t)(state >> 32));
			if (i % 2 == 0) {
				a[i] = fabsf(a[i]);
				b[i] = 88.0f / (fabsf(logf(a[i])) + 1) *
				       ((float)(state >> 40) / 0x1p23f - 1);
			}
		}
		heft_pow_f32(y, a, b, N_AT_ONCE);
		for (size_t i = 0; i < N_AT_ONCE; i++) {
			const double ulps = f32_ulps(y[i], pow((double)a[i], (double)b[i]));

			if (ulps > worst) {
				worst = ulps;
				worst_at = a[i];
			}
		}
	}
	return report("pow", n_pairs, worst, worst_at, 0.51, begin);
}

static void list(void)
{
	for (size_t i = 0; i < N_F32_CASES; i++)
		puts(f32_cases[i].name);
	puts("pow");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "all";
	const uint64_t stride = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	const bool all = strcmp(name, "all") == 0;
	bool is_known = all;
	bool is_right = true;

	if (argc > 3 || stride == 0) {
		fprintf(stderr, "usage: elementary_all [list | FUNCTION | all [STRIDE]]\n");
		return 2;
	}
	if (strcmp(name, "list") == 0) {
		list();
		return 0;
	}
	for (size_t i = 0; i < N_F32_CASES; i++) {
		if (!all && strcmp(f32_cases[i].name, name) != 0)
			continue;
		is_known = true;
		is_right &= try_all(&f32_cases[i], stride);
	}
	if (all || strcmp(name, "pow") == 0) {
		is_known = true;
		is_right &= try_pow(1000000000u / stride);
	}
	if (!is_known)
		fprintf(stderr, "no function %s\n", name);
	return !is_known ? 2 : is_right ? 0 : 1;
}
