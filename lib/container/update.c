/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - changes a heft file in place: appends one generation and names it in the other slot
 * page (spec/container.md 8.2). */
#include "container/update.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/meter.h"
#include "base/sink.h"
#include "container/index_parts.h"
#include "container/locked.h"
#include "container/meta.h"
#include "container/update_generation.h"

#define COPY_SIZE ((size_t)1 << 20)

struct heft_update {
	char *path;
	struct heft_edit_options options;
	struct heft_source *src; /* its descriptor holds the lock */
	struct heft_index *ix;
	uint64_t size;                 /* of the file, found in step 3 */
	bool has_text;                 /* META was read */
	char *old_text;                /* of META; NULL: there is none */
	char *text;                    /* the same, changed; NULL: none */
	struct heft_row_changes *rows; /* NULL: none yet */
};

/* --- open --- */

static enum heft_status open_update(struct heft_update *u, struct heft_error *err)
{
	HEFT_TRY(heft_locked_open(u->path, &u->options, true, &u->src, err));
	u->size = heft_source_size(u->src);
	return heft_locked_index(u->src, false, &u->ix, err);
}

enum heft_status heft_update_open(const char *path, const struct heft_edit_options *options,
                                  struct heft_update **out, struct heft_error *err)
{
	struct heft_update *u = heft_zalloc(sizeof *u);
	enum heft_status st;

	if (u)
		u->path = heft_strdup(path);
	if (!u || !u->path) {
		heft_update_discard(u);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an edit");
	}
	u->options = heft_edit_options_fill(options);
	st = open_update(u, err);
	if (st != HEFT_OK) {
		heft_update_discard(u);
		return st;
	}
	*out = u;
	return HEFT_OK;
}

void heft_update_discard(struct heft_update *u)
{
	if (!u)
		return;
	heft_row_changes_free(u->rows);
	heft_free(u->text);
	heft_free(u->old_text);
	heft_index_close(u->ix);
	heft_locked_close(u->src);
	heft_free(u->path);
	heft_free(u);
}

struct heft_index *heft_update_index(struct heft_update *u)
{
	return u->ix;
}

enum heft_status heft_update_rows(struct heft_update *u, struct heft_row_changes **rows,
                                  struct heft_error *err)
{
	if (!u->rows)
		HEFT_TRY(heft_row_changes_new(u->ix, &u->rows, err));
	*rows = u->rows;
	return HEFT_OK;
}

/* --- metadata --- */

static enum heft_status read_text(struct heft_update *u, const struct heft_section *s,
                                  struct heft_error *err)
{
	uint8_t *bytes;
	enum heft_status st;

	HEFT_TRY(heft_index_read_section(u->ix, s, HEFT_META_MAX, &bytes, err));
	st = heft_meta_check((const char *)bytes, (size_t)s->size, HEFT_E_CORRUPT, s->off, err);
	if (st == HEFT_OK) {
		u->text = heft_strdup((const char *)bytes);
		if (!u->text)
			st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			               "no memory for the metadata");
	}
	if (st != HEFT_OK) {
		heft_free(bytes);
		return st;
	}
	u->old_text = (char *)bytes;
	return HEFT_OK;
}

/* META is read when it is first changed. */
static enum heft_status need_text(struct heft_update *u, struct heft_error *err)
{
	struct heft_section s;

	if (u->has_text)
		return HEFT_OK;
	if (heft_index_find_section(u->ix, HEFT_SECTION_META, &s))
		HEFT_TRY(read_text(u, &s, err));
	u->has_text = true;
	return HEFT_OK;
}

static void take_text(struct heft_update *u, char *text)
{
	heft_free(u->text);
	u->text = text;
}

enum heft_status heft_update_set_metadata(struct heft_update *u, const char *key,
                                          const char *json_value, struct heft_error *err)
{
	char *text;

	HEFT_TRY(need_text(u, err));
	HEFT_TRY(heft_meta_set(u->text, key, json_value, &text, err));
	take_text(u, text);
	return HEFT_OK;
}

enum heft_status heft_update_unset_metadata(struct heft_update *u, const char *key,
                                            struct heft_error *err)
{
	char *text;

	HEFT_TRY(need_text(u, err));
	HEFT_TRY(heft_meta_unset(u->text, key, &text, err));
	take_text(u, text);
	return HEFT_OK;
}

static bool is_text_changed(const struct heft_update *u)
{
	if (!u->text || !u->old_text)
		return !heft_meta_is_empty(u->text);
	return strcmp(u->text, u->old_text) != 0;
}

/* --- steps 5 to 8 --- */

/* Steps 5 and 6. Whatever fails, the sync included, is final (spec R8.2-1). */
static enum heft_status append(struct heft_update *u, struct heft_next *g, struct heft_error *err)
{
	const int fd = heft_source_fd(u->src);
	enum heft_status st = heft_next_write(g, fd, err);

	if (st == HEFT_OK && !u->options.no_sync)
		st = heft_fd_sync(fd, err);
	if (st != HEFT_OK)
		heft_fd_truncate(fd, u->size, NULL); /* else a tail stays, and harms nobody */
	return st;
}

/* From here on the page may have reached the disk or not: says so, and what the file shows now. */
static enum heft_status doubt(struct heft_update *u, struct heft_next *g, enum heft_status st,
                              const struct heft_error *why, struct heft_error *err)
{
	uint8_t bytes[HEFT_PAGE_SIZE];
	size_t n = 0;
	bool is_new;

	if (heft_fd_pread(heft_source_fd(u->src), heft_next_page_off(g), bytes, sizeof bytes, &n,
	                  NULL) != HEFT_OK)
		n = 0;
	is_new = n == sizeof bytes && memcmp(bytes, g->page_bytes, sizeof bytes) == 0;
	return heft_fail(err, st, why->offset,
	                 "the last step failed (%.120s): it is unknown whether the change is on "
	                 "disk; the file now reads as the %s one",
	                 why->msg, is_new ? "new" : "old");
}

/* Steps 7 and 8. */
static enum heft_status publish(struct heft_update *u, struct heft_next *g, struct heft_error *err)
{
	const int fd = heft_source_fd(u->src);
	struct heft_error why;
	enum heft_status st = heft_fd_pwrite(fd, heft_next_page_off(g), g->page_bytes,
	                                     sizeof g->page_bytes, &why);

	if (st == HEFT_OK && !u->options.no_sync)
		st = heft_fd_sync(fd, &why);
	return st == HEFT_OK ? HEFT_OK : doubt(u, g, st, &why, err);
}

static enum heft_status commit_in_place(struct heft_update *u, struct heft_next *g,
                                        struct heft_error *err)
{
	HEFT_TRY(append(u, g, err));
	return publish(u, g, err);
}

static enum heft_status copy_bytes(struct heft_update *u, struct heft_sink *sink,
                                   struct heft_meter *meter, uint8_t *room, struct heft_error *err)
{
	for (uint64_t off = 0; off < u->size; off += COPY_SIZE) {
		const size_t n = u->size - off < COPY_SIZE ? (size_t)(u->size - off) : COPY_SIZE;

		HEFT_TRY(heft_source_read(u->src, off, room, n, err));
		HEFT_TRY(heft_sink_pwrite(sink, off, room, n, err));
		HEFT_TRY(heft_meter_add(meter, n, err));
	}
	return HEFT_OK;
}

static enum heft_status copy_file(struct heft_update *u, struct heft_sink *sink,
                                  struct heft_error *err)
{
	uint8_t *room = heft_alloc(COPY_SIZE);
	struct heft_meter meter;
	enum heft_status st;

	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to copy the file");
	heft_meter_init(&meter, &u->options.run, u->size);
	st = copy_bytes(u, sink, &meter, room, err);
	heft_meter_done(&meter);
	heft_free(room);
	return st;
}

/* A file with several names (spec R8.2-4): the others keep what they show. */
static enum heft_status commit_copy(struct heft_update *u, struct heft_next *g,
                                    struct heft_error *err)
{
	const struct heft_sink_options options = { .overwrite = true,
		                                   .no_sync = u->options.no_sync };
	struct heft_sink *sink;
	enum heft_status st;

	HEFT_TRY(heft_sink_open(u->path, &options, &sink, err));
	st = copy_file(u, sink, err);
	if (st == HEFT_OK)
		st = heft_next_write(g, heft_sink_fd(sink), err);
	if (st == HEFT_OK)
		st = heft_sink_pwrite(sink, heft_next_page_off(g), g->page_bytes,
		                      sizeof g->page_bytes, err);
	if (st != HEFT_OK) {
		heft_sink_discard(sink);
		return st;
	}
	return heft_sink_commit(sink, err);
}

static struct heft_next_plan plan_of(const struct heft_update *u)
{
	const bool is_empty = heft_meta_is_empty(u->text);

	return (struct heft_next_plan){
		.ix = u->ix,
		.file_size = u->size,
		.sets_metadata = is_text_changed(u),
		.metadata = is_empty ? NULL : u->text, /* an empty object is no section */
		.changes = u->rows,
	};
}

enum heft_status heft_update_check(struct heft_update *u, struct heft_edit_report *report,
                                   struct heft_error *err)
{
	const struct heft_next_plan plan = plan_of(u);
	struct heft_next g;
	enum heft_status st = heft_next_init(&g, &plan, err);
	char name[HEFT_SECTION_NAME_SIZE];

	if (st == HEFT_OK) {
		report->is_changed = g.is_changed;
		report->changes_metadata = plan.sets_metadata;
		report->n_renamed = g.tables.n_renamed;
		report->n_deleted = g.tables.n_deleted;
		if (g.dropped == HEFT_SECTION_GRAPH)
			snprintf(report->note, sizeof report->note,
			         "the graph is dropped: it names tensors that are renamed or "
			         "deleted");
		else if (g.dropped != 0)
			snprintf(report->note, sizeof report->note,
			         "section %s spoke of the old tensors and is dropped",
			         heft_section_name(g.dropped, name));
	}
	heft_next_done(&g);
	return st;
}

enum heft_status heft_update_commit(struct heft_update *u, struct heft_error *err)
{
	const struct heft_next_plan plan = plan_of(u);
	struct heft_next g;
	enum heft_status st = heft_next_init(&g, &plan, err);

	if (st != HEFT_OK || !g.is_changed)
		; /* nothing to write */
	else if (heft_fd_n_links(heft_source_fd(u->src)) > 1 && !u->options.keep_links)
		st = commit_copy(u, &g, err);
	else
		st = commit_in_place(u, &g, err);
	heft_next_done(&g);
	return st;
}
