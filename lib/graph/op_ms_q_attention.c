/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_q_attention.c - com.microsoft.QAttention: 8-bit inputs times 8-bit weights of queries, keys
 * and values, made numbers, and the attention of these. Spec F6-22, F6-92. */
#include <assert.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/attention_weights.h"
#include "graph/dense.h"
#include "graph/int_product.h"

enum {
	IN_X,
	IN_WEIGHTS,
	IN_BIAS,
	IN_SCALE,
	IN_WEIGHTS_SCALE,
	IN_MASK,
	IN_ZERO,
	IN_WEIGHTS_ZERO,
	IN_PAST
};

struct q_attention {
	struct heft_weighed w;
	struct heft_int_product p;
	bool packs;         /* where pack was not called */
	bool is_scale_each; /* one a column of the weights */
	bool is_zero_each;
	uint64_t projected_at;
	uint64_t packed_at;
	uint64_t product_at;
};

static_assert(sizeof(struct q_attention) <= HEFT_CALL_STATE, "the state has room");

/* Input i: one number, or one a column. */
static enum heft_status read_each(const struct heft_call *c, uint32_t i, enum heft_dtype dtype,
                                  uint64_t n_columns, bool *is_each, struct heft_error *err)
{
	const enum heft_dtype allowed[] = { dtype, HEFT_DTYPE_NONE };
	const struct heft_array *a = &c->in[i];

	if (!heft_call_has(c, i))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, i, allowed, err));
	*is_each = a->n_elements != 1;
	if (a->rank > 1 || (a->n_elements != 1 && a->n_elements != n_columns))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is neither one number nor one for each of %llu columns",
		                 i, (unsigned long long)n_columns);
	return HEFT_OK;
}

static enum heft_status read_parameters(const struct heft_call *c, struct q_attention *v,
                                        struct heft_error *err)
{
	const enum heft_dtype x = c->in[IN_X].dtype;
	const enum heft_dtype w = c->in[IN_WEIGHTS].dtype;
	bool is_each;

	for (uint32_t i = IN_BIAS; i <= IN_WEIGHTS_SCALE; i++) {
		if (!heft_call_has(c, i))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "its bias or its scales are left out");
	}
	HEFT_TRY(read_each(c, IN_SCALE, HEFT_DTYPE_F32, 1, &is_each, err));
	HEFT_TRY(read_each(c, IN_ZERO, x, 1, &is_each, err));
	HEFT_TRY(
		read_each(c, IN_WEIGHTS_SCALE, HEFT_DTYPE_F32, v->w.n_out, &v->is_scale_each, err));
	return read_each(c, IN_WEIGHTS_ZERO, w, v->w.n_out, &v->is_zero_each, err);
}

static enum heft_status set_scratch(struct heft_call *c, struct q_attention *v,
                                    struct heft_error *err)
{
	uint64_t n;
	size_t size;

	v->p = (struct heft_int_product){
		.n_rows = v->w.n_rows, .n_terms = v->w.n_in, .n_columns = v->w.n_out, .n_groups = 1
	};
	HEFT_TRY(heft_int_product_init(&v->p, err));
	if (!heft_mul_u64(v->w.n_rows, v->w.n_out * sizeof(float), &n))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what the weights make does not fit into memory");
	c->packed_size = v->p.packed_size;
	v->packs = !heft_dense_is_constant(c, IN_WEIGHTS) ||
	           (heft_call_has(c, IN_WEIGHTS_ZERO) &&
	            !heft_dense_is_constant(c, IN_WEIGHTS_ZERO));
	HEFT_TRY(heft_dense_room(&c->scratch_size, n, &v->projected_at, err));
	if (v->packs)
		HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.packed_size, &v->packed_at, err));
	HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.worker_size * heft_team_n_threads(c->team),
	                         &v->product_at, err));
	c->n_multiply_adds = v->w.n_rows * v->w.n_in * v->w.n_out;
	if (!heft_to_size(c->scratch_size, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what the weights make does not fit into memory");
	HEFT_TRY(heft_ms_attention_init(c, &v->w.s, &size, err));
	c->scratch_size = size;
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype bytes[] = { HEFT_DTYPE_U8, HEFT_DTYPE_I8, HEFT_DTYPE_NONE };
	struct q_attention *v = (void *)c->state;

	*v = (struct q_attention){ .w.in = { IN_BIAS, IN_MASK, IN_PAST, UINT32_MAX } };
	HEFT_TRY(heft_call_check_dtype(c, IN_X, bytes, err));
	HEFT_TRY(heft_call_check_dtype(c, IN_WEIGHTS, bytes, err));
	HEFT_TRY(heft_weighed_infer(c, &v->w, err));
	HEFT_TRY(read_parameters(c, v, err));
	return set_scratch(c, v, err);
}

/* --- forward --- */

static bool is_signed(const struct heft_call *c, uint32_t i)
{
	return c->in[i].dtype == HEFT_DTYPE_I8;
}

static void pack_into(const struct heft_call *c, void *packed)
{
	const struct q_attention *v = (const void *)c->state;
	const struct heft_int_weights w = {
		.w = c->in[IN_WEIGHTS].bytes,
		.term_ld = v->w.n_out,
		.column_ld = 1,
		.is_signed = is_signed(c, IN_WEIGHTS),
		.zero = heft_call_has(c, IN_WEIGHTS_ZERO) ? c->in[IN_WEIGHTS_ZERO].bytes : NULL,
		.zero_ld = v->is_zero_each,
	};

	heft_int_product_pack(c, &v->p, &w, packed);
}

static void pack(const struct heft_call *c)
{
	pack_into(c, c->packed);
}

static void fill(const void *ctx, uint64_t group, uint64_t row, int16_t *to)
{
	const struct heft_call *c = ctx;
	const struct q_attention *v = (const void *)c->state;
	int32_t zero = 0;

	(void)group;
	if (heft_call_has(c, IN_ZERO))
		zero = heft_int_of(c->in[IN_ZERO].bytes, 0, is_signed(c, IN_X));
	for (uint64_t k = 0; k < v->w.n_in; k++)
		to[k] = (int16_t)(heft_int_of(c->in[IN_X].bytes, row * v->w.n_in + k,
		                              is_signed(c, IN_X)) -
		                  zero);
}

static void store(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums)
{
	const struct heft_call *c = ctx;
	const struct q_attention *v = (const void *)c->state;
	const float scale = *(const float *)c->in[IN_SCALE].bytes;
	const float *scales = c->in[IN_WEIGHTS_SCALE].bytes;
	const float *bias = c->in[IN_BIAS].bytes;
	float *y = (float *)(void *)((uint8_t *)c->scratch + v->projected_at) + row * v->w.n_out;

	(void)group;
	for (uint64_t j = 0; j < v->w.n_out; j++) {
		const float both = scale * scales[v->is_scale_each ? j : 0];
		const float product = (float)sums[j] * both;

		y[j] = product + bias[j];
	}
}

static void forward(const struct heft_call *c)
{
	const struct q_attention *v = (const void *)c->state;
	uint8_t *scratch = c->scratch;
	const void *packed = c->packed;

	if (!packed) {
		pack_into(c, scratch + v->packed_at);
		packed = scratch + v->packed_at;
	}
	heft_int_product_run(c, &v->p, packed, fill, store, c, scratch + v->product_at);
	heft_weighed_run(c, &v->w, (const void *)(scratch + v->projected_at));
}

const struct heft_op heft_op_ms_q_attention = {
	.name = "QAttention",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 5,
	.max_in = 9,
	.min_out = 1,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
	.pack = pack,
	.packs = 1 << IN_WEIGHTS | 1 << IN_WEIGHTS_ZERO,
};
