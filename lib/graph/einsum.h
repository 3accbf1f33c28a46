/* SPDX-License-Identifier: Apache-2.0 */
/* graph/einsum.h - Einsum's equation, and the two ways to compute it (spec F6-27): a chain for each
 * output, of any operands; or, for two operands of F32, a batch of matrix products. */
#ifndef GRAPH_EINSUM_H
#define GRAPH_EINSUM_H

#include "graph/matmul.h"

#define HEFT_EINSUM_MAX_OPERANDS 16
/* Letters, and behind them the dimensions of the ellipsis, the last one last. */
#define HEFT_EINSUM_N_LETTERS 52
#define HEFT_EINSUM_N_LABELS (HEFT_EINSUM_N_LETTERS + HEFT_GRAPH_MAX_RANK)

/* Labels of one operand's dimensions, or of the output's, or those that are summed. */
struct heft_einsum_term {
	uint32_t rank;
	uint8_t labels[HEFT_EINSUM_N_LABELS];
};

struct heft_einsum {
	uint32_t n_operands;
	struct heft_einsum_term operands[HEFT_EINSUM_MAX_OPERANDS];
	struct heft_einsum_term out;
	struct heft_einsum_term summed; /* in the order in which they stand in the equation first */
	uint64_t sizes[HEFT_EINSUM_N_LABELS];
};

/* einsum_parse.c: of the attribute and the inputs' shapes. Forward reads it once more: no failure
 * then. */
enum heft_status heft_einsum_parse(const struct heft_call *c, struct heft_einsum *e,
                                   struct heft_error *err);
/* Elements that operand i's place goes on by with one step of a label; 0: it has none of it. */
uint64_t heft_einsum_step(const struct heft_call *c, const struct heft_einsum *e, uint32_t i,
                          uint8_t label);

/* einsum_product.c. State lies in the call's. */
struct heft_einsum_product {
	struct heft_matmul m;
	/* Dimensions in the order that the products want: of a, of b, of the output. */
	struct heft_einsum_term a;
	struct heft_einsum_term b;
	struct heft_einsum_term y;
	uint64_t a_at;
	uint64_t b_at;
	uint64_t y_at;
};
/* Whether it is a batch of products; then with scratch asked for. */
enum heft_status heft_einsum_product_infer(struct heft_call *c, const struct heft_einsum *e,
                                           bool *is_one, struct heft_error *err);
void heft_einsum_product_forward(const struct heft_call *c, const struct heft_einsum *e);

/* einsum_gradient.c */
void heft_einsum_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
