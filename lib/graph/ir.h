/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/ir.h - an imported graph: nodes that know their operators, values by number, attributes and
 * constants decoded. lib/graph/import*.c makes it from a file, rewrite*.c puts what exporters take
 * apart together again, and after that nothing changes it: any number of sessions run it.
 *
 * Functions of the model are expanded where they are called. If, Loop and Scan keep their graphs,
 * which are blocks here; a node in a block may read values of the blocks around it, since a value
 * has one number everywhere.
 */
#ifndef GRAPH_IR_H
#define GRAPH_IR_H

#include "graph/op.h"
#include "heft/file.h"

#define HEFT_IR_NONE UINT32_MAX

/* What the executor itself does. */
enum heft_control {
	HEFT_CONTROL_NONE,
	HEFT_CONTROL_IF,
	HEFT_CONTROL_LOOP,
	HEFT_CONTROL_SCAN,
	HEFT_CONTROL_SEQUENCE_MAP
};

struct heft_ir_value {
	const char *name;
	uint32_t node; /* that makes it; NONE: an input, a constant */
	uint32_t block;
	uint32_t constant; /* in `constants`; NONE */
	/* As the file declares it: NONE and false where it does not. */
	enum heft_dtype dtype;
	bool has_shape;
	uint32_t rank;
	uint32_t dims_at; /* in `dims` */
};

struct heft_ir_dim {
	uint64_t size;
	const char *symbol; /* NULL: `size` counts; else its name, "" where it has none */
};

struct heft_ir_node {
	const char *name; /* as the file has it; "" */
	const char *type; /* op_type, for messages */
	const char *domain;
	const struct heft_op *op; /* NULL: see control */
	enum heft_control control;
	uint32_t opset;
	uint32_t block;
	uint32_t refs_at; /* in `refs`: values it reads, then those it makes; NONE: left out */
	uint32_t n_in;    /* without those left out at the end */
	uint32_t n_out;
	struct heft_attrs attrs;
	bool is_dead; /* nobody wants what it makes */
};

/* The main graph is block 0; the others belong to nodes. */
struct heft_ir_block {
	uint32_t node;     /* that it belongs to; NONE */
	uint32_t order_at; /* in `order`: its nodes, as they run, dead ones left out */
	uint32_t n_nodes;
	uint32_t inputs_at; /* in `refs` */
	uint32_t n_inputs;
	uint32_t outputs_at; /* in `refs` */
	uint32_t n_outputs;
};

struct heft_ir_constant {
	struct heft_array array; /* its bytes are the model's, or the file's */
	uint32_t tensor;         /* of the file; NONE: a constant of the graph */
};

struct heft_ir_opset {
	const char *domain;
	uint32_t version;
};

struct heft_model {
	struct heft_ir_value *values;
	struct heft_ir_node *nodes;
	struct heft_ir_block *blocks;
	struct heft_ir_constant *constants;
	struct heft_ir_dim *dims;
	uint32_t *refs;
	uint32_t *order;
	struct heft_ir_opset *opsets;
	uint32_t n_values;
	uint32_t n_nodes;
	uint32_t n_blocks;
	uint32_t n_constants;
	uint32_t n_dims;
	uint32_t n_refs;
	uint32_t n_order;
	uint32_t n_opsets;
	/* What the graph asks of who runs it: inputs of block 0 that are neither constants nor
	 * pinned, and its outputs; values. */
	uint32_t *inputs;
	uint32_t *outputs;
	uint32_t n_inputs;
	uint32_t n_outputs;
	bool keeps_dropout;           /* it is to be trained */
	struct heft_ir_chunk *chunks; /* all memory of the above, and texts and bytes */
};

/* Memory that lives as long as the model, zeroed, aligned to 64 bytes; NULL: there is none. */
void *heft_ir_alloc(struct heft_model *m, uint64_t size);

static inline uint32_t heft_ir_in(const struct heft_model *m, const struct heft_ir_node *n,
                                  uint32_t i)
{
	return i < n->n_in ? m->refs[n->refs_at + i] : HEFT_IR_NONE;
}
static inline uint32_t heft_ir_out(const struct heft_model *m, const struct heft_ir_node *n,
                                   uint32_t i)
{
	return i < n->n_out ? m->refs[n->refs_at + n->n_in + i] : HEFT_IR_NONE;
}
/* The constant that a value is; NULL. */
static inline const struct heft_ir_constant *heft_ir_constant(const struct heft_model *m,
                                                              uint32_t value)
{
	return value == HEFT_IR_NONE || m->values[value].constant == HEFT_IR_NONE
	               ? NULL
	               : &m->constants[m->values[value].constant];
}

/* --- what makes and changes it, in this order --- */

/* import.c: all of it from a file, dead nodes marked and not in `order`. UNSUPPORTED names every
 * operator that a node of block 0 would need and that is not computed, up to 20 of them, with the
 * reason; options->problem hears of every node. Nodes of other blocks may never run: such a one has
 * neither `op` nor `control`. If, Loop and Scan have their graphs, which take and give as much as
 * the nodes do; n_in and n_out do not count what is left out at the end. */
struct heft_import_options;
enum heft_status heft_ir_import(struct heft_model *m, struct heft_file *file,
                                const struct heft_import_options *options, struct heft_error *err);

/* aliases.c: what reads an Identity reads what that reads. */
void heft_ir_skip_identities(struct heft_model *m);

/* rewrite.c: every pattern in its list (rewrite_<name>.c), until none is found any more. A pattern
 * makes its last node another one, whose inputs the first ones read; what nobody reads then, dies
 * in heft_ir_drop_dead. */
enum heft_status heft_ir_rewrite(struct heft_model *m, struct heft_error *err);

/* dead.c: marks nodes whose outputs nobody wants, and takes them out of `order`. */
enum heft_status heft_ir_drop_dead(struct heft_model *m, struct heft_error *err);

#endif
