/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_pull.c - reads JSON (RFC 8259) from memory token by token. */
#include "base/json_pull.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_keys.h"
#include "base/json_text.h"

#define DEPTH_MAX 64U /* unless the caller says otherwise */

/* What may come next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* behind [ */
	EXPECT_KEY_OR_END,   /* behind { */
	EXPECT_COMMA_OR_END, /* behind a value in a container */
	EXPECT_NOTHING,      /* behind the one value */
	EXPECT_REFUSED       /* the text was refused */
};

struct level {
	bool is_object;
	struct heft_json_object object;
};

struct heft_json {
	const char *text;
	size_t size;
	size_t pos;
	uint64_t file_off;
	uint64_t max_string_size;
	uint32_t max_depth;
	enum expect expect;
	struct level *levels; /* the open containers */
	uint32_t n_levels;
	uint32_t levels_capacity;
	struct heft_json_keys keys;
	struct heft_buffer unescaped; /* the last string that had escapes */
};

enum heft_status heft_json_new(const char *text, size_t size, uint64_t file_off,
                               const struct heft_json_limits *limits, struct heft_json **out,
                               struct heft_error *err)
{
	struct heft_json *j = heft_zalloc(sizeof *j);

	if (!j)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a JSON reader");
	j->text = size > 0 ? text : "";
	j->size = size;
	j->file_off = file_off;
	j->max_depth = limits && limits->max_depth > 0 ? limits->max_depth : DEPTH_MAX;
	j->max_string_size = limits && limits->max_string_size > 0 ? limits->max_string_size
	                                                           : UINT64_MAX;
	heft_json_keys_init(&j->keys, j->text, size);
	heft_buffer_init(&j->unescaped);
	*out = j;
	return HEFT_OK;
}

void heft_json_free(struct heft_json *j)
{
	if (!j)
		return;
	heft_buffer_done(&j->unescaped);
	heft_json_keys_done(&j->keys);
	heft_free(j->levels);
	heft_free(j);
}

static enum heft_status corrupt_at(const struct heft_json *j, size_t pos, const char *what,
                                   struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, j->file_off + pos, "malformed JSON: %s",
	                 pos < j->size ? what : "the text ends too early");
}

static void skip_space(struct heft_json *j)
{
	while (j->pos < j->size && (j->text[j->pos] == ' ' || j->text[j->pos] == '\n' ||
	                            j->text[j->pos] == '\r' || j->text[j->pos] == '\t'))
		j->pos++;
}

/* The next byte; 0 at the end, which no token begins with. */
static char peek(const struct heft_json *j)
{
	return j->pos < j->size ? j->text[j->pos] : 0;
}

static void give(struct heft_json *j, struct heft_json_token *token, enum heft_json_kind kind,
                 size_t raw_size)
{
	*token = (struct heft_json_token){ .kind = kind,
		                           .off = j->file_off + j->pos,
		                           .pos = j->pos,
		                           .raw_size = raw_size,
		                           .text = j->text + j->pos,
		                           .text_size = raw_size };
	j->pos += raw_size;
}

/* A value is complete. */
static void finish_value(struct heft_json *j)
{
	j->expect = j->n_levels > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

/* What stops a string at `pos`, which is neither its end nor an escape. */
static enum heft_status refuse_in_string(const struct heft_json *j, size_t pos,
                                         struct heft_error *err)
{
	const bool is_control = pos < j->size && (unsigned char)j->text[pos] < 0x20;

	return corrupt_at(j, pos,
	                  is_control ? "a control character in a string"
	                             : "bytes in a string that are not UTF-8",
	                  err);
}

/* The rest of a string from its first escape, at *pos, on. */
static enum heft_status unescape_rest(struct heft_json *j, size_t start, size_t *pos,
                                      struct heft_error *err)
{
	struct heft_buffer *b = &j->unescaped;

	b->size = 0;
	heft_buffer_add(b, j->text + start, *pos - start);
	while (*pos < j->size && j->text[*pos] != '"') {
		char piece[HEFT_JSON_ESCAPE_SIZE_MAX];
		size_t n;

		if (j->text[*pos] == '\\') {
			n = heft_json_unescape(j->text, j->size, pos, piece);
			if (n == 0)
				return corrupt_at(j, *pos, "an escape that is none", err);
			heft_buffer_add(b, piece, n);
		} else {
			n = heft_json_plain_span(j->text + *pos, j->size - *pos);
			if (n == 0)
				return refuse_in_string(j, *pos, err);
			heft_buffer_add(b, j->text + *pos, n);
			*pos += n;
		}
	}
	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a JSON string");
	return HEFT_OK;
}

/* A string without escapes is given where it lies. */
static enum heft_status read_string(struct heft_json *j, enum heft_json_kind kind,
                                    struct heft_json_token *token, struct heft_error *err)
{
	const size_t start = j->pos + 1;
	size_t end = start + heft_json_plain_span(j->text + start, j->size - start);
	const bool has_escapes = end < j->size && j->text[end] == '\\';

	if (has_escapes)
		HEFT_TRY(unescape_rest(j, start, &end, err));
	if (end >= j->size)
		return corrupt_at(j, j->size, "", err);
	if (j->text[end] != '"')
		return refuse_in_string(j, end, err);
	give(j, token, kind, end + 1 - j->pos);
	token->text = has_escapes ? (const char *)j->unescaped.bytes : j->text + start;
	token->text_size = has_escapes ? j->unescaped.size : end - start;
	if (token->text_size > j->max_string_size)
		return heft_fail(err, HEFT_E_LIMIT, token->off,
		                 "JSON string longer than %llu bytes",
		                 (unsigned long long)j->max_string_size);
	return HEFT_OK;
}

/* A key, with the colon behind it. */
static enum heft_status read_key(struct heft_json *j, struct heft_json_token *token,
                                 struct heft_error *err)
{
	const struct level *level = &j->levels[j->n_levels - 1];
	bool is_new;

	if (peek(j) != '"')
		return corrupt_at(j, j->pos, "a key is needed here", err);
	HEFT_TRY(read_string(j, HEFT_JSON_KEY, token, err));
	HEFT_TRY(heft_json_keys_add(&j->keys, &level->object, token->pos + 1,
	                            token->text_size + 2 != token->raw_size, token->text,
	                            token->text_size, &is_new, err));
	if (!is_new)
		return heft_fail(err, HEFT_E_CORRUPT, token->off, "the key '%.*s' is there twice",
		                 (int)(token->text_size < 100 ? token->text_size : 100),
		                 token->text);
	skip_space(j);
	if (peek(j) != ':')
		return corrupt_at(j, j->pos, "a colon is needed here", err);
	j->pos++;
	j->expect = EXPECT_VALUE;
	return HEFT_OK;
}

static enum heft_status grow_levels(struct heft_json *j, struct heft_error *err)
{
	const uint32_t capacity = j->levels_capacity > 0 ? j->levels_capacity * 2 : 8;
	struct level *levels = heft_realloc_array(j->levels, capacity, sizeof *levels);

	if (!levels)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for nested JSON");
	j->levels = levels;
	j->levels_capacity = capacity;
	return HEFT_OK;
}

static enum heft_status open_container(struct heft_json *j, bool is_object,
                                       struct heft_json_token *token, struct heft_error *err)
{
	struct level *level;

	if (j->n_levels == j->max_depth)
		return heft_fail(err, HEFT_E_LIMIT, j->file_off + j->pos,
		                 "JSON nested deeper than %u", (unsigned)j->max_depth);
	if (j->n_levels == j->levels_capacity)
		HEFT_TRY(grow_levels(j, err));
	level = &j->levels[j->n_levels++];
	level->is_object = is_object;
	heft_json_object_init(&level->object, &j->keys, j->n_levels);
	give(j, token, is_object ? HEFT_JSON_OBJECT : HEFT_JSON_ARRAY, 1);
	j->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	return HEFT_OK;
}

static enum heft_status close_container(struct heft_json *j, struct heft_json_token *token)
{
	const struct level *level = &j->levels[--j->n_levels];

	if (level->is_object && j->n_levels > 0) /* behind the outermost one no key can come */
		heft_json_keys_drop(&j->keys, &level->object);
	give(j, token, level->is_object ? HEFT_JSON_OBJECT_END : HEFT_JSON_ARRAY_END, 1);
	finish_value(j);
	return HEFT_OK;
}

static enum heft_status read_word(struct heft_json *j, const char *word, enum heft_json_kind kind,
                                  struct heft_json_token *token, struct heft_error *err)
{
	const size_t n = strlen(word);

	if (j->size - j->pos < n || memcmp(j->text + j->pos, word, n) != 0)
		return corrupt_at(j, j->pos, "a value is needed here", err);
	give(j, token, kind, n);
	finish_value(j);
	return HEFT_OK;
}

static enum heft_status read_number(struct heft_json *j, struct heft_json_token *token,
                                    struct heft_error *err)
{
	const size_t n = heft_json_number_span(j->text + j->pos, j->size - j->pos);

	if (n == 0)
		return corrupt_at(j, j->pos, "a number that is none", err);
	give(j, token, HEFT_JSON_NUMBER, n);
	finish_value(j);
	return HEFT_OK;
}

static enum heft_status read_value(struct heft_json *j, struct heft_json_token *token,
                                   struct heft_error *err)
{
	const char c = peek(j);

	if (c == '{' || c == '[')
		return open_container(j, c == '{', token, err);
	if (c == 't')
		return read_word(j, "true", HEFT_JSON_TRUE, token, err);
	if (c == 'f')
		return read_word(j, "false", HEFT_JSON_FALSE, token, err);
	if (c == 'n')
		return read_word(j, "null", HEFT_JSON_NULL, token, err);
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(j, token, err);
	if (c != '"')
		return corrupt_at(j, j->pos, "a value is needed here", err);
	HEFT_TRY(read_string(j, HEFT_JSON_STRING, token, err));
	finish_value(j);
	return HEFT_OK;
}

static enum heft_status read_after_value(struct heft_json *j, struct heft_json_token *token,
                                         struct heft_error *err)
{
	const bool is_object = j->levels[j->n_levels - 1].is_object;

	if (peek(j) == (is_object ? '}' : ']'))
		return close_container(j, token);
	if (peek(j) != ',')
		return corrupt_at(j, j->pos,
		                  is_object ? "a comma or } is needed here"
		                            : "a comma or ] is needed here",
		                  err);
	j->pos++;
	skip_space(j);
	return is_object ? read_key(j, token, err) : read_value(j, token, err);
}

static enum heft_status read_end(struct heft_json *j, struct heft_json_token *token,
                                 struct heft_error *err)
{
	if (j->pos < j->size)
		return corrupt_at(j, j->pos, "something follows the value", err);
	give(j, token, HEFT_JSON_END, 0);
	return HEFT_OK;
}

static enum heft_status read_token(struct heft_json *j, struct heft_json_token *token,
                                   struct heft_error *err)
{
	skip_space(j);
	switch (j->expect) {
	case EXPECT_VALUE:
		return read_value(j, token, err);
	case EXPECT_VALUE_OR_END:
		return peek(j) == ']' ? close_container(j, token) : read_value(j, token, err);
	case EXPECT_KEY_OR_END:
		return peek(j) == '}' ? close_container(j, token) : read_key(j, token, err);
	case EXPECT_COMMA_OR_END:
		return read_after_value(j, token, err);
	case EXPECT_NOTHING:
		return read_end(j, token, err);
	case EXPECT_REFUSED:
		break;
	}
	return heft_fail(err, HEFT_E_USAGE, j->file_off + j->pos, "the JSON was refused before");
}

enum heft_status heft_json_next(struct heft_json *j, struct heft_json_token *token,
                                struct heft_error *err)
{
	const enum heft_status st = read_token(j, token, err);

	if (st != HEFT_OK)
		j->expect = EXPECT_REFUSED;
	return st;
}

enum heft_status heft_json_skip(struct heft_json *j, const struct heft_json_token *first,
                                struct heft_error *err)
{
	struct heft_json_token token;
	const uint32_t n_levels = j->n_levels;

	if (first->kind != HEFT_JSON_OBJECT && first->kind != HEFT_JSON_ARRAY)
		return HEFT_OK;
	while (j->n_levels >= n_levels)
		HEFT_TRY(heft_json_next(j, &token, err));
	return HEFT_OK;
}

bool heft_json_u64(const struct heft_json_token *token, uint64_t *value)
{
	uint64_t v = 0;

	if (token->kind != HEFT_JSON_NUMBER)
		return false;
	for (size_t i = 0; i < token->text_size; i++) {
		const char c = token->text[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(c - '0'), &v))
			return false;
	}
	*value = v;
	return true;
}
