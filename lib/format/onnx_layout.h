/* SPDX-License-Identifier: Apache-2.0 */
/* format/onnx_layout.h - a new ONNX model but for the bytes of its tensors: where each of them
 * goes, and all that is around them, written. */
#ifndef FORMAT_ONNX_LAYOUT_H
#define FORMAT_ONNX_LAYOUT_H

#include "format/format.h"

/* Where the bytes of a tensor go. */
struct heft_onnx_place {
	uint64_t off;     /* in the model, or in the file beside */
	bool is_external; /* in the file beside */
	bool is_floats;   /* behind tags (onnx/fill.h) */
};

/* Checks that the plan's tensors are those of its graph, where it has one. Writes the model around
 * them and fills `places`, one a tensor of the plan, and `order` as they lie. *data is the file
 * beside, which belongs to `sink`; NULL: none. */
enum heft_status heft_onnx_lay_out(const struct heft_write_plan *plan, struct heft_sink *sink,
                                   struct heft_onnx_place *places, uint32_t *order,
                                   struct heft_sink **data, struct heft_error *err);

#endif
