/* SPDX-License-Identifier: Apache-2.0 */
/* op_string_concat.c - StringConcat: strings of input 0 with those of input 1 behind them. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/kinds.h"

static char *append(char *to, const struct heft_text *from)
{
	if (from->n_bytes > 0)
		memcpy(to, from->bytes, (size_t)from->n_bytes);
	return to + from->n_bytes;
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct heft_array sized = { 0 };
	struct heft_text_pairs pairs;
	struct heft_text *y;
	uint64_t n_bytes = 0;
	char *to;

	HEFT_TRY(heft_call_text_pairs(c, &pairs, err));
	HEFT_TRY(heft_array_set(&sized, HEFT_KIND_TEXTS, pairs.rank, pairs.dims, err));
	for (uint64_t i = 0; i < sized.n_elements; i++) {
		if (!heft_add_u64(n_bytes, heft_text_pair_at(&pairs, 0, i)->n_bytes, &n_bytes) ||
		    !heft_add_u64(n_bytes, heft_text_pair_at(&pairs, 1, i)->n_bytes, &n_bytes))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "strings are too long");
	}
	HEFT_TRY(heft_texts_new(pairs.rank, pairs.dims, n_bytes, memory, &c->out[0], &to, err));
	y = c->out[0].bytes;
	for (uint64_t i = 0; i < sized.n_elements; i++) {
		y[i].bytes = to;
		to = append(to, heft_text_pair_at(&pairs, 0, i));
		to = append(to, heft_text_pair_at(&pairs, 1, i));
		y[i].n_bytes = (uint64_t)(to - y[i].bytes);
	}
	return HEFT_OK;
}

const struct heft_op heft_op_string_concat = {
	.name = "StringConcat",
	.domain = "",
	.since = 20,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
