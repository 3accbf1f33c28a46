/* SPDX-License-Identifier: Apache-2.0 */
/* restore_check.c - opens the file that a recipe gives, and compares its tensors with those that it
 * is to have. */
#include "weights/restore_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lock.h"

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
		if (strcmp(a.name, b.name) != 0 || a.dtype != b.dtype || a.rank != b.rank ||
		    a.space != b.space || memcmp(a.dims, b.dims, a.rank * sizeof a.dims[0]) != 0)
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives another tensor than '%s'", a.name);
	}
	return HEFT_OK;
}

/* The last piece that begins at or before `off`: behind empty ones, the one that has bytes. */
static uint32_t find_piece(const struct heft_restored *r, uint64_t off)
{
	uint32_t low = 0;
	uint32_t high = r->n_pieces;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (r->pieces[middle].off <= off)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Whether the new file's n bytes at `off` come from tensor i, from its first byte to its last. */
static bool is_from_tensor(const struct heft_restored *r, uint64_t off, uint64_t n, uint32_t i)
{
	uint64_t at = 0;

	for (uint32_t k = find_piece(r, off); at < n && k < r->n_pieces; k++) {
		const struct heft_origin_piece *from = &r->recipe->pieces[k];

		if (from->size == 0)
			continue;
		if (r->pieces[k].tensor != i || r->pieces[k].off != off + at || from->first != at)
			return false;
		at += from->size;
	}
	return at == n;
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
		if (!is_from_tensor(r, place.off, t.n_bytes, i))
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
			                 "the recipe gives other bytes than those of tensor '%s'",
			                 t.name);
	}
	return HEFT_OK;
}

enum heft_status heft_restored_check(const struct heft_restored *r, int fd, struct heft_error *err)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_PREAD };
	struct heft_source *src;
	void *st_new = NULL;
	enum heft_status st;

	HEFT_TRY(heft_source_open_fd(fd, false, &src, err));
	st = r->format->open(src, r->file->path, &options, &st_new, err);
	if (st == HEFT_OK)
		st = compare_tensors(r->file, r->format, st_new, err);
	if (st == HEFT_OK)
		st = compare_bytes(r, st_new, err);
	if (st_new)
		r->format->close(st_new);
	heft_source_close(src);
	return st;
}

static enum heft_status write_literals(const struct heft_restored *r, int fd,
                                       struct heft_error *err)
{
	for (uint32_t k = 0; k < r->n_pieces; k++) {
		const struct heft_origin_piece *from = &r->recipe->pieces[k];

		if (from->literal)
			HEFT_TRY(heft_fd_pwrite(fd, r->pieces[k].off, from->literal,
			                        (size_t)from->size, err));
	}
	return heft_fd_truncate(fd, r->recipe->size, err);
}

/* What goes into a pipe cannot be looked at afterwards, so a file with holes instead of the
 * tensors' bytes is looked at before. */
enum heft_status heft_restored_check_before(const struct heft_restored *r, struct heft_error *err)
{
	FILE *f = tmpfile();
	const int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 0) : -1;
	enum heft_status st;

	if (f)
		fclose(f);
	if (fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET,
		                 "there is no place for a temporary file");
	st = write_literals(r, fd, err);
	if (st == HEFT_OK)
		return heft_restored_check(r, fd, err);
	close(fd);
	return st;
}
