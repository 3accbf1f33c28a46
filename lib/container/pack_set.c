/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_set.c - the fields that a text states by hand, right or wrong (spec/text.md,
 * Fields). */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "container/layout.h"
#include "container/pack_model.h"

struct field {
	enum heft_pack_table table;
	const char *table_name;
	const char *name; /* "": the whole row */
	uint32_t at;
	uint32_t size;
};

static const struct field fields[] = {
	{ HEFT_PACK_TENSORS, "tensors", "name_end", HEFT_ROW_NAME_END, 4 },
	{ HEFT_PACK_TENSORS, "tensors", "dims_end", HEFT_ROW_DIMS_END, 4 },
	{ HEFT_PACK_TENSORS, "tensors", "dtype", HEFT_ROW_DTYPE, 2 },
	{ HEFT_PACK_TENSORS, "tensors", "space", HEFT_ROW_SPACE, 1 },
	{ HEFT_PACK_TENSORS, "tensors", "flags", HEFT_ROW_FLAGS, 1 },
	{ HEFT_PACK_TENSORS, "tensors", "tie", HEFT_ROW_TIE, 4 },
	{ HEFT_PACK_TENSORS, "tensors", "bytes", HEFT_ROW_N_BYTES, 8 },
	{ HEFT_PACK_TENSORS, "tensors", "first_leaf", HEFT_ROW_FIRST_LEAF, 8 },
	{ HEFT_PACK_TENSORS, "tensors", "place", HEFT_ROW_PLACE, 8 },
	{ HEFT_PACK_TENSORS, "tensors", "root", HEFT_ROW_ROOT, 32 },
	{ HEFT_PACK_TENSORS, "tensors", "base", HEFT_ROW_BASE, 4 },
	{ HEFT_PACK_TENSORS, "tensors", "unit", HEFT_ROW_UNIT, 4 },
	{ HEFT_PACK_DIMS, "dims", "", 0, 8 },
	{ HEFT_PACK_STRINGS, "strings", "", 0, 1 },
	{ HEFT_PACK_ORDER, "order", "", 0, 4 },
	{ HEFT_PACK_LEAVES, "leaves", "", 0, 32 },
	{ HEFT_PACK_EXTENTS, "extents", "offset", HEFT_EXTENT_OFF, 8 },
	{ HEFT_PACK_EXTENTS, "extents", "stored", HEFT_EXTENT_STORED, 4 },
	{ HEFT_PACK_EXTENTS, "extents", "codec", HEFT_EXTENT_CODEC, 1 },
	{ HEFT_PACK_EXTENTS, "extents", "zero", HEFT_EXTENT_ZERO, 3 },
	{ HEFT_PACK_EXTENTS, "extents", "crc", HEFT_EXTENT_CRC, 4 },
	{ HEFT_PACK_EXTENTS, "extents", "zero2", HEFT_EXTENT_ZERO2, 4 },
	{ HEFT_PACK_DIR_ROWS, "directory", "type", HEFT_DIR_TYPE, 4 },
	{ HEFT_PACK_DIR_ROWS, "directory", "crc", HEFT_DIR_CRC, 4 },
	{ HEFT_PACK_DIR_ROWS, "directory", "offset", HEFT_DIR_OFF, 8 },
	{ HEFT_PACK_DIR_ROWS, "directory", "stored", HEFT_DIR_STORED, 8 },
	{ HEFT_PACK_DIR_ROWS, "directory", "size", HEFT_DIR_SIZE, 8 },
	{ HEFT_PACK_DIR_ROWS, "directory", "digest", HEFT_DIR_DIGEST, 32 },
	{ HEFT_PACK_DIR_HEAD, "directory", "count", 0, 4 },
	{ HEFT_PACK_DIR_HEAD, "directory", "zero", 4, 4 },
	{ HEFT_PACK_PAGE, "page", "magic", 0, HEFT_MAGIC_SIZE },
	{ HEFT_PACK_PAGE, "page", "number", HEFT_PAGE_NUMBER, 1 },
	{ HEFT_PACK_PAGE, "page", "major", HEFT_PAGE_MAJOR, 2 },
	{ HEFT_PACK_PAGE, "page", "minor", HEFT_PAGE_MINOR, 2 },
	{ HEFT_PACK_PAGE, "page", "align", HEFT_PAGE_ALIGN, 1 },
	{ HEFT_PACK_PAGE, "page", "zero", HEFT_PAGE_ZERO, 1 },
	{ HEFT_PACK_PAGE, "page", "generation", HEFT_PAGE_GENERATION, 8 },
	{ HEFT_PACK_PAGE, "page", "dir_offset", HEFT_PAGE_DIR_OFF, 8 },
	{ HEFT_PACK_PAGE, "page", "dir_size", HEFT_PAGE_DIR_SIZE, 8 },
	{ HEFT_PACK_PAGE, "page", "dir_digest", HEFT_PAGE_DIR_DIGEST, 32 },
	{ HEFT_PACK_PAGE, "page", "check", HEFT_PAGE_CHECK, 32 },
	{ HEFT_PACK_PAGE, "page", "rest", HEFT_PAGE_END, HEFT_PAGE_SIZE - HEFT_PAGE_END },
};

static const struct {
	const char *name;
	uint32_t type;
} section_names[] = {
	{ "TENSORS", HEFT_SECTION_TENSORS },
	{ "DIMS", HEFT_SECTION_DIMS },
	{ "STRINGS", HEFT_SECTION_STRINGS },
	{ "ORDER", HEFT_SECTION_ORDER },
	{ "LEAVES", HEFT_SECTION_LEAVES },
	{ "EXTENTS", HEFT_SECTION_EXTENTS },
	{ "BASES", HEFT_SECTION_BASES },
	{ "META", HEFT_SECTION_META },
	{ "GRAPH", HEFT_SECTION_GRAPH },
	{ "LINEAGE", HEFT_SECTION_LINEAGE },
	{ "RUN", HEFT_SECTION_RUN },
	{ "ORIGIN", HEFT_SECTION_ORIGIN },
	{ "SIGNATURES", HEFT_SECTION_SIGNATURES },
};

bool heft_pack_section_type(const char *word, size_t size, uint32_t *type)
{
	uint64_t value;

	for (size_t i = 0; i < sizeof section_names / sizeof *section_names; i++) {
		if (heft_pack_word_is(word, size, section_names[i].name)) {
			*type = section_names[i].type;
			return true;
		}
	}
	if (!heft_pack_word_number(word, size, &value) || value > UINT32_MAX)
		return false;
	*type = (uint32_t)value;
	return true;
}

/* `table.field` of the list; with a row number only tables, without one only the directory's head
 * and the page. */
static const struct field *find_field(const char *table, size_t table_size, bool has_row,
                                      const char *name, size_t name_size)
{
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const struct field *f = &fields[i];
		const bool in_table = f->table != HEFT_PACK_DIR_HEAD && f->table != HEFT_PACK_PAGE;

		if (in_table == has_row && heft_pack_word_is(table, table_size, f->table_name) &&
		    heft_pack_word_is(name, name_size, f->name))
			return f;
	}
	return NULL;
}

/* What the row is: a number, or, of the directory, the section's name. */
static enum heft_status take_row(struct heft_pack_line *line, struct heft_pack_set *set,
                                 struct heft_error *err)
{
	const char *word;
	size_t size;
	uint32_t type;

	if (!heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "a row's number stands in [ ]");
	if (heft_pack_word_number(word, size, &set->row))
		set->by_type = false;
	else if (heft_pack_section_type(word, size, &type))
		*set = (struct heft_pack_set){ .line = set->line, .by_type = true, .row = type };
	else
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "'%.*s' is no row",
		                 (int)(size < 40 ? size : 40), word);
	if (!heft_pack_take(line, ']'))
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "] is missing behind the row");
	return HEFT_OK;
}

/* "tensors[3].tie", "order[0]", "page.minor": fills all of the set but its bytes. */
static enum heft_status take_path(struct heft_pack_line *line, struct heft_pack_set *set,
                                  struct heft_error *err)
{
	const char *word;
	size_t size;
	const char *name = "";
	size_t name_size = 0;
	size_t table_size = 0;
	bool has_row;
	const struct field *f;

	if (!heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "set takes a field, as in tensors[0].tie");
	while (table_size < size && word[table_size] != '.')
		table_size++;
	has_row = table_size == size && heft_pack_take(line, '[');
	if (has_row) {
		HEFT_TRY(take_row(line, set, err));
		if (line->at < line->end && *line->at == '.' &&
		    heft_pack_word(line, &name, &name_size)) {
			name++;
			name_size--;
		}
	} else if (table_size < size) {
		name = word + table_size + 1;
		name_size = size - table_size - 1;
	}
	f = find_field(word, table_size, has_row, name, name_size);
	if (!f || (set->by_type && f->table != HEFT_PACK_DIR_ROWS))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "there is no field '%.*s%s%.*s'",
		                 (int)(table_size < 20 ? table_size : 20), word,
		                 has_row ? "[]." : ".", (int)(name_size < 20 ? name_size : 20),
		                 name);
	set->table = f->table;
	set->at = f->at;
	set->size = f->size;
	return HEFT_OK;
}

/* A number fills the field; bytes may be fewer than it has. */
static enum heft_status take_value(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_pack_set *set, struct heft_buffer *bytes,
                                   struct heft_error *err)
{
	const char *word;
	size_t size;
	uint64_t value;

	if (!heft_pack_take(line, '=') || !heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "= and a value are missing");
	if (heft_pack_is_data(word, size)) {
		HEFT_TRY(heft_pack_data(line, word, size, HEFT_DTYPE_NONE, &p->bytes_left, bytes,
		                        err));
	} else if (heft_pack_word_number(word, size, &value)) {
		for (uint32_t i = 0; i < set->size && i < 8; i++)
			heft_buffer_add_u8(bytes, (uint8_t)(value >> 8 * i));
		if (set->size < 8 && value >> 8 * set->size != 0)
			return heft_fail(err, HEFT_E_CORRUPT, line->number,
			                 "the value does not fit %u bytes", (unsigned)set->size);
		HEFT_TRY(heft_pack_need_end(line, err));
	} else {
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "a value is a number, or hex and its bytes");
	}
	if (bytes->size > set->size)
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "the field has only %u bytes",
		                 (unsigned)set->size);
	return HEFT_OK;
}

enum heft_status heft_pack_state_set(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err)
{
	struct heft_pack_set set = { .line = line->number };
	struct heft_buffer bytes;
	enum heft_status st;
	size_t size;

	HEFT_TRY(take_path(line, &set, err));
	heft_buffer_init(&bytes);
	st = take_value(p, line, &set, &bytes, err);
	if (st == HEFT_OK) {
		set.bytes = heft_buffer_take(&bytes, &size);
		if (!set.bytes || !heft_pack_grow(&p->sets, p->n_sets, sizeof set)) {
			heft_free(set.bytes);
			st = heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a field");
		} else {
			set.size = (uint32_t)size;
			p->sets[p->n_sets++] = set;
		}
	}
	heft_buffer_done(&bytes);
	return st;
}

enum heft_status heft_pack_state_resize(struct heft_packer *p, struct heft_pack_line *line,
                                        bool is_drop, struct heft_error *err)
{
	struct heft_pack_resize resize = { .line = line->number, .is_drop = is_drop };
	const char *word;
	size_t size;

	if (!heft_pack_word(line, &word, &size) ||
	    !heft_pack_section_type(word, size, &resize.type))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "a section's name or number is missing");
	if (!is_drop)
		HEFT_TRY(heft_pack_number(line, "the size", UINT64_MAX, &resize.size, err));
	HEFT_TRY(heft_pack_need_end(line, err));
	HEFT_TRY(heft_pack_spend(p, resize.size, err));
	HEFT_TRY(heft_pack_need_end(line, err));
	if (!heft_pack_grow(&p->resizes, p->n_resizes, sizeof resize))
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a statement");
	p->resizes[p->n_resizes++] = resize;
	return HEFT_OK;
}

/* The row that a set means; n_rows when there is none. */
static uint64_t row_of(const struct heft_pack_set *set, const uint8_t *rows, size_t row_size,
                       uint64_t n_rows)
{
	uint64_t i = 0;

	if (!set->by_type)
		return set->row < n_rows ? set->row : n_rows;
	while (i < n_rows && heft_get_le32(rows + i * row_size + HEFT_DIR_TYPE) != set->row)
		i++;
	return i;
}

enum heft_status heft_pack_apply_sets(struct heft_packer *p, enum heft_pack_table table,
                                      uint8_t *rows, size_t row_size, uint64_t n_rows,
                                      struct heft_error *err)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		struct heft_pack_set *set = &p->sets[i];
		uint64_t row;

		if (set->table != table)
			continue;
		row = row_of(set, rows, row_size, n_rows);
		if (row == n_rows)
			return heft_fail(err, HEFT_E_CORRUPT, set->line,
			                 "there is no such row: the table has %llu",
			                 (unsigned long long)n_rows);
		if (set->size > 0)
			memcpy(rows + row * row_size + set->at, set->bytes, set->size);
		set->is_used = true;
	}
	return HEFT_OK;
}

enum heft_status heft_pack_forget_sets(struct heft_packer *p, struct heft_error *err)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		if (!p->sets[i].is_used)
			return heft_fail(err, HEFT_E_CORRUPT, p->sets[i].line,
			                 "the file has no such table");
	}
	for (size_t i = 0; i < p->n_resizes; i++) {
		if (!p->resizes[i].is_used)
			return heft_fail(err, HEFT_E_CORRUPT, p->resizes[i].line,
			                 "the file has no such section");
	}
	for (size_t i = 0; i < p->n_sets; i++)
		heft_free(p->sets[i].bytes);
	p->n_sets = 0;
	p->n_resizes = 0;
	return HEFT_OK;
}
