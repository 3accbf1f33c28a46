/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_at.c - SequenceAt: the item at a position. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_sequence *s;
	uint64_t place;

	(void)memory;
	HEFT_TRY(heft_call_sequence(c, 0, &s, err));
	HEFT_TRY(heft_call_place(c, 1, s->n, false, &place, err));
	c->out[0] = s->items[place];
	return HEFT_OK;
}

const struct heft_op heft_op_sequence_at = {
	.name = "SequenceAt",
	.domain = "",
	.since = 11,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
