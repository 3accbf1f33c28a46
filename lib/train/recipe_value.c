/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_value.c - reads one JSON value into a recipe's field. What was read is put in its place
 * only when all of it was right. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "format/decimal.h"
#include "train/loss_rule.h"
#include "train/metric.h"
#include "train/optimizer.h"
#include "train/recipe_keys.h"
#include "train/schedule.h"

#define MAX_REALS 65536U
#define MAX_PATTERNS 4096U
#define MAX_GROUPS 256U
#define N_SHOWN 40 /* characters of a value in a message */

/* What a value is read for. */
struct reading {
	struct heft_json *j;
	const struct heft_recipe_row *row;
	struct heft_error *err;
};

static enum heft_status fail_kind(const struct reading *g, uint64_t off, const char *what)
{
	return heft_fail(g->err, HEFT_E_USAGE, off, "'%s' is %s", g->row->name, what);
}

/* "[0, 1)" */
static enum heft_status fail_range(const struct reading *g, uint64_t off)
{
	const struct heft_recipe_row *row = g->row;

	if (row->high > 1e300)
		return heft_fail(g->err, HEFT_E_USAGE, off, "'%s' is not %s %g", row->name,
		                 row->excludes_low ? "above" : "at least", row->low);
	return heft_fail(g->err, HEFT_E_USAGE, off, "'%s' is not %s %g and %s %g", row->name,
	                 row->excludes_low ? "above" : "at least", row->low,
	                 row->excludes_high ? "below" : "at most", row->high);
}

static bool is_in_range(const struct heft_recipe_row *row, double v)
{
	return (row->excludes_low ? v > row->low : v >= row->low) &&
	       (row->excludes_high ? v < row->high : v <= row->high);
}

static enum heft_status read_any_real(const struct reading *g, const struct heft_json_token *t,
                                      double *value)
{
	if (t->kind != HEFT_JSON_NUMBER || !heft_decimal_real(t->text, t->text_size, value))
		return fail_kind(g, t->off, "no number");
	if (!isfinite(*value))
		return fail_kind(g, t->off, "too large a number");
	return HEFT_OK;
}

static enum heft_status read_real(const struct reading *g, const struct heft_json_token *t,
                                  double *value)
{
	double v;

	HEFT_TRY(read_any_real(g, t, &v));
	if (!is_in_range(g->row, v))
		return fail_range(g, t->off);
	*value = v;
	return HEFT_OK;
}

static enum heft_status read_count(const struct reading *g, const struct heft_json_token *t,
                                   uint64_t *value)
{
	uint64_t v;

	if (t->kind != HEFT_JSON_NUMBER || !heft_json_u64(t, &v))
		return fail_kind(g, t->off, "no whole number from 0 on");
	if (!is_in_range(g->row, (double)v))
		return fail_range(g, t->off);
	*value = v;
	return HEFT_OK;
}

static enum heft_status read_integer(const struct reading *g, const struct heft_json_token *t,
                                     int64_t *value)
{
	struct heft_json_token digits = *t;
	const bool is_negative = t->kind == HEFT_JSON_NUMBER && t->text[0] == '-';
	uint64_t v;

	if (is_negative) {
		digits.text++;
		digits.text_size--;
	}
	if (t->kind != HEFT_JSON_NUMBER || !heft_json_u64(&digits, &v) || v > INT64_MAX)
		return fail_kind(g, t->off, "no whole number");
	*value = is_negative ? -(int64_t)v : (int64_t)v;
	return HEFT_OK;
}

static enum heft_status read_switch(const struct reading *g, const struct heft_json_token *t,
                                    bool *value)
{
	if (t->kind != HEFT_JSON_TRUE && t->kind != HEFT_JSON_FALSE)
		return fail_kind(g, t->off, "neither true nor false");
	*value = t->kind == HEFT_JSON_TRUE;
	return HEFT_OK;
}

/* A copy of a text without NUL, ended by one. */
static enum heft_status read_text(const struct reading *g, const struct heft_json_token *t,
                                  char **text)
{
	if (t->kind != HEFT_JSON_STRING || t->text_size == 0 || memchr(t->text, '\0', t->text_size))
		return fail_kind(g, t->off, "no text");
	*text = heft_strndup(t->text, t->text_size);
	return *text ? HEFT_OK
	             : heft_fail(g->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
}

/* --- names --- */

static bool is_word(const struct heft_json_token *t, const char *word)
{
	return t->kind == HEFT_JSON_STRING && t->text_size == strlen(word) &&
	       memcmp(t->text, word, t->text_size) == 0;
}

static enum heft_status fail_name(const struct reading *g, const struct heft_json_token *t)
{
	const size_t n = t->kind == HEFT_JSON_STRING ? t->text_size : 0;

	return heft_fail(g->err, HEFT_E_USAGE, t->off, "'%s' is '%.*s', and may be: %s",
	                 g->row->name, (int)(n < N_SHOWN ? n : N_SHOWN), n > 0 ? t->text : "",
	                 g->row->choices ? g->row->form : g->row->help);
}

static enum heft_status read_choice(const struct reading *g, const struct heft_json_token *t,
                                    int *choice)
{
	for (int i = 0; g->row->choices[i]; i++) {
		if (is_word(t, g->row->choices[i])) {
			*choice = i;
			return HEFT_OK;
		}
	}
	return fail_name(g, t);
}

/* NULL for "auto". */
static enum heft_status read_loss(const struct reading *g, const struct heft_json_token *t,
                                  const struct heft_loss_rule **loss)
{
	const struct heft_loss_rule *found = NULL;

	for (uint32_t i = 0; (found = heft_loss_rule_at(i)) != NULL; i++)
		if (is_word(t, found->name))
			break;
	if (!found && !is_word(t, "auto"))
		return fail_name(g, t);
	*loss = found;
	return HEFT_OK;
}

static enum heft_status read_optimizer(const struct reading *g, const struct heft_json_token *t,
                                       const struct heft_optimizer **optimizer)
{
	const struct heft_optimizer *found;

	for (uint32_t i = 0; (found = heft_optimizer_at(i)) != NULL; i++) {
		if (is_word(t, found->name)) {
			*optimizer = found;
			return HEFT_OK;
		}
	}
	return fail_name(g, t);
}

static enum heft_status read_schedule(const struct reading *g, const struct heft_json_token *t,
                                      const struct heft_schedule **schedule)
{
	const struct heft_schedule *found;

	for (uint32_t i = 0; (found = heft_schedule_at(i)) != NULL; i++) {
		if (is_word(t, found->name)) {
			*schedule = found;
			return HEFT_OK;
		}
	}
	return fail_name(g, t);
}

static enum heft_status read_monitor(const struct reading *g, const struct heft_json_token *t,
                                     char **monitor)
{
	struct heft_monitor found;
	char *text;

	HEFT_TRY(read_text(g, t, &text));
	if (!heft_monitor_find(text, &found)) {
		heft_free(text);
		return fail_name(g, t);
	}
	heft_free(*monitor);
	*monitor = text;
	return HEFT_OK;
}

/* --- lists --- */

/* Room for one more behind n items of `size` bytes, zeroed; on failure they stay. */
static enum heft_status grow(const struct reading *g, void *items, uint32_t n, size_t size,
                             uint32_t most, uint64_t off, void **grown)
{
	*grown = items;
	if (n >= most)
		return heft_fail(g->err, HEFT_E_LIMIT, off, "'%s' has more than %u values",
		                 g->row->name, most);
	if ((n & (n - 1)) != 0) /* no power of two: there is room up to the next one */
		return HEFT_OK;
	*grown = heft_realloc_array(items, n == 0 ? 1 : 2 * (size_t)n, size);
	if (!*grown)
		return heft_fail(g->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	memset((uint8_t *)*grown + n * size, 0, (n == 0 ? 1 : n) * size);
	return HEFT_OK;
}

/* What is put into a list for each of its values, one after the other. */
typedef enum heft_status item_fn(const struct reading *g, const struct heft_json_token *t,
                                 void *list);

static enum heft_status each_item(const struct reading *g, const struct heft_json_token *first,
                                  item_fn *fn, void *list)
{
	struct heft_json_token t;

	if (first->kind != HEFT_JSON_ARRAY)
		return fail_kind(g, first->off, "no list");
	for (;;) {
		HEFT_TRY(heft_json_next(g->j, &t, g->err));
		if (t.kind == HEFT_JSON_ARRAY_END)
			return HEFT_OK;
		HEFT_TRY(fn(g, &t, list));
	}
}

static enum heft_status add_real(const struct reading *g, const struct heft_json_token *t,
                                 void *list)
{
	struct heft_reals *reals = list;
	void *grown;

	HEFT_TRY(
		grow(g, reals->values, reals->n, sizeof *reals->values, MAX_REALS, t->off, &grown));
	reals->values = grown;
	HEFT_TRY(g->row->kind == HEFT_KEY_REALS ? read_real(g, t, &reals->values[reals->n])
	                                        : read_any_real(g, t, &reals->values[reals->n]));
	reals->n++;
	return HEFT_OK;
}

/* A number alone is a list of one. */
static enum heft_status read_reals(const struct reading *g, const struct heft_json_token *t,
                                   struct heft_reals *reals)
{
	struct heft_reals read = { 0 };
	const enum heft_status st = t->kind == HEFT_JSON_NUMBER ? add_real(g, t, &read)
	                                                        : each_item(g, t, add_real, &read);

	if (st != HEFT_OK) {
		heft_free(read.values);
		return st;
	}
	heft_free(reals->values);
	*reals = read;
	return HEFT_OK;
}

static enum heft_status add_pattern(const struct reading *g, const struct heft_json_token *t,
                                    void *list)
{
	struct heft_patterns *patterns = list;
	void *grown;

	HEFT_TRY(grow(g, patterns->texts, patterns->n, sizeof *patterns->texts, MAX_PATTERNS,
	              t->off, &grown));
	patterns->texts = grown;
	HEFT_TRY(read_text(g, t, &patterns->texts[patterns->n]));
	patterns->n++;
	return HEFT_OK;
}

/* A number that may be null: not there. */
static enum heft_status read_own(const struct reading *g, const struct heft_json_token *t,
                                 bool *is_there, double *value)
{
	*is_there = t->kind != HEFT_JSON_NULL;
	if (!*is_there)
		return HEFT_OK;
	HEFT_TRY(read_any_real(g, t, value));
	return *value >= 0 ? HEFT_OK : fail_kind(g, t->off, "a number below 0");
}

static enum heft_status read_group_member(const struct reading *g, const struct heft_json_token *t,
                                          struct heft_recipe_group *group)
{
	const bool is_pattern = t->text_size == 7 && memcmp(t->text, "pattern", 7) == 0;
	const bool is_lr = t->text_size == 2 && memcmp(t->text, "lr", 2) == 0;
	const bool is_decay = t->text_size == 12 && memcmp(t->text, "weight_decay", 12) == 0;
	const uint64_t off = t->off;
	struct heft_json_token value;

	HEFT_TRY(heft_json_next(g->j, &value, g->err));
	if (is_pattern)
		return read_text(g, &value, &group->pattern);
	if (is_lr)
		return read_own(g, &value, &group->has_lr, &group->lr);
	if (is_decay)
		return read_own(g, &value, &group->has_weight_decay, &group->weight_decay);
	return heft_fail(g->err, HEFT_E_USAGE, off,
	                 "a group has a key that is none of pattern, lr and weight_decay");
}

static enum heft_status add_group(const struct reading *g, const struct heft_json_token *first,
                                  void *list)
{
	struct heft_recipe_groups *groups = list;
	struct heft_recipe_group *group;
	struct heft_json_token t;
	void *grown;

	if (first->kind != HEFT_JSON_OBJECT)
		return fail_kind(g, first->off, "no list of groups");
	HEFT_TRY(grow(g, groups->rows, groups->n, sizeof *groups->rows, MAX_GROUPS, first->off,
	              &grown));
	groups->rows = grown;
	group = &groups->rows[groups->n++];
	for (;;) {
		HEFT_TRY(heft_json_next(g->j, &t, g->err));
		if (t.kind == HEFT_JSON_OBJECT_END)
			break;
		HEFT_TRY(read_group_member(g, &t, group));
	}
	return group->pattern ? HEFT_OK : fail_kind(g, first->off, "a group without a pattern");
}

static void free_patterns(struct heft_patterns *patterns)
{
	for (uint32_t i = 0; i < patterns->n; i++)
		heft_free(patterns->texts[i]);
	heft_free(patterns->texts);
	*patterns = (struct heft_patterns){ 0 };
}

static void free_groups(struct heft_recipe_groups *groups)
{
	for (uint32_t i = 0; i < groups->n; i++)
		heft_free(groups->rows[i].pattern);
	heft_free(groups->rows);
	*groups = (struct heft_recipe_groups){ 0 };
}

/* Added ones are read behind those that are there, and taken away again when they are wrong. */
static enum heft_status read_patterns(const struct reading *g, const struct heft_json_token *t,
                                      bool adds, struct heft_patterns *patterns)
{
	const uint32_t n_before = patterns->n;
	struct heft_patterns read = { 0 };
	struct heft_patterns *to = adds ? patterns : &read;
	const enum heft_status st = each_item(g, t, add_pattern, to);

	if (st != HEFT_OK && adds)
		while (patterns->n > n_before)
			heft_free(patterns->texts[--patterns->n]);
	if (st != HEFT_OK || adds) {
		free_patterns(&read);
		return st;
	}
	free_patterns(patterns);
	*patterns = read;
	return HEFT_OK;
}

static enum heft_status read_groups(const struct reading *g, const struct heft_json_token *t,
                                    bool adds, struct heft_recipe_groups *groups)
{
	const uint32_t n_before = groups->n;
	struct heft_recipe_groups read = { 0 };
	struct heft_recipe_groups *to = adds ? groups : &read;
	const enum heft_status st = each_item(g, t, add_group, to);

	if (st != HEFT_OK && adds)
		while (groups->n > n_before)
			heft_free(groups->rows[--groups->n].pattern);
	if (st != HEFT_OK || adds) {
		free_groups(&read);
		return st;
	}
	free_groups(groups);
	*groups = read;
	return HEFT_OK;
}

/* --- objects --- */

static enum heft_status read_normalize_member(const struct reading *g,
                                              const struct heft_json_token *t,
                                              struct heft_normalize *to)
{
	const bool is_mean = t->text_size == 4 && memcmp(t->text, "mean", 4) == 0;
	const bool is_std = t->text_size == 3 && memcmp(t->text, "std", 3) == 0;
	const bool is_scale = t->text_size == 5 && memcmp(t->text, "scale", 5) == 0;
	const uint64_t off = t->off;
	struct heft_json_token value;

	HEFT_TRY(heft_json_next(g->j, &value, g->err));
	if (is_mean)
		return read_reals(g, &value, &to->mean);
	if (is_std)
		return read_reals(g, &value, &to->std);
	if (!is_scale)
		return heft_fail(g->err, HEFT_E_USAGE, off,
		                 "'normalize' has a key that is none of mean, std and scale");
	if (value.kind == HEFT_JSON_NULL)
		return HEFT_OK;
	HEFT_TRY(read_any_real(g, &value, &to->scale));
	return to->scale > 0 ? HEFT_OK : fail_kind(g, value.off, "to have a scale above 0");
}

static enum heft_status check_normalize(const struct reading *g, const struct heft_normalize *n,
                                        uint64_t off)
{
	for (uint32_t i = 0; i < n->std.n; i++)
		if (!(n->std.values[i] > 0))
			return fail_kind(g, off, "to have deviations above 0");
	if (n->mean.n > 1 && n->std.n > 1 && n->mean.n != n->std.n)
		return heft_fail(g->err, HEFT_E_USAGE, off,
		                 "'normalize' has %u means and %u deviations", n->mean.n, n->std.n);
	return HEFT_OK;
}

static void free_normalize(struct heft_normalize *n)
{
	heft_free(n->mean.values);
	heft_free(n->std.values);
	*n = (struct heft_normalize){ 0 };
}

static enum heft_status read_normalize_members(const struct reading *g,
                                               const struct heft_json_token *first,
                                               struct heft_normalize *to)
{
	struct heft_json_token t;

	if (first->kind != HEFT_JSON_OBJECT)
		return fail_kind(g, first->off, "no object");
	for (;;) {
		HEFT_TRY(heft_json_next(g->j, &t, g->err));
		if (t.kind == HEFT_JSON_OBJECT_END)
			return check_normalize(g, to, first->off);
		HEFT_TRY(read_normalize_member(g, &t, to));
	}
}

static enum heft_status read_normalize(const struct reading *g, const struct heft_json_token *t,
                                       struct heft_normalize *normalize)
{
	struct heft_normalize read = { .is_given = true };
	const enum heft_status st = read_normalize_members(g, t, &read);

	if (st != HEFT_OK) {
		free_normalize(&read);
		return st;
	}
	free_normalize(normalize);
	*normalize = read;
	return HEFT_OK;
}

static enum heft_status read_every(const struct reading *g, const struct heft_json_token *first,
                                   struct heft_checkpoint_every *every)
{
	static const char *const units[] = { "steps", "epochs", "minutes" };
	struct heft_checkpoint_every read = { 0 };
	struct heft_json_token key;
	struct heft_json_token value;

	if (first->kind != HEFT_JSON_OBJECT)
		return fail_kind(g, first->off, "no object");
	HEFT_TRY(heft_json_next(g->j, &key, g->err));
	for (int i = 0; key.kind == HEFT_JSON_KEY && i < 3; i++)
		if (key.text_size == strlen(units[i]) &&
		    memcmp(key.text, units[i], key.text_size) == 0)
			read.unit = (enum heft_recipe_every)(HEFT_EVERY_STEPS + i);
	if (read.unit == HEFT_EVERY_NOTHING)
		return fail_kind(g, key.off, "to have one of steps, epochs and minutes");
	HEFT_TRY(heft_json_next(g->j, &value, g->err));
	HEFT_TRY(read_any_real(g, &value, &read.n));
	if (!(read.n > 0) || read.n > 1e15 ||
	    (read.unit != HEFT_EVERY_MINUTES && read.n != (double)(uint64_t)read.n))
		return fail_kind(g, value.off, "no number of steps, epochs or minutes above 0");
	HEFT_TRY(heft_json_next(g->j, &key, g->err));
	if (key.kind != HEFT_JSON_OBJECT_END)
		return fail_kind(g, key.off, "to have one of steps, epochs and minutes alone");
	*every = read;
	return HEFT_OK;
}

/* --- a field --- */

void heft_recipe_clear(struct heft_recipe *r, enum heft_recipe_field field)
{
	const struct heft_recipe_row *row = heft_recipe_row_at(field);
	void *at = (uint8_t *)r + row->at;

	r->given &= ~(UINT64_C(1) << field);
	if (row->kind == HEFT_KEY_REALS) {
		struct heft_reals *reals = at;

		heft_free(reals->values);
		*reals = (struct heft_reals){ 0 };
	} else if (row->kind == HEFT_KEY_PATTERNS) {
		free_patterns(at);
	} else if (row->kind == HEFT_KEY_GROUPS) {
		free_groups(at);
	} else if (row->kind == HEFT_KEY_NORMALIZE) {
		free_normalize(at);
	} else if (row->kind == HEFT_KEY_MONITOR) {
		heft_free(r->monitor);
		r->monitor = NULL;
	}
	heft_recipe_set_default(r, field);
}

static enum heft_status read_field(const struct reading *g, const struct heft_json_token *t,
                                   bool adds, void *at)
{
	switch (g->row->kind) {
	case HEFT_KEY_REAL:
		return read_real(g, t, at);
	case HEFT_KEY_COUNT:
		return read_count(g, t, at);
	case HEFT_KEY_INTEGER:
		return read_integer(g, t, at);
	case HEFT_KEY_SWITCH:
		return read_switch(g, t, at);
	case HEFT_KEY_CHOICE:
		return read_choice(g, t, at);
	case HEFT_KEY_LOSS:
		return read_loss(g, t, at);
	case HEFT_KEY_OPTIMIZER:
		return read_optimizer(g, t, at);
	case HEFT_KEY_SCHEDULE:
		return read_schedule(g, t, at);
	case HEFT_KEY_MONITOR:
		return read_monitor(g, t, at);
	case HEFT_KEY_REALS:
		return read_reals(g, t, at);
	case HEFT_KEY_PATTERNS:
		return read_patterns(g, t, adds, at);
	case HEFT_KEY_GROUPS:
		return read_groups(g, t, adds, at);
	case HEFT_KEY_NORMALIZE:
		return read_normalize(g, t, at);
	case HEFT_KEY_EVERY:
		return read_every(g, t, at);
	}
	return fail_kind(g, t->off, "no key");
}

enum heft_status heft_recipe_read_value(struct heft_recipe *r, enum heft_recipe_field field,
                                        struct heft_json *j, const struct heft_json_token *first,
                                        bool adds, struct heft_error *err)
{
	const struct reading g = { .j = j, .row = heft_recipe_row_at(field), .err = err };

	if (first->kind == HEFT_JSON_NULL) {
		heft_recipe_clear(r, field);
		return HEFT_OK;
	}
	HEFT_TRY(read_field(&g, first, adds, (uint8_t *)r + g.row->at));
	r->given |= UINT64_C(1) << field;
	return HEFT_OK;
}
