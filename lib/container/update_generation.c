/* SPDX-License-Identifier: Apache-2.0 */
/* update_generation.c - makes the generation that an update appends, and writes it. */
#include "container/update_generation.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/lock.h"

#define SECTION_ALIGNMENT 8u
#define ROOM_SIZE ((size_t)256 << 10)

/* --- what it is made of --- */

/* Step 4: behind a tail, and so far from the committed end that nobody takes the gap for
 * padding. */
static uint64_t place_of(const struct heft_next_plan *plan, const struct heft_page *page)
{
	const uint64_t end = page->dir_off + page->dir_size;
	const uint64_t apart = end + (UINT64_C(1) << page->log2_alignment);

	if (plan->file_size <= end)
		return end;
	return heft_align_up(plan->file_size > apart ? plan->file_size : apart, SECTION_ALIGNMENT);
}

/* Where a section of so many bytes goes. */
static uint64_t lay(uint64_t *end, uint64_t size)
{
	const uint64_t off = heft_align_up(*end, SECTION_ALIGNMENT);

	*end = off + size;
	return off;
}

static bool is_table(uint32_t type)
{
	return (type & HEFT_TYPE_LAYOUT) && (type & HEFT_TYPE_CRITICAL);
}

/* spec R7.3-1 */
static bool is_graph_carried(const struct heft_next *g)
{
	return g->tables.changes->keeps_graph ||
	       (g->tables.n_renamed == 0 && g->tables.n_deleted == 0);
}

/* spec R8.2-3; a layout section that is critical and unknown would have kept the file from
 * opening. */
static bool is_carried(struct heft_next *g, uint32_t type)
{
	if (type == HEFT_SECTION_META)
		return !g->has_new_meta;
	if (type & HEFT_TYPE_LAYOUT)
		return is_table(type) && !g->tables.is_changed;
	if (!(type & HEFT_TYPE_BOUND) || !g->tables.is_changed)
		return true;
	if (type == HEFT_SECTION_GRAPH && is_graph_carried(g))
		return true;
	if (type != HEFT_SECTION_ORIGIN && g->dropped == 0)
		g->dropped = type;
	return false;
}

static enum heft_status pack_meta(struct heft_next *g, const char *text, struct heft_sha256 *h,
                                  struct heft_error *err)
{
	struct heft_coder *coder;
	enum heft_status st;

	g->has_new_meta = true;
	if (!text)
		return HEFT_OK;
	HEFT_TRY(heft_coder_new(&coder, err));
	st = heft_section_pack(HEFT_SECTION_META, (const uint8_t *)text, strlen(text), coder, h,
	                       &g->meta, err);
	heft_coder_free(coder);
	return st;
}

/* --- the directory --- */

static void add_new_meta(struct heft_next *g, uint64_t *end)
{
	if (g->meta.row.size == 0)
		return;
	g->meta.row.off = lay(end, g->meta.row.stored_size);
	heft_directory_add(&g->directory, &g->meta.row);
}

/* Tables have the highest types of all. */
static void add_tables(struct heft_next *g, uint64_t *end)
{
	for (size_t i = 0; g->tables.is_changed && i < HEFT_N_TABLES; i++) {
		struct heft_section *s = &g->tables.sections[i];

		if (g->tables.is_new[i])
			s->off = lay(end, s->stored_size);
		if (s->size > 0)
			heft_directory_add(&g->directory, s);
	}
}

static void add_sections(struct heft_next *g, const struct heft_next_plan *plan, uint64_t *end)
{
	bool has_meta = false;

	for (uint32_t i = 0; i < heft_index_n_sections(plan->ix); i++) {
		struct heft_section s;

		heft_index_section(plan->ix, i, &s);
		if (!has_meta && s.type >= HEFT_SECTION_META) {
			add_new_meta(g, end);
			has_meta = true;
		}
		if (is_carried(g, s.type))
			heft_directory_add(&g->directory, &s);
	}
	if (!has_meta)
		add_new_meta(g, end);
	add_tables(g, end);
}

static enum heft_status make_directory(struct heft_next *g, const struct heft_next_plan *plan,
                                       struct heft_sha256 *h, struct heft_error *err)
{
	const struct heft_page *page = heft_index_page(plan->ix);
	uint64_t end;

	if (page->generation == UINT64_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the file has had all generations that there can be");
	g->at = place_of(plan, page);
	end = g->at;
	add_sections(g, plan, &end);
	HEFT_TRY(heft_directory_end(&g->directory, h, g->page.dir_digest, err));
	g->page.generation = page->generation + 1;
	g->page.log2_alignment = page->log2_alignment;
	g->page.dir_size = g->directory.bytes.size;
	g->page.dir_off = lay(&end, g->page.dir_size);
	heft_page_encode(&g->page, h, g->page_bytes);
	return heft_sha256_check(h, err);
}

static enum heft_status make(struct heft_next *g, const struct heft_next_plan *plan,
                             struct heft_sha256 *h, struct heft_error *err)
{
	if (plan->changes)
		HEFT_TRY(heft_new_tables_init(&g->tables, plan->changes, h, err));
	g->is_changed = plan->sets_metadata || g->tables.is_changed;
	if (!g->is_changed)
		return HEFT_OK;
	if (plan->sets_metadata)
		HEFT_TRY(pack_meta(g, plan->metadata, h, err));
	return make_directory(g, plan, h, err);
}

enum heft_status heft_next_init(struct heft_next *g, const struct heft_next_plan *plan,
                                struct heft_error *err)
{
	struct heft_sha256 *h;
	enum heft_status st;

	*g = (struct heft_next){ .is_changed = false };
	heft_directory_init(&g->directory);
	HEFT_TRY(heft_sha256_new(&h, err));
	st = make(g, plan, h, err);
	heft_sha256_free(h);
	return st;
}

void heft_next_done(struct heft_next *g)
{
	heft_directory_done(&g->directory);
	heft_new_tables_done(&g->tables);
	heft_packed_section_done(&g->meta);
}

uint64_t heft_next_page_off(const struct heft_next *g)
{
	return (g->page.generation - 1) % 2 * HEFT_PAGE_SIZE;
}

/* --- writing --- */

/* Bytes on their way into the file, gathered. */
struct gathering {
	int fd;
	uint64_t off; /* of the first of them */
	uint8_t *room;
	size_t n;
};

static enum heft_status flush(struct gathering *w, struct heft_error *err)
{
	if (w->n > 0)
		HEFT_TRY(heft_fd_pwrite(w->fd, w->off, w->room, w->n, err));
	w->off += w->n;
	w->n = 0;
	return HEFT_OK;
}

static enum heft_status gather(void *ctx, const void *bytes, size_t n, struct heft_error *err)
{
	struct gathering *w = ctx;
	const uint8_t *from = bytes;

	while (n > 0) {
		const size_t k = n < ROOM_SIZE - w->n ? n : ROOM_SIZE - w->n;

		memcpy(w->room + w->n, from, k);
		w->n += k;
		from += k;
		n -= k;
		if (w->n == ROOM_SIZE)
			HEFT_TRY(flush(w, err));
	}
	return HEFT_OK;
}

static enum heft_status pad_to(struct gathering *w, uint64_t off, struct heft_error *err)
{
	static const uint8_t zeros[SECTION_ALIGNMENT];

	return gather(w, zeros, (size_t)(off - w->off - w->n), err);
}

static enum heft_status write_all(struct heft_next *g, struct gathering *w, struct heft_error *err)
{
	if (g->meta.row.size > 0)
		HEFT_TRY(gather(w, g->meta.stored, (size_t)g->meta.row.stored_size, err));
	for (size_t i = 0; i < HEFT_N_TABLES; i++) {
		if (!g->tables.is_new[i])
			continue;
		HEFT_TRY(pad_to(w, g->tables.sections[i].off, err));
		HEFT_TRY(heft_new_tables_tell(&g->tables, i, gather, w, err));
	}
	HEFT_TRY(pad_to(w, g->page.dir_off, err));
	HEFT_TRY(gather(w, g->directory.bytes.bytes, g->directory.bytes.size, err));
	return flush(w, err);
}

enum heft_status heft_next_write(struct heft_next *g, int fd, struct heft_error *err)
{
	struct gathering w = { .fd = fd, .off = g->at, .room = heft_alloc(ROOM_SIZE) };
	enum heft_status st;

	if (!w.room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a generation");
	st = write_all(g, &w, err);
	heft_free(w.room);
	return st;
}
