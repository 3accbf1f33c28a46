/* SPDX-License-Identifier: Apache-2.0 */
/* torch_value.c - metadata as values of Python (spec/foreign/pytorch.md, Y5-3): JSON's own, typed
 * ones as what they stand for, and tensors where their names say. Recursion ends where META does,
 * 64 deep, and where paths do. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "format/decimal.h"
#include "format/torch_write.h"

#define QUOTED 80

static enum heft_status malformed(const char *type, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "a value of type '%s' in the metadata is malformed: --no-metadata leaves "
	                 "them out",
	                 type);
}

static enum heft_status no_place(const struct heft_torch_pickler *p, uint32_t node,
                                 struct heft_error *err)
{
	const struct heft_torch_node *n = &p->paths.nodes[node];

	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "the metadata and a tensor have one place in a PyTorch file, '%.*s': "
	                 "--no-metadata leaves them out",
	                 (int)(n->key_size < QUOTED ? n->key_size : QUOTED), n->key);
}

/* --- tensors in dicts --- */

static void pickle_key(struct heft_torch_pickler *p, uint32_t parent, const char *key,
                       size_t key_size)
{
	int64_t number;

	if (heft_torch_paths_is_number(&p->paths, parent, key, key_size, &number))
		heft_torch_emit_int(p->e, number);
	else
		heft_torch_emit_text(p->e, key, key_size);
}

static void pickle_node(struct heft_torch_pickler *p, uint32_t i)
{
	size_t mark_at;

	if (p->paths.nodes[i].tensor_i != HEFT_TORCH_NO_NODE) {
		heft_torch_pickle_tensor(p, p->paths.nodes[i].tensor_i);
		return;
	}
	heft_torch_emit(p->e, '}');
	mark_at = heft_torch_emit_mark(p->e);
	heft_torch_pickle_children(p, i);
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
}

void heft_torch_pickle_children(struct heft_torch_pickler *p, uint32_t node)
{
	uint32_t i = node == HEFT_TORCH_NO_NODE ? node : p->paths.nodes[node].first_child;

	for (; i != HEFT_TORCH_NO_NODE; i = p->paths.nodes[i].next) {
		const struct heft_torch_node *n = &p->paths.nodes[i];

		if (n->is_written)
			continue;
		pickle_key(p, node, n->key, n->key_size);
		pickle_node(p, i);
	}
}

/* The child that a key of the metadata stands for, too. */
static uint32_t take_child(struct heft_torch_pickler *p, uint32_t node, const char *key,
                           size_t key_size)
{
	const uint32_t child = heft_torch_paths_find(&p->paths, node, key, key_size);

	if (child != HEFT_TORCH_NO_NODE)
		p->paths.nodes[child].is_written = true;
	return child;
}

/* --- scalars --- */

static enum heft_status pickle_number(struct heft_torch_pickler *p, const char *text, size_t n,
                                      struct heft_error *err)
{
	struct heft_buffer b;
	bool is_whole;
	double real;

	if (memchr(text, '.', n) || memchr(text, 'e', n) || memchr(text, 'E', n)) {
		if (!heft_decimal_real(text, n, &real))
			return malformed("number", err);
		heft_torch_emit_real(p->e, real);
		return HEFT_OK;
	}
	heft_buffer_init(&b);
	is_whole = heft_decimal_add_whole(&b, text, n);
	if (is_whole && b.ok) {
		const size_t size = heft_decimal_n_needed(b.bytes, b.size);
		int64_t v = b.bytes[size - 1] >= 0x80 ? -1 : 0;

		if (size <= 8) {
			for (size_t i = size; i > 0; i--)
				v = (int64_t)((uint64_t)v << 8 | b.bytes[i - 1]);
			heft_torch_emit_int(p->e, v);
		} else {
			is_whole = heft_torch_emit_long(p->e, b.bytes, size);
		}
	}
	p->e->b.ok = p->e->b.ok && b.ok;
	heft_buffer_done(&b);
	return is_whole ? HEFT_OK : malformed("int", err);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bits of a float. */
static enum heft_status pickle_bits(struct heft_torch_pickler *p, const char *text, size_t n,
                                    struct heft_error *err)
{
	uint64_t bits = 0;
	double real;

	if (n != 16)
		return malformed("f64", err);
	for (size_t i = 0; i < n; i++) {
		const int digit = hex_digit(text[i]);

		if (digit < 0)
			return malformed("f64", err);
		bits = bits << 4 | (uint64_t)digit;
	}
	memcpy(&real, &bits, sizeof real);
	heft_torch_emit_real(p->e, real);
	return HEFT_OK;
}

/* --- base64 --- */

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648, with its padding. */
static bool add_base64(struct heft_buffer *b, const char *text, size_t n)
{
	uint32_t bits = 0;

	if (n % 4 != 0)
		return false;
	for (int k = 0; k < 2 && n > 0 && text[n - 1] == '='; k++)
		n--;
	for (size_t i = 0; i < n; i++) {
		const int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 > 0)
			heft_buffer_add_u8(b, (uint8_t)(bits >> (6 - 2 * (i % 4))));
	}
	return n % 4 != 1;
}

static enum heft_status pickle_base64(struct heft_torch_pickler *p, bool is_text, const char *text,
                                      size_t n, struct heft_error *err)
{
	struct heft_buffer b;
	bool is_base64;

	heft_buffer_init(&b);
	is_base64 = add_base64(&b, text, n);
	if (is_text)
		heft_torch_emit_text(p->e, b.bytes, b.size);
	else
		heft_torch_emit_bytes(p->e, b.bytes, b.size);
	p->e->b.ok = p->e->b.ok && b.ok;
	heft_buffer_done(&b);
	return is_base64 ? HEFT_OK : malformed(is_text ? "text" : "bytes", err);
}

/* --- typed values --- */

enum type {
	TYPE_NONE,
	TYPE_INT,
	TYPE_F64,
	TYPE_TEXT,
	TYPE_BYTES,
	TYPE_DICT,
	TYPE_GLOBAL
};

static const char *const type_names[] = { "", "int", "f64", "text", "bytes", "dict", "global" };

/* NONE: one that Python would have to call something for, which stays the dict that JSON has. */
static enum type type_called(const struct heft_json_token *token)
{
	for (size_t i = 1; i < sizeof type_names / sizeof *type_names; i++) {
		if (token->kind == HEFT_JSON_STRING && token->text_size == strlen(type_names[i]) &&
		    memcmp(token->text, type_names[i], token->text_size) == 0)
			return (enum type)i;
	}
	return TYPE_NONE;
}

/* A key that is a list was a tuple. */
static enum heft_status pickle_tuple(struct heft_torch_pickler *p, struct heft_json *j,
                                     struct heft_error *err)
{
	struct heft_json_token token;

	heft_torch_emit(p->e, '(');
	for (;;) {
		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind == HEFT_JSON_ARRAY_END)
			break;
		if (token.kind == HEFT_JSON_ARRAY)
			HEFT_TRY(pickle_tuple(p, j, err));
		else
			HEFT_TRY(heft_torch_pickle_value(p, j, &token, HEFT_TORCH_NO_NODE, err));
	}
	heft_torch_emit(p->e, 't');
	return HEFT_OK;
}

/* [KEY, VALUE], whose '[' was taken. */
static enum heft_status pickle_pair(struct heft_torch_pickler *p, struct heft_json *j,
                                    uint32_t node, struct heft_error *err)
{
	struct heft_json_token token;
	uint32_t child = HEFT_TORCH_NO_NODE;

	HEFT_TRY(heft_json_next(j, &token, err));
	if (token.kind == HEFT_JSON_STRING)
		child = take_child(p, node, token.text, token.text_size);
	else if (token.kind == HEFT_JSON_NUMBER)
		child = take_child(p, node, token.text, token.text_size);
	if (token.kind == HEFT_JSON_ARRAY)
		HEFT_TRY(pickle_tuple(p, j, err));
	else
		HEFT_TRY(heft_torch_pickle_value(p, j, &token, HEFT_TORCH_NO_NODE, err));
	HEFT_TRY(heft_json_next(j, &token, err));
	if (token.kind == HEFT_JSON_ARRAY_END)
		return malformed("dict", err);
	HEFT_TRY(heft_torch_pickle_value(p, j, &token, child, err));
	HEFT_TRY(heft_json_next(j, &token, err));
	return token.kind == HEFT_JSON_ARRAY_END ? HEFT_OK : malformed("dict", err);
}

/* [[KEY, VALUE], …], whose first '[' was taken. */
static enum heft_status pickle_pairs(struct heft_torch_pickler *p, struct heft_json *j,
                                     uint32_t node, struct heft_error *err)
{
	struct heft_json_token token;
	size_t mark_at;

	heft_torch_emit(p->e, '}');
	mark_at = heft_torch_emit_mark(p->e);
	for (;;) {
		HEFT_TRY(heft_json_next(j, &token, err));
		if (token.kind == HEFT_JSON_ARRAY_END)
			break;
		if (token.kind != HEFT_JSON_ARRAY)
			return malformed("dict", err);
		HEFT_TRY(pickle_pair(p, j, node, err));
	}
	heft_torch_pickle_children(p, node);
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
	return HEFT_OK;
}

/* torch.float32 is one that PyTorch lets a file name; others stay the dict that JSON has. */
static void pickle_global(struct heft_torch_pickler *p, const char *text, size_t n)
{
	char name[32];

	if (n < sizeof name) {
		memcpy(name, text, n);
		name[n] = '\0';
		if (heft_torch_emit_dtype(p->e, name))
			return;
	}
	heft_torch_emit(p->e, '}');
	heft_torch_emit(p->e, '(');
	heft_torch_emit_text(p->e, "t", 1);
	heft_torch_emit_text(p->e, "global", 6);
	heft_torch_emit_text(p->e, "v", 1);
	heft_torch_emit_text(p->e, text, n);
	heft_torch_emit(p->e, 'u');
}

/* The "v" of a typed value, whose token was taken. */
static enum heft_status pickle_typed(struct heft_torch_pickler *p, struct heft_json *j,
                                     enum type type, const struct heft_json_token *token,
                                     uint32_t node, struct heft_error *err)
{
	if (type == TYPE_DICT && token->kind == HEFT_JSON_ARRAY)
		return pickle_pairs(p, j, node, err);
	if (token->kind != HEFT_JSON_STRING || node != HEFT_TORCH_NO_NODE)
		return malformed(type_names[type], err);
	switch (type) {
	case TYPE_INT:
		return pickle_number(p, token->text, token->text_size, err);
	case TYPE_F64:
		return pickle_bits(p, token->text, token->text_size, err);
	case TYPE_TEXT:
	case TYPE_BYTES:
		return pickle_base64(p, type == TYPE_TEXT, token->text, token->text_size, err);
	case TYPE_GLOBAL:
		pickle_global(p, token->text, token->text_size);
		return HEFT_OK;
	default:
		return malformed(type_names[type], err);
	}
}

/* --- containers --- */

enum heft_status heft_torch_pickle_member(struct heft_torch_pickler *p, struct heft_json *j,
                                          const struct heft_json_token *key, uint32_t node,
                                          struct heft_error *err)
{
	const uint32_t child = take_child(p, node, key->text, key->text_size);
	struct heft_json_token token;

	heft_torch_emit_text(p->e, key->text, key->text_size);
	HEFT_TRY(heft_json_next(j, &token, err));
	return heft_torch_pickle_value(p, j, &token, child, err);
}

/* A dict from the token of its first key on, or of its end. */
static enum heft_status pickle_members(struct heft_torch_pickler *p, struct heft_json *j,
                                       struct heft_json_token *token, uint32_t node,
                                       struct heft_error *err)
{
	while (token->kind == HEFT_JSON_KEY) {
		HEFT_TRY(heft_torch_pickle_member(p, j, token, node, err));
		HEFT_TRY(heft_json_next(j, token, err));
	}
	heft_torch_pickle_children(p, node);
	return HEFT_OK;
}

static bool is_key(const struct heft_json_token *token, char key)
{
	return token->kind == HEFT_JSON_KEY && token->text_size == 1 && token->text[0] == key;
}

/* An object whose first key is "t": typed, if it is of a type that Python has as well. */
static enum heft_status pickle_perhaps_typed(struct heft_torch_pickler *p, struct heft_json *j,
                                             uint32_t node, struct heft_error *err)
{
	struct heft_json_token token;
	enum type type;
	size_t mark_at;

	HEFT_TRY(heft_json_next(j, &token, err));
	type = type_called(&token);
	if (type != TYPE_NONE) {
		HEFT_TRY(heft_json_next(j, &token, err));
		if (!is_key(&token, 'v'))
			return malformed(type_names[type], err);
		HEFT_TRY(heft_json_next(j, &token, err));
		HEFT_TRY(pickle_typed(p, j, type, &token, node, err));
		HEFT_TRY(heft_json_next(j, &token, err));
		return token.kind == HEFT_JSON_OBJECT_END ? HEFT_OK
		                                          : malformed(type_names[type], err);
	}
	heft_torch_emit(p->e, '}');
	mark_at = heft_torch_emit_mark(p->e);
	heft_torch_emit_text(p->e, "t", 1);
	HEFT_TRY(heft_torch_pickle_value(p, j, &token, take_child(p, node, "t", 1), err));
	HEFT_TRY(heft_json_next(j, &token, err));
	HEFT_TRY(pickle_members(p, j, &token, node, err));
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
	return HEFT_OK;
}

static enum heft_status pickle_object(struct heft_torch_pickler *p, struct heft_json *j,
                                      uint32_t node, struct heft_error *err)
{
	struct heft_json_token token;
	size_t mark_at;

	HEFT_TRY(heft_json_next(j, &token, err));
	if (is_key(&token, 't'))
		return pickle_perhaps_typed(p, j, node, err);
	heft_torch_emit(p->e, '}');
	mark_at = heft_torch_emit_mark(p->e);
	HEFT_TRY(pickle_members(p, j, &token, node, err));
	heft_torch_emit_to_mark(p->e, mark_at, 'u');
	return HEFT_OK;
}

static uint32_t child_at(struct heft_torch_pickler *p, uint32_t node, uint64_t i)
{
	char key[24];
	const int n = snprintf(key, sizeof key, "%llu", (unsigned long long)i);

	return take_child(p, node, key, (size_t)n);
}

static uint32_t n_unwritten(const struct heft_torch_pickler *p, uint32_t node)
{
	uint32_t i = node == HEFT_TORCH_NO_NODE ? node : p->paths.nodes[node].first_child;
	uint32_t n = 0;

	for (; i != HEFT_TORCH_NO_NODE; i = p->paths.nodes[i].next)
		n += !p->paths.nodes[i].is_written;
	return n;
}

/* The metadata's list lacks the items that were tensors (Y4-1): they go back to where their names
 * say, and the others to the places between them. */
static enum heft_status pickle_items(struct heft_torch_pickler *p, struct heft_json *j,
                                     uint32_t node, struct heft_error *err)
{
	struct heft_json_token token;
	bool has_token = false;
	bool has_ended = false;

	for (uint64_t i = 0;; i++) {
		const uint32_t child = child_at(p, node, i);
		const bool is_tensor = child != HEFT_TORCH_NO_NODE &&
		                       p->paths.nodes[child].tensor_i != HEFT_TORCH_NO_NODE;

		if (!has_token && !has_ended && !is_tensor) {
			HEFT_TRY(heft_json_next(j, &token, err));
			has_ended = token.kind == HEFT_JSON_ARRAY_END;
			has_token = !has_ended;
		}
		if (has_token && !is_tensor &&
		    (child == HEFT_TORCH_NO_NODE || token.kind == HEFT_JSON_OBJECT ||
		     token.kind == HEFT_JSON_ARRAY)) {
			HEFT_TRY(heft_torch_pickle_value(p, j, &token, child, err));
			has_token = false;
		} else if (child != HEFT_TORCH_NO_NODE) {
			pickle_node(p, child);
		} else {
			return HEFT_OK;
		}
	}
}

static enum heft_status pickle_array(struct heft_torch_pickler *p, struct heft_json *j,
                                     uint32_t node, struct heft_error *err)
{
	size_t mark_at;

	heft_torch_emit(p->e, ']');
	mark_at = heft_torch_emit_mark(p->e);
	HEFT_TRY(pickle_items(p, j, node, err));
	heft_torch_emit_to_mark(p->e, mark_at, 'e');
	return n_unwritten(p, node) == 0 ? HEFT_OK : no_place(p, node, err);
}

static enum heft_status pickle_scalar(struct heft_torch_pickler *p,
                                      const struct heft_json_token *token, struct heft_error *err)
{
	switch (token->kind) {
	case HEFT_JSON_STRING:
		heft_torch_emit_text(p->e, token->text, token->text_size);
		return HEFT_OK;
	case HEFT_JSON_NUMBER:
		return pickle_number(p, token->text, token->text_size, err);
	case HEFT_JSON_TRUE:
	case HEFT_JSON_FALSE:
		heft_torch_emit_bool(p->e, token->kind == HEFT_JSON_TRUE);
		return HEFT_OK;
	default:
		heft_torch_emit(p->e, 'N');
		return HEFT_OK;
	}
}

enum heft_status heft_torch_pickle_value(struct heft_torch_pickler *p, struct heft_json *j,
                                         const struct heft_json_token *token, uint32_t node,
                                         struct heft_error *err)
{
	const struct heft_torch_node *n = node == HEFT_TORCH_NO_NODE ? NULL : &p->paths.nodes[node];

	if (n && (n->tensor_i != HEFT_TORCH_NO_NODE ||
	          (token->kind != HEFT_JSON_OBJECT && token->kind != HEFT_JSON_ARRAY)))
		return no_place(p, node, err);
	if (token->kind == HEFT_JSON_OBJECT)
		return pickle_object(p, j, node, err);
	if (token->kind == HEFT_JSON_ARRAY)
		return pickle_array(p, j, node, err);
	return pickle_scalar(p, token, err);
}
