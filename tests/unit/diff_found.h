/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_found.h - writes files of small tensors and keeps what heft_diff says of two of them.
 */
#ifndef HEFT_DIFF_FOUND_H
#define HEFT_DIFF_FOUND_H

#include "heft/diff.h"
#include "model.h"
#include "scratch.h"

#define FOUND_MAX 16

/* What heft_diff told. */
struct found {
	struct heft_difference d[FOUND_MAX];
	char name[FOUND_MAX][32];
	char other[FOUND_MAX][32]; /* of a renamed one */
	uint32_t n;
	struct heft_diff_summary summary;
};

/* A tensor to be written, of rank 1. */
struct piece {
	const char *name;
	enum heft_dtype dtype;
	uint64_t n;
	const void *bytes;
	size_t size;
};

static inline const char *write_pieces(struct scratch *s, const char *file, const char *format,
                                       const struct piece *pieces, size_t n)
{
	const struct heft_write_options options = { .overwrite = true, .no_sync = true };
	const char *path = scratch_path(s, file);
	struct heft_writer *w;
	struct heft_error err;

	ck_assert_msg(heft_create(path, format, &options, &w, &err) == HEFT_OK, "%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		const struct heft_tensor t = { .name = pieces[i].name,
			                       .dtype = pieces[i].dtype,
			                       .rank = 1,
			                       .dims = { pieces[i].n } };

		ck_assert_msg(heft_declare(w, &t, &err) == HEFT_OK, "%s", err.msg);
	}
	for (uint32_t i = 0; i < n; i++)
		model_put(w, i, pieces[i].bytes, pieces[i].size);
	ck_assert_msg(heft_commit(w, NULL, &err) == HEFT_OK, "%s", err.msg);
	return path;
}

static inline void found_keep(void *user, const struct heft_difference *d)
{
	struct found *f = user;

	ck_assert_uint_lt(f->n, FOUND_MAX);
	ck_assert(d->a || d->b);
	f->d[f->n] = *d;
	snprintf(f->name[f->n], sizeof f->name[0], "%s", d->a ? d->a->name : d->b->name);
	snprintf(f->other[f->n], sizeof f->other[0], "%s", d->b ? d->b->name : d->a->name);
	f->n++;
}

static inline void diff_with(const char *a, const char *b, const struct heft_diff_options *options,
                             uint32_t flags, struct found *f)
{
	const struct heft_open_options open_options = { .flags = flags };
	struct heft_file *files[2];
	struct heft_error err;

	memset(f, 0, sizeof *f);
	ck_assert_msg(heft_open(a, &open_options, &files[0], &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_open(b, &open_options, &files[1], &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_diff(files[0], files[1], options, found_keep, f, &f->summary, &err) ==
	                      HEFT_OK,
	              "%s", err.msg);
	heft_close(files[0]);
	heft_close(files[1]);
}

/* Two files of one tensor each. */
static inline struct heft_difference diff_values(struct scratch *s, enum heft_dtype dtype_a,
                                                 const void *a, size_t a_size,
                                                 enum heft_dtype dtype_b, const void *b,
                                                 size_t b_size, uint64_t n)
{
	const struct piece x = { "w", dtype_a, n, a, a_size };
	const struct piece y = { "w", dtype_b, n, b, b_size };
	struct found f;

	diff_with(write_pieces(s, "x", "heft", &x, 1), write_pieces(s, "y", "heft", &y, 1), NULL, 0,
	          &f);
	ck_assert_uint_le(f.n, 1);
	ck_assert_uint_eq(f.summary.n_equal, f.n == 0);
	ck_assert_int_eq(f.summary.is_equal, f.n == 0);
	return f.d[0];
}

#endif
