/* SPDX-License-Identifier: Apache-2.0 */
/* cast_chunk.c - reads whole chunks of the source and converts what of them belongs to a chunk of
 * the target. */
#include "weights/cast_chunk.h"

#include "tensor/dtype.h"

/* Elements that a chunk of this dtype holds. Every chunk size is a whole number of units, and every
 * count here a multiple of 4, so that parts begin at whole bytes on both sides. */
static uint64_t chunk_elements(const struct heft_dtype_info *info)
{
	return (uint64_t)(heft_chunk_size(info->n_bytes) / info->n_bytes) * info->n_elements;
}

static uint64_t element_bytes(const struct heft_dtype_info *info, uint64_t n_elements)
{
	return (n_elements * info->n_bytes + info->n_elements - 1) / info->n_elements;
}

enum heft_status heft_cast_chunk(struct heft_chunk_source *source, const struct heft_cast *cast,
                                 uint64_t off, uint8_t *room, uint8_t *dst, struct heft_error *err)
{
	const struct heft_dtype_info *from = heft_dtype_describe((enum heft_dtype)cast->from);
	const struct heft_dtype_info *to = heft_dtype_describe((enum heft_dtype)cast->to);
	const uint64_t per_chunk = chunk_elements(from);
	uint64_t e = off / to->n_bytes * to->n_elements;
	uint64_t end = e + chunk_elements(to);

	if (end > cast->n_elements)
		end = cast->n_elements;
	while (e < end) {
		const uint64_t chunk_i = e / per_chunk;
		const uint64_t chunk_first = chunk_i * per_chunk;
		const uint64_t chunk_end = chunk_first + per_chunk < cast->n_elements
		                                   ? chunk_first + per_chunk
		                                   : cast->n_elements;
		const uint64_t stop = chunk_end < end ? chunk_end : end;
		const uint64_t chunk_off = chunk_i * heft_chunk_size(from->n_bytes);
		const size_t chunk_size = (size_t)element_bytes(from, chunk_end - chunk_first);
		enum heft_status st = heft_chunk_source_read_one(source, cast->tensor, chunk_i,
		                                                 chunk_off, chunk_size, room, err);

		if (st == HEFT_OK)
			st = heft_cast_elements((enum heft_dtype)cast->to, dst,
			                        (enum heft_dtype)cast->from,
			                        room + element_bytes(from, e - chunk_first),
			                        (size_t)(stop - e), err);
		if (st != HEFT_OK)
			return st;
		dst += element_bytes(to, stop - e);
		e = stop;
	}
	return HEFT_OK;
}
