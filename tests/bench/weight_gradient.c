/* SPDX-License-Identifier: Apache-2.0 */
/* weight_gradient.c - prints how fast the gradients of weights, and those of inputs, are on the
 * layers of ResNet-18 and MobileNetV2: GFLOP/s of one thread, the best of several rounds, with
 * AVX-512 and with AVX2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "kernel/weight_gradient.h"

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

struct row {
	const char *name;
	size_t size; /* of the output */
	size_t n_in;
	size_t n_out;
	size_t kernel;
	size_t stride;
	size_t n_groups;
};

static const struct row rows[] = {
	{ "resnet 112 3-64 7x7/2", 112, 3, 64, 7, 2, 1 },
	{ "resnet 56 64-64 3x3", 56, 64, 64, 3, 1, 1 },
	{ "resnet 28 64-128 3x3/2", 28, 64, 128, 3, 2, 1 },
	{ "resnet 28 64-128 1x1/2", 28, 64, 128, 1, 2, 1 },
	{ "resnet 28 128-128 3x3", 28, 128, 128, 3, 1, 1 },
	{ "resnet 14 128-256 3x3/2", 14, 128, 256, 3, 2, 1 },
	{ "resnet 14 256-256 3x3", 14, 256, 256, 3, 1, 1 },
	{ "resnet 7 256-512 3x3/2", 7, 256, 512, 3, 2, 1 },
	{ "resnet 7 512-512 3x3", 7, 512, 512, 3, 1, 1 },
	{ "mobilenet 112 3-32 3x3/2", 112, 3, 32, 3, 2, 1 },
	{ "mobilenet 112 32-16", 112, 32, 16, 1, 1, 1 },
	{ "mobilenet 112 16-96", 112, 16, 96, 1, 1, 1 },
	{ "mobilenet 56 96-24", 56, 96, 24, 1, 1, 1 },
	{ "mobilenet 28 32-192", 28, 32, 192, 1, 1, 1 },
	{ "mobilenet 14 576-96", 14, 576, 96, 1, 1, 1 },
	{ "mobilenet 7 320-1280", 7, 320, 1280, 1, 1, 1 },
	{ "depthwise 112 32 3x3", 112, 1, 1, 3, 1, 32 },
	{ "depthwise 56 96 3x3/2", 56, 1, 1, 3, 2, 96 },
	{ "depthwise 28 192 3x3", 28, 1, 1, 3, 1, 192 },
	{ "depthwise 7 960 3x3", 7, 1, 1, 3, 1, 960 },
	{ "depthwise 28 240 5x5", 28, 1, 1, 5, 1, 240 },
};

static struct heft_product product_of(const struct row *r, size_t n_images)
{
	const size_t in = r->size * r->stride;
	const size_t pad = r->kernel / 2;

	return (struct heft_product){ .n_images = n_images,
		                      .in = { 1, in, in },
		                      .out = { 1, r->size, r->size },
		                      .kernel = { 1, r->kernel, r->kernel },
		                      .stride = { 1, r->stride, r->stride },
		                      .dilation = { 1, 1, 1 },
		                      .pad = { 0, pad, pad },
		                      .n_groups = r->n_groups,
		                      .n_in = r->n_in,
		                      .n_out = r->n_out,
		                      .x_ld = r->n_groups * r->n_in,
		                      .y_ld = r->n_groups * r->n_out,
		                      .end = { .alpha = 1 } };
}

static size_t n_weights(const struct heft_product *p)
{
	return p->kernel[1] * p->kernel[2] * p->n_in * p->n_out * p->n_groups;
}

/* Seconds; weights lie in ONNX's order. */
static double time_weights(struct heft_product p, uint32_t bits, unsigned rounds)
{
	const size_t n_taps = p.kernel[1] * p.kernel[2];
	struct heft_weight_gradient g = { .p = p, .n_threads = 1 };
	float *x = room_of(p.n_images * p.in[1] * p.in[2] * p.x_ld);
	float *dy = room_of(p.n_images * p.out[1] * p.out[2] * p.y_ld);
	struct heft_weight_gradient_data d = { .x = x,
		                               .dy = dy,
		                               .dw = room_of(n_weights(&p)),
		                               .tap_ld = 1,
		                               .in_ld = n_taps,
		                               .out_ld = n_taps * p.n_in,
		                               .group_ld = n_taps * p.n_in * p.n_out,
		                               .db = room_of(p.y_ld) };
	double best = 1e9;
	float *scratch;

	heft_weight_gradient_init_by(bits, &g);
	d.sums = room_of(g.sums_size / sizeof(float));
	scratch = room_of(g.scratch_size / sizeof(float));
	for (unsigned k = 0; k <= rounds; k++) {
		const double begin = now();

		for (size_t i = 0; i < g.n_tasks; i++)
			heft_weight_gradient_run(&g, &d, i, scratch);
		for (size_t i = 0; i < g.n_join_tasks; i++)
			heft_weight_gradient_join(&g, &d, i, scratch);
		if (now() - begin < best)
			best = now() - begin;
	}
	free(x);
	free(dy);
	free(d.dw);
	free(d.db);
	free(d.sums);
	free(scratch);
	return best;
}

/* The same of the input's gradient, which is a transposed product. */
static double time_input(struct heft_product p, uint32_t bits, unsigned rounds)
{
	const size_t n_taps = p.kernel[1] * p.kernel[2];
	struct heft_product t = p;
	float *w = room_of(n_weights(&p));
	struct heft_product_weights weights = { w, n_taps * p.n_in * p.n_out, 1, n_taps * p.n_in,
		                                n_taps };
	struct heft_product_data d;
	double best = 1e9;
	float *packed;
	float *dy;
	float *scratch;

	memcpy(t.in, p.out, sizeof t.in);
	memcpy(t.out, p.in, sizeof t.out);
	t.n_in = p.n_out;
	t.n_out = p.n_in;
	t.x_ld = p.y_ld;
	t.y_ld = p.x_ld;
	t.is_transposed = true;
	heft_product_init_by(bits, &t);
	packed = room_of(t.packed_size / sizeof(float));
	scratch = room_of(t.scratch_size / sizeof(float));
	dy = room_of(t.n_images * t.in[1] * t.in[2] * t.x_ld);
	d = (struct heft_product_data){ .x = dy,
		                        .packed = packed,
		                        .y = room_of(t.n_pixels * t.y_ld) };
	for (size_t i = 0; i < t.n_pack_tasks; i++)
		heft_product_pack(&t, &weights, i, packed);
	for (unsigned k = 0; k <= rounds; k++) {
		const double begin = now();

		for (size_t i = 0; i < t.n_tasks; i++)
			heft_product_run(&t, &d, i, scratch);
		if (now() - begin < best)
			best = now() - begin;
	}
	free(w);
	free(packed);
	free(scratch);
	free(dy);
	free(d.y);
	return best;
}

static void print_row(const struct row *r, size_t n_images, unsigned rounds)
{
	static const uint32_t bits[] = { HEFT_CPU_AVX2 | HEFT_CPU_AVX512, HEFT_CPU_AVX2 };
	const struct heft_product p = product_of(r, n_images);
	const double flops = 2e-9 * (double)(n_weights(&p) * p.n_images * p.out[1] * p.out[2]);

	printf("%-26s", r->name);
	for (size_t v = 0; v < 2; v++) {
		if ((heft_cpu_bits() & bits[v]) != bits[v])
			continue;
		printf("  weights %6.1f input %6.1f", flops / time_weights(p, bits[v], rounds),
		       flops / time_input(p, bits[v], rounds));
	}
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *only = argc > 3 ? argv[3] : "";
	size_t n_images;
	unsigned rounds;

	if (argc < 3) {
		fprintf(stderr, "usage: weight_gradient IMAGES ROUNDS [NAME]\n");
		return 2;
	}
	n_images = strtoul(argv[1], NULL, 10);
	rounds = (unsigned)strtoul(argv[2], NULL, 10);
	if (n_images < 1)
		return 2;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strstr(rows[i].name, only))
			print_row(&rows[i], n_images, rounds);
	return 0;
}
