/* SPDX-License-Identifier: Apache-2.0 */
/* op_gather_elements.c - GatherElements: one element for each index, from its line along an axis.
 * Negative indices count from behind; one that is still outside is the nearest inside. */
#include <string.h>

#include "base/error.h"
#include "graph/lines.h"
#include "graph/move.h"
#include "graph/scatter_gradient.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *indices = &c->in[1];
	struct heft_lines *l = (struct heft_lines *)(void *)c->state;
	uint64_t size;
	uint32_t axis;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), x->rank, false, &axis, err));
	HEFT_TRY(heft_lines_set(l, x, indices, axis, err));
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, indices->rank, indices->dims, err));
	if (x->dims[axis] == 0 && indices->n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "axis %u has no element to choose from", axis);
	return HEFT_OK;
}

static void gather(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                   uint32_t worker)
{
	const struct heft_lines *l = ctx;
	const struct heft_array *indices = &c->in[1];
	const uint64_t size = heft_element_size(c->in[0].dtype);
	const uint8_t *x = c->in[0].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t line = first; line < first + n; line++) {
		const struct heft_line at = heft_line_at(l, line);

		for (uint64_t k = 0; k < l->n_indices; k++) {
			const uint64_t i = at.index + k * l->index_step;
			const uint64_t from = heft_index_within(indices, i, l->n);

			memcpy(y + i * size, x + (at.data + from * l->data_step) * size, size);
		}
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_lines *l = (const struct heft_lines *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, l->n_lines, l->n_indices, gather, l);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	uint32_t axis;

	if (heft_call_axis(heft_call_int(c, "axis", 0), c->in[0].rank, false, &axis, NULL) ==
	    HEFT_OK)
		heft_give(g, 0,
		          heft_emit_added_elements(g, heft_gradient_of(g, 0),
		                                   heft_gradient_in(g, 1), &c->in[0], axis));
}

const struct heft_op heft_op_gather_elements = {
	.name = "GatherElements",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_MOVES,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
