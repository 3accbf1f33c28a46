/* SPDX-License-Identifier: Apache-2.0 */
/* pixels.c - transposes images, a part of one a task. */
#include "graph/pixels.h"

#include <string.h>

#include "graph/spans.h"
#include "kernel/transpose.h"

struct moving {
	const struct heft_pixels *p;
	const float *x;
	float *y;
	uint64_t chunk; /* pixels of a task's item */
	uint64_t n_chunks;
	uint64_t width;
	uint64_t before;
	uint64_t after;
	bool is_last;
};

/* Pixels side by side are read a cache line at a time. */
#define CHUNK 64

static void move(const struct heft_call *c, const struct heft_pixels *p, heft_span_fn *fn,
                 const float *x, float *y)
{
	const struct moving m = { .p = p,
		                  .x = x,
		                  .y = y,
		                  .chunk = CHUNK,
		                  .n_chunks = (p->n_pixels + CHUNK - 1) / CHUNK };

	heft_spans_run(c, p->n_images * m.n_chunks, CHUNK * p->n_channels, fn, &m);
}

/* Items are chunks; those of one image that a task has are moved together. */
static uint64_t take_chunks(const struct moving *m, uint64_t first, uint64_t end, uint64_t *pixel,
                            uint64_t *n)
{
	const uint64_t at = first % m->n_chunks;
	const uint64_t n_left = m->n_chunks - at < end - first ? m->n_chunks - at : end - first;

	*pixel = at * m->chunk;
	*n = m->p->n_pixels - *pixel;
	if (*n > n_left * m->chunk)
		*n = n_left * m->chunk;
	return n_left;
}

static void to_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct moving *m = ctx;
	const struct heft_pixels *p = m->p;

	(void)worker;
	for (uint64_t i = first; i < first + n;) {
		const uint64_t image = i / m->n_chunks * p->n_channels * p->n_pixels;
		uint64_t pixel;
		uint64_t count;

		i += take_chunks(m, i, first + n, &pixel, &count);
		heft_transpose_by(c->cpu_bits, m->x + image + pixel, p->n_pixels, p->n_channels,
		                  count, m->y + image + pixel * p->n_channels, p->n_channels);
	}
}

static void to_planes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct moving *m = ctx;
	const struct heft_pixels *p = m->p;

	(void)worker;
	for (uint64_t i = first; i < first + n;) {
		const uint64_t image = i / m->n_chunks * p->n_channels * p->n_pixels;
		uint64_t pixel;
		uint64_t count;

		i += take_chunks(m, i, first + n, &pixel, &count);
		heft_transpose_by(c->cpu_bits, m->x + image + pixel * p->n_channels, p->n_channels,
		                  count, p->n_channels, m->y + image + pixel, p->n_pixels);
	}
}

void heft_pixels_from_planes(const struct heft_call *c, const struct heft_pixels *p, const float *x,
                             float *y)
{
	move(c, p, to_pixels, x, y);
}

void heft_planes_from_pixels(const struct heft_call *c, const struct heft_pixels *p, const float *x,
                             float *y)
{
	move(c, p, to_planes, x, y);
}

/* Items are rows of all images. */
static void pad(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                uint32_t worker)
{
	const struct moving *m = ctx;
	const uint64_t n_channels = m->p->n_channels;
	const uint64_t n_rows = m->p->n_pixels / m->width; /* of an image */
	const uint64_t row_size = m->width * n_channels;
	float *y = m->y + first * (m->before + row_size + m->after);

	(void)worker;
	if (m->is_last) {
		heft_pad_rows(m->x + first * row_size, row_size, n, row_size, m->before, m->after,
		              y);
		return;
	}
	for (uint64_t i = first; i < first + n; i++) {
		const float *x = m->x + i / n_rows * n_channels * m->p->n_pixels +
		                 i % n_rows * m->width;

		memset(y, 0, m->before * sizeof *y);
		y += m->before;
		heft_transpose_by(c->cpu_bits, x, m->p->n_pixels, n_channels, m->width, y,
		                  n_channels);
		y += row_size;
		memset(y, 0, m->after * sizeof *y);
		y += m->after;
	}
}

void heft_pixels_padded(const struct heft_call *c, const struct heft_pixels *p, uint64_t width,
                        uint64_t before, uint64_t after, bool is_last, const float *x, float *y)
{
	const struct moving m = { .p = p,
		                  .x = x,
		                  .y = y,
		                  .width = width,
		                  .before = before,
		                  .after = after,
		                  .is_last = is_last };

	if (width > 0)
		heft_spans_run(c, p->n_images * (p->n_pixels / width),
		               before + width * p->n_channels + after, pad, &m);
}
