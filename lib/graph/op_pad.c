/* SPDX-License-Identifier: Apache-2.0 */
/* op_pad.c - Pad: more in front of dimensions and behind them, or less where a pad is negative.
 * What is taken away is so before the rest is mirrored or repeated. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/maps.h"
#include "graph/move.h"

enum mode {
	MODE_CONSTANT,
	MODE_REFLECT,
	MODE_EDGE,
	MODE_WRAP
};

/* Of one dimension: n indices of the input from `first` on, behind `before` others. */
struct pad {
	int64_t first;
	int64_t n;
	int64_t before;
};

struct plan {
	struct heft_maps maps;
	enum mode mode;
	uint64_t element;
	struct pad pads[HEFT_GRAPH_MAX_RANK];
};
_Static_assert(sizeof(struct plan) <= HEFT_CALL_STATE, "state holds it");

static enum heft_status read_mode(const struct heft_call *c, enum mode *mode,
                                  struct heft_error *err)
{
	static const char *const names[] = { "constant", "reflect", "edge", "wrap" };
	const char *name = heft_call_text(c, "mode", "constant");

	for (uint32_t i = 0; i < 4; i++) {
		if (strcmp(names[i], name) == 0) {
			*mode = (enum mode)i;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "mode '%s' does not exist", name);
}

/* before[d] and after[d] for every dimension. */
static enum heft_status read_pads(const struct heft_call *c, int64_t *before, int64_t *after,
                                  struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	int64_t pads[2 * HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t n_axes = rank;
	bool has_axes = false;
	bool is_given;
	uint32_t n;

	HEFT_TRY(heft_call_list(c, c->opset < 2 ? "paddings" : "pads", 1, 11, pads,
	                        2 * HEFT_GRAPH_MAX_RANK, &n, &is_given, err));
	for (uint32_t d = 0; d < rank; d++) {
		before[d] = 0;
		after[d] = 0;
		axes[d] = d;
	}
	if (c->opset >= 18 && heft_call_has(c, 3))
		HEFT_TRY(heft_call_axes(c, 3, 18, rank, axes, &n_axes, &has_axes, err));
	if (!is_given || n != 2 * n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u pads are given for %u dimensions", n, n_axes);
	for (uint32_t k = 0; k < n_axes; k++) {
		before[axes[k]] = pads[k];
		after[axes[k]] = pads[n_axes + k];
	}
	return HEFT_OK;
}

static enum heft_status set_pad(struct pad *p, enum mode mode, uint64_t size, int64_t before,
                                int64_t after, uint64_t *dim, struct heft_error *err)
{
	const int64_t most = INT64_MAX / 4;
	int64_t end = (int64_t)size;

	if (before > most || before < -most || after > most || after < -most || end > most ||
	    end + before + after < 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "pads of %lld and %lld do not go with %llu elements",
		                 (long long)before, (long long)after, (unsigned long long)size);
	*dim = (uint64_t)(end + before + after);
	p->first = before < 0 ? -before : 0;
	p->before = before > 0 ? before : 0;
	end += after < 0 ? after : 0;
	p->n = end > p->first ? end - p->first : 0;
	if (p->n == 0 && *dim > 0 && mode != MODE_CONSTANT)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a dimension has no element to pad with");
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)(void *)c->state;
	int64_t before[HEFT_GRAPH_MAX_RANK];
	int64_t after[HEFT_GRAPH_MAX_RANK];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t mapped = 0;

	HEFT_TRY(heft_call_element(c, 0, &p->element, err));
	HEFT_TRY(read_mode(c, &p->mode, err));
	HEFT_TRY(read_pads(c, before, after, err));
	if (c->opset >= 11 && heft_call_has(c, 2))
		HEFT_TRY(heft_call_same_dtype(c, 0, 2, err));
	for (uint32_t d = 0; d < x->rank; d++) {
		HEFT_TRY(set_pad(&p->pads[d], p->mode, x->dims[d], before[d], after[d], &dims[d],
		                 err));
		if (before[d] != 0 || after[d] != 0)
			mapped |= 1U << d;
	}
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	heft_maps_set(c, &p->maps, p->element, mapped);
	return HEFT_OK;
}

/* Where in p->n elements the one is that lies at i, which may be outside. */
static int64_t place(const struct pad *p, enum mode mode, int64_t i)
{
	const int64_t n = p->n;
	const int64_t turn = mode == MODE_WRAP ? n : 2 * (n - 1);

	if (i >= 0 && i < n)
		return i;
	if (mode == MODE_CONSTANT)
		return -1;
	if (mode == MODE_EDGE || turn == 0)
		return i < 0 ? 0 : n - 1;
	i = i % turn;
	i = i < 0 ? i + turn : i;
	return i < n ? i : turn - i;
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;
	const float value = heft_call_float(c, "value", 0.0f);
	uint8_t fill[16] = { 0 };

	if (c->opset < 11)
		heft_cast_elements(c->in[0].dtype, fill, HEFT_DTYPE_F32, &value, 1, NULL);
	else if (heft_call_has(c, 2) && c->in[2].n_elements > 0)
		memcpy(fill, c->in[2].bytes, p->element);
	for (uint32_t i = 0; i < p->maps.rank; i++) {
		const struct pad *pad = &p->pads[p->maps.dims[i]];
		int64_t *map = heft_maps_of(c, &p->maps, i);

		for (uint64_t j = 0; j < p->maps.n[i]; j++) {
			map[j] = place(pad, p->mode, (int64_t)j - pad->before);
			map[j] += map[j] < 0 ? 0 : pad->first;
		}
	}
	heft_maps_run(c, &p->maps, fill, p->element);
}

/* Along dimension d, which becomes `size` long: what was taken from a place is added up, ascending
 * (F7-19). Places are numbers that are padded likewise. */
static uint32_t gathered(const struct heft_call *c, struct heft_gradient *g, uint32_t d,
                         uint64_t size, const int64_t *pads, uint32_t dy)
{
	const struct heft_array y = *heft_gradient_array(g, dy);
	const struct heft_emit places = {
		.type = "Pad",
		.n_in = 2,
		.in = { heft_emit_3(g, "Range", heft_emit_integer(g, 0),
		                    heft_emit_integer(g, (int64_t)size), heft_emit_integer(g, 1)),
		        heft_emit_list(g, pads, 2) },
		.n_attrs = 1,
		.attrs = { heft_attr_text("mode", heft_call_text(c, "mode", "constant")) },
	};
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = {
		.type = "heft.GatherGradient",
		.n_in = 2,
		.in = { dy, heft_emit(g, &places) },
		.n_attrs = 2,
	};

	for (uint32_t k = 0; k < y.rank; k++)
		shape[k] = (int64_t)(k == d ? size : y.dims[k]);
	e.attrs[0] = heft_attr_int("axis", d);
	e.attrs[1] = heft_attr_ints("shape", shape, y.rank);
	return heft_emit(g, &e);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	int64_t before[HEFT_GRAPH_MAX_RANK];
	int64_t after[HEFT_GRAPH_MAX_RANK];
	int64_t back[2 * HEFT_GRAPH_MAX_RANK];
	const uint32_t rank = c->in[0].rank;
	uint32_t dy = heft_gradient_of(g, 0);
	enum mode mode;

	if (read_mode(c, &mode, NULL) != HEFT_OK || read_pads(c, before, after, NULL) != HEFT_OK)
		return;
	if (heft_gradient_wants(g, 2)) {
		heft_gradient_block(g, "the value to pad with is not trained");
		return;
	}
	for (uint32_t d = 0; d < rank && mode != MODE_CONSTANT; d++) {
		const int64_t pads[2] = { before[d], after[d] };

		if (before[d] != 0 || after[d] != 0)
			dy = gathered(c, g, d, c->in[0].dims[d], pads, dy);
	}
	if (mode != MODE_CONSTANT) {
		heft_give(g, 0, dy);
		return;
	}
	/* what was put there is cut off, and what was cut off has none: a pad of the opposite */
	for (uint32_t d = 0; d < rank; d++) {
		back[d] = -before[d];
		back[rank + d] = -after[d];
	}
	heft_give(g, 0, heft_emit_2(g, "Pad", dy, heft_emit_list(g, back, 2 * rank)));
}

const struct heft_op heft_op_pad = {
	.name = "Pad",
	.domain = "",
	.flags = HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 3,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
