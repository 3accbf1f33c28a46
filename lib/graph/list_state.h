/* SPDX-License-Identifier: Apache-2.0 */
/* graph/list_state.h - what a heft_graph_list holds, and what its files share. */
#ifndef GRAPH_LIST_STATE_H
#define GRAPH_LIST_STATE_H

#include "heft/graph.h"
#include "onnx/graph.h"

struct heft_graph_dim;

/* What is told of a value's type. */
struct heft_graph_type {
	const char *name; /* static */
	uint32_t dims_at;
	uint32_t rank;
	uint16_t dtype;
	bool has_shape;
};

struct heft_graph_list {
	struct heft_wire_input in; /* the graph, borrowed from the file; copied by who reads it */
	struct heft_onnx_model model;
	struct heft_onnx_graph graph;
	bool has_model;
	bool has_graph;
	uint32_t *tensors;             /* of the file, one a tensor of the model */
	struct heft_graph_type *types; /* one a value */
	struct heft_buffer dims;       /* struct heft_graph_dim */
	struct heft_buffer symbols;    /* texts that end with NUL */
	size_t max_room;               /* of dims and symbols together */
};

/* heft_graph_list_open with bounds of the caller's: LIMIT where nodes and names take more than
 * max_size bytes, or shapes more than max_room. */
enum heft_status heft_graph_list_read(struct heft_file *file, size_t max_size, size_t max_room,
                                      struct heft_graph_list **list, struct heft_error *err);

/* Fills types, dims and symbols: what the graph tells of its values, and weights of themselves. */
enum heft_status heft_graph_list_read_types(struct heft_graph_list *list, struct heft_error *err);

#endif
