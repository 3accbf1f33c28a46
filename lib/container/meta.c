/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c - checks META (spec/container.md 7.1), and splices one member of it in or out. */
#include "container/meta.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "container/layout.h"

#define MAX_DEPTH 64u

static const struct heft_json_limits limits = { .max_depth = MAX_DEPTH };

/* --- checking --- */

/* One value and nothing behind it; META is an object. */
static enum heft_status check_tokens(struct heft_json *j, bool object, uint64_t file_off,
                                     struct heft_error *err)
{
	struct heft_json_token t;

	HEFT_TRY(heft_json_next(j, &t, err));
	if (object && t.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, file_off,
		                 "the metadata is not a JSON object");
	HEFT_TRY(heft_json_skip(j, &t, err));
	return heft_json_next(j, &t, err); /* END, or a fault */
}

static enum heft_status check_text(const char *text, size_t size, bool object, uint64_t file_off,
                                   struct heft_error *err)
{
	struct heft_json *j;
	enum heft_status st;

	HEFT_TRY(heft_json_new(text, size, file_off, &limits, &j, err));
	st = check_tokens(j, object, file_off, err);
	heft_json_free(j);
	return st;
}

/* What is wrong in a file is CORRUPT, and USAGE when the caller said it. */
static enum heft_status as_code(enum heft_status st, enum heft_status code, struct heft_error *err)
{
	if (st != HEFT_E_CORRUPT)
		return st;
	if (err)
		err->code = code;
	return code;
}

enum heft_status heft_meta_check(const char *text, size_t size, enum heft_status code,
                                 uint64_t file_off, struct heft_error *err)
{
	if (size > HEFT_META_MAX)
		return heft_fail(err, HEFT_E_LIMIT, file_off, "the metadata has more than 256 MiB");
	return as_code(check_text(text, size, true, file_off, err), code, err);
}

/* --- finding members --- */

struct member {
	size_t key_at;
	size_t key_end;
	size_t value_at;
	size_t value_end;
};

/* Where things lie in the text of an object. */
struct outline {
	size_t open_end; /* behind the '{' */
	size_t close_at; /* the '}' */
	uint32_t n;      /* members, up to 2^32 - 1 */
	struct member first;
	struct member second;
	struct member last;
	bool is_found; /* the key that is looked for, and its neighbours */
	uint32_t found_i;
	struct member found;
	size_t end_before; /* of the value before it */
	size_t key_after;  /* 0: it is the last one */
};

/* The end of the value whose first token is `t`. */
static enum heft_status value_end(struct heft_json *j, struct heft_json_token t, size_t *end,
                                  struct heft_error *err)
{
	uint32_t depth = 0;

	for (;;) {
		if (t.kind == HEFT_JSON_OBJECT || t.kind == HEFT_JSON_ARRAY)
			depth++;
		else if (t.kind == HEFT_JSON_OBJECT_END || t.kind == HEFT_JSON_ARRAY_END)
			depth--;
		if (depth == 0)
			break;
		HEFT_TRY(heft_json_next(j, &t, err));
	}
	*end = t.pos + t.raw_size;
	return HEFT_OK;
}

static void note_member(struct outline *o, const struct member *m, bool is_it)
{
	if (o->is_found && o->key_after == 0)
		o->key_after = m->key_at;
	if (is_it) {
		o->is_found = true;
		o->found_i = o->n;
		o->found = *m;
		o->end_before = o->n > 0 ? o->last.value_end : o->open_end;
	}
	if (o->n == 0)
		o->first = *m;
	else if (o->n == 1)
		o->second = *m;
	o->last = *m;
	o->n++;
}

static enum heft_status scan(struct heft_json *j, const char *key, struct outline *o,
                             struct heft_error *err)
{
	const size_t key_size = strlen(key);
	struct heft_json_token t;

	HEFT_TRY(heft_json_next(j, &t, err));
	if (t.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the metadata is not a JSON object");
	o->open_end = t.pos + t.raw_size;
	HEFT_TRY(heft_json_next(j, &t, err));
	while (t.kind == HEFT_JSON_KEY) {
		const bool is_it = t.text_size == key_size && memcmp(t.text, key, key_size) == 0;
		struct member m = { .key_at = t.pos, .key_end = t.pos + t.raw_size };

		HEFT_TRY(heft_json_next(j, &t, err));
		m.value_at = t.pos;
		HEFT_TRY(value_end(j, t, &m.value_end, err));
		note_member(o, &m, is_it);
		HEFT_TRY(heft_json_next(j, &t, err));
	}
	o->close_at = t.pos;
	return heft_json_next(j, &t, err); /* END, or a fault */
}

static enum heft_status outline_of(const char *text, const char *key, struct outline *o,
                                   struct heft_error *err)
{
	struct heft_json *j;
	enum heft_status st;

	memset(o, 0, sizeof *o);
	HEFT_TRY(heft_json_new(text, strlen(text), 0, &limits, &j, err));
	st = scan(j, key, o, err);
	heft_json_free(j);
	return st;
}

/* --- splicing --- */

static enum heft_status take(struct heft_buffer *b, char **out, struct heft_error *err)
{
	size_t size;
	char *text = (char *)heft_buffer_take(b, &size);

	if (!text)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	*out = text;
	return HEFT_OK;
}

/* A new member looks like those that are there: the white space before its key and the colon are
 * those of the second member, or of the first. */
static void add_member(struct heft_buffer *b, const char *text, const struct outline *o,
                       const char *key, const char *value)
{
	const size_t gap_at = o->first.value_end;
	const char *comma;

	if (o->n > 1) {
		comma = memchr(text + gap_at, ',', o->second.key_at - gap_at);
		heft_buffer_add(b, ",", 1);
		heft_buffer_add(b, comma + 1, (size_t)(text + o->second.key_at - comma - 1));
	} else if (o->n == 1) {
		const bool is_spaced = o->first.value_at - o->first.key_end > 1;
		const size_t lead = o->first.key_at - o->open_end;

		heft_buffer_add(b, ",", 1);
		heft_buffer_add(b, lead > 0 ? text + o->open_end : " ",
		                lead > 0 ? lead : is_spaced);
	}
	heft_buffer_add_json_string(b, key, strlen(key));
	if (o->n > 0)
		heft_buffer_add(b, text + o->first.key_end, o->first.value_at - o->first.key_end);
	else
		heft_buffer_add(b, ":", 1);
	heft_buffer_add(b, value, strlen(value));
}

static void splice_in(struct heft_buffer *b, const char *text, const struct outline *o,
                      const char *key, const char *value)
{
	const size_t size = strlen(text);

	if (o->is_found) {
		heft_buffer_add(b, text, o->found.value_at);
		heft_buffer_add(b, value, strlen(value));
		heft_buffer_add(b, text + o->found.value_end, size - o->found.value_end);
	} else {
		const size_t left = o->n > 0 ? o->last.value_end : o->open_end;
		const size_t right = o->n > 0 ? left : o->close_at;

		heft_buffer_add(b, text, left);
		add_member(b, text, o, key, value);
		heft_buffer_add(b, text + right, size - right);
	}
}

enum heft_status heft_meta_set(const char *text, const char *key, const char *json_value,
                               char **out, struct heft_error *err)
{
	struct heft_buffer b;
	struct outline o;
	enum heft_status st;

	if (!text)
		text = "{}";
	HEFT_TRY(as_code(check_text(json_value, strlen(json_value), false, 0, err), HEFT_E_USAGE,
	                 err));
	HEFT_TRY(outline_of(text, key, &o, err));
	heft_buffer_init(&b);
	splice_in(&b, text, &o, key, json_value);
	st = b.ok ? heft_meta_check((const char *)b.bytes, b.size, HEFT_E_USAGE, 0, err) : HEFT_OK;
	if (st == HEFT_OK)
		st = take(&b, out, err);
	heft_buffer_done(&b);
	return st;
}

enum heft_status heft_meta_unset(const char *text, const char *key, char **out,
                                 struct heft_error *err)
{
	struct heft_buffer b;
	struct outline o;
	enum heft_status st;
	size_t left;
	size_t right;

	if (!text)
		text = "{}";
	HEFT_TRY(outline_of(text, key, &o, err));
	if (!o.is_found)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the metadata has no member '%.80s'", key);
	left = o.end_before;
	right = o.found.value_end;
	if (o.n == 1) {
		right = o.close_at;
	} else if (o.found_i == 0) {
		left = o.found.key_at;
		right = o.key_after;
	}
	heft_buffer_init(&b);
	heft_buffer_add(&b, text, left);
	heft_buffer_add(&b, text + right, strlen(text) - right);
	st = take(&b, out, err);
	heft_buffer_done(&b);
	return st;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool heft_meta_is_empty(const char *text)
{
	if (!text)
		return true;
	while (*text != '\0' && *text != '{')
		text++;
	if (*text == '{')
		text++;
	while (is_space(*text))
		text++;
	return *text == '}';
}
