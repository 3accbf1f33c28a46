/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/fill.h - where every byte of a model goes that a graph and its weights become
 * (spec/foreign/onnx.md, section 5): holes for the weights, and what is around them. */
#ifndef ONNX_FILL_H
#define ONNX_FILL_H

#include "onnx/fields.h"
#include "onnx/weight_cuts.h"

/* The bytes of a value_floats lie as unpacked floats, each behind its tag. */
#define HEFT_ONNX_FLOAT_SIZE 5u
#define HEFT_ONNX_FLOAT_TAG (HEFT_ATTRIBUTE_FLOATS << 3 | HEFT_WIRE_FIXED32)

#define HEFT_ONNX_INSIDE UINT64_MAX

struct heft_onnx_fill {
	struct heft_wire_input *in;          /* the graph */
	const struct heft_onnx_model *model; /* of it */
	/* metadata_props that replace the graph's, as fields; NULL: the graph's stay */
	const uint8_t *props;
	size_t props_size;
	/* External data: of each weight its place in that file, or HEFT_ONNX_INSIDE; NULL: none */
	const uint64_t *external_off;
	const char *location;

	struct heft_splice splice; /* .size: of the model */

	/* its own: */
	struct heft_weight_cuts cuts;
	bool *takes_location;
	struct heft_buffer external_data; /* of the last such cut */
	uint8_t head[1 + HEFT_WIRE_VARINT_MAX];
	struct heft_wire_message rest; /* of the model, for its metadata_props */
	bool has_props;                /* the new ones are still to come */
	struct heft_next_cut {
		struct heft_cut cut;
		bool is_known;
		bool has;
	} next_weight, next_props;
};

/* `f` has its first members, whose things it borrows; the caller calls heft_onnx_fill_done whatever
 * the result. */
enum heft_status heft_onnx_fill_init(struct heft_onnx_fill *f, struct heft_error *err);
void heft_onnx_fill_done(struct heft_onnx_fill *f);
/* Gives the model's pieces: holes are of weights that lie inside, n_bytes each, or of a
 * value_floats HEFT_ONNX_FLOAT_SIZE an element. */
enum heft_status heft_onnx_fill_walk(struct heft_onnx_fill *f, heft_splice_fn fn, void *ctx,
                                     struct heft_error *err);

/* Appends what an initializer says of bytes that lie in a file beside: the fields external_data and
 * data_location. */
void heft_onnx_add_location(struct heft_buffer *b, const char *location, uint64_t off,
                            uint64_t n_bytes);

#endif
