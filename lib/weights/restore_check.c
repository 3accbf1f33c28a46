/* SPDX-License-Identifier: Apache-2.0 */
/* restore_check.c - opens the file, or the set of files, that a recipe gives, and compares its
 * tensors with those that it is to have. */
#include "weights/restore_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lock.h"

/* A file that does not say what its bytes mean holds those of any dtype as long. */
static bool is_dtype(const struct heft_tensor *wanted, const struct heft_tensor *found)
{
	return found->dtype == wanted->dtype ||
	       (found->dtype == HEFT_DTYPE_VOID && found->n_bytes == wanted->n_bytes);
}

static enum heft_status compare_tensors(struct heft_file *file, const struct heft_format *format,
                                        void *st_new, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(file);
	struct heft_tensor a;
	struct heft_tensor b;

	if (format->n_tensors(st_new) != n)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the recipe gives another number of tensors");
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_tensor_at(file, i, &a, err));
		HEFT_TRY(format->tensor_at(st_new, i, &b, err));
		if (strcmp(a.name, b.name) != 0 || a.rank != b.rank || a.space != b.space ||
		    memcmp(a.dims, b.dims, a.rank * sizeof a.dims[0]) != 0)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives another tensor than '%s'", a.name);
		if (!is_dtype(&a, &b))
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives tensor '%.80s' another dtype: say "
			                 "--assume as when it was read",
			                 a.name);
	}
	return HEFT_OK;
}

/* The last piece that begins at or before `off`: behind empty ones, the one that has bytes. */
static uint32_t find_piece(const struct heft_restore_file *f, uint64_t off)
{
	uint32_t low = 0;
	uint32_t high = f->plan.n_tensors;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (f->pieces[middle].off <= off)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Whether the n bytes at a place of the new files come from tensor i, from its first byte to its
 * last, and in the order that the new file's reader takes them for. */
static bool is_from_tensor(const struct heft_restored *r, const struct heft_place *place,
                           uint64_t n, uint32_t i)
{
	const struct heft_restore_file *f;
	uint64_t at = 0;

	if (place->file >= r->recipe->origin.n_files)
		return n == 0;
	f = &r->recipe->files[place->file];
	for (uint32_t k = find_piece(f, place->off); at < n && k < f->plan.n_tensors; k++) {
		const struct heft_origin_piece *from = &f->recipe->pieces[k];

		if (from->size == 0)
			continue;
		if (f->pieces[k].tensor != i || f->pieces[k].off != place->off + at ||
		    from->first != at || from->transform != place->transform)
			return false;
		at += from->size;
	}
	return at == n;
}

/* The new set's files are numbered as the recipe's: else a place would be looked for in another
 * file. */
static enum heft_status compare_files(const struct heft_restored *r, const void *st_new,
                                      struct heft_error *err)
{
	const struct heft_origin *o = &r->recipe->origin;
	uint64_t size = 0;
	const char *name;

	if (!r->format->file_at)
		return HEFT_OK;
	for (uint32_t i = 1; i <= o->n_files; i++) {
		name = r->format->file_at(st_new, i, &size);
		if ((i == o->n_files) != !name || (name && strcmp(name, o->files[i].name) != 0))
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives other files than those of a set");
	}
	return HEFT_OK;
}

/* The chunks were verified while they were read, so where a tensor's bytes come from says what
 * they are. */
static enum heft_status compare_bytes(const struct heft_restored *r, void *st_new,
                                      struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(r->file);
	struct heft_tensor t;
	struct heft_place place;

	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_tensor_at(r->file, i, &t, err));
		HEFT_TRY(r->format->locate(st_new, i, &place, err));
		if (!is_from_tensor(r, &place, t.n_bytes, i))
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives other bytes than those of tensor '%s'",
			                 t.name);
	}
	return HEFT_OK;
}

enum heft_status heft_restored_check(const struct heft_restored *r, struct heft_source *src,
                                     const char *path, struct heft_error *err)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_PREAD,
		                                   .assumes = r->file->assumes,
		                                   .n_assumes = r->file->n_assumes };
	void *st_new = NULL;
	enum heft_status st = r->format->open(src, path, &options, &st_new, err);

	if (st == HEFT_OK)
		st = compare_files(r, st_new, err);
	if (st == HEFT_OK)
		st = compare_tensors(r->file, r->format, st_new, err);
	if (st == HEFT_OK)
		st = compare_bytes(r, st_new, err);
	if (st_new)
		r->format->close(st_new);
	return st;
}

static enum heft_status write_literals(const struct heft_restore_file *f, int fd,
                                       struct heft_error *err)
{
	for (uint32_t k = 0; k < f->plan.n_tensors; k++) {
		const struct heft_origin_piece *from = &f->recipe->pieces[k];

		if (from->literal)
			HEFT_TRY(heft_fd_pwrite(fd, f->pieces[k].off, from->literal,
			                        (size_t)from->size, err));
	}
	return heft_fd_truncate(fd, f->recipe->size, err);
}

/* What goes into a pipe cannot be looked at afterwards, so a file with holes instead of the
 * tensors' bytes is looked at before. */
enum heft_status heft_restored_check_before(const struct heft_restored *r, struct heft_error *err)
{
	FILE *f = tmpfile();
	const int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 0) : -1;
	struct heft_source *src;
	enum heft_status st;

	if (f)
		fclose(f);
	if (fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET,
		                 "there is no place for a temporary file");
	st = write_literals(&r->recipe->files[0], fd, err);
	if (st != HEFT_OK) {
		close(fd);
		return st;
	}
	HEFT_TRY(heft_source_open_fd(fd, false, &src, err));
	st = heft_restored_check(r, src, r->file->path, err);
	heft_source_close(src);
	return st;
}
