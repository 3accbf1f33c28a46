/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/recipe.h - how a model is trained: the loss, the optimiser and its numbers, the schedule,
 * how long, in which batches, and what is left as it is.
 *
 *	struct heft_recipe *recipe;
 *	const char json[] = "{\"optimizer\": \"sgd\", \"lr\": 0.1}";
 *
 *	if (heft_recipe_new(&recipe, &err) != HEFT_OK ||
 *	    heft_recipe_parse(recipe, json, strlen(json), &err) != HEFT_OK ||
 *	    heft_recipe_set(recipe, "momentum", "0.9", &err) != HEFT_OK ||
 *	    heft_recipe_check(recipe, &err) != HEFT_OK)
 *		...
 *	heft_recipe_free(recipe);
 *
 * A new recipe has the defaults. JSON and single keys change it, in any order and as often as
 * wanted; what depends on other keys (the learning rate of an optimiser) is worked out when it is
 * asked for. Printed, a recipe is canonical: all keys in one order, reals as the shortest decimal
 * that reads back, so that equal recipes are equal texts.
 */
#ifndef HEFT_RECIPE_H
#define HEFT_RECIPE_H

#include "heft/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_recipe;

/* A key, as an option's table wants it: '-' stands for '_' in options. Texts are static. */
struct heft_recipe_key {
	const char *name;
	const char *form; /* of the value, as "REAL" or "NAME" */
	const char *help; /* one line, with the default in it */
	bool is_list;     /* to be set again and again, each time adding one; see heft_recipe_set */
	bool is_switch;   /* true or false */
	bool reserved8[6];
	uint64_t reserved[2];
};

enum heft_recipe_print_flags {
	HEFT_RECIPE_LINES = 1 << 0 /* a line for each key; else canonical: no blank at all */
};

/**
 * Make a recipe of nothing but defaults.
 *
 * Owns:    the caller owns *recipe and gives it to heft_recipe_free.
 * Units:   none.
 * Errors:  HEFT_E_NOMEM. On failure *recipe is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_recipe_new(struct heft_recipe **recipe, struct heft_error *err);

/**
 * Free a recipe.
 *
 * Owns:    takes `recipe`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no other call on `recipe` may be running.
 */
HEFT_API void heft_recipe_free(struct heft_recipe *recipe);

/**
 * Set the keys of a JSON object; null makes a key what it was at first. Lists are replaced.
 *
 * Owns:    nothing; what is kept is copied.
 * Units:   `size` in bytes.
 * Errors:  HEFT_E_CORRUPT (no JSON, a key twice; err->offset is the byte), HEFT_E_USAGE (an
 *          unknown key: the nearest known one is named; a value of another kind or out of range),
 *          HEFT_E_NOMEM. On failure keys in front of the faulty one are set.
 * Threads: one call on `recipe` at a time.
 */
HEFT_API enum heft_status heft_recipe_parse(struct heft_recipe *recipe, const char *text,
                                            size_t size, struct heft_error *err);

/**
 * Set one key from the text that a command's option has: a number, a name, true or false; numbers
 * between commas; one pattern, which is added to those that are there; a group as
 * "head.*:lr=1e-2,decay=0", which is added; for normalize "mean=0.5,0.4;std=0.2,0.2;scale=255"; for
 * checkpoint_every "100 steps", "1 epoch" or "10 minutes". Or JSON, where it begins with [ or {.
 *
 * Owns:    nothing; what is kept is copied.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (as heft_recipe_parse), HEFT_E_NOMEM. On failure the key is unchanged.
 * Threads: one call on `recipe` at a time.
 */
HEFT_API enum heft_status heft_recipe_set(struct heft_recipe *recipe, const char *key,
                                          const char *text, struct heft_error *err);

/**
 * Check what single keys cannot tell: that they go together.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  HEFT_E_USAGE: one sentence that names the keys.
 * Threads: any number beside each other.
 */
HEFT_API enum heft_status heft_recipe_check(const struct heft_recipe *recipe,
                                            struct heft_error *err);

/**
 * Write a recipe as JSON: every key, defaults worked out.
 *
 * Owns:    nothing.
 * Units:   `flags` of enum heft_recipe_print_flags.
 * Errors:  HEFT_E_IO (fn returned false), HEFT_E_NOMEM.
 * Threads: any number beside each other.
 */
HEFT_API enum heft_status heft_recipe_print(const struct heft_recipe *recipe, uint32_t flags,
                                            heft_text_fn fn, void *user, struct heft_error *err);

/**
 * Tell how many keys a recipe has.
 *
 * Owns:    nothing.
 * Units:   keys.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_recipe_n_keys(void);

/**
 * Describe key `i`, in canonical order.
 *
 * Owns:    nothing; texts are static.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_recipe_key_at(uint32_t i, struct heft_recipe_key *key,
                                             struct heft_error *err);

/**
 * Tell whether a key was set, and not left at its default.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  none; false for an unknown key.
 * Threads: any number beside each other.
 */
HEFT_API bool heft_recipe_is_set(const struct heft_recipe *recipe, const char *key);

#ifdef __cplusplus
}
#endif
#endif
