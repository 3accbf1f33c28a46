/* SPDX-License-Identifier: Apache-2.0 */
/* attention_ms.c - biases, masks and the past in front of attention. */
#include "graph/attention_ms.h"

#include <math.h>

#include "base/checked.h"
#include "base/error.h"

/* Rows of samples, or one length for each. */
static enum heft_status read_mask(const struct heft_call *c, struct heft_attention *a, uint32_t in,
                                  struct heft_error *err)
{
	static const enum heft_dtype i32[] = { HEFT_DTYPE_I32, HEFT_DTYPE_NONE };
	const struct heft_array *mask = &c->in[in];
	struct heft_mask_strides *s = &a->mask_strides[0];
	const bool is_of_rows = mask->rank == 3;

	HEFT_TRY(heft_call_check_dtype(c, in, i32, err));
	s->n_keys = a->n_keys;
	if (mask->rank == 1 && mask->dims[0] == a->n_batch) {
		a->masks[0] = HEFT_MASK_LENGTHS;
		return HEFT_OK;
	}
	if ((mask->rank != 2 && mask->rank != 3) || mask->dims[0] != a->n_batch ||
	    mask->dims[mask->rank - 1] != a->n_keys || (is_of_rows && mask->dims[1] != a->n_rows))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a mask of this shape is not computed");
	a->masks[0] = HEFT_MASK_FILTER;
	s->batch = is_of_rows ? a->n_rows * a->n_keys : a->n_keys;
	s->row = is_of_rows ? a->n_keys : 0;
	s->key = 1;
	return HEFT_OK;
}

enum heft_status heft_ms_attention_masks(const struct heft_call *c, struct heft_ms_attention *s,
                                         uint32_t in_mask, uint32_t in_added,
                                         struct heft_error *err)
{
	static const enum heft_dtype f32[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	struct heft_attention *a = &s->a;

	a->n_kv_heads = a->n_heads;
	a->n_keys = s->n_past + s->k.n_rows;
	a->offset = (int64_t)s->n_past;
	a->filter = heft_call_float(c, "mask_filter_value", -10000);
	a->is_causal = heft_call_int(c, "unidirectional", 0) != 0;
	a->scale = heft_call_float(c, "scale", 0);
	if (a->scale == 0)
		a->scale = 1 / sqrtf((float)a->size);
	if (heft_call_has(c, in_mask))
		HEFT_TRY(read_mask(c, a, in_mask, err));
	if (!heft_call_has(c, in_added))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, in_added, f32, err));
	if (c->in[in_added].rank != 4 || c->in[in_added].dims[3] != a->n_keys)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "what is added does not have the shape of the scores");
	a->masks[1] = HEFT_MASK_ADDED;
	return heft_mask_init(&c->in[in_added], a, &a->mask_strides[1], err);
}

/* Samples x heads x rows x size floats behind *size. */
static bool add_room(const struct heft_attention *a, size_t n_rows, size_t n, size_t *size,
                     size_t *at)
{
	size_t bytes;

	*at = *size;
	return heft_mul_size(a->n_batch * a->n_heads, n_rows, &bytes) &&
	       heft_mul_size(bytes, n * sizeof(float), &bytes) && bytes < SIZE_MAX / 8 &&
	       heft_add_size(*size, heft_align_up(bytes, 64), size) && *size < SIZE_MAX / 8;
}

static struct heft_heads rows_first(const struct heft_attention *a, size_t n_rows, size_t size)
{
	return (struct heft_heads){ n_rows * a->n_heads * size, size, a->n_heads * size };
}

static struct heft_heads heads_first(const struct heft_attention *a, size_t n_rows, size_t size)
{
	return (struct heft_heads){ a->n_heads * n_rows * size, n_rows * size, size };
}

enum heft_status heft_ms_attention_init(const struct heft_call *c, struct heft_ms_attention *s,
                                        size_t *size, struct heft_error *err)
{
	struct heft_attention *a = &s->a;
	const struct heft_ms_operand *operands[3] = { &s->q, &s->k, &s->v };
	bool fits = true;
	size_t more;

	for (uint32_t i = 0; i < 3 && s->has_bias; i++)
		fits = fits &&
		       add_room(a, operands[i]->n_rows, operands[i]->size, size, &s->biased_at[i]);
	for (uint32_t i = 0; i < 2 && s->has_past; i++)
		fits = fits &&
		       add_room(a, a->n_keys, operands[1 + i]->size, size, &s->joined_at[i]);
	if (!fits)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu keys do not fit into memory", (unsigned long long)a->n_keys);
	a->q = s->has_bias ? rows_first(a, a->n_rows, a->size) : s->q.from;
	a->k = s->has_past   ? heads_first(a, a->n_keys, a->size)
	       : s->has_bias ? rows_first(a, a->n_keys, a->size)
	                     : s->k.from;
	a->v = s->has_past   ? heads_first(a, a->n_keys, a->value_size)
	       : s->has_bias ? rows_first(a, a->n_keys, a->value_size)
	                     : s->v.from;
	a->y = rows_first(a, a->n_rows, a->value_size);
	s->attention_at = *size;
	HEFT_TRY(heft_attention_init(c, a, &more, err));
	*size += more;
	return HEFT_OK;
}

/* An operand plus its bias, rows first. */
static void add_bias(const struct heft_attention *a, const struct heft_ms_operand *o,
                     const float *x, const float *bias, float *y)
{
	for (size_t b = 0; b < a->n_batch; b++)
		for (size_t r = 0; r < o->n_rows; r++)
			for (size_t h = 0; h < a->n_heads; h++) {
				const float *from = x + b * o->from.batch + r * o->from.row +
				                    h * o->from.head;

				for (size_t i = 0; i < o->size; i++)
					*y++ = from[i] + bias[h * o->size + i];
			}
}

/* The past and what is new, into the output that is wanted, or into scratch. */
static const float *join(const struct heft_call *c, const struct heft_ms_attention *s,
                         const struct heft_ms_operand *o, const float *past, const float *fresh,
                         float *present, size_t at)
{
	const struct heft_kv_cache cache = {
		.n_batch = s->a.n_batch,
		.n_heads = s->a.n_heads,
		.n_past = s->n_past,
		.n_new = o->n_rows,
		.size = o->size,
		.from = s->has_bias ? rows_first(&s->a, o->n_rows, o->size) : o->from,
	};
	float *to = present ? present : (void *)((uint8_t *)c->scratch + at);

	if (present || s->has_past)
		heft_kv_cache_join(c, &cache, s->has_past ? past : NULL, fresh, to);
	return s->has_past ? to : fresh;
}

void heft_ms_attention_run(const struct heft_call *c, const struct heft_ms_attention *s,
                           const struct heft_ms_pointers *p)
{
	const struct heft_attention *a = &s->a;
	const struct heft_ms_operand *operands[3] = { &s->q, &s->k, &s->v };
	const float *x[3] = { p->q, p->k, p->v };
	const float *bias = p->bias;
	uint8_t *scratch = c->scratch;
	struct heft_attention_data d = { .masks = { p->masks[0], p->masks[1] }, .y = p->y };

	for (uint32_t i = 0; i < 3 && s->has_bias; i++) {
		float *biased = (void *)(scratch + s->biased_at[i]);

		add_bias(a, operands[i], x[i], bias, biased);
		bias += a->n_heads * operands[i]->size;
		x[i] = biased;
	}
	d.q = x[0];
	d.k = join(c, s, &s->k, p->past_k, x[1], p->present_k, s->joined_at[0]);
	d.v = join(c, s, &s->v, p->past_v, x[2], p->present_v, s->joined_at[1]);
	heft_attention_run(c, a, &d, scratch + s->attention_at);
}
