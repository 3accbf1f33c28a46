/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - elements in another order: bytes of numbers reversed, dimensions reversed. */
#include "tensor/order.h"

#include <string.h>

/* Elements of a block that is put in order without splitting it further. Its lines of both sides
 * fit the first cache, and few of them fall together when a row is a power of two. */
#define BLOCK_ELEMENTS 1024u

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

/* Dimensions of 1 are left out; strides are in elements. */
struct order {
	uint32_t rank; /* at least 2 */
	size_t element_size;
	uint64_t src_strides[HEFT_MAX_RANK];
	uint64_t dst_strides[HEFT_MAX_RANK];
};

/* Of two dimensions, n_rows by n_columns: a row lies together in dst, a column in src. */
struct plane {
	uint64_t n_rows;
	uint64_t n_columns;
	uint64_t src_stride; /* from one column to the next */
	uint64_t dst_stride; /* from one row to the next */
};

#define TURN_PLANE(name, type)                                                    \
	static void name(uint8_t *dst, const uint8_t *src, const struct plane *p) \
	{                                                                         \
		for (uint64_t r = 0; r < p->n_rows; r++) {                        \
			uint8_t *to = dst + r * p->dst_stride * sizeof(type);     \
			const uint8_t *from = src + r * sizeof(type);             \
                                                                                  \
			for (uint64_t c = 0; c < p->n_columns; c++) {             \
				memcpy(to, from, sizeof(type));                   \
				to += sizeof(type);                               \
				from += p->src_stride * sizeof(type);             \
			}                                                         \
		}                                                                 \
	}

struct sixteen {
	uint64_t halves[2];
};

TURN_PLANE(turn_plane_1, uint8_t)
TURN_PLANE(turn_plane_2, uint16_t)
TURN_PLANE(turn_plane_4, uint32_t)
TURN_PLANE(turn_plane_8, uint64_t)
TURN_PLANE(turn_plane_16, struct sixteen)

static void turn_plane_any(uint8_t *dst, const uint8_t *src, const struct plane *p, size_t size)
{
	for (uint64_t r = 0; r < p->n_rows; r++) {
		for (uint64_t c = 0; c < p->n_columns; c++)
			memcpy(dst + (r * p->dst_stride + c) * size,
			       src + (c * p->src_stride + r) * size, size);
	}
}

static void turn_plane(uint8_t *dst, const uint8_t *src, const struct plane *p, size_t size)
{
	switch (size) {
	case 1:
		turn_plane_1(dst, src, p);
		break;
	case 2:
		turn_plane_2(dst, src, p);
		break;
	case 4:
		turn_plane_4(dst, src, p);
		break;
	case 8:
		turn_plane_8(dst, src, p);
		break;
	case 16:
		turn_plane_16(dst, src, p);
		break;
	default:
		turn_plane_any(dst, src, p, size);
	}
}

/* The planes of the first and the last dimension, for each of the indexes between them. */
static void turn_block(const struct order *o, uint8_t *dst, const uint8_t *src,
                       const uint64_t *dims)
{
	const uint32_t last = o->rank - 1;
	const struct plane p = { dims[0], dims[last], o->src_strides[last], o->dst_strides[0] };
	uint64_t at[HEFT_MAX_RANK] = { 0 };
	uint32_t d = 0;

	while (d < last) {
		uint64_t src_at = 0;
		uint64_t dst_at = 0;

		for (d = 1; d < last; d++) {
			src_at += at[d] * o->src_strides[d];
			dst_at += at[d] * o->dst_strides[d];
		}
		turn_plane(dst + dst_at * o->element_size, src + src_at * o->element_size, &p,
		           o->element_size);
		for (d = 1; d < last && ++at[d] == dims[d]; d++)
			at[d] = 0;
	}
}

/* Halves the longest dimension until a block is small: whatever the caches' sizes, most of what is
 * loaded is used before it is pushed out. The depth is the logarithm of the number of elements. */
static void turn(const struct order *o, uint8_t *dst, const uint8_t *src, const uint64_t *dims)
{
	uint64_t half[HEFT_MAX_RANK];
	uint64_t n = 1;
	uint32_t longest = 0;

	for (uint32_t d = 0; d < o->rank; d++) {
		n *= dims[d];
		if (dims[d] > dims[longest])
			longest = d;
		half[d] = dims[d];
	}
	if (n <= BLOCK_ELEMENTS) {
		turn_block(o, dst, src, dims);
		return;
	}
	half[longest] = dims[longest] / 2;
	turn(o, dst, src, half);
	dst += half[longest] * o->dst_strides[longest] * o->element_size;
	src += half[longest] * o->src_strides[longest] * o->element_size;
	half[longest] = dims[longest] - half[longest];
	turn(o, dst, src, half);
}

/* Fills `dims` with the dimensions that are not 1, and says how many elements there are. */
static uint64_t order_init(struct order *o, uint32_t rank, const uint64_t *all, size_t element_size,
                           uint64_t *dims)
{
	uint64_t n = 1;

	o->rank = 0;
	o->element_size = element_size;
	for (uint32_t d = 0; d < rank; d++) {
		if (all[d] == 1)
			continue;
		o->src_strides[o->rank] = n;
		dims[o->rank++] = all[d];
		n *= all[d];
	}
	for (uint32_t d = 0; n > 0 && d < o->rank; d++)
		o->dst_strides[d] = n / (o->src_strides[d] * dims[d]);
	return n;
}

void heft_to_row_major(void *dst, const void *src, uint32_t rank, const uint64_t *dims,
                       size_t element_size)
{
	uint64_t long_dims[HEFT_MAX_RANK] = { 0 };
	struct order o;
	const uint64_t n = order_init(&o, rank, dims, element_size, long_dims);

	if (n == 0)
		return;
	if (o.rank < 2)
		memcpy(dst, src, (size_t)n * element_size);
	else
		turn(&o, dst, src, long_dims);
}
