/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - MaxPool, AveragePool and LpPool: from attributes to windows, and the lines in tasks. */
#include "graph/pool.h"

#include <string.h>

#include "base/error.h"
#include "graph/spans.h"

_Static_assert(sizeof(struct heft_pool) <= HEFT_CALL_STATE, "the plan is kept in the state");

/* Attributes are below this, so that no sum of products of two of them wraps. */
#define MOST (INT64_C(1) << 31)

enum heft_status heft_pool_power(const struct heft_call *c, float *power, struct heft_error *err)
{
	const float p = c->opset < 2 ? heft_call_float(c, "p", 2.0f)
	                             : (float)heft_call_int(c, "p", 2);

	if (!(p > 0.0f && p <= 0x1p24f))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "p is %g", (double)p);
	*power = p;
	return HEFT_OK;
}

/* A list of n integers from `least` on, one an axis; `absent` where there is none. */
static enum heft_status read_list(const struct heft_call *c, const char *name, uint32_t n,
                                  int64_t least, size_t absent, size_t *values,
                                  struct heft_error *err)
{
	uint32_t n_given;
	const int64_t *ints = heft_call_ints(c, name, &n_given);

	if (n_given != 0 && n_given != n)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s has %u numbers and not %u",
		                 name, n_given, n);
	for (uint32_t i = 0; i < n; i++) {
		values[i] = n_given == 0 ? absent : (size_t)ints[i];
		if (n_given != 0 && (ints[i] < least || ints[i] >= MOST))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s has %lld", name,
			                 (long long)ints[i]);
	}
	return HEFT_OK;
}

enum pad_mode {
	PAD_GIVEN,
	PAD_NONE,
	PAD_UPPER,
	PAD_LOWER
};

static enum heft_status read_pad_mode(const struct heft_call *c, enum pad_mode *mode,
                                      struct heft_error *err)
{
	static const char *const names[] = { "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER" };
	const char *given = heft_call_text(c, "auto_pad", "NOTSET");

	for (int i = 0; i < 4; i++) {
		if (strcmp(given, names[i]) == 0 || (i == 0 && *given == 0)) {
			*mode = (enum pad_mode)i;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "auto_pad is '%.40s'", given);
}

/* The output's size along an axis, and the padding where it follows from that. */
static enum heft_status set_out(struct heft_pooling *w, uint32_t a, enum pad_mode mode,
                                bool rounds_up, struct heft_error *err)
{
	const uint64_t in = w->in[a];
	const uint64_t span = (uint64_t)(w->kernel[a] - 1) * w->dilation[a] + 1;
	uint64_t padded;
	uint64_t left;

	if (mode == PAD_UPPER || mode == PAD_LOWER) {
		uint64_t pad = 0;

		w->out[a] = in / w->stride[a] + (in % w->stride[a] != 0);
		if (w->out[a] > 0 && (w->out[a] - 1) * w->stride[a] + span > in)
			pad = (w->out[a] - 1) * w->stride[a] + span - in;
		w->pad[a] = mode == PAD_UPPER ? pad / 2 : pad - pad / 2;
		w->pad_end[a] = pad - w->pad[a];
		return HEFT_OK;
	}
	padded = in + w->pad[a] + w->pad_end[a];
	if (padded < span)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a window of %llu does not fit into %llu",
		                 (unsigned long long)span, (unsigned long long)padded);
	left = padded - span;
	w->out[a] = left / w->stride[a] + 1;
	/* one more for what is left, unless it, or else the last, begins behind the input */
	if (rounds_up && left % w->stride[a] != 0)
		w->out[a]++;
	if (rounds_up && w->out[a] > 1 && (w->out[a] - 1) * w->stride[a] >= in + w->pad[a])
		w->out[a]--;
	return HEFT_OK;
}

static enum heft_status set_axes(const struct heft_call *c, struct heft_pooling *w, uint32_t n,
                                 struct heft_error *err)
{
	const uint32_t first = 3 - n;
	size_t pads[6] = { 0 };
	enum pad_mode mode = PAD_GIVEN;
	uint32_t n_given;

	heft_call_ints(c, "kernel_shape", &n_given);
	if (n_given == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "kernel_shape is missing");
	HEFT_TRY(read_list(c, "kernel_shape", n, 1, 1, w->kernel + first, err));
	HEFT_TRY(read_list(c, "strides", n, 1, 1, w->stride + first, err));
	HEFT_TRY(read_list(c, "dilations", n, 1, 1, w->dilation + first, err));
	HEFT_TRY(read_pad_mode(c, &mode, err));
	if (mode == PAD_GIVEN)
		HEFT_TRY(read_list(c, "pads", 2 * n, 0, 0, pads, err));
	for (uint32_t i = 0; i < n; i++) {
		w->pad[first + i] = pads[i];
		w->pad_end[first + i] = pads[n + i];
		HEFT_TRY(set_out(w, first + i, mode, heft_call_int(c, "ceil_mode", 0) != 0, err));
	}
	return HEFT_OK;
}

static enum heft_status check_dtype(const struct heft_call *c, enum heft_pool_kind kind,
                                    struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	static const enum heft_dtype ordered[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I8,
		                                   HEFT_DTYPE_U8, HEFT_DTYPE_NONE };

	return heft_call_check_dtype(c, 0, kind == HEFT_POOL_MAX ? ordered : floats, err);
}

enum heft_status heft_pool_infer(struct heft_call *c, enum heft_pool_kind kind, bool is_nhwc,
                                 struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_pool *p = (struct heft_pool *)c->state;
	const uint32_t n_axes = x->rank - 2;
	const uint32_t first = is_nhwc ? 1 : 2; /* of the axes that windows go over */
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	struct heft_pooling *w = &p->window;

	HEFT_TRY(check_dtype(c, kind, err));
	if (x->rank < 3)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input has %u dimensions and not at least 3", x->rank);
	if (x->rank > 5)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "windows of %u dimensions are not computed", n_axes);
	*p = (struct heft_pool){ .kind = kind, .power = 1.0f };
	p->is_last = is_nhwc || heft_call_lies_last(c, x->rank);
	p->n_images = x->dims[0];
	p->n_channels = x->dims[is_nhwc ? x->rank - 1 : 1];
	for (uint32_t a = 0; a < 3; a++) {
		const bool is_there = a >= 3 - n_axes;

		w->in[a] = is_there ? x->dims[first + a - (3 - n_axes)] : 1;
		w->out[a] = w->kernel[a] = w->stride[a] = w->dilation[a] = 1;
	}
	HEFT_TRY(set_axes(c, w, n_axes, err));
	w->is_average = kind == HEFT_POOL_AVERAGE;
	w->n_channels = w->x_ld = w->y_ld = p->n_channels;
	memcpy(dims, x->dims, sizeof dims);
	for (uint32_t i = 0; i < n_axes; i++)
		dims[first + i] = w->out[3 - n_axes + i];
	return heft_array_set(&c->out[0], x->dtype, x->rank, dims, err);
}

/* --- the work --- */

/* Numbers of elements, from those with the last axis fastest to those with the first. */
static void number_by_columns(const struct heft_pooling *w, int64_t *places, uint64_t n)
{
	const int64_t d1 = (int64_t)w->in[1];
	const int64_t d2 = (int64_t)w->in[2];
	const int64_t d0 = (int64_t)w->in[0];

	for (uint64_t i = 0; i < n; i++) {
		int64_t inside;

		if (places[i] < 0)
			continue;
		inside = places[i] % (d0 * d1 * d2);
		places[i] += inside / (d1 * d2) + inside / d2 % d1 * d0 + inside % d2 * d0 * d1 -
		             inside;
	}
}

static bool has_kernel(const struct heft_call *c, const struct heft_pool *p)
{
	return c->in[0].dtype == HEFT_DTYPE_F32 && p->kind != HEFT_POOL_POWER &&
	       heft_call_wants(c, 0);
}

static void run_lines(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct heft_pool *p = ctx;
	const struct heft_pooling *w = &p->window;
	const bool is_by_kernel = has_kernel(c, p);
	void *y = heft_call_wants(c, 0) ? c->out[0].bytes : NULL;
	const void *x = c->in[0].bytes;
	int64_t *places = heft_call_wants(c, 1) ? c->out[1].bytes : NULL;

	(void)worker;
	if (is_by_kernel && p->is_last && !places)
		heft_pooling_nhwc_f32_by(c->cpu_bits, w, y, x, (size_t)first, (size_t)n);
	else if (is_by_kernel && !p->is_last && places)
		heft_pooling_nchw_places_f32(w, y, places, x, (size_t)first, (size_t)n);
	else if (is_by_kernel && !p->is_last)
		heft_pooling_nchw_f32(w, y, x, (size_t)first, (size_t)n);
	else
		heft_pool_plain(c->cpu_bits, p, c->in[0].dtype, x, y, places, first, n);
	if (places && p->has_columns)
		number_by_columns(w, places + first * w->out[2], n * w->out[2]);
}

/* What a line costs; a window has no more taps than there are pixels. */
static uint64_t line_cost(const struct heft_pooling *w, uint64_t n_channels)
{
	uint64_t n_taps = 1;

	for (int a = 0; a < 3; a++)
		n_taps *= w->kernel[a] < w->in[a] ? w->kernel[a] : w->in[a];
	return n_taps > (1 << 20) ? n_taps : n_taps * w->out[2] * n_channels;
}

void heft_pool_forward(const struct heft_call *c)
{
	const struct heft_pool *p = (const struct heft_pool *)c->state;
	const struct heft_pooling *w = &p->window;
	/* the kernel's lines are of all channels at once */
	const bool is_by_pixels = has_kernel(c, p) && p->is_last && !heft_call_wants(c, 1);
	const uint64_t n_planes = p->n_images * (is_by_pixels ? 1 : p->n_channels);

	if (c->out[0].n_elements == 0)
		return;
	heft_spans_run(c, n_planes * w->out[0] * w->out[1],
	               line_cost(w, is_by_pixels ? p->n_channels : 1), run_lines, p);
}
