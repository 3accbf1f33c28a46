/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_construct.c - SequenceConstruct: the inputs, as a sequence. */
#include "base/error.h"
#include "graph/kinds.h"

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	struct heft_sequence *s;

	for (uint32_t i = 0; i < c->n_in; i++) {
		HEFT_TRY(heft_call_item(c, i, err));
		if (c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "inputs 0 and %u are %s and %s", i,
			                 heft_kind_name(c->in[0].dtype),
			                 heft_kind_name(c->in[i].dtype));
	}
	HEFT_TRY(heft_sequence_new(c->n_in, c->in[0].dtype, memory, &c->out[0], &s, err));
	for (uint32_t i = 0; i < c->n_in; i++) {
		s->items[i] = c->in[i];
		HEFT_TRY(heft_kind_copy(&s->items[i], memory, err));
	}
	return HEFT_OK;
}

const struct heft_op heft_op_sequence_construct = {
	.name = "SequenceConstruct",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
