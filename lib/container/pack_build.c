/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_build.c - assembles a generation that a text states: data and tables, then
 * sections, directory, page. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/layout.h"
#include "container/pack_model.h"

/* A section on its way into the file. */
struct built {
	struct heft_pack_kept row;
	const uint8_t *plain;
	const uint8_t *stored;
	size_t order; /* among those of one type */
};

struct build {
	struct heft_packer *p;
	struct heft_pack_tables tables;
	struct built *sections;
	size_t n_sections;
	struct heft_buffer dir;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to assemble the file");
}

/* --- which sections --- */

static enum heft_status add_built(struct build *b, uint32_t type, const struct heft_buffer *plain,
                                  const struct heft_buffer *stored, struct heft_error *err)
{
	struct built *s;

	if (!plain->ok || !stored->ok || !heft_pack_grow(&b->sections, b->n_sections, sizeof *s))
		return no_memory(err);
	s = &b->sections[b->n_sections];
	s->order = b->n_sections++;
	s->row.type = type;
	s->plain = plain->bytes;
	s->stored = stored->bytes;
	s->row.size = plain->size;
	s->row.stored_size = stored->size;
	return HEFT_OK;
}

/* A section that `resize` makes another size, or `drop` leaves out, is gone or cut here. */
static enum heft_status resize_table(struct build *b, uint32_t type, struct heft_buffer *table,
                                     bool *is_dropped, struct heft_error *err)
{
	*is_dropped = false;
	for (size_t i = 0; i < b->p->n_resizes; i++) {
		struct heft_pack_resize *r = &b->p->resizes[i];

		if (r->type != type)
			continue;
		r->is_used = true;
		if (r->is_drop) {
			*is_dropped = true;
		} else if (r->size <= table->size) {
			table->size = (size_t)r->size;
		} else {
			heft_buffer_add_zeros(table, (size_t)r->size - table->size);
		}
	}
	return table->ok ? HEFT_OK : no_memory(err);
}

static enum heft_status add_tables(struct build *b, struct heft_error *err)
{
	static const uint32_t types[HEFT_PACK_N_TABLES] = {
		[HEFT_PACK_TENSORS] = HEFT_SECTION_TENSORS,
		[HEFT_PACK_DIMS] = HEFT_SECTION_DIMS,
		[HEFT_PACK_STRINGS] = HEFT_SECTION_STRINGS,
		[HEFT_PACK_ORDER] = HEFT_SECTION_ORDER,
		[HEFT_PACK_LEAVES] = HEFT_SECTION_LEAVES,
		[HEFT_PACK_EXTENTS] = HEFT_SECTION_EXTENTS,
	};

	for (size_t i = 0; i < HEFT_PACK_N_TABLES; i++) {
		struct heft_buffer *table = &b->tables.table[i];
		bool is_dropped;

		if (table->size == 0)
			continue;
		HEFT_TRY(resize_table(b, types[i], table, &is_dropped, err));
		if (!is_dropped)
			HEFT_TRY(add_built(b, types[i], table, table, err));
	}
	return HEFT_OK;
}

/* The digests that a recipe was made from, where the text leaves them out. */
static enum heft_status fill_recipe(struct build *b, const struct heft_pack_section *recipe,
                                    struct heft_error *err)
{
	struct heft_packer *p = b->p;

	if (!recipe->has_list_digest)
		HEFT_TRY(heft_pack_list_digest(&b->tables, recipe->plain.bytes, err));
	if (recipe->has_meta_digest)
		return HEFT_OK;
	for (size_t i = 0; i < p->n_sections; i++) {
		const struct heft_pack_section *s = &p->sections[i];

		if (s->type == HEFT_SECTION_META)
			heft_digest_section(p->hash, s->type, s->plain.bytes, s->plain.size,
			                    recipe->plain.bytes + HEFT_SHA256_SIZE);
	}
	return HEFT_OK;
}

/* The sections that the text states; one that `drop` names is gone from the later generations
 * too. */
static enum heft_status add_sections(struct build *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;
	size_t n_kept = 0;

	for (size_t i = 0; i < p->n_sections; i++) {
		struct heft_pack_section *s = &p->sections[i];
		bool is_dropped;

		HEFT_TRY(resize_table(b, s->type, &s->plain, &is_dropped, err));
		if (is_dropped) {
			heft_buffer_done(&s->plain);
			heft_buffer_done(&s->stored);
			continue;
		}
		if (s->is_recipe)
			HEFT_TRY(fill_recipe(b, s, err));
		HEFT_TRY(add_built(b, s->type, &s->plain, s->has_stored ? &s->stored : &s->plain,
		                   err));
		if (n_kept != i) {
			p->sections[n_kept] = *s;
			heft_buffer_init(&s->plain);
			heft_buffer_init(&s->stored);
		}
		n_kept++;
	}
	p->n_sections = n_kept;
	return HEFT_OK;
}

static int compare_built(const void *a, const void *b)
{
	const struct built *x = a;
	const struct built *y = b;

	if (x->row.type != y->row.type)
		return x->row.type < y->row.type ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* --- where they go --- */

/* The former generation's place for the same bytes. */
static bool find_kept(const struct heft_packer *p, struct built *s)
{
	for (size_t i = 0; i < p->n_kept; i++) {
		const struct heft_pack_kept *k = &p->kept[i];

		if (k->type == s->row.type && k->size == s->row.size &&
		    k->stored_size == s->row.stored_size &&
		    memcmp(k->digest, s->row.digest, HEFT_SHA256_SIZE) == 0 &&
		    (k->stored_size == 0 ||
		     memcmp(p->file.bytes + k->off, s->stored, (size_t)k->stored_size) == 0)) {
			s->row.off = k->off;
			return true;
		}
	}
	return false;
}

static enum heft_status align_file(struct heft_buffer *file, struct heft_error *err)
{
	heft_buffer_add_zeros(file, (size_t)(heft_align_up(file->size, 8) - file->size));
	return file->ok ? HEFT_OK : no_memory(err);
}

static enum heft_status place_sections(struct build *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;

	for (size_t i = 0; i < b->n_sections; i++) {
		struct built *s = &b->sections[i];

		heft_digest_section(p->hash, s->row.type, s->plain, (size_t)s->row.size,
		                    s->row.digest);
		s->row.crc = heft_crc32c(s->stored, (size_t)s->row.stored_size);
		if (find_kept(p, s))
			continue;
		HEFT_TRY(heft_pack_spend(p, s->row.stored_size, err));
		HEFT_TRY(align_file(&p->file, err));
		s->row.off = p->file.size;
		heft_buffer_add(&p->file, s->stored, (size_t)s->row.stored_size);
		if (!p->file.ok)
			return no_memory(err);
	}
	return HEFT_OK;
}

static enum heft_status keep_rows(struct build *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;
	struct heft_pack_kept *kept = heft_alloc_array(b->n_sections, sizeof *kept);

	if (!kept)
		return no_memory(err);
	for (size_t i = 0; i < b->n_sections; i++)
		kept[i] = b->sections[i].row;
	heft_free(p->kept);
	p->kept = kept;
	p->n_kept = b->n_sections;
	return HEFT_OK;
}

/* --- directory and page --- */

static enum heft_status build_directory(struct build *b, struct heft_error *err)
{
	struct heft_buffer *dir = &b->dir;

	heft_buffer_add_le32(dir, (uint32_t)b->n_sections);
	heft_buffer_add_le32(dir, 0);
	for (size_t i = 0; i < b->n_sections; i++) {
		const struct heft_pack_kept *row = &b->sections[i].row;

		heft_buffer_add_le32(dir, row->type);
		heft_buffer_add_le32(dir, row->crc);
		heft_buffer_add_le64(dir, row->off);
		heft_buffer_add_le64(dir, row->stored_size);
		heft_buffer_add_le64(dir, row->size);
		heft_buffer_add(dir, row->digest, sizeof row->digest);
	}
	if (!dir->ok)
		return no_memory(err);
	HEFT_TRY(heft_pack_apply_sets(b->p, HEFT_PACK_DIR_ROWS, dir->bytes + HEFT_DIR_HEAD_SIZE,
	                              HEFT_DIR_ROW_SIZE, b->n_sections, err));
	return heft_pack_apply_sets(b->p, HEFT_PACK_DIR_HEAD, dir->bytes, HEFT_DIR_HEAD_SIZE, 1,
	                            err);
}

/* The check covers what was set by hand; a check that was itself set by hand stays as it was
 * set. */
static enum heft_status write_page(struct build *b, uint64_t dir_off, struct heft_error *err)
{
	struct heft_packer *p = b->p;
	const uint64_t slot = p->slot <= 1 ? p->slot : (p->number - 1) % 2;
	uint8_t page[HEFT_PAGE_SIZE] = HEFT_MAGIC;
	uint8_t check[HEFT_SHA256_SIZE] = { 0 };

	page[HEFT_PAGE_NUMBER] = (uint8_t)slot;
	heft_put_le16(page + HEFT_PAGE_MAJOR, 1);
	page[HEFT_PAGE_ALIGN] = p->log2_alignment;
	heft_put_le64(page + HEFT_PAGE_GENERATION, p->number);
	heft_put_le64(page + HEFT_PAGE_DIR_OFF, dir_off);
	heft_put_le64(page + HEFT_PAGE_DIR_SIZE, b->dir.size);
	heft_digest_bytes(p->hash, HEFT_DOMAIN_DIRECTORY, b->dir.bytes, b->dir.size,
	                  page + HEFT_PAGE_DIR_DIGEST);
	/* Twice: the first time for the fields that the check covers. */
	HEFT_TRY(heft_pack_apply_sets(p, HEFT_PACK_PAGE, page, HEFT_PAGE_SIZE, 1, err));
	heft_digest_bytes(p->hash, HEFT_DOMAIN_PAGE, page, HEFT_PAGE_CHECK, check);
	memcpy(page + HEFT_PAGE_CHECK, check, sizeof check);
	HEFT_TRY(heft_pack_apply_sets(p, HEFT_PACK_PAGE, page, HEFT_PAGE_SIZE, 1, err));
	if (!p->is_uncommitted)
		memcpy(p->file.bytes + slot * HEFT_PAGE_SIZE, page, sizeof page);
	return HEFT_OK;
}

static enum heft_status build_all(struct build *b, struct heft_error *err)
{
	struct heft_packer *p = b->p;
	uint64_t dir_off;

	HEFT_TRY(heft_pack_tables_init(&b->tables, p, err));
	HEFT_TRY(add_tables(b, err));
	HEFT_TRY(add_sections(b, err));
	if (b->n_sections > 1)
		qsort(b->sections, b->n_sections, sizeof *b->sections, compare_built);
	HEFT_TRY(place_sections(b, err));
	HEFT_TRY(keep_rows(b, err));
	HEFT_TRY(build_directory(b, err));
	HEFT_TRY(heft_pack_spend(p, b->dir.size, err));
	HEFT_TRY(align_file(&p->file, err));
	dir_off = p->file.size;
	heft_buffer_add(&p->file, b->dir.bytes, b->dir.size);
	if (!p->file.ok)
		return no_memory(err);
	HEFT_TRY(write_page(b, dir_off, err));
	HEFT_TRY(heft_pack_forget_sets(p, err));
	return heft_sha256_check(p->hash, err);
}

enum heft_status heft_pack_build(struct heft_packer *p, struct heft_error *err)
{
	struct build b = { .p = p };
	enum heft_status st;

	heft_buffer_init(&b.dir);
	st = build_all(&b, err);
	heft_buffer_done(&b.dir);
	heft_free(b.sections);
	heft_pack_tables_done(&b.tables);
	p->n_built++;
	p->is_uncommitted = false;
	p->slot = UINT64_MAX;
	return st;
}
