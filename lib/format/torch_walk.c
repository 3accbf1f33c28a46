/* SPDX-License-Identifier: Apache-2.0 */
/* torch_walk.c - walks through the values of a PyTorch pickle and names the tensors that it meets
 * (Y3-1 to Y3-5, Y3-7). */
#include "format/torch_walk.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define MAX_DEPTH 512u /* of values in values */
#define PATH_ROOM (HEFT_MAX_NAME + 64u)
/* A pickle whose values are not shared takes one step a value or less. */
#define STEPS (UINT64_C(1) << 20)
#define STEPS_PER_VALUE 16u
#define BYTES_PER_STEP 64u /* of a key that becomes a part of the path */

/* --- where the walk is --- */

enum heft_status heft_torch_walker_init(struct heft_torch_walker *w, const struct heft_pickle *p,
                                        struct heft_error *err)
{
	const size_t n = heft_pickle_n_values(p) / 8 + (size_t)1;

	memset(w, 0, sizeof *w);
	w->p = p;
	w->on_path = heft_zalloc(n);
	w->seen = heft_zalloc(n);
	w->barren = heft_zalloc(n);
	heft_buffer_init(&w->path);
	heft_buffer_init(&w->name);
	heft_buffer_reserve(&w->path, PATH_ROOM);
	heft_buffer_reserve(&w->name, PATH_ROOM);
	if (!w->on_path || !w->seen || !w->barren || !w->path.ok || !w->name.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a walk");
	heft_torch_walker_restart(w);
	return HEFT_OK;
}

void heft_torch_walker_restart(struct heft_torch_walker *w)
{
	const uint32_t n = heft_pickle_n_values(w->p);

	memset(w->seen, 0, n / 8 + (size_t)1);
	w->steps_left = STEPS + STEPS_PER_VALUE * (uint64_t)n;
	w->n_weights = 0;
	w->path.size = 0;
	w->n_parts = 0;
	w->is_too_long = false;
}

void heft_torch_walker_done(struct heft_torch_walker *w)
{
	heft_free(w->on_path);
	heft_free(w->seen);
	heft_free(w->barren);
	heft_buffer_done(&w->path);
	heft_buffer_done(&w->name);
}

/* A name that is too long is an error only when a tensor has it. */
struct heft_torch_step heft_torch_push(struct heft_torch_walker *w, const void *text, size_t n)
{
	const struct heft_torch_step was = { w->path.size, w->n_parts, w->is_too_long };

	const size_t n_dot = w->n_parts > 0;

	if (w->path.size + n_dot + n > HEFT_MAX_NAME) {
		w->is_too_long = true;
		return was;
	}
	heft_buffer_add(&w->path, ".", n_dot);
	heft_buffer_add(&w->path, text, n);
	w->n_parts++;
	return was;
}

static struct heft_torch_step push_number(struct heft_torch_walker *w, int64_t v)
{
	char text[24];
	const int n = snprintf(text, sizeof text, "%lld", (long long)v);

	return heft_torch_push(w, text, (size_t)n);
}

/* A key that is neither text nor a number counts by its place. */
struct heft_torch_step heft_torch_push_key(struct heft_torch_walker *w, heft_pickle_ref key,
                                           uint32_t i)
{
	const enum heft_pickle_kind kind = heft_pickle_kind(w->p, key);
	const uint8_t *text;
	size_t n;

	if (kind == HEFT_PICKLE_INT)
		return push_number(w, heft_pickle_int(w->p, key));
	if (kind != HEFT_PICKLE_TEXT)
		return push_number(w, i);
	text = heft_pickle_bytes(w->p, key, &n);
	return heft_torch_push(w, text, n);
}

void heft_torch_pop(struct heft_torch_walker *w, struct heft_torch_step was)
{
	w->path.size = was.size;
	w->n_parts = was.n_parts;
	w->is_too_long = was.is_too_long;
}

static bool has_bit(const uint8_t *bits, heft_pickle_ref v)
{
	return bits[v / 8] & 1u << (v & 7);
}

static bool take_bit(uint8_t *bits, heft_pickle_ref v)
{
	const bool was = has_bit(bits, v);

	bits[v / 8] |= (uint8_t)(1u << (v & 7));
	return !was;
}

static void drop_bit(uint8_t *bits, heft_pickle_ref v)
{
	bits[v / 8] &= (uint8_t) ~(1u << (v & 7));
}

/* Values that are shared make many paths of a short pickle. */
static enum heft_status spend(struct heft_torch_walker *w, heft_pickle_ref v, uint64_t n,
                              struct heft_error *err)
{
	if (n > w->steps_left)
		return heft_fail(err, HEFT_E_LIMIT, heft_pickle_at(w->p, v),
		                 "its values are shared so much that there are too many paths");
	w->steps_left -= n;
	return HEFT_OK;
}

/* --- the values in a value --- */

static enum heft_status walk_items(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                                   struct heft_error *err)
{
	const uint32_t n = heft_pickle_n_items(w->p, v);

	for (uint32_t i = 0; i < n; i++) {
		const struct heft_torch_step was = push_number(w, i);

		HEFT_TRY(heft_torch_walk_value(w, heft_pickle_item(w->p, v, i), space, err));
		heft_torch_pop(w, was);
	}
	return HEFT_OK;
}

static enum heft_status walk_pair(struct heft_torch_walker *w, heft_pickle_ref v, uint32_t i,
                                  uint8_t space, struct heft_error *err)
{
	heft_pickle_ref key;
	heft_pickle_ref value;
	struct heft_torch_step was;

	heft_pickle_pair(w->p, v, i, &key, &value);
	was = heft_torch_push_key(w, key, i);
	HEFT_TRY(spend(w, v, (w->path.size - was.size) / BYTES_PER_STEP, err));
	HEFT_TRY(heft_torch_walk_value(w, value, space, err));
	heft_torch_pop(w, was);
	return HEFT_OK;
}

/* Y3-4 */
bool heft_torch_is_optimizer(const struct heft_pickle *p, heft_pickle_ref v)
{
	return heft_pickle_get(p, v, "state") != HEFT_PICKLE_NONE &&
	       heft_pickle_get(p, v, "param_groups") != HEFT_PICKLE_NONE;
}

static enum heft_status walk_pairs(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                                   struct heft_error *err)
{
	const uint32_t n = heft_pickle_n_pairs(w->p, v);

	if (n > 0 && heft_torch_is_optimizer(w->p, v))
		space = HEFT_SPACE_OPTIMIZER;
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(walk_pair(w, v, i, space, err));
	return HEFT_OK;
}

/* The attributes of an object stand below it without a name between. */
static enum heft_status walk_state(struct heft_torch_walker *w, heft_pickle_ref state,
                                   uint8_t space, struct heft_error *err)
{
	if (state == HEFT_PICKLE_NONE)
		return HEFT_OK;
	if (!heft_torch_is_slots(w->p, state))
		return heft_torch_walk_value(w, state, space, err);
	HEFT_TRY(heft_torch_walk_value(w, heft_pickle_item(w->p, state, 0), space, err));
	return heft_torch_walk_value(w, heft_pickle_item(w->p, state, 1), space, err);
}

static enum heft_status walk_made(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                                  struct heft_error *err)
{
	const heft_pickle_ref args = heft_pickle_argument(w->p, v);

	if (args != HEFT_PICKLE_NONE)
		HEFT_TRY(heft_torch_walk_value(w, args, space, err));
	HEFT_TRY(walk_items(w, v, space, err));
	HEFT_TRY(walk_pairs(w, v, space, err));
	return walk_state(w, heft_pickle_state(w->p, v), space, err);
}

/* --- modules (Y3-2) --- */

static bool is_in_set(const struct heft_pickle *p, heft_pickle_ref set, heft_pickle_ref key)
{
	size_t n;
	const uint8_t *text = heft_pickle_bytes(p, key, &n);

	for (uint32_t i = 0; i < heft_pickle_n_items(p, set); i++) {
		const heft_pickle_ref item = heft_pickle_item(p, set, i);
		size_t n_item;
		const uint8_t *bytes;

		if (heft_pickle_kind(p, item) != HEFT_PICKLE_TEXT)
			continue;
		bytes = heft_pickle_bytes(p, item, &n_item);
		if (n_item == n && memcmp(bytes, text, n) == 0)
			return true;
	}
	return false;
}

static uint8_t below(uint8_t space)
{
	return space == HEFT_SPACE_WEIGHTS ? HEFT_SPACE_STATE : space;
}

static enum heft_status walk_buffers(struct heft_torch_walker *w, heft_pickle_ref state,
                                     uint8_t space, struct heft_error *err)
{
	const heft_pickle_ref buffers = heft_pickle_get(w->p, state, "_buffers");
	const heft_pickle_ref set = heft_pickle_get(w->p, state, "_non_persistent_buffers_set");
	const bool has_set = set != HEFT_PICKLE_NONE &&
	                     heft_pickle_kind(w->p, set) == HEFT_PICKLE_SET;
	heft_pickle_ref key;
	heft_pickle_ref value;

	for (uint32_t i = 0; i < heft_pickle_n_pairs(w->p, buffers); i++) {
		bool is_kept = true;

		heft_pickle_pair(w->p, buffers, i, &key, &value);
		if (has_set && heft_pickle_kind(w->p, key) == HEFT_PICKLE_TEXT) {
			HEFT_TRY(spend(w, set, heft_pickle_n_items(w->p, set), err));
			is_kept = !is_in_set(w->p, set, key);
		}
		HEFT_TRY(walk_pair(w, buffers, i, is_kept ? space : below(space), err));
	}
	return HEFT_OK;
}

static enum heft_status walk_dict(struct heft_torch_walker *w, heft_pickle_ref dict, uint8_t space,
                                  struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_pickle_n_pairs(w->p, dict); i++)
		HEFT_TRY(walk_pair(w, dict, i, space, err));
	return HEFT_OK;
}

/* The three dicts; and a recurrent module's list of its parameters, which is none of its own. */
static bool is_walked(const struct heft_pickle *p, heft_pickle_ref key)
{
	return heft_pickle_is_text(p, key, "_modules") ||
	       heft_pickle_is_text(p, key, "_parameters") ||
	       heft_pickle_is_text(p, key, "_buffers") ||
	       heft_pickle_is_text(p, key, "_flat_weights");
}

static enum heft_status walk_module(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                                    struct heft_error *err)
{
	const heft_pickle_ref state = heft_pickle_state(w->p, v);
	heft_pickle_ref key;
	heft_pickle_ref value;

	HEFT_TRY(walk_dict(w, heft_pickle_get(w->p, state, "_parameters"), space, err));
	HEFT_TRY(walk_buffers(w, state, space, err));
	HEFT_TRY(walk_dict(w, heft_pickle_get(w->p, state, "_modules"), space, err));
	for (uint32_t i = 0; i < heft_pickle_n_pairs(w->p, state); i++) {
		heft_pickle_pair(w->p, state, i, &key, &value);
		if (!is_walked(w->p, key))
			HEFT_TRY(walk_pair(w, state, i, below(space), err));
	}
	return HEFT_OK;
}

/* --- any value --- */

static enum heft_status walk_inside(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                                    struct heft_error *err)
{
	switch (heft_pickle_kind(w->p, v)) {
	case HEFT_PICKLE_LIST:
	case HEFT_PICKLE_TUPLE:
	case HEFT_PICKLE_SET:
		return walk_items(w, v, space, err);
	case HEFT_PICKLE_DICT:
		HEFT_TRY(walk_pairs(w, v, space, err));
		return walk_state(w, heft_pickle_state(w->p, v), space, err);
	case HEFT_PICKLE_CALL:
	case HEFT_PICKLE_OBJECT:
		return heft_torch_is_module(w->p, v) ? walk_module(w, v, space, err)
		                                     : walk_made(w, v, space, err);
	default:
		return HEFT_OK;
	}
}

static bool holds_values(const struct heft_pickle *p, heft_pickle_ref v)
{
	switch (heft_pickle_kind(p, v)) {
	case HEFT_PICKLE_LIST:
	case HEFT_PICKLE_TUPLE:
	case HEFT_PICKLE_SET:
	case HEFT_PICKLE_DICT:
	case HEFT_PICKLE_CALL:
	case HEFT_PICKLE_OBJECT:
		return true;
	default:
		return false;
	}
}

/* A value that is in itself ends there. What is in space `state` hangs together in any way, so that
 * every value of it is looked at once (Y3-5). What was walked to its end without a tensor is not
 * walked again: values that are shared are mostly such. */
static enum heft_status enter(struct heft_torch_walker *w, heft_pickle_ref v, uint8_t space,
                              struct heft_error *err)
{
	const uint64_t n_before = w->n_met;
	enum heft_status st;

	if (w->depth == MAX_DEPTH)
		return heft_fail(err, HEFT_E_LIMIT, heft_pickle_at(w->p, v),
		                 "values are nested deeper than %u", MAX_DEPTH);
	if (has_bit(w->barren, v))
		return HEFT_OK;
	w->n_met += has_bit(w->on_path, v); /* not walked to its end */
	if ((space == HEFT_SPACE_STATE && !take_bit(w->seen, v)) || !take_bit(w->on_path, v))
		return HEFT_OK;
	w->depth++;
	st = walk_inside(w, v, space, err);
	w->depth--;
	drop_bit(w->on_path, v);
	if (w->n_met == n_before)
		take_bit(w->barren, v);
	return st;
}

enum heft_status heft_torch_walk_value(struct heft_torch_walker *w, heft_pickle_ref v,
                                       uint8_t space, struct heft_error *err)
{
	struct heft_torch_call call;
	enum heft_torch_what what;

	HEFT_TRY(spend(w, v, 1, err));
	v = heft_torch_plain(w->p, v);
	what = heft_torch_look(w->p, v, &call);
	if (what == HEFT_TORCH_OTHER)
		return holds_values(w->p, v) ? enter(w, v, space, err) : HEFT_OK;
	w->n_met++;
	if (what == HEFT_TORCH_WRAPPED)
		return walk_state(w, call.state, space, err);
	HEFT_TRY(heft_torch_found(w, what, &call, space, err));
	return walk_state(w, call.state, below(space), err);
}
