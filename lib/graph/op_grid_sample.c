/* SPDX-License-Identifier: Apache-2.0 */
/* op_grid_sample.c - GridSample: the input looked at where a grid says. Written from
 * spec/numerics.md, F6-67. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/sampling.h"
#include "graph/spans.h"

#define MAX_SPACE 3 /* dimensions of an image */
#define MAX_TAPS 64

enum mode {
	MODE_NEAREST,
	MODE_LINEAR,
	MODE_CUBIC
};

enum padding {
	PADDING_ZEROS,
	PADDING_BORDER,
	PADDING_REFLECTION
};

struct plan {
	enum mode mode;
	enum padding padding;
	bool aligns;
	uint32_t n_space;
	uint64_t n_points;
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
};

/* Where a point takes from: offsets within a channel. */
struct taps {
	uint32_t n;
	int64_t at[MAX_TAPS];
	double weights[MAX_TAPS];
};

static enum heft_status read_modes(const struct heft_call *c, struct plan *p,
                                   struct heft_error *err)
{
	const char *mode = heft_call_text(c, "mode", "linear");
	const char *padding = heft_call_text(c, "padding_mode", "zeros");

	p->aligns = heft_call_int(c, "align_corners", 0) != 0;
	p->mode = strcmp(mode, "nearest") == 0                                 ? MODE_NEAREST
	          : strcmp(mode, "cubic") == 0 || strcmp(mode, "bicubic") == 0 ? MODE_CUBIC
	                                                                       : MODE_LINEAR;
	p->padding = strcmp(padding, "border") == 0       ? PADDING_BORDER
	             : strcmp(padding, "reflection") == 0 ? PADDING_REFLECTION
	                                                  : PADDING_ZEROS;
	if (p->mode == MODE_LINEAR && strcmp(mode, "linear") != 0 && strcmp(mode, "bilinear") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "mode '%s' does not exist",
		                 mode);
	if (p->padding == PADDING_ZEROS && strcmp(padding, "zeros") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "padding_mode '%s' does not exist", padding);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *grid = &c->in[1];
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];

	HEFT_TRY(heft_call_check_real(c, 0, 1, err));
	HEFT_TRY(read_modes(c, p, err));
	if (x->rank < 3 || grid->rank != x->rank || grid->dims[0] != x->dims[0] ||
	    grid->dims[x->rank - 1] != x->rank - 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the grid does not go with the input");
	p->n_space = x->rank - 2;
	if (p->n_space > MAX_SPACE)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "images of %u dimensions are more than %d", p->n_space, MAX_SPACE);
	p->n_points = 1;
	dims[0] = x->dims[0];
	dims[1] = x->dims[1];
	for (uint32_t d = 0; d < p->n_space; d++) {
		dims[2 + d] = grid->dims[1 + d];
		p->n_points *= dims[2 + d];
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	if (x->n_elements == 0 && c->out[0].n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the input has no pixels");
	heft_steps(c, x, true, p->x_steps);
	heft_steps(c, &c->out[0], true, p->y_steps);
	return HEFT_OK;
}

/* --- along one axis of n pixels --- */

static double reflect(double x, double low, double high)
{
	const double way = high - low;
	const double out = x < low ? low - x : x - high;
	double turns;
	double rest;

	if (!(out > 0) || !(way > 0))
		return way > 0 ? x : low;
	turns = heft_floor(out / way);
	rest = out - turns * way;
	if (turns - 2 * heft_floor(turns / 2) != 0)
		rest = way - rest;
	return x < low ? low + rest : high - rest;
}

static double pad(const struct plan *p, double x, uint64_t n)
{
	const double last = (double)n - 1;

	if (p->padding == PADDING_BORDER)
		return !(x > 0) ? 0 : x < last ? x : last;
	if (p->padding == PADDING_REFLECTION)
		return p->aligns ? reflect(x, 0, last) : reflect(x, -0.5, last + 0.5);
	return x;
}

static double cubic(double d)
{
	const double a = -0.75;

	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/* Its taps: how many, from which index on, and by how much each counts. */
static uint32_t axis_taps(const struct plan *p, double given, uint64_t n, double *first,
                          double *weights)
{
	const double size = (double)n;
	double x = p->aligns ? (given + 1) / 2 * (size - 1) : ((given + 1) * size - 1) / 2;

	if (p->mode != MODE_CUBIC)
		x = pad(p, x, n);
	if (p->mode == MODE_NEAREST) {
		*first = heft_nearest_integer(x);
		weights[0] = 1;
		return 1;
	}
	*first = heft_floor(x) - (p->mode == MODE_CUBIC ? 1 : 0);
	for (uint32_t k = 0; k < 4; k++) {
		const double way = x - (*first + (double)k);
		const double d = way < 0 ? -way : way;

		weights[k] = p->mode == MODE_CUBIC ? cubic(d) : 1 - d;
	}
	return p->mode == MODE_CUBIC ? 4 : 2;
}

/* An index of a tap; -1: it is 0 there. */
static int64_t index_of(const struct plan *p, double at, uint64_t n)
{
	const double x = pad(p, at, n);
	const double last = (double)n - 1;

	if (p->padding == PADDING_ZEROS)
		return x >= 0 && x <= last ? (int64_t)x : -1;
	return !(x > 0) ? 0 : x < last ? (int64_t)x : (int64_t)n - 1;
}

/* Adds an axis: each tap there is becomes one for each index. */
static void add_axis(const struct plan *p, double given, uint64_t n, int64_t step, struct taps *t)
{
	struct taps was = *t;
	double weights[4];
	double first;
	const uint32_t n_axis = axis_taps(p, given, n, &first, weights);

	t->n = 0;
	for (uint32_t i = 0; i < was.n; i++) {
		for (uint32_t k = 0; k < n_axis; k++) {
			const int64_t index = index_of(p, first + (double)k, n);

			if (index < 0 || weights[k] == 0)
				continue;
			t->at[t->n] = was.at[i] + index * step;
			t->weights[t->n++] = was.weights[i] * weights[k];
		}
	}
}

static void run_points(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_array *x = &c->in[0];
	const struct heft_array *y = &c->out[0];

	(void)worker;
	for (uint64_t point = first; point < first + n; point++) {
		const int64_t image = (int64_t)(point / p->n_points);
		struct taps t = { .n = 1, .weights = { 1 } };
		int64_t y_at = image * p->y_steps[0];
		uint64_t left = point % p->n_points;

		for (uint32_t d = p->n_space; d-- > 0;) {
			y_at += (int64_t)(left % y->dims[2 + d]) * p->y_steps[2 + d];
			left /= y->dims[2 + d];
		}
		for (uint32_t d = 0; d < p->n_space; d++)
			add_axis(p, heft_real_at(&c->in[1], (point + 1) * p->n_space - 1 - d),
			         x->dims[2 + d], p->x_steps[2 + d], &t);
		for (int64_t channel = 0; channel < (int64_t)x->dims[1]; channel++) {
			const int64_t x_at = image * p->x_steps[0] + channel * p->x_steps[1];
			double sum = 0;

			for (uint32_t k = 0; k < t.n; k++)
				sum += t.weights[k] * heft_real_at(x, (uint64_t)(x_at + t.at[k]));
			heft_real_set(y, (uint64_t)(y_at + channel * p->y_steps[1]), sum);
		}
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, c->in[0].dims[0] * p->n_points, 32 + 4 * c->in[0].dims[1],
		               run_points, p);
}

const struct heft_op heft_op_grid_sample = {
	.name = "GridSample",
	.domain = "",
	.since = 16,
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
