/* SPDX-License-Identifier: Apache-2.0 */
/* shards_meta.c - the metadata of several files as one object: spec/foreign/shards.md, section
 * 3. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "format/shards.h"

struct member {
	const char *key;
	const char *value;
	size_t key_size;
	size_t value_size;
	size_t order; /* in which it was added; SIZE_MAX: its key came before */
};

void heft_shards_meta_init(struct heft_shards_meta *m)
{
	heft_buffer_init(&m->text);
	heft_buffer_init(&m->sizes);
	m->n = 0;
}

void heft_shards_meta_done(struct heft_shards_meta *m)
{
	heft_buffer_done(&m->text);
	heft_buffer_done(&m->sizes);
}

static void add_text(struct heft_shards_meta *m, const char *text, size_t size)
{
	heft_buffer_add(&m->text, text, size);
	heft_buffer_add(&m->sizes, &size, sizeof size);
}

void heft_shards_meta_add(struct heft_shards_meta *m, const char *key, size_t key_size,
                          const char *value, size_t value_size)
{
	add_text(m, key, key_size);
	add_text(m, value, value_size);
	m->n++;
}

static enum heft_status add_members(struct heft_shards_meta *m, struct heft_json *json,
                                    struct heft_error *err)
{
	struct heft_json_token token;

	HEFT_TRY(heft_json_next(json, &token, err)); /* '{' */
	for (;;) {
		HEFT_TRY(heft_json_next(json, &token, err));
		if (token.kind != HEFT_JSON_KEY)
			return HEFT_OK;
		add_text(m, token.text, token.text_size);
		HEFT_TRY(heft_json_next(json, &token, err));
		add_text(m, token.text, token.text_size);
		m->n++;
	}
}

enum heft_status heft_shards_meta_add_object(struct heft_shards_meta *m, const char *json,
                                             struct heft_error *err)
{
	struct heft_json *reader;
	enum heft_status st;

	HEFT_TRY(heft_json_new(json, strlen(json), 0, NULL, &reader, err));
	st = add_members(m, reader, err);
	heft_json_free(reader);
	return st;
}

static int compare_keys(const void *a_member, const void *b_member)
{
	const struct member *a = a_member;
	const struct member *b = b_member;
	const size_t n = a->key_size < b->key_size ? a->key_size : b->key_size;
	const int order = memcmp(a->key, b->key, n);

	if (order != 0)
		return order;
	if (a->key_size != b->key_size)
		return a->key_size < b->key_size ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static int compare_order(const void *a_member, const void *b_member)
{
	const struct member *a = a_member;
	const struct member *b = b_member;

	return (a->order > b->order) - (a->order < b->order);
}

/* The text stays where it is now. */
static void point(const struct heft_shards_meta *m, struct member *members)
{
	const char *at = (const char *)m->text.bytes;
	const size_t *sizes = (const void *)m->sizes.bytes;

	for (size_t i = 0; i < m->n; i++) {
		struct member *member = &members[i];

		*member = (struct member){ .key = at ? at : "",
			                   .key_size = sizes[2 * i],
			                   .value_size = sizes[2 * i + 1],
			                   .order = i };
		member->value = member->key + member->key_size;
		if (at)
			at += member->key_size + member->value_size;
	}
}

/* H3-1: the first value of a key counts. Gives the number of members that are left. */
static size_t drop_repeated(struct member *members, size_t n)
{
	size_t n_left = n;

	qsort(members, n, sizeof *members, compare_keys);
	for (size_t i = n; i-- > 1;) {
		if (members[i].key_size != members[i - 1].key_size ||
		    memcmp(members[i].key, members[i - 1].key, members[i].key_size) != 0)
			continue;
		members[i].order = SIZE_MAX;
		n_left--;
	}
	qsort(members, n, sizeof *members, compare_order);
	return n_left;
}

static void print(struct heft_buffer *b, const struct member *members, size_t n)
{
	heft_buffer_add_u8(b, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			heft_buffer_add_u8(b, ',');
		heft_buffer_add_json_string(b, members[i].key, members[i].key_size);
		heft_buffer_add_u8(b, ':');
		heft_buffer_add_json_string(b, members[i].value, members[i].value_size);
	}
	heft_buffer_add_u8(b, '}');
}

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
}

enum heft_status heft_shards_meta_take(struct heft_shards_meta *m, char **json,
                                       struct heft_error *err)
{
	struct member *members;
	struct heft_buffer b;

	if (!m->text.ok || !m->sizes.ok)
		return no_memory(err);
	*json = NULL;
	if (m->n == 0)
		return HEFT_OK;
	members = heft_alloc_array(m->n, sizeof *members);
	if (!members)
		return no_memory(err);
	point(m, members);
	heft_buffer_init(&b);
	print(&b, members, drop_repeated(members, m->n));
	heft_free(members);
	*json = (char *)heft_buffer_take(&b, NULL);
	heft_buffer_done(&b);
	return *json ? HEFT_OK : no_memory(err);
}
