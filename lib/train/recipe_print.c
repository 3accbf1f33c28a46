/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_print.c - a recipe as JSON: every key in one order, reals as the shortest decimal. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/real_text.h"
#include "train/loss_rule.h"
#include "train/optimizer.h"
#include "train/recipe_keys.h"
#include "train/schedule.h"

static void add_text(struct heft_buffer *to, const char *text)
{
	heft_buffer_add_json_string(to, text, strlen(text));
}

static void add_real(struct heft_buffer *to, double value)
{
	char text[HEFT_REAL_TEXT_SIZE];

	heft_buffer_add(to, text, heft_real_text(value, text));
}

static void add_reals(struct heft_buffer *to, const struct heft_reals *reals)
{
	heft_buffer_add_u8(to, '[');
	for (uint32_t i = 0; i < reals->n; i++) {
		if (i > 0)
			heft_buffer_add_u8(to, ',');
		add_real(to, reals->values[i]);
	}
	heft_buffer_add_u8(to, ']');
}

static void add_patterns(struct heft_buffer *to, const struct heft_patterns *patterns)
{
	heft_buffer_add_u8(to, '[');
	for (uint32_t i = 0; i < patterns->n; i++) {
		if (i > 0)
			heft_buffer_add_u8(to, ',');
		add_text(to, patterns->texts[i]);
	}
	heft_buffer_add_u8(to, ']');
}

/* Of a group there is only what it has for itself. */
static void add_groups(struct heft_buffer *to, const struct heft_recipe_groups *groups)
{
	heft_buffer_add_u8(to, '[');
	for (uint32_t i = 0; i < groups->n; i++) {
		const struct heft_recipe_group *group = &groups->rows[i];

		heft_buffer_addf(to, "%s{\"pattern\":", i > 0 ? "," : "");
		add_text(to, group->pattern);
		if (group->has_lr) {
			heft_buffer_addf(to, ",\"lr\":");
			add_real(to, group->lr);
		}
		if (group->has_weight_decay) {
			heft_buffer_addf(to, ",\"weight_decay\":");
			add_real(to, group->weight_decay);
		}
		heft_buffer_add_u8(to, '}');
	}
	heft_buffer_add_u8(to, ']');
}

static void add_normalize(struct heft_buffer *to, const struct heft_normalize *n)
{
	if (!n->is_given) {
		heft_buffer_addf(to, "null");
		return;
	}
	heft_buffer_addf(to, "{\"mean\":");
	add_reals(to, &n->mean);
	heft_buffer_addf(to, ",\"std\":");
	add_reals(to, &n->std);
	heft_buffer_addf(to, ",\"scale\":");
	if (n->scale > 0)
		add_real(to, n->scale);
	else
		heft_buffer_addf(to, "null");
	heft_buffer_add_u8(to, '}');
}

static void add_every(struct heft_buffer *to, const struct heft_checkpoint_every *every)
{
	static const char *const units[] = { "", "steps", "epochs", "minutes" };

	if (every->unit == HEFT_EVERY_NOTHING) {
		heft_buffer_addf(to, "null");
		return;
	}
	heft_buffer_addf(to, "{\"%s\":", units[every->unit]);
	add_real(to, every->n);
	heft_buffer_add_u8(to, '}');
}

static void add_value(struct heft_buffer *to, const struct heft_recipe *r,
                      const struct heft_recipe_row *row)
{
	const void *at = (const uint8_t *)r + row->at;

	switch (row->kind) {
	case HEFT_KEY_REAL:
		add_real(to, *(const double *)at);
		break;
	case HEFT_KEY_COUNT:
		heft_buffer_addf(to, "%" PRIu64, *(const uint64_t *)at);
		break;
	case HEFT_KEY_INTEGER:
		heft_buffer_addf(to, "%" PRId64, *(const int64_t *)at);
		break;
	case HEFT_KEY_SWITCH:
		heft_buffer_addf(to, *(const bool *)at ? "true" : "false");
		break;
	case HEFT_KEY_CHOICE:
		add_text(to, row->choices[*(const int *)at]);
		break;
	case HEFT_KEY_LOSS:
		add_text(to, r->loss ? r->loss->name : "auto");
		break;
	case HEFT_KEY_OPTIMIZER:
		add_text(to, r->optimizer->name);
		break;
	case HEFT_KEY_SCHEDULE:
		add_text(to, r->schedule->name);
		break;
	case HEFT_KEY_MONITOR:
		add_text(to, heft_recipe_monitor(r));
		break;
	case HEFT_KEY_REALS:
		add_reals(to, at);
		break;
	case HEFT_KEY_PATTERNS:
		add_patterns(to, at);
		break;
	case HEFT_KEY_GROUPS:
		add_groups(to, at);
		break;
	case HEFT_KEY_NORMALIZE:
		add_normalize(to, at);
		break;
	case HEFT_KEY_EVERY:
		add_every(to, at);
		break;
	}
}

void heft_recipe_add_text(const struct heft_recipe *r, uint32_t flags, struct heft_buffer *to)
{
	const bool has_lines = (flags & HEFT_RECIPE_LINES) != 0;
	/* The numbers alone are worked out: the copy shares what is on the heap. */
	struct heft_recipe resolved = *r;

	heft_recipe_work_out(&resolved);
	heft_buffer_addf(to, has_lines ? "{\n" : "{");
	for (int i = 0; i < HEFT_RECIPE_N_FIELDS; i++) {
		const struct heft_recipe_row *row = heft_recipe_row_at((enum heft_recipe_field)i);

		heft_buffer_addf(to, has_lines ? "  \"%s\": " : "\"%s\":", row->name);
		add_value(to, &resolved, row);
		if (i + 1 < HEFT_RECIPE_N_FIELDS)
			heft_buffer_add_u8(to, ',');
		if (has_lines)
			heft_buffer_add_u8(to, '\n');
	}
	heft_buffer_addf(to, has_lines ? "}\n" : "}");
}

enum heft_status heft_recipe_print(const struct heft_recipe *recipe, uint32_t flags,
                                   heft_text_fn fn, void *user, struct heft_error *err)
{
	struct heft_buffer text;
	enum heft_status st = HEFT_OK;

	heft_buffer_init(&text);
	heft_recipe_add_text(recipe, flags, &text);
	if (!text.ok)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	else if (!fn(user, (const char *)text.bytes, text.size))
		st = heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "the recipe cannot be written");
	heft_buffer_done(&text);
	return st;
}
