/* SPDX-License-Identifier: Apache-2.0 */
/* graph/move.h - elements copied from where the strides of one array say to where those of another
 * say: what transposing, slicing, joining and repeating come to. Elements are of any dtype that
 * fills whole bytes. */
#ifndef GRAPH_MOVE_H
#define GRAPH_MOVE_H

#include "graph/op.h"

#define HEFT_MOVE_MAX_RANK 16

struct heft_move_dim {
	uint64_t n;
	int64_t x; /* bytes from one to the next */
	int64_t y;
};

struct heft_move {
	uint32_t rank;
	bool is_empty;
	uint64_t unit; /* bytes that lie together in both */
	int64_t x_at;  /* where the first one is */
	int64_t y_at;
	struct heft_move_dim dims[HEFT_MOVE_MAX_RANK]; /* as y lies: outermost first */
};

/* `element`: bytes. */
void heft_move_init(struct heft_move *m, uint64_t element);
/* One more dimension; steps in elements, that of y above 0. In any order. */
void heft_move_add(struct heft_move *m, uint64_t n, int64_t x_step, int64_t y_step);
/* Where the first element is, in elements from the arrays' first ones. */
void heft_move_from(struct heft_move *m, int64_t x_at, int64_t y_at);
/* Behind the last heft_move_add: puts the dimensions in order, and those together that lie so. */
void heft_move_ready(struct heft_move *m);
/* Each element of y is written once; x and y are apart. */
void heft_move_run(const struct heft_call *c, const struct heft_move *m, const void *x, void *y);

/* n bytes as they are, by the team; nothing where x is y. */
void heft_copy(const struct heft_call *c, const void *x, void *y, uint64_t n);

/* Elements from one index of a dimension to the next; is_laid: that the array lies channels last if
 * the call's do. */
void heft_steps(const struct heft_call *c, const struct heft_array *a, bool is_laid,
                int64_t *steps);
/* Which dimension is how far out in memory, outermost first. */
void heft_memory_order(const struct heft_call *c, uint32_t rank, uint32_t *order);

/* UNSUPPORTED unless the elements of input i fill whole bytes: *size of them. */
enum heft_status heft_call_element(const struct heft_call *c, uint32_t i, uint64_t *size,
                                   struct heft_error *err);
/* USAGE where input k is not of the dtype of input i. */
enum heft_status heft_call_same_dtype(const struct heft_call *c, uint32_t i, uint32_t k,
                                      struct heft_error *err);
/* UNSUPPORTED unless input i is I32 or I64. */
enum heft_status heft_call_check_index(const struct heft_call *c, uint32_t i,
                                       struct heft_error *err);
/* Element i of such an input; negative ones count from behind `n`; what is still outside becomes
 * the nearest one inside (n > 0), or, for heft_index_or_none, n. */
uint64_t heft_index_within(const struct heft_array *a, uint64_t i, uint64_t n);
uint64_t heft_index_or_none(const struct heft_array *a, uint64_t i, uint64_t n);

/* A list of at most `room` integers that is an attribute up to opset `since` and input i from there
 * on. *is_given: it is there. */
enum heft_status heft_call_list(const struct heft_call *c, const char *name, uint32_t i,
                                uint32_t since, int64_t *values, uint32_t room, uint32_t *n,
                                bool *is_given, struct heft_error *err);
/* The same of axes of `rank` dimensions, each once: what is not given is *n = 0. */
enum heft_status heft_call_axes(const struct heft_call *c, uint32_t i, uint32_t since,
                                uint32_t rank, uint32_t *axes, uint32_t *n, bool *is_given,
                                struct heft_error *err);

/* The array along an axis as it lies in memory. */
struct heft_axis;
void heft_memory_axis(const struct heft_call *c, const struct heft_array *a, uint32_t axis,
                      struct heft_axis *along);

/* y_i = value for i < n, elements of `size` bytes. */
void heft_fill(void *y, const void *value, uint64_t size, uint64_t n);

#endif
