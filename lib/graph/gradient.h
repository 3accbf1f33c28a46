/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/gradient.h - what the gradient of an operator is written with.
 *
 * `backward` of an operator looks at one call of it, with the shapes that it has in a plan, and
 * emits the calls of other operators that make the gradients of its inputs:
 *
 *	static void backward(const struct heft_call *c, struct heft_gradient *g)
 *	{
 *		const uint32_t dy = heft_gradient_of(g, 0);
 *
 *		if (heft_gradient_wants(g, 0))
 *			heft_give(g, 0, heft_emit_2(g, "Mul", dy, heft_gradient_in(g, 1)));
 *		...
 *	}
 *
 * What is emitted are steps of the plan like any others: operators of ONNX (as of opset
 * HEFT_EMIT_OPSET), and those of domain "heft", which no file may use: op_heft_<name>.c. They are
 * fused, laid out and placed in memory together with what runs forward, and each of them is tested
 * by rows of its own. F32 and F64. The order in which elements are added is written in
 * spec/numerics.md, section 7.
 *
 * Values are numbers; HEFT_NO_VALUE is none, as of an input that is left out. Errors are kept
 * until backward returns: after one, everything gives HEFT_NO_VALUE.
 */
#ifndef GRAPH_GRADIENT_H
#define GRAPH_GRADIENT_H

#include "graph/op.h"

#define HEFT_NO_VALUE UINT32_MAX
#define HEFT_EMIT_OPSET 21
#define HEFT_EMIT_MAX_IN 8
#define HEFT_EMIT_MAX_OUT 4
#define HEFT_EMIT_MAX_ATTRS 16

/* --- what there is --- */

/* Input i and output i of the call; an output that nobody reads is HEFT_NO_VALUE, and can be had by
 * emitting the call again. */
uint32_t heft_gradient_in(const struct heft_gradient *g, uint32_t i);
uint32_t heft_gradient_out(const struct heft_gradient *g, uint32_t i);
/* The gradient of output i: HEFT_NO_VALUE where no loss depends on it. Of output 0 it is there
 * unless the operator has several. */
uint32_t heft_gradient_of(struct heft_gradient *g, uint32_t i);
/* Whether anybody wants the gradient of input i. */
bool heft_gradient_wants(const struct heft_gradient *g, uint32_t i);
/* Dtype and shape of a value: of one that was emitted, too. Lives until the next one is emitted. */
const struct heft_array *heft_gradient_array(const struct heft_gradient *g, uint32_t value);

/* --- what is emitted --- */

struct heft_emit {
	const char *type; /* "Mul"; "heft.ReluGradient" */
	uint32_t opset;   /* 0: HEFT_EMIT_OPSET; of the call itself, where it is emitted again */
	uint32_t n_in;
	uint32_t in[HEFT_EMIT_MAX_IN];
	const uint32_t *inputs; /* in place of `in`, where there are more; NULL */
	uint32_t n_out;         /* 0: 1 */
	uint32_t n_attrs;
	struct heft_attr attrs[HEFT_EMIT_MAX_ATTRS]; /* numbers and texts are copied */
	const struct heft_attrs *same; /* more attributes: those of another call; NULL */
	bool draws_alike;              /* HEFT_OP_RANDOM: the numbers that the call itself draws */
};

/* Gives output 0. */
uint32_t heft_emit(struct heft_gradient *g, const struct heft_emit *e);
/* All e->n_out outputs. */
void heft_emit_all(struct heft_gradient *g, const struct heft_emit *e, uint32_t *out);
uint32_t heft_emit_1(struct heft_gradient *g, const char *type, uint32_t x);
uint32_t heft_emit_2(struct heft_gradient *g, const char *type, uint32_t x, uint32_t y);
uint32_t heft_emit_3(struct heft_gradient *g, const char *type, uint32_t x, uint32_t y, uint32_t z);

static inline struct heft_attr heft_attr_int(const char *name, int64_t value)
{
	return (struct heft_attr){ .name = name, .kind = HEFT_ATTR_INT, .i = value };
}
static inline struct heft_attr heft_attr_float(const char *name, float value)
{
	return (struct heft_attr){ .name = name, .kind = HEFT_ATTR_FLOAT, .f = value };
}
static inline struct heft_attr heft_attr_text(const char *name, const char *value)
{
	return (struct heft_attr){ .name = name, .kind = HEFT_ATTR_TEXT, .text = value };
}
static inline struct heft_attr heft_attr_ints(const char *name, const int64_t *values, uint32_t n)
{
	return (struct heft_attr){ .name = name, .kind = HEFT_ATTR_INTS, .ints = values, .n = n };
}

/* Constants: a list of I64, as of shapes and axes; one number of this dtype, rank 0, rounded once;
 * an array, whose bytes are copied. */
uint32_t heft_emit_list(struct heft_gradient *g, const int64_t *values, uint32_t n);
uint32_t heft_emit_integer(struct heft_gradient *g, int64_t value); /* I64, no dimension */
uint32_t heft_emit_number(struct heft_gradient *g, enum heft_dtype dtype, double number);
uint32_t heft_emit_constant(struct heft_gradient *g, const struct heft_array *a);
/* The elements of x, in order, in the shape of another value, or in dims. */
uint32_t heft_emit_reshaped_like(struct heft_gradient *g, uint32_t x, uint32_t like);
uint32_t heft_emit_reshaped(struct heft_gradient *g, uint32_t x, uint32_t rank,
                            const uint64_t *dims);
/* x, whose shape `like` can be broadcast to, summed over what is broadcast, as ReduceSum does. */
uint32_t heft_emit_summed_like(struct heft_gradient *g, uint32_t x, uint32_t like);

/* Elements first to first + n - 1 of x along an axis. */
uint32_t heft_emit_part(struct heft_gradient *g, uint32_t x, uint32_t axis, uint64_t first,
                        uint64_t n);
/* Zeros of this shape, but for x, whose element i of dimension d lies at starts[d] + i steps[d]. */
uint32_t heft_emit_placed(struct heft_gradient *g, uint32_t x, const struct heft_array *shape,
                          const int64_t *starts, const int64_t *steps);

/* --- what comes of it --- */

/* Part of the gradient of input i: of its shape, or of one that it was broadcast to, over which it
 * is then summed. Nothing happens where nobody wants it, or `value` is HEFT_NO_VALUE. */
void heft_give(struct heft_gradient *g, uint32_t i, uint32_t value);
/* There is no gradient here, which is said before anything runs: one impersonal sentence. */
void heft_gradient_block(struct heft_gradient *g, const char *why);

/* backward of operators whose gradient is 0 wherever there is one: Floor, Sign, comparisons. What
 * they make is a constant for the loss. */
void heft_gradient_none(const struct heft_call *c, struct heft_gradient *g);
/* Of operators whose output is input 0 in another shape. */
void heft_gradient_reshape(const struct heft_call *c, struct heft_gradient *g);

#endif
