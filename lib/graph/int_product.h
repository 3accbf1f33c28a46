/* SPDX-License-Identifier: Apache-2.0 */
/* graph/int_product.h - products of 8-bit integers, each less its zero point, summed modulo 2^32
 * (spec F6-22). Weights are packed; rows of the other side are made, 16 bits a value, by whoever
 * asks, and so are the results stored: a row is a row of a matrix, or a window of an image. */
#ifndef GRAPH_INT_PRODUCT_H
#define GRAPH_INT_PRODUCT_H

#include "graph/op.h"

struct heft_int_product {
	uint64_t n_rows; /* of a group */
	uint64_t n_terms;
	uint64_t n_columns;
	uint64_t n_groups;

	/* By heft_int_product_init. */
	uint64_t n_pairs;     /* of terms */
	uint64_t packed_size; /* bytes */
	uint64_t worker_size; /* of scratch, each thread */
	uint64_t sums_at;
};

/* 8-bit weights: (term, column) of a group at w[group group_ld + term term_ld + column column_ld].
 * zero: of a column of all groups, or of all columns (zero_ld 0), or NULL. */
struct heft_int_weights {
	const void *w;
	uint64_t group_ld;
	uint64_t term_ld;
	uint64_t column_ld;
	bool is_signed;
	const void *zero;
	uint64_t zero_ld;
};

/* Sets `to`, n_terms of it; stores n_columns sums. */
typedef void heft_int_fill_fn(const void *ctx, uint64_t group, uint64_t row, int16_t *to);
typedef void heft_int_store_fn(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums);

/* Sizes told; LIMIT. */
enum heft_status heft_int_product_init(struct heft_int_product *p, struct heft_error *err);
void heft_int_product_pack(const struct heft_call *c, const struct heft_int_product *p,
                           const struct heft_int_weights *w, void *packed);
/* scratch: worker_size for each thread. */
void heft_int_product_run(const struct heft_call *c, const struct heft_int_product *p,
                          const void *packed, heft_int_fill_fn *fill, heft_int_store_fn *store,
                          const void *ctx, void *scratch);

/* An 8-bit integer of either kind. */
static inline int32_t heft_int_of(const void *bytes, uint64_t i, bool is_signed)
{
	return is_signed ? ((const int8_t *)bytes)[i] : ((const uint8_t *)bytes)[i];
}

#endif
