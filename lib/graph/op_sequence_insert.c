/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_insert.c - SequenceInsert: a sequence with an item more, at a position or the end. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const struct heft_sequence *from;
	struct heft_sequence *to;
	uint64_t place;

	HEFT_TRY(heft_call_sequence(c, 0, &from, err));
	HEFT_TRY(heft_call_item(c, 1, err));
	if (from->dtype != HEFT_DTYPE_NONE && c->in[1].dtype != from->dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 1 is %s, and items of the sequence are %s",
		                 heft_kind_name(c->in[1].dtype), heft_kind_name(from->dtype));
	HEFT_TRY(heft_call_place(c, 2, from->n, true, &place, err));
	HEFT_TRY(heft_sequence_new(from->n + 1, c->in[1].dtype, memory, &c->out[0], &to, err));
	for (uint64_t i = 0; i < from->n; i++)
		to->items[i < place ? i : i + 1] = from->items[i];
	to->items[place] = c->in[1];
	return heft_kind_copy(&to->items[place], memory, err);
}

const struct heft_op heft_op_sequence_insert = {
	.name = "SequenceInsert",
	.domain = "",
	.since = 11,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
