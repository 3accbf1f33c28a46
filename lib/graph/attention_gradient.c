/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention_gradient.c - what Attention emits for its gradients (spec F7-64): its weights once
 * more, as its own last output, and then the products of which it is made. Heads of queries that
 * share one of keys lie one behind the other there, so that their sum is a product's.
 */
#include <math.h>

#include "graph/attention.h"
#include "graph/gradient.h"

enum {
	IN_Q,
	IN_K,
	IN_V,
	IN_MASK,
	IN_PAST_K,
	IN_PAST_V,
	N_IN = 7
};

struct shapes {
	uint64_t n_batch;
	uint64_t n_heads;
	uint64_t n_kv_heads;
	uint64_t n_rows;
	uint64_t n_keys;
	uint64_t n_past;
};

static uint32_t swap_heads(struct heft_gradient *g, uint32_t x)
{
	static const int64_t perm[4] = { 0, 2, 1, 3 };
	const struct heft_emit e = {
		.type = "Transpose",
		.n_in = 1,
		.in = { x },
		.n_attrs = 1,
		.attrs = { heft_attr_ints("perm", perm, 4) },
	};

	return heft_emit(g, &e);
}

/* An array of samples, heads, rows; it may come as samples, rows, and heads side by side. */
static uint32_t heads_first(struct heft_gradient *g, uint32_t x, uint64_t n_heads)
{
	const struct heft_array a = *heft_gradient_array(g, x);
	const uint64_t dims[4] = { a.dims[0], a.dims[1], n_heads, a.dims[2] / n_heads };

	return a.rank == 4 ? x : swap_heads(g, heft_emit_reshaped(g, x, 4, dims));
}

/* What belongs to samples and heads of queries, as samples and heads of keys, whose rows are those
 * of all heads that share it. */
static uint32_t shared(struct heft_gradient *g, const struct shapes *s, uint32_t x)
{
	const struct heft_array a = *heft_gradient_array(g, x);
	const uint64_t dims[4] = { s->n_batch, s->n_kv_heads,
		                   s->n_heads / s->n_kv_heads * s->n_rows, a.dims[3] };

	return heft_emit_reshaped(g, x, 4, dims);
}

static uint32_t product(struct heft_gradient *g, uint32_t a, bool is_a_turned, uint32_t b,
                        bool is_b_turned)
{
	const struct heft_emit e = {
		.type = "heft.MatMul",
		.n_in = 2,
		.in = { a, b },
		.n_attrs = 2,
		.attrs = { heft_attr_int("transA", is_a_turned),
		           heft_attr_int("transB", is_b_turned) },
	};

	return heft_emit(g, &e);
}

/* The call once more, for its scores as they are in this mode. */
static uint32_t scores(const struct heft_call *c, struct heft_gradient *g, int64_t mode)
{
	static const char *const ints[] = { "q_num_heads", "kv_num_heads", "is_causal",
		                            "left_window_size", "right_window_size" };
	static const char *const floats[] = { "scale", "softcap" };
	uint32_t in[N_IN];
	uint32_t out[HEFT_EMIT_MAX_OUT];
	struct heft_emit e = {
		.type = "Attention",
		.opset = c->opset,
		.n_in = c->n_in,
		.inputs = in,
		.n_out = 4,
		.attrs = { heft_attr_int("qk_matmul_output_mode", mode) },
		.n_attrs = 1,
	};

	for (uint32_t i = 0; i < c->n_in; i++)
		in[i] = heft_gradient_in(g, i);
	for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
		if (heft_call_attr(c, ints[i]))
			e.attrs[e.n_attrs++] = heft_attr_int(ints[i], heft_call_int(c, ints[i], 0));
	}
	for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) {
		if (heft_call_attr(c, floats[i]))
			e.attrs[e.n_attrs++] = heft_attr_float(floats[i],
			                                       heft_call_float(c, floats[i], 0));
	}
	heft_emit_all(g, &e, out);
	return out[3];
}

static uint32_t times(struct heft_gradient *g, uint32_t x, double by)
{
	const enum heft_dtype dtype = heft_gradient_array(g, x)->dtype;

	return heft_emit_2(g, "Mul", x, heft_emit_number(g, dtype, by));
}

/* As the call has it: of F32, 1 / sqrt is rounded at both. */
static double scale_of(const struct heft_call *c, uint64_t size)
{
	if (heft_call_attr(c, "scale"))
		return (double)heft_call_float(c, "scale", 1);
	return c->in[IN_Q].dtype == HEFT_DTYPE_F64 ? 1 / sqrt((double)size)
	                                           : (double)(1 / sqrtf((float)size));
}

/* Keys or values, those of the past in front. */
static uint32_t with_past(struct heft_gradient *g, const struct shapes *s, uint32_t in,
                          uint32_t past)
{
	const struct heft_emit e = {
		.type = "Concat",
		.n_in = 2,
		.in = { heft_gradient_in(g, past),
		        heads_first(g, heft_gradient_in(g, in), s->n_kv_heads) },
		.n_attrs = 1,
		.attrs = { heft_attr_int("axis", 2) },
	};

	return e.in[0] == HEFT_NO_VALUE ? e.in[1] : heft_emit(g, &e);
}

/* To an input, samples and heads first. */
static void give_heads(struct heft_gradient *g, uint32_t i, uint32_t x)
{
	const uint32_t in = heft_gradient_in(g, i);

	if (!heft_gradient_wants(g, i))
		return;
	if (heft_gradient_array(g, in)->rank == 3)
		x = heft_emit_reshaped_like(g, swap_heads(g, x), in);
	heft_give(g, i, x);
}

/* To keys or values and to those of the past: what came through the scores, and through the output
 * that has them all. */
static void give_keys(struct heft_gradient *g, const struct shapes *s, uint32_t in, uint32_t past,
                      uint32_t x, uint32_t out)
{
	const uint32_t more = heft_gradient_of(g, out);

	if (x == HEFT_NO_VALUE || more == HEFT_NO_VALUE)
		x = x == HEFT_NO_VALUE ? more : x;
	else
		x = heft_emit_2(g, "Add", x, more);
	if (x == HEFT_NO_VALUE)
		return;
	if (heft_gradient_in(g, past) == HEFT_NO_VALUE) {
		give_heads(g, in, x);
		return;
	}
	if (heft_gradient_wants(g, past))
		heft_give(g, past, heft_emit_part(g, x, 2, 0, s->n_past));
	if (heft_gradient_wants(g, in))
		give_heads(g, in, heft_emit_part(g, x, 2, s->n_past, s->n_keys - s->n_past));
}

/* To a mask that is added: it may have fewer keys. */
static void give_mask(struct heft_gradient *g, const struct shapes *s, uint32_t x)
{
	const struct heft_array mask = *heft_gradient_array(g, heft_gradient_in(g, IN_MASK));
	const uint64_t n = mask.rank > 0 ? mask.dims[mask.rank - 1] : 1;

	if (!heft_gradient_wants(g, IN_MASK))
		return;
	heft_give(g, IN_MASK, n == s->n_keys ? x : heft_emit_part(g, x, 3, 0, n));
}

/* Of the products of queries and keys, before they are scaled, all of F64 or F32. */
static uint32_t of_products(const struct heft_call *c, struct heft_gradient *g,
                            const struct shapes *s, uint32_t dy, uint32_t weights, uint32_t v)
{
	const double softcap = (double)heft_call_float(c, "softcap", 0);
	const uint64_t dims[4] = { s->n_batch, s->n_heads, s->n_rows, s->n_keys };
	uint32_t d = product(g, dy, false, v, true);
	struct heft_emit e = { .type = "heft.SoftmaxGradient",
		               .n_in = 2,
		               .n_attrs = 1,
		               .attrs = { heft_attr_int("axis", -1) } };

	e.in[0] = heft_emit_reshaped(g, d, 4, dims);
	e.in[1] = weights;
	d = heft_emit(g, &e);
	give_mask(g, s, d);
	if (softcap != 0)
		d = heft_emit_2(g, "heft.TanhGradient", d,
		                times(g, scores(c, g, HEFT_SCORES_CAPPED - HEFT_SCORES_PRODUCT),
		                      1 / softcap));
	return d;
}

void heft_attention_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const bool is_cut = c->in[IN_Q].rank == 4;
	const bool has_past = heft_call_has(c, IN_PAST_K);
	struct shapes s = {
		.n_batch = c->in[IN_Q].dims[0],
		.n_heads = is_cut ? c->in[IN_Q].dims[1]
		                  : (uint64_t)heft_call_int(c, "q_num_heads", 1),
		.n_kv_heads = is_cut ? c->in[IN_K].dims[1]
		                     : (uint64_t)heft_call_int(c, "kv_num_heads", 1),
		.n_rows = c->in[IN_Q].dims[is_cut ? 2 : 1],
		.n_past = has_past ? c->in[IN_PAST_K].dims[2] : 0,
	};
	uint32_t dy = heft_gradient_of(g, 0);
	uint32_t dk = HEFT_NO_VALUE;
	uint32_t dv = HEFT_NO_VALUE;

	s.n_keys = s.n_past + c->in[IN_K].dims[is_cut ? 2 : 1];
	if (heft_gradient_of(g, 3) != HEFT_NO_VALUE) {
		heft_gradient_block(g, "a loss of its scores has no gradient here");
		return;
	}
	if (dy != HEFT_NO_VALUE) {
		const uint32_t weights = scores(c, g, 3);
		const uint32_t q = heads_first(g, heft_gradient_in(g, IN_Q), s.n_heads);
		const uint32_t k = with_past(g, &s, IN_K, IN_PAST_K);
		const uint32_t v = with_past(g, &s, IN_V, IN_PAST_V);
		const double scale = scale_of(c, heft_gradient_array(g, q)->dims[3]);
		const uint64_t dims[4] = { s.n_batch, s.n_heads, s.n_rows,
			                   heft_gradient_array(g, q)->dims[3] };
		uint32_t d;

		dy = shared(g, &s, heads_first(g, dy, s.n_heads));
		d = of_products(c, g, &s, dy, weights, v);
		d = shared(g, &s, times(g, d, scale));
		dv = product(g, shared(g, &s, weights), true, dy, false);
		dk = product(g, d, true, shared(g, &s, q), false);
		give_heads(g, IN_Q, heft_emit_reshaped(g, product(g, d, false, k, false), 4, dims));
	}
	give_keys(g, &s, IN_K, IN_PAST_K, dk, 1);
	give_keys(g, &s, IN_V, IN_PAST_V, dv, 2);
}
