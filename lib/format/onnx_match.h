/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx_match.h - whether the tensors that are to be written are the weights of a graph, and
 * what else of a plan fits a graph (spec/foreign/onnx.md, O5-1 and O5-2). */
#ifndef FORMAT_ONNX_MATCH_H
#define FORMAT_ONNX_MATCH_H

#include "base/buffer.h"
#include "tensor/listing.h"

/* tensor_of, one a weight, becomes the index of its tensor. USAGE: they are not the same. */
enum heft_status heft_onnx_match(const struct heft_listing *weights,
                                 const struct heft_listing *tensors, uint32_t *tensor_of,
                                 struct heft_error *err);

/* The fields metadata_props of a model with this metadata, which may be NULL; *differs: they say
 * something else than the graph's metadata (NULL: there is no graph). USAGE: a value that is no
 * string. */
enum heft_status heft_onnx_props(const char *metadata, const char *of_graph,
                                 struct heft_buffer *props, bool *differs, struct heft_error *err);

#endif
