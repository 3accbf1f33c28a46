/* SPDX-License-Identifier: Apache-2.0 */
/* op_einsum.c - Einsum: sums of products over the letters that the output has not (spec F6-27). */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/chain.h"
#include "graph/einsum.h"
#include "graph/spans.h"

struct einsum {
	struct heft_einsum_product product; /* first: einsum_product.c finds it in the state */
	bool is_product;
	uint64_t n_terms;
};

_Static_assert(sizeof(struct einsum) <= HEFT_CALL_STATE, "an Einsum is larger than its room");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I8,
		                                   HEFT_DTYPE_U8,  HEFT_DTYPE_I16, HEFT_DTYPE_U16,
		                                   HEFT_DTYPE_I32, HEFT_DTYPE_U32, HEFT_DTYPE_I64,
		                                   HEFT_DTYPE_U64, HEFT_DTYPE_NONE };
	struct einsum *v = (struct einsum *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	struct heft_einsum e;

	*v = (struct einsum){ .n_terms = 1 };
	for (uint32_t i = 0; i < c->n_in; i++) {
		HEFT_TRY(heft_call_check_dtype(c, i, allowed, err));
		if (c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s meets %s",
			                 heft_dtype_name(c->in[0].dtype),
			                 heft_dtype_name(c->in[i].dtype));
	}
	HEFT_TRY(heft_einsum_parse(c, &e, err));
	for (uint32_t d = 0; d < e.out.rank; d++)
		dims[d] = e.sizes[e.out.labels[d]];
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, e.out.rank, dims, err));
	for (uint32_t d = 0; d < e.summed.rank; d++) {
		if (!heft_mul_u64(v->n_terms, e.sizes[e.summed.labels[d]], &v->n_terms))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "an output has more than 2^64 terms");
	}
	c->n_multiply_adds = c->n_in > 1 ? c->out[0].n_elements * v->n_terms : 0;
	return heft_einsum_product_infer(c, &e, &v->is_product, err);
}

/* --- a chain for each output --- */

struct walk {
	const struct heft_einsum *e;
	uint64_t n_terms;
	uint64_t out_steps[HEFT_EINSUM_MAX_OPERANDS][HEFT_GRAPH_MAX_RANK];
	uint64_t steps[HEFT_EINSUM_MAX_OPERANDS][HEFT_EINSUM_N_LABELS]; /* of those summed */
};

/* Places of the operands' elements, of one term of one output. */
struct cursor {
	uint64_t places[HEFT_EINSUM_MAX_OPERANDS];
	uint64_t at[HEFT_EINSUM_N_LABELS];
};

static void start(const struct walk *w, uint64_t element, struct cursor *k)
{
	const struct heft_einsum *e = w->e;

	memset(k, 0, sizeof *k);
	for (uint32_t d = e->out.rank; d-- > 0; element /= e->sizes[e->out.labels[d]]) {
		const uint64_t at = element % e->sizes[e->out.labels[d]];

		for (uint32_t i = 0; i < e->n_operands; i++)
			k->places[i] += at * w->out_steps[i][d];
	}
}

static void go_on(const struct walk *w, struct cursor *k)
{
	const struct heft_einsum *e = w->e;

	for (uint32_t d = e->summed.rank; d-- > 0;) {
		const uint64_t size = e->sizes[e->summed.labels[d]];

		for (uint32_t i = 0; i < e->n_operands; i++)
			k->places[i] += w->steps[i][d];
		if (++k->at[d] < size)
			return;
		for (uint32_t i = 0; i < e->n_operands; i++)
			k->places[i] -= size * w->steps[i][d];
		k->at[d] = 0;
	}
}

#define FLOAT_ELEMENT(type, name)                                                                 \
	static void set_##name(const struct heft_call *c, const struct walk *w, uint64_t element, \
	                       struct cursor *k)                                                  \
	{                                                                                         \
		const uint32_t last = w->e->n_operands - 1;                                       \
		struct heft_chain_##name chain;                                                   \
                                                                                                  \
		heft_chain_##name##_start(&chain);                                                \
		for (uint64_t t = 0; t < w->n_terms; t++, go_on(w, k)) {                          \
			const type x = ((const type *)c->in[last].bytes)[k->places[last]];        \
			type before = 1;                                                          \
                                                                                                  \
			for (uint32_t i = 0; i < last; i++)                                       \
				before *= ((const type *)c->in[i].bytes)[k->places[i]];           \
			heft_chain_##name##_add(&chain, before, x);                               \
		}                                                                                 \
		((type *)c->out[0].bytes)[element] = heft_chain_##name##_done(&chain);            \
	}

FLOAT_ELEMENT(float, f32)
FLOAT_ELEMENT(double, f64)

static void set_integer(const struct heft_call *c, const struct walk *w, uint64_t element,
                        struct cursor *k)
{
	const enum heft_dtype dtype = c->out[0].dtype;
	const uint64_t size = heft_element_size(dtype);
	uint64_t sum = 0;

	for (uint64_t t = 0; t < w->n_terms; t++, go_on(w, k)) {
		uint64_t product = 1;

		for (uint32_t i = 0; i < w->e->n_operands; i++)
			product *= (uint64_t)heft_load_integer(dtype,
			                                       (const uint8_t *)c->in[i].bytes +
			                                               k->places[i] * size);
		sum += product;
	}
	heft_store_integer(dtype, (uint8_t *)c->out[0].bytes + element * size, (int64_t)sum);
}

static void set_elements(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                         uint32_t worker)
{
	struct cursor k;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		start(ctx, i, &k);
		if (c->out[0].dtype == HEFT_DTYPE_F32)
			set_f32(c, ctx, i, &k);
		else if (c->out[0].dtype == HEFT_DTYPE_F64)
			set_f64(c, ctx, i, &k);
		else
			set_integer(c, ctx, i, &k);
	}
}

static void forward_plain(const struct heft_call *c, const struct heft_einsum *e, uint64_t n_terms)
{
	struct walk w = { .e = e, .n_terms = n_terms };

	for (uint32_t i = 0; i < e->n_operands; i++) {
		for (uint32_t d = 0; d < e->out.rank; d++)
			w.out_steps[i][d] = heft_einsum_step(c, e, i, e->out.labels[d]);
		for (uint32_t d = 0; d < e->summed.rank; d++)
			w.steps[i][d] = heft_einsum_step(c, e, i, e->summed.labels[d]);
	}
	heft_spans_run(c, c->out[0].n_elements, n_terms, set_elements, &w);
}

static void forward(const struct heft_call *c)
{
	const struct einsum *v = (const struct einsum *)(const void *)c->state;
	struct heft_einsum e;

	/* infer has read it: it cannot fail */
	if (heft_einsum_parse(c, &e, NULL) != HEFT_OK)
		return;
	if (v->is_product)
		heft_einsum_product_forward(c, &e);
	else
		forward_plain(c, &e, v->n_terms);
}

const struct heft_op heft_op_einsum = {
	.name = "Einsum",
	.domain = "",
	.since = 12,
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_einsum_backward,
};
