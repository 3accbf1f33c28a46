/* SPDX-License-Identifier: Apache-2.0 */
/* weights/chunk_source.h - reads the chunks of an open file, whatever its format, and their leaves:
 * one source a thread. */
#ifndef WEIGHTS_CHUNK_SOURCE_H
#define WEIGHTS_CHUNK_SOURCE_H

#include "weights/chunk_plan.h"
#include "weights/file.h"

struct heft_chunk_source;

/* With `verify`, chunks of a heft file are compared with the leaves that it states. */
enum heft_status heft_chunk_source_new(struct heft_file *file, bool verify,
                                       struct heft_chunk_source **out, struct heft_error *err);
void heft_chunk_source_free(struct heft_chunk_source *s);
/* Reads the chunks of a group behind one another into dst (HEFT_GROUP_BYTES; HEFT_PAIR_BYTES of a
 * plan of pairs), and lists them in `chunks` (room for HEFT_GROUP_CHUNKS). Their leaves go to
 * leaves[0], [1], … of 32 bytes; NULL: not wanted. The plan's ids are the file's tensor
 * indexes. */
enum heft_status heft_chunk_source_read(struct heft_chunk_source *s,
                                        const struct heft_chunk_plan *plan, uint64_t group_i,
                                        uint8_t *dst, struct heft_plan_chunk *chunks,
                                        uint32_t *n_chunks, uint8_t *leaves,
                                        struct heft_error *err);
/* Reads one chunk of the file's tensor `tensor`: n logical bytes at off. `leaf` may be NULL. */
enum heft_status heft_chunk_source_read_one(struct heft_chunk_source *s, uint32_t tensor,
                                            uint64_t chunk_i, uint64_t off, size_t n, uint8_t *dst,
                                            uint8_t *leaf, struct heft_error *err);

#endif
