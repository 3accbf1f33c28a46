/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_multi_head_attention.c - com.microsoft.MultiHeadAttention: queries, keys and values each in
 * an array, or in one, with biases, masks and a past. Spec F6-84, F6-92. */
#include <assert.h>

#include "base/error.h"
#include "graph/attention_ms.h"

enum {
	IN_Q,
	IN_K,
	IN_V,
	IN_BIAS,
	IN_MASK,
	IN_ADDED,
	IN_PAST_K,
	IN_PAST_V
};

struct sizes {
	struct heft_ms_attention s;
	uint32_t k_in;
	uint32_t v_in;
	size_t k_offset; /* floats into their inputs */
	size_t v_offset;
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

/* Heads of `n_in_one` operands side by side: samples, rows, heads, operands, numbers. */
static void set_packed(const struct heft_array *a, size_t n_in_one, struct heft_ms_operand *o)
{
	const size_t size = a->dims[4];
	const size_t n_heads = a->dims[2];

	*o = (struct heft_ms_operand){
		.from = { a->dims[1] * n_heads * n_in_one * size, n_in_one * size,
		          n_heads * n_in_one * size },
		.n_rows = a->dims[1],
		.size = size,
	};
}

/* Samples, rows, columns, or samples, heads, rows, numbers. */
static bool set_apart(const struct heft_array *a, size_t n_heads, struct heft_ms_operand *o)
{
	if (a->rank == 4) {
		*o = (struct heft_ms_operand){
			.from = { a->dims[1] * a->dims[2] * a->dims[3], a->dims[2] * a->dims[3],
			          a->dims[3] },
			.n_rows = a->dims[2],
			.size = a->dims[3],
		};
		return a->dims[1] == n_heads;
	}
	if (a->rank != 3 || a->dims[2] % n_heads != 0)
		return false;
	*o = (struct heft_ms_operand){ .from = { a->dims[1] * a->dims[2], a->dims[2] / n_heads,
		                                 a->dims[2] },
		                       .n_rows = a->dims[1],
		                       .size = a->dims[2] / n_heads };
	return true;
}

/* Where queries, keys and values lie; false where they do not go together. */
static bool read_operands(const struct heft_call *c, struct sizes *z, size_t n_heads)
{
	struct heft_ms_attention *s = &z->s;
	const struct heft_array *q = &c->in[IN_Q];
	const struct heft_array *k = heft_call_has(c, IN_K) ? &c->in[IN_K] : NULL;
	const struct heft_array *v = heft_call_has(c, IN_V) ? &c->in[IN_V] : NULL;

	z->k_in = IN_K;
	z->v_in = IN_V;
	if (q->rank == 5) {
		if (q->dims[2] != n_heads || q->dims[3] != 3 || k || v)
			return false;
		set_packed(q, 3, &s->q);
		s->k = s->q;
		s->v = s->q;
		z->k_in = IN_Q;
		z->v_in = IN_Q;
		z->k_offset = s->q.size;
		z->v_offset = 2 * s->q.size;
		return true;
	}
	if (q->rank != 3 || !set_apart(q, n_heads, &s->q) || !k || k->dims[0] != q->dims[0])
		return false;
	if (k->rank == 5) {
		if (k->dims[2] != n_heads || k->dims[3] != 2 || v)
			return false;
		set_packed(k, 2, &s->k);
		s->v = s->k;
		z->v_in = IN_K;
		z->v_offset = s->k.size;
		return s->k.size == s->q.size;
	}
	return v && v->dims[0] == q->dims[0] && set_apart(k, n_heads, &s->k) &&
	       set_apart(v, n_heads, &s->v) && s->k.size == s->q.size && s->k.n_rows == s->v.n_rows;
}

static bool read_past(const struct heft_call *c, struct heft_ms_attention *s)
{
	const struct heft_array *k = &c->in[IN_PAST_K];
	const struct heft_array *v = &c->in[IN_PAST_V];

	s->has_past = heft_call_has(c, IN_PAST_K);
	if (s->has_past != heft_call_has(c, IN_PAST_V))
		return false;
	if (!s->has_past)
		return true;
	s->n_past = k->dims[2];
	return k->dtype == HEFT_DTYPE_F32 && v->dtype == HEFT_DTYPE_F32 && k->rank == 4 &&
	       v->rank == 4 && k->dims[0] == s->a.n_batch && v->dims[0] == s->a.n_batch &&
	       k->dims[1] == s->a.n_heads && v->dims[1] == s->a.n_heads &&
	       v->dims[2] == k->dims[2] && k->dims[3] == s->a.size && v->dims[3] == s->a.value_size;
}

static enum heft_status set_outputs(struct heft_call *c, const struct heft_attention *a,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_F32, 3,
	                        (uint64_t[]){ a->n_batch, a->n_rows, a->n_heads * a->value_size },
	                        err));
	for (uint32_t i = 1; i < c->n_out; i++)
		HEFT_TRY(heft_array_set(&c->out[i], HEFT_DTYPE_F32, 4,
		                        (uint64_t[]){ a->n_batch, a->n_heads, a->n_keys,
		                                      i == 1 ? a->size : a->value_size },
		                        err));
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const int64_t n_heads = heft_call_int(c, "num_heads", 0);
	struct sizes *z = (void *)c->state;
	struct heft_attention *a = &z->s.a;

	*z = (struct sizes){ 0 };
	for (uint32_t i = IN_Q; i <= IN_BIAS; i++) {
		if (heft_call_has(c, i))
			HEFT_TRY(heft_call_check_dtype(c, i, f32, err));
	}
	if (n_heads < 1 || !read_operands(c, z, (size_t)n_heads) || z->s.q.size == 0 ||
	    z->s.v.size == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the shapes of queries, keys and values do not go together, of "
		                 "%lld heads",
		                 (long long)n_heads);
	a->n_batch = c->in[IN_Q].dims[0];
	a->n_heads = (size_t)n_heads;
	a->n_rows = z->s.q.n_rows;
	a->size = z->s.q.size;
	a->value_size = z->s.v.size;
	z->s.has_bias = heft_call_has(c, IN_BIAS);
	if (!read_past(c, &z->s) ||
	    (z->s.has_bias &&
	     (c->in[IN_BIAS].rank != 1 ||
	      c->in[IN_BIAS].dims[0] != a->n_heads * (2 * a->size + a->value_size))))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the bias, or the past, does not go with the input");
	if (z->s.has_bias && heft_call_has(c, IN_K) && c->in[IN_K].rank == 4)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a bias of keys that are cut into heads is not computed");
	HEFT_TRY(heft_ms_attention_masks(c, &z->s, IN_MASK, IN_ADDED, err));
	HEFT_TRY(set_outputs(c, a, err));
	c->n_multiply_adds = a->n_batch * a->n_heads * a->n_rows * a->n_keys *
	                     (a->size + a->value_size);
	c->scratch_size = 0;
	return heft_ms_attention_init(c, &z->s, &c->scratch_size, err);
}

static const void *bytes_of(const struct heft_call *c, uint32_t i)
{
	return heft_call_has(c, i) ? c->in[i].bytes : NULL;
}

static void *wanted_bytes(const struct heft_call *c, uint32_t i)
{
	return heft_call_wants(c, i) ? c->out[i].bytes : NULL;
}

static void forward(const struct heft_call *c)
{
	const struct sizes *z = (const void *)c->state;
	const float *k = c->in[z->k_in].bytes;
	const float *v = c->in[z->v_in].bytes;
	const struct heft_ms_pointers p = {
		.q = c->in[IN_Q].bytes,
		.k = k ? k + z->k_offset : NULL,
		.v = v ? v + z->v_offset : NULL,
		.bias = bytes_of(c, IN_BIAS),
		.past_k = bytes_of(c, IN_PAST_K),
		.past_v = bytes_of(c, IN_PAST_V),
		.present_k = wanted_bytes(c, 1),
		.present_v = wanted_bytes(c, 2),
		.masks = { bytes_of(c, IN_MASK), bytes_of(c, IN_ADDED) },
		.y = wanted_bytes(c, 0),
	};

	heft_ms_attention_run(c, &z->s, &p);
}

const struct heft_op heft_op_ms_multi_head_attention = {
	.name = "MultiHeadAttention",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 8,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
