/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/graph.h - what a file's graph says: its nodes in order, what each reads and makes, shapes
 * where the file tells them.
 *
 *	struct heft_graph_list *list;
 *	struct heft_graph_facts facts;
 *	struct heft_graph_node node;
 *
 *	if (heft_graph_list_open(file, &list, &err) != HEFT_OK)
 *		...                     // HEFT_E_NOT_FOUND: the file has no graph
 *	heft_graph_list_facts(list, &facts);
 *	for (uint32_t i = 0; i < facts.n_nodes; i++)
 *		if (heft_graph_list_node(list, i, &node, &err) == HEFT_OK)
 *			puts(node.op);
 *	heft_graph_list_close(list);
 *
 * A model has one main graph; nodes may have graphs of their own, as If, Loop and Scan have, and
 * the model may define functions. All of them are parts here, numbered so that a part stands before
 * those inside it, and nodes are numbered through all parts: behind a node stand those of the
 * graphs in it. Names were looked up where they stand: a value has one number wherever it is used.
 *
 * A list may be read from many threads at once.
 */
#ifndef HEFT_GRAPH_H
#define HEFT_GRAPH_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_GRAPH_NONE UINT32_MAX

struct heft_graph_list;

/* Texts are never NULL; what a file does not say is "". */
struct heft_graph_facts {
	const char *name;   /* of the main graph */
	const char *domain; /* of the model, and its version there */
	const char *producer_name;
	const char *producer_version;
	uint64_t model_version;
	uint64_t ir_version;
	uint32_t n_opsets;
	uint32_t n_parts;
	uint32_t n_nodes; /* of all parts */
	uint32_t n_functions;
	uint64_t reserved[4];
};

/* Which version of a domain's operators a model is written for. */
struct heft_graph_opset {
	const char *domain; /* "": ONNX's own */
	uint64_t version;
};

enum heft_graph_part_kind {
	HEFT_GRAPH_MAIN,
	HEFT_GRAPH_SUBGRAPH, /* in an attribute of a node */
	HEFT_GRAPH_FUNCTION,
	HEFT_GRAPH_TRAINING
};

struct heft_graph_part {
	const char *name;
	const char *domain;    /* of a function */
	const char *overload;  /* likewise */
	const char *attribute; /* of a subgraph: where it is in its node */
	enum heft_graph_part_kind kind;
	uint32_t ordinal; /* among several in one attribute, or of training; else NONE */
	uint32_t node;    /* that it is in; NONE */
	uint32_t depth;   /* 0: in no other one */
	uint32_t first_node;
	uint32_t end_node; /* behind its last node and those of parts inside */
	uint32_t n_nodes;  /* its own */
	uint32_t n_inputs;
	uint32_t n_outputs;
	uint32_t reserved32;
	uint64_t reserved[4];
};

struct heft_graph_node {
	const char *name;
	const char *op;
	const char *domain; /* "": ONNX's own */
	const char *overload;
	uint32_t part;
	uint32_t depth;    /* of its part */
	uint32_t n_inputs; /* those left out too */
	uint32_t n_outputs;
	uint32_t n_attributes;
	uint32_t reserved32;
	uint64_t reserved[4];
};

struct heft_graph_dim {
	uint64_t size;
	const char *symbol; /* NULL: `size` counts; else its name, "" where it has none */
};

/* What a node reads or makes. */
struct heft_graph_value {
	const char *name; /* "": the input or output is left out, and nothing else is told of it */
	/* the dtype's name, or "STRING", "sequence", "map", "optional"; "" where it is not known */
	const char *type;
	enum heft_dtype dtype;             /* of its elements; HEFT_DTYPE_NONE */
	bool has_shape;                    /* the file tells it */
	bool is_constant;                  /* a weight, or a constant that the graph has */
	uint32_t rank;                     /* 0 too where the shape is not known */
	const struct heft_graph_dim *dims; /* `rank` of them, borrowed from the list */
	uint32_t index;                    /* its number; NONE: left out */
	uint32_t node;                     /* that makes it; NONE */
	uint32_t tensor;                   /* index of the file's tensor that it is; NONE */
	uint32_t reserved32;
	uint64_t reserved[4];
};

/**
 * Read a file's graph.
 *
 * Owns:    the caller owns *list and gives it to heft_graph_list_close before `file` is closed.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (the file has no graph), HEFT_E_LIMIT (its nodes and names take more
 *          than 40 MiB, or its shapes more than 16), and those of heft_graph. On failure *list is
 *          untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_open(struct heft_file *file,
                                               struct heft_graph_list **list,
                                               struct heft_error *err);

/**
 * Free a list and all that was borrowed from it.
 *
 * Owns:    takes `list`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no other call on `list` may be running.
 */
HEFT_API void heft_graph_list_close(struct heft_graph_list *list);

/**
 * Tell what the model says of itself.
 *
 * Owns:    texts are borrowed and live as long as `list`.
 * Units:   counts.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API void heft_graph_list_facts(const struct heft_graph_list *list,
                                    struct heft_graph_facts *facts);

/**
 * Tell operator set `i`, 0 to n_opsets - 1.
 *
 * Owns:    the domain is borrowed and lives as long as `list`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_opset(const struct heft_graph_list *list, uint32_t i,
                                                struct heft_graph_opset *opset,
                                                struct heft_error *err);

/**
 * Describe part `i`, 0 to n_parts - 1; 0 is the main graph.
 *
 * Owns:    texts are borrowed and live as long as `list`.
 * Units:   counts and numbers of nodes.
 * Errors:  HEFT_E_USAGE (no such part).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_part(const struct heft_graph_list *list, uint32_t i,
                                               struct heft_graph_part *part,
                                               struct heft_error *err);

/**
 * Describe input `k` of a part. An input that has a weight, `tensor`, need not be given.
 *
 * Owns:    texts and dimensions are borrowed and live as long as `list`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such part or input).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_part_input(const struct heft_graph_list *list,
                                                     uint32_t part, uint32_t k,
                                                     struct heft_graph_value *value,
                                                     struct heft_error *err);

/**
 * Describe output `k` of a part.
 *
 * Owns:    texts and dimensions are borrowed and live as long as `list`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such part or output).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_part_output(const struct heft_graph_list *list,
                                                      uint32_t part, uint32_t k,
                                                      struct heft_graph_value *value,
                                                      struct heft_error *err);

/**
 * Describe node `i`, 0 to n_nodes - 1.
 *
 * Owns:    texts are borrowed and live as long as `list`.
 * Units:   counts.
 * Errors:  HEFT_E_USAGE (no such node).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_node(const struct heft_graph_list *list, uint32_t i,
                                               struct heft_graph_node *node,
                                               struct heft_error *err);

/**
 * Describe input `k` of a node.
 *
 * Owns:    texts and dimensions are borrowed and live as long as `list`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such node or input).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_input(const struct heft_graph_list *list, uint32_t node,
                                                uint32_t k, struct heft_graph_value *value,
                                                struct heft_error *err);

/**
 * Describe output `k` of a node.
 *
 * Owns:    texts and dimensions are borrowed and live as long as `list`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such node or output).
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_output(const struct heft_graph_list *list, uint32_t node,
                                                 uint32_t k, struct heft_graph_value *value,
                                                 struct heft_error *err);

/**
 * Give attribute `k` of a node: its name, and what it says as a short text, as in "[3, 3]",
 * "0.001", "\"linear\"" or "graph of 3 nodes". Of many numbers the first ones stand there, then how
 * many they are.
 *
 * Owns:    *name is borrowed and lives as long as `list`; the text goes to `text`.
 * Units:   `text_size` in bytes; a longer text is cut, its NUL counted.
 * Errors:  HEFT_E_USAGE (no such node or attribute), HEFT_E_CORRUPT.
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_attribute(const struct heft_graph_list *list,
                                                    uint32_t node, uint32_t k, const char **name,
                                                    char *text, size_t text_size,
                                                    struct heft_error *err);

/**
 * Give the numbers of a constant that stays in the graph, as heft_graph_list_attribute does; an
 * empty text for any other value.
 *
 * Owns:    nothing; the text goes to `text`.
 * Units:   `value` is heft_graph_value's index, `text_size` in bytes.
 * Errors:  HEFT_E_USAGE (no such value), HEFT_E_CORRUPT.
 * Threads: any.
 */
HEFT_API enum heft_status heft_graph_list_constant(const struct heft_graph_list *list,
                                                   uint32_t value, char *text, size_t text_size,
                                                   struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
