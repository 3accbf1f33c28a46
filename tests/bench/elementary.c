/* SPDX-License-Identifier: Apache-2.0 */
/* elementary.c - prints how long the elementary functions take for an element, in ns, the best of
 * several rounds over arrays in the cache: by each variant that this CPU has, and by libm. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/elementary_cases.h"
#include "base/cpu.h"
#include "kernel/philox.h"

#define N 4096u
#define N_ROUNDS 60

static float x32[N];
static float y32[N];
static double x64[N];
static double y64[N];
static const uint32_t variants[] = { 0, HEFT_CPU_AVX2, HEFT_CPU_AVX2 | HEFT_CPU_AVX512 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void print_time(double ns)
{
	if (ns > 1e8)
		printf("       -");
	else
		printf("%8.2f", ns);
}

static void best_of(double begin, double *best)
{
	const double ns = (now() - begin) / N;

	if (ns < *best)
		*best = ns;
}

static void bench_f32(const struct f32_case *f)
{
	double best;

	printf("%-10s f32", f->name);
	for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
		best = 1e9;
		for (int r = 0; (variants[v] & ~heft_cpu_bits()) == 0 && r < N_ROUNDS; r++) {
			const double begin = now();

			f->by(variants[v], y32, x32, N);
			best_of(begin, &best);
		}
		print_time(best);
	}
	best = 1e9;
	for (int r = 0; f->libm && r < N_ROUNDS; r++) {
		const double begin = now();

		for (size_t i = 0; i < N; i++)
			y32[i] = f->libm(x32[i]);
		best_of(begin, &best);
	}
	print_time(best);
	printf("\n");
}

static void bench_f64(const struct f64_case *f)
{
	double best;

	printf("%-10s f64", f->name);
	for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
		best = 1e9;
		for (int r = 0; (variants[v] & ~heft_cpu_bits()) == 0 && r < N_ROUNDS; r++) {
			const double begin = now();

			f->by(variants[v], y64, x64, N);
			best_of(begin, &best);
		}
		print_time(best);
	}
	best = 1e9;
	for (int r = 0; r < N_ROUNDS; r++) {
		const double begin = now();

		for (size_t i = 0; i < N; i++)
			y64[i] = f->libm(x64[i]);
		best_of(begin, &best);
	}
	print_time(best);
	printf("\n");
}

typedef void random_fn(uint32_t cpu_bits, const struct heft_random_place *at, uint64_t first,
                       float *y, size_t n);

static void bench_random(const char *name, random_fn *f)
{
	const struct heft_random_place place = { .seed = 1 };

	printf("%-14s", name);
	for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
		double best = 1e9;

		for (int r = 0; (variants[v] & ~heft_cpu_bits()) == 0 && r < N_ROUNDS; r++) {
			const double begin = now();

			f(variants[v], &place, 0, y32, N);
			best_of(begin, &best);
		}
		print_time(best);
	}
	printf("\n");
}

int main(void)
{
	/* as activations are: most between -3 and 3 */
	for (size_t i = 0; i < N; i++) {
		x32[i] = (float)(i * 2654435761u % 65536) / 65536.0f * 6.0f - 3.0f;
		x64[i] = (double)x32[i];
	}
	printf("ns an element   scalar    avx2  avx512    libm\n");
	for (size_t i = 0; i < N_F32_CASES; i++)
		bench_f32(&f32_cases[i]);
	for (size_t i = 0; i < N_F64_CASES; i++)
		bench_f64(&f64_cases[i]);
	bench_random("random uniform", heft_random_uniform_f32_by);
	bench_random("random normal", heft_random_normal_f32_by);
	return 0;
}
