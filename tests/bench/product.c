/* SPDX-License-Identifier: Apache-2.0 */
/* product.c - prints how fast products are, in GFLOP/s, the best of several short rounds, beside
 * what the multiply-adds of one thread could do at most: matrices, and the layers of ResNet-18 and
 * MobileNetV2. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "kernel/product.h"
#include "kernel/transpose.h"

#define N_THREADS 16

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static float *room_of(size_t n)
{
	float *p = NULL;

	if (posix_memalign((void **)(void *)&p, HEFT_PRODUCT_ALIGN, n * sizeof *p + 64) != 0)
		exit(4);
	for (size_t i = 0; i < n; i++)
		p[i] = (float)((i * 2654435761u >> 8) & 0xffff) / 65536.0f - 0.5f;
	return p;
}

/* Tasks that threads take one after the other. */
struct work {
	const struct heft_product *p;
	const struct heft_product_data *d;
	void *scratch[N_THREADS];
	atomic_size_t next;
	atomic_size_t n_here; /* threads that have taken their scratch */
};

static void *run_tasks(void *user)
{
	struct work *w = user;
	void *scratch = w->scratch[atomic_fetch_add(&w->n_here, 1)];

	for (;;) {
		const size_t i = atomic_fetch_add(&w->next, 1);

		if (i >= w->p->n_tasks)
			return NULL;
		heft_product_run(w->p, w->d, i, scratch);
	}
}

static void run_once(struct work *w, unsigned n_threads)
{
	pthread_t threads[N_THREADS];

	atomic_store(&w->next, 0);
	atomic_store(&w->n_here, 0);
	for (unsigned i = 1; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, run_tasks, w) != 0)
			exit(4);
	run_tasks(w);
	for (unsigned i = 1; i < n_threads; i++)
		pthread_join(threads[i], NULL);
}

/* The best of `rounds`, in seconds. */
static double time_product(struct heft_product *p, uint32_t cpu_bits, unsigned n_threads,
                           unsigned rounds)
{
	const size_t n_taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
	struct heft_product_weights weights = { NULL, p->n_out, p->n_in * p->n_out * p->n_groups,
		                                p->n_out * p->n_groups, 1 };
	float *w = room_of(n_taps * p->n_in * p->n_out * p->n_groups);
	float *x = room_of(p->n_images * p->in[0] * p->in[1] * p->in[2] * p->x_ld);
	struct heft_product_data d = { .bias = room_of(p->n_out * p->n_groups) };
	struct work work = { .p = p, .d = &d };
	float *packed;
	double best = 1e9;

	heft_product_init_by(cpu_bits, p);
	d.x = x;
	d.y = room_of(p->n_pixels * p->y_ld);
	d.packed = packed = room_of(p->packed_size / sizeof(float));
	weights.w = w;
	for (size_t i = 0; i < p->n_pack_tasks; i++)
		heft_product_pack(p, &weights, i, packed);
	for (unsigned i = 0; i < n_threads; i++)
		work.scratch[i] = room_of(p->scratch_size / sizeof(float));
	for (unsigned i = 0; i <= rounds; i++) {
		const double begin = now();

		run_once(&work, n_threads);
		if (now() - begin < best)
			best = now() - begin;
	}
	for (unsigned i = 0; i < n_threads; i++)
		free(work.scratch[i]);
	free(w);
	free(x);
	free(packed);
	free((void *)(uintptr_t)d.bias);
	free(d.y);
	return best;
}

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

#define N_CHAINS 12
#define N_STEPS 100000
#define STEP(bits, i) acc[i] = _mm##bits##_fmadd_ps(acc[i], acc[i], acc[i]);

HEFT_TARGET_AVX2 static float chains_avx2(float x)
{
	__m256 acc[N_CHAINS];

	for (int i = 0; i < N_CHAINS; i++)
		acc[i] = _mm256_set1_ps(x * (float)i);
	for (int k = 0; k < N_STEPS; k++) {
		STEP(256, 0)
		STEP(256, 1)
		STEP(256, 2)
		STEP(256, 3)
		STEP(256, 4)
		STEP(256, 5)
		STEP(256, 6)
		STEP(256, 7)
		STEP(256, 8)
		STEP(256, 9)
		STEP(256, 10)
		STEP(256, 11)
	}
	for (int i = 1; i < N_CHAINS; i++)
		acc[0] = _mm256_add_ps(acc[0], acc[i]);
	return _mm256_cvtss_f32(acc[0]);
}

HEFT_TARGET_AVX512 static float chains_avx512(float x)
{
	__m512 acc[N_CHAINS];

	for (int i = 0; i < N_CHAINS; i++)
		acc[i] = _mm512_set1_ps(x * (float)i);
	for (int k = 0; k < N_STEPS; k++) {
		STEP(512, 0)
		STEP(512, 1)
		STEP(512, 2)
		STEP(512, 3)
		STEP(512, 4)
		STEP(512, 5)
		STEP(512, 6)
		STEP(512, 7)
		STEP(512, 8)
		STEP(512, 9)
		STEP(512, 10)
		STEP(512, 11)
	}
	for (int i = 1; i < N_CHAINS; i++)
		acc[0] = _mm512_add_ps(acc[0], acc[i]);
	return _mm512_cvtss_f32(acc[0]);
}

/* What one thread's multiply-adds could do at most, in GFLOP/s. */
static double peak_of(float (*chains)(float), size_t vector)
{
	double best = 1e9;

	for (int i = 0; i < 200; i++) {
		const double begin = now();

		if (chains(0x1p-30f) >= 0 && now() - begin < best)
			best = now() - begin;
	}
	return 2e-9 * N_CHAINS * N_STEPS * (double)vector / best;
}

static void print_peaks(void)
{
	if (heft_cpu_bits() & HEFT_CPU_AVX512)
		printf("peak of one thread, AVX-512 %.1f GFLOP/s\n", peak_of(chains_avx512, 16));
	if (heft_cpu_bits() & HEFT_CPU_AVX2)
		printf("peak of one thread, AVX2 %.1f GFLOP/s\n", peak_of(chains_avx2, 8));
}
#else
static void print_peaks(void)
{
}
#endif

struct row {
	const char *name;
	size_t size; /* of the output; or the rows of a matrix */
	size_t n_in;
	size_t n_out;
	size_t kernel; /* 0: a matrix */
	size_t stride;
	size_t n_groups;
};

static const struct row rows[] = {
	{ "64 x 3136 x 576", 3136, 576, 64, 0, 0, 1 },
	{ "128 x 784 x 1152", 784, 1152, 128, 0, 0, 1 },
	{ "256 x 196 x 2304", 196, 2304, 256, 0, 0, 1 },
	{ "512 x 49 x 4608", 49, 4608, 512, 0, 0, 1 },
	{ "64 x 12544 x 147", 12544, 147, 64, 0, 0, 1 },
	{ "96 x 3136 x 24", 3136, 24, 96, 0, 0, 1 },
	{ "384 x 512 x 1536", 512, 1536, 384, 0, 0, 1 },
	{ "1024^3", 1024, 1024, 1024, 0, 0, 1 },
	{ "2048^3", 2048, 2048, 2048, 0, 0, 1 },
	{ "one row, 4096 x 1000", 1, 4096, 1000, 0, 0, 1 },
	{ "16 rows, 512 x 1000", 16, 512, 1000, 0, 0, 1 },
	{ "resnet 112 3-64 7x7/2, widened", 112, 3, 64, 7, 2, 1 },
	{ "resnet 56 64-64 3x3", 56, 64, 64, 3, 1, 1 },
	{ "resnet 28 64-128 3x3/2", 28, 64, 128, 3, 2, 1 },
	{ "resnet 28 64-128 1x1/2", 28, 64, 128, 1, 2, 1 },
	{ "resnet 28 128-128 3x3", 28, 128, 128, 3, 1, 1 },
	{ "resnet 14 128-256 3x3/2", 14, 128, 256, 3, 2, 1 },
	{ "resnet 14 128-256 1x1/2", 14, 128, 256, 1, 2, 1 },
	{ "resnet 14 256-256 3x3", 14, 256, 256, 3, 1, 1 },
	{ "resnet 7 256-512 3x3/2", 7, 256, 512, 3, 2, 1 },
	{ "resnet 7 256-512 1x1/2", 7, 256, 512, 1, 2, 1 },
	{ "resnet 7 512-512 3x3", 7, 512, 512, 3, 1, 1 },
	{ "mobilenet 112 3-32 3x3/2, widened", 112, 3, 32, 3, 2, 1 },
	{ "mobilenet 112 32-16", 112, 32, 16, 1, 1, 1 },
	{ "mobilenet 112 16-96", 112, 16, 96, 1, 1, 1 },
	{ "mobilenet 56 96-24", 56, 96, 24, 1, 1, 1 },
	{ "mobilenet 56 24-144", 56, 24, 144, 1, 1, 1 },
	{ "mobilenet 28 144-32", 28, 144, 32, 1, 1, 1 },
	{ "mobilenet 28 32-192", 28, 32, 192, 1, 1, 1 },
	{ "mobilenet 14 64-384", 14, 64, 384, 1, 1, 1 },
	{ "mobilenet 14 384-96", 14, 384, 96, 1, 1, 1 },
	{ "mobilenet 14 576-96", 14, 576, 96, 1, 1, 1 },
	{ "mobilenet 7 160-960", 7, 160, 960, 1, 1, 1 },
	{ "mobilenet 7 960-320", 7, 960, 320, 1, 1, 1 },
	{ "mobilenet 7 320-1280", 7, 320, 1280, 1, 1, 1 },
	{ "depthwise 112 32 3x3", 112, 1, 1, 3, 1, 32 },
	{ "depthwise 56 96 3x3/2", 56, 1, 1, 3, 2, 96 },
	{ "depthwise 56 144 3x3", 56, 1, 1, 3, 1, 144 },
	{ "depthwise 28 144 3x3/2", 28, 1, 1, 3, 2, 144 },
	{ "depthwise 28 192 3x3", 28, 1, 1, 3, 1, 192 },
	{ "depthwise 14 576 3x3", 14, 1, 1, 3, 1, 576 },
	{ "depthwise 7 960 3x3", 7, 1, 1, 3, 1, 960 },
	{ "depthwise 28 240 5x5", 28, 1, 1, 5, 1, 240 },
};

static void set_product(const struct row *row, size_t n_images, struct heft_product *p)
{
	const size_t pad = row->kernel / 2;
	const size_t in = row->size * row->stride;
	struct heft_product plain;
	size_t before;
	size_t after;

	if (row->kernel == 0) {
		heft_product_matrix(p, row->size, row->n_in, row->n_out);
		return;
	}
	plain = (struct heft_product){ .n_images = n_images,
		                       .in = { 1, in, in },
		                       .out = { 1, row->size, row->size },
		                       .kernel = { 1, row->kernel, row->kernel },
		                       .stride = { 1, row->stride, row->stride },
		                       .dilation = { 1, 1, 1 },
		                       .pad = { 0, pad, pad },
		                       .n_groups = row->n_groups,
		                       .n_in = row->n_in,
		                       .n_out = row->n_out,
		                       .x_ld = row->n_groups * row->n_in,
		                       .y_ld = row->n_groups * row->n_out,
		                       .end = { .alpha = 1, .activation = HEFT_ACTIVATION_RELU } };
	if (!heft_product_widen(&plain, p, &before, &after))
		*p = plain;
}

static void print_row(const struct row *row, size_t n_images, unsigned n_threads, unsigned rounds)
{
	static const uint32_t bits[] = { HEFT_CPU_AVX2 | HEFT_CPU_AVX512, HEFT_CPU_AVX2 };
	struct heft_product p;

	printf("%-34s", row->name);
	for (size_t v = 0; v < 2; v++) {
		double seconds;

		if ((heft_cpu_bits() & bits[v]) != bits[v])
			continue;
		set_product(row, n_images, &p);
		seconds = time_product(&p, bits[v], n_threads, rounds);
		printf(" %6.1f GFLOP/s %5.1f GB/s",
		       2e-9 * (double)(p.n_pixels * p.n_terms * p.n_out * p.n_groups) / seconds,
		       4e-9 *
		               (double)(p.n_images * p.in[1] * p.in[2] * p.x_ld +
		                        p.n_pixels * p.y_ld) /
		               seconds);
	}
	printf("\n");
	fflush(stdout);
}

static void print_conversions(size_t n_images, unsigned rounds)
{
	static const size_t sizes[][2] = { { 3, 224 }, { 64, 56 }, { 96, 112 } };

	for (size_t k = 0; k < 3; k++) {
		const size_t c = sizes[k][0];
		const size_t n = sizes[k][1] * sizes[k][1];
		float *x = room_of(n_images * c * n);
		float *y = room_of(n_images * c * n);
		double best = 1e9;

		for (unsigned i = 0; i <= rounds; i++) {
			const double begin = now();

			for (size_t image = 0; image < n_images; image++)
				heft_transpose(x + image * c * n, n, c, n, y + image * c * n, c);
			if (now() - begin < best)
				best = now() - begin;
		}
		printf("planes to pixels, %2zu of %3zu^2 %28.1f GB/s\n", c, sizes[k][1],
		       8e-9 * (double)(n_images * c * n) / best);
		free(x);
		free(y);
	}
}

int main(int argc, char **argv)
{
	const char *only = argc > 4 ? argv[4] : "";
	unsigned n_threads;
	unsigned rounds;
	size_t n_images;

	if (argc < 4) {
		fprintf(stderr, "usage: product THREADS IMAGES ROUNDS [NAME]\n");
		return 2;
	}
	n_threads = (unsigned)strtoul(argv[1], NULL, 10);
	n_images = strtoul(argv[2], NULL, 10);
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	if (n_threads < 1 || n_threads > N_THREADS || n_images < 1)
		return 2;
	print_peaks();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strstr(rows[i].name, only))
			print_row(&rows[i], n_images, n_threads, rounds);
	if (!*only)
		print_conversions(n_images, rounds);
	return 0;
}
