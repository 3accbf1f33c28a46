/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/dtype.h - the table of dtypes (spec/ids.md) for those inside the library. */
#ifndef TENSOR_DTYPE_H
#define TENSOR_DTYPE_H

#include "heft/tensor.h"

#define HEFT_CHUNK_MAX (UINT32_C(1) << 20)

/* ggml's numbers of plain and of removed types, 0x100 + n: a file that holds one is wrong
 * (spec/ids.md). */
bool heft_dtype_is_refused(uint32_t dtype);

/* Whether elements of the dtype may have any size: STR, UCS4, VOID. */
bool heft_dtype_has_any_size(enum heft_dtype dtype);
/* The unit of such a tensor where its file states none: the size of an element, as far as that is a
 * unit (spec/ids.md). */
uint32_t heft_any_size_unit(enum heft_dtype dtype, uint64_t n_elements, uint64_t n_bytes);

/* The logical bytes of a full chunk (spec/digest.md): 2^20 less 2^20 mod unit. unit is 1 to
 * 2^20. */
static inline uint32_t heft_chunk_size(uint32_t unit)
{
	return HEFT_CHUNK_MAX - HEFT_CHUNK_MAX % unit;
}

/* How many chunks n_bytes make. */
static inline uint64_t heft_n_chunks(uint64_t n_bytes, uint32_t unit)
{
	const uint32_t chunk = heft_chunk_size(unit);

	return n_bytes / chunk + (n_bytes % chunk != 0);
}

/* Product of the dimensions: false when the product of those that are not zero is 2^63 or more. */
bool heft_dims_product(uint32_t rank, const uint64_t *dims, uint64_t *n_elements);

#endif
