/* SPDX-License-Identifier: Apache-2.0 */
/* graph/loop.h - what Loop and Scan share: a block that runs again and again, values that go from
 * one iteration to the next, and outputs that every iteration adds to. */
#ifndef GRAPH_LOOP_H
#define GRAPH_LOOP_H

#include "base/buffer.h"
#include "graph/dynamic.h"

/* The block that an attribute of that name is; NULL. */
const struct heft_ir_block *heft_control_block(const struct heft_model *m,
                                               const struct heft_ir_node *node, const char *name);
uint32_t heft_control_in(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i);
uint32_t heft_control_out(const struct heft_model *m, const struct heft_ir_block *b, uint32_t i);
enum heft_status heft_control_no_block(const char *name, struct heft_error *err);

/* An output that every iteration adds to. */
struct heft_collected {
	struct heft_buffer bytes;
	struct heft_array first; /* of one iteration; dtype NONE: there was none */
	uint64_t n;
};

struct heft_loop {
	struct heft_flow *flow;
	const struct heft_ir_node *node;
	const struct heft_ir_block *body;
	uint32_t n_carried;             /* values that go from one iteration to the next */
	uint32_t first_in;              /* of the body: the first carried one */
	uint32_t first_out;             /* of the body */
	uint32_t first_given;           /* of the node's inputs */
	const struct heft_array *given; /* NULL; or what stands for these, of one sample */
	struct heft_memory *outer;
	struct heft_memory memories[2];
	struct heft_collected *collected;
	uint32_t n_collected;
};

/* Input i of those from first_given on. */
struct heft_array heft_loop_given(const struct heft_loop *l, uint32_t i);
/* To be closed, whatever it gives. */
enum heft_status heft_loop_open(struct heft_loop *l, struct heft_error *err);
void heft_loop_close(struct heft_loop *l);
/* UNSUPPORTED where elements are parts of a byte: parts of an array are found by their bytes. */
enum heft_status heft_loop_check_bytes(const struct heft_array *a, struct heft_error *err);
/* One iteration: the body's inputs are set. */
enum heft_status heft_loop_iterate(struct heft_loop *l, uint64_t i, struct heft_error *err);
/* What the body made of the carried values is what it gets next. */
enum heft_status heft_loop_carry(struct heft_loop *l, struct heft_error *err);
/* The node's outputs: the carried values as they are now; */
enum heft_status heft_loop_finish(struct heft_loop *l, struct heft_error *err);
/* and collected ones, stacked along a new dimension `axis`; backwards if `reversed`. */
enum heft_status heft_loop_stack(struct heft_loop *l, uint32_t k, int64_t axis, bool reversed,
                                 struct heft_error *err);

/* control_scan.c */
enum heft_status heft_scan_run(struct heft_flow *flow, const struct heft_ir_node *node,
                               struct heft_error *err);

#endif
