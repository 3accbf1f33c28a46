/* SPDX-License-Identifier: Apache-2.0 */
/* reduce.c - reductions over any set of axes: down columns where the last axis is kept, along runs
 * where it is reduced, and one long run by its blocks. */
#include "graph/reduce.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/spans.h"
#include "kernel/elementary.h"
#include "kernel/sum.h"

struct reduction {
	const struct heft_reduce *r;
	const void *x;
	void *y;
	void *scratch;
	enum heft_dtype dtype;
	/* NULL; or, behind a mean: the variance, which becomes y, and where the means stay */
	const struct heft_reduce *deviations;
	void *means;
};

static enum heft_term term_of(enum heft_reduction kind)
{
	switch (kind) {
	case HEFT_REDUCE_L1:
		return HEFT_TERM_SIZE;
	case HEFT_REDUCE_L2:
	case HEFT_REDUCE_SQUARES:
		return HEFT_TERM_SQUARE;
	case HEFT_REDUCE_PRODUCT:
		return HEFT_TERM_FACTOR;
	case HEFT_REDUCE_DEVIATIONS:
		return HEFT_TERM_DEVIATION;
	default:
		return HEFT_TERM_VALUE;
	}
}

/* --- the groups of axes --- */

static void add_group(uint64_t *sizes, uint64_t *strides, uint32_t *n, uint64_t size,
                      uint64_t stride)
{
	sizes[*n] = size;
	strides[*n] = stride;
	++*n;
}

void heft_reduce_set(struct heft_reduce *r, enum heft_reduction kind, uint32_t rank,
                     const uint64_t *dims, const bool *is_reduced)
{
	uint64_t strides[HEFT_GRAPH_MAX_RANK];
	uint64_t stride = 1;
	uint32_t last = rank; /* the axis before, that is not of size 1 */

	*r = (struct heft_reduce){ .kind = kind, .n_out = 1, .n_each = 1 };
	for (uint32_t d = rank; d-- > 0;) {
		strides[d] = stride;
		stride *= dims[d];
	}
	for (uint32_t d = 0; d < rank; d++) {
		uint64_t *sizes = is_reduced[d] ? r->reduced : r->kept;
		uint64_t *steps = is_reduced[d] ? r->reduced_stride : r->kept_stride;
		uint32_t *n = is_reduced[d] ? &r->n_reduced : &r->n_kept;

		*(is_reduced[d] ? &r->n_each : &r->n_out) *= dims[d];
		if (dims[d] == 1)
			continue;
		if (last < rank && is_reduced[last] == is_reduced[d]) {
			sizes[*n - 1] *= dims[d];
			steps[*n - 1] = strides[d];
		} else {
			add_group(sizes, steps, n, dims[d], strides[d]);
		}
		last = d;
	}
	if (r->n_kept == 0)
		add_group(r->kept, r->kept_stride, &r->n_kept, 1, 1);
	if (r->n_reduced == 0)
		add_group(r->reduced, r->reduced_stride, &r->n_reduced, 1, 1);
}

uint64_t heft_reduce_base(const struct heft_reduce *r, uint64_t o)
{
	uint64_t at = 0;

	for (uint32_t g = r->n_kept; g-- > 0; o /= r->kept[g])
		at += o % r->kept[g] * r->kept_stride[g];
	return at;
}

void heft_reduce_walk_init(struct heft_reduce_walk *w, const struct heft_reduce *r, const void *x,
                           uint64_t size, uint64_t o)
{
	*w = (struct heft_reduce_walk){
		.r = r,
		.x = x,
		.size = size,
		.offset = heft_reduce_base(r, o),
		.left = r->n_each,
	};
}

/* n elements further within the last group, and into the next row of it behind its end. */
static void step(struct heft_reduce_walk *w, uint64_t n)
{
	const struct heft_reduce *r = w->r;
	uint32_t g = r->n_reduced - 1;

	w->left -= n;
	w->index[g] += n;
	w->offset += n * r->reduced_stride[g];
	while (w->index[g] == r->reduced[g] && w->left > 0) {
		w->offset -= w->index[g] * r->reduced_stride[g];
		w->index[g] = 0;
		g--;
		w->index[g]++;
		w->offset += r->reduced_stride[g];
	}
}

static void copy_apart(uint8_t *to, const uint8_t *from, uint64_t n, uint64_t apart, uint64_t size)
{
	if (size == sizeof(float)) {
		for (uint64_t i = 0; i < n; i++)
			memcpy(to + i * sizeof(float), from + i * apart, sizeof(float));
	} else {
		for (uint64_t i = 0; i < n; i++)
			memcpy(to + i * size, from + i * apart, (size_t)size);
	}
}

size_t heft_reduce_walk_next(struct heft_reduce_walk *w, void *held, const void **run)
{
	const struct heft_reduce *r = w->r;
	const uint32_t last = r->n_reduced - 1;
	uint64_t n = 0;

	if (w->left == 0)
		return 0;
	if (r->reduced_stride[last] == 1 && r->reduced[last] - w->index[last] >= 64) {
		n = r->reduced[last] - w->index[last];
		*run = w->x + w->offset * w->size;
		step(w, n);
		return (size_t)n;
	}
	while (n < HEFT_REDUCE_HELD && w->left > 0) {
		const uint64_t room = HEFT_REDUCE_HELD - n;
		const uint64_t here = r->reduced[last] - w->index[last];
		const uint64_t n_now = here < room ? here : room;

		copy_apart((uint8_t *)held + n * w->size, w->x + w->offset * w->size, n_now,
		           r->reduced_stride[last] * w->size, w->size);
		n += n_now;
		step(w, n_now);
	}
	*run = held;
	return (size_t)n;
}

/* --- floats --- */

static struct heft_rows rows_of(const struct heft_reduce *r)
{
	const uint32_t last = r->n_reduced - 1;

	return (struct heft_rows){
		.n_outer = last == 0 ? 1 : (size_t)r->reduced[0],
		.n_inner = (size_t)r->reduced[last],
		.outer = last == 0 ? 0 : (size_t)r->reduced_stride[0],
		.inner = (size_t)r->reduced_stride[last],
	};
}

#define TYPE float
#define REAL f32
#define ROOT sqrtf
#include "graph/reduce_float.inc"

#define TYPE double
#define REAL f64
#define ROOT sqrt
#include "graph/reduce_float.inc"

/* A single long run: its blocks in tasks. */
#define LONG (UINT64_C(32) * HEFT_SUM_BLOCK)

static bool is_by_blocks(const struct heft_reduce *r, enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_F32 && r->n_out == 1 && r->n_reduced == 1 && r->n_each >= LONG &&
	       r->reduced_stride[0] == 1 && r->kind != HEFT_REDUCE_MAX &&
	       r->kind != HEFT_REDUCE_MIN && r->kind != HEFT_REDUCE_LOG_SUM_EXP &&
	       r->kind != HEFT_REDUCE_POWERS;
}

uint64_t heft_reduce_scratch(const struct heft_reduce *r, enum heft_dtype dtype)
{
	return is_by_blocks(r, dtype) ? (r->n_each / HEFT_SUM_BLOCK + 1) * sizeof(float) : 0;
}

static float mean_given(const struct reduction *job)
{
	return job->r->kind == HEFT_REDUCE_DEVIATIONS ? *(const float *)job->y : 0.0f;
}

static void sum_blocks(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct reduction *job = ctx;
	const uint64_t from = first * HEFT_SUM_BLOCK;
	const uint64_t left = job->r->n_each - from;
	const uint64_t n_here = n * HEFT_SUM_BLOCK < left ? n * HEFT_SUM_BLOCK : left;

	(void)worker;
	heft_block_sums_f32_by(c->cpu_bits, term_of(job->r->kind), mean_given(job),
	                       (const float *)job->x + from, (size_t)n_here,
	                       (float *)job->scratch + first);
}

static void reduce_long(const struct heft_call *c, const struct reduction *job)
{
	const uint64_t n = (job->r->n_each + HEFT_SUM_BLOCK - 1) / HEFT_SUM_BLOCK;
	float *y = job->y;

	heft_spans_run(c, n, HEFT_SUM_BLOCK, sum_blocks, job);
	*y = heft_block_sums_meet_f32(term_of(job->r->kind), job->scratch, (size_t)n);
	complete_f32(c->cpu_bits, job->r, y, 1);
	if (job->deviations) {
		const struct reduction squares = { .r = job->deviations,
			                           .x = job->x,
			                           .y = y,
			                           .scratch = job->scratch,
			                           .dtype = job->dtype };

		*(float *)job->means = *y;
		reduce_long(c, &squares);
	}
}

static bool is_by_columns(const struct heft_reduce *r)
{
	return r->kept[r->n_kept - 1] > 1 && r->kept_stride[r->n_kept - 1] == 1 &&
	       r->n_reduced <= 2 && r->n_each > 0 && r->kind != HEFT_REDUCE_LOG_SUM_EXP &&
	       r->kind != HEFT_REDUCE_POWERS;
}

/* --- integers: modulo 2^64, then modulo the type's range --- */

/* The largest integer whose square is at most x. */
static uint64_t integer_root(uint64_t x)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
		if ((root + bit) * (root + bit) <= x)
			root += bit;
	}
	return root;
}

static bool is_beyond(enum heft_reduction kind, bool is_unsigned, int64_t m, int64_t v)
{
	if (is_unsigned)
		return kind == HEFT_REDUCE_MAX ? (uint64_t)v > (uint64_t)m
		                               : (uint64_t)v < (uint64_t)m;
	return kind == HEFT_REDUCE_MAX ? v > m : v < m;
}

/* What an extreme begins with: the other end of the type's range. */
static int64_t farthest(enum heft_dtype dtype, bool is_max)
{
	const uint64_t n_bits = heft_element_size(dtype) * 8;
	const int64_t top = (int64_t)(UINT64_MAX >> (65 - n_bits));

	if (dtype == HEFT_DTYPE_BOOL)
		return is_max ? 0 : 1;
	if (heft_is_unsigned(dtype))
		return is_max ? 0 : (int64_t)(UINT64_MAX >> (64 - n_bits));
	return is_max ? -top - 1 : top;
}

static uint64_t meet(enum heft_reduction kind, uint64_t sum, int64_t v)
{
	const uint64_t x = (uint64_t)v;

	switch (kind) {
	case HEFT_REDUCE_PRODUCT:
		return sum * x;
	case HEFT_REDUCE_L1:
		return sum + (v < 0 ? 0 - x : x);
	case HEFT_REDUCE_L2:
	case HEFT_REDUCE_SQUARES:
		return sum + x * x;
	default:
		return sum + x;
	}
}

static int64_t mean_of(bool is_unsigned, uint64_t sum, uint64_t n)
{
	if (n == 0)
		return 0;
	return is_unsigned ? (int64_t)(sum / n) : (int64_t)sum / (int64_t)n;
}

/* A logarithm, in F64, as an integer (F1-4). */
static int64_t integer_of(enum heft_dtype dtype, double x)
{
	_Alignas(8) uint8_t v[8];

	heft_cast_elements(dtype, v, HEFT_DTYPE_F64, &x, 1, NULL);
	return heft_load_integer(dtype, v);
}

static double widened(bool is_unsigned, int64_t v)
{
	return is_unsigned ? (double)(uint64_t)v : (double)v;
}

/* Of integers: the logarithm of the sum of their exponentials, added one by one from +0, less the
 * greatest. */
static int64_t integer_log_sum_exp(const struct heft_reduce_walk *from, enum heft_dtype dtype,
                                   int64_t greatest)
{
	const bool is_unsigned = heft_is_unsigned(dtype);
	const double m = widened(is_unsigned, greatest);
	struct heft_reduce_walk w = *from;
	_Alignas(8) uint8_t held[HEFT_REDUCE_HELD * 8];
	const void *run;
	double sum = 0;
	size_t n;

	while ((n = heft_reduce_walk_next(&w, held, &run)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const void *at = (const uint8_t *)run + i * w.size;
			double e = widened(is_unsigned, heft_load_integer(dtype, at)) - m;

			heft_exp_f64(&e, &e, 1);
			sum += e;
		}
	}
	heft_log_f64(&sum, &sum, 1);
	return integer_of(dtype, sum + m);
}

static int64_t reduce_integers(const struct reduction *job, uint64_t o)
{
	const enum heft_reduction kind = job->r->kind;
	const bool is_unsigned = heft_is_unsigned(job->dtype);
	const bool is_extreme = kind == HEFT_REDUCE_MAX || kind == HEFT_REDUCE_MIN ||
	                        kind == HEFT_REDUCE_LOG_SUM_EXP;
	const enum heft_reduction side = kind == HEFT_REDUCE_MIN ? kind : HEFT_REDUCE_MAX;
	int64_t m = farthest(job->dtype, side == HEFT_REDUCE_MAX);
	uint64_t sum = kind == HEFT_REDUCE_PRODUCT ? 1 : 0;
	_Alignas(8) uint8_t held[HEFT_REDUCE_HELD * 8];
	struct heft_reduce_walk w;
	const void *run;
	double log_sum;
	size_t n;

	heft_reduce_walk_init(&w, job->r, job->x, heft_element_size(job->dtype), o);
	while ((n = heft_reduce_walk_next(&w, held, &run)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const int64_t v = heft_load_integer(job->dtype,
			                                    (const uint8_t *)run + i * w.size);

			sum = meet(kind, sum, v);
			if (is_extreme && is_beyond(side, is_unsigned, m, v))
				m = v;
		}
	}
	if (kind == HEFT_REDUCE_LOG_SUM_EXP) {
		heft_reduce_walk_init(&w, job->r, job->x, w.size, o);
		return integer_log_sum_exp(&w, job->dtype, m);
	}
	if (is_extreme)
		return m;
	if (kind == HEFT_REDUCE_MEAN)
		return mean_of(is_unsigned, sum, job->r->n_each);
	if (kind == HEFT_REDUCE_L2)
		return (int64_t)integer_root(sum);
	if (kind != HEFT_REDUCE_LOG_SUM)
		return (int64_t)sum;
	log_sum = widened(is_unsigned, (int64_t)sum);
	heft_log_f64(&log_sum, &log_sum, 1);
	return integer_of(job->dtype, log_sum);
}

static void reduce_integers_span(const struct heft_call *c, const void *ctx, uint64_t first,
                                 uint64_t n, uint32_t worker)
{
	const struct reduction *job = ctx;
	const uint64_t size = heft_element_size(job->dtype);

	(void)c;
	(void)worker;
	for (uint64_t o = first; o < first + n; o++)
		heft_store_integer(job->dtype, (uint8_t *)job->y + o * size,
		                   reduce_integers(job, o));
}

static void run(const struct heft_call *c, const struct reduction *job)
{
	const struct heft_reduce *r = job->r;
	const bool is_f32 = job->dtype == HEFT_DTYPE_F32;
	const uint64_t n_columns = r->kept[r->n_kept - 1];

	if (r->n_out == 0)
		return;
	if (!is_f32 && job->dtype != HEFT_DTYPE_F64)
		heft_spans_run(c, r->n_out, r->n_each, reduce_integers_span, job);
	else if (is_by_blocks(r, job->dtype))
		reduce_long(c, job);
	else if (is_by_columns(r))
		heft_columns_run(c, r->n_out / n_columns, n_columns, r->n_each,
		                 is_f32 ? reduce_columns_f32 : reduce_columns_f64, job);
	else
		heft_spans_run(c, r->n_out, r->n_each, is_f32 ? reduce_span_f32 : reduce_span_f64,
		               job);
}

void heft_reduce_run(const struct heft_call *c, const struct heft_reduce *r, enum heft_dtype dtype,
                     const void *x, void *y, void *scratch)
{
	const struct reduction job = { .r = r, .x = x, .y = y, .scratch = scratch, .dtype = dtype };

	run(c, &job);
}

void heft_reduce_moments(const struct heft_call *c, const struct heft_reduce *r,
                         enum heft_dtype dtype, const void *x, void *mean, void *variance,
                         void *scratch)
{
	struct heft_reduce deviations = *r;
	const struct reduction job = { .r = r,
		                       .x = x,
		                       .y = variance,
		                       .scratch = scratch,
		                       .dtype = dtype,
		                       .deviations = &deviations,
		                       .means = mean };

	deviations.kind = HEFT_REDUCE_DEVIATIONS;
	run(c, &job);
}
