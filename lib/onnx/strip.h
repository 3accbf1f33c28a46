/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/strip.h - a model without its weights, in steps: its size, then its bytes. heft_onnx_strip
 * of onnx/model.h is both at once. */
#ifndef ONNX_STRIP_H
#define ONNX_STRIP_H

#include "onnx/weight_cuts.h"

#define HEFT_ONNX_GRAPH_MAX (UINT64_C(1) << 30)

struct heft_onnx_stripper {
	struct heft_weight_cuts cuts;
	struct heft_splice splice; /* .size: of the graph */
	struct heft_buffer empty;  /* what stands in the place of the last weight */
};

/* Borrows `in` and `model`. LIMIT: a graph of more than HEFT_ONNX_GRAPH_MAX bytes. The caller calls
 * heft_onnx_stripper_done whatever the result. */
enum heft_status heft_onnx_stripper_init(struct heft_onnx_stripper *s, struct heft_wire_input *in,
                                         const struct heft_onnx_model *model,
                                         struct heft_error *err);
void heft_onnx_stripper_done(struct heft_onnx_stripper *s);
/* Fills the graph's bytes. */
enum heft_status heft_onnx_stripper_write(struct heft_onnx_stripper *s, uint8_t *graph,
                                          struct heft_error *err);

#endif
