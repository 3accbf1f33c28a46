/* SPDX-License-Identifier: Apache-2.0 */
/* torch_collect.c - from the values of a PyTorch file's pickles to its tensors and metadata: begins
 * at the root, where some keys mean something (Y3-3 to Y3-6). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/torch_keys.h"
#include "format/torch_walk.h"

#define NAMES_MIN (UINT64_C(1) << 20) /* bytes of names that every pickle may make */
#define NAMES_PER_VALUE 256u

static uint8_t space_of_key(const struct heft_pickle *p, heft_pickle_ref key)
{
	const char *text;
	size_t n;

	if (heft_pickle_kind(p, key) != HEFT_PICKLE_TEXT)
		return HEFT_SPACE_WEIGHTS;
	text = (const char *)heft_pickle_bytes(p, key, &n);
	return heft_torch_space_of_key(text, n);
}

static bool is_wrapper(const struct heft_pickle *p, heft_pickle_ref key)
{
	const char *text;
	size_t n;

	if (heft_pickle_kind(p, key) != HEFT_PICKLE_TEXT)
		return false;
	text = (const char *)heft_pickle_bytes(p, key, &n);
	return heft_torch_is_wrapper(text, n);
}

static bool is_tensor(const struct heft_pickle *p, heft_pickle_ref v)
{
	struct heft_torch_call call;

	return heft_torch_look(p, v, &call) != HEFT_TORCH_OTHER;
}

/* --- a root that is a dict --- */

/* What lies where. */
struct root {
	heft_pickle_ref dict;
	bool has_wrapper;        /* a key that wraps, with weights below it */
	heft_pickle_ref wrapper; /* the key with all weights below it; NONE: there is none */
};

/* A number that was saved beside a model is none of its weights (Y3-5). */
static uint8_t space_of_pair(const struct heft_pickle *p, const struct root *root,
                             heft_pickle_ref key, heft_pickle_ref value)
{
	const uint8_t space = space_of_key(p, key);

	if (space == HEFT_SPACE_WEIGHTS && root->has_wrapper && is_tensor(p, value))
		return HEFT_SPACE_STATE;
	return space;
}

static enum heft_status find_wrapper(struct heft_torch_walker *w, struct root *root,
                                     struct heft_error *err)
{
	uint32_t n_keys = 0; /* with weights below */
	heft_pickle_ref key;
	heft_pickle_ref value;

	w->is_counting = true;
	for (uint32_t i = 0; i < heft_pickle_n_pairs(w->p, root->dict); i++) {
		heft_pickle_pair(w->p, root->dict, i, &key, &value);
		w->n_weights = 0;
		if (space_of_key(w->p, key) != HEFT_SPACE_WEIGHTS || is_tensor(w->p, value))
			continue;
		HEFT_TRY(heft_torch_walk_value(w, value, HEFT_SPACE_WEIGHTS, err));
		n_keys += w->n_weights > 0;
		if (w->n_weights > 0 && is_wrapper(w->p, key)) {
			root->has_wrapper = true;
			root->wrapper = key;
		}
	}
	if (n_keys != 1)
		root->wrapper = HEFT_PICKLE_NONE;
	w->is_counting = false;
	heft_torch_walker_restart(w);
	return HEFT_OK;
}

static enum heft_status walk_pair(struct heft_torch_walker *w, const struct root *root, uint32_t i,
                                  struct heft_error *err)
{
	heft_pickle_ref key;
	heft_pickle_ref value;
	struct heft_torch_step was;

	heft_pickle_pair(w->p, root->dict, i, &key, &value);
	was = heft_torch_push_key(w, key, i);
	w->n_left_out = key == root->wrapper ? w->path.size + 1 : 0;
	HEFT_TRY(heft_torch_walk_value(w, value, space_of_pair(w->p, root, key, value), err));
	heft_torch_pop(w, was);
	return HEFT_OK;
}

static enum heft_status walk_dict(struct heft_torch_walker *w, heft_pickle_ref dict,
                                  struct heft_error *err)
{
	struct root root = { .dict = dict, .wrapper = HEFT_PICKLE_NONE };

	HEFT_TRY(find_wrapper(w, &root, err));
	w->notes->wrapper = root.wrapper;
	for (uint32_t i = 0; i < heft_pickle_n_pairs(w->p, dict); i++)
		HEFT_TRY(walk_pair(w, &root, i, err));
	return HEFT_OK;
}

static enum heft_status walk_root(struct heft_torch_walker *w, struct heft_error *err)
{
	const heft_pickle_ref v = heft_torch_plain(w->p, heft_pickle_root(w->p));

	if (heft_pickle_kind(w->p, v) == HEFT_PICKLE_DICT && !heft_torch_is_optimizer(w->p, v))
		return walk_dict(w, v, err);
	return heft_torch_walk_value(w, v, HEFT_SPACE_WEIGHTS, err);
}

/* Y3-6 */
static enum heft_status walk_constants(struct heft_torch_walker *w, struct heft_error *err)
{
	w->is_constant = true;
	heft_torch_push(w, "constants", 9);
	return heft_torch_walk_value(w, heft_pickle_root(w->p), HEFT_SPACE_WEIGHTS, err);
}

/* --- both pickles --- */

struct collector {
	struct heft_torch_storages storages;
	struct heft_torch_adder adder;
	struct heft_torch_notes notes;
};

static enum heft_status walk(struct collector *c, const struct heft_pickle *p, bool is_constant,
                             struct heft_error *err)
{
	struct heft_torch_walker w;
	enum heft_status st = heft_torch_walker_init(&w, p, err);

	w.adder = &c->adder;
	w.storages = &c->storages;
	w.notes = &c->notes;
	if (st == HEFT_OK)
		st = is_constant ? walk_constants(&w, err) : walk_root(&w, err);
	heft_torch_walker_done(&w);
	return st;
}

static uint64_t n_values(const struct heft_pickle *main, const struct heft_pickle *constants)
{
	return (uint64_t)heft_pickle_n_values(main) +
	       (constants ? heft_pickle_n_values(constants) : 0);
}

static enum heft_status collect(struct collector *c, const struct heft_pickle *main,
                                const struct heft_pickle *constants, struct heft_error *err)
{
	struct heft_torch_model *m = c->adder.model;

	HEFT_TRY(heft_listing_new(&m->tensors, err));
	HEFT_TRY(heft_listing_new(&c->adder.composites, err));
	HEFT_TRY(heft_torch_storages_add(&c->storages, main, false, err));
	if (constants)
		HEFT_TRY(heft_torch_storages_add(&c->storages, constants, true, err));
	HEFT_TRY(walk(c, main, false, err));
	if (constants)
		HEFT_TRY(walk(c, constants, true, err));
	HEFT_TRY(heft_torch_tie(m, err));
	return heft_torch_tell(main, constants, &c->notes, c->adder.limits, &m->metadata, err);
}

static void collector_done(struct collector *c)
{
	heft_torch_storages_done(&c->storages);
	heft_listing_free(c->adder.composites);
	heft_buffer_done(&c->notes.quantised);
	heft_buffer_done(&c->notes.sparse);
}

enum heft_status heft_torch_collect(const struct heft_pickle *main,
                                    const struct heft_pickle *constants,
                                    const struct heft_limits *limits,
                                    struct heft_torch_model *model, struct heft_error *err)
{
	struct heft_torch_model made = { 0 };
	struct collector c = { .notes = { .wrapper = HEFT_PICKLE_NONE } };
	enum heft_status st;

	c.adder = (struct heft_torch_adder){
		.model = &made,
		.limits = limits,
		.tries_left = NAMES_MIN + n_values(main, constants),
		.names_left = NAMES_MIN + NAMES_PER_VALUE * n_values(main, constants),
	};
	heft_buffer_init(&c.notes.quantised);
	heft_buffer_init(&c.notes.sparse);
	heft_torch_storages_init(&c.storages);
	st = collect(&c, main, constants, err);
	made.storages = c.storages.all;
	made.n_storages = c.storages.n;
	c.storages.all = NULL;
	c.storages.n = 0;
	collector_done(&c);
	if (st != HEFT_OK) {
		heft_torch_model_done(&made);
		return st;
	}
	*model = made;
	return HEFT_OK;
}

void heft_torch_model_done(struct heft_torch_model *model)
{
	for (uint32_t i = 0; i < model->n_storages; i++)
		heft_free(model->storages[i].key);
	heft_free(model->storages);
	heft_free(model->views);
	heft_free(model->strides);
	heft_free(model->metadata);
	heft_listing_free(model->tensors);
	memset(model, 0, sizeof *model);
}
