/* SPDX-License-Identifier: Apache-2.0 */
/* graph/import_state.h - what the files of the import share. A graph is read by list.c, and checked
 * as it stands there; then its nodes are walked through, functions in place of their calls, and
 * become those of the model. */
#ifndef GRAPH_IMPORT_STATE_H
#define GRAPH_IMPORT_STATE_H

#include "base/siphash.h"
#include "graph/ir.h"
#include "graph/list_state.h"
#include "heft/run.h"

#define HEFT_IMPORT_MAX_DEPTH 128u /* of calls of functions and of graphs in nodes, together */
#define HEFT_IMPORT_MAX_OPSETS 256u

/* What gives a value of the file. */
enum heft_import_kind {
	HEFT_IMPORT_UNKNOWN, /* nothing does */
	HEFT_IMPORT_INPUT,
	HEFT_IMPORT_CONSTANT, /* an initializer */
	HEFT_IMPORT_MADE
};

/* Why a constant or an input has no dtype, or is of strings. */
enum heft_import_fault {
	HEFT_IMPORT_NO_FAULT,
	HEFT_IMPORT_IS_STRINGS,
	HEFT_IMPORT_IS_SPARSE,
	HEFT_IMPORT_IS_DEEP,    /* too many dimensions */
	HEFT_IMPORT_IS_FOREIGN, /* a type that heft does not know */
	HEFT_IMPORT_IS_EXTERNAL,
	HEFT_IMPORT_IS_SEQUENCE, /* or optional */
	HEFT_IMPORT_IS_MAP,
	HEFT_IMPORT_IS_NOTHING
};

/* Where a constant is from. */
struct heft_import_source {
	uint32_t weight; /* of the list's model; NONE */
	enum heft_import_fault fault;
};

/* An attribute as the file has it. */
struct heft_import_attr {
	struct heft_attr attr;
	const char *ref; /* NULL; or the function's attribute that it stands for */
	uint32_t scope;  /* of GRAPH */
};

/* A node's attributes. Those that are `plain` mean the same wherever the node is. */
struct heft_import_attrs {
	const struct heft_import_attr *rows;
	struct heft_attrs plain;
	uint32_t n; /* of rows */
	bool is_read;
};

/* A function of the model. */
struct heft_import_function {
	struct heft_wire_message message;
	uint32_t scope;
	uint32_t first_value; /* its values, those of graphs in it among them */
	uint32_t end_value;
	struct heft_ir_opset *opsets;
	uint32_t n_opsets;
	struct heft_attrs absent; /* of attributes: what stands for one that is not given */
	bool is_read;
	bool is_active; /* the walk is in it */
};

/* What a node's type means. */
struct heft_import_callee {
	uint32_t domain; /* texts; ONNX's own domain is 0 */
	uint32_t type;
	uint32_t overload;
	uint32_t function; /* NONE */
	const struct heft_op *op;
	enum heft_control control;
	bool is_constant;
};

/* Where the walk is. */
struct heft_import_place {
	const struct heft_ir_opset *opsets;
	uint32_t n_opsets;
	uint32_t block;
	uint32_t call;           /* the node of the file that is expanded here; NONE */
	struct heft_attrs given; /* to the function */
	unsigned depth;
};

struct heft_importer {
	struct heft_model *m;
	struct heft_file *file;
	const struct heft_import_options *options;
	struct heft_graph_list *list;
	const struct heft_onnx_graph *g;
	struct heft_wire_input in;
	struct heft_error *err;
	const char *texts; /* the graph's, in the model's memory */
	uint8_t *small;    /* what is left of a piece of it, for what is small */
	size_t small_size;

	/* One a value of the file: */
	uint8_t *kinds;
	uint32_t *values;    /* that it is in the model, where the walk is; NONE */
	uint32_t *constants; /* that it is everywhere; NONE */
	/* One a node of the file: */
	struct heft_import_attrs *attrs;
	uint32_t *first_scope; /* of the graphs in its attributes; NONE */
	/* One a graph of the file: */
	uint32_t *next_scope; /* of the same node */
	uint32_t *scope_blocks;
	bool *is_training;
	/* One a text, by its place: the last node or graph that had it. See heft_import_slot. */
	uint32_t *seen;

	struct heft_import_function *functions;
	uint32_t n_functions;
	struct heft_buffer callees; /* struct heft_import_callee */
	uint32_t *callee_slots;     /* 0 is free, else a callee's number + 1 */
	uint32_t n_callee_slots;    /* a power of two */
	struct heft_sip_seed seed;

	struct heft_import_place at;
	uint64_t work;
	uint64_t max_work;

	/* The model's, as they grow: */
	struct heft_buffer ir_values;
	struct heft_buffer ir_nodes;
	struct heft_buffer ir_blocks;
	struct heft_buffer ir_constants;
	struct heft_buffer ir_refs;
	struct heft_buffer sources; /* struct heft_import_source, one a constant */
	struct heft_buffer rows;    /* of the node that is read: struct heft_import_attr */
	struct heft_buffer numbers; /* of the attribute or tensor that is read */
};

/* Two texts never lie within eight bytes: their sizes and meanings lie between. */
static inline uint32_t heft_import_slot(uint32_t text)
{
	return text / 8;
}
static inline const char *heft_import_text(const struct heft_importer *imp, uint32_t text)
{
	return imp->texts + text;
}

enum heft_status heft_import_no_memory(struct heft_importer *imp);
/* Memory of the model, zeroed, aligned to eight bytes. */
enum heft_status heft_import_take(struct heft_importer *imp, size_t n, size_t item_size, void *p);
enum heft_status heft_import_add(struct heft_importer *imp, struct heft_buffer *b, const void *item,
                                 size_t size);
/* Functions may make much of little: LIMIT where it is more than what the file warrants. */
enum heft_status heft_import_charge(struct heft_importer *imp, uint64_t work);

#define HEFT_IMPORT_ITEMS(what, type, buffer)                                         \
	static inline type *heft_import_##what(struct heft_importer *imp, uint32_t i) \
	{                                                                             \
		return (type *)(void *)imp->buffer.bytes + i;                         \
	}                                                                             \
	static inline uint32_t heft_import_n_##what(const struct heft_importer *imp)  \
	{                                                                             \
		return (uint32_t)(imp->buffer.size / sizeof(type));                   \
	}

HEFT_IMPORT_ITEMS(value, struct heft_ir_value, ir_values)
HEFT_IMPORT_ITEMS(node, struct heft_ir_node, ir_nodes)
HEFT_IMPORT_ITEMS(block, struct heft_ir_block, ir_blocks)
HEFT_IMPORT_ITEMS(constant, struct heft_ir_constant, ir_constants)
HEFT_IMPORT_ITEMS(ref, uint32_t, ir_refs)
HEFT_IMPORT_ITEMS(row, struct heft_import_attr, rows)
HEFT_IMPORT_ITEMS(source, struct heft_import_source, sources)
HEFT_IMPORT_ITEMS(callee, struct heft_import_callee, callees)

/* --- import_check.c --- */

/* Fills kinds and is_training. CORRUPT: a value is read before it is made, made twice, or not at
 * all. */
enum heft_status heft_import_check(struct heft_importer *imp);

/* --- import_tensor.c: the bytes of constants that stay in the graph --- */

/* A TensorProto; *fault says why `array` has no dtype, or that it is of strings. */
enum heft_status heft_import_tensor(struct heft_importer *imp, struct heft_wire_message m,
                                    struct heft_array *array, enum heft_import_fault *fault);

/* --- import_attrs.c --- */

/* An AttributeProto. Its name is read where it has none. *has is false for kinds that no operator
 * here has. */
enum heft_status heft_import_attr(struct heft_importer *imp, struct heft_wire_message m,
                                  struct heft_import_attr *a, bool *has);
/* What a node's attributes are where the walk is: graphs are still those of the file, and then
 * *has_graphs, and the rows belong to this node alone. */
enum heft_status heft_import_node_attrs(struct heft_importer *imp, uint32_t node,
                                        struct heft_attrs *attrs, bool *has_graphs);

/* What the function was given for one of its attributes; NULL. */
const struct heft_attr *heft_import_given(const struct heft_importer *imp, const char *name);

/* --- import_callees.c --- */

enum heft_status heft_import_find_functions(struct heft_importer *imp);
/* Its operator sets, and what its attributes are where they are not given. */
enum heft_status heft_import_read_function(struct heft_importer *imp,
                                           struct heft_import_function *f);
enum heft_status heft_import_find_callee(struct heft_importer *imp,
                                         const struct heft_onnx_node *node,
                                         struct heft_import_callee *callee);
/* 0: there is none of that domain. */
uint32_t heft_import_opset(const struct heft_importer *imp, const char *domain);
/* "" for "ai.onnx" */
const char *heft_import_domain(const char *domain);

/* --- import_constants.c --- */

/* The constant that a value of the file is where the walk is. */
enum heft_status heft_import_constant_of(struct heft_importer *imp, uint32_t value,
                                         uint32_t *constant);
/* Inputs whose values are given. */
enum heft_status heft_import_pins(struct heft_importer *imp);
/* The bytes of all tensors that nodes read which are not dead; the model is whole. */
enum heft_status heft_import_load(struct heft_importer *imp);
/* Whether the bytes of a tensor lie as kernels want them. */
bool heft_import_is_aligned(const void *bytes, enum heft_dtype dtype);

/* --- import_weights.c --- */

/* The bytes of options->weights in place of those that were loaded. */
enum heft_status heft_import_weights(struct heft_importer *imp);

/* --- import_nodes.c --- */

/* The main graph, and all that is in it. */
enum heft_status heft_import_graph(struct heft_importer *imp);
/* A value of the file where the walk is; NONE: left out. */
enum heft_status heft_import_read_value(struct heft_importer *imp, uint32_t ref, uint32_t *value);
/* The same for one that is made there. */
enum heft_status heft_import_make_value(struct heft_importer *imp, uint32_t ref, uint32_t *value);
/* The nodes of a graph of the file. */
enum heft_status heft_import_scope(struct heft_importer *imp, uint32_t scope);
/* A node of the model; its inputs and outputs stand behind each other in ir_refs. */
enum heft_status heft_import_add_node(struct heft_importer *imp, const struct heft_ir_node *node,
                                      uint32_t *i);

/* --- import_call.c --- */

/* A function in place of node `node` of the file, which calls it. */
enum heft_status heft_import_call(struct heft_importer *imp, uint32_t node, uint32_t function);

/* --- import_control.c --- */

/* CORRUPT unless the graphs of an If, a Loop, a Scan or a SequenceMap take and give what the node
 * does. */
enum heft_status heft_import_check_control(struct heft_importer *imp, uint32_t node);

/* --- import_problems.c --- */

/* UNSUPPORTED where nodes that are not dead cannot be computed; the model is whole. */
enum heft_status heft_import_problems(struct heft_importer *imp);

#endif
