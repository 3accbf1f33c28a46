/* SPDX-License-Identifier: Apache-2.0 */
/* op_string_split.c - StringSplit: the parts of each string along a new last dimension, which is as
 * long as the most parts are, and how many they are. Without a delimiter what divides them is any
 * run of white space, and what is at the ends is no part. */
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

struct splitter {
	struct heft_text delimiter; /* empty: white space */
	uint64_t max_parts;         /* but for what is left */
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint64_t skip_space(const struct heft_text *x, uint64_t at)
{
	while (at < x->n_bytes && is_space(x->bytes[at]))
		at++;
	return at;
}

/* Puts parts into `parts` where it is not NULL; gives how many there are. */
static uint64_t split_at_space(const struct splitter *s, const struct heft_text *x,
                               struct heft_text *parts)
{
	uint64_t at = skip_space(x, 0);
	uint64_t n = 0;

	while (at < x->n_bytes) {
		uint64_t end = at;

		while (end < x->n_bytes && (n == s->max_parts || !is_space(x->bytes[end])))
			end++;
		if (parts)
			parts[n] = (struct heft_text){ .bytes = x->bytes + at,
				                       .n_bytes = end - at };
		n++;
		at = skip_space(x, end);
	}
	return n;
}

/* Where the delimiter stands next; n_bytes: nowhere. */
static uint64_t find(const struct splitter *s, const struct heft_text *x, uint64_t at)
{
	const char *found = at == x->n_bytes
	                            ? NULL
	                            : memmem(x->bytes + at, (size_t)(x->n_bytes - at),
	                                     s->delimiter.bytes, (size_t)s->delimiter.n_bytes);

	return found ? (uint64_t)(found - x->bytes) : x->n_bytes;
}

static uint64_t split_at_text(const struct splitter *s, const struct heft_text *x,
                              struct heft_text *parts)
{
	uint64_t at = 0;
	uint64_t n = 0;

	for (;;) {
		const uint64_t end = n == s->max_parts ? x->n_bytes : find(s, x, at);

		if (parts && end > at)
			parts[n] = (struct heft_text){ .bytes = x->bytes + at,
				                       .n_bytes = end - at };
		n++;
		if (end == x->n_bytes)
			return n;
		at = end + s->delimiter.n_bytes;
	}
}

static uint64_t split(const struct splitter *s, const struct heft_text *x, struct heft_text *parts)
{
	return s->delimiter.n_bytes > 0 ? split_at_text(s, x, parts) : split_at_space(s, x, parts);
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const int64_t max_parts = heft_call_int(c, "maxsplit", -1);
	const struct heft_array *in = &c->in[0];
	struct heft_array n_parts = { 0 };
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1];
	const struct heft_text *x;
	struct splitter s;
	int64_t *counts;
	uint64_t most = 0;
	char *none;

	HEFT_TRY(heft_call_texts(c, 0, &x, err));
	s.delimiter = heft_text_of(heft_call_text(c, "delimiter", ""));
	s.max_parts = max_parts < 0 ? UINT64_MAX : (uint64_t)max_parts;
	HEFT_TRY(heft_array_set(&n_parts, HEFT_DTYPE_I64, in->rank, in->dims, err));
	if (n_parts.n_bytes > 0)
		HEFT_TRY(heft_memory_take(memory, n_parts.n_bytes, &n_parts.bytes, err));
	counts = n_parts.bytes;
	for (uint64_t i = 0; i < in->n_elements; i++) {
		counts[i] = (int64_t)split(&s, &x[i], NULL);
		if ((uint64_t)counts[i] > most)
			most = (uint64_t)counts[i];
	}
	memcpy(dims, in->dims, in->rank * sizeof *dims);
	dims[in->rank] = most;
	HEFT_TRY(heft_texts_new(in->rank + 1, dims, 0, memory, &c->out[0], &none, err));
	for (uint64_t i = 0; most > 0 && i < in->n_elements; i++)
		split(&s, &x[i], (struct heft_text *)c->out[0].bytes + i * most);
	if (heft_call_wants(c, 1))
		c->out[1] = n_parts;
	return HEFT_OK;
}

const struct heft_op heft_op_string_split = {
	.name = "StringSplit",
	.domain = "",
	.since = 20,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 2,
	.run = run,
};
