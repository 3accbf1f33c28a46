/* SPDX-License-Identifier: Apache-2.0 */
/* graph/dynamic.h - nodes that a plan left for the run: those whose shapes follow from values,
 * those of strings and sequences, and If, Loop, Scan and SequenceMap. */
#ifndef GRAPH_DYNAMIC_H
#define GRAPH_DYNAMIC_H

#include "graph/plan.h"

/* The values of one run. */
struct heft_flow {
	const struct heft_plan *plan;
	const struct heft_array *inputs; /* of the model, with their bytes */
	struct heft_array *values;  /* one a value of the model: those that dynamic nodes make */
	struct heft_memory *memory; /* where their bytes are */
};

/* Inputs that are no arrays of numbers are copied: they live as long as what they are put into. */
enum heft_status heft_flow_take_inputs(struct heft_flow *flow, struct heft_error *err);
/* A value of the run; dtype NONE: nothing made it, or it is left out. */
struct heft_array heft_flow_value(const struct heft_flow *flow, uint32_t value);

/* Computes the plan's dynamic nodes, once its steps have run. */
enum heft_status heft_dynamic_run(struct heft_flow *flow, struct heft_error *err);

/* control.c: If, Loop and Scan. */
enum heft_status heft_control_run(struct heft_flow *flow, const struct heft_ir_node *node,
                                  struct heft_error *err);
/* sequence_map.c: SequenceMap. */
enum heft_status heft_sequence_map_run(struct heft_flow *flow, const struct heft_ir_node *node,
                                       struct heft_error *err);
/* The nodes of a block, in order. */
enum heft_status heft_flow_block(struct heft_flow *flow, uint32_t block, struct heft_error *err);

#endif
