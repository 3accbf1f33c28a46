/* SPDX-License-Identifier: Apache-2.0 */
/* trainer_select.c - which tensors of a model are trained, and with what rate and decay. */
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "train/trainer_state.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to train with");
}

void heft_trainer_add_note(struct heft_trainer *t, const char *format, ...)
{
	va_list args;

	if (t->n_notes == HEFT_TRAINER_MAX_NOTES)
		return;
	va_start(args, format);
	vsnprintf(t->notes[t->n_notes++], HEFT_TRAINER_NOTE_SIZE, format, args);
	va_end(args);
}

/* --- patterns --- */

static bool matches(const struct heft_patterns *p, const char *name)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (fnmatch(p->texts[i], name, 0) == 0)
			return true;
	}
	return false;
}

static enum heft_status check_pattern(const struct heft_trainer *t, const char *pattern,
                                      const char *key, struct heft_error *err)
{
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		if (fnmatch(pattern, t->tensors[i].tensor.name, 0) == 0)
			return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "%s '%.100s' matches no tensor that could be trained", key, pattern);
}

static enum heft_status check_patterns(const struct heft_trainer *t, struct heft_error *err)
{
	const struct heft_recipe *r = t->recipe;

	for (uint32_t i = 0; i < r->freeze.n; i++)
		HEFT_TRY(check_pattern(t, r->freeze.texts[i], "freeze", err));
	for (uint32_t i = 0; i < r->train.n; i++)
		HEFT_TRY(check_pattern(t, r->train.texts[i], "train", err));
	for (uint32_t i = 0; i < r->groups.n; i++)
		HEFT_TRY(check_pattern(t, r->groups.rows[i].pattern, "group", err));
	return HEFT_OK;
}

/* --- one tensor --- */

/* What the graph does not tell the use of is trained only by name. */
static bool is_trained(const struct heft_recipe *r, const struct heft_tensor *tensor)
{
	if (matches(&r->freeze, tensor->name))
		return false;
	if (r->train.n > 0)
		return matches(&r->train, tensor->name);
	return tensor->role != HEFT_ROLE_UNKNOWN;
}

static void set_rates(const struct heft_recipe *r, struct heft_trained *row)
{
	const enum heft_role role = row->tensor.role;
	const bool decays = r->decay_all || (role != HEFT_ROLE_BIAS && role != HEFT_ROLE_NORM);

	row->lr = r->lr;
	row->weight_decay = decays ? r->weight_decay : 0;
	for (uint32_t i = 0; i < r->groups.n; i++) {
		const struct heft_recipe_group *g = &r->groups.rows[i];

		if (fnmatch(g->pattern, row->tensor.name, 0) != 0)
			continue;
		row->lr = g->has_lr ? g->lr : row->lr;
		row->weight_decay = g->has_weight_decay ? g->weight_decay : row->weight_decay;
		break;
	}
}

/* Memory of a trained tensor: its values, the best ones, the optimiser's. */
static enum heft_status take_memory(struct heft_trainer *t, struct heft_trained *row,
                                    struct heft_error *err)
{
	const struct heft_recipe *r = t->recipe;
	const size_t n = (size_t)row->tensor.n_bytes;
	const uint32_t n_states = r->optimizer->n_states(r);

	row->values = heft_alloc(n);
	row->best = r->keep == HEFT_KEEP_BEST ? heft_alloc(n) : NULL;
	if (!row->values || (r->keep == HEFT_KEEP_BEST && !row->best))
		return no_memory(err);
	memcpy(row->values, row->param.array.bytes, n);
	if (row->best)
		memcpy(row->best, row->values, n);
	for (uint32_t k = 0; k < n_states; k++) {
		row->states[k] = heft_zalloc(n);
		if (!row->states[k])
			return no_memory(err);
	}
	return HEFT_OK;
}

static enum heft_status add_trained(struct heft_trainer *t, struct heft_trained *row,
                                    struct heft_error *err)
{
	if (t->n_trained > 0 && row->tensor.dtype != t->dtype)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "tensors that are trained are %s and %s ('%.80s'): one dtype is "
		                 "needed, and `heft convert --dtype` gives it",
		                 heft_dtype_name(t->dtype), heft_dtype_name(row->tensor.dtype),
		                 row->tensor.name);
	t->dtype = row->tensor.dtype;
	row->number = t->n_trained;
	row->first = t->n_elements;
	t->numbers[t->n_trained] = row->param.tensor;
	t->n_elements += row->tensor.n_elements;
	HEFT_TRY(take_memory(t, row, err));
	t->values[t->n_trained++] = row->values;
	return HEFT_OK;
}

/* --- all of them --- */

static enum heft_status describe_params(struct heft_trainer *t, const struct heft_param *params,
                                        uint32_t n, const enum heft_role *roles,
                                        struct heft_error *err)
{
	t->tensors = heft_zalloc_array(n, sizeof *t->tensors);
	t->numbers = heft_zalloc_array(n, sizeof *t->numbers);
	t->values = heft_zalloc_array(n, sizeof *t->values);
	if (!t->tensors || !t->numbers || !t->values)
		return no_memory(err);
	for (uint32_t i = 0; i < n; i++) {
		struct heft_trained *row = &t->tensors[t->n_tensors];

		HEFT_TRY(heft_tensor_at(t->file, params[i].tensor, &row->tensor, err));
		row->tensor.role = roles[params[i].tensor];
		row->param = params[i];
		if (row->tensor.role != HEFT_ROLE_BUFFER && row->tensor.n_elements > 0)
			t->n_tensors++;
	}
	return HEFT_OK;
}

static enum heft_status select_rows(struct heft_trainer *t, struct heft_error *err)
{
	uint32_t n_unknown = 0;

	HEFT_TRY(check_patterns(t, err));
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		struct heft_trained *row = &t->tensors[i];

		row->is_trained = is_trained(t->recipe, &row->tensor);
		set_rates(t->recipe, row);
		if (row->is_trained)
			HEFT_TRY(add_trained(t, row, err));
		else
			n_unknown += row->tensor.role == HEFT_ROLE_UNKNOWN &&
			             row->tensor.n_elements > 1 && t->recipe->train.n == 0;
	}
	if (t->n_trained == 0)
		return heft_fail(
			err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			t->n_tensors == 0
				? "the model has no F32 or F64 tensor that could be trained"
				: "nothing is left to train: every tensor is frozen");
	if (n_unknown > 0)
		heft_trainer_add_note(
			t,
			"%u tensors are no weights by what the graph does with them, and "
			"stay as they are; name them to train them",
			n_unknown);
	return HEFT_OK;
}

enum heft_status heft_trainer_select(struct heft_trainer *t, struct heft_error *err)
{
	struct heft_param *params = NULL;
	enum heft_role *roles = heft_alloc_array(heft_n_tensors(t->file) + 1, sizeof *roles);
	uint32_t n = 0;
	enum heft_status st = roles ? heft_model_params(t->model, &params, &n, err)
	                            : no_memory(err);

	if (st == HEFT_OK)
		st = heft_roles(t->file, roles, err);
	if (st == HEFT_OK)
		st = describe_params(t, params, n, roles, err);
	if (st == HEFT_OK)
		st = select_rows(t, err);
	heft_free(params);
	heft_free(roles);
	return st;
}

void heft_trainer_tensors_free(struct heft_trainer *t)
{
	for (uint32_t i = 0; i < t->n_tensors; i++) {
		heft_free(t->tensors[i].values);
		heft_free(t->tensors[i].best);
		for (uint32_t k = 0; k < HEFT_OPTIMIZER_MAX_STATES; k++)
			heft_free(t->tensors[i].states[k]);
	}
	heft_free(t->tensors);
	heft_free(t->numbers);
	heft_free(t->values);
}
