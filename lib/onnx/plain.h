/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/plain.h - a model of initializers alone, for tensors that come without a graph
 * (spec/foreign/onnx.md, O5-3). */
#ifndef ONNX_PLAIN_H
#define ONNX_PLAIN_H

#include "onnx/splice.h"

struct heft_onnx_plain {
	const struct heft_listing *tensors; /* of dtypes that ONNX has */
	const uint8_t *props;               /* metadata_props, as fields */
	size_t props_size;
	/* External data, as in struct heft_onnx_fill; NULL: none */
	const uint64_t *external_off;
	const char *location;

	uint64_t size; /* of the model */

	/* its own: */
	uint64_t graph_size; /* of the message */
	struct heft_buffer content;
	struct heft_buffer head;
};

/* `p` has its first members, whose things it borrows; the caller calls heft_onnx_plain_done
 * whatever the result. */
enum heft_status heft_onnx_plain_init(struct heft_onnx_plain *p, struct heft_error *err);
void heft_onnx_plain_done(struct heft_onnx_plain *p);
/* Gives the model's pieces: bytes, and n_bytes of a hole for each tensor that lies inside. */
enum heft_status heft_onnx_plain_walk(struct heft_onnx_plain *p, heft_splice_fn fn, void *ctx,
                                      struct heft_error *err);

#endif
