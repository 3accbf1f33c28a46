/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/weight_cuts.h - the fields of a model that hold the bytes of its weights, as cuts: the first
 * one of each weight becomes what its user puts there, the others go (spec/foreign/onnx.md, O4-1).
 */
#ifndef ONNX_WEIGHT_CUTS_H
#define ONNX_WEIGHT_CUTS_H

#include "onnx/splice.h"

/* Fills what comes in the place of weight i: bytes, bytes_size, hole_size of *cut. */
typedef enum heft_status (*heft_fill_fn)(void *ctx, uint32_t i, struct heft_cut *cut,
                                         struct heft_error *err);

struct heft_weight_cuts {
	struct heft_wire_input *in;
	const struct heft_onnx_model *model;
	heft_fill_fn fill;
	void *ctx;
	/* one a weight: whether every data_location goes, and not alone one that says EXTERNAL;
	 * NULL: of none */
	const bool *takes_location;

	/* its own: */
	uint32_t n_passed;             /* of the weights, which are listed as they lie */
	struct heft_wire_message rest; /* of the weight before */
	bool is_inside;
	bool is_filled;
};

/* `c` has its first members. */
void heft_weight_cuts_rewind(void *c);
enum heft_status heft_weight_cuts_next(void *c, struct heft_cut *cut, bool *has,
                                       struct heft_error *err);

#endif
