/* SPDX-License-Identifier: Apache-2.0 */
/* verify_space.c - what the file's bytes are used for: extents that overlap, gaps, dead bytes, and
 * whether it is compact (spec/container.md 5). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/index_parts.h"
#include "container/verify_parts.h"

#define PIECE_SIZE ((size_t)64 << 10)
#define NO_ROW UINT32_MAX

/* Bytes that are live, all of one owner. */
struct span {
	uint64_t off;
	uint64_t end;
	uint32_t row;  /* of TENSORS, or NO_ROW */
	uint32_t type; /* of a section; 0: the directory */
};

struct spans {
	struct span *items;
	size_t n;
	size_t capacity;
};

/* --- the live extents --- */

/* Chunks behind one another become one span: a compact file has one a run. */
static enum heft_status add_span(struct spans *s, const struct span *span, struct heft_error *err)
{
	struct span *last = s->n > 0 ? &s->items[s->n - 1] : NULL;

	if (last && span->row != NO_ROW && last->row == span->row && last->end == span->off) {
		last->end = span->end;
		return HEFT_OK;
	}
	if (s->n == s->capacity) {
		const size_t capacity = s->n > 0 ? 2 * s->n : 64;
		struct span *items = heft_realloc_array(s->items, capacity, sizeof *items);

		if (!items)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for a list of extents");
		s->items = items;
		s->capacity = capacity;
	}
	s->items[s->n++] = *span;
	return HEFT_OK;
}

static enum heft_status add_run(const struct heft_generation *g, uint32_t row_i, struct spans *s,
                                struct heft_error *err)
{
	struct span span = { .row = row_i };
	struct heft_row row;

	HEFT_TRY(heft_index_row(g->ix, row_i, &row, err));
	if (!row.is_coded) {
		span.off = row.place;
		span.end = row.place + row.n_bytes;
		return add_span(s, &span, err);
	}
	for (uint64_t i = 0; i < row.n_chunks; i++) {
		struct heft_extent e;

		HEFT_TRY(heft_index_extent(g->ix, &row, i, &e, err));
		span.off = e.off;
		span.end = e.off + e.stored_size;
		if (e.stored_size > 0)
			HEFT_TRY(add_span(s, &span, err));
	}
	return HEFT_OK;
}

static enum heft_status add_generation(const struct heft_generation *g, struct spans *s,
                                       struct heft_error *err)
{
	const struct heft_page *page = heft_index_page(g->ix);
	struct span span = { .off = page->dir_off,
		             .end = page->dir_off + page->dir_size,
		             .row = NO_ROW };

	HEFT_TRY(add_span(s, &span, err));
	for (uint32_t i = 0; i < heft_index_n_sections(g->ix); i++) {
		struct heft_section section;

		heft_index_section(g->ix, i, &section);
		span.off = section.off;
		span.end = section.off + section.stored_size;
		span.type = section.type;
		HEFT_TRY(add_span(s, &span, err));
	}
	for (uint32_t i = 0; i < g->runs.n; i++)
		HEFT_TRY(add_run(g, g->runs.rows[i], s, err));
	return HEFT_OK;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->type < y->type ? -1 : x->type > y->type;
}

static void sort_spans(struct spans *s)
{
	qsort(s->items, s->n, sizeof *s->items, compare_spans);
}

/* --- R5-1 --- */

static void note_overlap(struct heft_verification *v, const struct span *span)
{
	char section[HEFT_SECTION_NAME_SIZE];
	const char *name = "directory";
	size_t name_size = sizeof "directory" - 1;
	struct heft_error found;
	struct heft_row row;

	if (span->row != NO_ROW && heft_index_row(v->of.ix, span->row, &row, NULL) == HEFT_OK) {
		name = row.name;
		name_size = row.name_size;
	} else if (span->type != 0) {
		name = heft_section_name(span->type, section);
		name_size = strlen(name);
	}
	heft_fail(&found, HEFT_E_CORRUPT, span->off, "the bytes of '%.*s' overlap others",
	          (int)name_size, name);
	heft_faults_add(&v->faults, "overlap", name, name_size, span->off, found.msg);
}

static void check_overlaps(struct heft_verification *v, const struct spans *s)
{
	uint64_t end = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].off < end)
			note_overlap(v, &s->items[i]);
		if (s->items[i].end > end)
			end = s->items[i].end;
	}
}

/* --- R5-2 and R5-3 --- */

/* Where the first byte that is not 0 stands in the gap; gap_end when all are. */
static enum heft_status find_nonzero(struct heft_source *src, uint64_t gap_off, uint64_t gap_end,
                                     uint8_t *piece, uint64_t *at, struct heft_error *err)
{
	while (gap_off < gap_end) {
		const uint64_t left = gap_end - gap_off;
		const size_t n = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
		size_t i = 0;

		HEFT_TRY(heft_source_read(src, gap_off, piece, n, err));
		while (i < n && piece[i] == 0)
			i++;
		gap_off += i;
		if (i < n)
			break;
	}
	*at = gap_off;
	return HEFT_OK;
}

static enum heft_status check_gap(struct heft_verification *v, uint64_t gap_off, uint64_t gap_end,
                                  uint8_t *piece, struct heft_error *err)
{
	struct heft_error found;
	uint64_t at = gap_end;
	const enum heft_status st = find_nonzero(heft_index_source(v->of.ix), gap_off, gap_end,
	                                         piece, &at, &found);

	if (st == HEFT_OK && at < gap_end)
		heft_faults_add(&v->faults, "gap", NULL, 0, at,
		                "a byte that belongs to nothing is not 0");
	return heft_faults_note(&v->faults, "gap", NULL, 0, st, &found, err);
}

/* The bytes of [from, to) that belong to no span. One gap that begins at `from` and has as many
 * bytes as the alignment is an abandoned tail. */
static enum heft_status check_gaps(struct heft_verification *v, const struct spans *s,
                                   uint64_t from, uint64_t to, uint8_t *piece,
                                   struct heft_error *err)
{
	const uint64_t alignment = UINT64_C(1) << heft_index_page(v->of.ix)->log2_alignment;
	uint64_t at = from;

	for (size_t i = 0; i <= s->n && at < to; i++) {
		const uint64_t gap_end = i < s->n && s->items[i].off < to ? s->items[i].off : to;

		if (gap_end > at && !(at == from && gap_end - at >= alignment))
			HEFT_TRY(check_gap(v, at, gap_end, piece, err));
		if (i < s->n && s->items[i].end > at)
			at = s->items[i].end;
	}
	return HEFT_OK;
}

/* What is known of the bytes before: nothing when the other page is bad, which is a fault itself,
 * or when the generation before is what is verified. */
static enum heft_status check_all_gaps(struct heft_verification *v, struct spans *s, uint8_t *piece,
                                       struct heft_error *err)
{
	const struct heft_pages *pages = heft_index_pages(v->of.ix);
	const struct heft_page *page = heft_index_page(v->of.ix);
	const struct heft_page *other = &pages->page[1 - pages->current];
	uint64_t end_before = HEFT_DATA_START;

	if (page->generation > 1) {
		if (page != &pages->page[pages->current] || other->kind != HEFT_PAGE_VALID)
			return HEFT_OK;
		end_before = other->dir_off + other->dir_size;
	}
	HEFT_TRY(check_gaps(v, s, end_before, page->dir_off, piece, err));
	if (page->generation != 2 || !v->before.ix)
		return HEFT_OK;
	HEFT_TRY(add_generation(&v->before, s, err));
	sort_spans(s);
	return check_gaps(v, s, HEFT_DATA_START, end_before, piece, err);
}

/* --- R5-5 --- */

static enum heft_status check_layout(struct heft_verification *v, bool strict,
                                     uint64_t *n_dead_bytes, struct heft_error *err)
{
	struct heft_compact_layout layout;
	struct heft_error found;

	HEFT_TRY(heft_compact_lay_out(v->of.ix, &v->of.runs, &layout, err));
	*n_dead_bytes = heft_compact_dead_bytes(v->of.ix, &layout);
	if (!strict ||
	    (layout.first_wrong == HEFT_NO_OFFSET && heft_index_page(v->of.ix)->generation == 1))
		return HEFT_OK;
	heft_fail(&found, HEFT_E_CORRUPT, layout.first_wrong,
	          "the file is not compact: generation %llu, %llu dead bytes",
	          (unsigned long long)heft_index_page(v->of.ix)->generation,
	          (unsigned long long)*n_dead_bytes);
	heft_faults_add(&v->faults, "layout", NULL, 0, layout.first_wrong, found.msg);
	return HEFT_OK;
}

static enum heft_status check_space(struct heft_verification *v, bool strict, struct spans *s,
                                    uint8_t *piece, uint64_t *n_dead_bytes, struct heft_error *err)
{
	HEFT_TRY(add_generation(&v->of, s, err));
	sort_spans(s);
	check_overlaps(v, s);
	HEFT_TRY(check_layout(v, strict, n_dead_bytes, err));
	return check_all_gaps(v, s, piece, err);
}

/* An extent that cannot be told is a fault of its chunk, found with the data: then nothing is said
 * of the space. */
enum heft_status heft_verify_space(struct heft_verification *v, bool strict, uint64_t *n_dead_bytes,
                                   struct heft_error *err)
{
	struct heft_error found = { .code = HEFT_OK };
	struct spans s = { .items = NULL };
	uint8_t *piece = heft_alloc(PIECE_SIZE);
	enum heft_status st;

	if (!piece)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read gaps");
	st = check_space(v, strict, &s, piece, n_dead_bytes, &found);
	heft_free(s.items);
	heft_free(piece);
	if (st == HEFT_OK || st == HEFT_E_CORRUPT)
		return HEFT_OK;
	if (err)
		*err = found;
	return st;
}
