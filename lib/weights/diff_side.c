/* SPDX-License-Identifier: Apache-2.0 */
/* diff_side.c - gives the elements of one of two files that are compared. */
#include "weights/diff_side.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "weights/chunk_source.h"

void heft_diff_side_init(struct heft_diff_side *s, struct heft_file *file)
{
	*s = (struct heft_diff_side){ .file = file, .room_tensor = UINT32_MAX };
}

void heft_diff_side_done(struct heft_diff_side *s)
{
	heft_chunk_source_free(s->source);
	heft_free(s->room);
}

#define DROPPED_MIN (UINT64_C(1) << 18) /* bytes: for less it is not worth a system call */

/* NULL where the bytes must go through the format's own reader: coded, in another order, checked as
 * they are read. A file that is not to be mapped refuses by itself. */
static const uint8_t *find_map(struct heft_diff_side *s, uint64_t n_bytes)
{
	struct heft_file *f = s->file;
	const uint8_t *map;

	if ((f->flags & HEFT_OPEN_VERIFY) || (f->format->caps & HEFT_FORMAT_CHECKS_READS))
		return NULL;
	if (f->format->locate(f->st, s->tensor, &s->place, NULL) != HEFT_OK || s->place.transform ||
	    heft_source_map(s->place.src, &map, NULL) != HEFT_OK ||
	    !heft_in_range(s->place.off, n_bytes, heft_source_size(s->place.src)))
		return NULL;
	return map + s->place.off;
}

void heft_diff_side_begin(struct heft_diff_side *s, uint32_t tensor, uint32_t unit,
                          const struct heft_diff_layout *layout, uint64_t n, uint64_t n_bytes)
{
	s->tensor = tensor;
	s->layout = *layout;
	s->n = n;
	s->per_chunk = (uint64_t)(heft_chunk_size(unit) / unit) * layout->n_elements;
	s->map = find_map(s, n_bytes);
}

static enum heft_status fill_room(struct heft_diff_side *s, uint64_t chunk_i, uint64_t first,
                                  uint64_t n, struct heft_error *err)
{
	if (s->room_tensor == s->tensor && s->room_chunk == chunk_i)
		return HEFT_OK;
	if (!s->source)
		HEFT_TRY(heft_chunk_source_new(s->file, (s->file->flags & HEFT_OPEN_VERIFY) != 0,
		                               &s->source, err));
	if (!s->room)
		s->room = heft_alloc(HEFT_CHUNK_MAX);
	if (!s->room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a chunk");
	s->room_tensor = UINT32_MAX;
	HEFT_TRY(heft_chunk_source_read_one(s->source, s->tensor, chunk_i,
	                                    heft_diff_bytes(&s->layout, first),
	                                    (size_t)heft_diff_bytes(&s->layout, n), s->room, NULL,
	                                    err));
	s->room_tensor = s->tensor;
	s->room_chunk = chunk_i;
	return HEFT_OK;
}

enum heft_status heft_diff_side_at(struct heft_diff_side *s, uint64_t i, const uint8_t **bytes,
                                   uint64_t *n, struct heft_error *err)
{
	const uint64_t chunk_i = i / s->per_chunk;
	const uint64_t first = chunk_i * s->per_chunk;
	const uint64_t left = s->n - first;
	const uint64_t n_chunk = left < s->per_chunk ? left : s->per_chunk;

	if (s->map) {
		*bytes = s->map + heft_diff_bytes(&s->layout, i);
	} else {
		HEFT_TRY(fill_room(s, chunk_i, first, n_chunk, err));
		*bytes = s->room + heft_diff_bytes(&s->layout, i - first);
	}
	*n = first + n_chunk - i;
	return HEFT_OK;
}

void heft_diff_side_leave(const struct heft_diff_side *s, uint64_t i, uint64_t end)
{
	const uint64_t off = heft_diff_bytes(&s->layout, i);
	const uint64_t n_bytes = heft_diff_bytes(&s->layout, end - i);

	if (s->map && n_bytes >= DROPPED_MIN)
		heft_source_drop(s->place.src, s->place.off + off, n_bytes);
}
