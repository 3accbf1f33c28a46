/* SPDX-License-Identifier: Apache-2.0 */
/* kinds_text.c - what operators of strings share. */
#include <string.h>

#include "base/error.h"
#include "graph/kinds.h"

int heft_text_compare(const struct heft_text *a, const struct heft_text *b)
{
	const uint64_t n = a->n_bytes < b->n_bytes ? a->n_bytes : b->n_bytes;
	const int order = n > 0 ? memcmp(a->bytes, b->bytes, (size_t)n) : 0;

	if (order != 0)
		return order < 0 ? -1 : 1;
	return a->n_bytes == b->n_bytes ? 0 : a->n_bytes < b->n_bytes ? -1 : 1;
}

struct heft_text heft_text_of(const char *text)
{
	return (struct heft_text){ .bytes = text, .n_bytes = strlen(text) };
}

enum heft_status heft_call_text_list(const struct heft_call *c, const char *name,
                                     const char *const **texts, uint32_t *n, struct heft_error *err)
{
	const struct heft_attr *a = heft_call_attr(c, name);

	if (a && a->kind != HEFT_ATTR_TEXTS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "attribute '%s' is not a list of strings", name);
	*texts = a ? a->texts : NULL;
	*n = a ? a->n : 0;
	return HEFT_OK;
}

enum heft_status heft_call_text_pairs(const struct heft_call *c, struct heft_text_pairs *pairs,
                                      struct heft_error *err)
{
	const struct heft_array *const both[2] = { &c->in[0], &c->in[1] };

	for (uint32_t k = 0; k < 2; k++)
		HEFT_TRY(heft_call_texts(c, k, &pairs->x[k], err));
	HEFT_TRY(heft_broadcast(both, 2, &pairs->rank, pairs->dims, err));
	for (uint32_t k = 0; k < 2; k++)
		heft_broadcast_strides(both[k], pairs->rank, pairs->strides[k]);
	return HEFT_OK;
}

const struct heft_text *heft_text_pair_at(const struct heft_text_pairs *pairs, uint32_t which,
                                          uint64_t i)
{
	uint64_t at = 0;

	for (uint32_t d = pairs->rank; d-- > 0; i /= pairs->dims[d])
		at += i % pairs->dims[d] * pairs->strides[which][d];
	return &pairs->x[which][at];
}
