/* SPDX-License-Identifier: Apache-2.0 */
/* graph/attention_ms.h - what com.microsoft's Attention and MultiHeadAttention share: queries, keys
 * and values that may lie in one array, a bias for them, masks of integers, and the past. */
#ifndef GRAPH_ATTENTION_MS_H
#define GRAPH_ATTENTION_MS_H

#include "graph/attention.h"

/* Queries, keys or values: where they lie. */
struct heft_ms_operand {
	struct heft_heads from;
	size_t n_rows;
	size_t size;
};

struct heft_ms_attention {
	/* Set by the operator, and of `a` n_batch, n_heads, n_rows, size, value_size and offset. */
	struct heft_attention a;
	struct heft_ms_operand q;
	struct heft_ms_operand k;
	struct heft_ms_operand v;
	size_t n_past;
	bool has_past;
	bool has_bias;

	/* Told by heft_ms_attention_init: bytes of scratch. */
	size_t biased_at[3];
	size_t joined_at[2];
	size_t attention_at;
};

/* The attributes scale, mask_filter_value, unidirectional; the mask input of integers, and the one
 * that is added to the scores. Behind the sizes. */
enum heft_status heft_ms_attention_masks(const struct heft_call *c, struct heft_ms_attention *s,
                                         uint32_t in_mask, uint32_t in_added,
                                         struct heft_error *err);
/* Scratch, from *size on. */
enum heft_status heft_ms_attention_init(const struct heft_call *c, struct heft_ms_attention *s,
                                        size_t *size, struct heft_error *err);

struct heft_ms_pointers {
	const float *q;
	const float *k;
	const float *v;
	const float *bias; /* of q, k and v; NULL */
	const float *past_k;
	const float *past_v;
	float *present_k; /* NULL: not wanted */
	float *present_v;
	const void *masks[2];
	float *y;
};

void heft_ms_attention_run(const struct heft_call *c, const struct heft_ms_attention *s,
                           const struct heft_ms_pointers *p);

#endif
