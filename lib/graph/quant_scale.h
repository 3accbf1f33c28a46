/* SPDX-License-Identifier: Apache-2.0 */
/* graph/quant_scale.h - which scale, and which zero point, belongs to an element: of the whole
 * tensor, of its place on an axis, or of its block there. */
#ifndef GRAPH_QUANT_SCALE_H
#define GRAPH_QUANT_SCALE_H

#include "graph/op.h"

/* Elements are worked on in runs of this many, which begin at a whole byte of every dtype. */
#define HEFT_QUANT_RUN 256

struct heft_quant_scale {
	uint64_t n;       /* of the scales */
	uint64_t n_inner; /* elements behind a place on the axis */
	uint64_t n_axis;
	uint64_t block; /* places that share a scale */
	uint64_t outer_step;
	uint64_t axis_step;
	uint64_t inner_step;
	/* In scratch: the scales as F32; the zero points as I32, or F32. */
	uint64_t scales_at;
	uint64_t zeros_at;
};

/* Of inputs 0, 1 and 2, and the attributes axis and block_size; asks for scratch. */
enum heft_status heft_quant_scale_infer(struct heft_call *c, struct heft_quant_scale *q,
                                        struct heft_error *err);
/* Fills scratch; `zeros`: I32 or F32. */
void heft_quant_scale_load(const struct heft_call *c, const struct heft_quant_scale *q,
                           enum heft_dtype zeros);
/* The scale's number for element i, and how many elements from i on share it, at most n. */
uint64_t heft_quant_scale_at(const struct heft_quant_scale *q, uint64_t i, uint64_t n,
                             uint64_t *count);

static inline const float *heft_quant_scales(const struct heft_call *c,
                                             const struct heft_quant_scale *q)
{
	return (const float *)(const void *)((const unsigned char *)c->scratch + q->scales_at);
}
static inline const void *heft_quant_zeros(const struct heft_call *c,
                                           const struct heft_quant_scale *q)
{
	return (const unsigned char *)c->scratch + q->zeros_at;
}

/* Items are runs: elements first to first + n - 1 of them. */
static inline uint64_t heft_quant_n_runs(uint64_t n_elements)
{
	return n_elements / HEFT_QUANT_RUN + (n_elements % HEFT_QUANT_RUN != 0);
}
/* The byte where run i begins. */
uint64_t heft_quant_byte(enum heft_dtype dtype, uint64_t run);

/* The dtype that ONNX gives a number; USAGE where that is none, or not in `allowed`. */
enum heft_status heft_quant_dtype(int64_t number, const enum heft_dtype *allowed,
                                  enum heft_dtype *dtype, struct heft_error *err);

#endif
