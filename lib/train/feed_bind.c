/* SPDX-License-Identifier: Apache-2.0 */
/* feed_bind.c - which array goes to which input, and which is the target. */
#include <string.h>

#include "base/error.h"
#include "train/dataset.h"
#include "train/feed_parts.h"

#define LIST_SIZE 64 /* bytes of each list in a message */

static const char *const target_names[] = { "y", "label", "labels", "target", "targets" };

static struct heft_feed_slot *target_of(struct heft_feed *f)
{
	return &f->slots[f->n_inputs];
}

static bool wants_target(const struct heft_feed *f)
{
	return f->options->target_as != HEFT_TARGET_NONE;
}

/* A list in a message: what does not fit is left out. */
static void cut(struct heft_buffer *list)
{
	if (list->size > LIST_SIZE) {
		list->size = LIST_SIZE;
		heft_buffer_addf(list, "...");
	}
	heft_buffer_add_u8(list, 0);
}

static const char *text_of(const struct heft_buffer *list)
{
	return list->ok ? (const char *)list->bytes : "";
}

/* What went wrong, and all there is: then a person can say what goes where. */
static enum heft_status refuse(const struct heft_feed *f, const char *what, const char *name,
                               struct heft_error *err)
{
	struct heft_buffer arrays;
	struct heft_buffer inputs;
	enum heft_status st;

	heft_buffer_init(&arrays);
	heft_buffer_init(&inputs);
	heft_dataset_list(f->ds, &arrays);
	for (uint32_t i = 0; i < f->n_inputs; i++) {
		heft_buffer_addf(&inputs, "%s", i > 0 ? ", " : "");
		heft_feed_list_value(&inputs, &f->wants[i]);
	}
	cut(&arrays);
	cut(&inputs);
	st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	               "%s '%.24s'; arrays: %s; inputs of the model: %s", what, name,
	               text_of(&arrays), text_of(&inputs));
	heft_buffer_done(&arrays);
	heft_buffer_done(&inputs);
	return st;
}

static bool is_used(const struct heft_feed *f, uint32_t array)
{
	for (uint32_t i = 0; i <= f->n_inputs; i++)
		if (f->slots[i].array == array)
			return true;
	return false;
}

static bool find_input(const struct heft_feed *f, const char *name, uint32_t *i)
{
	for (*i = 0; *i < f->n_inputs; (*i)++)
		if (strcmp(f->wants[*i].name, name) == 0)
			return true;
	return false;
}

static enum heft_status bind_given(struct heft_feed *f, struct heft_error *err)
{
	const struct heft_feed_options *o = f->options;
	uint32_t i;

	for (uint32_t b = 0; b < o->n_binds; b++) {
		if (!find_input(f, o->binds[b].input, &i))
			return refuse(f, "the model has no input", o->binds[b].input, err);
		if (f->slots[i].array != HEFT_FEED_NONE)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input '%.80s' is given two arrays", o->binds[b].input);
		if (!heft_dataset_find(f->ds, o->binds[b].array, &f->slots[i].array))
			return refuse(f, "there is no array", o->binds[b].array, err);
	}
	if (wants_target(f) && o->target &&
	    !heft_dataset_find(f->ds, o->target, &target_of(f)->array))
		return refuse(f, "there is no array", o->target, err);
	return HEFT_OK;
}

static void bind_by_name(struct heft_feed *f)
{
	uint32_t array;

	for (uint32_t i = 0; i < f->n_inputs; i++)
		if (f->slots[i].array == HEFT_FEED_NONE &&
		    heft_dataset_find(f->ds, f->wants[i].name, &array))
			f->slots[i].array = array;
	for (size_t k = 0; wants_target(f) && k < sizeof target_names / sizeof *target_names; k++)
		if (target_of(f)->array == HEFT_FEED_NONE &&
		    heft_dataset_find(f->ds, target_names[k], &array) && !is_used(f, array))
			target_of(f)->array = array;
}

static uint32_t n_unbound(const struct heft_feed *f, uint32_t *last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_inputs; i++)
		if (f->slots[i].array == HEFT_FEED_NONE) {
			*last = i;
			n++;
		}
	return n;
}

static uint32_t n_unused(const struct heft_feed *f, uint32_t *last)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < heft_dataset_n_arrays(f->ds); k++)
		if (!is_used(f, k)) {
			*last = k;
			n++;
		}
	return n;
}

/* The only array left over whose shape the input takes. */
static bool find_fitting(const struct heft_feed *f, uint32_t input, uint32_t *array)
{
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	uint32_t n = 0;
	uint32_t rank;

	for (uint32_t k = 0; k < heft_dataset_n_arrays(f->ds); k++) {
		if (is_used(f, k) ||
		    !heft_feed_fit(&f->ds->parts[k].array, &f->wants[input], &rank, dims))
			continue;
		*array = k;
		n++;
	}
	return n == 1;
}

/* The one input that is left without an array. */
static void bind_rest(struct heft_feed *f)
{
	uint32_t input = 0;
	uint32_t array = 0;

	if (n_unbound(f, &input) == 1 &&
	    ((n_unused(f, &array) == 1 &&
	      (!wants_target(f) || target_of(f)->array != HEFT_FEED_NONE)) ||
	     (heft_dataset_find(f->ds, "x", &array) && !is_used(f, array)) ||
	     find_fitting(f, input, &array)))
		f->slots[input].array = array;
	if (wants_target(f) && target_of(f)->array == HEFT_FEED_NONE && n_unbound(f, &input) == 0 &&
	    n_unused(f, &array) == 1)
		target_of(f)->array = array;
}

static enum heft_status note_unused(struct heft_feed *f, struct heft_error *err)
{
	for (uint32_t k = 0; k < heft_dataset_n_arrays(f->ds); k++)
		if (!is_used(f, k))
			HEFT_TRY(heft_feed_add_note(f, err, "array '%.80s' is not used",
			                            f->ds->parts[k].name));
	return HEFT_OK;
}

enum heft_status heft_feed_bind_arrays(struct heft_feed *f, struct heft_error *err)
{
	HEFT_TRY(bind_given(f, err));
	bind_by_name(f);
	bind_rest(f);
	for (uint32_t i = 0; i < f->n_inputs; i++)
		if (f->slots[i].array == HEFT_FEED_NONE)
			return refuse(f, "no array is found for input", f->wants[i].name, err);
	if (wants_target(f) && target_of(f)->array == HEFT_FEED_NONE)
		return refuse(f, "no array is found that is the target, as", "y", err);
	return note_unused(f, err);
}
