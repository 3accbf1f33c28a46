/* SPDX-License-Identifier: Apache-2.0 */
/* npz.c - the npz format (spec/foreign/npz.md): a zip archive of NumPy arrays. */
#include "format/npz.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/layout.h"
#include "format/npy.h"
#include "format/shared.h"
#include "format/zip.h"

#define SUFFIX ".npy"
#define SUFFIX_SIZE 4u
#define MAX_LITERALS UINT64_C(33554432) /* bytes of a recipe that are no array's data */
#define QUOTED 80                       /* bytes of a name in a message */

/* A member that holds tensors. */
struct part {
	struct heft_zip *zip;
	struct heft_npy *array; /* NULL: its bytes are the tensor's */
	uint32_t member_i;
};

/* Whose tensor it is: of a part, the k-th. */
struct owner {
	uint32_t part_i;
	uint32_t k;
};

struct reader {
	struct heft_source *src;
	struct heft_scratch *scratch;
	struct heft_zip *zip;
	struct heft_listing *tensors;
	struct part *parts; /* in the order of the archive's directory */
	uint32_t n_parts;
	struct owner *owners; /* one a tensor */
};

/* A zip archive's first member, or the end of one without members. Other formats are such archives
 * too, and their probes, which look further, count more bits than these. */
static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	(void)file_size;
	if (n < 4)
		return 0;
	return memcmp(head, "PK\3\4", 4) == 0 || memcmp(head, "PK\5\6", 4) == 0 ? 32 : 0;
}

/* --- opening --- */

static const struct heft_zip_member *member_of(const struct part *p)
{
	return heft_zip_member(p->zip, p->member_i);
}

static int quoted(const struct heft_zip_member *m)
{
	return m->name_size < QUOTED ? (int)m->name_size : QUOTED;
}

static bool is_folder(const struct heft_zip_member *m)
{
	return m->size == 0 && m->name_size > 0 && m->name[m->name_size - 1] == '/';
}

static bool has_suffix(const struct heft_zip_member *m)
{
	return m->name_size >= SUFFIX_SIZE &&
	       memcmp(m->name + m->name_size - SUFFIX_SIZE, SUFFIX, SUFFIX_SIZE) == 0;
}

static enum heft_status read_part(void *ctx, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err)
{
	const struct part *p = ctx;

	return heft_zip_read(p->zip, p->member_i, off, dst, n, err);
}

/* P2-3: whatever its name, as NumPy has it. */
static enum heft_status is_array(struct part *p, bool *yes, struct heft_error *err)
{
	const struct heft_zip_member *m = member_of(p);
	uint8_t magic[HEFT_NPY_MAGIC_SIZE];

	*yes = has_suffix(m);
	if (*yes || m->size < sizeof magic)
		return HEFT_OK;
	HEFT_TRY(read_part(p, 0, magic, sizeof magic, err));
	*yes = memcmp(magic, HEFT_NPY_MAGIC, sizeof magic) == 0;
	return HEFT_OK;
}

static enum heft_status fault(const struct heft_zip_member *m, enum heft_status code,
                              const char *what, struct heft_error *err)
{
	return heft_fail(err, code, m->data_off, "member '%.*s': %s", quoted(m), m->name, what);
}

/* The array's own messages do where they can. */
static bool tells_name(const struct heft_error *why)
{
	return why->code == HEFT_E_NOMEM || strncmp(why->msg, "array '", 7) == 0 ||
	       strncmp(why->msg, "member '", 8) == 0 || strncmp(why->msg, "name '", 6) == 0;
}

static enum heft_status add_array(struct reader *r, struct part *p,
                                  const struct heft_npy_options *options, struct heft_error *err)
{
	const struct heft_zip_member *m = member_of(p);
	const struct heft_npy_input in = {
		.read = read_part,
		.ctx = p,
		.size = m->size,
		.src = m->is_deflated ? NULL : r->src,
		.file_off = m->data_off,
	};
	struct heft_error why;
	const enum heft_status st = heft_npy_open(&in, options, m->name,
	                                          m->name_size - (has_suffix(m) ? SUFFIX_SIZE : 0),
	                                          r->tensors, &p->array, &why);

	if (st != HEFT_OK)
		return heft_fail(err, st, why.offset, "%s%.*s%s%s",
		                 tells_name(&why) ? "" : "member '",
		                 tells_name(&why) ? 0 : quoted(m), m->name,
		                 tells_name(&why) ? "" : "': ", why.msg);
	if (heft_npy_end(p->array) != m->size)
		return fault(m, HEFT_E_UNSUPPORTED, "bytes follow behind its array", err);
	return HEFT_OK;
}

/* P2-4, P2-5 */
static enum heft_status add_raw(struct reader *r, struct part *p, const struct heft_limits *limits,
                                struct heft_error *err)
{
	const struct heft_zip_member *m = member_of(p);
	const struct heft_listed row = {
		.dtype = HEFT_DTYPE_U8,
		.space = HEFT_SPACE_WEIGHTS,
		.rank = 1,
		.data_off = m->data_off,
	};

	if (heft_listing_n(r->tensors) >= limits->max_tensors)
		return fault(m, HEFT_E_LIMIT, "it is one tensor too many", err);
	if (m->name_size > limits->max_name_size)
		return fault(m, HEFT_E_LIMIT, "its name is too long", err);
	if (m->size > limits->max_logical_bytes ||
	    heft_listing_n_bytes(r->tensors) > limits->max_logical_bytes - m->size)
		return fault(m, HEFT_E_LIMIT, "the tensors together are too large", err);
	return heft_listing_add(r->tensors, m->name, m->name_size, &m->size, &row,
	                        HEFT_E_UNSUPPORTED, m->data_off, err);
}

static enum heft_status add_part(struct reader *r, uint32_t member_i,
                                 const struct heft_npy_options *options, struct heft_error *err)
{
	struct part *p = &r->parts[r->n_parts];
	bool yes;

	*p = (struct part){ .zip = r->zip, .member_i = member_i };
	if (is_folder(member_of(p)))
		return HEFT_OK;
	r->n_parts++;
	HEFT_TRY(is_array(p, &yes, err));
	return yes ? add_array(r, p, options, err) : add_raw(r, p, &options->limits, err);
}

/* P1-2: before anything is said about a member of what is another format's file. */
static enum heft_status check_kind(const struct reader *r, struct heft_error *err)
{
	const uint32_t n = heft_zip_n_members(r->zip);

	for (uint32_t i = 0; i < n; i++)
		if (has_suffix(heft_zip_member(r->zip, i)))
			return HEFT_OK;
	if (n == 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOT_FORMAT, heft_zip_member(r->zip, 0)->header_off,
	                 "a zip archive without a .npy member is no npz file");
}

static enum heft_status number_tensors(struct reader *r, struct heft_error *err)
{
	uint32_t n = 0;

	r->owners = heft_alloc_array(heft_listing_n(r->tensors), sizeof *r->owners);
	if (!r->owners)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct heft_npy *array = r->parts[i].array;
		const uint32_t n_here = array ? heft_npy_n_tensors(array) : 1;

		for (uint32_t k = 0; k < n_here; k++)
			r->owners[n++] = (struct owner){ .part_i = i, .k = k };
	}
	return HEFT_OK;
}

static enum heft_status open_archive(struct reader *r, const struct heft_open_options *options,
                                     struct heft_error *err)
{
	struct heft_npy_options o = { .limits = heft_format_limits(options) };
	uint32_t n;

	HEFT_TRY(heft_zip_open(r->src, NULL, &r->zip, err));
	HEFT_TRY(check_kind(r, err));
	HEFT_TRY(heft_scratch_new(options ? options->scratch_folder : NULL, &r->scratch, err));
	HEFT_TRY(heft_listing_new(&r->tensors, err));
	n = heft_zip_n_members(r->zip);
	r->parts = heft_zalloc_array(n, sizeof *r->parts);
	if (!r->parts)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	o.scratch = r->scratch;
	if (options) {
		o.assumes = options->assumes;
		o.n_assumes = options->n_assumes;
	}
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(add_part(r, i, &o, err));
	return number_tensors(r, err);
}

static void close_file(void *st)
{
	struct reader *r = st;

	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_parts; i++)
		heft_npy_close(r->parts[i].array);
	heft_free(r->parts);
	heft_free(r->owners);
	heft_listing_free(r->tensors);
	heft_zip_close(r->zip);
	heft_scratch_free(r->scratch);
	heft_free(r);
}

static enum heft_status open_file(struct heft_source *src, const char *path,
                                  const struct heft_open_options *options, void **st,
                                  struct heft_error *err)
{
	struct reader *r = heft_zalloc(sizeof *r);
	enum heft_status status;

	(void)path;
	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	r->src = src;
	status = open_archive(r, options, err);
	if (status != HEFT_OK) {
		close_file(r);
		return status;
	}
	*st = r;
	return HEFT_OK;
}

/* --- reading --- */

static uint32_t n_tensors(const void *st)
{
	const struct reader *r = st;

	return heft_listing_n(r->tensors);
}

static enum heft_status read_tensor(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	const struct reader *r = st;
	struct part *p = &r->parts[r->owners[i].part_i];

	if (p->array)
		return heft_npy_read(p->array, r->owners[i].k, off, dst, n, err);
	return read_part(p, off, dst, n, err);
}

static enum heft_status locate(void *st, uint32_t i, struct heft_place *place,
                               struct heft_error *err)
{
	const struct reader *r = st;
	const struct part *p = &r->parts[r->owners[i].part_i];
	const struct heft_zip_member *m = member_of(p);

	if (m->is_deflated)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "the member is deflated");
	if (p->array)
		return heft_npy_locate(p->array, r->owners[i].k, place, err);
	*place = (struct heft_place){ .src = r->src, .off = m->data_off };
	return HEFT_OK;
}

static enum heft_status tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                  struct heft_error *err)
{
	const struct reader *r = st;
	struct heft_place place;

	(void)err;
	heft_listing_describe(r->tensors, i, t);
	if (locate(st, i, &place, NULL) == HEFT_OK && place.transform == 0)
		t->alignment = heft_format_alignment(place.off);
	return HEFT_OK;
}

static enum heft_status find(void *st, uint8_t space, const char *name, uint32_t *i,
                             struct heft_error *err)
{
	const struct reader *r = st;

	return heft_format_find(r->tensors, space, name, i, err);
}

/* --- the recipe (section 3) --- */

/* A part's data in the file. */
static void span_of(const struct part *p, uint64_t *off, uint64_t *size)
{
	const struct heft_zip_member *m = member_of(p);
	const uint64_t skip = p->array ? heft_npy_data_off(p->array) : 0;

	*off = m->data_off + skip;
	*size = m->size - skip;
}

/* P3-2: whether a recipe can be made; how many pieces are arrays, and how many bytes are none. */
static bool has_recipe(const struct reader *r, uint64_t *n_full, uint64_t *n_literal)
{
	uint64_t end = 0;

	*n_full = 0;
	*n_literal = heft_source_size(r->src);
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct part *p = &r->parts[i];
		uint64_t off;
		uint64_t size;

		span_of(p, &off, &size);
		if (member_of(p)->is_deflated || off < end ||
		    (p->array && !heft_npy_is_plain(p->array)))
			return false;
		end = off + size;
		*n_full += size > 0;
		*n_literal -= size;
	}
	return *n_literal <= MAX_LITERALS;
}

/* The bytes of the file from `from` to `to` go behind those at *at. */
static enum heft_status add_literal(const struct reader *r, struct heft_origin_file *file,
                                    uint8_t **at, uint64_t from, uint64_t to,
                                    struct heft_error *err)
{
	const size_t n = (size_t)(to - from);

	HEFT_TRY(heft_source_read(r->src, from, *at, n, err));
	file->pieces[file->n_pieces++] = (struct heft_origin_piece){ .literal = *at, .size = n };
	*at += n;
	return HEFT_OK;
}

/* The array's header is one before each piece, so no two pieces touch. */
static enum heft_status add_pieces(struct reader *r, struct heft_origin_file *file, uint8_t *at,
                                   struct heft_error *err)
{
	struct heft_place place;
	uint64_t end = 0;
	uint32_t tensor = 0;

	file->n_pieces = 0;
	for (uint32_t i = 0; i < r->n_parts; i++) {
		const struct part *p = &r->parts[i];
		uint64_t off;
		uint64_t size;

		span_of(p, &off, &size);
		if (size > 0) {
			HEFT_TRY(add_literal(r, file, &at, end, off, err));
			HEFT_TRY(locate(r, tensor, &place, err));
			file->pieces[file->n_pieces++] = (struct heft_origin_piece){
				.size = size, .tensor = tensor, .transform = place.transform
			};
			end = off + size;
		}
		tensor += p->array ? heft_npy_n_tensors(p->array) : 1;
	}
	return add_literal(r, file, &at, end, file->size, err);
}

static enum heft_status origin(void *st, const char *path, struct heft_origin *o,
                               struct heft_error *err)
{
	struct reader *r = st;
	struct heft_origin_file *file;
	uint64_t n_literal;
	uint64_t n_full;

	if (!has_recipe(r, &n_full, &n_literal))
		return HEFT_OK;
	heft_free(o->bytes);
	o->bytes = heft_alloc((size_t)n_literal);
	if (!o->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	HEFT_TRY(heft_origin_add_file(o, heft_origin_name(path, "arrays.npz"),
	                              heft_source_size(r->src), 2 * n_full + 1, &file, err));
	HEFT_TRY(add_pieces(r, file, o->bytes, err));
	memcpy(o->format, "npz", sizeof "npz");
	return HEFT_OK;
}

const struct heft_format heft_format_npz = {
	.name = "npz",
	.ext = ".npz",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_COMPRESSES |
	        HEFT_FORMAT_CHECKS_READS,
	.head_size = 4,
	.probe = probe,
	.open = open_file,
	.close = close_file,
	.n_tensors = n_tensors,
	.tensor_at = tensor_at,
	.find = find,
	.read = read_tensor,
	.locate = locate,
	.metadata = heft_format_no_metadata,
	.origin = origin,
	.check = heft_npz_check,
	.begin = heft_npz_begin,
	.scratch_size = heft_npz_scratch_size,
	.encode = heft_npz_encode,
	.place = heft_npz_place,
	.store = heft_npz_store,
	.finish = heft_npz_finish,
	.writer_free = heft_npz_writer_free,
};
