/* SPDX-License-Identifier: Apache-2.0 */
/* origin.c - encodes and parses ORIGIN, the recipe that gives a source file back byte for byte
 * (spec/container.md 7.2). */
#include "container/origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/cursor.h"
#include "base/error.h"
#include "tensor/dtype.h"

#define DIGEST_SIZE 32
#define MAX_FILE_NAME 255
/* The fewest bytes that a file and a piece take: what is left of the section bounds how many there
 * can be before anything is allocated. */
#define MIN_FILE_SIZE (4 + 1 + 8 + 8)
#define MIN_PIECE_SIZE (1 + 8)

enum piece_kind {
	PIECE_LITERAL = 0,
	PIECE_TENSOR = 1
};

void heft_origin_init(struct heft_origin *o)
{
	*o = (struct heft_origin){ .files = NULL };
}

void heft_origin_done(struct heft_origin *o)
{
	for (uint32_t i = 0; i < o->n_files; i++) {
		heft_free(o->files[i].name);
		heft_free(o->files[i].pieces);
	}
	heft_free(o->files);
	heft_free(o->bytes);
	heft_origin_init(o);
}

/* --- encoding --- */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                 "no memory for the recipe of the source file");
}

static bool fill_file(struct heft_origin_file *f, const char *name, size_t name_size, uint64_t size,
                      uint64_t n_pieces)
{
	size_t n;

	*f = (struct heft_origin_file){ .size = size, .n_pieces = n_pieces };
	f->name = heft_strndup(name, name_size);
	f->pieces = heft_to_size(n_pieces, &n) ? heft_zalloc_array(n, sizeof *f->pieces) : NULL;
	if (f->name && f->pieces)
		return true;
	heft_free(f->name);
	heft_free(f->pieces);
	return false;
}

enum heft_status heft_origin_add_file(struct heft_origin *o, const char *name, uint64_t size,
                                      uint64_t n_pieces, struct heft_origin_file **file,
                                      struct heft_error *err)
{
	struct heft_origin_file *files = heft_realloc_array(o->files, o->n_files + (size_t)1,
	                                                    sizeof *files);

	if (!files)
		return no_memory(err);
	o->files = files;
	if (!fill_file(&files[o->n_files], name, strlen(name), size, n_pieces))
		return no_memory(err);
	*file = &files[o->n_files++];
	return HEFT_OK;
}

static void encode_piece(const struct heft_origin_piece *p, const uint32_t *row_of,
                         struct heft_buffer *b)
{
	if (p->literal) {
		heft_buffer_add_u8(b, PIECE_LITERAL);
		heft_buffer_add_le64(b, p->size);
		heft_buffer_add(b, p->literal, (size_t)p->size);
	} else {
		heft_buffer_add_u8(b, PIECE_TENSOR);
		heft_buffer_add_le32(b, row_of[p->tensor]);
		heft_buffer_add_le64(b, p->first);
		heft_buffer_add_le64(b, p->size);
		heft_buffer_add_u8(b, p->transform);
	}
}

static void encode_file(const struct heft_origin_file *f, const uint32_t *row_of,
                        struct heft_buffer *b)
{
	const size_t name_size = strlen(f->name);

	heft_buffer_add_le32(b, (uint32_t)name_size);
	heft_buffer_add(b, f->name, name_size);
	heft_buffer_add_le64(b, f->size);
	heft_buffer_add_le64(b, f->n_pieces);
	for (uint64_t i = 0; i < f->n_pieces; i++)
		encode_piece(&f->pieces[i], row_of, b);
}

void heft_origin_encode(const struct heft_origin *o, const uint32_t *row_of,
                        const uint8_t *list_digest, const uint8_t *meta_digest,
                        struct heft_buffer *b)
{
	const size_t format_size = strlen(o->format);

	heft_buffer_add(b, list_digest, DIGEST_SIZE);
	heft_buffer_add(b, meta_digest, DIGEST_SIZE);
	heft_buffer_add_u8(b, (uint8_t)format_size);
	heft_buffer_add(b, o->format, format_size);
	heft_buffer_add_le32(b, o->n_files);
	for (uint32_t i = 0; i < o->n_files; i++)
		encode_file(&o->files[i], row_of, b);
}

/* --- transforms --- */

static bool has_whole_bytes(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info ? info->n_elements == 1 && !info->is_block : heft_dtype_has_any_size(dtype);
}

bool heft_origin_may_transform(const struct heft_origin_piece *p, uint16_t dtype, uint64_t n_bytes)
{
	return p->first == 0 && p->size == n_bytes && has_whole_bytes((enum heft_dtype)dtype);
}

/* --- parsing --- */

static enum heft_status fault(uint64_t off, const char *what, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, off, "ORIGIN: %s", what);
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* spec R7.2-1: "a name holds no '/', no '\\', no control character and is not "." or ".."" */
static bool is_plain(const uint8_t *name, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (name[i] == '/' || name[i] == '\\' || is_control(name[i]))
			return false;
	}
	return !(size == 1 && name[0] == '.') && !(size == 2 && name[0] == '.' && name[1] == '.');
}

bool heft_origin_is_plain_name(const char *name, size_t size)
{
	return size > 0 && size <= MAX_FILE_NAME && is_plain((const uint8_t *)name, size);
}

const char *heft_origin_name(const char *path, const char *usual)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return heft_origin_is_plain_name(name, strlen(name)) ? name : usual;
}

static enum heft_status parse_format(struct heft_cursor *c, struct heft_origin *o,
                                     struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	const uint8_t size = heft_cursor_u8(c);
	const uint8_t *name = heft_cursor_bytes(c, size);

	if (!name)
		return fault(at, "it is cut short", err);
	if (size > 0 && !is_plain(name, size))
		return fault(at, "the format has no plain name", err);
	memcpy(o->format, name, size);
	o->format[size] = '\0';
	return HEFT_OK;
}

static enum heft_status parse_literal(struct heft_cursor *c, struct heft_origin_piece *p,
                                      struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	size_t size;

	p->size = heft_cursor_u64(c);
	p->literal = heft_to_size(p->size, &size) ? heft_cursor_bytes(c, size) : NULL;
	return c->ok && p->literal ? HEFT_OK : fault(at, "a literal piece ends past it", err);
}

static enum heft_status parse_tensor_piece(struct heft_cursor *c, struct heft_origin_piece *p,
                                           struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	uint64_t end;
	p->tensor = heft_cursor_u32(c);
	p->first = heft_cursor_u64(c);
	p->size = heft_cursor_u64(c);
	p->transform = heft_cursor_u8(c);
	if (!c->ok)
		return fault(at, "a piece is cut short", err);
	if ((p->transform & ~HEFT_TRANSFORMS) != 0)
		return fault(at, "a transform is unknown", err);
	if (!heft_add_u64(p->first, p->size, &end))
		return fault(at, "a piece ends past its tensor", err);
	return HEFT_OK;
}

static enum heft_status parse_piece(struct heft_cursor *c, struct heft_origin_piece *p,
                                    struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	const uint8_t kind = heft_cursor_u8(c);

	if (!c->ok)
		return fault(at, "a piece is cut short", err);
	if (kind == PIECE_LITERAL)
		return parse_literal(c, p, err);
	if (kind == PIECE_TENSOR)
		return parse_tensor_piece(c, p, err);
	return fault(at, "a kind of piece is unknown", err);
}

static enum heft_status parse_pieces(struct heft_cursor *c, struct heft_origin_file *f, uint64_t at,
                                     struct heft_error *err)
{
	uint64_t size = 0;

	for (uint64_t i = 0; i < f->n_pieces; i++) {
		HEFT_TRY(parse_piece(c, &f->pieces[i], err));
		if (!heft_add_u64(size, f->pieces[i].size, &size))
			return fault(at, "the pieces do not add up to the file's size", err);
	}
	if (size != f->size)
		return fault(at, "the pieces do not add up to the file's size", err);
	return HEFT_OK;
}

/* The file counts among o->n_files as soon as it holds memory. */
static enum heft_status parse_file(struct heft_cursor *c, struct heft_origin *o,
                                   struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	const uint32_t name_size = heft_cursor_u32(c);
	const uint8_t *name = NULL;
	uint64_t size;
	uint64_t n_pieces;

	if (c->ok && (name_size == 0 || name_size > MAX_FILE_NAME))
		return fault(at, "a file's name has no bytes or more than 255", err);
	name = heft_cursor_bytes(c, name_size);
	size = heft_cursor_u64(c);
	n_pieces = heft_cursor_u64(c);
	if (!c->ok)
		return fault(at, "a file is cut short", err);
	if (!is_plain(name, name_size))
		return fault(at, "a file has no plain name", err);
	if (n_pieces > heft_cursor_left(c) / MIN_PIECE_SIZE)
		return fault(at, "it has more pieces than fit into it", err);
	if (!fill_file(&o->files[o->n_files], (const char *)name, name_size, size, n_pieces))
		return no_memory(err);
	return parse_pieces(c, &o->files[o->n_files++], at, err);
}

static enum heft_status parse_files(struct heft_cursor *c, struct heft_origin *o,
                                    struct heft_error *err)
{
	const uint64_t at = heft_cursor_at(c);
	const uint32_t n = heft_cursor_u32(c);

	if (!c->ok)
		return fault(at, "it is cut short", err);
	if (n == 0)
		return fault(at, "it has no file", err);
	if (n > heft_cursor_left(c) / MIN_FILE_SIZE)
		return fault(at, "it has more files than fit into it", err);
	o->files = heft_zalloc_array(n, sizeof *o->files);
	if (!o->files)
		return no_memory(err);
	while (o->n_files < n)
		HEFT_TRY(parse_file(c, o, err));
	if (heft_cursor_left(c) != 0)
		return fault(heft_cursor_at(c), "bytes follow the last file", err);
	return HEFT_OK;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files that are written beside one another. */
static enum heft_status check_names(const struct heft_origin *o, uint64_t at,
                                    struct heft_error *err)
{
	const char **names;
	bool differ = true;

	if (o->n_files == 1)
		return HEFT_OK;
	names = heft_alloc_array(o->n_files, sizeof *names);
	if (!names)
		return no_memory(err);
	for (uint32_t i = 0; i < o->n_files; i++)
		names[i] = o->files[i].name;
	qsort(names, o->n_files, sizeof *names, compare_names);
	for (uint32_t i = 1; differ && i < o->n_files; i++)
		differ = strcmp(names[i - 1], names[i]) != 0;
	heft_free(names);
	return differ ? HEFT_OK : fault(at, "two files have one name", err);
}

static enum heft_status parse(struct heft_cursor *c, struct heft_origin *o, struct heft_error *err)
{
	const uint8_t *digests = heft_cursor_bytes(c, 2 * DIGEST_SIZE);

	if (!digests)
		return fault(c->file_off, "it is cut short", err);
	memcpy(o->list_digest, digests, DIGEST_SIZE);
	memcpy(o->meta_digest, digests + DIGEST_SIZE, DIGEST_SIZE);
	HEFT_TRY(parse_format(c, o, err));
	HEFT_TRY(parse_files(c, o, err));
	return check_names(o, c->file_off, err);
}

enum heft_status heft_origin_parse(uint8_t *bytes, size_t size, uint64_t file_off,
                                   struct heft_origin *o, struct heft_error *err)
{
	struct heft_origin parsed;
	struct heft_cursor c;
	enum heft_status st;

	heft_origin_init(&parsed);
	heft_cursor_init(&c, bytes, size, file_off);
	st = parse(&c, &parsed, err);
	if (st != HEFT_OK) {
		heft_origin_done(&parsed);
		return st;
	}
	parsed.bytes = bytes;
	*o = parsed;
	return HEFT_OK;
}
