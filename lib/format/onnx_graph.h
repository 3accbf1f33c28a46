/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx_graph.h - the graph of an open ONNX file: the model without its weights
 * (spec/foreign/onnx.md, section 4). */
#ifndef FORMAT_ONNX_GRAPH_H
#define FORMAT_ONNX_GRAPH_H

#include "base/scratch.h"
#include "onnx/model.h"

struct heft_stripped_graph {
	uint8_t *bytes; /* NULL: not made yet */
	uint64_t size;
	struct heft_scratch *scratch; /* which they lie in; NULL: on the heap */
};

/* Makes the bytes, in a temporary file where they are many. `g` is zeroed; on failure it stays so.
 * `scratch_folder` as in struct heft_open_options. */
enum heft_status heft_stripped_graph_make(struct heft_stripped_graph *g, struct heft_wire_input *in,
                                          const struct heft_onnx_model *model,
                                          const char *scratch_folder, struct heft_error *err);
void heft_stripped_graph_done(struct heft_stripped_graph *g);

#endif
