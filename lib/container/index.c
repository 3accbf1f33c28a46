/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - opens a generation of a heft file: pages, directory, and the tables brought into
 * memory, hashed or trusted. */
#include "container/index_parts.h"
#include "container/load_tables.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/dtype.h"

/* What a limit of 0 stands for. */
static const struct heft_limits default_limits = {
	.max_tensors = INT32_MAX,
	.max_name_size = HEFT_MAX_NAME,
	.max_metadata_size = HEFT_META_MAX,
	.max_logical_bytes = INT64_MAX,
};

/* The tables that are read as a file is opened. */
enum {
	TENSORS,
	DIMS,
	STRINGS,
	ORDER,
	N_LOADED
};
static const uint32_t loaded_types[N_LOADED] = {
	HEFT_SECTION_TENSORS,
	HEFT_SECTION_DIMS,
	HEFT_SECTION_STRINGS,
	HEFT_SECTION_ORDER,
};

struct tables {
	struct heft_section loaded[N_LOADED]; /* size 0: absent */
	struct heft_section leaves;
	struct heft_section extents;
};

static uint64_t or_default(uint64_t limit, uint64_t by_default)
{
	return limit != 0 && limit < by_default ? limit : by_default;
}

static void set_limits(struct heft_index *ix, const struct heft_limits *given)
{
	const struct heft_limits *d = &default_limits;

	ix->limits.max_tensors = or_default(given->max_tensors, d->max_tensors);
	ix->limits.max_name_size = or_default(given->max_name_size, d->max_name_size);
	ix->limits.max_metadata_size = or_default(given->max_metadata_size, d->max_metadata_size);
	ix->limits.max_logical_bytes = or_default(given->max_logical_bytes, d->max_logical_bytes);
}

static void find_table(const struct heft_index *ix, uint32_t type, struct heft_section *s)
{
	*s = (struct heft_section){ .type = type };
	heft_index_find_section(ix, type, s);
}

static void find_tables(const struct heft_index *ix, struct tables *t)
{
	for (int i = 0; i < N_LOADED; i++)
		find_table(ix, loaded_types[i], &t->loaded[i]);
	find_table(ix, HEFT_SECTION_LEAVES, &t->leaves);
	find_table(ix, HEFT_SECTION_EXTENTS, &t->extents);
}

/* --- R4-1, R4-2 and the limits, from the directory alone, before memory is taken --- */

static enum heft_status refuse_table(const struct heft_section *s, const char *why,
                                     struct heft_error *err)
{
	char name[HEFT_SECTION_NAME_SIZE];

	return heft_fail(err, HEFT_E_CORRUPT, s->off, "%s %s", heft_section_name(s->type, name),
	                 why);
}

static enum heft_status check_row_size(const struct heft_section *s, uint64_t row_size,
                                       struct heft_error *err)
{
	if (s->size % row_size != 0)
		return refuse_table(s, "does not consist of whole rows", err);
	return HEFT_OK;
}

/* Without TENSORS no other table is there. */
static enum heft_status check_none(const struct tables *t, struct heft_error *err)
{
	for (int i = 0; i < N_LOADED; i++) {
		if (t->loaded[i].size > 0)
			return refuse_table(&t->loaded[i], "is there without TENSORS", err);
	}
	if (t->leaves.size > 0)
		return refuse_table(&t->leaves, "is there without TENSORS", err);
	if (t->extents.size > 0)
		return refuse_table(&t->extents, "is there without TENSORS", err);
	return HEFT_OK;
}

/* Names and dimensions tile their tables, so these can hold no more than all rows together. */
static enum heft_status check_arenas(const struct tables *t, uint64_t n, struct heft_error *err)
{
	const struct heft_section *strings = &t->loaded[STRINGS];
	const struct heft_section *dims = &t->loaded[DIMS];

	if (strings->size > UINT32_MAX || strings->size / HEFT_MAX_NAME > n)
		return refuse_table(strings, "is larger than the names of all rows can be", err);
	if (dims->size / 8 > UINT32_MAX || dims->size / 8 / HEFT_MAX_RANK > n)
		return refuse_table(dims, "is larger than the dimensions of all rows can be", err);
	return HEFT_OK;
}

static enum heft_status check_tables(const struct heft_index *ix, const struct tables *t,
                                     struct heft_error *err)
{
	const struct heft_section *tensors = &t->loaded[TENSORS];
	const uint64_t n = tensors->size / HEFT_ROW_SIZE;

	if (tensors->size == 0)
		return check_none(t, err);
	HEFT_TRY(check_row_size(tensors, HEFT_ROW_SIZE, err));
	HEFT_TRY(check_row_size(&t->loaded[DIMS], 8, err));
	HEFT_TRY(check_row_size(&t->leaves, HEFT_LEAF_SIZE, err));
	HEFT_TRY(check_row_size(&t->extents, HEFT_EXTENT_SIZE, err));
	if (n > INT32_MAX)
		return refuse_table(tensors, "has 2^31 rows or more", err);
	if (t->loaded[ORDER].size == 0)
		return refuse_table(tensors, "is there without ORDER", err);
	if (t->loaded[ORDER].size != 4 * n)
		return refuse_table(&t->loaded[ORDER], "has not one entry a tensor", err);
	HEFT_TRY(check_arenas(t, n, err));
	if (n > ix->limits.max_tensors)
		return heft_fail(err, HEFT_E_LIMIT, tensors->off,
		                 "the file has %llu tensors, more than the limit allows",
		                 (unsigned long long)n);
	return HEFT_OK;
}

/* --- bringing them into memory --- */

static void set_tables(struct heft_index *ix, const struct tables *t, const uint8_t *const *bytes)
{
	const struct heft_section *s = t->loaded;

	ix->tensors = (struct heft_table){ bytes[TENSORS], s[TENSORS].size / HEFT_ROW_SIZE,
		                           HEFT_ROW_SIZE };
	ix->dims = (struct heft_table){ bytes[DIMS], s[DIMS].size / 8, 8 };
	ix->order = (struct heft_table){ bytes[ORDER], s[ORDER].size / 4, 4 };
	ix->strings = bytes[STRINGS];
	ix->strings_size = s[STRINGS].size;
	ix->tensors_off = s[TENSORS].off;
	ix->strings_off = s[STRINGS].off;
	ix->order_off = s[ORDER].off;
}

static enum heft_status read_unchecked(struct heft_index *ix, const struct heft_table_load *loads,
                                       struct heft_error *err)
{
	for (int i = 0; i < N_LOADED; i++) {
		const struct heft_section *s = loads[i].section;

		HEFT_TRY(heft_source_read(ix->src, s->off, loads[i].dst, (size_t)s->size, err));
	}
	return HEFT_OK;
}

/* All four in one allocation. The file is at least as large as the sum, unless they overlap. */
static enum heft_status read_tables(struct heft_index *ix, const struct tables *t,
                                    struct heft_error *err)
{
	struct heft_table_load loads[N_LOADED];
	const uint8_t *bytes[N_LOADED];
	size_t at[N_LOADED];
	size_t total = 0;

	for (int i = 0; i < N_LOADED; i++) {
		size_t size;

		at[i] = total;
		if (!heft_to_size(t->loaded[i].size, &size) || !heft_add_size(total, size, &total))
			return heft_fail(err, HEFT_E_LIMIT, t->loaded[i].off,
			                 "the tables do not fit the memory of this machine");
	}
	ix->memory = heft_alloc_filled(total);
	if (!ix->memory)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the tables");
	for (int i = 0; i < N_LOADED; i++) {
		loads[i] = (struct heft_table_load){ &t->loaded[i], ix->memory + at[i] };
		bytes[i] = loads[i].dst;
	}
	set_tables(ix, t, bytes);
	return ix->is_trusted ? read_unchecked(ix, loads, err)
	                      : heft_tables_load(ix, loads, N_LOADED, err);
}

/* A trusted index uses the tables where they lie in the map, so that the time it takes does not
 * depend on their size. Where the file is not to be mapped they are read. */
static enum heft_status map_tables(struct heft_index *ix, const struct tables *t,
                                   struct heft_error *err)
{
	const uint8_t *bytes[N_LOADED];
	const uint8_t *map;

	if (heft_source_map(ix->src, &map, NULL) != HEFT_OK)
		return read_tables(ix, t, err);
	for (int i = 0; i < N_LOADED; i++)
		bytes[i] = map + t->loaded[i].off;
	set_tables(ix, t, bytes);
	return HEFT_OK;
}

static enum heft_status open_tables(struct heft_index *ix, struct heft_error *err)
{
	struct tables t;

	find_tables(ix, &t);
	HEFT_TRY(check_tables(ix, &t, err));
	HEFT_TRY(heft_pager_init(&ix->leaves, ix->src, t.leaves.off, t.leaves.size / HEFT_LEAF_SIZE,
	                         HEFT_LEAF_SIZE, err));
	HEFT_TRY(heft_pager_init(&ix->extents, ix->src, t.extents.off,
	                         t.extents.size / HEFT_EXTENT_SIZE, HEFT_EXTENT_SIZE, err));
	ix->roots_ok = heft_zalloc_array((size_t)(t.loaded[TENSORS].size / HEFT_ROW_SIZE / 8 + 1),
	                                 sizeof *ix->roots_ok);
	if (!ix->roots_ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	return ix->is_trusted ? map_tables(ix, &t, err) : read_tables(ix, &t, err);
}

/* --- opening --- */

enum heft_status heft_index_open_page(struct heft_source *src, const struct heft_pages *pages,
                                      int page_i, const struct heft_index_options *options,
                                      struct heft_index **out, struct heft_error *err)
{
	struct heft_index *ix = heft_zalloc(sizeof *ix);
	enum heft_status st;

	if (!ix)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	ix->src = src;
	ix->pages = *pages;
	ix->page_i = page_i;
	ix->is_trusted = options->trust;
	ix->n_threads = options->n_threads;
	set_limits(ix, &options->limits);
	st = heft_directory_read(ix, err);
	if (st == HEFT_OK)
		st = open_tables(ix, err);
	if (st != HEFT_OK) {
		heft_index_close(ix);
		return st;
	}
	*out = ix;
	return HEFT_OK;
}

enum heft_status heft_index_open(struct heft_source *src, const struct heft_index_options *options,
                                 struct heft_index **out, struct heft_error *err)
{
	static const struct heft_index_options usual;
	struct heft_pages pages;
	int page_i;

	if (!options)
		options = &usual;
	HEFT_TRY(heft_pages_read(src, &pages, err));
	/* An update may have been committed since the file was opened, and have made it longer. */
	heft_source_look_again(src);
	pages.file_size = heft_source_size(src);
	page_i = options->previous ? 1 - pages.current : pages.current;
	if (pages.page[page_i].kind != HEFT_PAGE_VALID)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the file has no generation before the current one");
	return heft_index_open_page(src, &pages, page_i, options, out, err);
}

void heft_index_close(struct heft_index *ix)
{
	if (!ix)
		return;
	heft_free(atomic_load_explicit(&ix->positions, memory_order_relaxed));
	heft_free(ix->roots_ok);
	heft_pager_done(&ix->extents);
	heft_pager_done(&ix->leaves);
	heft_free(ix->memory);
	heft_free(ix->dir);
	heft_free(ix);
}

const struct heft_pages *heft_index_pages(const struct heft_index *ix)
{
	return &ix->pages;
}

const struct heft_page *heft_index_page(const struct heft_index *ix)
{
	return &ix->pages.page[ix->page_i];
}

struct heft_source *heft_index_source(const struct heft_index *ix)
{
	return ix->src;
}
