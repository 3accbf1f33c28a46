/* SPDX-License-Identifier: Apache-2.0 */
/* graph/eval.h - one node, computed at once: for constants when a plan is made, and for nodes whose
 * shapes only their inputs' values tell. */
#ifndef GRAPH_EVAL_H
#define GRAPH_EVAL_H

#include "graph/ir.h"
#include "graph/memory.h"

/* What a session's calls have in common. */
struct heft_engine {
	struct heft_team *team;
	uint32_t cpu_bits;
	uint64_t seed;
	bool trains;       /* see heft_call */
	bool is_plan_only; /* weights are not packed, since nothing is run */
};

/* Sets what a call of this node has before infer: all but in, out and end. */
void heft_call_of_node(const struct heft_engine *e, const struct heft_model *m,
                       const struct heft_ir_node *node, struct heft_call *call);

/* infer, with the checks that every operator wants: nothing that it may set stands there before,
 * arity, attributes of the kind that they are asked for, every wanted output with a dtype. */
enum heft_status heft_call_infer(struct heft_call *call, struct heft_error *err);

/* The dtype that an operator gets in place of `dtype` (HEFT_OP_WIDENS). */
static inline enum heft_dtype heft_op_sees(const struct heft_op *op, enum heft_dtype dtype)
{
	const bool is_half = dtype == HEFT_DTYPE_F16 || dtype == HEFT_DTYPE_BF16;

	return is_half && (op->flags & HEFT_OP_WIDENS) ? HEFT_DTYPE_F32 : dtype;
}

/* The dtype of a call's narrow inputs, that F32 outputs are rounded to; NONE: there are none. */
enum heft_dtype heft_op_narrow(const struct heft_op *op, const struct heft_array *in, uint32_t n);

/* Computes a node: in has node->n_in arrays with their bytes; out gets node->n_out, with bytes of
 * `memory` (those that nobody wants: dtype NONE). Fails before it takes much where an output would
 * be larger than max_bytes. Values may be of the kinds of kinds.h where the operator has `run`, or
 * moves elements. */
enum heft_status heft_eval(const struct heft_engine *e, const struct heft_model *m,
                           const struct heft_ir_node *node, const struct heft_array *in,
                           struct heft_array *out, uint64_t max_bytes, struct heft_memory *memory,
                           struct heft_error *err);

#endif
