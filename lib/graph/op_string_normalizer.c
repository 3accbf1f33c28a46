/* SPDX-License-Identifier: Apache-2.0 */
/* op_string_normalizer.c - StringNormalizer: strings in one letter case, without stop words. Case
 * is Unicode's, whatever the attribute `locale` says. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/code_points.h"
#include "graph/kinds.h"

typedef uint32_t case_fn(uint32_t c);

/* Stop words as they are compared. */
struct stops {
	const struct heft_text *words;
	uint64_t n;
	case_fn *fold; /* NULL: as they are */
};

/* At most this many times as many bytes: two of UTF-8 may become three. */
#define GROWTH 2

/* Writes the string in another case; gives where it ends. */
static char *put_case(char *to, const struct heft_text *from, case_fn *fn)
{
	const char *at = from->bytes;
	const char *end;

	if (from->n_bytes == 0)
		return to;
	end = at + from->n_bytes;
	while (at < end) {
		const uint32_t c = heft_code_point_next(&at, end);

		to += heft_code_point_put(to, fn && c <= HEFT_CODE_POINT_MAX ? fn(c) : c);
	}
	return to;
}

/* All of n strings in another case, in memory. */
static enum heft_status fold_all(const struct heft_text *from, uint64_t n, case_fn *fn,
                                 struct heft_memory *memory, struct heft_text **to,
                                 struct heft_error *err)
{
	struct heft_array a;
	uint64_t n_bytes = 0;
	char *at;

	for (uint64_t i = 0; i < n; i++) {
		if (!heft_add_u64(n_bytes, from[i].n_bytes, &n_bytes))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "strings are too long");
	}
	if (!heft_mul_u64(n_bytes, GROWTH, &n_bytes))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "strings are too long");
	HEFT_TRY(heft_texts_new(1, &n, n_bytes, memory, &a, &at, err));
	*to = a.bytes;
	for (uint64_t i = 0; i < n; i++) {
		(*to)[i].bytes = at;
		at = put_case(at, &from[i], fn);
		(*to)[i].n_bytes = (uint64_t)(at - (*to)[i].bytes);
	}
	return HEFT_OK;
}

static enum heft_status read_stops(const struct heft_call *c, case_fn *fold,
                                   struct heft_memory *memory, struct stops *stops,
                                   struct heft_error *err)
{
	const char *const *words;
	struct heft_text *texts;
	struct heft_array a;
	char *none;
	uint64_t size;
	uint32_t n;

	HEFT_TRY(heft_call_text_list(c, "stopwords", &words, &n, err));
	size = n;
	HEFT_TRY(heft_texts_new(1, &size, 0, memory, &a, &none, err));
	texts = a.bytes;
	for (uint32_t i = 0; i < n; i++)
		texts[i] = heft_text_of(words[i]);
	if (fold)
		HEFT_TRY(fold_all(texts, n, fold, memory, &texts, err));
	*stops = (struct stops){ .words = texts, .n = n, .fold = fold };
	return HEFT_OK;
}

static bool is_stop(const struct stops *stops, const struct heft_text *word)
{
	for (uint64_t i = 0; i < stops->n; i++) {
		if (heft_text_compare(&stops->words[i], word) == 0)
			return true;
	}
	return false;
}

/* What is left of x; where that is nothing, one empty string. */
static enum heft_status keep(const struct heft_call *c, const struct heft_text *x, case_fn *fn,
                             const struct stops *stops, struct heft_memory *memory,
                             struct heft_error *err)
{
	const struct heft_array *in = &c->in[0];
	const uint64_t n = in->n_elements;
	const struct heft_text *compared = x;
	const struct heft_text *changed = x;
	uint64_t dims[2] = { 1, 0 };
	struct heft_text *folded;
	struct heft_text *y;
	char *none;
	uint64_t n_kept = 0;

	if (stops->fold) {
		HEFT_TRY(fold_all(x, n, stops->fold, memory, &folded, err));
		compared = folded;
	}
	if (fn) {
		HEFT_TRY(fold_all(x, n, fn, memory, &folded, err));
		changed = folded;
	}
	dims[in->rank - 1] = n > 0 ? n : 1;
	HEFT_TRY(heft_texts_new(in->rank, dims, 0, memory, &c->out[0], &none, err));
	y = c->out[0].bytes;
	for (uint64_t i = 0; i < n; i++) {
		if (!is_stop(stops, &compared[i]))
			y[n_kept++] = changed[i];
	}
	dims[in->rank - 1] = n_kept > 0 ? n_kept : 1;
	if (n_kept == 0)
		memset(y, 0, sizeof *y);
	return heft_array_set(&c->out[0], HEFT_KIND_TEXTS, in->rank, dims, err);
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const char *action = heft_call_text(c, "case_change_action", "NONE");
	const bool is_exact = heft_call_int(c, "is_case_sensitive", 0) != 0;
	const struct heft_array *in = &c->in[0];
	const struct heft_text *x;
	struct stops stops;
	case_fn *fn = NULL;

	HEFT_TRY(heft_call_texts(c, 0, &x, err));
	if (in->rank < 1 || in->rank > 2 || (in->rank == 2 && in->dims[0] != 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 0 is neither [C] nor [1, C]");
	if (strcmp(action, "LOWER") == 0)
		fn = heft_code_point_lower;
	else if (strcmp(action, "UPPER") == 0)
		fn = heft_code_point_upper;
	else if (strcmp(action, "NONE") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "case_change_action is '%.40s'",
		                 action);
	HEFT_TRY(read_stops(c, is_exact ? NULL : heft_code_point_lower, memory, &stops, err));
	return keep(c, x, fn, &stops, memory, err);
}

const struct heft_op heft_op_string_normalizer = {
	.name = "StringNormalizer",
	.domain = "",
	.since = 10,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
