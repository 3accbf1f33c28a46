/* SPDX-License-Identifier: Apache-2.0 */
/* op_tf_idf_vectorizer.c - TfIdfVectorizer: how often each n-gram of a pool stands in a row, with
 * skips between its items, by itself or times a weight. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

#define UNKNOWN (-1) /* an item that no n-gram has */

/* An n-gram: items by their numbers. */
struct gram {
	const int64_t *items;
	uint64_t n;
	uint64_t column;
};

/* A distinct item of the pool. */
struct word {
	struct heft_text text; /* of strings */
	int64_t number;        /* of integers; of strings 0 */
};

struct pool {
	const char *const *texts; /* NULL: integers */
	const int64_t *ints;
	uint64_t n_items;
	const int64_t *starts; /* of n-grams of 1, 2, ... items */
	uint32_t n_sizes;
	const int64_t *columns; /* one an n-gram */
	uint64_t n_grams;
	uint64_t n_columns;
	struct word *words; /* sorted, and each once */
	uint64_t n_words;
	struct gram *grams; /* sorted */
};

struct mode {
	const float *weights; /* NULL: 1 */
	bool counts;
	bool weighs;
	uint64_t min_n;
	uint64_t max_n;
	uint64_t max_skip;
};

static int compare_words(const void *x, const void *y)
{
	const struct word *a = x;
	const struct word *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return heft_text_compare(&a->text, &b->text);
}

static int compare_grams(const void *x, const void *y)
{
	const struct gram *a = x;
	const struct gram *b = y;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint64_t i = 0; i < a->n; i++) {
		if (a->items[i] != b->items[i])
			return a->items[i] < b->items[i] ? -1 : 1;
	}
	return 0;
}

/* --- the pool --- */

static enum heft_status usage(struct heft_error *err, const char *what)
{
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s", what);
}

static enum heft_status read_attrs(const struct heft_call *c, struct pool *p,
                                   struct heft_error *err)
{
	uint32_t n;
	uint32_t n_texts;

	HEFT_TRY(heft_call_text_list(c, "pool_strings", &p->texts, &n_texts, err));
	p->ints = heft_call_ints(c, "pool_int64s", &n);
	p->n_items = p->texts ? n_texts : n;
	if ((p->texts != NULL) == (p->ints != NULL))
		return usage(err, "it has not one of pool_strings and pool_int64s");
	p->starts = heft_call_ints(c, "ngram_counts", &p->n_sizes);
	p->columns = heft_call_ints(c, "ngram_indexes", &n);
	p->n_grams = n;
	for (uint64_t i = 0; i < p->n_grams; i++) {
		if (p->columns[i] < 0 || p->columns[i] > INT32_MAX)
			return usage(err, "ngram_indexes are no columns");
		if ((uint64_t)p->columns[i] >= p->n_columns)
			p->n_columns = (uint64_t)p->columns[i] + 1;
	}
	if (p->n_grams == 0 || p->n_sizes == 0)
		return usage(err, "its pool is empty");
	return HEFT_OK;
}

static enum heft_status make_words(struct pool *p, struct heft_memory *memory,
                                   struct heft_error *err)
{
	void *words;
	uint64_t n = 0;

	HEFT_TRY(heft_memory_take(memory, (p->n_items + 1) * sizeof *p->words, &words, err));
	p->words = words;
	for (uint64_t i = 0; i < p->n_items; i++) {
		p->words[i] = (struct word){ .number = p->texts ? 0 : p->ints[i] };
		if (p->texts)
			p->words[i].text = heft_text_of(p->texts[i]);
	}
	qsort(p->words, (size_t)p->n_items, sizeof *p->words, compare_words);
	for (uint64_t i = 0; i < p->n_items; i++) {
		if (n == 0 || compare_words(&p->words[n - 1], &p->words[i]) != 0)
			p->words[n++] = p->words[i];
	}
	p->n_words = n;
	return HEFT_OK;
}

static int64_t number_of(const struct pool *p, const struct word *word)
{
	const struct word *found = bsearch(word, p->words, (size_t)p->n_words, sizeof *word,
	                                   compare_words);

	return found ? found - p->words : UNKNOWN;
}

/* Where n-grams of `size` + 1 items end in the pool. */
static enum heft_status find_end(const struct pool *p, uint32_t size, uint64_t *end,
                                 struct heft_error *err)
{
	const int64_t next = size + 1 < p->n_sizes ? p->starts[size + 1] : (int64_t)p->n_items;

	if (p->starts[size] < 0 || next < p->starts[size] || (uint64_t)next > p->n_items ||
	    (next - p->starts[size]) % ((int64_t)size + 1) != 0)
		return usage(err, "ngram_counts do not cut the pool into n-grams");
	*end = (uint64_t)next;
	return HEFT_OK;
}

static enum heft_status make_grams(struct pool *p, struct heft_memory *memory,
                                   struct heft_error *err)
{
	int64_t *items;
	void *bytes;
	uint64_t n = 0;

	HEFT_TRY(heft_memory_take(memory, (p->n_items + 1) * sizeof *items, &bytes, err));
	items = bytes;
	for (uint64_t i = 0; i < p->n_items; i++) {
		struct word word = { .number = p->texts ? 0 : p->ints[i] };

		if (p->texts)
			word.text = heft_text_of(p->texts[i]);
		items[i] = number_of(p, &word);
	}
	HEFT_TRY(heft_memory_take(memory, p->n_grams * sizeof *p->grams, &bytes, err));
	p->grams = bytes;
	for (uint32_t size = 0; size < p->n_sizes; size++) {
		uint64_t end = 0;

		HEFT_TRY(find_end(p, size, &end, err));
		for (uint64_t at = (uint64_t)p->starts[size]; at < end; at += size + 1) {
			if (n == p->n_grams)
				return usage(err, "ngram_indexes are fewer than n-grams");
			p->grams[n] = (struct gram){ .items = items + at,
				                     .n = (uint64_t)size + 1,
				                     .column = (uint64_t)p->columns[n] };
			n++;
		}
	}
	if (n != p->n_grams)
		return usage(err, "ngram_indexes are more than n-grams");
	qsort(p->grams, (size_t)n, sizeof *p->grams, compare_grams);
	return HEFT_OK;
}

/* --- counting --- */

/* Counts in a row of n items; `gram` has room for the longest n-gram. */
static void count_row(const struct pool *p, const struct mode *m, const int64_t *row, uint64_t n,
                      int64_t *items, float *y)
{
	for (uint64_t size = m->min_n; size <= m->max_n && size <= n; size++) {
		for (uint64_t step = 1; step <= m->max_skip + 1; step++) {
			const struct gram key = { .items = items, .n = size };
			const uint64_t reach = (size - 1) * step;

			if (reach >= n || (size == 1 && step > 1))
				break;
			for (uint64_t at = 0; at + reach < n; at++) {
				const struct gram *found;

				for (uint64_t i = 0; i < size; i++)
					items[i] = row[at + i * step];
				found = bsearch(&key, p->grams, (size_t)p->n_grams, sizeof key,
				                compare_grams);
				if (found)
					y[found->column]++;
			}
		}
	}
}

static void weigh(const struct mode *m, float *y, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const float weight = m->weighs && m->weights ? m->weights[i] : 1;

		if (y[i] > 0)
			y[i] = m->counts ? y[i] * weight : weight;
	}
}

static enum heft_status read_mode(const struct heft_call *c, const struct pool *p, struct mode *m,
                                  struct heft_error *err)
{
	const char *name = heft_call_text(c, "mode", "");
	const int64_t min_n = heft_call_int(c, "min_gram_length", 0);
	const int64_t max_n = heft_call_int(c, "max_gram_length", 0);
	const int64_t max_skip = heft_call_int(c, "max_skip_count", 0);
	uint32_t n;

	if (min_n < 1 || max_n < min_n || max_n > (int64_t)p->n_sizes || max_skip < 0 ||
	    max_skip > INT32_MAX)
		return usage(err, "it counts n-grams of no size that the pool has");
	m->min_n = (uint64_t)min_n;
	m->max_n = (uint64_t)max_n;
	m->max_skip = (uint64_t)max_skip;
	m->counts = strcmp(name, "IDF") != 0;
	m->weighs = strcmp(name, "TF") != 0;
	if (m->counts && m->weighs && strcmp(name, "TFIDF") != 0)
		return usage(err, "its mode is none of TF, IDF and TFIDF");
	m->weights = heft_call_floats(c, "weights", &n);
	if (m->weights && n < p->n_columns)
		return usage(err, "it has fewer weights than columns");
	return HEFT_OK;
}

static enum heft_status read_items(const struct heft_call *c, const struct pool *p, int64_t *to,
                                   struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];

	if (p->texts ? x->dtype != HEFT_KIND_TEXTS
	             : x->dtype != HEFT_DTYPE_I32 && x->dtype != HEFT_DTYPE_I64)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 0 is %s, and the pool is not", heft_kind_name(x->dtype));
	for (uint64_t i = 0; i < x->n_elements; i++) {
		struct word word = { .number = 0 };

		if (p->texts)
			word.text = ((const struct heft_text *)x->bytes)[i];
		else
			word.number = x->dtype == HEFT_DTYPE_I64 ? ((const int64_t *)x->bytes)[i]
			                                         : ((const int32_t *)x->bytes)[i];
		to[i] = number_of(p, &word);
	}
	return HEFT_OK;
}

static enum heft_status count_all(struct heft_call *c, const struct pool *p, const struct mode *m,
                                  struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t n_rows = x->rank == 2 ? x->dims[0] : 1;
	const uint64_t n = x->rank == 0 ? 1 : x->dims[x->rank - 1];
	const uint64_t dims[2] = { n_rows, p->n_columns };
	struct heft_array *y = &c->out[0];
	int64_t *items;
	void *bytes;

	HEFT_TRY(heft_memory_take(memory, (x->n_elements + m->max_n) * sizeof *items, &bytes, err));
	items = bytes;
	HEFT_TRY(read_items(c, p, items, err));
	HEFT_TRY(heft_array_set(y, HEFT_DTYPE_F32, x->rank == 2 ? 2 : 1,
	                        x->rank == 2 ? dims : dims + 1, err));
	if (y->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_memory_take(memory, y->n_bytes, &y->bytes, err));
	memset(y->bytes, 0, (size_t)y->n_bytes);
	for (uint64_t r = 0; r < n_rows; r++) {
		float *row = (float *)y->bytes + r * p->n_columns;

		count_row(p, m, items + r * n, n, items + x->n_elements, row);
		weigh(m, row, p->n_columns);
	}
	return HEFT_OK;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct pool p = { .n_items = 0 };
	struct mode m = { .weights = NULL };

	if (c->in[0].rank > 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input 0 has %u dimensions",
		                 c->in[0].rank);
	HEFT_TRY(read_attrs(c, &p, err));
	HEFT_TRY(read_mode(c, &p, &m, err));
	HEFT_TRY(make_words(&p, memory, err));
	HEFT_TRY(make_grams(&p, memory, err));
	return count_all(c, &p, &m, memory, err);
}

const struct heft_op heft_op_tf_idf_vectorizer = {
	.name = "TfIdfVectorizer",
	.domain = "",
	.since = 9,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
