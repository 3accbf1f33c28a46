/* SPDX-License-Identifier: Apache-2.0 */
/* container/write_plan.h - what every format's writer is given: the tensors that will come, and a
 * chunk on its way into the file. Chunks go through three stages: encode (any order, any thread),
 * place (in the plan's order, one at a time), store (any order, any thread; right after place where
 * the target is a stream). */
#ifndef CONTAINER_WRITE_PLAN_H
#define CONTAINER_WRITE_PLAN_H

#include "codec/codec.h"
#include "heft/write.h"
#include "tensor/listing.h"

struct heft_origin; /* container/origin.h */

/* A content section to carry. */
struct heft_section_out {
	uint32_t type;
	const uint8_t *bytes;
	uint64_t size;
};

struct heft_write_plan {
	const struct heft_listing *tensors;
	const char *metadata; /* one JSON object, checked; NULL: none */
	/* a model without its weights (spec/foreign/onnx.md 4); borrowed; size 0: none. Given only
	 * to formats that hold one. */
	const uint8_t *graph;
	uint64_t graph_size;
	struct heft_write_options options;
	/* in ascending type; META only where `metadata` is NULL, ORIGIN only where `origin` is,
	 * GRAPH only where `graph_size` is 0 */
	const struct heft_section_out *sections;
	uint32_t n_sections;
	const struct heft_origin
		*origin; /* NULL: none; its tensor numbers are indexes of `tensors` */
	/* Of a heft file, one a tensor: whether its chunks are coded, whatever options.compress
	 * says. NULL: when that is not NONE. What stands for a tensor whose `share` is another one
	 * is not looked at. */
	const bool *is_coded;
};

/* One chunk of one tensor: heft_chunk_size(unit) logical bytes, the last one fewer. Tensors whose
 * `share` is another one and, in a format without ties, nothing else, never come. */
struct heft_piece {
	uint32_t tensor_i;
	uint64_t chunk_i;
	uint64_t off; /* chunk_i * chunk size */
	const uint8_t *bytes;
	size_t n;
	/* from encode */
	const uint8_t *stored; /* `bytes` itself, or in the scratch */
	size_t stored_size;
	uint32_t crc;
	uint8_t codec;
	/* from place */
	uint64_t file_off;
};

#endif
