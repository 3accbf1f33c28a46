/* SPDX-License-Identifier: Apache-2.0 */
/* edit.c - heft_edit_open to heft_edit_commit: a heft file is updated in place, any other one is
 * written anew. */
#include "heft/edit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "weights/edit_rewrite.h"
#include "weights/edit_rows.h"
#include "weights/file.h"

struct heft_edit {
	struct heft_update *update;        /* of a heft file, else NULL */
	struct heft_edit_rows *rows;       /* NULL: no tensor was spoken of */
	struct heft_edit_rewrite *rewrite; /* of any other file, else NULL */
	uint64_t n_tied;
	uint64_t n_untied;
	bool has_failed;
};

/* --- open --- */

static enum heft_status is_heft(const char *path, bool *answer, struct heft_error *err)
{
	const struct heft_format *format;
	struct heft_source *src;
	enum heft_status st;

	HEFT_TRY(heft_source_open(path, false, &src, err));
	st = heft_format_probe(src, &format, err);
	if (st == HEFT_OK)
		*answer = format->index != NULL;
	heft_source_close(src);
	return st;
}

static enum heft_status open_edit(struct heft_edit *e, const char *path,
                                  const struct heft_edit_options *options, struct heft_error *err)
{
	bool in_place;

	HEFT_TRY(is_heft(path, &in_place, err));
	if (in_place)
		return heft_update_open(path, options, &e->update, err);
	return heft_edit_rewrite_open(path, options, &e->rewrite, err);
}

enum heft_status heft_edit_open(const char *path, const struct heft_edit_options *options,
                                struct heft_edit **edit, struct heft_error *err)
{
	struct heft_edit *e = heft_zalloc(sizeof *e);
	enum heft_status st;

	if (!e)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an edit");
	st = open_edit(e, path, options, err);
	if (st != HEFT_OK) {
		heft_edit_discard(e);
		return st;
	}
	*edit = e;
	return HEFT_OK;
}

void heft_edit_discard(struct heft_edit *edit)
{
	if (!edit)
		return;
	heft_edit_rows_free(edit->rows);
	heft_update_discard(edit->update);
	heft_edit_rewrite_discard(edit->rewrite);
	heft_free(edit);
}

/* --- changes --- */

/* What every change begins with. */
static enum heft_status check_usable(const struct heft_edit *e, struct heft_error *err)
{
	if (e->has_failed)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the edit has failed before");
	return HEFT_OK;
}

/* A mistake of the caller's changes nothing; after anything else who knows how much was done. */
static enum heft_status note(struct heft_edit *e, enum heft_status st)
{
	if (st != HEFT_OK && st != HEFT_E_USAGE && st != HEFT_E_NOT_FOUND)
		e->has_failed = true;
	return st;
}

enum heft_status heft_edit_set_metadata(struct heft_edit *edit, const char *key,
                                        const char *json_value, struct heft_error *err)
{
	HEFT_TRY(check_usable(edit, err));
	if (edit->update)
		return note(edit, heft_update_set_metadata(edit->update, key, json_value, err));
	return note(edit, heft_edit_rewrite_set(edit->rewrite, key, json_value, err));
}

enum heft_status heft_edit_unset_metadata(struct heft_edit *edit, const char *key,
                                          struct heft_error *err)
{
	HEFT_TRY(check_usable(edit, err));
	if (edit->update)
		return note(edit, heft_update_unset_metadata(edit->update, key, err));
	return note(edit, heft_edit_rewrite_unset(edit->rewrite, key, err));
}

/* Of a heft file; made when a tensor is first spoken of. */
static enum heft_status need_rows(struct heft_edit *e, struct heft_error *err)
{
	if (e->rows)
		return HEFT_OK;
	return note(e, heft_edit_rows_new(e->update, &e->rows, err));
}

enum heft_status heft_edit_rename(struct heft_edit *edit, const char *from, const char *to,
                                  struct heft_error *err)
{
	const struct heft_rename rule = { .from = from, .to = to };

	HEFT_TRY(check_usable(edit, err));
	if (edit->rewrite)
		return note(edit, heft_edit_rewrite_rename(edit->rewrite, &rule, err));
	HEFT_TRY(need_rows(edit, err));
	return note(edit, heft_edit_rows_rename(edit->rows, &rule, err));
}

enum heft_status heft_edit_delete(struct heft_edit *edit, const char *pattern,
                                  struct heft_error *err)
{
	HEFT_TRY(check_usable(edit, err));
	if (edit->rewrite)
		return note(edit, heft_edit_rewrite_delete(edit->rewrite, pattern, err));
	HEFT_TRY(need_rows(edit, err));
	return note(edit, heft_edit_rows_delete(edit->rows, pattern, err));
}

enum heft_status heft_edit_tie(struct heft_edit *edit, const char *name, const char *first,
                               struct heft_error *err)
{
	HEFT_TRY(check_usable(edit, err));
	if (edit->rewrite)
		return heft_edit_rewrite_tie(edit->rewrite, err);
	HEFT_TRY(need_rows(edit, err));
	HEFT_TRY(note(edit, heft_edit_rows_tie(edit->rows, name, first, err)));
	edit->n_tied++;
	return HEFT_OK;
}

enum heft_status heft_edit_untie(struct heft_edit *edit, const char *name, struct heft_error *err)
{
	HEFT_TRY(check_usable(edit, err));
	if (edit->rewrite)
		return heft_edit_rewrite_tie(edit->rewrite, err);
	HEFT_TRY(need_rows(edit, err));
	HEFT_TRY(note(edit, heft_edit_rows_untie(edit->rows, name, err)));
	edit->n_untied++;
	return HEFT_OK;
}

/* --- the end --- */

enum heft_status heft_edit_check(struct heft_edit *edit, struct heft_edit_report *report,
                                 struct heft_error *err)
{
	struct heft_edit_report r = { .n_tied = edit->n_tied, .n_untied = edit->n_untied };

	HEFT_TRY(check_usable(edit, err));
	if (edit->rows)
		HEFT_TRY(heft_edit_rows_check(edit->rows, err));
	if (edit->update)
		HEFT_TRY(heft_update_check(edit->update, &r, err));
	else
		HEFT_TRY(heft_edit_rewrite_check(edit->rewrite, &r, err));
	*report = r;
	return HEFT_OK;
}

static enum heft_status commit(struct heft_edit *e, struct heft_error *err)
{
	HEFT_TRY(check_usable(e, err));
	if (e->rows)
		HEFT_TRY(heft_edit_rows_check(e->rows, err));
	if (e->update)
		return heft_update_commit(e->update, err);
	return heft_edit_rewrite_commit(e->rewrite, err);
}

enum heft_status heft_edit_commit(struct heft_edit *edit, struct heft_error *err)
{
	const enum heft_status st = commit(edit, err);

	heft_edit_discard(edit);
	return st;
}
