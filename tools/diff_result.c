/* SPDX-License-Identifier: Apache-2.0 */
/* diff_result.c - keeps what `heft diff` finds until it is shown. */
#include "diff_result.h"

#include <stdlib.h>

#include "memory.h"

static void add_place(struct diff_places *p, uint32_t a, uint32_t b)
{
	if (p->n == p->size) {
		p->size = p->size > 0 ? 2 * p->size : 64;
		p->items = memory_resize(p->items, p->size, sizeof *p->items);
	}
	p->items[p->n++] = (struct diff_place){ a, b };
}

static void add_row(struct diff_result *r, const struct heft_difference *d)
{
	if (r->n_rows == r->rows_size) {
		r->rows_size = r->rows_size > 0 ? 2 * r->rows_size : 64;
		r->rows = memory_resize(r->rows, r->rows_size, sizeof *r->rows);
	}
	r->rows[r->n_rows++] = (struct diff_row){
		.a = d->a->index,
		.b = d->b->index,
		.reasons = d->reasons,
		.is_compared = d->is_compared,
		.has_measures = d->has_measures,
		.n_compared = d->n_compared,
		.n_different = d->n_different,
		.n_not_finite = d->n_not_finite,
		.max_abs = d->max_abs,
		.rms = d->rms,
		.relative = d->relative,
		.cosine = d->cosine,
	};
}

void diff_result_add(struct diff_result *r, const struct heft_difference *d)
{
	switch (d->kind) {
	case HEFT_DIFF_CHANGED:
		add_row(r, d);
		break;
	case HEFT_DIFF_ONLY_IN_A:
		add_place(&r->only[0], d->a->index, 0);
		break;
	case HEFT_DIFF_ONLY_IN_B:
		add_place(&r->only[1], 0, d->b->index);
		break;
	case HEFT_DIFF_RENAMED:
		add_place(&r->renamed, d->a->index, d->b->index);
		break;
	}
}

enum heft_status diff_result_compare_metadata(struct diff_result *r, uint32_t *failed,
                                              struct heft_error *err)
{
	const char *json[2];

	for (uint32_t k = 0; k < 2; k++) {
		const enum heft_status st = heft_metadata(r->file[k], &json[k], err);

		if (st != HEFT_OK) {
			*failed = k + 1;
			return st;
		}
	}
	diff_metadata_init(&r->metadata, json[0], json[1]);
	return HEFT_OK;
}

void diff_result_done(struct diff_result *r)
{
	free(r->rows);
	free(r->only[0].items);
	free(r->only[1].items);
	free(r->renamed.items);
	diff_metadata_done(&r->metadata);
}
