/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_length.c - SequenceLength: how many items a sequence has. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_sequence *s;
	int64_t n;

	HEFT_TRY(heft_call_sequence(c, 0, &s, err));
	n = (int64_t)s->n;
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_I64, 0, NULL, err));
	HEFT_TRY(heft_memory_take(memory, sizeof n, &c->out[0].bytes, err));
	*(int64_t *)c->out[0].bytes = n;
	return HEFT_OK;
}

const struct heft_op heft_op_sequence_length = {
	.name = "SequenceLength",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
