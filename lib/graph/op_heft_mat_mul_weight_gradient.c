/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_mat_mul_weight_gradient.c - MatMulWeightGradient: of rows [.., K], and the gradient
 * [.., N] of what came of them, the gradient [K, N] of the matrix that all of them met, [N, K] with
 * transB; and, output 1, of a bias of N (spec F7-10, F7-11). */
#include "base/error.h"
#include "graph/chain.h"
#include "graph/dense_gradient.h"
#include "graph/spans.h"

struct weighing {
	uint64_t n_rows;
	uint64_t k;
	uint64_t n;
	bool is_turned;
	bool is_f64;
	struct heft_dense_gradient gradient;
};

_Static_assert(sizeof(struct weighing) <= HEFT_CALL_STATE, "a gradient is larger than its room");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct weighing *v = (struct weighing *)(void *)c->state;
	const struct heft_array *x = &c->in[0];
	const struct heft_array *dy = &c->in[1];
	struct heft_product p;
	uint64_t dims[2];

	*v = (struct weighing){ .n_rows = 1,
		                .is_turned = heft_call_int(c, "transB", 0) != 0,
		                .is_f64 = x->dtype == HEFT_DTYPE_F64 };
	HEFT_TRY(heft_dense_gradient_check_types(c, err));
	if (x->rank < 1 || dy->rank != x->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%u dimensions of rows meet %u",
		                 x->rank, dy->rank);
	for (uint32_t i = 0; i + 1 < x->rank; i++) {
		if (x->dims[i] != dy->dims[i])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the rows are not as many");
		v->n_rows *= x->dims[i];
	}
	v->k = x->dims[x->rank - 1];
	v->n = dy->dims[dy->rank - 1];
	dims[0] = v->is_turned ? v->n : v->k;
	dims[1] = v->is_turned ? v->k : v->n;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, 2, dims, err));
	if (c->n_out > 1)
		HEFT_TRY(heft_array_set(&c->out[1], x->dtype, 1, &v->n, err));
	c->n_multiply_adds = c->out[0].n_elements * v->n_rows;
	heft_product_matrix(&p, v->n_rows, v->k, v->n);
	return v->is_f64 ? HEFT_OK : heft_dense_gradient_plan(c, &p, &v->gradient, err);
}

static void forward_f32(const struct heft_call *c, const struct weighing *v)
{
	/* of what is empty nothing is read, but places are computed from it */
	const struct heft_weight_gradient_data d = {
		.x = c->in[0].n_bytes > 0 ? c->in[0].bytes : c->scratch,
		.dy = c->in[1].n_bytes > 0 ? c->in[1].bytes : c->scratch,
		.dw = heft_call_wants(c, 0) && c->out[0].n_bytes > 0 ? c->out[0].bytes : NULL,
		.in_ld = v->is_turned ? 1 : v->n,
		.out_ld = v->is_turned ? v->k : 1,
		.db = heft_call_wants(c, 1) && v->n > 0 ? c->out[1].bytes : NULL,
	};

	heft_dense_gradient_run(c, &v->gradient, &d);
}

/* Items are the rows of [K, N]. */
static void weigh(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                  uint32_t worker)
{
	const struct weighing *v = ctx;
	double *dw = c->out[0].bytes;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const double *x = (const double *)c->in[0].bytes + i;

		for (uint64_t j = 0; j < v->n; j++) {
			const double *dy = (const double *)c->in[1].bytes + j;
			struct heft_chain_f64 chain;

			heft_chain_f64_start(&chain);
			for (uint64_t k = 0; k < v->n_rows; k++)
				heft_chain_f64_add(&chain, x[k * v->k], dy[k * v->n]);
			dw[v->is_turned ? j * v->k + i : i * v->n + j] = heft_chain_f64_done(
				&chain);
		}
	}
}

static void forward_f64(const struct heft_call *c, const struct weighing *v)
{
	const struct heft_bias_f64 b = { .dy = c->in[1].bytes,
		                         .db = heft_call_wants(c, 1) ? c->out[1].bytes : NULL,
		                         .n_images = 1,
		                         .n_pixels = v->n_rows,
		                         .n_channels = v->n,
		                         .pixel_step = v->n,
		                         .channel_step = 1 };

	if (heft_call_wants(c, 0) && c->out[0].n_bytes > 0)
		heft_spans_run(c, v->k, v->n * v->n_rows, weigh, v);
	if (b.db && v->n > 0)
		heft_bias_f64(c, &b);
}

static void forward(const struct heft_call *c)
{
	const struct weighing *v = (const struct weighing *)(const void *)c->state;

	if (v->is_f64)
		forward_f64(c, v);
	else
		forward_f32(c, v);
}

const struct heft_op heft_op_heft_mat_mul_weight_gradient = {
	.name = "MatMulWeightGradient",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
};
