/* SPDX-License-Identifier: Apache-2.0 */
/* pytorch.c - the PyTorch format (spec/foreign/pytorch.md): the tensors of an archive or a legacy
 * file, read through their strides. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/scratch.h"
#include "container/layout.h"
#include "format/shared.h"
#include "format/torch_file.h"
#include "tensor/order.h"
#include "tensor/strided.h"

#define HEAD_SIZE 1024u               /* names of folders may come before the first file's */
#define COPY_SIZE ((size_t)256 << 10) /* at once */
#define SMALL_RUN 4096u               /* bytes; reads that are smaller are dear */
#define SMALL_TENSOR (UINT64_C(1) << 20)
#define QUOTED 80 /* bytes of a key in a message */

/* A record whose tensors lie scattered in it, and that cannot be mapped: copied when it is first
 * read. */
struct copied {
	uint8_t *bytes; /* a map of the scratch file; NULL: not yet */
};

struct reader {
	struct heft_torch_file file;
	struct heft_scratch *scratch;
	pthread_mutex_t mutex; /* over what follows */
	struct copied *copies; /* one a storage */
};

static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	unsigned bits = heft_torch_probe_zip(head, n);
	const char *what;

	(void)file_size;
	if (bits == 0)
		bits = heft_torch_probe_legacy(head, n);
	return bits > 0 ? bits : heft_torch_probe_other(head, n, &what);
}

/* --- opening --- */

enum heft_status heft_torch_check_record(const struct heft_torch_storage *s,
                                         const struct heft_torch_record *r, struct heft_error *err)
{
	if (r->size >= s->n_bytes)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, s->at,
	                 "the storage '%.*s' has %llu bytes and not %llu", QUOTED, s->key,
	                 (unsigned long long)r->size, (unsigned long long)s->n_bytes);
}

void heft_torch_file_done(struct heft_torch_file *f)
{
	heft_torch_model_done(&f->model);
	heft_free(f->records);
	heft_zip_close(f->zip);
}

static enum heft_status open_any(struct heft_torch_file *f, const struct heft_limits *limits,
                                 struct heft_error *err)
{
	const uint64_t file_size = heft_source_size(f->src);
	const size_t n = file_size < HEAD_SIZE ? (size_t)file_size : HEAD_SIZE;
	uint8_t head[HEAD_SIZE];
	const char *what;

	HEFT_TRY(heft_source_read(f->src, 0, head, n, err));
	if (heft_torch_probe_legacy(head, n) > 0)
		return heft_torch_open_legacy(f, limits, err);
	if (heft_torch_probe_other(head, n, &what) > 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, 0, "%s", what);
	return heft_torch_open_zip(f, limits, err);
}

static enum heft_status open_reader(struct reader *r, const struct heft_open_options *options,
                                    struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(options);

	HEFT_TRY(open_any(&r->file, &limits, err));
	HEFT_TRY(heft_scratch_new(options ? options->scratch_folder : NULL, &r->scratch, err));
	r->copies = heft_zalloc_array(r->file.model.n_storages, sizeof *r->copies);
	if (!r->copies)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	return HEFT_OK;
}

static void close_file(void *st)
{
	struct reader *r = st;

	if (!r)
		return;
	for (uint32_t i = 0; r->copies && i < r->file.model.n_storages; i++)
		if (r->copies[i].bytes)
			heft_scratch_unmap(r->copies[i].bytes, r->file.records[i].size);
	heft_free(r->copies);
	heft_scratch_free(r->scratch);
	heft_torch_file_done(&r->file);
	pthread_mutex_destroy(&r->mutex);
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
	r->file.src = src;
	pthread_mutex_init(&r->mutex, NULL);
	status = open_reader(r, options, err);
	if (status != HEFT_OK) {
		close_file(r);
		return status;
	}
	*st = r;
	return HEFT_OK;
}

/* --- where a tensor lies --- */

struct seen {
	struct heft_strided s; /* in the storage */
	const struct heft_torch_record *record;
	uint32_t storage;
	uint32_t swap; /* bytes that are reversed together; 1: none */
};

/* Elements of F4 lie by twos in the storage's, which the strides count. */
static void look(const struct reader *r, uint32_t i, struct seen *out)
{
	const struct heft_torch_model *m = &r->file.model;
	const struct heft_listed *row = heft_listing_row(m->tensors, i);
	const struct heft_torch_view *view = &m->views[i];
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);
	uint64_t dims[HEFT_MAX_RANK];

	for (uint32_t d = 0; d < row->rank; d++)
		dims[d] = heft_listing_dims(m->tensors, i)[d];
	if (info && info->n_elements > 1 && row->rank > 0)
		dims[row->rank - 1] /= info->n_elements;
	heft_strided_init(&out->s, row->rank, dims, m->strides + view->strides_at, view->offset,
	                  row->unit);
	out->storage = view->storage;
	out->record = &r->file.records[view->storage];
	out->swap = r->file.is_big_endian ? heft_swap_size((enum heft_dtype)row->dtype) : 1;
}

static bool is_empty(const struct reader *r, uint32_t i)
{
	return heft_listing_row(r->file.model.tensors, i)->n_bytes == 0;
}

static enum heft_status locate(void *st, uint32_t i, struct heft_place *place,
                               struct heft_error *err)
{
	const struct reader *r = st;
	struct seen at;

	*place = (struct heft_place){ .src = r->file.src };
	if (is_empty(r, i))
		return HEFT_OK;
	look(r, i, &at);
	if (at.record->is_deflated)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "the record is deflated");
	if (!heft_strided_is_contiguous(&at.s))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the tensor's bytes do not lie together");
	place->off = at.record->off + at.s.offset;
	place->transform = at.swap > 1 ? HEFT_TRANSFORM_SWAPPED : 0;
	return HEFT_OK;
}

static uint32_t n_tensors(const void *st)
{
	const struct reader *r = st;

	return heft_listing_n(r->file.model.tensors);
}

static enum heft_status tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                  struct heft_error *err)
{
	const struct reader *r = st;
	struct heft_place place;

	(void)err;
	heft_listing_describe(r->file.model.tensors, i, t);
	if (locate(st, i, &place, NULL) == HEFT_OK && place.transform == 0)
		t->alignment = heft_format_alignment(place.off);
	return HEFT_OK;
}

static enum heft_status find(void *st, uint8_t space, const char *name, uint32_t *i,
                             struct heft_error *err)
{
	const struct reader *r = st;

	return heft_format_find(r->file.model.tensors, space, name, i, err);
}

static enum heft_status metadata(void *st, const char **json, struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	*json = r->file.model.metadata ? r->file.model.metadata : "{}";
	return HEFT_OK;
}

static enum heft_status check_data(void *st, const struct heft_run *run, struct heft_error *err)
{
	const struct reader *r = st;

	return heft_torch_check_crcs(&r->file, run, err);
}

/* --- reading --- */

/* A storage, as it is read by pieces. */
struct pieces {
	const struct heft_torch_file *f;
	const struct heft_torch_record *record;
};

static enum heft_status read_storage(void *ctx, uint64_t off, void *dst, size_t n,
                                     struct heft_error *err)
{
	const struct pieces *p = ctx;

	if (p->record->is_deflated)
		return heft_zip_read(p->f->zip, p->record->member, off, dst, n, err);
	return heft_source_read(p->f->src, p->record->off + off, dst, n, err);
}

static enum heft_status copy_to(struct pieces *p, uint8_t *bytes, struct heft_error *err)
{
	const uint64_t size = p->record->size;

	for (uint64_t off = 0; off < size; off += COPY_SIZE) {
		const size_t n = size - off < COPY_SIZE ? (size_t)(size - off) : COPY_SIZE;

		HEFT_TRY(read_storage(p, off, bytes + off, n, err));
	}
	return HEFT_OK;
}

static enum heft_status copy_record(struct reader *r, struct pieces *p, uint8_t **bytes,
                                    struct heft_error *err)
{
	const uint64_t size = p->record->size;
	enum heft_status st;
	uint8_t *map;
	uint64_t off;

	HEFT_TRY(heft_scratch_add(r->scratch, size, &off, err));
	HEFT_TRY(heft_scratch_map(r->scratch, off, size, &map, err));
	st = copy_to(p, map, err);
	if (st != HEFT_OK) {
		heft_scratch_unmap(map, size);
		heft_scratch_drop(r->scratch, off, size);
		return st;
	}
	*bytes = map;
	return HEFT_OK;
}

/* The whole record in the scratch file. */
static enum heft_status copy_once(struct reader *r, struct pieces *p, uint32_t storage,
                                  const uint8_t **bytes, struct heft_error *err)
{
	struct copied *c = &r->copies[storage];
	enum heft_status st = HEFT_OK;

	pthread_mutex_lock(&r->mutex);
	if (!c->bytes)
		st = copy_record(r, p, &c->bytes, err);
	*bytes = c->bytes;
	pthread_mutex_unlock(&r->mutex);
	return st;
}

/* Whether a copy of the record is cheaper than to read the places of the tensor one by one: to
 * inflate it again for each piece would take for ever, and of a transposed matrix of 50,257 by 768
 * F32 that may not be mapped, 0.01 GB/s are read by pieces, 0.4 from a copy. */
static bool is_to_be_copied(const struct seen *at)
{
	if (at->record->is_deflated)
		return true;
	return at->s.run_size < SMALL_RUN && at->s.n_bytes > SMALL_TENSOR &&
	       at->s.n_bytes >= at->record->size / 8;
}

/* The tensor's bytes in their order, and each number's as they lie in the file. */
static enum heft_status read_raw(struct reader *r, const struct seen *at, uint64_t off,
                                 uint8_t *dst, size_t n, struct heft_error *err)
{
	struct pieces p = { .f = &r->file, .record = at->record };
	const uint8_t *bytes;

	if (heft_strided_is_contiguous(&at->s))
		return read_storage(&p, at->s.offset + off, dst, n, err);
	if (!p.record->is_deflated && heft_source_map(r->file.src, &bytes, NULL) == HEFT_OK)
		bytes += p.record->off;
	else if (is_to_be_copied(at))
		HEFT_TRY(copy_once(r, &p, at->storage, &bytes, err));
	else
		return heft_strided_read(&at->s, read_storage, &p, off, dst, n, err);
	heft_strided_gather(&at->s, bytes, off, dst, n);
	return HEFT_OK;
}

/* A part of one number that lies the other way round. */
static enum heft_status read_part(struct reader *r, const struct seen *at, uint64_t off,
                                  uint8_t *dst, size_t n, struct heft_error *err)
{
	const uint64_t skip = off % at->swap;
	uint8_t number[8];

	HEFT_TRY(read_raw(r, at, off - skip, number, at->swap, err));
	heft_swap_bytes(number, at->swap, at->swap);
	memcpy(dst, number + skip, n);
	return HEFT_OK;
}

static enum heft_status read_swapped(struct reader *r, const struct seen *at, uint64_t off,
                                     uint8_t *dst, size_t n, struct heft_error *err)
{
	while (n > 0) {
		const uint64_t skip = off % at->swap;
		size_t part = n - n % at->swap;

		if (skip > 0 || part == 0) {
			part = n < at->swap - skip ? n : (size_t)(at->swap - skip);
			HEFT_TRY(read_part(r, at, off, dst, part, err));
		} else {
			HEFT_TRY(read_raw(r, at, off, dst, part, err));
			heft_swap_bytes(dst, part, at->swap);
		}
		off += part;
		dst += part;
		n -= part;
	}
	return HEFT_OK;
}

static enum heft_status read_tensor(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	struct reader *r = st;
	struct seen at;

	if (n == 0)
		return HEFT_OK;
	look(r, i, &at);
	if (at.swap > 1)
		return read_swapped(r, &at, off, dst, n, err);
	return read_raw(r, &at, off, dst, n, err);
}

const struct heft_format heft_format_pytorch = {
	.name = "pytorch",
	.ext = ".pt .pth .bin .ckpt .jit .th",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_TIES,
	.head_size = HEAD_SIZE,
	.probe = probe,
	.open = open_file,
	.close = close_file,
	.n_tensors = n_tensors,
	.tensor_at = tensor_at,
	.find = find,
	.read = read_tensor,
	.locate = locate,
	.metadata = metadata,
	.check_data = check_data,
	.check = heft_torch_check,
	.begin = heft_torch_begin,
	.scratch_size = heft_format_no_scratch,
	.encode = heft_torch_encode,
	.place = heft_torch_place,
	.store = heft_torch_store,
	.finish = heft_torch_finish,
	.writer_free = heft_torch_writer_free,
};
