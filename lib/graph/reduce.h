/* SPDX-License-Identifier: Apache-2.0 */
/* graph/reduce.h - reductions over any set of axes: what ReduceSum and its like, pooling of whole
 * maps and normalisation over axes compute. Orders are those of spec F3-1 to F3-4 and F3-8. */
#ifndef GRAPH_REDUCE_H
#define GRAPH_REDUCE_H

#include "graph/gradient.h"

enum heft_reduction {
	HEFT_REDUCE_SUM,
	HEFT_REDUCE_MEAN,
	HEFT_REDUCE_L1,
	HEFT_REDUCE_L2,
	HEFT_REDUCE_SQUARES,
	HEFT_REDUCE_PRODUCT,
	HEFT_REDUCE_LOG_SUM,
	HEFT_REDUCE_LOG_SUM_EXP,
	HEFT_REDUCE_MAX,
	HEFT_REDUCE_MIN,
	HEFT_REDUCE_POWERS,    /* the `power`-th root of the sum of |x| to that power */
	HEFT_REDUCE_DEVIATIONS /* of heft_reduce_moments: the variance, y being the mean before */
};

/* Neighbouring axes that are kept, or that are reduced, are one group; groups in the order of axes,
 * strides in elements of the input. At least one of each; a group of 1 where there is none. */
struct heft_reduce {
	enum heft_reduction kind;
	float power;
	uint32_t n_kept;
	uint32_t n_reduced;
	uint64_t kept[HEFT_GRAPH_MAX_RANK];
	uint64_t kept_stride[HEFT_GRAPH_MAX_RANK];
	uint64_t reduced[HEFT_GRAPH_MAX_RANK];
	uint64_t reduced_stride[HEFT_GRAPH_MAX_RANK];
	uint64_t n_out;
	uint64_t n_each;
};

/* `dims` in the order in which the array lies. */
void heft_reduce_set(struct heft_reduce *r, enum heft_reduction kind, uint32_t rank,
                     const uint64_t *dims, const bool *is_reduced);
/* Bytes of scratch that heft_reduce_run wants. */
uint64_t heft_reduce_scratch(const struct heft_reduce *r, enum heft_dtype dtype);
/* From x to y, packed; F32, F64, integers and BOOL. */
void heft_reduce_run(const struct heft_call *c, const struct heft_reduce *r, enum heft_dtype dtype,
                     const void *x, void *y, void *scratch);
/* Means and variances (F3-2) of floats, where r is a MEAN. */
void heft_reduce_moments(const struct heft_call *c, const struct heft_reduce *r,
                         enum heft_dtype dtype, const void *x, void *mean, void *variance,
                         void *scratch);

/* The elements of one output, in ascending order, a run of them at a time. */
#define HEFT_REDUCE_HELD 256
struct heft_reduce_walk {
	const struct heft_reduce *r;
	const uint8_t *x;
	uint64_t size; /* of an element */
	uint64_t index[HEFT_GRAPH_MAX_RANK];
	uint64_t offset; /* elements */
	uint64_t left;
};
/* Where output o's elements begin, in elements. */
uint64_t heft_reduce_base(const struct heft_reduce *r, uint64_t o);
void heft_reduce_walk_init(struct heft_reduce_walk *w, const struct heft_reduce *r, const void *x,
                           uint64_t size, uint64_t o);
/* How many; 0: none are left. *run is in x, or `held`, of HEFT_REDUCE_HELD elements. */
size_t heft_reduce_walk_next(struct heft_reduce_walk *w, void *held, const void **run);

/* ReduceSum and its like: `axes` is an attribute, and from opset `since_input` on input 1. The plan
 * is c->state. */
enum heft_status heft_reduce_infer(struct heft_call *c, enum heft_reduction kind,
                                   uint32_t since_input, struct heft_error *err);
void heft_reduce_forward(const struct heft_call *c);

/* Pooling of whole maps (rank at least 2), in both layouts; the plan is c->state. */
enum heft_status heft_reduce_maps_infer(struct heft_call *c, enum heft_reduction kind, float power,
                                        struct heft_error *err);

/* The dims of the output with those of 1 that keepdims leaves, of a call that infer took. */
bool heft_reduce_kept_dims(const struct heft_call *c, uint32_t since_input, uint64_t *dims);

/* reduce_gradient.c: backward of the operators. */
void heft_reduce_backward(const struct heft_call *c, struct heft_gradient *g,
                          enum heft_reduction kind, uint32_t since_input);
/* Of pooling of whole maps: MEAN. */
void heft_reduce_maps_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
