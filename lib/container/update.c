/* SPDX-License-Identifier: Apache-2.0 */
/* update.c - changes a heft file in place: appends one generation and names it in the other slot
 * page (spec/container.md 8.2). */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/meter.h"
#include "base/sink.h"
#include "container/generation.h"
#include "container/locked.h"
#include "container/meta.h"

#define COPY_SIZE ((size_t)1 << 20)

struct heft_edit {
	char *path;
	struct heft_edit_options options;
	struct heft_source *src; /* its descriptor holds the lock */
	struct heft_index *ix;
	uint64_t size;  /* of the file, found in step 3 */
	bool has_text;  /* META was read */
	char *old_text; /* of META; NULL: there is none */
	char *text;     /* the same, changed; NULL: none */
};

/* --- open --- */

static enum heft_status open_edit(struct heft_edit *e, struct heft_error *err)
{
	HEFT_TRY(heft_locked_open(e->path, &e->options, true, &e->src, err));
	e->size = heft_source_size(e->src);
	return heft_locked_index(e->src, false, &e->ix, err);
}

enum heft_status heft_edit_open(const char *path, const struct heft_edit_options *options,
                                struct heft_edit **edit, struct heft_error *err)
{
	struct heft_edit *e = heft_zalloc(sizeof *e);
	enum heft_status st;

	if (e)
		e->path = heft_strdup(path);
	if (!e || !e->path) {
		heft_edit_discard(e);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an edit");
	}
	e->options = heft_edit_options_fill(options);
	st = open_edit(e, err);
	if (st != HEFT_OK) {
		heft_edit_discard(e);
		return st;
	}
	*edit = e;
	return HEFT_OK;
}

void heft_edit_discard(struct heft_edit *edit)
{
	if (!edit)
		return;
	heft_free(edit->text);
	heft_free(edit->old_text);
	heft_index_close(edit->ix);
	heft_locked_close(edit->src);
	heft_free(edit->path);
	heft_free(edit);
}

/* --- metadata --- */

static enum heft_status read_text(struct heft_edit *e, const struct heft_section *s,
                                  struct heft_error *err)
{
	uint8_t *bytes;
	enum heft_status st;

	HEFT_TRY(heft_index_read_section(e->ix, s, HEFT_META_MAX, &bytes, err));
	st = heft_meta_check((const char *)bytes, (size_t)s->size, HEFT_E_CORRUPT, s->off, err);
	if (st == HEFT_OK) {
		e->text = heft_strdup((const char *)bytes);
		if (!e->text)
			st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			               "no memory for the metadata");
	}
	if (st != HEFT_OK) {
		heft_free(bytes);
		return st;
	}
	e->old_text = (char *)bytes;
	return HEFT_OK;
}

/* META is read when it is first changed. */
static enum heft_status need_text(struct heft_edit *e, struct heft_error *err)
{
	struct heft_section s;

	if (e->has_text)
		return HEFT_OK;
	if (heft_index_find_section(e->ix, HEFT_SECTION_META, &s))
		HEFT_TRY(read_text(e, &s, err));
	e->has_text = true;
	return HEFT_OK;
}

static void take_text(struct heft_edit *e, char *text)
{
	heft_free(e->text);
	e->text = text;
}

enum heft_status heft_edit_set_metadata(struct heft_edit *edit, const char *key,
                                        const char *json_value, struct heft_error *err)
{
	char *text;

	HEFT_TRY(need_text(edit, err));
	HEFT_TRY(heft_meta_set(edit->text, key, json_value, &text, err));
	take_text(edit, text);
	return HEFT_OK;
}

enum heft_status heft_edit_unset_metadata(struct heft_edit *edit, const char *key,
                                          struct heft_error *err)
{
	char *text;

	HEFT_TRY(need_text(edit, err));
	HEFT_TRY(heft_meta_unset(edit->text, key, &text, err));
	take_text(edit, text);
	return HEFT_OK;
}

static bool is_json_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Whether an object has no member. */
static bool is_empty_object(const char *text)
{
	while (*text != '\0' && *text != '{')
		text++;
	if (*text == '{')
		text++;
	while (is_json_space(*text))
		text++;
	return *text == '}';
}

static bool is_changed(const struct heft_edit *e)
{
	if (!e->text || !e->old_text)
		return e->text && !is_empty_object(e->text);
	return strcmp(e->text, e->old_text) != 0;
}

/* --- the new generation, in memory --- */

struct generation {
	uint64_t at;              /* where the bytes go */
	struct heft_buffer bytes; /* sections that changed, and the directory */
	struct heft_directory directory;
	struct heft_page page;
	uint8_t page_bytes[HEFT_PAGE_SIZE];
};

/* Step 4: behind a tail, and so far from the committed end that nobody takes the gap for
 * padding. */
static uint64_t place_of(const struct heft_edit *e, const struct heft_page *page)
{
	const uint64_t end = page->dir_off + page->dir_size;
	const uint64_t apart = end + (UINT64_C(1) << page->log2_alignment);

	if (e->size <= end)
		return end;
	return heft_align_up(e->size > apart ? e->size : apart, 8);
}

/* spec R8.2-3; a layout section that is critical and unknown would have kept the file from
 * opening. */
static bool is_carried(uint32_t type)
{
	return type != HEFT_SECTION_META &&
	       (!(type & HEFT_TYPE_LAYOUT) || (type & HEFT_TYPE_CRITICAL));
}

static enum heft_status add_meta(struct heft_edit *e, struct generation *g, struct heft_sha256 *h,
                                 struct heft_coder *coder, struct heft_error *err)
{
	struct heft_packed_section s;

	if (!e->text || is_empty_object(e->text))
		return HEFT_OK;
	HEFT_TRY(heft_section_pack(HEFT_SECTION_META, (const uint8_t *)e->text, strlen(e->text),
	                           coder, h, &s, err));
	s.row.off = g->at;
	heft_buffer_add(&g->bytes, s.stored, (size_t)s.row.stored_size);
	heft_buffer_add_zeros(&g->bytes, (size_t)heft_align_up(g->bytes.size, 8) - g->bytes.size);
	heft_directory_add(&g->directory, &s.row);
	heft_packed_section_done(&s);
	return HEFT_OK;
}

static enum heft_status add_sections(struct heft_edit *e, struct generation *g,
                                     struct heft_sha256 *h, struct heft_coder *coder,
                                     struct heft_error *err)
{
	const uint32_t n = heft_index_n_sections(e->ix);
	bool has_meta = false;

	for (uint32_t i = 0; i < n; i++) {
		struct heft_section s;

		heft_index_section(e->ix, i, &s);
		if (!has_meta && s.type >= HEFT_SECTION_META) {
			HEFT_TRY(add_meta(e, g, h, coder, err));
			has_meta = true;
		}
		if (is_carried(s.type))
			heft_directory_add(&g->directory, &s);
	}
	return has_meta ? HEFT_OK : add_meta(e, g, h, coder, err);
}

static enum heft_status encode_generation(struct heft_edit *e, struct generation *g,
                                          struct heft_sha256 *h, struct heft_coder *coder,
                                          struct heft_error *err)
{
	const struct heft_page *page = heft_index_page(e->ix);

	if (page->generation == UINT64_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the file has had all generations that there can be");
	g->at = place_of(e, page);
	HEFT_TRY(add_sections(e, g, h, coder, err));
	HEFT_TRY(heft_directory_end(&g->directory, h, g->page.dir_digest, err));
	g->page.generation = page->generation + 1;
	g->page.log2_alignment = page->log2_alignment;
	g->page.dir_off = g->at + g->bytes.size;
	g->page.dir_size = g->directory.bytes.size;
	heft_buffer_add(&g->bytes, g->directory.bytes.bytes, g->directory.bytes.size);
	heft_page_encode(&g->page, h, g->page_bytes);
	if (!g->bytes.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a generation");
	return heft_sha256_check(h, err);
}

static enum heft_status make_generation(struct heft_edit *e, struct generation *g,
                                        struct heft_error *err)
{
	struct heft_sha256 *h = NULL;
	struct heft_coder *coder = NULL;
	enum heft_status st = heft_sha256_new(&h, err);

	if (st == HEFT_OK)
		st = heft_coder_new(&coder, err);
	if (st == HEFT_OK)
		st = encode_generation(e, g, h, coder, err);
	heft_coder_free(coder);
	heft_sha256_free(h);
	return st;
}

static uint64_t page_off(const struct generation *g)
{
	return (g->page.generation - 1) % 2 * HEFT_PAGE_SIZE;
}

/* --- steps 5 to 8 --- */

/* Steps 5 and 6. Whatever fails, the sync included, is final (spec R8.2-1). */
static enum heft_status append(struct heft_edit *e, const struct generation *g,
                               struct heft_error *err)
{
	const int fd = heft_source_fd(e->src);
	enum heft_status st = heft_fd_pwrite(fd, g->at, g->bytes.bytes, g->bytes.size, err);

	if (st == HEFT_OK && !e->options.no_sync)
		st = heft_fd_sync(fd, err);
	if (st != HEFT_OK)
		heft_fd_truncate(fd, e->size, NULL); /* else a tail stays, and harms nobody */
	return st;
}

/* From here on the page may have reached the disk or not: says so, and what the file shows now. */
static enum heft_status doubt(struct heft_edit *e, const struct generation *g, enum heft_status st,
                              const struct heft_error *why, struct heft_error *err)
{
	uint8_t bytes[HEFT_PAGE_SIZE];
	size_t n = 0;
	bool is_new;

	if (heft_fd_pread(heft_source_fd(e->src), page_off(g), bytes, sizeof bytes, &n, NULL) !=
	    HEFT_OK)
		n = 0;
	is_new = n == sizeof bytes && memcmp(bytes, g->page_bytes, sizeof bytes) == 0;
	return heft_fail(err, st, why->offset,
	                 "the last step failed (%.120s): it is unknown whether the change is on "
	                 "disk; the file now reads as the %s one",
	                 why->msg, is_new ? "new" : "old");
}

/* Steps 7 and 8. */
static enum heft_status publish(struct heft_edit *e, const struct generation *g,
                                struct heft_error *err)
{
	const int fd = heft_source_fd(e->src);
	struct heft_error why;
	enum heft_status st = heft_fd_pwrite(fd, page_off(g), g->page_bytes, sizeof g->page_bytes,
	                                     &why);

	if (st == HEFT_OK && !e->options.no_sync)
		st = heft_fd_sync(fd, &why);
	return st == HEFT_OK ? HEFT_OK : doubt(e, g, st, &why, err);
}

static enum heft_status commit_in_place(struct heft_edit *e, const struct generation *g,
                                        struct heft_error *err)
{
	HEFT_TRY(append(e, g, err));
	return publish(e, g, err);
}

static enum heft_status copy_bytes(struct heft_edit *e, struct heft_sink *sink,
                                   struct heft_meter *meter, uint8_t *room, struct heft_error *err)
{
	for (uint64_t off = 0; off < e->size; off += COPY_SIZE) {
		const size_t n = e->size - off < COPY_SIZE ? (size_t)(e->size - off) : COPY_SIZE;

		HEFT_TRY(heft_source_read(e->src, off, room, n, err));
		HEFT_TRY(heft_sink_pwrite(sink, off, room, n, err));
		HEFT_TRY(heft_meter_add(meter, n, err));
	}
	return HEFT_OK;
}

static enum heft_status copy_file(struct heft_edit *e, struct heft_sink *sink,
                                  struct heft_error *err)
{
	uint8_t *room = heft_alloc(COPY_SIZE);
	struct heft_meter meter;
	enum heft_status st;

	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to copy the file");
	heft_meter_init(&meter, &e->options.run, e->size);
	st = copy_bytes(e, sink, &meter, room, err);
	heft_meter_done(&meter);
	heft_free(room);
	return st;
}

/* A file with several names (spec R8.2-4): the others keep what they show. */
static enum heft_status commit_copy(struct heft_edit *e, const struct generation *g,
                                    struct heft_error *err)
{
	const struct heft_sink_options options = { .overwrite = true,
		                                   .no_sync = e->options.no_sync };
	struct heft_sink *sink;
	enum heft_status st;

	HEFT_TRY(heft_sink_open(e->path, &options, &sink, err));
	st = copy_file(e, sink, err);
	if (st == HEFT_OK)
		st = heft_sink_pwrite(sink, g->at, g->bytes.bytes, g->bytes.size, err);
	if (st == HEFT_OK)
		st = heft_sink_pwrite(sink, page_off(g), g->page_bytes, sizeof g->page_bytes, err);
	if (st != HEFT_OK) {
		heft_sink_discard(sink);
		return st;
	}
	return heft_sink_commit(sink, err);
}

static enum heft_status commit(struct heft_edit *e, struct heft_error *err)
{
	struct generation g = { .at = 0 };
	enum heft_status st;

	heft_buffer_init(&g.bytes);
	heft_directory_init(&g.directory);
	st = make_generation(e, &g, err);
	if (st == HEFT_OK && heft_fd_n_links(heft_source_fd(e->src)) > 1 && !e->options.keep_links)
		st = commit_copy(e, &g, err);
	else if (st == HEFT_OK)
		st = commit_in_place(e, &g, err);
	heft_directory_done(&g.directory);
	heft_buffer_done(&g.bytes);
	return st;
}

enum heft_status heft_edit_commit(struct heft_edit *edit, struct heft_error *err)
{
	const enum heft_status st = is_changed(edit) ? commit(edit, err) : HEFT_OK;

	heft_edit_discard(edit);
	return st;
}
