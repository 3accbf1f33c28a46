/* SPDX-License-Identifier: Apache-2.0 */
/* selection.c - include, exclude, rename and dtype rules over a file's tensors. */
#include "weights/selection.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "weights/file.h"
#include "weights/rename.h"
#include "weights/unit.h"

/* A selection in the making. */
struct maker {
	struct heft_selection *s;
	struct heft_file *file;
	const struct heft_convert_plan *plan;
	struct heft_listing *tensors;
	bool *used; /* of each rule: include, exclude, rename, dtype, behind one another */
	/* of each tie group of the file: its first chosen tensor; UINT32_MAX: none yet */
	uint32_t *leader;
	/* of each chosen tensor that leads: the next one of its group in another dtype */
	uint32_t *next_leader;
	char name[HEFT_MAX_NAME + 1];
};

static uint32_t n_rules(const struct heft_convert_plan *p)
{
	return p->n_include + p->n_exclude + p->n_renames + p->n_dtype_rules;
}

bool heft_match_any(const char *const *patterns, uint32_t n, const char *name, bool *used)
{
	bool found = false;

	for (uint32_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			found = used[i] = true;
	return found;
}

static bool is_chosen(struct maker *m, const struct heft_tensor *t)
{
	const struct heft_convert_plan *p = m->plan;
	const bool in = heft_match_any(p->include, p->n_include, t->name, m->used) ||
	                p->n_include == 0;
	const bool out = heft_match_any(p->exclude, p->n_exclude, t->name, m->used + p->n_include);

	return in && !out && !(p->weights_only && t->space != HEFT_SPACE_WEIGHTS);
}

static enum heft_status pick_name(struct maker *m, const struct heft_tensor *t, const char **name,
                                  struct heft_error *err)
{
	const struct heft_convert_plan *p = m->plan;
	bool *used = m->used + p->n_include + p->n_exclude;

	*name = t->name;
	for (uint32_t i = 0; i < p->n_renames; i++) {
		const char *part = NULL;
		size_t part_size;

		if (!heft_rename_matches(&p->renames[i], t->name, &part, &part_size))
			continue;
		used[i] = true;
		HEFT_TRY(heft_rename_fill(&p->renames[i], part, part_size, m->name, err));
		if (strcmp(m->name, t->name) != 0) {
			m->s->n_renamed++;
			m->s->is_changed = true;
		}
		*name = m->name;
		break;
	}
	return HEFT_OK;
}

static bool is_real(const struct heft_dtype_info *info)
{
	return info && !info->is_complex && !info->is_block;
}

static enum heft_status pick_dtype(struct maker *m, const struct heft_tensor *t,
                                   enum heft_dtype *dtype, struct heft_error *err)
{
	const struct heft_convert_plan *p = m->plan;
	const struct heft_dtype_info *from = heft_dtype_describe(t->dtype);
	bool *used = m->used + p->n_include + p->n_exclude + p->n_renames;

	*dtype = p->float_dtype && from && from->is_float ? p->float_dtype : t->dtype;
	for (uint32_t i = 0; i < p->n_dtype_rules; i++) {
		if (fnmatch(p->dtype_rules[i].pattern, t->name, 0) != 0)
			continue;
		used[i] = true;
		*dtype = p->dtype_rules[i].dtype;
		break;
	}
	if (*dtype == t->dtype)
		return HEFT_OK;
	if (!is_real(from) || !is_real(heft_dtype_describe(*dtype)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%s' cannot be converted from %s to %s", t->name,
		                 heft_dtype_name(t->dtype), heft_dtype_name(*dtype));
	m->s->n_cast++;
	m->s->is_changed = true;
	return HEFT_OK;
}

/* A tie stays one between the tensors that come in the same dtype. */
static void keep_tie(struct maker *m, const struct heft_tensor *t, uint32_t i)
{
	struct heft_listed *row = heft_listing_row_mut(m->tensors, i);
	uint32_t *leader = &m->leader[t->tie];

	m->next_leader[i] = UINT32_MAX;
	while (*leader != UINT32_MAX && heft_listing_row(m->tensors, *leader)->dtype != row->dtype)
		leader = &m->next_leader[*leader];
	if (*leader == UINT32_MAX)
		*leader = i;
	row->tie = *leader;
	row->share = *leader;
}

static enum heft_status add(struct maker *m, const struct heft_tensor *t, struct heft_error *err)
{
	struct heft_selection *s = m->s;
	struct heft_listed row = { .space = (uint8_t)t->space,
		                   .rank = (uint8_t)t->rank,
		                   .n_bytes = t->n_bytes };
	enum heft_dtype dtype;
	const char *name;

	HEFT_TRY(pick_name(m, t, &name, err));
	HEFT_TRY(pick_dtype(m, t, &dtype, err));
	HEFT_TRY(heft_tensor_unit(m->file, t, &row.unit, err));
	row.dtype = (uint16_t)dtype;
	HEFT_TRY(heft_listing_add(m->tensors, name, strlen(name), t->dims, &row, HEFT_E_USAGE,
	                          HEFT_NO_OFFSET, err));
	s->source[s->n] = t->index;
	s->source_dtype[s->n] = (uint16_t)t->dtype;
	keep_tie(m, t, s->n);
	s->n++;
	return HEFT_OK;
}

static enum heft_status unused_rule(const struct heft_convert_plan *p, uint32_t i,
                                    struct heft_error *err)
{
	const char *option = "--include";
	const char *rule;

	if (i < p->n_include) {
		rule = p->include[i];
	} else if ((i -= p->n_include) < p->n_exclude) {
		option = "--exclude";
		rule = p->exclude[i];
	} else if ((i -= p->n_exclude) < p->n_renames) {
		option = "--rename";
		rule = p->renames[i].from;
	} else {
		option = "--dtype-of";
		rule = p->dtype_rules[i - p->n_renames].pattern;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s '%s' matches no tensor", option,
	                 rule);
}

static enum heft_status make(struct maker *m, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(m->file);
	struct heft_tensor t;

	for (uint32_t i = 0; i < m->plan->n_renames; i++)
		HEFT_TRY(heft_rename_check(&m->plan->renames[i], err));
	for (uint32_t i = 0; i < n; i++)
		m->leader[i] = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		HEFT_TRY(heft_tensor_at(m->file, i, &t, err));
		if (is_chosen(m, &t))
			HEFT_TRY(add(m, &t, err));
		else
			m->s->is_changed = true;
	}
	for (uint32_t i = 0; i < n_rules(m->plan); i++)
		if (!m->used[i])
			return unused_rule(m->plan, i, err);
	return HEFT_OK;
}

enum heft_status heft_selection_make(struct heft_selection *s, struct heft_file *file,
                                     const struct heft_convert_plan *plan,
                                     struct heft_listing *tensors, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(file);
	struct maker *m = heft_zalloc(sizeof *m);
	enum heft_status st;

	*s = (struct heft_selection){ .n = 0 };
	if (!m)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a selection");
	m->s = s;
	m->file = file;
	m->plan = plan;
	m->tensors = tensors;
	m->used = heft_zalloc_array(n_rules(plan), sizeof *m->used);
	m->leader = heft_alloc_array(n, sizeof *m->leader);
	m->next_leader = heft_alloc_array(n, sizeof *m->next_leader);
	s->source = heft_alloc_array(n, sizeof *s->source);
	s->source_dtype = heft_alloc_array(n, sizeof *s->source_dtype);
	if (m->used && m->leader && m->next_leader && s->source && s->source_dtype)
		st = make(m, err);
	else
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	heft_free(m->used);
	heft_free(m->leader);
	heft_free(m->next_leader);
	heft_free(m);
	if (st != HEFT_OK)
		heft_selection_done(s);
	return st;
}

void heft_selection_done(struct heft_selection *s)
{
	heft_free(s->source);
	heft_free(s->source_dtype);
	*s = (struct heft_selection){ .source = NULL };
}
