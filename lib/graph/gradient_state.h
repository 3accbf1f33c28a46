/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_state.h - what plan_gradient.c and gradient.c share: the walk backward over the
 * steps of a plan, and the one whose gradient is being emitted. */
#ifndef GRAPH_GRADIENT_STATE_H
#define GRAPH_GRADIENT_STATE_H

#include "graph/gradient.h"
#include "graph/plan.h"

/* What a step adds to the gradient of a slot that it reads. */
struct heft_part {
	uint32_t step;
	uint32_t input;
	uint32_t value;
	uint32_t next; /* ascending by step, then by input; NONE */
};

struct heft_backward {
	struct heft_plan *p;
	uint32_t n_slots; /* of what runs forward */
	uint32_t n_steps;
	bool *needs;     /* of each slot: a gradient */
	uint32_t *first; /* of each slot: its first part; NONE */
	struct heft_buffer parts;
};

struct heft_gradient {
	struct heft_backward *b;
	struct heft_step step;
	uint32_t at; /* its number */
	struct heft_call call;
	enum heft_status st; /* the first failure, which ends it */
	struct heft_error err;
};

enum heft_status heft_backward_add(struct heft_backward *b, uint32_t slot, uint32_t step,
                                   uint32_t input, uint32_t value, struct heft_error *err);
/* The parts of a slot's gradient, added in ascending order (spec F7-1); NONE: there are none. */
uint32_t heft_backward_total(struct heft_gradient *g, uint32_t slot);

#endif
