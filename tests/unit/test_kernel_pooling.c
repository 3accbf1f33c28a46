/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel_pooling.c - tests of lib/kernel/pooling.c. */
#include "kernel/pooling.h"

#include "lanes_cases.h"

#define MAX_N 40000

static float x[MAX_N];
static float planes[MAX_N];
static float y[MAX_N];
static float naive[MAX_N];
static float flat[MAX_N];
static int64_t places[MAX_N];
static int64_t naive_places[MAX_N];

static const struct heft_pooling shapes[] = {
	{ .in = { 1, 1, 20 },
	  .out = { 1, 1, 10 },
	  .kernel = { 1, 1, 3 },
	  .stride = { 1, 1, 2 },
	  .dilation = { 1, 1, 1 },
	  .pad = { 0, 0, 1 },
	  .pad_end = { 0, 0, 0 } },
	{ .in = { 1, 9, 11 },
	  .out = { 1, 9, 11 },
	  .kernel = { 1, 3, 3 },
	  .stride = { 1, 1, 1 },
	  .dilation = { 1, 1, 1 },
	  .pad = { 0, 1, 1 },
	  .pad_end = { 0, 1, 1 } },
	{ .in = { 1, 8, 8 },
	  .out = { 1, 5, 5 },
	  .kernel = { 1, 3, 2 },
	  .stride = { 1, 2, 2 },
	  .dilation = { 1, 1, 1 },
	  .pad = { 0, 2, 1 },
	  .pad_end = { 0, 0, 1 } },
	{ .in = { 1, 7, 10 },
	  .out = { 1, 5, 4 },
	  .kernel = { 1, 3, 3 },
	  .stride = { 1, 1, 2 },
	  .dilation = { 1, 2, 3 },
	  .pad = { 0, 1, 2 },
	  .pad_end = { 0, 1, 1 } },
	{ .in = { 4, 5, 6 },
	  .out = { 3, 3, 3 },
	  .kernel = { 2, 3, 2 },
	  .stride = { 1, 1, 2 },
	  .dilation = { 1, 1, 1 },
	  .pad = { 0, 0, 0 },
	  .pad_end = { 0, 0, 0 } },
	/* the last windows begin behind the input */
	{ .in = { 1, 3, 3 },
	  .out = { 1, 3, 3 },
	  .kernel = { 1, 1, 1 },
	  .stride = { 1, 2, 2 },
	  .dilation = { 1, 1, 1 },
	  .pad = { 0, 0, 0 },
	  .pad_end = { 0, 1, 1 } },
};
#define N_SHAPES (int)(sizeof shapes / sizeof shapes[0])

/* spec F3-4, tap by tap in signed numbers; NCHW. */
static void pool_naively(const struct heft_pooling *p, const float *from, size_t plane,
                         const long o[3], float *value, int64_t *place)
{
	float m = p->is_average ? 0.0f : -INFINITY;
	size_t n = 0;

	*place = -1;
	for (long k = 0; k < (long)(p->kernel[0] * p->kernel[1] * p->kernel[2]); k++) {
		const long tap[3] = { k / (long)(p->kernel[1] * p->kernel[2]),
			              k / (long)p->kernel[2] % (long)p->kernel[1],
			              k % (long)p->kernel[2] };
		bool is_inside = true;
		bool counts = true;
		size_t at = plane;

		for (int a = 0; a < 3; a++) {
			const long i = o[a] * (long)p->stride[a] - (long)p->pad[a] +
			               tap[a] * (long)p->dilation[a];

			is_inside = is_inside && i >= 0 && i < (long)p->in[a];
			counts = counts && i < (long)(p->in[a] + p->pad_end[a]);
			at = at * p->in[a] + (size_t)i;
		}
		n += is_inside || (p->counts_padding && counts);
		if (!is_inside)
			continue;
		if (p->is_average) {
			m += from[at];
		} else if (from[at] > m || (isnan(from[at]) && !isnan(m)) || *place < 0) {
			m = from[at];
			*place = (int64_t)at;
		}
	}
	*value = p->is_average ? m / (float)(n > 0 ? n : 1) : m;
}

static void pool_all_naively(const struct heft_pooling *p, size_t n_planes)
{
	size_t at = 0;

	for (size_t plane = 0; plane < n_planes; plane++)
		for (size_t d = 0; d < p->out[0]; d++)
			for (size_t h = 0; h < p->out[1]; h++)
				for (size_t w = 0; w < p->out[2]; w++, at++) {
					const long o[3] = { (long)d, (long)h, (long)w };

					pool_naively(p, planes, plane, o, naive + at,
					             naive_places + at);
				}
}

static void check_nhwc(const struct heft_pooling *p, size_t n_images)
{
	const size_t n_lines = n_images * p->out[0] * p->out[1];
	const size_t n_pixels = n_lines * p->out[2];
	const size_t map = n_pixels / n_images;

	for (size_t k = 0; k < N_VARIANTS; k++) {
		if (!HAS_VARIANT(k))
			continue;
		for (size_t i = 0; i < n_pixels * p->y_ld; i++)
			y[i] = 77;
		for (size_t line = 0; line < n_lines; line += 3)
			heft_pooling_nhwc_f32_by(variants_tried[k], p, y, x, line,
			                         n_lines - line < 3 ? n_lines - line : 3);
		for (size_t i = 0; i < n_pixels; i++) {
			for (size_t c = 0; c < p->n_channels; c++)
				flat[((i / map) * p->n_channels + c) * map + i % map] =
					y[i * p->y_ld + c];
			for (size_t c = p->n_channels; c < p->y_ld; c++)
				ck_assert(y[i * p->y_ld + c] == 77);
		}
		check_same(flat, naive, n_pixels * p->n_channels);
	}
}

static void check_shape(struct heft_pooling p, size_t n_channels, int kind)
{
	const size_t n_images = 2;
	const size_t map = p.in[0] * p.in[1] * p.in[2];
	const size_t n_planes = n_images * n_channels;
	const size_t n_lines = n_planes * p.out[0] * p.out[1];

	p.n_channels = n_channels;
	p.x_ld = n_channels + 3;
	p.y_ld = n_channels + 1;
	case_fill(x, n_images * map * p.x_ld, kind);
	for (size_t i = 0; i < n_images * map; i++)
		for (size_t c = 0; c < n_channels; c++)
			planes[((i / map) * n_channels + c) * map + i % map] = x[i * p.x_ld + c];
	pool_all_naively(&p, n_planes);
	check_nhwc(&p, n_images);
	heft_pooling_nchw_f32(&p, y, planes, 0, n_lines / 2);
	heft_pooling_nchw_f32(&p, y, planes, n_lines / 2, n_lines - n_lines / 2);
	check_same(y, naive, n_lines * p.out[2]);
	if (p.is_average)
		return;
	heft_pooling_nchw_places_f32(&p, y, places, planes, 0, n_lines);
	check_same(y, naive, n_lines * p.out[2]);
	ck_assert_mem_eq(places, naive_places, n_lines * p.out[2] * sizeof places[0]);
}

/* spec F1-4, F3-4 */
START_TEST(windows_are_those_of_the_rule_in_both_layouts)
{
	for (int kind = 0; kind < N_KINDS; kind++)
		for (int mode = 0; mode < 3; mode++)
			for (size_t n_channels = 1; n_channels <= 65;
			     n_channels += 1 + n_channels / 3) {
				struct heft_pooling p = shapes[_i];

				p.is_average = mode > 0;
				p.counts_padding = mode > 1;
				check_shape(p, n_channels, kind);
			}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_pooling");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, windows_are_those_of_the_rule_in_both_layouts, 0, N_SHAPES);
	suite_add_tcase(suite, t);
	return heft_unit_run(suite);
}
