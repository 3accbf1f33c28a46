/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph.h - the nodes of an ONNX model in its order, subgraphs and functions among them, and
 * what each reads and makes: names are looked up where they stand, so that whoever works with a
 * graph works with numbers. */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "onnx/model.h"

#define HEFT_ONNX_GRAPH_MAX_DEPTH 64u /* of subgraphs */
/* Names of nodes and values may be as long as those of tensors. */
#define HEFT_ONNX_MAX_TEXT 4096u

enum heft_onnx_graph_kind {
	HEFT_ONNX_GRAPH_MAIN,
	HEFT_ONNX_GRAPH_SUB,
	HEFT_ONNX_GRAPH_FUNCTION,
	HEFT_ONNX_GRAPH_INITIALIZATION, /* of training_info */
	HEFT_ONNX_GRAPH_ALGORITHM
};

/* One of the model's graphs. Those inside it stand behind it. Texts are offsets in `texts`. */
struct heft_onnx_scope {
	uint32_t name;
	uint32_t domain;    /* of a function */
	uint32_t attribute; /* of its owner, that holds it; a function's overload */
	uint32_t ordinal;   /* among several `graphs`, or training_info; else NONE */
	uint32_t owner;     /* the node; NONE */
	uint32_t parent;    /* the graph of that node; NONE */
	uint32_t depth;
	uint32_t
		first_node; /* its nodes, with those of graphs inside, are [first_node, end_node) */
	uint32_t end_node;
	uint32_t n_nodes;   /* its own */
	uint32_t inputs_at; /* in `refs` */
	uint32_t n_inputs;
	uint32_t outputs_at;
	uint32_t n_outputs;
	uint8_t kind; /* enum heft_onnx_graph_kind */
};

struct heft_onnx_node {
	uint32_t name;
	uint32_t op;
	uint32_t domain;
	uint32_t overload;
	uint32_t graph;
	uint32_t refs_at; /* its inputs in `refs`, its outputs behind them; NONE: left out */
	uint32_t n_inputs;
	uint32_t n_outputs;
	uint32_t attributes_at;
	uint32_t n_attributes;
};

struct heft_onnx_attribute {
	uint64_t off; /* of the AttributeProto's content */
	uint32_t size;
	uint32_t name;
};

enum heft_onnx_at {
	HEFT_ONNX_AT_NOTHING,
	HEFT_ONNX_AT_TYPE,     /* a TypeProto */
	HEFT_ONNX_AT_TENSOR,   /* the TensorProto of a constant that is no weight */
	HEFT_ONNX_AT_ATTRIBUTE /* the AttributeProto of such a Constant */
};

/* Something a node reads or makes. */
struct heft_onnx_value {
	uint64_t off; /* of what is told of it */
	uint32_t size;
	uint32_t name;
	uint32_t node;   /* that makes it; NONE: an input, an initializer, unknown */
	uint32_t graph;  /* that it is declared in */
	uint32_t tensor; /* its weight, of the model's; NONE: it is none */
	uint8_t at;      /* enum heft_onnx_at: what lies at `off` */
	bool is_constant;
	bool is_sparse; /* `tensor` has its values, and another one the indices */
};

struct heft_onnx_opset {
	uint64_t version;
	uint32_t domain;
};

struct heft_onnx_graph {
	struct heft_buffer texts;      /* each ends with NUL; 0 is "" */
	struct heft_buffer scopes;     /* struct heft_onnx_scope; 0 is the main graph */
	struct heft_buffer nodes;      /* struct heft_onnx_node: what is in a node behind it */
	struct heft_buffer values;     /* struct heft_onnx_value */
	struct heft_buffer refs;       /* uint32_t: values, or NONE */
	struct heft_buffer attributes; /* struct heft_onnx_attribute */
	struct heft_buffer opsets;     /* struct heft_onnx_opset */
	uint32_t *tensor_values;       /* the value that each of the model's tensors is of */
	uint32_t producer_name;
	uint32_t producer_version;
	uint32_t domain;
	uint64_t model_version;
};

/* Reads the whole of `in`, in which `model` was found. LIMIT where all this would take more than
 * max_size bytes. Nothing is held after a failure. */
enum heft_status heft_onnx_graph_read(struct heft_wire_input *in,
                                      const struct heft_onnx_model *model, size_t max_size,
                                      struct heft_onnx_graph *graph, struct heft_error *err);
void heft_onnx_graph_done(struct heft_onnx_graph *graph);

static inline const char *heft_onnx_text(const struct heft_onnx_graph *g, uint32_t text)
{
	return (const char *)g->texts.bytes + text;
}

/* Buffers of structs: their bytes are aligned as the heap's are. */
#define HEFT_ONNX_ITEMS(what, type, plural)                                             \
	static inline type *heft_onnx_##what(const struct heft_onnx_graph *g, size_t i) \
	{                                                                               \
		return (type *)(void *)g->plural.bytes + i;                             \
	}                                                                               \
	static inline uint32_t heft_onnx_n_##plural(const struct heft_onnx_graph *g)    \
	{                                                                               \
		return (uint32_t)(g->plural.size / sizeof(type));                       \
	}

HEFT_ONNX_ITEMS(scope, struct heft_onnx_scope, scopes)
HEFT_ONNX_ITEMS(node, struct heft_onnx_node, nodes)
HEFT_ONNX_ITEMS(value, struct heft_onnx_value, values)
HEFT_ONNX_ITEMS(ref, uint32_t, refs)
HEFT_ONNX_ITEMS(attribute, struct heft_onnx_attribute, attributes)
HEFT_ONNX_ITEMS(opset, struct heft_onnx_opset, opsets)

#endif
