/* SPDX-License-Identifier: Apache-2.0 */
/* zip_window.c - what the two kinds of a zip archive's headers are read with. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/cursor.h"
#include "base/error.h"
#include "format/zip_parts.h"

/* Has room for any directory entry and any local header. */
#define WINDOW_SIZE ((size_t)256 << 10)

enum heft_status heft_zip_window_init(struct heft_zip_window *w, struct heft_source *src,
                                      struct heft_error *err)
{
	const uint64_t file_size = heft_source_size(src);

	*w = (struct heft_zip_window){ .src = src };
	w->room = file_size < WINDOW_SIZE ? (size_t)file_size : WINDOW_SIZE;
	w->ahead = w->room;
	w->bytes = heft_alloc(w->room);
	return w->bytes ? HEFT_OK
	                : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                            "no memory for a zip archive");
}

enum heft_status heft_zip_window_get(struct heft_zip_window *w, uint64_t off, size_t n,
                                     const char *what, const uint8_t **bytes,
                                     struct heft_error *err)
{
	if (!heft_in_range(off, n, w->end))
		return heft_fail(err, HEFT_E_CORRUPT, off, "%s is cut short", what);
	if (off < w->off || !heft_in_range(off - w->off, n, w->size)) {
		const uint64_t left = w->end - off;
		const size_t want = n < w->ahead ? w->ahead : n;

		w->size = 0;
		w->off = off;
		HEFT_TRY(heft_source_read(w->src, off, w->bytes, left < want ? (size_t)left : want,
		                          err));
		w->size = left < want ? (size_t)left : want;
	}
	*bytes = w->bytes + (off - w->off);
	return HEFT_OK;
}

void heft_zip_window_done(struct heft_zip_window *w)
{
	heft_free(w->bytes);
}

void heft_zip_parse_common(struct heft_cursor *c, struct heft_zip_header *h)
{
	h->flags = heft_cursor_u16(c);
	h->method = heft_cursor_u16(c);
	heft_cursor_u32(c); /* date and time */
	h->crc = heft_cursor_u32(c);
	h->stored_size = heft_cursor_u32(c);
	h->size = heft_cursor_u32(c);
	h->name_size = heft_cursor_u16(c);
	h->extra_size = heft_cursor_u16(c);
}
