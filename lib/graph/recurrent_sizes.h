/* SPDX-License-Identifier: Apache-2.0 */
/* graph/recurrent_sizes.h - what infer of LSTM, GRU and RNN leaves for pack and forward. */
#ifndef GRAPH_RECURRENT_SIZES_H
#define GRAPH_RECURRENT_SIZES_H

#include "graph/recurrent.h"

/* Inputs, of all three. */
enum {
	RECURRENT_X,
	RECURRENT_W,
	RECURRENT_R,
	RECURRENT_B,
	RECURRENT_LENGTHS,
	RECURRENT_H,
	RECURRENT_C,
	RECURRENT_P
};

/* Multiply-adds of a run from which threads are worth waking. */
#define HEFT_RECURRENT_WORTH_PARTS (UINT64_C(1) << 17)

/* What infer leaves. */
struct heft_recurrent_sizes {
	size_t n_steps;
	size_t n_rows; /* the batch */
	size_t n_input;
	size_t n_hidden;
	size_t n_gates; /* times n_hidden: floats of all gates */
	size_t n_first; /* the same of the first recurrent product */
	uint32_t n_directions;
	uint32_t n_functions;
	bool is_reverse; /* direction 0 */
	bool is_batch_first;
	bool is_coupled;
	bool is_linear;
	size_t n_parts; /* of the batch, in a direction */
	/* bytes from the start of `packed`: the three products of a direction */
	size_t packed_at[3];
	size_t packed_size; /* of a direction */
	/* bytes from the start of `scratch` */
	size_t packed_here; /* where pack was not called */
	size_t bias_at;
	size_t from_input_at;
	size_t parts_at;
	size_t part_size;
	size_t products_at;
	size_t product_size; /* of each thread */
	struct heft_gate gates[2 * HEFT_RECURRENT_MAX_FUNCTIONS];
};

static inline const struct heft_recurrent_sizes *heft_recurrent_sizes_of(const struct heft_call *c)
{
	return (const void *)c->state;
}

static inline uint32_t heft_recurrent_n_products(const struct heft_recurrent_sizes *s)
{
	return s->n_first < s->n_gates ? 3 : 2;
}

/* The products of a direction: 0 of the input and all gates, 1 and 2 of the state. */
void heft_recurrent_product(const struct heft_call *c, const struct heft_recurrent_sizes *s,
                            uint32_t i, size_t n_rows, struct heft_product *p);

#endif
