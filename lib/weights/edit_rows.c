/* SPDX-License-Identifier: Apache-2.0 */
/* edit_rows.c - turns rules over the names of a heft file's tensors into changes of its rows. */
#include "weights/edit_rows.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "weights/graph_fit.h"
#include "weights/rename.h"

#define NONE UINT32_MAX

struct heft_edit_rows {
	struct heft_index *ix;
	struct heft_row_changes *changes;
	uint32_t *rule_of; /* of a row: the rename rule that it goes by */
	char **rules;      /* what each rename rule is for, as a person wrote it */
	uint32_t n_rules;
	uint8_t spaces[256]; /* that the file has, ascending */
	uint32_t n_spaces;
	char old_name[HEFT_MAX_NAME + 1];
	char new_name[HEFT_MAX_NAME + 1];
};

/* Rows ascend by space. */
static enum heft_status list_spaces(struct heft_edit_rows *r, struct heft_error *err)
{
	for (uint32_t i = 0; i < r->changes->n; i++) {
		struct heft_row row;

		HEFT_TRY(heft_index_row(r->ix, i, &row, err));
		if (r->n_spaces == 0 || r->spaces[r->n_spaces - 1] != row.space)
			r->spaces[r->n_spaces++] = row.space;
	}
	return HEFT_OK;
}

static enum heft_status fill(struct heft_edit_rows *r, struct heft_update *update,
                             struct heft_error *err)
{
	r->ix = heft_update_index(update);
	HEFT_TRY(heft_update_rows(update, &r->changes, err));
	r->rule_of = heft_alloc_array(r->changes->n, sizeof *r->rule_of);
	if (!r->rule_of)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 r->changes->n);
	memset(r->rule_of, 0xff, r->changes->n * sizeof *r->rule_of);
	return list_spaces(r, err);
}

enum heft_status heft_edit_rows_new(struct heft_update *update, struct heft_edit_rows **out,
                                    struct heft_error *err)
{
	struct heft_edit_rows *r = heft_zalloc(sizeof *r);
	enum heft_status st;

	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an edit");
	st = fill(r, update, err);
	if (st != HEFT_OK) {
		heft_edit_rows_free(r);
		return st;
	}
	*out = r;
	return HEFT_OK;
}

void heft_edit_rows_free(struct heft_edit_rows *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->n_rules; i++)
		heft_free(r->rules[i]);
	heft_free(r->rules);
	heft_free(r->rule_of);
	heft_free(r);
}

/* --- rows that match --- */

static bool is_exact(const char *pattern)
{
	return strpbrk(pattern, "*?[\\") == NULL;
}

static enum heft_status no_match(const char *pattern, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%.80s' matches no tensor", pattern);
}

static bool find(const struct heft_edit_rows *r, uint32_t space_i, const char *name,
                 uint32_t *row_i)
{
	return heft_index_find(r->ix, r->spaces[space_i], name, strlen(name), row_i, NULL) ==
	       HEFT_OK;
}

/* Looks at a row, whose name is r->old_name. */
typedef enum heft_status visit_fn(struct heft_edit_rows *r, uint32_t row_i, void *ctx,
                                  struct heft_error *err);

static enum heft_status visit_row(struct heft_edit_rows *r, uint32_t row_i, visit_fn *visit,
                                  void *ctx, struct heft_error *err)
{
	struct heft_row row;

	HEFT_TRY(heft_index_row(r->ix, row_i, &row, err));
	memcpy(r->old_name, row.name, row.name_size);
	r->old_name[row.name_size] = '\0';
	return visit(r, row_i, ctx, err);
}

/* All rows; of a name without wildcards only those that have it, so that many such rules cost
 * little. */
static enum heft_status visit_rows(struct heft_edit_rows *r, const char *pattern, bool exact,
                                   visit_fn *visit, void *ctx, struct heft_error *err)
{
	uint32_t row_i;

	for (uint32_t i = 0; exact && i < r->n_spaces; i++)
		if (find(r, i, pattern, &row_i))
			HEFT_TRY(visit_row(r, row_i, visit, ctx, err));
	for (uint32_t i = 0; !exact && i < r->changes->n; i++)
		HEFT_TRY(visit_row(r, i, visit, ctx, err));
	return HEFT_OK;
}

/* --- renaming --- */

struct renaming {
	const struct heft_rename *rule;
	bool is_matched;
	bool is_used;
};

static enum heft_status rename_row(struct heft_edit_rows *r, uint32_t row_i, void *ctx,
                                   struct heft_error *err)
{
	struct renaming *renaming = ctx;
	const char *part;
	size_t part_size;

	if (!heft_rename_matches(renaming->rule, r->old_name, &part, &part_size))
		return HEFT_OK;
	renaming->is_matched = true;
	if (r->rule_of[row_i] != NONE)
		return HEFT_OK;
	HEFT_TRY(heft_rename_fill(renaming->rule, part, part_size, r->new_name, err));
	HEFT_TRY(heft_row_rename(r->changes, row_i, r->new_name, err));
	r->rule_of[row_i] = r->n_rules - 1;
	renaming->is_used = true;
	return HEFT_OK;
}

static bool is_power_of_two(uint32_t n)
{
	return (n & (n - 1)) == 0;
}

static enum heft_status add_rule(struct heft_edit_rows *r, const char *from, struct heft_error *err)
{
	char *copy = heft_strdup(from);

	if (copy && is_power_of_two(r->n_rules)) { /* 0, 1, 2, 4, … rules fill the array */
		const size_t room = r->n_rules > 0 ? (size_t)2 * r->n_rules : 1;
		char **rules = heft_realloc_array(r->rules, room, sizeof *rules);

		if (rules) {
			r->rules = rules;
		} else {
			heft_free(copy);
			copy = NULL;
		}
	}
	if (!copy)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a rule");
	r->rules[r->n_rules++] = copy;
	return HEFT_OK;
}

/* With all that it did. */
static void drop_last_rule(struct heft_edit_rows *r)
{
	heft_free(r->rules[--r->n_rules]);
	for (uint32_t i = 0; i < r->changes->n; i++) {
		if (r->rule_of[i] != r->n_rules)
			continue;
		heft_row_keep_name(r->changes, i);
		r->rule_of[i] = NONE;
	}
}

enum heft_status heft_edit_rows_rename(struct heft_edit_rows *r, const struct heft_rename *rule,
                                       struct heft_error *err)
{
	struct renaming renaming = { .rule = rule };
	const bool exact = strchr(rule->from, '*') == NULL;
	enum heft_status st;

	HEFT_TRY(heft_rename_check(rule, err));
	HEFT_TRY(add_rule(r, rule->from, err));
	st = visit_rows(r, rule->from, exact, rename_row, &renaming, err);
	if (st == HEFT_OK && renaming.is_used)
		return HEFT_OK;
	drop_last_rule(r);
	if (st != HEFT_OK)
		return st;
	if (!renaming.is_matched)
		return no_match(rule->from, err);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "all that '%.80s' matches has a new name already", rule->from);
}

/* --- deleting --- */

struct deleting {
	const char *pattern;
	bool is_exact;
	bool is_used;
};

static enum heft_status delete_row(struct heft_edit_rows *r, uint32_t row_i, void *ctx,
                                   struct heft_error *err)
{
	struct deleting *deleting = ctx;

	(void)err;
	if (!deleting->is_exact && fnmatch(deleting->pattern, r->old_name, 0) != 0)
		return HEFT_OK;
	heft_row_delete(r->changes, row_i);
	deleting->is_used = true;
	return HEFT_OK;
}

enum heft_status heft_edit_rows_delete(struct heft_edit_rows *r, const char *pattern,
                                       struct heft_error *err)
{
	struct deleting deleting = { .pattern = pattern, .is_exact = is_exact(pattern) };

	HEFT_TRY(visit_rows(r, pattern, deleting.is_exact, delete_row, &deleting, err));
	return deleting.is_used ? HEFT_OK : no_match(pattern, err);
}

/* --- ties --- */

/* In the lowest space that has it. */
static enum heft_status find_first(const struct heft_edit_rows *r, const char *name,
                                   uint32_t *row_i, struct heft_error *err)
{
	for (uint32_t i = 0; i < r->n_spaces; i++)
		if (find(r, i, name, row_i))
			return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no tensor '%.80s'", name);
}

enum heft_status heft_edit_rows_tie(struct heft_edit_rows *r, const char *name, const char *first,
                                    struct heft_error *err)
{
	uint32_t row_i;
	uint32_t first_i;

	HEFT_TRY(find_first(r, name, &row_i, err));
	HEFT_TRY(find_first(r, first, &first_i, err));
	return heft_row_tie(r->changes, row_i, first_i, err);
}

enum heft_status heft_edit_rows_untie(struct heft_edit_rows *r, const char *name,
                                      struct heft_error *err)
{
	uint32_t row_i;

	HEFT_TRY(find_first(r, name, &row_i, err));
	return heft_row_untie(r->changes, row_i, err);
}

static enum heft_status check_rules(const struct heft_edit_rows *r, struct heft_error *err)
{
	bool *is_live = heft_zalloc_array(r->n_rules, sizeof *is_live);
	enum heft_status st = HEFT_OK;

	if (!is_live)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u rules",
		                 r->n_rules);
	for (uint32_t i = 0; i < r->changes->n; i++)
		if (r->rule_of[i] != NONE && !r->changes->rows[i].is_deleted)
			is_live[r->rule_of[i]] = true;
	for (uint32_t i = 0; i < r->n_rules && st == HEFT_OK; i++)
		if (!is_live[i])
			st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			               "all that '%.80s' renames is deleted", r->rules[i]);
	heft_free(is_live);
	return st;
}

enum heft_status heft_edit_rows_check(struct heft_edit_rows *r, struct heft_error *err)
{
	HEFT_TRY(check_rules(r, err));
	return heft_graph_fits_rows(r->changes, &r->changes->keeps_graph, err);
}
