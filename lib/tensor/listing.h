/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/listing.h - a compact list of tensor descriptions in the source's order: what a foreign
 * format's reader fills and what a writer is given. Names and dimensions lie in two arenas; a hash
 * finds a name, and a name twice. */
#ifndef TENSOR_LISTING_H
#define TENSOR_LISTING_H

#include "heft/tensor.h"

/* One tensor; 64 bytes. */
struct heft_listed {
	uint64_t name_at; /* in the arena of names, where it ends with NUL */
	uint64_t dims_at; /* in the arena of dimensions */
	uint64_t n_elements;
	uint64_t n_bytes;
	uint64_t data_off; /* where a reader finds the bytes in its file; writers pass over it */
	uint32_t name_size;
	uint32_t unit; /* bytes: of the dtype, or what an unknown one's file says */
	uint32_t tie;  /* index of the first tensor of the tie group; its own when alone */
	/* index of the first tensor that stores the same bytes once; its own when alone; a tie
	 * shares */
	uint32_t share;
	uint32_t hash; /* the listing's own: of space and name */
	uint16_t dtype;
	uint8_t space;
	uint8_t rank;
};

struct heft_listing; /* opaque: rows, arenas, hash */

enum heft_status heft_listing_new(struct heft_listing **out, struct heft_error *err);
void heft_listing_free(struct heft_listing *l);

/* Adds a tensor behind the others: checks name, space-unique, rank, sizes. A known dtype's unit and
 * n_bytes are computed and `row`'s are passed over; an unknown one's (n_bytes a multiple of unit,
 * unit 1 to 2^20) are taken from it. Of `row`, dtype, space, rank, data_off, and for unknown dtypes
 * n_bytes and unit are read; tie and share become the tensor's own index. The byte lengths of all
 * tensors together stay below 2^63. A fault fails with `code` (CORRUPT for readers, USAGE for
 * writers) at `off`. Names are quoted in messages. Nothing is added on failure. */
enum heft_status heft_listing_add(struct heft_listing *l, const char *name, size_t name_size,
                                  const uint64_t *dims, const struct heft_listed *row,
                                  enum heft_status code, uint64_t off, struct heft_error *err);
uint32_t heft_listing_n(const struct heft_listing *l);
uint64_t heft_listing_n_bytes(const struct heft_listing *l); /* of all tensors together */
const struct heft_listed *heft_listing_row(const struct heft_listing *l, uint32_t i);
/* to set tie, share, data_off */
struct heft_listed *heft_listing_row_mut(struct heft_listing *l, uint32_t i);
/* Names and dimensions, like rows, stay where they are until the next add. */
const char *heft_listing_name(const struct heft_listing *l, uint32_t i);
const uint64_t *heft_listing_dims(const struct heft_listing *l, uint32_t i);
bool heft_listing_find(const struct heft_listing *l, uint8_t space, const char *name,
                       size_t name_size, uint32_t *i);
/* Fills the public description (role from the name, alignment 1). */
void heft_listing_describe(const struct heft_listing *l, uint32_t i, struct heft_tensor *t);
/* Fills rows (n of them) with the indexes in the order of (space, name bytes): a merge sort. */
enum heft_status heft_listing_sort(const struct heft_listing *l, uint32_t *rows,
                                   struct heft_error *err);

#endif
