/* SPDX-License-Identifier: Apache-2.0 */
/* scatter_elements.c - an update for each index, to a place in its line along an axis. Those of
 * one place come in ascending order; an index that is outside, counted from behind if it is
 * negative, is left out. */
#include "base/error.h"
#include "graph/lines.h"
#include "graph/move.h"
#include "graph/scatter.h"
#include "graph/spans.h"

struct plan {
	struct heft_lines lines;
	enum heft_reduction reduction;
};

enum heft_status heft_scatter_elements_infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t size;
	uint32_t axis;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	HEFT_TRY(heft_call_same_dtype(c, 0, 2, err));
	HEFT_TRY(heft_reduction_read(c, &p->reduction, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
	HEFT_TRY(heft_lines_set(&p->lines, x, &c->in[1], axis, err));
	if (!heft_array_same_shape(&c->in[1], &c->in[2]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the updates are not of the indices' shape");
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

/* Lines meet no element that others meet. */
static void scatter(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                    uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_lines *l = &p->lines;
	const uint64_t size = heft_element_size(c->in[0].dtype);
	const uint8_t *x = c->in[2].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t line = first; line < first + n; line++) {
		const struct heft_line at = heft_line_at(l, line);

		for (uint64_t k = 0; k < l->n_indices; k++) {
			const uint64_t i = at.index + k * l->index_step;
			const uint64_t to = heft_index_or_none(&c->in[1], i, l->n);

			if (to < l->n)
				heft_reduction_apply(p->reduction, c->in[0].dtype,
				                     y + (at.data + to * l->data_step) * size,
				                     x + i * size, 1);
		}
	}
}

void heft_scatter_elements_forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	heft_scatter_begin(c);
	if (c->in[1].n_elements > 0 && c->out[0].n_elements > 0)
		heft_spans_run(c, p->lines.n_lines, p->lines.n_indices, scatter, p);
}
