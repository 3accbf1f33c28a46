/* SPDX-License-Identifier: Apache-2.0 */
/* pooling.c - the greatest or the mean of windows, taps in ascending order. */
#include "kernel/pooling.h"

#include "base/cpu.h"
#include "kernel/lanes.h"

/* Taps [from, to) of each axis lie inside the input; tap k of axis a is at origin + k dilation,
 * where origin may be below 0 (modulo 2^64). */
struct window {
	size_t origin[3];
	size_t from[3];
	size_t to[3];
	float n_counted; /* what an average is divided by; at least 1 */
};

static size_t ceil_div(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The taps of output o that lie before `end`, counted from the beginning of the padding. */
static size_t taps_before(const struct heft_pooling *p, int axis, size_t o, size_t end)
{
	const size_t at = o * p->stride[axis];

	return at >= end ? 0 : least(p->kernel[axis], ceil_div(end - at, p->dilation[axis]));
}

/* How many taps of the axis count. */
static size_t set_axis(const struct heft_pooling *p, struct window *w, int axis, size_t o)
{
	const size_t end = p->pad[axis] + p->in[axis];

	w->origin[axis] = o * p->stride[axis] - p->pad[axis];
	w->from[axis] = taps_before(p, axis, o, p->pad[axis]);
	w->to[axis] = taps_before(p, axis, o, end);
	return p->counts_padding ? taps_before(p, axis, o, end + p->pad_end[axis])
	                         : w->to[axis] - w->from[axis];
}

static void set_count(struct window *w, size_t n)
{
	w->n_counted = n > 0 ? (float)n : 1.0f;
}

/* The number of a tap's pixel in its map. */
HEFT_LANES_INLINE size_t pixel_at(const struct heft_pooling *p, const struct window *w, size_t d,
                                  size_t h, size_t i)
{
	return ((w->origin[0] + d * p->dilation[0]) * p->in[1] + w->origin[1] +
	        h * p->dilation[1]) *
	               p->in[2] +
	       w->origin[2] + i * p->dilation[2];
}

#define TARGET
#define ISA scalar
#include "kernel/pooling_loops.inc"

#ifdef HEFT_TARGET_AVX2
#define TARGET HEFT_TARGET_AVX2
#define ISA avx2
#include "kernel/pooling_loops.inc"

#define TARGET HEFT_TARGET_AVX512
#define ISA avx512
#include "kernel/pooling_loops.inc"
#endif

typedef void window_fn(const struct heft_pooling *p, const struct window *w, float *y,
                       const float *x);

static const struct heft_variant variants[] = {
#ifdef HEFT_TARGET_AVX2
	{ "avx512", HEFT_CPU_AVX512, (heft_any_fn *)window_avx512 },
	{ "avx2", HEFT_CPU_AVX2, (heft_any_fn *)window_avx2 },
#endif
	{ "scalar", 0, (heft_any_fn *)window_scalar },
};

/* Sets depth and height of a line; the map it belongs to, and how many taps of both axes count. */
static size_t set_line(const struct heft_pooling *p, struct window *w, size_t line,
                       size_t *n_counted)
{
	const size_t n_depth = set_axis(p, w, 0, line / p->out[1] % p->out[0]);

	*n_counted = n_depth * set_axis(p, w, 1, line % p->out[1]);
	return line / (p->out[0] * p->out[1]);
}

void heft_pooling_nhwc_f32_by(uint32_t cpu_bits, const struct heft_pooling *p, float *y,
                              const float *x, size_t first, size_t n)
{
	window_fn *one = (window_fn *)heft_variant_pick(variants,
	                                                sizeof variants / sizeof *variants,
	                                                cpu_bits);
	const size_t map_size = p->in[0] * p->in[1] * p->in[2] * p->x_ld;
	struct window w;

	for (size_t line = first; line < first + n; line++) {
		size_t n_counted;
		const size_t image = set_line(p, &w, line, &n_counted);

		for (size_t o = 0; o < p->out[2]; o++) {
			set_count(&w, n_counted * set_axis(p, &w, 2, o));
			one(p, &w, y + (line * p->out[2] + o) * p->y_ld, x + image * map_size);
		}
	}
}

/* The window's value; *place: which pixel of the map, or SIZE_MAX. */
static float plane_window(const struct heft_pooling *p, const struct window *w, const float *x,
                          size_t *place)
{
	float m = p->is_average ? 0.0f : -INFINITY;

	*place = SIZE_MAX;
	for (size_t d = w->from[0]; d < w->to[0]; d++)
		for (size_t h = w->from[1]; h < w->to[1]; h++)
			for (size_t i = w->from[2]; i < w->to[2]; i++) {
				const size_t at = pixel_at(p, w, d, h, i);
				const float v = x[at];

				if (p->is_average) {
					m += v;
				} else if (v > m || (v != v && m == m) || *place == SIZE_MAX) {
					m = v;
					*place = at;
				}
			}
	return p->is_average ? m / w->n_counted : m;
}

static void pool_planes(const struct heft_pooling *p, float *y, int64_t *places, const float *x,
                        size_t first, size_t n)
{
	const size_t map_size = p->in[0] * p->in[1] * p->in[2];
	struct window w;

	for (size_t line = first; line < first + n; line++) {
		size_t n_counted;
		const size_t map = set_line(p, &w, line, &n_counted) * map_size;
		const float *plane = map > 0 ? x + map : x;

		for (size_t o = 0; o < p->out[2]; o++) {
			const size_t to = line * p->out[2] + o;
			size_t place;

			set_count(&w, n_counted * set_axis(p, &w, 2, o));
			y[to] = plane_window(p, &w, plane, &place);
			if (places)
				places[to] = place == SIZE_MAX ? -1 : (int64_t)(map + place);
		}
	}
}

void heft_pooling_nchw_f32(const struct heft_pooling *p, float *y, const float *x, size_t first,
                           size_t n)
{
	pool_planes(p, y, NULL, x, first, n);
}

void heft_pooling_nchw_places_f32(const struct heft_pooling *p, float *y, int64_t *places,
                                  const float *x, size_t first, size_t n)
{
	pool_planes(p, y, places, x, first, n);
}
