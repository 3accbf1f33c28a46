/* SPDX-License-Identifier: Apache-2.0 */
/* container/dump.c - heft_dump: the current generation of a heft file as text (spec/text.md), one
 * chunk in memory at a time. What is written was verified; damage ends it. */
#include <inttypes.h>
#include <locale.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hex.h"
#include "container/dump_text.h"
#include "container/index_parts.h"
#include "container/origin.h"
#include "container/runs.h"
#include "heft/text.h"
#include "tensor/dtype.h"

#define FLUSH_SIZE ((size_t)64 << 10)
#define MAX_VALUES 4096u /* elements of a tensor that is written as values; nobody reads more */
#define MAX_META_LINE 4096u
#define NO_ROW UINT32_MAX

struct dump {
	struct heft_source *src;
	struct heft_index *ix;
	struct heft_runs runs;
	uint32_t *first; /* of a run: the row whose tensor has its data in the text, or NO_ROW */
	struct heft_chunk_reader *reader;
	uint8_t *chunk;
	uint8_t *stored;
	struct heft_buffer out;
	heft_text_fn fn;
	void *user;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the text");
}

static enum heft_status flush(struct dump *d, size_t least, struct heft_error *err)
{
	if (!d->out.ok)
		return no_memory(err);
	if (d->out.size < least)
		return HEFT_OK;
	if (d->out.size > 0 && !d->fn(d->user, (const char *)d->out.bytes, d->out.size))
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "the text was not taken");
	d->out.size = 0;
	return HEFT_OK;
}

/* --- tensors --- */

/* Another row, by its name where that is enough to find it. */
static enum heft_status add_ref(struct dump *d, const char *what, const struct heft_row *row,
                                uint32_t other_i, struct heft_error *err)
{
	struct heft_row other;
	uint32_t position;

	HEFT_TRY(heft_index_row(d->ix, other_i, &other, err));
	heft_buffer_addf(&d->out, " %s=", what);
	if (other.space == row->space) {
		heft_dump_string(&d->out, other.name, other.name_size);
		return HEFT_OK;
	}
	HEFT_TRY(heft_index_position(d->ix, other_i, &position, err));
	heft_buffer_addf(&d->out, "%" PRIu32, position);
	return HEFT_OK;
}

static void add_shape(struct dump *d, const struct heft_row *row)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);
	uint64_t dims[HEFT_MAX_RANK];

	heft_index_dims(d->ix, row, dims);
	heft_buffer_addf(&d->out, "tensor ");
	heft_dump_string(&d->out, row->name, row->name_size);
	if (info)
		heft_buffer_addf(&d->out, " %s [", info->name);
	else
		heft_buffer_addf(&d->out, " 0x%04x [", (unsigned)row->dtype);
	for (uint32_t i = 0; i < row->rank; i++)
		heft_buffer_addf(&d->out, "%s%" PRIu64, i > 0 ? "," : "", dims[i]);
	heft_buffer_addf(&d->out, "]");
	if (!info)
		heft_buffer_addf(&d->out, " unit=%" PRIu32, row->unit);
	if (row->space > HEFT_SPACE_STATE)
		heft_buffer_addf(&d->out, " space=%u", (unsigned)row->space);
	else if (row->space != HEFT_SPACE_WEIGHTS)
		heft_buffer_addf(&d->out, " space=%s",
		                 heft_space_name((enum heft_space)row->space));
}

static uint64_t count_elements(struct dump *d, const struct heft_row *row)
{
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t n = 0;

	heft_index_dims(d->ix, row, dims);
	heft_dims_product(row->rank, dims, &n);
	return n;
}

static enum heft_status add_codec(struct dump *d, const struct heft_row *row, uint64_t chunk_i,
                                  struct heft_error *err)
{
	struct heft_extent e;

	HEFT_TRY(heft_index_extent(d->ix, row, chunk_i, &e, err));
	heft_buffer_addf(&d->out, "  chunk %s\n", heft_codec_find(e.codec)->name);
	if (e.codec == HEFT_CODEC_RAW || e.stored_size == 0)
		return HEFT_OK;
	/* Read as it was when the chunk was decoded: it had its CRC and fewer bytes than the
	 * chunk. */
	HEFT_TRY(heft_source_read(d->src, e.off, d->stored, e.stored_size, err));
	heft_dump_bytes(&d->out, "  stored ", d->stored, e.stored_size);
	return HEFT_OK;
}

static enum heft_status add_chunks(struct dump *d, uint32_t row_i, const struct heft_row *row,
                                   struct heft_error *err)
{
	const uint64_t n_elements = count_elements(d, row);

	for (uint64_t i = 0; i < row->n_chunks; i++) {
		size_t n;

		HEFT_TRY(heft_chunk_read_hashed(d->reader, row_i, row, i, true, d->chunk, &n, NULL,
		                                err));
		if (n_elements <= MAX_VALUES && row->n_chunks == 1)
			heft_dump_values(&d->out, (enum heft_dtype)row->dtype, d->chunk, n,
			                 n_elements);
		else
			heft_dump_bytes(&d->out, "  ", d->chunk, n);
		if (row->is_coded)
			HEFT_TRY(add_codec(d, row, i, err));
		HEFT_TRY(flush(d, FLUSH_SIZE, err));
	}
	return HEFT_OK;
}

/* The first tensor of a run, in the source's order, has its data; the others name it. */
static enum heft_status add_tensor(struct dump *d, uint32_t row_i, struct heft_error *err)
{
	struct heft_row row;
	bool has_data = false;
	uint32_t *first;

	HEFT_TRY(heft_index_row(d->ix, row_i, &row, err));
	add_shape(d, &row);
	if (row.tie != row_i)
		HEFT_TRY(add_ref(d, "tie", &row, row.tie, err));
	if (row.n_bytes > 0) {
		first = &d->first[heft_runs_find(d->ix, &d->runs, row.first_leaf)];
		has_data = *first == NO_ROW;
		if (has_data)
			*first = row_i;
		else if (row.tie == row_i)
			HEFT_TRY(add_ref(d, "share", &row, *first, err));
	}
	heft_buffer_addf(&d->out, has_data && row.is_coded ? " coded\n" : "\n");
	if (has_data)
		HEFT_TRY(add_chunks(d, row_i, &row, err));
	return flush(d, FLUSH_SIZE, err);
}

static enum heft_status add_tensors(struct dump *d, struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_index_n_tensors(d->ix); i++) {
		uint32_t row_i;

		HEFT_TRY(heft_index_row_at(d->ix, i, &row_i, err));
		HEFT_TRY(add_tensor(d, row_i, err));
	}
	return HEFT_OK;
}

/* --- sections --- */

static void add_digest(struct dump *d, const char *what, const uint8_t *digest)
{
	char hex[2 * HEFT_SHA256_SIZE + 1];

	heft_buffer_addf(&d->out, " %s=%s", what, heft_hex(digest, HEFT_SHA256_SIZE, hex));
}

/* Of a recipe whose transforms are known. */
static void add_piece(struct dump *d, const struct heft_origin_piece *piece)
{
	static const char *const transforms[] = { "", " swapped", " column-major",
		                                  " column-major-swapped" };

	heft_buffer_addf(&d->out, "  piece %" PRIu32 " %" PRIu64 " %" PRIu64 "%s\n", piece->tensor,
	                 piece->first, piece->size, transforms[piece->transform & HEFT_TRANSFORMS]);
}

static void add_recipe_file(struct dump *d, const struct heft_origin_file *f)
{
	heft_buffer_addf(&d->out, "  file ");
	heft_dump_string(&d->out, f->name, strlen(f->name));
	heft_buffer_add_u8(&d->out, '\n');
	for (uint64_t i = 0; i < f->n_pieces; i++) {
		const struct heft_origin_piece *piece = &f->pieces[i];

		if (!piece->literal) {
			add_piece(d, piece);
			continue;
		}
		heft_buffer_addf(&d->out, "  literal\n");
		heft_dump_text(&d->out, "    more ", piece->literal, (size_t)piece->size);
	}
}

/* The digests that the recipe was made from are left out where they are those of this file. */
static enum heft_status add_recipe(struct dump *d, const struct heft_origin *o,
                                   struct heft_error *err)
{
	struct heft_section meta = { .digest = { 0 } };
	uint8_t list[HEFT_SHA256_SIZE];

	HEFT_TRY(heft_index_list_digest(d->ix, list, err));
	heft_index_find_section(d->ix, HEFT_SECTION_META, &meta);
	heft_buffer_addf(&d->out, "origin ");
	heft_dump_string(&d->out, o->format, strlen(o->format));
	if (memcmp(o->list_digest, list, sizeof list) != 0)
		add_digest(d, "list", o->list_digest);
	if (memcmp(o->meta_digest, meta.digest, sizeof meta.digest) != 0)
		add_digest(d, "meta", o->meta_digest);
	heft_buffer_add_u8(&d->out, '\n');
	for (uint32_t i = 0; i < o->n_files; i++)
		add_recipe_file(d, &o->files[i]);
	return HEFT_OK;
}

static void add_plain_section(struct dump *d, const struct heft_section *s, const uint8_t *bytes)
{
	const size_t n = (size_t)s->size;
	char name[HEFT_SECTION_NAME_SIZE];

	if (s->type == HEFT_SECTION_META && n <= MAX_META_LINE && heft_dump_is_plain(bytes, n)) {
		heft_buffer_addf(&d->out, "meta ");
		heft_buffer_add(&d->out, bytes, n);
		heft_buffer_add_u8(&d->out, '\n');
		return;
	}
	heft_buffer_addf(&d->out, "section %s\n", heft_section_name(s->type, name));
	heft_dump_text(&d->out, "  ", bytes, n);
}

/* A recipe that breaks its rules is written as the bytes that it is. Takes `bytes`. */
static enum heft_status add_origin(struct dump *d, const struct heft_section *s, uint8_t *bytes,
                                   struct heft_error *err)
{
	struct heft_origin o;
	enum heft_status st = heft_origin_parse(bytes, (size_t)s->size, s->off, &o, err);

	if (st == HEFT_OK) {
		st = add_recipe(d, &o, err);
		heft_origin_done(&o);
		return st;
	}
	if (st == HEFT_E_CORRUPT) {
		add_plain_section(d, s, bytes);
		st = HEFT_OK;
	}
	heft_free(bytes);
	return st;
}

/* A frame is kept as it is: another version of zstd would make another one. */
static enum heft_status add_frame(struct dump *d, const struct heft_section *s,
                                  struct heft_error *err)
{
	uint8_t *stored;
	enum heft_status st;

	if (s->stored_size == s->size)
		return HEFT_OK;
	stored = heft_alloc((size_t)s->stored_size);
	if (!stored)
		return no_memory(err);
	st = heft_source_read(d->src, s->off, stored, (size_t)s->stored_size, err);
	if (st == HEFT_OK)
		heft_dump_bytes(&d->out, "  stored ", stored, (size_t)s->stored_size);
	heft_free(stored);
	return st;
}

static enum heft_status add_section(struct dump *d, const struct heft_section *s,
                                    struct heft_error *err)
{
	uint8_t *bytes;

	HEFT_TRY(heft_index_read_section(d->ix, s, SIZE_MAX, &bytes, err));
	if (s->type == HEFT_SECTION_ORIGIN) {
		HEFT_TRY(add_origin(d, s, bytes, err));
	} else {
		add_plain_section(d, s, bytes);
		heft_free(bytes);
	}
	HEFT_TRY(add_frame(d, s, err));
	return flush(d, FLUSH_SIZE, err);
}

/* Content only: a compact file has no layout section but its tables. */
static enum heft_status add_sections(struct dump *d, struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_index_n_sections(d->ix); i++) {
		struct heft_section s;

		heft_index_section(d->ix, i, &s);
		if (!(s.type & HEFT_TYPE_LAYOUT))
			HEFT_TRY(add_section(d, &s, err));
	}
	return HEFT_OK;
}

/* --- the file --- */

static enum heft_status open_dump(struct dump *d, const char *path, struct heft_error *err)
{
	const struct heft_index_options options = { .trust = false };
	enum heft_status st;

	HEFT_TRY(heft_source_open(path, true, &d->src, err));
	st = heft_index_open(d->src, &options, &d->ix, err);
	if (st == HEFT_E_NOT_FORMAT)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "only a heft file has a text form");
	if (st != HEFT_OK)
		return st;
	HEFT_TRY(heft_runs_init(d->ix, &d->runs, err));
	d->first = heft_alloc_array(d->runs.n, sizeof *d->first);
	d->chunk = heft_alloc(HEFT_CHUNK_MAX);
	d->stored = heft_alloc(HEFT_CHUNK_MAX);
	if (!d->first || !d->chunk || !d->stored)
		return no_memory(err);
	for (uint32_t i = 0; i < d->runs.n; i++)
		d->first[i] = NO_ROW;
	return heft_chunk_reader_new(d->ix, &d->reader, err);
}

static void close_dump(struct dump *d)
{
	heft_chunk_reader_free(d->reader);
	heft_free(d->stored);
	heft_free(d->chunk);
	heft_free(d->first);
	heft_runs_done(&d->runs);
	heft_index_close(d->ix);
	heft_source_close(d->src);
	heft_buffer_done(&d->out);
}

static enum heft_status write_text(struct dump *d, struct heft_error *err)
{
	const uint32_t alignment = UINT32_C(1) << heft_index_page(d->ix)->log2_alignment;

	heft_buffer_addf(&d->out, "heft-text 1\n");
	if (alignment != 64)
		heft_buffer_addf(&d->out, "align %" PRIu32 "\n", alignment);
	HEFT_TRY(add_tensors(d, err));
	HEFT_TRY(add_sections(d, err));
	return flush(d, 0, err);
}

enum heft_status heft_dump(const char *path, heft_text_fn fn, void *user, struct heft_error *err)
{
	struct dump d = { .fn = fn, .user = user };
	/* Numbers are written as "1.5" whatever the program's locale is. */
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t old;
	enum heft_status st;

	if (plain == (locale_t)0)
		return no_memory(err);
	heft_buffer_init(&d.out);
	st = open_dump(&d, path, err);
	old = uselocale(plain);
	if (st == HEFT_OK)
		st = write_text(&d, err);
	uselocale(old);
	freelocale(plain);
	close_dump(&d);
	return st;
}
