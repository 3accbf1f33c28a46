/* SPDX-License-Identifier: Apache-2.0 */
/* graph_fit.c - compares what a graph names with the tensors that there will be. */
#include "weights/graph_fit.h"

#include <string.h>

#include "base/error.h"
#include "format/graph_weights.h"

#define QUOTED 80 /* bytes of a name in a message */

static const char *what_happens(const struct heft_listing *weights, uint32_t i,
                                const struct heft_listing *tensors)
{
	const struct heft_listed *row = heft_listing_row(weights, i);
	uint32_t k;

	if (!heft_listing_find(tensors, row->space, heft_listing_name(weights, i), row->name_size,
	                       &k))
		return "left out or renamed";
	return heft_listing_row(tensors, k)->dtype != row->dtype ? "cast" : "of another shape";
}

enum heft_status heft_graph_fit_check(const void *graph, uint64_t size,
                                      const struct heft_listing *tensors, const char *advice,
                                      struct heft_error *err)
{
	struct heft_listing *weights;
	enum heft_status st = HEFT_OK;
	uint32_t i;

	HEFT_TRY(heft_graph_weights(graph, size, &weights, err));
	if (!heft_graph_fits(weights, tensors, &i))
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		               "the graph needs tensor '%.*s', which is %s: %s", QUOTED,
		               heft_listing_name(weights, i), what_happens(weights, i, tensors),
		               advice);
	heft_listing_free(weights);
	return st;
}

/* --- rows --- */

static bool is_changed(const struct heft_row_change *change, const char *name, uint32_t name_size)
{
	return change->is_deleted || (change->name && (change->name_size != name_size ||
	                                               memcmp(change->name, name, name_size) != 0));
}

static bool fits(const struct heft_row_changes *changes, const struct heft_listing *weights)
{
	for (uint32_t i = 0; i < heft_listing_n(weights); i++) {
		const struct heft_listed *row = heft_listing_row(weights, i);
		const char *name = heft_listing_name(weights, i);
		uint32_t row_i;

		if (heft_index_find(changes->ix, row->space, name, row->name_size, &row_i, NULL) ==
		            HEFT_OK &&
		    is_changed(&changes->rows[row_i], name, row->name_size))
			return false;
	}
	return true;
}

static bool has_changes(const struct heft_row_changes *changes)
{
	for (uint32_t i = 0; i < changes->n; i++)
		if (changes->rows[i].is_deleted || changes->rows[i].name)
			return true;
	return false;
}

static enum heft_status read_weights(struct heft_index *ix, struct heft_listing **weights,
                                     struct heft_error *err)
{
	struct heft_large_bytes bytes;
	struct heft_section s;
	enum heft_status st;

	if (!heft_index_find_section(ix, HEFT_SECTION_GRAPH, &s))
		return heft_listing_new(weights, err);
	HEFT_TRY(heft_index_read_large(ix, &s, HEFT_GRAPH_MAX, NULL, &bytes, err));
	st = heft_graph_weights(bytes.bytes, s.size, weights, err);
	heft_large_bytes_done(&bytes);
	return st;
}

enum heft_status heft_graph_fits_rows(const struct heft_row_changes *changes, bool *answer,
                                      struct heft_error *err)
{
	struct heft_listing *weights;
	struct heft_error why;
	enum heft_status st;

	*answer = true;
	if (!has_changes(changes))
		return HEFT_OK;
	st = read_weights(changes->ix, &weights, &why);
	if (st == HEFT_E_NOMEM)
		return heft_fail(err, st, why.offset, "%s", why.msg);
	*answer = st == HEFT_OK && fits(changes, weights);
	if (st == HEFT_OK)
		heft_listing_free(weights);
	return HEFT_OK;
}
