/* SPDX-License-Identifier: Apache-2.0 */
/* weights/cast_chunk.h - one chunk of a tensor in another dtype than the file's, read and converted
 * by parts. */
#ifndef WEIGHTS_CAST_CHUNK_H
#define WEIGHTS_CAST_CHUNK_H

#include "weights/chunk_source.h"

struct heft_cast {
	uint32_t tensor; /* of the file */
	uint16_t from;
	uint16_t to;
	uint64_t n_elements;
	uint64_t n_source_bytes;
};

/* The source chunk that was read last: a wider target takes the next part of it. */
struct heft_cast_room {
	uint8_t *bytes; /* HEFT_GROUP_BYTES */
	uint64_t chunk_i;
	uint32_t tensor;
	bool is_filled;
};

/* Fills dst with the chunk of the converted tensor that begins at logical byte `off`. */
enum heft_status heft_cast_chunk(struct heft_chunk_source *source, const struct heft_cast *cast,
                                 uint64_t off, struct heft_cast_room *room, uint8_t *dst,
                                 struct heft_error *err);

#endif
