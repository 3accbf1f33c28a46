/* SPDX-License-Identifier: Apache-2.0 */
/* op_attention.c - Attention: softmax(scale Q K^T + mask) V of 3 or 4 dimensions, with fewer heads
 * of keys than of queries, and with keys and values of the past. Spec F6-84. */
#include <assert.h>
#include <math.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/attention.h"

enum {
	IN_Q,
	IN_K,
	IN_V,
	IN_MASK,
	IN_PAST_K,
	IN_PAST_V,
	IN_LENGTHS
};
enum {
	OUT_Y,
	OUT_K,
	OUT_V,
	OUT_SCORES
};

struct sizes {
	struct heft_attention a;
	enum heft_dtype dtype; /* F32, F64 */
	size_t element_size;
	size_t n_past;
	size_t n_new;
	struct heft_heads k; /* where the new ones lie */
	struct heft_heads v;
	bool is_joined; /* keys and values are copied behind those of the past */
	size_t k_at;    /* bytes of scratch, for those that are no output */
	size_t v_at;
	size_t attention_at;
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

/* --- shapes --- */

/* An array of samples, heads, rows, or of samples, rows, and heads side by side. */
struct given {
	uint64_t n_batch;
	uint64_t n_heads;
	uint64_t n_rows;
	uint64_t size;
	struct heft_heads strides;
};

static enum heft_status read_given(const struct heft_call *c, uint32_t i, int64_t n_heads,
                                   struct given *g, struct heft_error *err)
{
	const struct heft_array *a = &c->in[i];

	if (a->rank == 4) {
		*g = (struct given){ a->dims[0], a->dims[1], a->dims[2], a->dims[3], { 0 } };
		g->strides = (struct heft_heads){ g->n_heads * g->n_rows * g->size,
			                          g->n_rows * g->size, g->size };
		return HEFT_OK;
	}
	if (a->rank != 3)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has %u dimensions, not 3 or 4", i, a->rank);
	if (n_heads < 1 || a->dims[2] % (uint64_t)n_heads != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has %llu columns, and there are %lld heads", i,
		                 (unsigned long long)a->dims[2], (long long)n_heads);
	*g = (struct given){
		a->dims[0], (uint64_t)n_heads, a->dims[1], a->dims[2] / (uint64_t)n_heads, { 0 }
	};
	g->strides = (struct heft_heads){ a->dims[1] * a->dims[2], g->size, a->dims[2] };
	return HEFT_OK;
}

static enum heft_status read_qkv(const struct heft_call *c, struct sizes *s, struct heft_error *err)
{
	const int64_t n_heads = heft_call_int(c, "q_num_heads", 0);
	const int64_t n_kv_heads = heft_call_int(c, "kv_num_heads", 0);
	struct heft_attention *a = &s->a;
	struct given q;
	struct given k;
	struct given v;

	HEFT_TRY(read_given(c, IN_Q, n_heads, &q, err));
	HEFT_TRY(read_given(c, IN_K, n_kv_heads, &k, err));
	HEFT_TRY(read_given(c, IN_V, n_kv_heads, &v, err));
	if (c->in[IN_Q].rank != c->in[IN_K].rank || c->in[IN_Q].rank != c->in[IN_V].rank ||
	    q.n_batch != k.n_batch || q.n_batch != v.n_batch || k.n_rows != v.n_rows ||
	    k.n_heads != v.n_heads || q.size != k.size || k.n_heads == 0 ||
	    q.n_heads % k.n_heads != 0 || q.size == 0 || v.size == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the shapes of Q, K and V do not go together");
	a->n_batch = q.n_batch;
	a->n_heads = q.n_heads;
	a->n_kv_heads = k.n_heads;
	a->n_rows = q.n_rows;
	a->size = q.size;
	a->value_size = v.size;
	a->q = q.strides;
	s->k = k.strides;
	s->v = v.strides;
	s->n_new = k.n_rows;
	a->y = c->in[IN_Q].rank == 4 ? (struct heft_heads){ q.n_heads * q.n_rows * v.size,
		                                            q.n_rows * v.size, v.size }
	                             : (struct heft_heads){ q.n_heads * q.n_rows * v.size, v.size,
		                                            q.n_heads * v.size };
	return HEFT_OK;
}

static enum heft_status read_past(const struct heft_call *c, struct sizes *s,
                                  struct heft_error *err)
{
	const struct heft_array *k = &c->in[IN_PAST_K];
	const struct heft_array *v = &c->in[IN_PAST_V];

	s->n_past = 0;
	if (heft_call_has(c, IN_PAST_K) != heft_call_has(c, IN_PAST_V))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there are past keys or past values, but not both");
	if (!heft_call_has(c, IN_PAST_K))
		return HEFT_OK;
	if (k->rank != 4 || v->rank != 4 || k->dims[0] != s->a.n_batch ||
	    v->dims[0] != s->a.n_batch || k->dims[1] != s->a.n_kv_heads ||
	    v->dims[1] != s->a.n_kv_heads || k->dims[2] != v->dims[2] || k->dims[3] != s->a.size ||
	    v->dims[3] != s->a.value_size)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the shapes of the past do not go with K and V");
	s->n_past = k->dims[2];
	return HEFT_OK;
}

static enum heft_status read_mask(const struct heft_call *c, struct sizes *s,
                                  struct heft_error *err)
{
	const enum heft_dtype masks[] = { s->dtype, HEFT_DTYPE_BOOL, HEFT_DTYPE_NONE };
	static const enum heft_dtype i64[] = { HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	struct heft_attention *a = &s->a;

	if (heft_call_has(c, IN_MASK)) {
		HEFT_TRY(heft_call_check_dtype(c, IN_MASK, masks, err));
		HEFT_TRY(heft_mask_init(&c->in[IN_MASK], a, &a->mask_strides[0], err));
		a->masks[0] = c->in[IN_MASK].dtype == HEFT_DTYPE_BOOL ? HEFT_MASK_BOOL
		                                                      : HEFT_MASK_ADDED;
	}
	if (!heft_call_has(c, IN_LENGTHS))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, IN_LENGTHS, i64, err));
	if (heft_call_has(c, IN_PAST_K) || c->in[IN_LENGTHS].rank != 1 ||
	    c->in[IN_LENGTHS].dims[0] != a->n_batch)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the numbers of keys are not one a sample, without a past");
	return HEFT_OK;
}

static enum heft_status read_attributes(const struct heft_call *c, struct heft_attention *a,
                                        struct heft_error *err)
{
	const int64_t mode = heft_call_int(c, "qk_matmul_output_mode", 0);
	const float root = 1 / sqrtf((float)a->size);

	a->left = heft_call_int(c, "left_window_size", -1);
	a->right = heft_call_int(c, "right_window_size", -1);
	if (mode < 0 || mode > 3 || a->left < -1 || a->right < -1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'qk_matmul_output_mode' is %lld, the windows are %lld and %lld",
		                 (long long)mode, (long long)a->left, (long long)a->right);
	a->has_left = a->left >= 0;
	a->has_right = a->right >= 0;
	a->is_causal = heft_call_int(c, "is_causal", 0) != 0;
	a->scale = heft_call_float(c, "scale", root);
	a->softcap = heft_call_float(c, "softcap", 0);
	if (heft_call_wants(c, OUT_SCORES))
		a->scores = (enum heft_scores)(HEFT_SCORES_PRODUCT + mode);
	return HEFT_OK;
}

static enum heft_status set_outputs(struct heft_call *c, const struct sizes *s,
                                    struct heft_error *err)
{
	const struct heft_attention *a = &s->a;
	const uint64_t of_y[4] = { a->n_batch, a->n_heads, a->n_rows, a->value_size };
	const uint64_t of_y3[3] = { a->n_batch, a->n_rows, a->n_heads * a->value_size };
	const uint64_t of_k[4] = { a->n_batch, a->n_kv_heads, a->n_keys, a->size };
	const uint64_t of_v[4] = { a->n_batch, a->n_kv_heads, a->n_keys, a->value_size };
	const uint64_t of_scores[4] = { a->n_batch, a->n_heads, a->n_rows, a->n_keys };
	const uint32_t rank = c->in[IN_Q].rank;

	HEFT_TRY(heft_array_set(&c->out[OUT_Y], s->dtype, rank, rank == 4 ? of_y : of_y3, err));
	if (c->n_out > OUT_K)
		HEFT_TRY(heft_array_set(&c->out[OUT_K], s->dtype, 4, of_k, err));
	if (c->n_out > OUT_V)
		HEFT_TRY(heft_array_set(&c->out[OUT_V], s->dtype, 4, of_v, err));
	if (c->n_out > OUT_SCORES)
		HEFT_TRY(heft_array_set(&c->out[OUT_SCORES], s->dtype, 4, of_scores, err));
	return HEFT_OK;
}

/* Keys and values, where they are joined with a past and are no output; and the attention's. */
static enum heft_status set_scratch(struct heft_call *c, struct sizes *s, struct heft_error *err)
{
	struct heft_attention *a = &s->a;
	uint64_t rows;
	uint64_t k_size;
	uint64_t v_size;
	size_t size;

	if (!heft_mul_u64(a->n_batch * a->n_kv_heads, a->n_keys, &rows) ||
	    !heft_mul_u64(rows, a->size * s->element_size, &k_size) ||
	    !heft_mul_u64(rows, a->value_size * s->element_size, &v_size) ||
	    k_size > SIZE_MAX / 4 || v_size > SIZE_MAX / 4)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu keys do not fit into memory", (unsigned long long)a->n_keys);
	s->is_joined = heft_call_has(c, IN_PAST_K);
	s->k_at = 0;
	s->v_at = s->is_joined && !heft_call_wants(c, OUT_K) ? heft_align_up(k_size, 64) : 0;
	s->attention_at = s->v_at + (s->is_joined && !heft_call_wants(c, OUT_V)
	                                     ? heft_align_up(v_size, 64)
	                                     : 0);
	a->k = s->k;
	a->v = s->v;
	if (s->is_joined) {
		a->k = (struct heft_heads){ a->n_kv_heads * a->n_keys * a->size,
			                    a->n_keys * a->size, a->size };
		a->v = (struct heft_heads){ a->n_kv_heads * a->n_keys * a->value_size,
			                    a->n_keys * a->value_size, a->value_size };
	}
	if (s->dtype == HEFT_DTYPE_F64)
		HEFT_TRY(heft_attention_f64_init(c, a, &size, err));
	else
		HEFT_TRY(heft_attention_init(c, a, &size, err));
	/* never none: places are counted from its beginning */
	c->scratch_size = s->attention_at + size + 1;
	c->n_multiply_adds = a->n_batch * a->n_heads * a->n_rows * a->n_keys *
	                     (a->size + a->value_size);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	const enum heft_dtype same[] = { c->in[IN_Q].dtype, HEFT_DTYPE_NONE };
	struct sizes *s = (void *)c->state;

	HEFT_TRY(heft_call_check_dtype(c, IN_Q, floats, err));
	*s = (struct sizes){ .dtype = c->in[IN_Q].dtype };
	s->element_size = s->dtype == HEFT_DTYPE_F64 ? sizeof(double) : sizeof(float);
	for (uint32_t i = IN_Q; i <= IN_PAST_V; i++) {
		if (i != IN_MASK && heft_call_has(c, i))
			HEFT_TRY(heft_call_check_dtype(c, i, same, err));
	}
	HEFT_TRY(read_qkv(c, s, err));
	HEFT_TRY(read_past(c, s, err));
	s->a.n_keys = s->n_past + s->n_new;
	s->a.offset = (int64_t)s->n_past;
	HEFT_TRY(read_mask(c, s, err));
	HEFT_TRY(read_attributes(c, &s->a, err));
	HEFT_TRY(set_outputs(c, s, err));
	return set_scratch(c, s, err);
}

/* --- forward --- */

/* Keys, or values: joined with the past, and put into the output that is wanted. An F64 is moved as
 * two floats. */
static const void *make_cache(const struct heft_call *c, uint32_t in, uint32_t past, uint32_t out,
                              size_t size, const struct heft_heads *from, size_t at)
{
	const struct sizes *s = (const void *)c->state;
	const size_t n = s->element_size / sizeof(float);
	const struct heft_kv_cache cache = {
		.n_batch = s->a.n_batch,
		.n_heads = s->a.n_kv_heads,
		.n_past = s->n_past,
		.n_new = s->n_new,
		.size = n * size,
		.from = { n * from->batch, n * from->head, n * from->row },
	};
	const bool is_wanted = heft_call_wants(c, out);
	float *to = is_wanted ? c->out[out].bytes : (void *)((uint8_t *)c->scratch + at);

	if (s->is_joined || is_wanted)
		heft_kv_cache_join(c, &cache, s->is_joined ? c->in[past].bytes : NULL,
		                   c->in[in].bytes, to);
	return s->is_joined ? to : c->in[in].bytes;
}

static void run_f32(const struct heft_call *c, const void *k, const void *v)
{
	const struct sizes *s = (const void *)c->state;
	const struct heft_attention_data d = {
		.q = c->in[IN_Q].bytes,
		.k = k,
		.v = v,
		.masks = { heft_call_has(c, IN_MASK) ? c->in[IN_MASK].bytes : NULL },
		.lengths = heft_call_has(c, IN_LENGTHS) ? c->in[IN_LENGTHS].bytes : NULL,
		.y = heft_call_wants(c, OUT_Y) ? c->out[OUT_Y].bytes : NULL,
		.scores = heft_call_wants(c, OUT_SCORES) ? c->out[OUT_SCORES].bytes : NULL,
	};

	heft_attention_run(c, &s->a, &d, (uint8_t *)c->scratch + s->attention_at);
}

static void run_f64(const struct heft_call *c, const void *k, const void *v)
{
	const struct sizes *s = (const void *)c->state;
	const struct heft_attention_data_f64 d = {
		.q = c->in[IN_Q].bytes,
		.k = k,
		.v = v,
		.mask = heft_call_has(c, IN_MASK) ? c->in[IN_MASK].bytes : NULL,
		.lengths = heft_call_has(c, IN_LENGTHS) ? c->in[IN_LENGTHS].bytes : NULL,
		.scale = heft_call_attr(c, "scale") ? (double)s->a.scale
		                                    : 1 / sqrt((double)s->a.size),
		.y = heft_call_wants(c, OUT_Y) ? c->out[OUT_Y].bytes : NULL,
		.scores = heft_call_wants(c, OUT_SCORES) ? c->out[OUT_SCORES].bytes : NULL,
	};

	heft_attention_f64_run(c, &s->a, &d, (uint8_t *)c->scratch + s->attention_at);
}

static void forward(const struct heft_call *c)
{
	const struct sizes *s = (const void *)c->state;
	const void *k = make_cache(c, IN_K, IN_PAST_K, OUT_K, s->a.size, &s->k, s->k_at);
	const void *v = make_cache(c, IN_V, IN_PAST_V, OUT_V, s->a.value_size, &s->v, s->v_at);

	if (s->dtype == HEFT_DTYPE_F64)
		run_f64(c, k, v);
	else
		run_f32(c, k, v);
}

const struct heft_op heft_op_attention = {
	.name = "Attention",
	.domain = "",
	.since = 23,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 7,
	.min_out = 1,
	.max_out = 4,
	.infer = infer,
	.forward = forward,
	.backward = heft_attention_backward,
};
