/* SPDX-License-Identifier: Apache-2.0 */
/* torch_tell.c - the values of a PyTorch pickle that are no tensors, as JSON (Y4-1, Y4-3). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/torch_meta.h"

/* Of braces and brackets. A dict takes three levels at once, and a value that is cut or typed one
 * more: META may have 64 (spec/container.md 7.1). */
#define MAX_DEPTH 60u
#define MAX_KEY 65536u /* bytes of a member's name */
#define STEPS (UINT64_C(1) << 20)
#define STEPS_PER_VALUE 16u
#define BYTES_PER_STEP 16u

enum heft_status heft_torch_teller_init(struct heft_torch_teller *t, const struct heft_pickle *p,
                                        struct heft_buffer *b, struct heft_error *err)
{
	const uint32_t n = heft_pickle_n_values(p);

	*t = (struct heft_torch_teller){
		.p = p,
		.b = b,
		.on_path = heft_zalloc(n / 8 + (size_t)1),
		.steps_left = STEPS + STEPS_PER_VALUE * (uint64_t)n,
	};
	if (!t->on_path)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	return HEFT_OK;
}

void heft_torch_teller_done(struct heft_torch_teller *t)
{
	heft_free(t->on_path);
}

static void add(struct heft_torch_teller *t, const char *text)
{
	heft_buffer_add(t->b, text, strlen(text));
}

/* Instead of what was appended from `at` on (Y4-3). */
static void cut(struct heft_torch_teller *t, size_t at)
{
	t->b->size = at;
	add(t, "{\"t\":\"cut\"}");
}

static bool is_full(const struct heft_torch_teller *t)
{
	return !t->b->ok || t->b->size > HEFT_TORCH_META_MAX;
}

/* What is shared is written again and again: its bytes count like values. */
static void spend(struct heft_torch_teller *t, uint64_t n)
{
	t->steps_left -= n < t->steps_left ? n : t->steps_left;
}

static size_t room(const struct heft_torch_teller *t)
{
	return t->b->size < HEFT_TORCH_META_MAX ? HEFT_TORCH_META_MAX - t->b->size : 0;
}

/* --- scalars --- */

static void add_text(struct heft_torch_teller *t, const uint8_t *text, size_t n)
{
	spend(t, n / BYTES_PER_STEP);
	if (n > room(t) / 6) /* a control character takes six times its size */
		cut(t, t->b->size);
	else
		heft_torch_add_text(t->b, text, n);
}

static void add_bytes(struct heft_torch_teller *t, const uint8_t *bytes, size_t n)
{
	spend(t, n / BYTES_PER_STEP);
	if (n > room(t) / 2) {
		cut(t, t->b->size);
		return;
	}
	add(t, "{\"t\":\"bytes\",\"v\":\"");
	heft_torch_add_base64(t->b, bytes, n);
	add(t, "\"}");
}

static void add_big(struct heft_torch_teller *t, const uint8_t *bytes, size_t n)
{
	spend(t, n); /* its decimals take longer */
	if (!heft_torch_add_big(t->b, bytes, n))
		cut(t, t->b->size);
}

void heft_torch_tell_class(struct heft_torch_teller *t, heft_pickle_ref class)
{
	struct heft_buffer name;

	if (class == HEFT_PICKLE_NONE) {
		add(t, "\"?\"");
		return;
	}
	heft_buffer_init(&name);
	heft_buffer_addf(&name, "%s.%s", heft_pickle_module(t->p, class),
	                 heft_pickle_name(t->p, class));
	if (name.ok)
		add_text(t, name.bytes, name.size);
	else
		t->b->ok = false;
	heft_buffer_done(&name);
}

static void add_scalar(struct heft_torch_teller *t, heft_pickle_ref v)
{
	const enum heft_pickle_kind kind = heft_pickle_kind(t->p, v);
	const uint8_t *bytes = NULL;
	size_t n = 0;

	if (kind == HEFT_PICKLE_TEXT || kind == HEFT_PICKLE_BYTES || kind == HEFT_PICKLE_BIG)
		bytes = heft_pickle_bytes(t->p, v, &n);
	if (kind == HEFT_PICKLE_BOOL) {
		add(t, heft_pickle_bool(t->p, v) ? "true" : "false");
	} else if (kind == HEFT_PICKLE_INT) {
		heft_torch_add_int(t->b, heft_pickle_int(t->p, v));
	} else if (kind == HEFT_PICKLE_FLOAT) {
		heft_torch_add_float(t->b, heft_pickle_float(t->p, v));
	} else if (kind == HEFT_PICKLE_TEXT) {
		add_text(t, bytes, n);
	} else if (kind == HEFT_PICKLE_BYTES) {
		add_bytes(t, bytes, n);
	} else if (kind == HEFT_PICKLE_BIG) {
		add_big(t, bytes, n);
	} else if (kind == HEFT_PICKLE_GLOBAL) {
		add(t, "{\"t\":\"global\",\"v\":");
		heft_torch_tell_class(t, v);
		add(t, "}");
	} else {
		add(t, "null");
	}
}

/* --- lists and dicts --- */

static bool add_items(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	const uint32_t n = heft_pickle_n_items(t->p, v);
	const size_t start = t->b->size;
	uint32_t n_told = 0;

	add(t, "[");
	for (uint32_t i = 0; i < n && !is_full(t); i++) {
		const size_t at = t->b->size;

		add(t, n_told > 0 ? "," : "");
		if (heft_torch_tell_value(t, heft_pickle_item(t->p, v, i), depth + 1))
			n_told++;
		else
			t->b->size = at;
	}
	add(t, "]");
	if (n_told == 0 && n > 0)
		t->b->size = start;
	return n_told > 0 || n == 0;
}

/* What the writer makes of typed values that Python has nothing for: dicts, which become what they
 * were. */
static const char *const written_types[] = { "object", "array", "cut", "global" };

static bool is_written_type(const struct heft_pickle *p, heft_pickle_ref v)
{
	for (size_t i = 0; i < sizeof written_types / sizeof *written_types; i++) {
		if (heft_pickle_is_text(p, v, written_types[i]))
			return true;
	}
	return false;
}

static bool is_plain_pair(const struct heft_pickle *p, heft_pickle_ref key, heft_pickle_ref value,
                          bool is_root)
{
	const uint8_t *text;
	size_t n;

	if (heft_pickle_kind(p, key) != HEFT_PICKLE_TEXT)
		return false;
	text = heft_pickle_bytes(p, key, &n);
	if (n > MAX_KEY || !heft_utf8_ok(text, n))
		return false;
	return is_root || n != 1 || text[0] != 't' || is_written_type(p, value);
}

bool heft_torch_has_plain_keys(const struct heft_pickle *p, heft_pickle_ref dict, bool is_root)
{
	heft_pickle_ref key;
	heft_pickle_ref value;

	for (uint32_t i = 0; i < heft_pickle_n_pairs(p, dict); i++) {
		heft_pickle_pair(p, dict, i, &key, &value);
		if (!is_plain_pair(p, key, value, is_root))
			return false;
	}
	return true;
}

/* A key that is plain is never cut. */
void heft_torch_tell_key(struct heft_torch_teller *t, heft_pickle_ref key)
{
	size_t n;
	const uint8_t *text = heft_pickle_bytes(t->p, key, &n);

	spend(t, n / BYTES_PER_STEP);
	heft_buffer_add_json_string(t->b, (const char *)text, n);
}

/* KEY:VALUE, or [KEY,VALUE] in a dict that is typed. */
static bool add_pair(struct heft_torch_teller *t, heft_pickle_ref key, heft_pickle_ref value,
                     bool is_plain, unsigned depth)
{
	const unsigned below = depth + (is_plain ? 1 : 3);
	const size_t start = t->b->size;
	bool is_told = true;

	if (is_plain) {
		heft_torch_tell_key(t, key);
	} else {
		add(t, "[");
		is_told = heft_torch_tell_value(t, key, below);
	}
	add(t, is_plain ? ":" : ",");
	is_told = is_told && heft_torch_tell_value(t, value, below);
	add(t, is_plain ? "" : "]");
	if (!is_told)
		t->b->size = start;
	return is_told;
}

/* `is_state`: without what is idle. */
static bool add_pairs(struct heft_torch_teller *t, heft_pickle_ref dict, bool is_state,
                      unsigned depth)
{
	const bool is_plain = heft_torch_has_plain_keys(t->p, dict, false);
	const uint32_t n = heft_pickle_n_pairs(t->p, dict);
	const size_t start = t->b->size;
	uint32_t n_told = 0;
	heft_pickle_ref key;
	heft_pickle_ref value;

	add(t, is_plain ? "{" : "{\"t\":\"dict\",\"v\":[");
	for (uint32_t i = 0; i < n && !is_full(t); i++) {
		const size_t at = t->b->size;

		heft_pickle_pair(t->p, dict, i, &key, &value);
		if (is_state && heft_torch_is_idle(t->p, key, value))
			continue;
		add(t, n_told > 0 ? "," : "");
		if (add_pair(t, key, value, is_plain, depth))
			n_told++;
		else
			t->b->size = at;
	}
	add(t, is_plain ? "}" : "]}");
	if (n_told == 0 && n > 0)
		t->b->size = start;
	return n_told > 0 || n == 0;
}

/* --- objects --- */

static const char *const idle_keys[] = {
	"_modules",
	"_parameters",
	"_buffers",
	"_non_persistent_buffers_set",
	"_is_full_backward_hook",
	"_backward_hooks",
	"_backward_pre_hooks",
	"_forward_hooks",
	"_forward_hooks_always_called",
	"_forward_hooks_with_kwargs",
	"_forward_pre_hooks",
	"_forward_pre_hooks_with_kwargs",
	"_load_state_dict_post_hooks",
	"_load_state_dict_pre_hooks",
	"_state_dict_hooks",
	"_state_dict_pre_hooks",
};

static bool is_empty(const struct heft_pickle *p, heft_pickle_ref v)
{
	switch (heft_pickle_kind(p, v)) {
	case HEFT_PICKLE_NULL:
		return true;
	case HEFT_PICKLE_SET:
		return heft_pickle_n_items(p, v) == 0;
	case HEFT_PICKLE_DICT:
		return heft_pickle_n_pairs(p, v) == 0;
	default:
		return false;
	}
}

bool heft_torch_is_idle(const struct heft_pickle *p, heft_pickle_ref key, heft_pickle_ref value)
{
	if (!is_empty(p, value) || heft_pickle_kind(p, key) != HEFT_PICKLE_TEXT)
		return false;
	for (size_t i = 0; i < sizeof idle_keys / sizeof *idle_keys; i++) {
		if (heft_pickle_is_text(p, key, idle_keys[i]))
			return true;
	}
	return false;
}

static bool add_state(struct heft_torch_teller *t, heft_pickle_ref state, unsigned depth)
{
	if (heft_pickle_kind(t->p, state) == HEFT_PICKLE_DICT)
		return add_pairs(t, state, true, depth);
	return heft_torch_tell_value(t, state, depth);
}

static size_t begin_member(struct heft_torch_teller *t, const char *name)
{
	const size_t at = t->b->size;

	heft_buffer_addf(t->b, ",\"%s\":", name);
	return at;
}

static void end_member(struct heft_torch_teller *t, size_t at, bool is_told)
{
	if (!is_told)
		t->b->size = at;
}

static void add_object(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	const heft_pickle_ref args = heft_pickle_argument(t->p, v);
	const heft_pickle_ref state = heft_pickle_state(t->p, v);
	size_t at;

	add(t, "{\"t\":\"object\",\"v\":");
	heft_torch_tell_class(t, heft_torch_class(t->p, v));
	if (args != HEFT_PICKLE_NONE && heft_pickle_n_items(t->p, args) > 0) {
		at = begin_member(t, "args");
		end_member(t, at, heft_torch_tell_value(t, args, depth + 1));
	}
	if (heft_pickle_n_items(t->p, v) > 0) {
		at = begin_member(t, "items");
		end_member(t, at, add_items(t, v, depth + 1));
	}
	if (heft_pickle_n_pairs(t->p, v) > 0) {
		at = begin_member(t, "pairs");
		end_member(t, at, add_pairs(t, v, false, depth + 1));
	}
	if (state != HEFT_PICKLE_NONE && !is_empty(t->p, state)) {
		at = begin_member(t, "state");
		end_member(t, at, add_state(t, state, depth + 1));
	}
	add(t, "}");
}

/* --- any value --- */

static bool add_made(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	const size_t start = t->b->size;

	if (heft_torch_add_numpy(t->b, t->p, v, room(t)))
		spend(t, (t->b->size - start) / BYTES_PER_STEP);
	else
		add_object(t, v, depth);
	return true;
}

static bool add_inside(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	switch (heft_pickle_kind(t->p, v)) {
	case HEFT_PICKLE_LIST:
	case HEFT_PICKLE_TUPLE:
	case HEFT_PICKLE_SET:
		return add_items(t, v, depth);
	case HEFT_PICKLE_DICT:
		return add_pairs(t, v, false, depth);
	default:
		return add_made(t, v, depth);
	}
}

static bool tell_container(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	const uint8_t mask = (uint8_t)(1u << (v & 7));
	const size_t start = t->b->size;
	bool is_told;

	if (depth > MAX_DEPTH || t->on_path[v / 8] & mask) {
		cut(t, start);
		return true;
	}
	t->on_path[v / 8] |= mask;
	is_told = add_inside(t, v, depth);
	t->on_path[v / 8] &= (uint8_t)~mask;
	if (t->b->size > HEFT_TORCH_META_MAX)
		cut(t, start);
	return is_told;
}

bool heft_torch_tell_value(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth)
{
	struct heft_torch_call call;

	if (t->steps_left == 0) {
		cut(t, t->b->size);
		return true;
	}
	t->steps_left--;
	v = heft_torch_plain(t->p, v);
	if (heft_torch_look(t->p, v, &call) != HEFT_TORCH_OTHER)
		return false;
	switch (heft_pickle_kind(t->p, v)) {
	case HEFT_PICKLE_LIST:
	case HEFT_PICKLE_TUPLE:
	case HEFT_PICKLE_SET:
	case HEFT_PICKLE_DICT:
	case HEFT_PICKLE_CALL:
	case HEFT_PICKLE_OBJECT:
		return tell_container(t, v, depth);
	default:
		add_scalar(t, v);
		return true;
	}
}
