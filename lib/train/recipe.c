/* SPDX-License-Identifier: Apache-2.0 */
/* recipe.c - a recipe's life: defaults, JSON, options, and whether its keys go together. */
#include "train/recipe.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "train/loss_rule.h"
#include "train/metric.h"
#include "train/optimizer.h"
#include "train/recipe_keys.h"
#include "train/schedule.h"

#define STEP_GAMMA 0.1

static const struct heft_recipe defaults = {
	.ignore_index = -100,
	.huber_delta = 1,
	.beta1 = 0.9,
	.beta2 = 0.999,
	.epsilon = 1e-8,
	.step_size = 1,
	.gamma = STEP_GAMMA,
	.epochs = 10,
	.batch = 32,
	.dropout = true,
};

void heft_recipe_set_default(struct heft_recipe *r, enum heft_recipe_field field)
{
	const struct heft_recipe_row *row = heft_recipe_row_at(field);
	void *to = (uint8_t *)r + row->at;
	const void *from = (const uint8_t *)&defaults + row->at;

	switch (row->kind) {
	case HEFT_KEY_REAL:
		*(double *)to = *(const double *)from;
		break;
	case HEFT_KEY_COUNT:
	case HEFT_KEY_INTEGER:
		memcpy(to, from, sizeof(uint64_t));
		break;
	case HEFT_KEY_SWITCH:
		*(bool *)to = *(const bool *)from;
		break;
	case HEFT_KEY_CHOICE:
		*(int *)to = *(const int *)from;
		break;
	case HEFT_KEY_LOSS:
		r->loss = NULL;
		break;
	case HEFT_KEY_OPTIMIZER:
		r->optimizer = heft_optimizer_find("adamw");
		break;
	case HEFT_KEY_SCHEDULE:
		r->schedule = heft_schedule_find("constant");
		break;
	case HEFT_KEY_EVERY:
		r->checkpoint_every = defaults.checkpoint_every;
		break;
	case HEFT_KEY_MONITOR:
	case HEFT_KEY_REALS:
	case HEFT_KEY_PATTERNS:
	case HEFT_KEY_GROUPS:
	case HEFT_KEY_NORMALIZE:
		break; /* empty, as heft_recipe_clear left them */
	}
}

enum heft_status heft_recipe_new(struct heft_recipe **recipe, struct heft_error *err)
{
	struct heft_recipe *r = heft_zalloc(sizeof *r);

	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	for (int i = 0; i < HEFT_RECIPE_N_FIELDS; i++)
		heft_recipe_clear(r, (enum heft_recipe_field)i);
	*recipe = r;
	return HEFT_OK;
}

void heft_recipe_free(struct heft_recipe *recipe)
{
	if (!recipe)
		return;
	for (int i = 0; i < HEFT_RECIPE_N_FIELDS; i++)
		heft_recipe_clear(recipe, (enum heft_recipe_field)i);
	heft_free(recipe);
}

/* --- JSON and options --- */

static enum heft_status read_members(struct heft_recipe *r, struct heft_json *j,
                                     struct heft_error *err)
{
	struct heft_json_token t;

	HEFT_TRY(heft_json_next(j, &t, err));
	if (t.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_USAGE, t.off, "a recipe is no JSON object");
	for (;;) {
		enum heft_recipe_field field;

		HEFT_TRY(heft_json_next(j, &t, err));
		if (t.kind == HEFT_JSON_OBJECT_END)
			break;
		field = heft_recipe_field_find(t.text, t.text_size);
		if (field == HEFT_RECIPE_N_FIELDS)
			return heft_recipe_unknown_key(t.text, t.text_size, t.off, err);
		HEFT_TRY(heft_json_next(j, &t, err));
		HEFT_TRY(heft_recipe_read_value(r, field, j, &t, false, err));
	}
	return heft_json_next(j, &t, err); /* nothing but white space behind it */
}

enum heft_status heft_recipe_parse(struct heft_recipe *recipe, const char *text, size_t size,
                                   struct heft_error *err)
{
	struct heft_json *j;
	enum heft_status st;

	HEFT_TRY(heft_json_new(text, size, 0, NULL, &j, err));
	st = read_members(recipe, j, err);
	heft_json_free(j);
	return st;
}

static enum heft_status read_value(struct heft_recipe *r, enum heft_recipe_field field,
                                   struct heft_json *j, bool adds, struct heft_error *err)
{
	struct heft_json_token t;

	HEFT_TRY(heft_json_next(j, &t, err));
	return heft_recipe_read_value(r, field, j, &t, adds, err);
}

/* That a text is one value and nothing else: before any of it is taken. */
static enum heft_status skip_value(struct heft_json *j, struct heft_error *err)
{
	struct heft_json_token t;

	HEFT_TRY(heft_json_next(j, &t, err));
	HEFT_TRY(heft_json_skip(j, &t, err));
	return heft_json_next(j, &t, err);
}

static enum heft_status read_alone(struct heft_recipe *r, enum heft_recipe_field field,
                                   const struct heft_buffer *json, bool adds,
                                   struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (int pass = 0; pass < 2 && st == HEFT_OK; pass++) {
		struct heft_json *j;

		HEFT_TRY(heft_json_new((const char *)json->bytes, json->size, 0, NULL, &j, err));
		st = pass == 0 ? skip_value(j, err) : read_value(r, field, j, adds, err);
		heft_json_free(j);
	}
	return st;
}

enum heft_status heft_recipe_set(struct heft_recipe *recipe, const char *key, const char *text,
                                 struct heft_error *err)
{
	const enum heft_recipe_field field = heft_recipe_field_find(key, strlen(key));
	const bool adds = text[0] != '[';
	struct heft_buffer json;
	enum heft_status st;

	if (field == HEFT_RECIPE_N_FIELDS)
		return heft_recipe_unknown_key(key, strlen(key), HEFT_NO_OFFSET, err);
	heft_buffer_init(&json);
	st = heft_recipe_json_of_option(field, text, &json, err);
	if (st == HEFT_OK)
		st = read_alone(recipe, field, &json, adds, err);
	heft_buffer_done(&json);
	if (st == HEFT_E_CORRUPT)
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%s' is no JSON: '%.60s'", key,
		               text);
	else if (st != HEFT_OK && err)
		err->offset = HEFT_NO_OFFSET; /* of an option there is no offset */
	return st;
}

enum heft_status heft_recipe_copy(const struct heft_recipe *from, struct heft_recipe **out,
                                  struct heft_error *err)
{
	struct heft_buffer text;
	struct heft_recipe *r;
	enum heft_status st;

	HEFT_TRY(heft_recipe_new(&r, err));
	heft_buffer_init(&text);
	heft_recipe_add_text(from, 0, &text);
	st = text.ok ? heft_recipe_parse(r, (const char *)text.bytes, text.size, err)
	             : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	heft_buffer_done(&text);
	if (st != HEFT_OK) {
		heft_recipe_free(r);
		return st;
	}
	r->given = from->given;
	*out = r;
	return HEFT_OK;
}

bool heft_recipe_is_set(const struct heft_recipe *recipe, const char *key)
{
	const enum heft_recipe_field field = heft_recipe_field_find(key, strlen(key));

	return field != HEFT_RECIPE_N_FIELDS && heft_recipe_has(recipe, field);
}

const char *heft_recipe_monitor(const struct heft_recipe *r)
{
	return r->monitor ? r->monitor : "val_loss";
}

/* --- keys together --- */

void heft_recipe_work_out(struct heft_recipe *r)
{
	if (!heft_recipe_has(r, HEFT_RECIPE_LR))
		r->lr = r->optimizer->default_lr;
	if (!heft_recipe_has(r, HEFT_RECIPE_WEIGHT_DECAY))
		r->weight_decay = r->optimizer->default_weight_decay;
	if (r->micro_batch == 0)
		r->micro_batch = r->batch;
}

/* Of a number or a switch. */
static bool is_default(const struct heft_recipe *r, enum heft_recipe_field field)
{
	const struct heft_recipe_row *row = heft_recipe_row_at(field);
	const void *value = (const uint8_t *)r + row->at;
	const void *untouched = (const uint8_t *)&defaults + row->at;

	if (row->kind == HEFT_KEY_SWITCH)
		return *(const bool *)value == *(const bool *)untouched;
	return *(const double *)value == *(const double *)untouched;
}

/* What is written out and does nothing is no fault: a printed recipe has every key. */
static enum heft_status check_optimizer(const struct heft_recipe *r, struct heft_error *err)
{
	static const enum heft_recipe_field of_sgd[] = { HEFT_RECIPE_MOMENTUM,
		                                         HEFT_RECIPE_DAMPENING,
		                                         HEFT_RECIPE_NESTEROV };
	static const enum heft_recipe_field of_adam[] = { HEFT_RECIPE_BETA1, HEFT_RECIPE_BETA2,
		                                          HEFT_RECIPE_EPSILON };

	for (size_t i = 0; i < 3; i++) {
		const enum heft_recipe_field foreign = r->optimizer->has_momentum ? of_adam[i]
		                                                                  : of_sgd[i];

		if (!is_default(r, foreign))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "optimizer '%s' has no '%s'", r->optimizer->name,
			                 heft_recipe_row_at(foreign)->name);
	}
	if (r->nesterov && (r->momentum == 0 || r->dampening != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'nesterov' needs a 'momentum' above 0 and no 'dampening'");
	if (r->dampening != 0 && r->momentum == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'dampening' needs a 'momentum' above 0");
	return HEFT_OK;
}

static enum heft_status check_schedule(const struct heft_recipe *r, struct heft_error *err)
{
	const char *name = r->schedule->name;

	if (r->schedule->needs_step_size && !heft_recipe_has(r, HEFT_RECIPE_STEP_SIZE))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "schedule '%s' needs 'step_size'", name);
	if (r->schedule->needs_gamma && !heft_recipe_has(r, HEFT_RECIPE_GAMMA))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "schedule '%s' needs 'gamma'",
		                 name);
	if (r->min_lr > r->lr)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'min_lr' is above 'lr', which is %g", r->lr);
	return HEFT_OK;
}

static enum heft_status check_loss(const struct heft_recipe *r, struct heft_error *err)
{
	const uint32_t outcome = r->loss ? r->loss->outcome : 0;
	const char *foreign = NULL;
	struct heft_monitor monitor;

	if (!heft_monitor_find(heft_recipe_monitor(r), &monitor))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'monitor' is unknown");
	if (!r->loss)
		return HEFT_OK;
	if (outcome != HEFT_OUTCOME_CLASSES)
		foreign = r->class_weights.n > 0    ? "class_weights"
		          : r->label_smoothing != 0 ? "label_smoothing"
		                                    : NULL;
	if (outcome != HEFT_OUTCOME_BINARY && r->pos_weight.n > 0)
		foreign = "pos_weight";
	if (foreign)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "loss '%s' has no '%s'",
		                 r->loss->name, foreign);
	if (monitor.metric && (monitor.metric->outcomes & outcome) == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'monitor' is '%s', which loss '%s' does not come with",
		                 heft_recipe_monitor(r), r->loss->name);
	return HEFT_OK;
}

static enum heft_status check_resolved(const struct heft_recipe *r, struct heft_error *err)
{
	HEFT_TRY(check_optimizer(r, err));
	HEFT_TRY(check_schedule(r, err));
	HEFT_TRY(check_loss(r, err));
	if (r->micro_batch > r->batch)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'micro_batch' is above 'batch', which is %llu",
		                 (unsigned long long)r->batch);
	return HEFT_OK;
}

enum heft_status heft_recipe_check(const struct heft_recipe *recipe, struct heft_error *err)
{
	struct heft_recipe resolved = *recipe; /* shares what is on the heap */

	heft_recipe_work_out(&resolved);
	return check_resolved(&resolved, err);
}

enum heft_status heft_recipe_resolve(struct heft_recipe *r, struct heft_error *err)
{
	HEFT_TRY(heft_recipe_check(r, err));
	heft_recipe_work_out(r);
	return HEFT_OK;
}
