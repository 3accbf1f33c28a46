/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/strided.h - the logical bytes of elements that lie at any distances from one another: a
 * transposed matrix, a slice, an element that stands for a whole row. From memory, or through reads
 * of what holds them. */
#ifndef TENSOR_STRIDED_H
#define TENSOR_STRIDED_H

#include "heft/tensor.h"

/* A view into a storage, made simple: what lies together is one run, and only what cannot be joined
 * is a dimension. The logical bytes are the runs in row-major order of the dimensions. */
struct heft_strided {
	uint64_t offset;   /* bytes in the storage, of the first element */
	uint64_t n_bytes;  /* logical; 0: there are no elements, and nothing else counts */
	uint64_t run_size; /* bytes that lie together, at least an element's */
	uint32_t rank;     /* 0: there is one run */
	uint64_t dims[HEFT_MAX_RANK];    /* each at least 2, outermost first */
	uint64_t strides[HEFT_MAX_RANK]; /* bytes from one index to the next; 0: all the same */
};

/* `strides` in elements of element_size bytes, `offset` in bytes. Of all elements the caller has
 * checked that they lie in the storage, and that the logical bytes are below 2^63. */
void heft_strided_init(struct heft_strided *s, uint32_t rank, const uint64_t *dims,
                       const uint64_t *strides, uint64_t offset, size_t element_size);
/* The transposed of a matrix whose n_rows by n_columns elements lie packed and row-major from byte
 * 0 on: n_columns by n_rows. */
void heft_strided_init_transposed(struct heft_strided *s, uint64_t n_rows, uint64_t n_columns,
                                  size_t element_size);
/* Whether the logical bytes lie one behind the other in the storage. */
bool heft_strided_is_contiguous(const struct heft_strided *s);

/* Logical bytes [off, off + n), which lie within n_bytes, from the storage's bytes; no overlap.
 * Blocked for the cache. Pure. */
void heft_strided_gather(const struct heft_strided *s, const void *storage, uint64_t off, void *dst,
                         size_t n);

/* Reads bytes [off, off + n) of a storage. */
typedef enum heft_status (*heft_strided_read_fn)(void *ctx, uint64_t off, void *dst, size_t n,
                                                 struct heft_error *err);

/* The same where the storage is not in memory, in HEFT_STRIDED_WINDOW bytes of it. Places that lie
 * near one another are read at once, others one by one: of a transposed matrix, a part of each of
 * its columns. Where a small read is dear, as of what is compressed, put the storage into memory or
 * a scratch file instead and gather from there. */
enum heft_status heft_strided_read(const struct heft_strided *s, heft_strided_read_fn read,
                                   void *ctx, uint64_t off, void *dst, size_t n,
                                   struct heft_error *err);
#define HEFT_STRIDED_WINDOW ((size_t)1 << 20)

#endif
