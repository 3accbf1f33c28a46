/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - elements in another order: bytes of numbers reversed, dimensions reversed. */
#include "tensor/order.h"

#include <string.h>

#include "tensor/strided.h"

uint32_t heft_swap_size(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	if (dtype == HEFT_DTYPE_UCS4)
		return 4;
	if (!info || info->is_block || info->n_elements != 1)
		return 1;
	return info->is_complex ? info->n_bytes / 2 : info->n_bytes;
}

/* --- bytes --- */

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

static void store(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
}

/* Each turns the numbers of `size` bytes within eight bytes; the same on either kind of host. */

static uint64_t turn_2(uint64_t v)
{
	const uint64_t low = UINT64_C(0x00ff00ff00ff00ff);

	return (v >> 8 & low) | (v & low) << 8;
}

static uint64_t turn_4(uint64_t v)
{
	const uint64_t turned = __builtin_bswap64(v);

	return turned >> 32 | turned << 32;
}

static void swap_2(uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		store(p + i, turn_2(load(p + i)));
	for (; i + 2 <= n; i += 2) {
		const uint8_t first = p[i];

		p[i] = p[i + 1];
		p[i + 1] = first;
	}
}

static void swap_4(uint8_t *p, size_t n)
{
	uint32_t last;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		store(p + i, turn_4(load(p + i)));
	if (i + 4 <= n) {
		memcpy(&last, p + i, sizeof last);
		last = __builtin_bswap32(last);
		memcpy(p + i, &last, sizeof last);
	}
}

static void swap_8(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 8 <= n; i += 8)
		store(p + i, __builtin_bswap64(load(p + i)));
}

void heft_swap_bytes(void *bytes, size_t n, uint32_t size)
{
	if (size == 2)
		swap_2(bytes, n);
	else if (size == 4)
		swap_4(bytes, n);
	else if (size == 8)
		swap_8(bytes, n);
}

/* --- dimensions --- */

void heft_to_row_major(void *dst, const void *src, uint32_t rank, const uint64_t *dims,
                       size_t element_size)
{
	uint64_t strides[HEFT_MAX_RANK];
	struct heft_strided s;
	uint64_t n = 1;

	for (uint32_t d = 0; d < rank; d++) {
		strides[d] = n;
		n *= dims[d];
	}
	heft_strided_init(&s, rank, dims, strides, 0, element_size);
	heft_strided_gather(&s, src, 0, dst, (size_t)s.n_bytes);
}
