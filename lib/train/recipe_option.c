/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_option.c - the JSON of what a command's option says, so that both go one way. */
#include <string.h>

#include "base/error.h"
#include "base/json_text.h"
#include "train/recipe_keys.h"

static enum heft_status fail_text(enum heft_recipe_field field, const char *text,
                                  struct heft_error *err)
{
	const struct heft_recipe_row *row = heft_recipe_row_at(field);

	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%s' is '%.60s' and not %s", row->name,
	                 text, row->form);
}

static bool is_number(const char *text, size_t n)
{
	return n > 0 && heft_json_number_span(text, n) == n;
}

/* Numbers between commas. */
static bool add_numbers(struct heft_buffer *json, const char *text, size_t n)
{
	heft_buffer_add_u8(json, '[');
	for (size_t at = 0; at <= n;) {
		const char *comma = memchr(text + at, ',', n - at);
		const size_t n_number = comma ? (size_t)(comma - text) - at : n - at;

		if (!is_number(text + at, n_number))
			return false;
		heft_buffer_addf(json, "%s%.*s", at > 0 ? "," : "", (int)n_number, text + at);
		at += n_number + 1;
	}
	heft_buffer_add_u8(json, ']');
	return true;
}

/* The members NAME=VALUE between separators; `names` are pairs: as written, and in JSON. */
static bool add_members(struct heft_buffer *json, const char *text, char separator,
                        const char *const *names, bool are_lists)
{
	while (*text) {
		const char *end = strchr(text, separator);
		const char *equals = strchr(text, '=');
		const size_t n = end ? (size_t)(end - text) : strlen(text);
		size_t n_name;
		size_t n_value;
		size_t i = 0;

		if (!equals || (size_t)(equals - text) >= n)
			return false;
		n_name = (size_t)(equals - text);
		n_value = n - n_name - 1;
		while (names[i] &&
		       (strlen(names[i]) != n_name || memcmp(names[i], text, n_name) != 0))
			i += 2;
		if (!names[i])
			return false;
		heft_buffer_addf(json, ",\"%s\":", names[i + 1]);
		if (are_lists && strcmp(names[i], "scale") != 0) {
			if (!add_numbers(json, equals + 1, n_value))
				return false;
		} else if (is_number(equals + 1, n_value)) {
			heft_buffer_add(json, equals + 1, n_value);
		} else {
			return false;
		}
		text += n + (end ? 1 : 0);
	}
	return true;
}

/* PATTERN:lr=1e-2,decay=0; the last colon ends the pattern, which may have others. */
static bool add_group(struct heft_buffer *json, const char *text)
{
	static const char *const names[] = {
		"lr", "lr", "decay", "weight_decay", "weight_decay", "weight_decay", NULL,
	};
	const char *colon = strrchr(text, ':');

	if (!colon || colon == text || !colon[1])
		return false;
	heft_buffer_addf(json, "[{\"pattern\":");
	heft_buffer_add_json_string(json, text, (size_t)(colon - text));
	if (!add_members(json, colon + 1, ',', names, false))
		return false;
	heft_buffer_addf(json, "}]");
	return true;
}

/* mean=0.5,0.4;std=0.2,0.2;scale=255 */
static bool add_normalize(struct heft_buffer *json, const char *text)
{
	static const char *const names[] = {
		"mean", "mean", "std", "std", "scale", "scale", NULL,
	};
	const size_t at = json->size;

	if (!*text || !add_members(json, text, ';', names, true))
		return false;
	if (json->ok)
		json->bytes[at] = '{'; /* in the place of the first comma */
	heft_buffer_add_u8(json, '}');
	return true;
}

/* "100 steps", "1 epoch" */
static bool add_every(struct heft_buffer *json, const char *text)
{
	static const char *const units[] = { "step", "epoch", "minute" };
	const size_t n = strspn(text, "0123456789.eE+-");
	const char *word = text + n;

	word += strspn(word, " ");
	for (size_t i = 0; i < sizeof units / sizeof *units && is_number(text, n); i++) {
		const size_t n_unit = strlen(units[i]);

		if (strncmp(word, units[i], n_unit) == 0 &&
		    (word[n_unit] == '\0' || strcmp(word + n_unit, "s") == 0)) {
			heft_buffer_addf(json, "{\"%ss\":%.*s}", units[i], (int)n, text);
			return true;
		}
	}
	return false;
}

static bool add_plain(struct heft_buffer *json, const char *text, bool is_right)
{
	heft_buffer_add(json, text, strlen(text));
	return is_right;
}

static bool add_value(enum heft_recipe_kind kind, const char *text, struct heft_buffer *json)
{
	const size_t n = strlen(text);

	switch (kind) {
	case HEFT_KEY_REAL:
	case HEFT_KEY_COUNT:
	case HEFT_KEY_INTEGER:
		return add_plain(json, text, is_number(text, n));
	case HEFT_KEY_SWITCH:
		return add_plain(json, text,
		                 strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
	case HEFT_KEY_REALS:
		return add_numbers(json, text, n);
	case HEFT_KEY_PATTERNS:
		heft_buffer_add_u8(json, '[');
		heft_buffer_add_json_string(json, text, n);
		heft_buffer_add_u8(json, ']');
		return n > 0;
	case HEFT_KEY_GROUPS:
		return add_group(json, text);
	case HEFT_KEY_NORMALIZE:
		return add_normalize(json, text);
	case HEFT_KEY_EVERY:
		return add_every(json, text);
	case HEFT_KEY_CHOICE:
	case HEFT_KEY_LOSS:
	case HEFT_KEY_OPTIMIZER:
	case HEFT_KEY_SCHEDULE:
	case HEFT_KEY_MONITOR:
		break;
	}
	heft_buffer_add_json_string(json, text, n);
	return true;
}

enum heft_status heft_recipe_json_of_option(enum heft_recipe_field field, const char *text,
                                            struct heft_buffer *json, struct heft_error *err)
{
	const enum heft_recipe_kind kind = heft_recipe_row_at(field)->kind;
	const bool is_list = kind == HEFT_KEY_REALS || kind == HEFT_KEY_PATTERNS ||
	                     kind == HEFT_KEY_GROUPS;
	const bool is_object = kind == HEFT_KEY_NORMALIZE || kind == HEFT_KEY_EVERY;
	bool is_right = true;

	if ((is_list && text[0] == '[') || (is_object && text[0] == '{'))
		heft_buffer_add(json, text, strlen(text));
	else
		is_right = add_value(kind, text, json);
	if (!is_right)
		return fail_text(field, text, err);
	if (!json->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	return HEFT_OK;
}
