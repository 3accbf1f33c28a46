/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_reader.h - what the files share that read a model's graph: graph.c the model,
 * graph_parts.c the graphs in it. */
#ifndef ONNX_GRAPH_READER_H
#define ONNX_GRAPH_READER_H

#include "onnx/graph_names.h"

struct heft_onnx_reader {
	struct heft_wire_input *in;
	const struct heft_onnx_model *model;
	struct heft_onnx_graph *g;
	struct heft_onnx_names names;
	size_t max_size;
	uint32_t *frame_tensors; /* the tensor whose own message a frame is; NONE */
	struct heft_error *err;
};

/* Puts an item behind the others of one of the graph's buffers; LIMIT. */
enum heft_status heft_onnx_reader_add(struct heft_onnx_reader *r, struct heft_buffer *b,
                                      const void *item, size_t size);
enum heft_status heft_onnx_reader_next(struct heft_onnx_reader *r, struct heft_wire_message *m,
                                       struct heft_wire_field *f, bool *has);
enum heft_status heft_onnx_reader_text(struct heft_onnx_reader *r, const struct heft_wire_field *f,
                                       uint32_t *text);
/* The last field of that number counts; *text is 0 where there is none. */
enum heft_status heft_onnx_reader_find_text(struct heft_onnx_reader *r, struct heft_wire_message m,
                                            uint32_t number, uint32_t *text);

/* Reads a graph, and those in it, which go at most HEFT_ONNX_GRAPH_MAX_DEPTH deep. `scope` says
 * where it is; its names and numbers are filled in. */
enum heft_status heft_onnx_reader_graph(struct heft_onnx_reader *r, struct heft_wire_message m,
                                        struct heft_onnx_scope *scope);

#endif
