/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_erase.c - SequenceErase: a sequence without the item at a position, or the last. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_sequence *from;
	struct heft_sequence *to;
	uint64_t place;

	HEFT_TRY(heft_call_sequence(c, 0, &from, err));
	HEFT_TRY(heft_call_place(c, 1, from->n, false, &place, err));
	HEFT_TRY(heft_sequence_new(from->n - 1, from->dtype, memory, &c->out[0], &to, err));
	for (uint64_t i = 0; i < to->n; i++)
		to->items[i] = from->items[i < place ? i : i + 1];
	return HEFT_OK;
}

const struct heft_op heft_op_sequence_erase = {
	.name = "SequenceErase",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
