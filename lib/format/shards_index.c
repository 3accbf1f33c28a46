/* SPDX-License-Identifier: Apache-2.0 */
/* shards_index.c - reads the index of a sharded set, token by token, and refuses what is not one:
 * spec/foreign/shards.md, section 2. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "format/shards.h"

#define QUOTED 80 /* bytes of a name in a message */

struct parser {
	struct heft_json *json;
	struct heft_json_token token;
	const struct heft_shards_visitor *visitor;
	bool has_map;
	size_t name_size;
	char name[HEFT_MAX_NAME + 1];
};

static enum heft_status next(struct parser *p, struct heft_error *err)
{
	return heft_json_next(p->json, &p->token, err);
}

static bool is_text(const struct heft_json_token *token, const char *text)
{
	return token->text_size == strlen(text) && memcmp(token->text, text, token->text_size) == 0;
}

/* --- weight_map --- */

/* Keeps the key: a token's text is gone with the next one. */
static enum heft_status take_name(struct parser *p, struct heft_error *err)
{
	const struct heft_json_token *token = &p->token;

	if (token->text_size > p->visitor->max_name_size || token->text_size >= sizeof p->name)
		return heft_fail(err, HEFT_E_LIMIT, token->off, "a name of %zu bytes is too long",
		                 token->text_size);
	memcpy(p->name, token->text, token->text_size);
	p->name[token->text_size] = '\0';
	p->name_size = token->text_size;
	if (strlen(p->name) != p->name_size)
		return heft_fail(err, HEFT_E_UNSUPPORTED, token->off,
		                 "tensor '%.*s': its name has a NUL inside", QUOTED, p->name);
	return HEFT_OK;
}

/* One member; the token is its key. */
static enum heft_status read_entry(struct parser *p, struct heft_error *err)
{
	const struct heft_json_token *token = &p->token;
	struct heft_shards_entry e = { .name = p->name, .name_off = token->off };

	HEFT_TRY(take_name(p, err));
	HEFT_TRY(next(p, err));
	if (token->kind != HEFT_JSON_STRING)
		return heft_fail(err, HEFT_E_CORRUPT, token->off,
		                 "tensor '%.*s': what stands for its file is not a string", QUOTED,
		                 p->name);
	if (!heft_origin_is_plain_name(token->text, token->text_size))
		return heft_fail(err, HEFT_E_CORRUPT, token->off,
		                 "tensor '%.*s': '%.*s' is not the plain name of a file", QUOTED,
		                 p->name,
		                 token->text_size < QUOTED ? (int)token->text_size : QUOTED,
		                 token->text);
	e.name_size = p->name_size;
	e.file = token->text;
	e.file_size = token->text_size;
	e.file_off = token->off;
	return p->visitor->entry(p->visitor->ctx, &e, err);
}

static enum heft_status read_map(struct parser *p, struct heft_error *err)
{
	HEFT_TRY(next(p, err));
	if (p->token.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off, "weight_map is not an object");
	p->has_map = true;
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			return HEFT_OK;
		HEFT_TRY(read_entry(p, err));
	}
}

/* --- metadata --- */

/* One member; the token is its key. H3-2: what is no string describes the files and not the
 * model. */
static enum heft_status read_metadata_member(struct parser *p, struct heft_error *err)
{
	const struct heft_shards_visitor *v = p->visitor;
	const size_t key_size = p->token.text_size;
	char *key;
	enum heft_status st;

	if (!v->text) {
		HEFT_TRY(next(p, err));
		return heft_json_skip(p->json, &p->token, err);
	}
	key = heft_strndup(p->token.text, key_size);
	if (!key)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	st = next(p, err);
	if (st == HEFT_OK && p->token.kind == HEFT_JSON_STRING)
		st = v->text(v->ctx, key, key_size, p->token.text, p->token.text_size, err);
	else if (st == HEFT_OK)
		st = heft_json_skip(p->json, &p->token, err);
	heft_free(key);
	return st;
}

static enum heft_status read_metadata(struct parser *p, struct heft_error *err)
{
	HEFT_TRY(next(p, err));
	if (p->token.kind == HEFT_JSON_NULL)
		return HEFT_OK;
	if (p->token.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off, "metadata is not an object");
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			return HEFT_OK;
		HEFT_TRY(read_metadata_member(p, err));
	}
}

/* --- the whole --- */

static enum heft_status read_member(struct parser *p, struct heft_error *err)
{
	if (is_text(&p->token, "weight_map"))
		return read_map(p, err);
	if (is_text(&p->token, "metadata"))
		return read_metadata(p, err);
	HEFT_TRY(next(p, err));
	return heft_json_skip(p->json, &p->token, err); /* H2-3 */
}

static enum heft_status read_index(struct parser *p, struct heft_error *err)
{
	HEFT_TRY(next(p, err));
	if (p->token.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off, "the index is not an object");
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			break;
		HEFT_TRY(read_member(p, err));
	}
	if (!p->has_map)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off, "weight_map is missing");
	return next(p, err); /* the end: anything else is a fault */
}

enum heft_status heft_shards_visit(const char *text, size_t size,
                                   const struct heft_shards_visitor *v, struct heft_error *err)
{
	struct parser *p = heft_zalloc(sizeof *p);
	enum heft_status st;

	if (!p)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an index");
	p->visitor = v;
	st = heft_json_new(text, size, 0, NULL, &p->json, err);
	if (st == HEFT_OK)
		st = read_index(p, err);
	heft_json_free(p->json);
	heft_free(p);
	return st;
}
