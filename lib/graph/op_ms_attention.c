/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_attention.c - com.microsoft.Attention: an input times the weights of queries, keys and
 * values, and the attention of these. Spec F6-84, F6-92. */
#include <assert.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/attention_ms.h"

enum {
	IN_X,
	IN_WEIGHTS,
	IN_BIAS,
	IN_MASK,
	IN_PAST,
	IN_ADDED
};

struct sizes {
	struct heft_ms_attention s;
	size_t n_rows; /* of the input, of all samples */
	size_t n_in;
	size_t n_out; /* columns of queries, keys and values */
	size_t projected_at;
	size_t packed_here; /* where pack was not called */
	size_t product_at;
	size_t product_size; /* of each thread */
};

static_assert(sizeof(struct sizes) <= HEFT_CALL_STATE, "the state has room");

static void set_product(const struct heft_call *c, const struct sizes *z, struct heft_product *p)
{
	heft_product_matrix(p, z->n_rows, z->n_in, z->n_out);
	heft_product_init_by(c->cpu_bits, p);
}

/* Columns of queries, keys and values: thirds, or as the attribute says. */
static enum heft_status read_columns(const struct heft_call *c, const struct sizes *z,
                                     int64_t n_heads, uint64_t columns[3], struct heft_error *err)
{
	uint32_t n;
	const int64_t *given = heft_call_ints(c, "qkv_hidden_sizes", &n);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 3; i++) {
		columns[i] = n == 3 && given[i] > 0 ? (uint64_t)given[i] : z->n_out / 3;
		if (n_heads < 1 || columns[i] == 0 || columns[i] > z->n_out ||
		    columns[i] % (uint64_t)n_heads != 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "%llu columns are no %lld heads",
			                 (unsigned long long)columns[i], (long long)n_heads);
		sum += columns[i];
	}
	if (sum != z->n_out || columns[0] != columns[1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "queries, keys and values do not have the weights' columns");
	return HEFT_OK;
}

static enum heft_status read_inputs(const struct heft_call *c, struct sizes *z,
                                    struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[IN_X];
	const struct heft_array *w = &c->in[IN_WEIGHTS];

	for (uint32_t i = IN_X; i <= IN_PAST; i++) {
		if (i != IN_MASK && heft_call_has(c, i))
			HEFT_TRY(heft_call_check_dtype(c, i, f32, err));
	}
	if (!heft_call_has(c, IN_WEIGHTS) || heft_call_int(c, "do_rotary", 0) != 0 ||
	    heft_call_int(c, "past_present_share_buffer", 0) != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "without weights, with rotary embeddings or with a shared past it "
		                 "is not computed");
	if (x->rank != 3 || w->rank != 2 || w->dims[0] != x->dims[2] || x->dims[2] == 0 ||
	    (heft_call_has(c, IN_BIAS) &&
	     (c->in[IN_BIAS].rank != 1 || c->in[IN_BIAS].dims[0] != w->dims[1])))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input, the weights and the bias do not go together");
	z->n_rows = x->dims[0] * x->dims[1];
	z->n_in = x->dims[2];
	z->n_out = w->dims[1];
	return HEFT_OK;
}

static bool read_past(const struct heft_call *c, struct heft_ms_attention *s)
{
	const struct heft_array *past = &c->in[IN_PAST];

	s->has_past = heft_call_has(c, IN_PAST);
	if (!s->has_past)
		return true;
	s->n_past = past->dims[3];
	return past->rank == 5 && past->dims[0] == 2 && past->dims[1] == s->a.n_batch &&
	       past->dims[2] == s->a.n_heads && past->dims[4] == s->a.size;
}

static struct heft_ms_operand operand_of(const struct sizes *z, uint64_t n_rows, uint64_t columns,
                                         uint64_t n_heads)
{
	return (struct heft_ms_operand){
		.from = { n_rows * z->n_out, columns / n_heads, z->n_out },
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

static enum heft_status set_scratch(struct heft_call *c, struct sizes *z, struct heft_error *err)
{
	const size_t n_threads = heft_team_n_threads(c->team);
	struct heft_product p;
	size_t fits;

	if (!heft_mul_size(z->n_rows, z->n_out, &fits) || fits > SIZE_MAX / 64 ||
	    !heft_mul_size(z->n_in, z->n_out + 64, &fits) || fits > SIZE_MAX / 64)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "what the weights make does not fit into memory");
	set_product(c, z, &p);
	c->packed_size = p.packed_size;
	z->projected_at = 0;
	z->packed_here = heft_align_up(z->n_rows * z->n_out * sizeof(float), 64);
	z->product_at = z->packed_here;
	if (!c->in[IN_WEIGHTS].bytes)
		z->product_at += heft_align_up(p.packed_size, 64);
	z->product_size = heft_align_up(p.scratch_size, 64);
	c->scratch_size = z->product_at + n_threads * z->product_size;
	c->n_multiply_adds = z->n_rows * z->n_in * z->n_out;
	return heft_ms_attention_init(c, &z->s, &c->scratch_size, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const int64_t n_heads = heft_call_int(c, "num_heads", 0);
	struct sizes *z = (void *)c->state;
	struct heft_attention *a = &z->s.a;
	uint64_t columns[3];

	*z = (struct sizes){ 0 };
	HEFT_TRY(read_inputs(c, z, err));
	HEFT_TRY(read_columns(c, z, n_heads, columns, err));
	a->n_batch = c->in[IN_X].dims[0];
	a->n_rows = c->in[IN_X].dims[1];
	a->n_heads = (size_t)n_heads;
	z->s.q = operand_of(z, a->n_rows, columns[0], a->n_heads);
	z->s.k = operand_of(z, a->n_rows, columns[1], a->n_heads);
	z->s.v = operand_of(z, a->n_rows, columns[2], a->n_heads);
	a->size = z->s.q.size;
	a->value_size = z->s.v.size;
	if (!read_past(c, &z->s) || (z->s.has_past && a->size != a->value_size))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the past does not go with the input");
	HEFT_TRY(heft_ms_attention_masks(c, &z->s, IN_MASK, IN_ADDED, err));
	HEFT_TRY(set_outputs(c, a, err));
	return set_scratch(c, z, err);
}

static void pack_into(const struct heft_call *c, float *packed)
{
	const struct sizes *z = (const void *)c->state;
	const struct heft_product_weights w = { .w = c->in[IN_WEIGHTS].bytes,
		                                .in_ld = z->n_out,
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
	const struct heft_attention *a = &z->s.a;
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
	struct heft_ms_pointers p = {
		.q = projected,
		.k = projected + a->n_heads * a->size,
		.v = projected + 2 * a->n_heads * a->size,
		.masks = { heft_call_has(c, IN_MASK) ? c->in[IN_MASK].bytes : NULL,
		           heft_call_has(c, IN_ADDED) ? c->in[IN_ADDED].bytes : NULL },
		.y = heft_call_wants(c, 0) ? c->out[0].bytes : NULL,
	};

	if (!c->packed)
		pack_into(c, packed);
	set_product(c, z, &j.p);
	heft_team_run(c->n_multiply_adds > 65536 ? c->team : NULL, j.p.n_tasks, run_product, &j);
	if (z->s.has_past && c->in[IN_PAST].n_elements > 0) {
		p.past_k = c->in[IN_PAST].bytes;
		p.past_v = p.past_k + c->in[IN_PAST].n_elements / 2;
	}
	if (heft_call_wants(c, 1) && c->out[1].n_elements > 0) {
		p.present_k = c->out[1].bytes;
		p.present_v = p.present_k + c->out[1].n_elements / 2;
	}
	heft_ms_attention_run(c, &z->s, &p);
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
