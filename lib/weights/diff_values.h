/* SPDX-License-Identifier: Apache-2.0 */
/* weights/diff_values.h - compares elements of two tensors, whichever dtypes they have: counts
 * those that differ, and measures how far. The rules are those of heft/diff.h. */
#ifndef WEIGHTS_DIFF_VALUES_H
#define WEIGHTS_DIFF_VALUES_H

#include "heft/diff.h"
#include "kernel/diff_sums.h"

/* `n_elements` of them fill `n_bytes`. */
struct heft_diff_layout {
	uint32_t n_bytes;
	uint32_t n_elements;
};

enum heft_diff_numbers {
	HEFT_DIFF_OPAQUE = 0, /* no numbers: bytes */
	HEFT_DIFF_F32,        /* both sides fit into F32 */
	HEFT_DIFF_F64,
	HEFT_DIFF_LONG /* F64 and what is left of it: some side has integers of 64 bits */
};

/* How elements of two dtypes are compared. */
struct heft_diff_way {
	enum heft_dtype dtype[2]; /* of A, of B */
	struct heft_diff_layout layout[2];
	enum heft_diff_numbers numbers;
	uint32_t n_parts; /* of an element: 2 when complex, else 1 */
	bool is_same_dtype;
};

/* What was found so far. Its sums go by the order in which elements were added. */
struct heft_diff_measure {
	uint64_t n_different;
	uint64_t n_not_finite; /* of those */
	uint64_t n_left_out;   /* not finite, different or not */
	struct heft_diff_sums sums;
};

struct heft_diff_room; /* what a thread needs for it */

/* False: elements of these dtypes cannot be compared. The units are those of heft_tensor_unit. */
bool heft_diff_way_pick(const enum heft_dtype *dtype, const uint32_t *unit,
                        struct heft_diff_way *way);

/* The bytes of n elements. */
static inline uint64_t heft_diff_bytes(const struct heft_diff_layout *l, uint64_t n)
{
	return n / l->n_elements * l->n_bytes +
	       (n % l->n_elements * l->n_bytes + l->n_elements - 1) / l->n_elements;
}

enum heft_status heft_diff_room_new(struct heft_diff_room **out, struct heft_error *err);
void heft_diff_room_free(struct heft_diff_room *room);

/* Adds n elements, which begin at a whole byte on both sides. */
void heft_diff_values(const struct heft_diff_way *way, struct heft_diff_room *room,
                      const uint8_t *a, const uint8_t *b, size_t n, struct heft_diff_measure *m);
void heft_diff_measure_add(struct heft_diff_measure *total, const struct heft_diff_measure *m);
/* Fills the counts and measures of d from those of all its n elements. */
void heft_diff_measure_finish(const struct heft_diff_way *way, uint64_t n,
                              const struct heft_diff_measure *m, struct heft_difference *d);

#endif
