/* SPDX-License-Identifier: Apache-2.0 */
/* weights/diff_side.h - gives the elements of one of two files that are compared: where they lie in
 * the mapped file, else chunk by chunk from a buffer. One a thread. */
#ifndef WEIGHTS_DIFF_SIDE_H
#define WEIGHTS_DIFF_SIDE_H

#include "weights/diff_values.h"
#include "weights/file.h"

struct heft_chunk_source;

struct heft_diff_side {
	struct heft_file *file;
	/* the tensor that is being compared */
	uint32_t tensor;
	struct heft_diff_layout layout;
	uint64_t n;         /* elements */
	uint64_t per_chunk; /* of a full chunk */
	const uint8_t *map; /* of its bytes; NULL: they are read */
	struct heft_place place;
	/* the chunk that was read last */
	struct heft_chunk_source *source;
	uint8_t *room;
	uint64_t room_chunk;
	uint32_t room_tensor; /* UINT32_MAX: none */
};

void heft_diff_side_init(struct heft_diff_side *s, struct heft_file *file);
void heft_diff_side_done(struct heft_diff_side *s);
/* Goes to a tensor of the file, of n elements and n_bytes. */
void heft_diff_side_begin(struct heft_diff_side *s, uint32_t tensor, uint32_t unit,
                          const struct heft_diff_layout *layout, uint64_t n, uint64_t n_bytes);
/* Where element i begins, and how many follow one another from it: up to the end of its chunk,
 * mapped or not, so that a file's format does not change in which order sums are made. i is the
 * first of its chunk, or a multiple of 4. What was given before is gone. */
enum heft_status heft_diff_side_at(struct heft_diff_side *s, uint64_t i, const uint8_t **bytes,
                                   uint64_t *n, struct heft_error *err);
/* Elements [i, end) were looked at for now. */
void heft_diff_side_leave(const struct heft_diff_side *s, uint64_t i, uint64_t end);

#endif
