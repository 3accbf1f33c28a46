/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/model.h - the weights of an ONNX model, found by one pass over its messages, whether it is a
 * file or a graph whose weights were taken out (spec/foreign/onnx.md). Nothing here reads the bytes
 * of a weight. */
#ifndef ONNX_MODEL_H
#define ONNX_MODEL_H

#include "base/wire.h"
#include "heft/file.h"
#include "tensor/listing.h"

#define HEFT_ONNX_NONE UINT32_MAX
/* The field of an AttributeProto in a graph that says how many floats were taken out of it. Numbers
 * of ONNX's own are far below. */
#define HEFT_ONNX_N_FLOATS 50000u

enum heft_onnx_store {
	HEFT_ONNX_EMPTY,  /* no elements, or a graph's weight: no bytes */
	HEFT_ONNX_RAW,    /* the logical bytes lie at `off`, weight->n_bytes of them */
	HEFT_ONNX_FIELDS, /* in typed fields of the message: heft_onnx_decode */
	HEFT_ONNX_EXTERNAL
};

/* Where the weight of row i of `tensors` is. */
struct heft_onnx_weight {
	uint64_t off;      /* RAW: of the bytes */
	uint32_t frame;    /* of its own message: a TensorProto, or the AttributeProto of floats */
	uint32_t external; /* EXTERNAL: in `externals`; else NONE */
	uint8_t store;     /* enum heft_onnx_store */
	bool is_floats;    /* a Constant's value_floats: field 7 of its AttributeProto */
	/* a dense initializer of the model's graph, or of a graph in it */
	bool is_initializer;
};

/* A message that holds a weight, or is one: what changes its length when the weight goes. */
struct heft_onnx_frame {
	uint64_t len_off; /* of the varint of its length */
	uint64_t off;     /* of its content */
	uint64_t size;
	uint32_t parent; /* the frame around it; NONE: the model itself */
};

/* What external_data says. */
struct heft_onnx_external {
	char *location; /* owned; as the file spells it, checked to be a relative path */
	uint64_t at;    /* of the weight's message, for faults */
	uint64_t offset;
	uint64_t length; /* of the weight, checked */
	bool is_rest;    /* the file gives no length: the weight is all that is left of it */
	bool has_checksum;
	uint8_t checksum[20]; /* SHA-1 of the whole file */
};

/* Where numbers lie in typed fields, made when they are first read: decode.c. */
struct heft_onnx_marks;

struct heft_onnx_model {
	struct heft_listing *tensors;     /* of dtypes that heft knows; tie and share their own */
	struct heft_onnx_weight *weights; /* one a tensor */
	struct heft_onnx_frame *frames;   /* ascending `off`: a frame stands behind its parent */
	uint32_t n_frames;
	struct heft_onnx_external *externals;
	uint32_t n_externals;
	_Atomic(struct heft_onnx_marks *) *marks; /* one a tensor; NULL: no weight is in FIELDS */
	uint64_t ir_version;
	char *metadata; /* metadata_props as a JSON object; "{}" when there are none */
	uint64_t n_nodes;
};

/* `is_graph`: weights may lack their bytes, and no external data is looked at. */
enum heft_status heft_onnx_scan(struct heft_wire_input *in, const struct heft_limits *limits,
                                bool is_graph, struct heft_onnx_model *model,
                                struct heft_error *err);
void heft_onnx_model_done(struct heft_onnx_model *model);

/* Reads logical bytes [off, off + n) of weight i, which lies in the model: RAW or FIELDS. Any
 * number of threads, each with an input of its own. */
enum heft_status heft_onnx_decode(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                  uint32_t i, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err);

/* How a data type lies in its typed field. */
struct heft_onnx_type {
	uint16_t dtype;      /* enum heft_dtype */
	uint8_t field;       /* of TensorProto: 4, 5, 7, 10, 11 */
	uint8_t number_bits; /* of the tensor that a number of the field holds: 6, 8, 16, 32, 64 */
	bool is_weight;      /* as a Constant (O2-1) */
};
/* NULL: no such type, or STRING, of which no tensor is made. */
const struct heft_onnx_type *heft_onnx_type(uint64_t data_type);

/* dtypes by ONNX's numbers; HEFT_DTYPE_NONE and 0: none. STRING (8) is none. */
enum heft_dtype heft_onnx_dtype(uint64_t data_type);
uint32_t heft_onnx_data_type(enum heft_dtype dtype);

/* onnx/strip.c: appends the model without the bytes of its weights (spec/foreign/onnx.md 4). */
enum heft_status heft_onnx_strip(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                 struct heft_buffer *graph, struct heft_error *err);

/* onnx/roles.c: what the graph in `in`, which has the weights of `model`, does with each of them;
 * HEFT_ROLE_UNKNOWN where that tells nothing. roles: one a tensor of the model. LIMIT: the nodes
 * would take more than 20 MiB of memory. */
enum heft_status heft_onnx_roles(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                 uint8_t *roles, struct heft_error *err);

#endif
