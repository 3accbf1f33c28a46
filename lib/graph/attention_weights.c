/* SPDX-License-Identifier: Apache-2.0 */
/* attention_weights.c - shapes of attention whose queries, keys and values weights make. */
#include "graph/attention_weights.h"

#include "base/error.h"

static bool has(const struct heft_call *c, uint32_t i)
{
	return i != UINT32_MAX && heft_call_has(c, i);
}

/* Columns of queries, keys and values: thirds, or as the attribute says. */
static enum heft_status read_columns(const struct heft_call *c, const struct heft_weighed *w,
                                     int64_t n_heads, uint64_t columns[3], struct heft_error *err)
{
	uint32_t n;
	const int64_t *given = heft_call_ints(c, "qkv_hidden_sizes", &n);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 3; i++) {
		columns[i] = n == 3 && given[i] > 0 ? (uint64_t)given[i] : w->n_out / 3;
		if (n_heads < 1 || columns[i] == 0 || columns[i] > w->n_out ||
		    columns[i] % (uint64_t)n_heads != 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "%llu columns are no %lld heads",
			                 (unsigned long long)columns[i], (long long)n_heads);
		sum += columns[i];
	}
	if (sum != w->n_out || columns[0] != columns[1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "queries, keys and values do not have the weights' columns");
	return HEFT_OK;
}

static enum heft_status read_inputs(const struct heft_call *c, struct heft_weighed *w,
                                    struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const struct heft_array *weights = &c->in[1];

	if (has(c, w->in.bias))
		HEFT_TRY(heft_call_check_dtype(c, w->in.bias, f32, err));
	if (has(c, w->in.past))
		HEFT_TRY(heft_call_check_dtype(c, w->in.past, f32, err));
	if (!heft_call_has(c, 1) || heft_call_int(c, "do_rotary", 0) != 0 ||
	    heft_call_int(c, "past_present_share_buffer", 0) != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "without weights, with rotary embeddings or with a shared past it "
		                 "is not computed");
	if (x->rank != 3 || weights->rank != 2 || weights->dims[0] != x->dims[2] ||
	    x->dims[2] == 0 ||
	    (has(c, w->in.bias) &&
	     (c->in[w->in.bias].rank != 1 || c->in[w->in.bias].dims[0] != weights->dims[1])))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input, the weights and the bias do not go together");
	w->n_rows = x->dims[0] * x->dims[1];
	w->n_in = x->dims[2];
	w->n_out = weights->dims[1];
	return HEFT_OK;
}

static bool read_past(const struct heft_call *c, struct heft_weighed *w)
{
	struct heft_ms_attention *s = &w->s;
	const struct heft_array *past;

	s->has_past = has(c, w->in.past);
	if (!s->has_past)
		return true;
	past = &c->in[w->in.past];
	s->n_past = past->dims[3];
	return past->rank == 5 && past->dims[0] == 2 && past->dims[1] == s->a.n_batch &&
	       past->dims[2] == s->a.n_heads && past->dims[4] == s->a.size;
}

static struct heft_ms_operand operand_of(const struct heft_weighed *w, uint64_t n_rows,
                                         uint64_t columns, uint64_t n_heads)
{
	return (struct heft_ms_operand){
		.from = { n_rows * w->n_out, columns / n_heads, w->n_out },
		.n_rows = n_rows,
		.size = columns / n_heads,
	};
}

static enum heft_status set_outputs(struct heft_call *c, const struct heft_attention *a,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_F32, 3,
	                        (uint64_t[]){ a->n_batch, a->n_rows, a->n_heads * a->value_size },
	                        err));
	if (c->n_out < 2)
		return HEFT_OK;
	if (a->size != a->value_size)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "keys and values that are kept are not equally wide");
	return heft_array_set(&c->out[1], HEFT_DTYPE_F32, 5,
	                      (uint64_t[]){ 2, a->n_batch, a->n_heads, a->n_keys, a->size }, err);
}

enum heft_status heft_weighed_infer(struct heft_call *c, struct heft_weighed *w,
                                    struct heft_error *err)
{
	const int64_t n_heads = heft_call_int(c, "num_heads", 0);
	struct heft_attention *a = &w->s.a;
	uint64_t columns[3];

	HEFT_TRY(read_inputs(c, w, err));
	HEFT_TRY(read_columns(c, w, n_heads, columns, err));
	a->n_batch = c->in[0].dims[0];
	a->n_rows = c->in[0].dims[1];
	a->n_heads = (size_t)n_heads;
	w->s.q = operand_of(w, a->n_rows, columns[0], a->n_heads);
	w->s.k = operand_of(w, a->n_rows, columns[1], a->n_heads);
	w->s.v = operand_of(w, a->n_rows, columns[2], a->n_heads);
	a->size = w->s.q.size;
	a->value_size = w->s.v.size;
	if (!read_past(c, w) || (w->s.has_past && a->size != a->value_size))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the past does not go with the input");
	HEFT_TRY(heft_ms_attention_masks(c, &w->s, w->in.mask, w->in.added, err));
	return set_outputs(c, a, err);
}

void heft_weighed_run(const struct heft_call *c, const struct heft_weighed *w,
                      const float *projected)
{
	const struct heft_attention *a = &w->s.a;
	const struct heft_weighed_inputs *in = &w->in;
	struct heft_ms_pointers p = {
		.q = projected,
		.k = projected + a->n_heads * a->size,
		.v = projected + 2 * a->n_heads * a->size,
		.masks = { has(c, in->mask) ? c->in[in->mask].bytes : NULL,
		           has(c, in->added) ? c->in[in->added].bytes : NULL },
		.y = heft_call_wants(c, 0) ? c->out[0].bytes : NULL,
	};

	if (w->s.has_past && c->in[in->past].n_elements > 0) {
		p.past_k = c->in[in->past].bytes;
		p.past_v = p.past_k + c->in[in->past].n_elements / 2;
	}
	if (heft_call_wants(c, 1) && c->out[1].n_elements > 0) {
		p.present_k = c->out[1].bytes;
		p.present_v = p.present_k + c->out[1].n_elements / 2;
	}
	heft_ms_attention_run(c, &w->s, &p);
}
