/* SPDX-License-Identifier: Apache-2.0 */
/* torch_meta.c - the metadata of a PyTorch file: the root's values, and what the reader itself has
 * to say under keys that begin with "heft." (Y4-1, Y4-2). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/torch_meta.h"

/* What stands beside the root's values. */
struct own {
	heft_pickle_ref class;    /* of a root that is an object */
	heft_pickle_ref versions; /* of the modules in a state dict */
	const struct heft_torch_notes *notes;
};

static const char *const own_keys[] = {
	"heft.wrapper", "heft.versions", "heft.quantized", "heft.sparse",
	"heft.class",   "heft.root",     "heft.constants",
};

static void add(struct heft_buffer *b, const char *text)
{
	heft_buffer_add(b, text, strlen(text));
}

/* Begins a member of META, whose opening brace is there. */
static size_t begin_member(struct heft_buffer *b, const char *key)
{
	const size_t at = b->size;

	heft_buffer_addf(b, "%s\"%s\":", at > 1 ? "," : "", key);
	return at;
}

static void add_raw(struct heft_buffer *b, const char *key, const struct heft_buffer *members)
{
	if (members->size == 0)
		return;
	begin_member(b, key);
	add(b, "{");
	heft_buffer_add(b, members->bytes, members->size);
	add(b, "}");
}

static void add_value(struct heft_torch_teller *t, const char *key, heft_pickle_ref v)
{
	const size_t at = begin_member(t->b, key);

	if (!heft_torch_tell_value(t, v, 2))
		t->b->size = at;
}

/* --- the root's values --- */

static bool is_own_key(const struct heft_pickle *p, heft_pickle_ref key)
{
	for (size_t i = 0; i < sizeof own_keys / sizeof *own_keys; i++) {
		if (heft_pickle_is_text(p, key, own_keys[i]))
			return true;
	}
	return false;
}

static void add_root_pair(struct heft_torch_teller *t, heft_pickle_ref key, heft_pickle_ref value)
{
	const size_t at = t->b->size;

	add(t->b, at > 1 ? "," : "");
	heft_torch_tell_key(t, key);
	add(t->b, ":");
	if (!heft_torch_tell_value(t, value, 2))
		t->b->size = at;
	else if (t->b->size > HEFT_TORCH_META_MAX)
		t->b->size = at; /* the last of too many */
}

static void add_root_pairs(struct heft_torch_teller *t, heft_pickle_ref dict, bool is_state)
{
	heft_pickle_ref key;
	heft_pickle_ref value;

	for (uint32_t i = 0; i < heft_pickle_n_pairs(t->p, dict); i++) {
		heft_pickle_pair(t->p, dict, i, &key, &value);
		if (!is_own_key(t->p, key) && !(is_state && heft_torch_is_idle(t->p, key, value)))
			add_root_pair(t, key, value);
	}
}

static bool is_dict(const struct heft_pickle *p, heft_pickle_ref v)
{
	return v != HEFT_PICKLE_NONE && heft_pickle_kind(p, v) == HEFT_PICKLE_DICT;
}

/* An object stands for its attributes. */
static void add_root(struct heft_torch_teller *t, struct own *own, heft_pickle_ref root)
{
	struct heft_torch_call call;
	heft_pickle_ref dict = root;

	if (heft_torch_look(t->p, root, &call) != HEFT_TORCH_OTHER)
		return;
	if (heft_pickle_kind(t->p, root) == HEFT_PICKLE_OBJECT) {
		own->class = heft_torch_class(t->p, root);
		dict = heft_pickle_state(t->p, root);
	}
	if (is_dict(t->p, dict) && heft_torch_has_plain_keys(t->p, dict, true))
		add_root_pairs(t, dict, dict != root);
	else
		add_value(t, "heft.root", root);
}

/* --- what the reader says --- */

/* `_metadata` of the dict whose keys are the names: an attribute of it. */
static heft_pickle_ref versions_of(const struct heft_pickle *p, heft_pickle_ref root,
                                   heft_pickle_ref wrapper)
{
	heft_pickle_ref dict = root;
	heft_pickle_ref key;
	heft_pickle_ref value;

	for (uint32_t i = 0; wrapper != HEFT_PICKLE_NONE && i < heft_pickle_n_pairs(p, root); i++) {
		heft_pickle_pair(p, root, i, &key, &value);
		if (key == wrapper)
			dict = value;
	}
	if (!is_dict(p, dict) || !is_dict(p, heft_pickle_state(p, dict)))
		return HEFT_PICKLE_NONE;
	return heft_pickle_get(p, heft_pickle_state(p, dict), "_metadata");
}

/* A writer wraps in `state_dict` by itself where it has something to put beside it. */
static void add_wrapper(struct heft_torch_teller *t, const struct own *own, bool has_values)
{
	const heft_pickle_ref wrapper = own->notes->wrapper;
	const bool is_beside = has_values || own->notes->has_other_spaces;

	if (wrapper == HEFT_PICKLE_NONE ||
	    (is_beside && heft_pickle_is_text(t->p, wrapper, "state_dict")))
		return;
	add_value(t, "heft.wrapper", wrapper);
}

static void add_own(struct heft_torch_teller *t, const struct own *own, bool has_values)
{
	add_wrapper(t, own, has_values);
	if (own->class != HEFT_PICKLE_NONE) {
		begin_member(t->b, "heft.class");
		heft_torch_tell_class(t, own->class);
	}
	if (own->versions != HEFT_PICKLE_NONE)
		add_value(t, "heft.versions", own->versions);
	add_raw(t->b, "heft.quantized", &own->notes->quantised);
	add_raw(t->b, "heft.sparse", &own->notes->sparse);
}

static enum heft_status tell_main(struct heft_buffer *b, const struct heft_pickle *p,
                                  const struct heft_torch_notes *notes, struct heft_error *err)
{
	const heft_pickle_ref root = heft_torch_plain(p, heft_pickle_root(p));
	struct own own = { HEFT_PICKLE_NONE, versions_of(p, root, notes->wrapper), notes };
	struct heft_torch_teller t;

	HEFT_TRY(heft_torch_teller_init(&t, p, b, err));
	add_root(&t, &own, root);
	add_own(&t, &own, b->size > 1);
	heft_torch_teller_done(&t);
	return HEFT_OK;
}

static enum heft_status tell_constants(struct heft_buffer *b, const struct heft_pickle *p,
                                       struct heft_error *err)
{
	struct heft_torch_teller t;

	if (heft_pickle_n_items(p, heft_pickle_root(p)) == 0)
		return HEFT_OK;
	HEFT_TRY(heft_torch_teller_init(&t, p, b, err));
	add_value(&t, "heft.constants", heft_pickle_root(p));
	heft_torch_teller_done(&t);
	return HEFT_OK;
}

static enum heft_status take(struct heft_buffer *b, const struct heft_limits *limits,
                             char **metadata, struct heft_error *err)
{
	if (b->ok && b->size > limits->max_metadata_size)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "metadata is over the limit");
	*metadata = (char *)heft_buffer_take(b, NULL);
	if (!*metadata)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	return HEFT_OK;
}

enum heft_status heft_torch_tell(const struct heft_pickle *main,
                                 const struct heft_pickle *constants,
                                 const struct heft_torch_notes *notes,
                                 const struct heft_limits *limits, char **metadata,
                                 struct heft_error *err)
{
	struct heft_buffer b;
	enum heft_status st;

	heft_buffer_init(&b);
	add(&b, "{");
	st = tell_main(&b, main, notes, err);
	if (st == HEFT_OK && constants)
		st = tell_constants(&b, constants, err);
	add(&b, "}");
	if (st == HEFT_OK)
		st = take(&b, limits, metadata, err);
	heft_buffer_done(&b);
	return st;
}
