/* SPDX-License-Identifier: Apache-2.0 */
/* torch_root.c - the pickle of a PyTorch file: a dict of tensors by name, in a dict with what else
 * there is (spec/foreign/pytorch.md, Y5-2, Y5-3). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/torch_write.h"

#define PROTOCOL 2
#define WRAPPER "heft.wrapper"
#define VERSIONS "heft.versions"
#define MODULE_KEY "heft.module" /* of what a module of the wrapper's key had beside its tensors */

/* What the metadata say of the root. Places are in their text. */
struct root {
	const char *text; /* NULL: there are none */
	size_t size;
	struct heft_buffer wrapper; /* the key that has the weights; empty: they are the root */
	size_t versions_at;         /* of an object; 0: there are none */
	size_t inside_at;           /* of what has to be put among the weights; 0: nothing */
	uint64_t n_values;          /* members that are not for this file alone */
};

void heft_torch_pickle_tensor(struct heft_torch_pickler *p, uint32_t i)
{
	const struct heft_listing *l = p->plan->tensors;

	heft_torch_emit_tensor(p->e, heft_listing_row(l, i), heft_listing_dims(l, i), p->keys[i]);
}

static bool is_text(const struct heft_json_token *token, const char *text)
{
	return token->text_size == strlen(text) && memcmp(token->text, text, strlen(text)) == 0;
}

/* --- what the metadata say --- */

/* Calls `each` with every member of the root, whose value's first token was taken. */
typedef enum heft_status member_fn(struct root *r, const struct heft_buffer *key,
                                   const struct heft_json_token *value, struct heft_error *err);

static enum heft_status walk_members(struct root *r, struct heft_json *j, struct heft_buffer *key,
                                     member_fn *each, struct heft_error *err)
{
	struct heft_json_token token;

	HEFT_TRY(heft_json_next(j, &token, err));
	for (;;) {
		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind != HEFT_JSON_KEY)
			return HEFT_OK;
		key->size = 0;
		heft_buffer_add(key, token.text, token.text_size);
		if (!key->ok)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a key");
		HEFT_TRY(heft_json_next(j, &token, err));
		HEFT_TRY(each(r, key, &token, err));
		HEFT_TRY(heft_json_skip(j, &token, err));
	}
}

static enum heft_status each_member(struct root *r, member_fn *each, struct heft_error *err)
{
	struct heft_json *j;
	struct heft_buffer key;
	enum heft_status st;

	HEFT_TRY(heft_json_new(r->text, r->size, 0, NULL, &j, err));
	heft_buffer_init(&key);
	st = walk_members(r, j, &key, each, err);
	heft_buffer_done(&key);
	heft_json_free(j);
	return st;
}

static bool key_is(const struct heft_buffer *key, const char *text)
{
	return key->size == strlen(text) && memcmp(key->bytes, text, key->size) == 0;
}

static enum heft_status note_member(struct root *r, const struct heft_buffer *key,
                                    const struct heft_json_token *value, struct heft_error *err)
{
	(void)err;
	if (key_is(key, WRAPPER) && value->kind == HEFT_JSON_STRING && value->text_size > 0)
		heft_buffer_add(&r->wrapper, value->text, value->text_size);
	else if (key_is(key, VERSIONS) && value->kind == HEFT_JSON_OBJECT)
		r->versions_at = value->pos;
	else
		r->n_values++;
	return HEFT_OK;
}

/* The first key of the object there is "t": it is typed. */
static bool is_typed(const struct root *r, size_t at)
{
	at++;
	at += strspn(r->text + at, " \t\r\n");
	return strncmp(r->text + at, "\"t\"", 3) == 0;
}

/* Values that stood among the weights. */
static enum heft_status note_inside(struct root *r, const struct heft_buffer *key,
                                    const struct heft_json_token *value, struct heft_error *err)
{
	(void)err;
	if (key->size == r->wrapper.size && value->kind == HEFT_JSON_OBJECT &&
	    memcmp(key->bytes, r->wrapper.bytes, key->size) == 0 && !is_typed(r, value->pos))
		r->inside_at = value->pos;
	return HEFT_OK;
}

static enum heft_status read_root(struct root *r, const struct heft_write_plan *plan,
                                  bool has_others, struct heft_error *err)
{
	r->text = plan->metadata;
	r->size = plan->metadata ? strlen(plan->metadata) : 0;
	if (r->text)
		HEFT_TRY(each_member(r, note_member, err));
	if (r->wrapper.size == 0 && (r->n_values > 0 || has_others))
		heft_buffer_add(&r->wrapper, "state_dict", 10);
	if (!r->wrapper.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a key");
	if (r->text && r->wrapper.size > 0)
		HEFT_TRY(each_member(r, note_inside, err));
	return HEFT_OK;
}

/* --- the dict of the weights --- */

/* The members of the object at a place of the metadata. */
static enum heft_status pickle_object_at(struct heft_torch_pickler *p, const struct root *r,
                                         size_t at, struct heft_error *err)
{
	struct heft_json_token token;
	struct heft_json *j;
	enum heft_status st;

	HEFT_TRY(heft_json_new(r->text + at, r->size - at, at, NULL, &j, err));
	st = heft_json_next(j, &token, err);
	if (st == HEFT_OK)
		st = heft_json_next(j, &token, err);
	while (st == HEFT_OK && token.kind == HEFT_JSON_KEY) {
		st = heft_torch_pickle_member(p, j, &token, HEFT_TORCH_NO_NODE, err);
		if (st == HEFT_OK)
			st = heft_json_next(j, &token, err);
	}
	heft_json_free(j);
	return st;
}

/* load_state_dict() looks for it. */
static enum heft_status pickle_versions(struct heft_torch_pickler *p, const struct root *r,
                                        struct heft_error *err)
{
	size_t mark_at;

	heft_torch_emit(p->e, '}');
	heft_torch_emit_text(p->e, "_metadata", 9);
	heft_torch_emit_ordered_dict(p->e);
	mark_at = heft_torch_emit_mark(p->e);
	HEFT_TRY(pickle_object_at(p, r, r->versions_at, err));
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
	heft_torch_emit(p->e, 's');
	heft_torch_emit(p->e, 'b');
	return HEFT_OK;
}

static enum heft_status pickle_weights(struct heft_torch_pickler *p, const struct root *r,
                                       struct heft_error *err)
{
	const struct heft_listing *l = p->plan->tensors;
	size_t mark_at;

	heft_torch_emit_ordered_dict(p->e);
	mark_at = heft_torch_emit_mark(p->e);
	for (uint32_t i = 0; i < heft_listing_n(l); i++) {
		const struct heft_listed *row = heft_listing_row(l, i);

		if (row->space != HEFT_SPACE_WEIGHTS)
			continue;
		heft_torch_emit_text(p->e, heft_listing_name(l, i), row->name_size);
		heft_torch_pickle_tensor(p, i);
	}
	if (r->inside_at > 0)
		HEFT_TRY(pickle_object_at(p, r, r->inside_at, err));
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
	return r->versions_at > 0 ? pickle_versions(p, r, err) : HEFT_OK;
}

/* --- the dict around it --- */

static bool is_wrapper(const struct root *r, const struct heft_json_token *key)
{
	return key->text_size == r->wrapper.size &&
	       memcmp(key->text, r->wrapper.bytes, key->text_size) == 0;
}

static enum heft_status pickle_beside(struct heft_torch_pickler *p, const struct root *r,
                                      struct heft_json *j, struct heft_error *err)
{
	struct heft_json_token key;

	HEFT_TRY(heft_json_next(j, &key, err));
	for (;;) {
		HEFT_TRY(heft_json_next(j, &key, err));
		if (key.kind != HEFT_JSON_KEY)
			return HEFT_OK;
		if (is_text(&key, WRAPPER) || is_text(&key, VERSIONS) ||
		    (is_wrapper(r, &key) && r->inside_at > 0)) {
			HEFT_TRY(heft_json_next(j, &key, err));
			HEFT_TRY(heft_json_skip(j, &key, err));
			continue;
		}
		if (is_wrapper(r, &key)) {
			key.text = MODULE_KEY;
			key.text_size = strlen(MODULE_KEY);
		}
		HEFT_TRY(heft_torch_pickle_member(p, j, &key, HEFT_TORCH_ROOT, err));
	}
}

static bool has_weights(const struct heft_torch_pickler *p)
{
	for (uint32_t i = 0; i < heft_listing_n(p->plan->tensors); i++) {
		if (heft_listing_row(p->plan->tensors, i)->space == HEFT_SPACE_WEIGHTS)
			return true;
	}
	return false;
}

static enum heft_status pickle_wrapped(struct heft_torch_pickler *p, const struct root *r,
                                       struct heft_error *err)
{
	const char *wrapper = (const char *)r->wrapper.bytes;
	struct heft_json *j;
	enum heft_status st;

	if (heft_torch_paths_find(&p->paths, HEFT_TORCH_ROOT, wrapper, r->wrapper.size) !=
	    HEFT_TORCH_NO_NODE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a tensor that is no weight has the place of the weights in a "
		                 "PyTorch file: --weights-only leaves it out");
	heft_torch_emit(p->e, '}');
	heft_torch_emit(p->e, '(');
	if (has_weights(p) || r->inside_at > 0) {
		heft_torch_emit_text(p->e, wrapper, r->wrapper.size);
		HEFT_TRY(pickle_weights(p, r, err));
	}
	if (r->text) {
		HEFT_TRY(heft_json_new(r->text, r->size, 0, NULL, &j, err));
		st = pickle_beside(p, r, j, err);
		heft_json_free(j);
		HEFT_TRY(st);
	}
	heft_torch_pickle_children(p, HEFT_TORCH_ROOT);
	heft_torch_emit(p->e, 'u');
	return HEFT_OK;
}

static enum heft_status pickle_root(struct heft_torch_pickler *p, struct root *r,
                                    struct heft_error *err)
{
	const bool has_others = p->paths.nodes[HEFT_TORCH_ROOT].first_child != HEFT_TORCH_NO_NODE;

	HEFT_TRY(read_root(r, p->plan, has_others, err));
	heft_buffer_add_u8(&p->e->b, 0x80);
	heft_buffer_add_u8(&p->e->b, PROTOCOL);
	if (r->wrapper.size > 0)
		HEFT_TRY(pickle_wrapped(p, r, err));
	else
		HEFT_TRY(pickle_weights(p, r, err));
	heft_torch_emit(p->e, '.');
	if (!p->e->b.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a pickle");
	return HEFT_OK;
}

/* --- all of it --- */

static enum heft_status number_storages(struct heft_torch_pickler *p, struct heft_error *err)
{
	const struct heft_listing *l = p->plan->tensors;
	const uint32_t n = heft_listing_n(l);

	p->keys = heft_alloc_array(n, sizeof *p->keys);
	if (!p->keys)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t share = heft_listing_row(l, i)->share;

		p->keys[i] = share == i ? p->n_storages++ : p->keys[share];
	}
	return HEFT_OK;
}

enum heft_status heft_torch_pickle(const struct heft_write_plan *plan, struct heft_torch_emitter *e,
                                   struct heft_error *err)
{
	struct heft_torch_pickler p = { .plan = plan, .e = e };
	struct root r = { .text = NULL };
	enum heft_status st;

	heft_buffer_init(&r.wrapper);
	st = heft_torch_paths_init(&p.paths, plan->tensors, err);
	if (st == HEFT_OK)
		st = number_storages(&p, err);
	if (st == HEFT_OK)
		st = pickle_root(&p, &r, err);
	heft_buffer_done(&r.wrapper);
	heft_torch_paths_done(&p.paths);
	heft_free(p.keys);
	return st;
}
