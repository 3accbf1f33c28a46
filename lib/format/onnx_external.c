/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_external.c - the files beside an ONNX model that hold weights of it: opened beneath its
 * folder, held against what the model says of them, read, and checked. */
#include "format/onnx_external.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/beneath.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/meter.h"
#include "codec/sha1.h"

/* Exporters of large models write a file a tensor, thousands of them, where a process may have
 * 1,024 open. */
#define MAX_KEPT 64u
#define QUOTED 80 /* bytes of a path in a message */
#define HASHED_AT_ONCE ((size_t)256 << 10)

struct file {
	const char *location; /* the model's */
	uint64_t size;
	struct heft_source *kept; /* NULL: opened when it is read */
	uint32_t external_i;      /* the first that names it */
	uint32_t checked_i;       /* the first that states its checksum, or NONE */
};

struct heft_onnx_files {
	const struct heft_onnx_model *model;
	struct heft_listing *names; /* a row a file: finds a location */
	struct file *files;
	uint32_t *file_of; /* one an external */
	uint32_t n;
	int folder; /* -1: not opened yet */
	bool may_map;
};

/* --- opening --- */

/* The caller knows the name of the model alone. What is missing or no file makes a model that is
 * not whole. */
static enum heft_status file_fault(const struct heft_onnx_files *f, const struct file *file,
                                   enum heft_status st, const struct heft_error *why,
                                   struct heft_error *err)
{
	const uint64_t at = f->model->externals[file->external_i].at;

	if (st == HEFT_E_NOT_FOUND)
		return heft_fail(err, HEFT_E_CORRUPT, at,
		                 "external file '%.*s' does not lie beside the model", QUOTED,
		                 file->location);
	return heft_fail(err, st == HEFT_E_USAGE ? HEFT_E_CORRUPT : st, at,
	                 "external file '%.*s': %s", QUOTED, file->location, why->msg);
}

static enum heft_status open_source(const struct heft_onnx_files *f, const struct file *file,
                                    struct heft_source **src, struct heft_error *err)
{
	struct heft_error why;
	enum heft_status st;
	int fd;

	st = heft_beneath_open(f->folder, file->location, &fd, &why);
	if (st == HEFT_OK)
		st = heft_source_open_fd(fd, f->may_map, src, &why);
	return st == HEFT_OK ? HEFT_OK : file_fault(f, file, st, &why, err);
}

static enum heft_status open_file(struct heft_onnx_files *f, struct file *file, bool keep,
                                  struct heft_error *err)
{
	struct heft_source *src = NULL;

	HEFT_TRY(open_source(f, file, &src, err));
	file->size = heft_source_size(src);
	if (keep)
		file->kept = src;
	else
		heft_source_close(src);
	return HEFT_OK;
}

/* Which file each external is in; a new one is opened. */
static enum heft_status note_external(struct heft_onnx_files *f, uint32_t i, struct heft_error *err)
{
	const struct heft_onnx_external *e = &f->model->externals[i];
	const struct heft_listed row = { .dtype = HEFT_DTYPE_U8 };
	const size_t size = strlen(e->location);
	struct file *file;
	uint32_t k;

	if (!heft_listing_find(f->names, HEFT_SPACE_WEIGHTS, e->location, size, &k)) {
		HEFT_TRY(heft_listing_add(f->names, e->location, size, NULL, &row, HEFT_E_CORRUPT,
		                          e->at, err));
		k = f->n++;
		f->files[k] = (struct file){ .location = e->location,
			                     .external_i = i,
			                     .checked_i = HEFT_ONNX_NONE };
		HEFT_TRY(open_file(f, &f->files[k], k < MAX_KEPT, err));
	}
	file = &f->files[k];
	f->file_of[i] = k;
	if (e->has_checksum && file->checked_i == HEFT_ONNX_NONE)
		file->checked_i = i;
	return HEFT_OK;
}

/* O3-4 and O3-5: the range, and that a file has but one checksum. */
static enum heft_status check_external(const struct heft_onnx_files *f, uint32_t i,
                                       struct heft_error *err)
{
	const struct heft_onnx_external *e = &f->model->externals[i];
	const struct file *file = &f->files[f->file_of[i]];

	if (!heft_in_range(e->offset, e->length, file->size))
		return heft_fail(err, HEFT_E_CORRUPT, e->at,
		                 "a tensor ends past the end of external file '%.*s'", QUOTED,
		                 file->location);
	if (e->is_rest && e->offset + e->length != file->size)
		return heft_fail(
			err, HEFT_E_CORRUPT, e->at,
			"what is left of external file '%.*s' is not as large as the tensor",
			QUOTED, file->location);
	if (e->has_checksum &&
	    memcmp(e->checksum, f->model->externals[file->checked_i].checksum, HEFT_SHA1_SIZE) != 0)
		return heft_fail(err, HEFT_E_CORRUPT, e->at,
		                 "external file '%.*s' has two checksums", QUOTED, file->location);
	return HEFT_OK;
}

static enum heft_status open_all(struct heft_onnx_files *f, const char *path,
                                 struct heft_error *err)
{
	const uint32_t n = f->model->n_externals;

	f->files = heft_zalloc_array(n, sizeof *f->files);
	f->file_of = heft_zalloc_array(n, sizeof *f->file_of);
	if (!f->files || !f->file_of)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for external files");
	if (n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_listing_new(&f->names, err));
	HEFT_TRY(heft_beneath_folder(path, &f->folder, err));
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(note_external(f, i, err));
		HEFT_TRY(check_external(f, i, err));
	}
	return HEFT_OK;
}

enum heft_status heft_onnx_files_open(const char *path, const struct heft_onnx_model *model,
                                      bool may_map, struct heft_onnx_files **out,
                                      struct heft_error *err)
{
	struct heft_onnx_files *f = heft_zalloc(sizeof *f);
	enum heft_status st;

	if (!f)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for external files");
	f->model = model;
	f->folder = -1;
	f->may_map = may_map;
	st = open_all(f, path, err);
	if (st == HEFT_OK)
		*out = f;
	else
		heft_onnx_files_close(f);
	return st;
}

void heft_onnx_files_close(struct heft_onnx_files *f)
{
	if (!f)
		return;
	for (uint32_t k = 0; k < f->n; k++)
		heft_source_close(f->files[k].kept);
	if (f->folder >= 0)
		close(f->folder);
	heft_listing_free(f->names);
	heft_free(f->file_of);
	heft_free(f->files);
	heft_free(f);
}

/* --- reading --- */

const char *heft_onnx_files_at(const struct heft_onnx_files *f, uint32_t i, uint64_t *size)
{
	if (i >= f->n)
		return NULL;
	*size = f->files[i].size;
	return f->files[i].location;
}

/* Opens a file that does not stay open, or gives the one that does; release gives it back. */
static enum heft_status borrow(const struct heft_onnx_files *f, const struct file *file,
                               struct heft_source **src, struct heft_error *err)
{
	*src = file->kept;
	return file->kept ? HEFT_OK : open_source(f, file, src, err);
}

static void release(const struct file *file, struct heft_source *src)
{
	if (src != file->kept)
		heft_source_close(src);
}

static enum heft_status read_file(const struct heft_onnx_files *f, const struct file *file,
                                  struct heft_source *src, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err)
{
	struct heft_error why;
	const enum heft_status st = heft_source_read(src, off, dst, n, &why);

	return st == HEFT_OK ? HEFT_OK : file_fault(f, file, st, &why, err);
}

enum heft_status heft_onnx_files_read(struct heft_onnx_files *f, uint32_t external_i, uint64_t off,
                                      void *dst, size_t n, struct heft_error *err)
{
	const struct file *file = &f->files[f->file_of[external_i]];
	struct heft_source *src = NULL;
	enum heft_status st;

	HEFT_TRY(borrow(f, file, &src, err));
	st = read_file(f, file, src, f->model->externals[external_i].offset + off, dst, n, err);
	release(file, src);
	return st;
}

enum heft_status heft_onnx_files_locate(struct heft_onnx_files *f, uint32_t external_i,
                                        struct heft_place *place, struct heft_error *err)
{
	const uint32_t k = f->file_of[external_i];

	if (!f->files[k].kept)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "external file '%.*s' does not stay open: it can be read and not "
		                 "mapped",
		                 QUOTED, f->files[k].location);
	*place = (struct heft_place){ .src = f->files[k].kept,
		                      .off = f->model->externals[external_i].offset,
		                      .file = k + 1 };
	return HEFT_OK;
}

/* --- checksums (O3-5) --- */

static enum heft_status hash_file(const struct heft_onnx_files *f, const struct file *file,
                                  struct heft_source *src, struct heft_sha1 *h, uint8_t *room,
                                  struct heft_meter *meter, struct heft_error *err)
{
	for (uint64_t off = 0; off < file->size;) {
		const uint64_t left = file->size - off;
		const size_t n = left < HASHED_AT_ONCE ? (size_t)left : HASHED_AT_ONCE;

		HEFT_TRY(read_file(f, file, src, off, room, n, err));
		HEFT_TRY(heft_sha1_add(h, room, n, err));
		HEFT_TRY(heft_meter_add(meter, n, err));
		off += n;
	}
	return HEFT_OK;
}

static enum heft_status check_file(const struct heft_onnx_files *f, const struct file *file,
                                   uint8_t *room, struct heft_meter *meter, struct heft_error *err)
{
	const struct heft_onnx_external *e = &f->model->externals[file->checked_i];
	struct heft_source *src = NULL;
	struct heft_sha1 *h = NULL;
	uint8_t digest[HEFT_SHA1_SIZE];
	enum heft_status st;

	HEFT_TRY(borrow(f, file, &src, err));
	st = heft_sha1_new(&h, err);
	if (st == HEFT_OK)
		st = hash_file(f, file, src, h, room, meter, err);
	if (st == HEFT_OK)
		st = heft_sha1_end(h, digest, err);
	heft_sha1_free(h);
	release(file, src);
	if (st == HEFT_OK && memcmp(digest, e->checksum, sizeof digest) != 0)
		st = heft_fail(err, HEFT_E_CORRUPT, e->at,
		               "external file '%.*s' does not match its checksum", QUOTED,
		               file->location);
	return st;
}

enum heft_status heft_onnx_files_check(struct heft_onnx_files *f, const struct heft_run *run,
                                       struct heft_error *err)
{
	enum heft_status st = HEFT_OK;
	struct heft_meter meter;
	uint64_t n_total = 0;
	uint8_t *room;

	for (uint32_t k = 0; k < f->n; k++)
		if (f->files[k].checked_i != HEFT_ONNX_NONE)
			n_total += f->files[k].size;
	if (n_total == 0)
		return HEFT_OK;
	room = heft_alloc(HASHED_AT_ONCE);
	if (!room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to check files");
	heft_meter_init(&meter, run, n_total);
	for (uint32_t k = 0; st == HEFT_OK && k < f->n; k++)
		if (f->files[k].checked_i != HEFT_ONNX_NONE)
			st = check_file(f, &f->files[k], room, &meter, err);
	heft_meter_done(&meter);
	heft_free(room);
	return st;
}
