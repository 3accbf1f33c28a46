/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - heft_open and what reads from an open file, whatever its format. */
#include "weights/file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/folder.h"
#include "codec/digest_tree.h"
#include "container/index.h"
#include "container/tail_bits.h"
#include "container/verify.h"
#include "weights/find_file.h"

static enum heft_status pick_format(struct heft_file *f, const char *name, struct heft_error *err)
{
	if (!name)
		return heft_format_probe(f->src, &f->format, err);
	f->format = heft_format_by_name(name);
	if (!f->format || !(f->format->caps & HEFT_FORMAT_READ))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "no format is called '%s'",
		                 name);
	return HEFT_OK;
}

static enum heft_status expect(const uint8_t *wanted, const uint8_t *found, const char *what,
                               struct heft_error *err)
{
	if (memcmp(wanted, found, HEFT_DIGEST_SIZE) == 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "the %s digest is not the expected one", what);
}

/* A heft file's own statement is compared, and its data when it is read; another file is hashed
 * here. */
static enum heft_status check_expected(struct heft_file *f, const struct heft_open_options *o,
                                       struct heft_error *err)
{
	uint8_t digest[HEFT_DIGEST_SIZE];

	if (o->expect_artifact_digest) {
		HEFT_TRY(heft_artifact_digest(f, digest, err));
		HEFT_TRY(expect(o->expect_artifact_digest, digest, "artifact", err));
	}
	if (!o->expect_weights_digest)
		return HEFT_OK;
	if (heft_file_index(f))
		HEFT_TRY(heft_stated_weights_digest(f, digest, err));
	else
		HEFT_TRY(heft_weights_digest(f, &o->run, digest, err));
	return expect(o->expect_weights_digest, digest, "weights", err);
}

/* A folder stands for the file of weights in it. */
static enum heft_status find_path(const char *path, char **found, struct heft_error *err)
{
	if (heft_is_folder(path))
		return heft_find_file(path, found, err);
	*found = heft_strdup(path);
	return *found ? HEFT_OK
	              : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
}

static enum heft_status keep_assumes(struct heft_file *f, const struct heft_open_options *o,
                                     struct heft_error *err)
{
	f->assumes = heft_zalloc_array(o->n_assumes, sizeof *f->assumes);
	if (!f->assumes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a file");
	for (; f->n_assumes < o->n_assumes; f->n_assumes++) {
		char *foreign = heft_strdup(o->assumes[f->n_assumes].foreign);

		if (!foreign)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a file");
		f->assumes[f->n_assumes] = (struct heft_assume){
			.foreign = foreign, .dtype = o->assumes[f->n_assumes].dtype
		};
	}
	return HEFT_OK;
}

enum heft_status heft_open(const char *path, const struct heft_open_options *options,
                           struct heft_file **file, struct heft_error *err)
{
	struct heft_open_options o = options ? *options : (struct heft_open_options){ .flags = 0 };
	struct heft_file *f = heft_zalloc(sizeof *f);
	enum heft_status st;

	if (!f)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a file");
	if (o.expect_weights_digest || o.expect_artifact_digest) {
		/* What was compared must be what is read. */
		o.flags |= HEFT_OPEN_VERIFY;
		o.flags &= ~(uint32_t)HEFT_OPEN_TRUST_INDEX;
	}
	f->flags = o.flags;
	st = find_path(path, &f->path, err);
	if (st == HEFT_OK)
		st = keep_assumes(f, &o, err);
	if (st == HEFT_OK)
		st = heft_source_open(f->path, !(o.flags & HEFT_OPEN_PREAD), &f->src, err);
	if (st == HEFT_OK)
		st = pick_format(f, o.format, err);
	if (st == HEFT_OK)
		st = f->format->open(f->src, f->path, &o, &f->st, err);
	if (st == HEFT_OK)
		st = check_expected(f, &o, err);
	if (st != HEFT_OK) {
		heft_close(f);
		return st;
	}
	*file = f;
	return HEFT_OK;
}

void heft_close(struct heft_file *file)
{
	if (!file)
		return;
	if (file->st)
		file->format->close(file->st);
	heft_source_close(file->src);
	for (uint32_t i = 0; i < file->n_assumes; i++)
		heft_free((void *)file->assumes[i].foreign);
	heft_free(file->assumes);
	heft_free(file->path);
	heft_free(file);
}

const char *heft_format_name(const struct heft_file *file)
{
	return file->format->name;
}

uint64_t heft_file_size(const struct heft_file *file, uint32_t *n_files)
{
	uint64_t size = heft_source_size(file->src);
	uint64_t more;
	uint32_t n = 1;

	while (file->format->file_at && file->format->file_at(file->st, n, &more)) {
		size += more;
		n++;
	}
	if (n_files)
		*n_files = n;
	return size;
}

uint32_t heft_n_tensors(const struct heft_file *file)
{
	return file->format->n_tensors(file->st);
}

enum heft_status heft_tensor_at(struct heft_file *file, uint32_t i, struct heft_tensor *tensor,
                                struct heft_error *err)
{
	if (i >= heft_n_tensors(file))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "tensor %u of %u", i,
		                 heft_n_tensors(file));
	return file->format->tensor_at(file->st, i, tensor, err);
}

enum heft_status heft_find_in(struct heft_file *file, enum heft_space space, const char *name,
                              struct heft_tensor *tensor, struct heft_error *err)
{
	uint32_t i;

	HEFT_TRY(file->format->find(file->st, (uint8_t)space, name, &i, err));
	return file->format->tensor_at(file->st, i, tensor, err);
}

enum heft_status heft_find(struct heft_file *file, const char *name, struct heft_tensor *tensor,
                           struct heft_error *err)
{
	return heft_find_in(file, HEFT_SPACE_WEIGHTS, name, tensor, err);
}

/* Lest a description from another file make a read leave its tensor. */
static enum heft_status check_tensor(struct heft_file *file, const struct heft_tensor *t,
                                     struct heft_error *err)
{
	struct heft_tensor own = { .n_bytes = UINT64_MAX };

	if (t->index < heft_n_tensors(file))
		HEFT_TRY(file->format->tensor_at(file->st, t->index, &own, err));
	if (t->n_bytes == own.n_bytes && t->n_elements == own.n_elements)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the tensor is not of this file");
}

enum heft_status heft_read(struct heft_file *file, const struct heft_tensor *tensor,
                           uint64_t offset, void *dst, size_t n, struct heft_error *err)
{
	HEFT_TRY(check_tensor(file, tensor, err));
	if (!heft_in_range(offset, n, tensor->n_bytes))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "bytes past the end of tensor '%s'", tensor->name);
	if (n == 0)
		return HEFT_OK;
	return file->format->read(file->st, tensor->index, offset, dst, n, err);
}

static enum heft_status verify_chunk(struct heft_index *ix, uint32_t row_i,
                                     const struct heft_row *row, uint64_t chunk_i,
                                     const uint8_t *leaf, struct heft_sha256 *h,
                                     struct heft_error *err)
{
	uint8_t stated[HEFT_DIGEST_SIZE];

	HEFT_TRY(heft_index_leaf(ix, row_i, row, chunk_i, h, stated, err));
	HEFT_TRY(heft_sha256_check(h, err));
	if (memcmp(stated, leaf, HEFT_DIGEST_SIZE) == 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, row->place + chunk_i * row->chunk_size,
	                 "chunk %llu of tensor '%.*s' does not match its digest",
	                 (unsigned long long)chunk_i, (int)row->name_size, row->name);
}

/* Two chunks, from `first` on, or the last one. */
static enum heft_status verify_two(struct heft_index *ix, uint32_t row_i,
                                   const struct heft_row *row, uint64_t first, const uint8_t *bytes,
                                   struct heft_sha256 *h, struct heft_error *err)
{
	uint8_t leaves[2][HEFT_DIGEST_SIZE];
	struct heft_sha256_input inputs[2];
	size_t n = 0;

	for (; n < 2 && first + n < row->n_chunks; n++) {
		const uint64_t off = (first + n) * row->chunk_size;
		const uint64_t left = row->n_bytes - off;

		inputs[n] = (struct heft_sha256_input){
			.bytes = bytes + off,
			.n = left < row->chunk_size ? (size_t)left : row->chunk_size,
			.digest = leaves[n],
		};
	}
	heft_digest_leaves(h, inputs, n);
	for (size_t i = 0; i < n; i++)
		HEFT_TRY(verify_chunk(ix, row_i, row, first + i, leaves[i], h, err));
	return HEFT_OK;
}

/* Compares the mapped bytes of a heft file's tensor with the leaves that the file states. */
static enum heft_status verify_mapped(struct heft_index *ix, const struct heft_tensor *t,
                                      const uint8_t *bytes, struct heft_error *err)
{
	struct heft_sha256 *h;
	struct heft_row row;
	uint32_t row_i;
	enum heft_status st = HEFT_OK;

	HEFT_TRY(heft_index_row_at(ix, t->index, &row_i, err));
	HEFT_TRY(heft_index_row(ix, row_i, &row, err));
	HEFT_TRY(heft_sha256_new(&h, err));
	for (uint64_t c = 0; st == HEFT_OK && c < row.n_chunks; c += 2)
		st = verify_two(ix, row_i, &row, c, bytes, h, err);
	heft_sha256_free(h);
	if (st == HEFT_OK && !heft_tail_bits_ok(row.dtype, t->n_elements, bytes[row.n_bytes - 1]))
		st = heft_fail(err, HEFT_E_CORRUPT, row.place + row.n_bytes - 1,
		               "tensor '%.*s' has bits behind its last element that are not 0",
		               (int)row.name_size, row.name);
	return st;
}

enum heft_status heft_map(struct heft_file *file, const struct heft_tensor *tensor,
                          const void **bytes, struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);
	const uint8_t *map;
	struct heft_place place;
	uint64_t off;

	HEFT_TRY(check_tensor(file, tensor, err));
	HEFT_TRY(file->format->locate(file->st, tensor->index, &place, err));
	if (place.transform)
		return heft_fail(
			err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			"tensor '%.80s' lies in another order: it can be read and not mapped",
			tensor->name);
	off = place.off;
	HEFT_TRY(heft_source_map(place.src, &map, err));
	if (tensor->n_bytes == 0) {
		*bytes = map;
		return HEFT_OK;
	}
	if (!heft_in_range(off, tensor->n_bytes, heft_source_size(place.src)))
		return heft_fail(err, HEFT_E_CORRUPT, off, "tensor '%s' ends past the file",
		                 tensor->name);
	if (ix && (file->flags & HEFT_OPEN_VERIFY))
		HEFT_TRY(verify_mapped(ix, tensor, map + off, err));
	*bytes = map + off;
	return HEFT_OK;
}

enum heft_status heft_metadata(struct heft_file *file, const char **json, struct heft_error *err)
{
	return file->format->metadata(file->st, json, err);
}

enum heft_status heft_graph(struct heft_file *file, const void **graph, size_t *size,
                            struct heft_error *err)
{
	const uint8_t *bytes = NULL;
	uint64_t n = 0;
	size_t fits;

	if (file->format->graph)
		HEFT_TRY(file->format->graph(file->st, &bytes, &n, err));
	if (!heft_to_size(n, &fits))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the graph is too large");
	*graph = fits > 0 ? bytes : NULL;
	*size = fits;
	return HEFT_OK;
}

struct heft_file_state heft_file_state(const struct heft_file *file)
{
	struct heft_file_state s = { 0 };
	struct heft_index *ix = file->format->index ? file->format->index(file->st) : NULL;
	const struct heft_pages *pages;
	const struct heft_page *other;
	const struct heft_page *current;
	uint64_t end;

	if (!ix)
		return s;
	pages = heft_index_pages(ix);
	current = &pages->page[pages->current];
	other = &pages->page[1 - pages->current];
	end = current->dir_off + current->dir_size;
	s.generation = heft_index_page(ix)->generation > UINT32_MAX
	                       ? UINT32_MAX
	                       : (uint32_t)heft_index_page(ix)->generation;
	s.has_previous = other->kind == HEFT_PAGE_VALID &&
	                 other->generation + 1 == current->generation;
	s.has_bad_page = current->generation == 1 ? other->kind != HEFT_PAGE_EMPTY
	                                          : !s.has_previous;
	s.n_tail_bytes = pages->file_size > end ? pages->file_size - end : 0;
	if (heft_index_dead_bytes(ix, &s.n_dead_bytes, NULL) != HEFT_OK)
		s.n_dead_bytes = 0;
	return s;
}

const char *heft_format_at(uint32_t i, const char **extension, bool *can_write, bool *can_stream)
{
	const struct heft_format *f = heft_format_get(i);

	if (!f)
		return NULL;
	if (extension)
		*extension = f->ext;
	if (can_write)
		*can_write = (f->caps & HEFT_FORMAT_WRITE) != 0 || f->set;
	if (can_stream)
		*can_stream = (f->caps & HEFT_FORMAT_STREAM) != 0;
	return f->name;
}
