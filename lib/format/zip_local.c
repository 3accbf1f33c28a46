/* SPDX-License-Identifier: Apache-2.0 */
/* zip_local.c - reads the headers in front of a zip archive's members, and refuses those that tell
 * another story than the directory (spec/foreign/zip.md, section 4). */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zip_extra.h"
#include "format/zip_parts.h"

#define QUOTED 80                 /* bytes of a name in a message */
#define LOCAL_AHEAD ((size_t)512) /* read at once of a large file */

struct locals {
	struct heft_zip *z;
	const struct heft_zip_end *end;
	const uint16_t *flags;
	struct heft_zip_window *window;
};

static enum heft_status local_fault(const struct heft_zip_member *m, const char *what,
                                    struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, m->header_off, "member '%.*s': %s",
	                 m->name_size < QUOTED ? (int)m->name_size : QUOTED, m->name, what);
}

/* Z4-3: true, or left to what follows the data. */
static bool is_told(const struct heft_zip_header *h, uint64_t told, uint64_t truth)
{
	return told == truth || ((h->flags & HEFT_ZIP_DESCRIPTOR) && told == 0);
}

/* PyTorch's archives have nothing but the header's own place there, past 4 GiB. */
static bool is_place(const struct heft_zip_header *h, struct heft_cursor c, uint64_t base)
{
	return (h->flags & HEFT_ZIP_DESCRIPTOR) && h->size == 0 && h->stored_size == 0 &&
	       heft_cursor_left(&c) == 8 && heft_cursor_u64(&c) == h->at - base;
}

static bool are_sizes_told(const struct heft_zip_header *h, const struct heft_zip_member *m,
                           uint64_t base)
{
	const bool is_short = h->size != UINT32_MAX && h->stored_size != UINT32_MAX;
	uint64_t stored_size = h->stored_size;
	uint64_t size = h->size;
	struct heft_cursor c;

	if (!heft_zip_extra_find(h->extra, h->extra_size, h->extra_at, HEFT_ZIP_EXTRA_ZIP64, &c))
		return false;
	/* Some writers add the field where it is not needed; it may not say anything else. */
	if (is_short && !(is_told(h, size, m->size) && is_told(h, stored_size, m->stored_size)))
		return false;
	if (is_place(h, c, base))
		return true;
	if (heft_cursor_left(&c) == 0)
		return is_short || (h->flags & HEFT_ZIP_DESCRIPTOR);
	if (size == UINT32_MAX || is_short)
		size = heft_cursor_u64(&c);
	if (stored_size == UINT32_MAX || (is_short && heft_cursor_left(&c) >= 8))
		stored_size = heft_cursor_u64(&c);
	return c.ok && is_told(h, size, m->size) && is_told(h, stored_size, m->stored_size);
}

static enum heft_status check_local(const struct locals *o, uint32_t i,
                                    const struct heft_zip_header *h, struct heft_error *err)
{
	const unsigned telling = HEFT_ZIP_ENCRYPTED | HEFT_ZIP_DESCRIPTOR | HEFT_ZIP_PATCH |
	                         HEFT_ZIP_STRONGLY | HEFT_ZIP_UTF8 | HEFT_ZIP_MASKED;
	struct heft_zip_member *m = &o->z->members[i];

	if (h->name_size != m->name_size || memcmp(h->name, m->name, m->name_size) != 0)
		return local_fault(m, "its local header has another name", err);
	if (h->method != (m->is_deflated ? HEFT_ZIP_DEFLATED : HEFT_ZIP_STORED))
		return local_fault(m, "its local header has another method", err);
	if ((h->flags ^ o->flags[i]) & telling)
		return local_fault(m, "its local header has other flags", err);
	if (!are_sizes_told(h, m, o->end->base))
		return local_fault(m, "its local header has other sizes", err);
	if (!is_told(h, h->crc, m->crc))
		return local_fault(m, "its local header has another CRC", err);
	m->data_off = h->at + HEFT_ZIP_LOCAL_SIZE + h->name_size + h->extra_size;
	if (!heft_in_range(m->data_off, m->stored_size, o->end->dir_off))
		return local_fault(m, "it reaches into the archive's directory", err);
	return HEFT_OK;
}

static enum heft_status read_local(const struct locals *o, uint32_t i, struct heft_error *err)
{
	const char *const what = "a local header";
	struct heft_zip_header h = { .at = o->z->members[i].header_off };
	struct heft_cursor c;
	const uint8_t *bytes;

	HEFT_TRY(heft_zip_window_get(o->window, h.at, HEFT_ZIP_LOCAL_SIZE, what, &bytes, err));
	heft_cursor_init(&c, bytes, HEFT_ZIP_LOCAL_SIZE, h.at);
	if (heft_cursor_u32(&c) != HEFT_ZIP_LOCAL_MAGIC)
		return local_fault(&o->z->members[i], "no local header is where it should be", err);
	heft_cursor_u16(&c); /* version */
	heft_zip_parse_common(&c, &h);
	HEFT_TRY(heft_zip_window_get(o->window, h.at,
	                             (size_t)HEFT_ZIP_LOCAL_SIZE + h.name_size + h.extra_size, what,
	                             &bytes, err));
	h.name = bytes + HEFT_ZIP_LOCAL_SIZE;
	h.extra = h.name + h.name_size;
	h.extra_at = h.at + HEFT_ZIP_LOCAL_SIZE + h.name_size;
	return check_local(o, i, &h, err);
}

/* --- overlaps --- */

static bool lies_before(const struct heft_zip *z, uint32_t a, uint32_t b)
{
	return z->members[a].header_off < z->members[b].header_off;
}

static void sift_down(const struct heft_zip *z, uint32_t *order, size_t at, size_t n)
{
	const uint32_t moved = order[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && lies_before(z, order[child], order[child + 1]))
			child++;
		if (!lies_before(z, moved, order[child]))
			break;
		order[at] = order[child];
		at = child;
	}
	order[at] = moved;
}

/* Most archives are in order already; else a heap sort, which no archive makes slow. */
static void sort_by_place(const struct heft_zip *z, uint32_t *order, uint32_t n)
{
	bool is_sorted = true;

	for (uint32_t i = 0; i < n; i++) {
		order[i] = i;
		is_sorted = is_sorted && (i == 0 || lies_before(z, i - 1, i));
	}
	if (is_sorted)
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift_down(z, order, i, n);
	for (size_t i = n; i-- > 1;) {
		const uint32_t last = order[i];

		order[i] = order[0];
		order[0] = last;
		sift_down(z, order, 0, i);
	}
}

/* Reads the local headers in the order of the file. Z4-5: each begins where the one before has
 * ended, or later. */
static enum heft_status read_locals(const struct locals *o, const uint32_t *order,
                                    struct heft_error *err)
{
	uint64_t end = o->end->base;

	o->window->end = o->end->dir_off;
	o->window->size = 0;
	if (heft_source_size(o->z->src) > o->window->room)
		o->window->ahead = LOCAL_AHEAD;
	for (uint32_t k = 0; k < o->z->n_members; k++) {
		const struct heft_zip_member *m = &o->z->members[order[k]];

		if (m->header_off < end)
			return local_fault(m, "it overlaps another member", err);
		HEFT_TRY(read_local(o, order[k], err));
		end = m->data_off + m->stored_size;
	}
	return HEFT_OK;
}

enum heft_status heft_zip_read_locals(struct heft_zip *z, const struct heft_zip_end *end,
                                      const uint16_t *flags, struct heft_zip_window *window,
                                      struct heft_error *err)
{
	const struct locals locals = { .z = z, .end = end, .flags = flags, .window = window };
	uint32_t *order = heft_alloc_array(z->n_members, sizeof *order);
	enum heft_status st;

	if (!order)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a zip archive");
	sort_by_place(z, order, z->n_members);
	st = read_locals(&locals, order, err);
	heft_free(order);
	return st;
}
