/* SPDX-License-Identifier: Apache-2.0 */
/* regex_match.c - runs the program of a regular expression on a text: all its threads at once, a
 * step each for every character. */
#include <string.h>

#include "graph/code_points.h"
#include "graph/regex.h"

#define NO_CHARACTER UINT32_MAX

struct matcher {
	const struct heft_regex_step *steps;
	const uint32_t *ranges;
	uint32_t n;
	uint32_t *marks; /* one a step: the character where it was last reached, + 1 */
	uint32_t *stack;
	uint32_t *now; /* steps that wait for a character */
	uint32_t n_now;
	uint32_t *next;
	uint32_t n_next;
	bool is_done; /* the end of the program is reached */
};

static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

/* Whether a step that asks for a place goes on between these characters. */
static bool holds(enum heft_regex_kind kind, uint32_t before, uint32_t after)
{
	const bool is_edge = (before != NO_CHARACTER && is_word(before)) !=
	                     (after != NO_CHARACTER && is_word(after));

	if (kind == HEFT_REGEX_BEGIN)
		return before == NO_CHARACTER;
	if (kind == HEFT_REGEX_END)
		return after == NO_CHARACTER;
	return is_edge == (kind == HEFT_REGEX_EDGE);
}

/* All that is reached from a step without a character. A step goes on the stack once a mark. */
static void reach(struct matcher *m, uint32_t step, uint32_t mark, uint32_t before, uint32_t after)
{
	uint32_t n = 0;

	if (m->marks[step] != mark) {
		m->marks[step] = mark;
		m->stack[n++] = step;
	}
	while (n > 0) {
		const uint32_t at = m->stack[--n];
		const struct heft_regex_step *s = &m->steps[at];
		uint32_t to[2];
		uint32_t n_to = 0;

		if (s->kind == HEFT_REGEX_MATCH)
			m->is_done = true;
		else if (s->kind <= HEFT_REGEX_NOT_IN)
			m->next[m->n_next++] = at;
		else if (s->kind == HEFT_REGEX_GO || s->kind == HEFT_REGEX_FORK)
			to[n_to++] = (uint32_t)((int32_t)at + s->a);
		else if (holds(s->kind, before, after))
			to[n_to++] = at + 1;
		if (s->kind == HEFT_REGEX_FORK)
			to[n_to++] = (uint32_t)((int32_t)at + s->b);
		for (uint32_t i = 0; i < n_to; i++) {
			if (m->marks[to[i]] == mark)
				continue;
			m->marks[to[i]] = mark;
			m->stack[n++] = to[i];
		}
	}
}

static bool takes(const struct matcher *m, const struct heft_regex_step *s, uint32_t c)
{
	bool is_in = false;

	if (s->kind == HEFT_REGEX_ANY)
		return c != '\n';
	for (int32_t i = 0; i < s->b && !is_in; i++)
		is_in = c >= m->ranges[2 * (s->a + i)] && c <= m->ranges[2 * (s->a + i) + 1];
	return is_in == (s->kind == HEFT_REGEX_IN);
}

/* The character behind *at, which goes on; NO_CHARACTER at the end. */
static uint32_t next_character(const char **at, const char *end)
{
	return *at == end ? NO_CHARACTER : heft_code_point_next(at, end);
}

static void swap(struct matcher *m)
{
	uint32_t *const now = m->now;

	m->now = m->next;
	m->n_now = m->n_next;
	m->next = now;
	m->n_next = 0;
	m->is_done = false;
}

bool heft_regex_matches(struct heft_regex *r, const struct heft_text *text)
{
	const uint32_t n = (uint32_t)(r->code.size / sizeof(struct heft_regex_step));
	const char *at = text->n_bytes > 0 ? text->bytes : "";
	const char *const end = at + text->n_bytes;
	struct matcher m = {
		.steps = (const struct heft_regex_step *)(const void *)r->code.bytes,
		.ranges = (const uint32_t *)(const void *)r->ranges.bytes,
		.n = n,
		.marks = r->room,
		.stack = r->room + n,
		.now = r->room + 2 * (size_t)n,
		.next = r->room + 3 * (size_t)n,
	};
	uint32_t after = next_character(&at, end);
	uint32_t mark = 1;

	memset(m.marks, 0, n * sizeof *m.marks);
	reach(&m, 0, mark, NO_CHARACTER, after);
	while (after != NO_CHARACTER) {
		const uint32_t c = after;

		swap(&m);
		if (m.n_now == 0)
			return false;
		after = next_character(&at, end);
		if (++mark == 0) {
			memset(m.marks, 0, n * sizeof *m.marks);
			mark = 1;
		}
		for (uint32_t i = 0; i < m.n_now; i++) {
			if (takes(&m, &m.steps[m.now[i]], c))
				reach(&m, m.now[i] + 1, mark, c, after);
		}
	}
	return m.is_done;
}
