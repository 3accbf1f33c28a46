/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_gather_gradient.c - GatherGradient: zeros of `shape`; to the row along `axis` that an
 * index chose, its gradient is added, in ascending order of the indices (F7-19). Inputs: dy,
 * indices. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/spans.h"

#define N_COLUMNS 64 /* of a task */

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct heft_axis *a = (struct heft_axis *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t n_rows;
	uint32_t n;
	uint32_t axis;
	const int64_t *shape = heft_call_ints(c, "shape", &n);

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_check_index(c, 1, err));
	if (n > HEFT_GRAPH_MAX_RANK)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'shape' is too long");
	for (uint32_t d = 0; d < n; d++)
		dims[d] = shape[d] < 0 ? 0 : (uint64_t)shape[d];
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, n, dims, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), n, false, &axis, err));
	heft_axis_set(a, &c->out[0], axis);
	n_rows = a->n_outer * c->in[1].n_elements;
	if (c->in[0].n_elements != n_rows * a->n_inner || (a->n == 0 && c->in[0].n_elements > 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the gradient is not one of the rows chosen");
	return HEFT_OK;
}

/* Columns of an outer index. */
#define ADD(real, type)                                                                        \
	static void add_##real(const struct heft_call *c, const void *ctx, uint64_t first,     \
	                       uint64_t n, uint32_t worker)                                    \
	{                                                                                      \
		const struct heft_axis *a = ctx;                                               \
		const struct heft_array *indices = &c->in[1];                                  \
		const uint64_t n_blocks = (a->n_inner + N_COLUMNS - 1) / N_COLUMNS;            \
                                                                                               \
		(void)worker;                                                                  \
		for (uint64_t i = first; i < first + n; i++) {                                 \
			const uint64_t from = i % n_blocks * N_COLUMNS;                        \
			const uint64_t left = a->n_inner - from;                               \
			const uint64_t n_now = left < N_COLUMNS ? left : N_COLUMNS;            \
			const uint64_t outer = i / n_blocks;                                   \
			const type *dy = (const type *)c->in[0].bytes +                        \
			                 outer * indices->n_elements * a->n_inner + from;      \
			type *dx = (type *)c->out[0].bytes + outer * a->n * a->n_inner + from; \
                                                                                               \
			for (uint64_t j = 0; j < a->n; j++)                                    \
				memset(dx + j * a->n_inner, 0, (size_t)n_now * sizeof *dx);    \
			for (uint64_t k = 0; k < indices->n_elements; k++) {                   \
				const uint64_t at = heft_index_within(indices, k, a->n);       \
                                                                                               \
				for (uint64_t j = 0; j < n_now; j++)                           \
					dx[at * a->n_inner + j] += dy[k * a->n_inner + j];     \
			}                                                                      \
		}                                                                              \
	}

ADD(f32, float)
ADD(f64, double)

static void forward(const struct heft_call *c)
{
	const struct heft_axis *a = (const struct heft_axis *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, a->n_outer * ((a->n_inner + N_COLUMNS - 1) / N_COLUMNS),
		               (a->n + c->in[1].n_elements) * N_COLUMNS,
		               c->in[0].dtype == HEFT_DTYPE_F64 ? add_f64 : add_f32, a);
}

const struct heft_op heft_op_heft_gather_gradient = {
	.name = "GatherGradient",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
