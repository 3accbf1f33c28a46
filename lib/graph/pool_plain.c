/* SPDX-License-Identifier: Apache-2.0 */
/* pool_plain.c - windows of any type, one at a time: what has no kernel of its own. */
#include <math.h>
#include <string.h>

#include "graph/pool.h"
#include "kernel/elementary.h"

/* The taps of output o that lie before `end`, counted from the beginning of the padding. */
static uint64_t taps_before(const struct heft_pooling *p, int axis, uint64_t o, uint64_t end)
{
	const uint64_t at = o * p->stride[axis];
	uint64_t n;

	if (at >= end)
		return 0;
	n = (end - at - 1) / p->dilation[axis] + 1;
	return n < p->kernel[axis] ? n : p->kernel[axis];
}

void heft_pool_window_set(const struct heft_pooling *p, struct heft_pool_window *w, int axis,
                          uint64_t o)
{
	const uint64_t end = p->pad[axis] + p->in[axis];

	w->origin[axis] = o * p->stride[axis] - p->pad[axis];
	w->from[axis] = taps_before(p, axis, o, p->pad[axis]);
	w->to[axis] = taps_before(p, axis, o, end);
}

uint64_t heft_pool_window_count(const struct heft_pooling *p, const struct heft_pool_window *w,
                                const uint64_t *o)
{
	uint64_t n = 1;

	for (int a = 0; a < 3; a++)
		n *= p->counts_padding
		             ? taps_before(p, a, o[a], p->pad[a] + p->in[a] + p->pad_end[a])
		             : w->to[a] - w->from[a];
	return n > 0 ? n : 1;
}

/* One window of a map whose pixels lie `step` elements apart; *place: the pixel, or UINT64_MAX. */
typedef void window_fn(const struct heft_pooling *p, const struct heft_pool_window *w,
                       const void *map, uint64_t step, void *y, uint64_t *place);

#define NEVER(v) 0
#define IS_NAN(v) ((v) != (v))

/* spec F3-4 */
#define MAX_OF(name, type, lowest, is_nan)                                                \
	static void name(const struct heft_pooling *p, const struct heft_pool_window *w,  \
	                 const void *map, uint64_t step, void *y, uint64_t *place)        \
	{                                                                                 \
		const type *x = map;                                                      \
		type m = lowest;                                                          \
                                                                                          \
		*place = UINT64_MAX;                                                      \
		HEFT_POOL_EACH_TAP(p, w, at, {                                            \
			const type v = x[at * step];                                      \
                                                                                          \
			if (v > m || (is_nan(v) && !is_nan(m)) || *place == UINT64_MAX) { \
				m = v;                                                    \
				*place = at;                                              \
			}                                                                 \
		})                                                                        \
		*(type *)y = m;                                                           \
	}

MAX_OF(max_f32, float, -INFINITY, IS_NAN)
MAX_OF(max_f64, double, (double)-INFINITY, IS_NAN)
MAX_OF(max_i8, int8_t, INT8_MIN, NEVER)
MAX_OF(max_u8, uint8_t, 0, NEVER)

static void average_f64(const struct heft_pooling *p, const struct heft_pool_window *w,
                        const void *map, uint64_t step, void *y, uint64_t *place)
{
	const double *x = map;
	double sum = 0;

	*place = UINT64_MAX;
	HEFT_POOL_EACH_TAP(p, w, at, { sum += x[at * step]; })
	*(double *)y = sum / (double)w->n_counted;
}

/* spec F6-44 */
#define NORM_OF(name, type, root, power_of)                                              \
	static void name(const struct heft_pooling *p, const struct heft_pool_window *w, \
	                 const void *map, uint64_t step, void *y, uint64_t *place)       \
	{                                                                                \
		const type *x = map;                                                     \
		const type power = w->power;                                             \
		const type inverse = (type)1 / power;                                    \
		type sum = 0;                                                            \
                                                                                         \
		*place = UINT64_MAX;                                                     \
		HEFT_POOL_EACH_TAP(p, w, at, {                                           \
			const type v = x[at * step];                                     \
			type term = v < 0 ? -v : v;                                      \
                                                                                         \
			if (power == 2)                                                  \
				term = v * v;                                            \
			else if (power != 1)                                             \
				power_of(w->cpu_bits, &term, &term, &power, 1);          \
			sum += term;                                                     \
		})                                                                       \
		if (power == 2)                                                          \
			sum = root(sum);                                                 \
		else if (power != 1)                                                     \
			power_of(w->cpu_bits, &sum, &sum, &inverse, 1);                  \
		*(type *)y = sum;                                                        \
	}

NORM_OF(norm_f32, float, sqrtf, heft_pow_f32_by)
NORM_OF(norm_f64, double, sqrt, heft_pow_f64_by)

static window_fn *window_of(const struct heft_pool *p, enum heft_dtype dtype)
{
	const bool is_f32 = dtype == HEFT_DTYPE_F32;

	if (p->kind == HEFT_POOL_POWER)
		return is_f32 ? norm_f32 : norm_f64;
	if (p->kind == HEFT_POOL_AVERAGE)
		return average_f64;
	if (dtype == HEFT_DTYPE_I8 || dtype == HEFT_DTYPE_U8)
		return dtype == HEFT_DTYPE_I8 ? max_i8 : max_u8;
	return is_f32 ? max_f32 : max_f64;
}

/* A value of any of the types. */
union one {
	double f64;
	float f32;
	int8_t i8;
	uint8_t u8;
};

/* Where pixel 0 of a map is, and how far it is to the next. */
static uint64_t map_at(const struct heft_pool *p, uint64_t map, uint64_t n_pixels, uint64_t *step)
{
	*step = p->is_last ? p->n_channels : 1;
	return p->is_last ? map / p->n_channels * p->n_channels * n_pixels + map % p->n_channels
	                  : map * n_pixels;
}

void heft_pool_plain(uint32_t cpu_bits, const struct heft_pool *p, enum heft_dtype dtype,
                     const void *x, void *y, int64_t *places, uint64_t first, uint64_t n)
{
	const struct heft_pooling *g = &p->window;
	const uint64_t size = dtype == HEFT_DTYPE_F64 ? 8 : dtype == HEFT_DTYPE_F32 ? 4 : 1;
	const uint64_t n_in = (uint64_t)g->in[0] * g->in[1] * g->in[2];
	const uint64_t n_out = (uint64_t)g->out[0] * g->out[1] * g->out[2];
	window_fn *one = window_of(p, dtype);
	struct heft_pool_window w = { .cpu_bits = cpu_bits, .power = p->power };

	for (uint64_t line = first; line < first + n; line++) {
		const uint64_t map = line / (g->out[0] * g->out[1]);
		uint64_t o[3] = { line / g->out[1] % g->out[0], line % g->out[1], 0 };
		uint64_t step;
		uint64_t y_step;
		const uint64_t from = map_at(p, map, n_in, &step);
		const uint64_t to = map_at(p, map, n_out, &y_step);

		heft_pool_window_set(g, &w, 0, o[0]);
		heft_pool_window_set(g, &w, 1, o[1]);
		for (; o[2] < g->out[2]; o[2]++) {
			const uint64_t pixel = (o[0] * g->out[1] + o[1]) * g->out[2] + o[2];
			uint64_t place;
			union one value;

			heft_pool_window_set(g, &w, 2, o[2]);
			w.n_counted = heft_pool_window_count(g, &w, o);
			one(g, &w, (const uint8_t *)x + from * size, step, &value, &place);
			if (y)
				memcpy((uint8_t *)y + (to + pixel * y_step) * size, &value,
				       (size_t)size);
			if (places)
				places[line * g->out[2] + o[2]] = place == UINT64_MAX
				                                          ? -1
				                                          : (int64_t)(map * n_in +
				                                                      place);
		}
	}
}
