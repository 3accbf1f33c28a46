/* SPDX-License-Identifier: Apache-2.0 */
/* diff_metadata.c - which members of two JSON objects differ. */
#include <stdlib.h>
#include <string.h>

#include "diff_result.h"
#include "json_members.h"
#include "memory.h"

struct list {
	struct json_member *items;
	size_t n;
};

static int compare_keys(const struct json_member *x, const struct json_member *y)
{
	const size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
	const int order = memcmp(x->key, y->key, n);

	if (order)
		return order;
	return x->key_size < y->key_size ? -1 : x->key_size > y->key_size;
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(a, b);
}

static struct list list_members(const char *json)
{
	struct list l = { 0 };
	struct json_member member;
	size_t size = 0;

	while (json_members_next(&json, &member)) {
		if (l.n == size) {
			size = size > 0 ? 2 * size : 64;
			l.items = memory_resize(l.items, size, sizeof *l.items);
		}
		l.items[l.n++] = member;
	}
	if (l.n > 1)
		qsort(l.items, l.n, sizeof *l.items, by_key);
	return l;
}

/* A value's text, character by character, without the blanks outside of strings. */
struct reader {
	const char *at;
	const char *end;
	bool is_in_string;
};

static char next_char(struct reader *r)
{
	while (!r->is_in_string && r->at < r->end && strchr(" \t\r\n", *r->at))
		r->at++;
	return r->at < r->end ? *r->at++ : '\0';
}

/* Both readers stand at the same character, so one of them tells where strings begin and end. */
static bool is_same_value(const struct json_member *x, const struct json_member *y)
{
	struct reader a = { x->value, x->value + x->value_size, false };
	struct reader b = { y->value, y->value + y->value_size, false };
	bool is_escaped = false;
	char c;

	do {
		c = next_char(&a);
		if (c != next_char(&b))
			return false;
		if (c == '"' && !is_escaped)
			a.is_in_string = b.is_in_string = !a.is_in_string;
		is_escaped = c == '\\' && !is_escaped;
	} while (c);
	return true;
}

static void add(struct diff_metadata *m, const struct json_member *member, bool is_in_a,
                bool is_in_b)
{
	m->items[m->n++] = (struct diff_member){ member->key, member->key_size, is_in_a, is_in_b };
}

void diff_metadata_init(struct diff_metadata *m, const char *a, const char *b)
{
	const struct list x = list_members(a);
	const struct list y = list_members(b);
	size_t i = 0;
	size_t k = 0;

	m->n = 0;
	m->items = memory_new(x.n + y.n, sizeof *m->items);
	while (i < x.n || k < y.n) {
		const int order = i == x.n   ? 1
		                  : k == y.n ? -1
		                             : compare_keys(&x.items[i], &y.items[k]);

		if (order < 0)
			add(m, &x.items[i], true, false);
		else if (order > 0)
			add(m, &y.items[k], false, true);
		else if (!is_same_value(&x.items[i], &y.items[k]))
			add(m, &x.items[i], true, true);
		i += order <= 0;
		k += order >= 0;
	}
	free(x.items);
	free(y.items);
}

void diff_metadata_done(struct diff_metadata *m)
{
	free(m->items);
	m->items = NULL;
}
