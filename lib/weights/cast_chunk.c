/* SPDX-License-Identifier: Apache-2.0 */
/* cast_chunk.c - reads whole chunks of the source and converts what of them belongs to a chunk of
 * the target. */
#include "weights/cast_chunk.h"

#include "base/error.h"
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

static enum heft_status fill_room(struct heft_chunk_source *source, const struct heft_cast *cast,
                                  const struct heft_dtype_info *from, uint64_t chunk_i,
                                  struct heft_cast_room *room, struct heft_error *err)
{
	const uint64_t first = chunk_i * chunk_elements(from);
	const uint64_t left = cast->n_elements - first;
	const uint64_t n = left < chunk_elements(from) ? left : chunk_elements(from);

	if (room->is_filled && room->tensor == cast->tensor && room->chunk_i == chunk_i)
		return HEFT_OK;
	room->is_filled = false;
	HEFT_TRY(heft_chunk_source_read_one(source, cast->tensor, chunk_i,
	                                    element_bytes(from, first),
	                                    (size_t)element_bytes(from, n), room->bytes, NULL,
	                                    err));
	room->tensor = cast->tensor;
	room->chunk_i = chunk_i;
	room->is_filled = true;
	return HEFT_OK;
}

enum heft_status heft_cast_chunk(struct heft_chunk_source *source, const struct heft_cast *cast,
                                 uint64_t off, struct heft_cast_room *room, uint8_t *dst,
                                 struct heft_error *err)
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
		const uint64_t first = chunk_i * per_chunk;
		const uint64_t stop = end - first < per_chunk ? end : first + per_chunk;

		HEFT_TRY(fill_room(source, cast, from, chunk_i, room, err));
		HEFT_TRY(heft_cast_elements((enum heft_dtype)cast->to, dst,
		                            (enum heft_dtype)cast->from,
		                            room->bytes + element_bytes(from, e - first),
		                            (size_t)(stop - e), err));
		dst += element_bytes(to, stop - e);
		e = stop;
	}
	return HEFT_OK;
}
