/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit_heft.h - a heft file that a test edits, and a model of what it should hold then: an array of
 * make_tensor that starts as make_all.
 */
#ifndef HEFT_EDIT_HEFT_H
#define HEFT_EDIT_HEFT_H

#include <stdlib.h>
#include <string.h>

#include "heft/edit.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *other;

/* What the file should hold: a copy of make_all that the tests change. */
static struct make_tensor model[MAKE_ALL_N];
static uint32_t model_n;

static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true };

static inline void make_model(const char *file)
{
	const struct make_heft m = {
		.tensors = model, .n = model_n, .options.no_sync = true, .mixed = true
	};

	make_heft(&m, file);
}

static inline void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
	memcpy(model, make_all, sizeof make_all);
	model_n = MAKE_ALL_N;
	make_model(path);
}

static inline void teardown(void)
{
	scratch_done(&scratch);
}

/* --- the model --- */

static inline void model_rename(const char *from, const char *to)
{
	for (uint32_t i = 0; i < model_n; i++)
		if (strcmp(model[i].name, from) == 0)
			model[i].name = to;
}

/* Those that had its bytes have the same ones as the first of them. */
static inline void model_hand_over(uint32_t i)
{
	uint32_t heir = UINT32_MAX;

	for (uint32_t k = 0; k < model_n; k++) {
		if (k == i || !(model[k].is_tied || model[k].shares) || model[k].of != i)
			continue;
		if (heir == UINT32_MAX) {
			heir = k;
			model[k].is_tied = model[i].is_tied;
			model[k].shares = model[i].shares;
			model[k].of = model[i].of;
			model[k].fill = model[i].fill;
			model[k].seed = model[i].seed;
			model[k].is_coded = model[i].is_coded;
		} else {
			model[k].of = heir;
		}
	}
}

static inline void model_delete(const char *name)
{
	for (uint32_t i = 0; i < model_n;) {
		if (strcmp(model[i].name, name) != 0) {
			i++;
			continue;
		}
		model_hand_over(i);
		memmove(model + i, model + i + 1, (--model_n - i) * sizeof *model);
		for (uint32_t k = 0; k < model_n; k++)
			model[k].of -= model[k].of > i;
	}
}

/* The file is what the model says; compact, it has the very bytes of one that was made so. */
static inline void check_model(void)
{
	struct made f;
	char *bytes;
	size_t n;

	made_open(&f, path);
	made_check(&f, model, model_n);
	made_close(&f);
	made_verify(path, false);
	make_model(other);
	bytes = scratch_read(other, &n);
	ck_assert_int_eq(heft_compact(path, &quick, NULL, NULL), HEFT_OK);
	scratch_check(path, bytes, n);
	free(bytes);
}

/* --- edits --- */

static inline struct heft_edit *begin(void)
{
	struct heft_edit *edit = NULL;
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_edit_open(path, &quick, &edit, &err) == HEFT_OK, "%s", err.msg);
	return edit;
}

#define OK(call)                                                             \
	do {                                                                 \
		struct heft_error err_;                                      \
		err_.msg[0] = '\0';                                          \
		ck_assert_msg((call) == HEFT_OK, "%s: %s", #call, err_.msg); \
	} while (0)

static inline void commit(struct heft_edit *edit)
{
	OK(heft_edit_commit(edit, &err_));
}

static inline void rename_one(const char *from, const char *to)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_rename(edit, from, to, &err_));
	commit(edit);
}

static inline void delete_one(const char *pattern)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_delete(edit, pattern, &err_));
	commit(edit);
}

static inline void tie_one(const char *name, const char *first)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_tie(edit, name, first, &err_));
	commit(edit);
}

static inline void untie_one(const char *name)
{
	struct heft_edit *edit = begin();

	OK(heft_edit_untie(edit, name, &err_));
	commit(edit);
}

static inline uint64_t generation(void)
{
	struct made f;
	uint64_t g;

	made_open(&f, path);
	g = heft_index_page(f.ix)->generation;
	made_close(&f);
	return g;
}

static inline void digests(const char *file, uint8_t *weights, uint8_t *artifact)
{
	struct made f;

	made_open(&f, file);
	ck_assert_int_eq(heft_index_weights_digest(f.ix, weights, NULL), HEFT_OK);
	ck_assert_int_eq(heft_index_artifact_digest(f.ix, artifact, NULL), HEFT_OK);
	made_close(&f);
}

static inline void get_row(struct made *f, const char *name, struct heft_row *row)
{
	uint32_t row_i;

	ck_assert_int_eq(heft_index_find(f->ix, 0, name, strlen(name), &row_i, NULL), HEFT_OK);
	ck_assert_int_eq(heft_index_row(f->ix, row_i, row, NULL), HEFT_OK);
}

/* The name that a tensor's tie has. */
static inline void check_tie(const char *name, const char *first)
{
	struct heft_row row;
	struct heft_row tie;
	struct made f;

	made_open(&f, path);
	get_row(&f, name, &row);
	ck_assert_int_eq(heft_index_row(f.ix, row.tie, &tie, NULL), HEFT_OK);
	ck_assert_uint_eq(tie.name_size, strlen(first));
	ck_assert_mem_eq(tie.name, first, tie.name_size);
	made_close(&f);
}

#endif
