/* SPDX-License-Identifier: Apache-2.0 */
/* members.c - reads metadata for formats whose values are strings alone. */
#include "format/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"

#define QUOTED 80 /* bytes of a name in a message */
#define BOOKKEEPING "heft."

void heft_members_done(struct heft_members *m)
{
	heft_buffer_done(&m->text);
	heft_buffer_done(&m->sizes);
	heft_free(m->members);
	m->members = NULL;
}

static void add_text(struct heft_members *m, const struct heft_json_token *token)
{
	const size_t size = token->text_size;

	heft_buffer_add(&m->text, token->text, size);
	heft_buffer_add(&m->sizes, &size, sizeof size);
}

static bool is_bookkeeping(const struct heft_json_token *key)
{
	const size_t n = sizeof BOOKKEEPING - 1;

	return key->text_size >= n && memcmp(key->text, BOOKKEEPING, n) == 0;
}

static enum heft_status skip_member(struct heft_json *json, struct heft_json_token *token,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_json_next(json, token, err));
	return heft_json_skip(json, token, err);
}

static enum heft_status read_member(struct heft_json *json, struct heft_json_token *token,
                                    const char *format, struct heft_members *m,
                                    struct heft_error *err)
{
	const size_t key_at = m->text.size;

	if (is_bookkeeping(token))
		return skip_member(json, token, err);
	add_text(m, token);
	HEFT_TRY(heft_json_next(json, token, err));
	if (token->kind == HEFT_JSON_STRING) {
		add_text(m, token);
		m->n++;
	} else if (m->text.ok) {
		const size_t size = m->text.size - key_at;

		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "metadata '%.*s' is not a string, the only kind that %s holds: "
		                 "--no-metadata leaves all of it out",
		                 size < QUOTED ? (int)size : QUOTED,
		                 size > 0 ? (const char *)m->text.bytes + key_at : "", format);
	}
	if (!m->text.ok || !m->sizes.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	return HEFT_OK;
}

static enum heft_status read_object(struct heft_json *json, const char *format,
                                    struct heft_members *m, struct heft_error *err)
{
	struct heft_json_token token;

	HEFT_TRY(heft_json_next(json, &token, err)); /* '{': the plan's metadata is an object */
	for (;;) {
		HEFT_TRY(heft_json_next(json, &token, err));
		if (token.kind != HEFT_JSON_KEY)
			return HEFT_OK;
		HEFT_TRY(read_member(json, &token, format, m, err));
	}
}

/* The text stays where it is now. */
static enum heft_status point(struct heft_members *m, struct heft_error *err)
{
	const char *at = (const char *)m->text.bytes;
	const size_t *sizes = (const void *)m->sizes.bytes;

	m->members = heft_alloc_array(m->n, sizeof *m->members);
	if (!m->members)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	for (size_t i = 0; i < m->n; i++) {
		struct heft_member *member = &m->members[i];

		member->key_size = sizes[2 * i];
		member->value_size = sizes[2 * i + 1];
		member->key = member->key_size > 0 ? at : "";
		member->value = member->value_size > 0 ? at + member->key_size : "";
		if (at)
			at += member->key_size + member->value_size;
	}
	return HEFT_OK;
}

enum heft_status heft_members_read(struct heft_members *m, const char *metadata, const char *format,
                                   struct heft_error *err)
{
	struct heft_json *json;
	enum heft_status st;

	*m = (struct heft_members){ .n = 0 };
	heft_buffer_init(&m->text);
	heft_buffer_init(&m->sizes);
	if (!metadata)
		return HEFT_OK;
	HEFT_TRY(heft_json_new(metadata, strlen(metadata), 0, NULL, &json, err));
	st = read_object(json, format, m, err);
	heft_json_free(json);
	return st == HEFT_OK ? point(m, err) : st;
}

static int compare_keys(const void *a_member, const void *b_member)
{
	const struct heft_member *a = a_member;
	const struct heft_member *b = b_member;
	const size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
	const int order = memcmp(a->key, b->key, n);

	return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

void heft_members_sort(struct heft_members *m)
{
	if (m->n > 1)
		qsort(m->members, m->n, sizeof *m->members, compare_keys);
}
