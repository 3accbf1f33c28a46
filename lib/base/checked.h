/* SPDX-License-Identifier: Apache-2.0 */
/* base/checked.h - arithmetic on sizes that says when it would wrap. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool heft_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool heft_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

static inline bool heft_add_size(size_t a, size_t b, size_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool heft_mul_size(size_t a, size_t b, size_t *product)
{
	return !__builtin_mul_overflow(a, b, product);
}

/* False when a file's 64-bit size does not fit this machine's memory. */
static inline bool heft_to_size(uint64_t v, size_t *size)
{
	*size = (size_t)v;
	return *size == v;
}

/* The least multiple of `to` (a power of two) that is not below v; v must be at most 2^63. */
static inline uint64_t heft_align_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* Whether [off, off + n) lies within `size` bytes. */
static inline bool heft_in_range(uint64_t off, uint64_t n, uint64_t size)
{
	return off <= size && n <= size - off;
}

#endif
