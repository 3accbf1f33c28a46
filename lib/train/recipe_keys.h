/* SPDX-License-Identifier: Apache-2.0 */
/* train/recipe_keys.h - the table of a recipe's keys, in canonical order: what kind of value each
 * has, where it is kept, and what it may be. */
#ifndef TRAIN_RECIPE_KEYS_H
#define TRAIN_RECIPE_KEYS_H

#include "train/recipe.h"

enum heft_recipe_kind {
	HEFT_KEY_REAL,
	HEFT_KEY_COUNT,   /* uint64_t */
	HEFT_KEY_INTEGER, /* int64_t */
	HEFT_KEY_SWITCH,  /* bool */
	HEFT_KEY_CHOICE,  /* an enum, of the words in `choices` */
	HEFT_KEY_LOSS,
	HEFT_KEY_OPTIMIZER,
	HEFT_KEY_SCHEDULE,
	HEFT_KEY_MONITOR,
	HEFT_KEY_REALS,
	HEFT_KEY_PATTERNS,
	HEFT_KEY_GROUPS,
	HEFT_KEY_NORMALIZE,
	HEFT_KEY_EVERY
};

struct heft_recipe_row {
	const char *name;
	enum heft_recipe_kind kind;
	size_t at;   /* in struct heft_recipe */
	double low;  /* of REAL, REALS and COUNT */
	double high; /* of the same */
	bool excludes_low;
	bool excludes_high;
	const char *const *choices; /* ends with NULL */
	const char *form;
	const char *help;
};

const struct heft_recipe_row *heft_recipe_row_at(enum heft_recipe_field field);
/* N_FIELDS: it is unknown. */
enum heft_recipe_field heft_recipe_field_find(const char *name, size_t n);
/* USAGE: the key is unknown, and which known one is nearest, if one is near. */
enum heft_status heft_recipe_unknown_key(const char *name, size_t n, uint64_t off,
                                         struct heft_error *err);

struct heft_json;
struct heft_json_token;

/* Sets a field to the JSON value that begins with `first`, which was just read from j; null: to
 * what it was at first. adds: what a list has is put behind what is there. On failure the field is
 * unchanged. */
enum heft_status heft_recipe_read_value(struct heft_recipe *r, enum heft_recipe_field field,
                                        struct heft_json *j, const struct heft_json_token *first,
                                        bool adds, struct heft_error *err);
/* The JSON of what an option's text says for the field. */
enum heft_status heft_recipe_json_of_option(enum heft_recipe_field field, const char *text,
                                            struct heft_buffer *json, struct heft_error *err);
/* Frees what a field holds and gives it its default. */
void heft_recipe_clear(struct heft_recipe *r, enum heft_recipe_field field);
/* The second half of that. */
void heft_recipe_set_default(struct heft_recipe *r, enum heft_recipe_field field);
/* Numbers that follow from other keys, and take no memory. */
void heft_recipe_work_out(struct heft_recipe *r);

#endif
