/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_attention.c - com.microsoft.Attention: an input times the weights of queries, keys and
 * values, and the attention of these. Spec F6-84, F6-92. */
#include <assert.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/attention_weights.h"

enum {
	IN_X,
	IN_WEIGHTS,
	IN_BIAS,
	IN_MASK,
	IN_PAST,
	IN_ADDED
};

struct sizes {
	struct heft_weighed w;
	size_t projected_at;
	size_t packed_here; /* where pack was not called */
	size_t product_at;
	size_t product_size; /* of each thread */
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

static void set_product(const struct heft_call *c, const struct sizes *z, struct heft_product *p)
{
	heft_product_matrix(p, z->w.n_rows, z->w.n_in, z->w.n_out);
	heft_product_init_by(c->cpu_bits, p);
}

static enum heft_status set_scratch(struct heft_call *c, struct sizes *z, struct heft_error *err)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	struct heft_product p;
	size_t fits;

	if (!heft_mul_size(z->w.n_rows, z->w.n_out, &fits) || fits > SIZE_MAX / 64 ||
	    !heft_mul_size(z->w.n_in, z->w.n_out + 64, &fits) || fits > SIZE_MAX / 64)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what the weights make does not fit into memory");
	set_product(c, z, &p);
	c->packed_size = p.packed_size;
	z->projected_at = 0;
	z->packed_here = heft_align_up(z->w.n_rows * z->w.n_out * sizeof(float), 64);
	z->product_at = z->packed_here;
	if (!c->in[IN_WEIGHTS].bytes)
		z->product_at += heft_align_up(p.packed_size, 64);
	z->product_size = heft_align_up(p.scratch_size, 64);
	c->scratch_size = z->product_at + n_threads * z->product_size;
	c->n_multiply_adds = z->w.n_rows * z->w.n_in * z->w.n_out;
	return heft_ms_attention_init(c, &z->w.s, &c->scratch_size, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	struct sizes *z = (void *)c->state;

	*z = (struct sizes){ .w.in = { IN_BIAS, IN_MASK, IN_PAST, IN_ADDED } };
	HEFT_TRY(heft_call_check_dtype(c, IN_X, f32, err));
	if (heft_call_has(c, IN_WEIGHTS))
		HEFT_TRY(heft_call_check_dtype(c, IN_WEIGHTS, f32, err));
	HEFT_TRY(heft_weighed_infer(c, &z->w, err));
	return set_scratch(c, z, err);
}

static void pack_into(const struct heft_call *c, float *packed)
{
	const struct sizes *z = (const void *)c->state;
	const struct heft_product_weights w = { .w = c->in[IN_WEIGHTS].bytes,
		                                .in_ld = z->w.n_out,
		                                .out_ld = 1 };
	struct heft_product p;

	set_product(c, z, &p);
	for (size_t i = 0; i < p.n_pack_tasks; i++)
		heft_product_pack(&p, &w, i, packed);
}

static void pack(const struct heft_call *c)
{
	pack_into(c, c->packed);
}

struct project {
	struct heft_product p;
	struct heft_product_data data;
	uint8_t *scratch;
	size_t scratch_size;
};

static void run_product(void *ctx, uint64_t task, uint32_t worker)
{
	const struct project *j = ctx;

	heft_product_run(&j->p, &j->data, task, j->scratch + worker * j->scratch_size);
}

static void forward(const struct heft_call *c)
{
	const struct sizes *z = (const void *)c->state;
	uint8_t *scratch = c->scratch;
	float *projected = (void *)(scratch + z->projected_at);
	float *packed = c->packed ? c->packed : (void *)(scratch + z->packed_here);
	struct project j = {
		.data = { .x = c->in[IN_X].bytes,
		          .packed = packed,
		          .bias = heft_call_has(c, IN_BIAS) ? c->in[IN_BIAS].bytes : NULL,
		          .y = projected },
		.scratch = scratch + z->product_at,
		.scratch_size = z->product_size,
	};

	if (!c->packed)
		pack_into(c, packed);
	set_product(c, z, &j.p);
	heft_team_run(c->n_multiply_adds > 65536 ? c->team : NULL, j.p.n_tasks, run_product, &j);
	heft_weighed_run(c, &z->w, projected);
}

const struct heft_op heft_op_ms_attention = {
	.name = "Attention",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 6,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
	.pack = pack,
	.packs = 1 << IN_WEIGHTS,
};
