/* SPDX-License-Identifier: Apache-2.0 */
/* op_one_hot.c - OneHot: a line of `depth` values for each index, off but for one. Negative indices
 * count from behind; one that is outside leaves its line off. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

struct plan {
	uint64_t depth;
	uint64_t n_inner;
};

static enum heft_status check_number(const struct heft_call *c, uint32_t i, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(c->in[i].dtype);

	if (!info || info->n_elements != 1 || (!info->is_float && !info->is_integer))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input %u of %s is %s", i,
		                 c->op->name, heft_dtype_name(c->in[i].dtype));
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *indices = &c->in[0];
	struct plan p = { .n_inner = 1 };
	uint64_t dims[HEFT_GRAPH_MAX_RANK + 1];
	int64_t depth;
	uint64_t size;
	uint32_t axis;

	HEFT_TRY(check_number(c, 0, err));
	HEFT_TRY(check_number(c, 1, err));
	HEFT_TRY(heft_call_element(c, 2, &size, err));
	if (c->in[1].n_elements != 1 || c->in[2].n_elements != 2 || !c->in[1].bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "depth is not one number, or values are not two");
	heft_cast_elements(HEFT_DTYPE_I64, &depth, c->in[1].dtype, c->in[1].bytes, 1, NULL);
	if (depth < 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "depth is %lld",
		                 (long long)depth);
	HEFT_TRY(
		heft_call_axis(heft_call_int(c, "axis", -1), indices->rank + 1, false, &axis, err));
	for (uint32_t d = 0; d < indices->rank; d++) {
		dims[d < axis ? d : d + 1] = indices->dims[d];
		if (d >= axis)
			p.n_inner *= indices->dims[d];
	}
	dims[axis] = (uint64_t)depth;
	p.depth = (uint64_t)depth;
	memcpy(c->state, &p, sizeof p);
	return heft_array_set(&c->out[0], c->in[2].dtype, indices->rank + 1, dims, err);
}

static void run_lines(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_array *indices = &c->in[0];
	const uint64_t size = heft_element_size(c->out[0].dtype);
	const uint8_t *values = c->in[2].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t line = first; line < first + n; line++) {
		const uint64_t from = line / p->n_inner * p->depth * p->n_inner + line % p->n_inner;
		int64_t index;

		heft_cast_elements(HEFT_DTYPE_I64, &index, indices->dtype,
		                   (const uint8_t *)indices->bytes +
		                           line * heft_element_size(indices->dtype),
		                   1, NULL);
		if (index < 0)
			index += (int64_t)p->depth;
		for (uint64_t k = 0; k < p->depth; k++)
			memcpy(y + (from + k * p->n_inner) * size,
			       values + (index >= 0 && (uint64_t)index == k ? size : 0), size);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, c->in[0].n_elements, p->depth, run_lines, p);
}

const struct heft_op heft_op_one_hot = {
	.name = "OneHot",
	.domain = "",
	.since = 9,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
