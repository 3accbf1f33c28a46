/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_cost.h - what a run of the model would take, node by node: planned for the shapes that
 * the file declares, and nothing is run. */
#ifndef TOOLS_INSPECT_COST_H
#define TOOLS_INSPECT_COST_H

#include "heft/run.h"
#include "opt.h"

/* Of the nodes that make a value of this name, of all their calls. */
struct node_cost {
	const char *value;
	uint64_t n_multiply_adds;
	uint64_t n_output_bytes; /* of activations */
};

struct inspect_cost {
	struct heft_model *model;
	struct heft_session *session;
	struct node_cost *nodes; /* in the order of their values' names */
	uint32_t n_nodes;        /* 0: it cannot be told */
	uint32_t batch;
	uint32_t n_free; /* dimensions of inputs that are taken as 1 */
	const struct opt_list *sizes;
	uint64_t n_multiply_adds;
	uint64_t n_output_bytes;
	struct heft_session_facts facts;
};

/* Dimensions that the file leaves free are what `sizes` say, NAME=N, else 1, but for the first one
 * of each input, which is `batch`. Where the model cannot be planned so, nothing is told. */
void inspect_cost_init(struct inspect_cost *c, struct heft_file *file, uint32_t batch,
                       const struct opt_list *sizes);
void inspect_cost_done(struct inspect_cost *c); /* all zero, or after init */

/* NULL: the node takes nothing of its own, or its cost is not known. */
const struct node_cost *inspect_cost_of(const struct inspect_cost *c, const char *value);

#endif
