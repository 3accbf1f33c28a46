/* SPDX-License-Identifier: Apache-2.0 */
/* graph/elementwise.h - what operators share that compute each element from the elements at its
 * place: broadcasting into runs of elements, cut into tasks, and the pick of a loop by dtype. */
#ifndef GRAPH_ELEMENTWISE_H
#define GRAPH_ELEMENTWISE_H

#include "graph/gradient.h"

#define HEFT_MAX_OPERANDS 3

/* A run: y_i = f(x0_i, x1_i, x2_i) for i < n. y may be one of the x that have a step of 1. */
struct heft_elements {
	const struct heft_call *call;
	uint32_t cpu_bits;
	uint32_t which; /* of the loop that was picked */
	size_t n;
	void *y;
	const void *x[HEFT_MAX_OPERANDS];
	size_t step[HEFT_MAX_OPERANDS]; /* in elements: 1, or 0 where x is one element for all */
	double p;                       /* see heft_elementwise_keep */
	double q;
};

typedef void heft_elements_fn(const struct heft_elements *e);

/* Which loop computes a dtype (of input 0); rows end with a dtype NONE. */
struct heft_loop {
	enum heft_dtype dtype;
	heft_elements_fn *fn;
	uint32_t which; /* told to fn, which may know several functions */
};

/* --- for infer --- */

/* Output 0 gets `dtype` and the shape that inputs 0 to n - 1 are broadcast to. UNSUPPORTED unless
 * `loops` has the dtype of input 0. */
enum heft_status heft_elementwise_infer(struct heft_call *c, const struct heft_loop *loops,
                                        uint32_t n, enum heft_dtype dtype, struct heft_error *err);
/* The same for one input, whose dtype the output has. */
enum heft_status heft_unary_infer(struct heft_call *c, const struct heft_loop *loops,
                                  struct heft_error *err);
/* Two inputs of one dtype; the output has `dtype`, or theirs if it is NONE. Before opset 7 of
 * ONNX's own domain, attributes `axis` and `broadcast` say how input 1 lies in input 0. */
enum heft_status heft_binary_infer(struct heft_call *c, const struct heft_loop *loops,
                                   enum heft_dtype dtype, struct heft_error *err);
/* Input 1 is a row of input 0's last dimension, and of its dtype. */
enum heft_status heft_bias_infer(struct heft_call *c, const struct heft_loop *loops,
                                 struct heft_error *err);
/* At least one input, all of one dtype, which the output has. */
enum heft_status heft_variadic_infer(struct heft_call *c, const struct heft_loop *loops,
                                     struct heft_error *err);
/* Two numbers that runs are told. */
void heft_elementwise_keep(struct heft_call *c, double p, double q);

/* --- for forward --- */

void heft_unary_forward(const struct heft_call *c, const struct heft_loop *loops);
void heft_binary_forward(const struct heft_call *c, const struct heft_loop *loops);
/* The same with inputs 0 and 1 in each other's place; the loop is that of input 0's dtype. */
void heft_binary_forward_swapped(const struct heft_call *c, const struct heft_loop *loops);
/* ((x0 f x1) f x2) f …; of one input: a copy. */
void heft_variadic_forward(const struct heft_call *c, const struct heft_loop *loops);
/* Runs over `out`, whose shape the n operands are broadcast to. */
void heft_elementwise(const struct heft_call *c, const struct heft_loop *loop,
                      const struct heft_array *out, const struct heft_array *const *in, uint32_t n);

/* --- for backward --- */

/* Whether operands are broadcast as NumPy does; else it says that there is no gradient. */
bool heft_binary_aligns(const struct heft_call *c, struct heft_gradient *g);
/* Of an operator whose output is one of its inputs, element by element: the first that equals it
 * has the gradient. */
void heft_gradient_of_chosen(const struct heft_call *c, struct heft_gradient *g);

const struct heft_loop *heft_loop_find(const struct heft_loop *loops, enum heft_dtype dtype);

/* The operator of one input whose loops are `loops`. */
#define HEFT_UNARY_OPERATOR(id, type, since_, flags_, infer_, backward_) \
	static void forward(const struct heft_call *c)                   \
	{                                                                \
		heft_unary_forward(c, loops);                            \
	}                                                                \
                                                                         \
	const struct heft_op heft_op_##id = {                            \
		.name = type,                                            \
		.domain = "",                                            \
		.since = since_,                                         \
		.flags = HEFT_OP_ELEMENTWISE | (flags_),                 \
		.min_in = 1,                                             \
		.max_in = 1,                                             \
		.min_out = 1,                                            \
		.max_out = 1,                                            \
		.infer = infer_,                                         \
		.forward = forward,                                      \
		.backward = backward_,                                   \
	}
/* The operator of domain "heft" of two inputs, a gradient first, whose loops are `loops`. */
#define HEFT_SLOPE_OPERATOR(id, type, infer_)          \
	static void forward(const struct heft_call *c) \
	{                                              \
		heft_binary_forward(c, loops);         \
	}                                              \
                                                       \
	const struct heft_op heft_op_##id = {          \
		.name = type,                          \
		.domain = "heft",                      \
		.flags = HEFT_OP_ELEMENTWISE,          \
		.min_in = 2,                           \
		.max_in = 2,                           \
		.min_out = 1,                          \
		.max_out = 1,                          \
		.infer = infer_,                       \
		.forward = forward,                    \
	}
/* Its infer, where there are no attributes. */
#define HEFT_UNARY_INFER                                                           \
	static enum heft_status infer(struct heft_call *c, struct heft_error *err) \
	{                                                                          \
		return heft_unary_infer(c, loops, err);                            \
	}

#endif
