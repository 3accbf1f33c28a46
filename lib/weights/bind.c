/* SPDX-License-Identifier: Apache-2.0 */
/* bind.c - finds the bytes for a model's tensors by their names, and puts together what was found.
 */
#include "weights/bind.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "weights/bind_parts.h"
#include "weights/transfer.h"

/* --- what fits --- */

bool heft_bind_must_find(const struct heft_binder *b, uint32_t i)
{
	const struct heft_listed *row = heft_listing_row(b->model, i);
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);

	return row->space == HEFT_SPACE_WEIGHTS && row->rank > 0 && row->n_bytes > 0 && info &&
	       (info->is_float || info->is_complex);
}

bool heft_bind_same_shape(const struct heft_binder *b, uint32_t i, uint32_t k)
{
	const struct heft_listed *row = heft_listing_row(b->model, i);
	const struct heft_listed *other = heft_listing_row(b->chosen, k);

	return row->rank == other->rank &&
	       memcmp(heft_listing_dims(b->model, i), heft_listing_dims(b->chosen, k),
	              row->rank * sizeof(uint64_t)) == 0;
}

bool heft_bind_reversed_shape(const struct heft_binder *b, uint32_t i, uint32_t k)
{
	const struct heft_listed *row = heft_listing_row(b->model, i);
	const struct heft_listed *other = heft_listing_row(b->chosen, k);
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)other->dtype);
	const uint64_t *dims = heft_listing_dims(b->model, i);
	const uint64_t *reversed = heft_listing_dims(b->chosen, k);

	return row->rank == 2 && other->rank == 2 && dims[0] != dims[1] && dims[0] == reversed[1] &&
	       dims[1] == reversed[0] && info && info->n_elements == 1;
}

void heft_bind_take(struct heft_binder *b, uint32_t i, uint32_t k, bool is_turned)
{
	b->found[i] = k;
	b->is_turned[i] = is_turned;
	b->is_taken[k] = true;
}

/* --- by name --- */

static enum heft_status take_namesake(struct heft_binder *b, uint32_t i, uint32_t k,
                                      struct heft_error *err)
{
	const struct heft_listed *row = heft_listing_row(b->model, i);
	const struct heft_listed *other = heft_listing_row(b->chosen, k);
	const bool is_turned = b->plan->allow_transpose && heft_bind_reversed_shape(b, i, k);

	if (row->dtype != other->dtype || row->unit != other->unit ||
	    row->n_bytes != other->n_bytes || !(is_turned || heft_bind_same_shape(b, i, k)))
		return heft_bind_misfit(b, i, k, err);
	heft_bind_take(b, i, k, is_turned);
	return HEFT_OK;
}

static enum heft_status bind_by_name(struct heft_binder *b, struct heft_error *err)
{
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++) {
		const struct heft_listed *row = heft_listing_row(b->model, i);
		uint32_t k;

		if (!b->is_kept[i] &&
		    heft_listing_find(b->chosen, row->space, heft_listing_name(b->model, i),
		                      row->name_size, &k))
			HEFT_TRY(take_namesake(b, i, k, err));
	}
	return HEFT_OK;
}

/* A tensor that is one parameter with another one gets what that one gets. */
static void bind_by_tie(struct heft_binder *b)
{
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++) {
		const uint32_t first = heft_listing_row(b->model, i)->tie;

		if (first != i && b->found[first] == HEFT_UNBOUND && !b->is_kept[first] &&
		    b->found[i] != HEFT_UNBOUND)
			heft_bind_take(b, first, b->found[i], b->is_turned[i]);
	}
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++) {
		const uint32_t first = heft_listing_row(b->model, i)->tie;

		if (b->found[i] == HEFT_UNBOUND && !b->is_kept[i] &&
		    b->found[first] != HEFT_UNBOUND)
			heft_bind_take(b, i, b->found[first], b->is_turned[first]);
	}
}

/* --- what keeps its own --- */

static enum heft_status find_kept(struct heft_binder *b, struct heft_error *err)
{
	const struct heft_convert_plan *p = b->plan;
	bool *used = heft_zalloc_array(p->n_keep, sizeof *used);
	enum heft_status st = HEFT_OK;

	if (!used)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for patterns");
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++)
		b->is_kept[i] = heft_match_any(p->keep, p->n_keep, heft_listing_name(b->model, i),
		                               used);
	for (uint32_t i = 0; st == HEFT_OK && i < p->n_keep; i++)
		if (!used[i])
			st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			               "the model has no tensor that matches --keep '%.80s'",
			               p->keep[i]);
	heft_free(used);
	return st;
}

/* Of what an exporter computed, as the anchors of a detector, no file of weights has anything: the
 * graph uses it as no weight, and nothing left has its shape. */
static enum heft_status find_roles(struct heft_binder *b, struct heft_error *err)
{
	const void *graph;
	size_t size;

	HEFT_TRY(heft_graph(b->plan->into, &graph, &size, err));
	if (size == 0)
		return HEFT_OK;
	b->roles = heft_alloc_array(heft_listing_n(b->model), sizeof *b->roles);
	if (!b->roles)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	return heft_roles(b->plan->into, b->roles, err);
}

/* --- the result --- */

/* Whether two of the chosen are one parameter in the file. */
static bool is_same_source(const struct heft_binder *b, uint32_t i, uint32_t first)
{
	const uint32_t k = b->found[i];
	const uint32_t other = b->found[first];

	if (k == HEFT_UNBOUND || other == HEFT_UNBOUND)
		return k == other;
	return b->is_turned[i] == b->is_turned[first] &&
	       heft_listing_row(b->chosen, k)->tie == heft_listing_row(b->chosen, other)->tie;
}

/* A tie of the model stays one only where both sides get the same bytes. */
static void loosen_ties(struct heft_binder *b)
{
	for (uint32_t i = 0; i < heft_listing_n(b->model); i++) {
		struct heft_listed *row = heft_listing_row_mut(b->model, i);

		if (!is_same_source(b, i, row->tie))
			row->tie = i;
		row->share = row->tie;
	}
}

static void fill_result(const struct heft_binder *b)
{
	struct heft_binding *r = b->result;

	for (uint32_t i = 0; i < r->n; i++) {
		const uint32_t k = b->found[i];

		if (k == HEFT_UNBOUND) {
			r->source[i] = b->own.source[i];
			r->source_dtype[i] = b->own.source_dtype[i];
			r->ways[i] = HEFT_WAY_OTHER;
			r->n_kept += !b->is_kept[i];
			continue;
		}
		r->source[i] = b->selection.source[k];
		r->source_dtype[i] = b->selection.source_dtype[k];
		r->ways[i] = b->is_turned[i] ? HEFT_WAY_TRANSPOSED : HEFT_WAY_FILE;
		r->n_transposed += b->is_turned[i];
		r->n_cast += r->source_dtype[i] != heft_listing_row(b->model, i)->dtype;
	}
	r->n_chosen = b->selection.n;
	for (uint32_t k = 0; k < r->n_chosen; k++)
		r->n_placed += b->is_taken[k];
}

/* --- the whole --- */

static enum heft_status allocate(struct heft_binder *b, struct heft_error *err)
{
	struct heft_binding *r = b->result;
	const uint32_t n = heft_listing_n(b->model);

	b->found = heft_alloc_array(n, sizeof *b->found);
	b->is_turned = heft_zalloc_array(n, sizeof *b->is_turned);
	b->is_kept = heft_zalloc_array(n, sizeof *b->is_kept);
	b->is_alone = heft_zalloc_array(n, sizeof *b->is_alone);
	b->is_taken = heft_zalloc_array(b->selection.n, sizeof *b->is_taken);
	r->source = heft_alloc_array(n, sizeof *r->source);
	r->source_dtype = heft_alloc_array(n, sizeof *r->source_dtype);
	r->ways = heft_alloc_array(n, sizeof *r->ways);
	if (!b->found || !b->is_turned || !b->is_kept || !b->is_alone || !b->is_taken ||
	    !r->source || !r->source_dtype || !r->ways)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	r->n = n;
	for (uint32_t i = 0; i < n; i++)
		b->found[i] = HEFT_UNBOUND;
	return HEFT_OK;
}

static enum heft_status bind(struct heft_binder *b, char *note, size_t note_size,
                             struct heft_error *err)
{
	const struct heft_convert_plan everything = { .format = NULL };

	HEFT_TRY(heft_selection_make(&b->own, b->plan->into, &everything, b->model, err));
	HEFT_TRY(heft_listing_new(&b->chosen, err));
	HEFT_TRY(heft_selection_make(&b->selection, b->file, b->plan, b->chosen, err));
	HEFT_TRY(allocate(b, err));
	HEFT_TRY(find_kept(b, err));
	HEFT_TRY(bind_by_name(b, err));
	bind_by_tie(b);
	HEFT_TRY(heft_bind_by_shape(b, err));
	bind_by_tie(b);
	HEFT_TRY(heft_bind_find_alone(b, err));
	HEFT_TRY(find_roles(b, err));
	HEFT_TRY(heft_bind_check_found(b, err));
	loosen_ties(b);
	fill_result(b);
	heft_bind_note(b, note, note_size);
	return HEFT_OK;
}

enum heft_status heft_bind(struct heft_binding *binding, struct heft_file *file,
                           const struct heft_convert_plan *plan, struct heft_listing *tensors,
                           char *note, size_t note_size, struct heft_error *err)
{
	struct heft_binder b = { .plan = plan, .file = file, .model = tensors, .result = binding };
	const enum heft_status st = bind(&b, note, note_size, err);

	heft_free(b.found);
	heft_free(b.is_turned);
	heft_free(b.is_kept);
	heft_free(b.is_alone);
	heft_free(b.roles);
	heft_free(b.is_taken);
	heft_selection_done(&b.selection);
	heft_selection_done(&b.own);
	heft_listing_free(b.chosen);
	return st;
}

void heft_binding_done(struct heft_binding *b)
{
	heft_free(b->source);
	heft_free(b->source_dtype);
	heft_free(b->ways);
	*b = (struct heft_binding){ .source = NULL };
}
