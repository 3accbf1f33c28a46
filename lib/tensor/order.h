/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/order.h - elements in another order: bytes of numbers reversed, dimensions reversed. What
 * the transforms of a recipe are made of (spec/container.md 7.2). */
#ifndef TENSOR_ORDER_H
#define TENSOR_ORDER_H

#include "heft/tensor.h"

/* How many bytes of the dtype are reversed together; 1 where nothing is: sub-byte and one-byte
 * dtypes, STR, VOID, block types. */
uint32_t heft_swap_size(enum heft_dtype dtype);
/* Reverses each `size` bytes (1, 2, 4 or 8) of n bytes, a multiple of it, in place. */
void heft_swap_bytes(void *bytes, size_t n, uint32_t size);

/* dst, row-major of shape dims, from src, the same elements column-major (the first index runs
 * fastest). The other way round is the same call with the dims reversed. element_size in bytes,
 * any; product of dims times that fits memory; no overlap. Blocked for the cache. */
void heft_to_row_major(void *dst, const void *src, uint32_t rank, const uint64_t *dims,
                       size_t element_size);

#endif
