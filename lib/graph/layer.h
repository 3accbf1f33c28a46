/* SPDX-License-Identifier: Apache-2.0 */
/* graph/layer.h - what LayerNormalization and its like share: rows of the dimensions from an axis
 * on, normalised by their own statistics, times a scale, plus a shift (spec F3-6, F3-7). */
#ifndef GRAPH_LAYER_H
#define GRAPH_LAYER_H

#include "graph/spans.h"

/* A scale or a shift, broadcast against the input. */
struct heft_layer_factor {
	bool is_there;
	bool is_row; /* the same row for all of them, as it lies */
	uint64_t strides[HEFT_GRAPH_MAX_RANK];
};

struct heft_layer {
	bool is_rms;
	float epsilon;
	uint32_t axis;
	uint32_t rank;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	struct heft_axis rows;
	struct heft_layer_factor scale;
	struct heft_layer_factor shift;
};

/* Plans rows of x from `axis` on, with the inputs `scale` and `shift` of the call; one that is left
 * out, or UINT32_MAX, is none. *scratch: bytes that heft_layer_run wants. */
enum heft_status heft_layer_set(struct heft_layer *l, const struct heft_call *c,
                                const struct heft_array *x, uint32_t axis, uint32_t scale,
                                uint32_t shift, uint64_t *scratch, struct heft_error *err);
/* The shape of the statistics: x's with 1 from the axis on. F32. */
enum heft_status heft_layer_set_statistics(const struct heft_layer *l, struct heft_array *out,
                                           struct heft_error *err);

/* Rows first to first + n - 1, the first of which is at x, and goes to y, which is apart, the same
 * or NULL; means and inverses of all rows, or NULL. Tasks of an operator's own want scratch as
 * heft_layer_run does. */
struct heft_layer_arrays {
	const void *x;
	const struct heft_array *scale;
	const struct heft_array *shift;
	void *y;
	float *mean;
	float *inverse;
	void *scratch;
};
void heft_layer_rows(const struct heft_call *c, const struct heft_layer *l,
                     const struct heft_layer_arrays *a, uint64_t first, uint64_t n,
                     uint32_t worker);
void heft_layer_run(const struct heft_call *c, const struct heft_layer *l,
                    const struct heft_layer_arrays *a);

/* The operators that are nothing else: input 1 the scale, input 2 the shift; outputs from 1 on are
 * the mean (not if is_rms) and the inverse. The plan is c->state. */
enum heft_status heft_layer_infer(struct heft_call *c, bool is_rms, struct heft_error *err);
void heft_layer_forward(const struct heft_call *c);
/* normal_gradient.c */
void heft_layer_backward(const struct heft_call *c, struct heft_gradient *g, bool is_rms);

#endif
