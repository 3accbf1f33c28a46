/* SPDX-License-Identifier: Apache-2.0 */
/* op_rotary_embedding.c - RotaryEmbedding: tables of cosines and sines, and positions as input 3,
 * or tables that have a row for each place. Spec F6-85. */
#include <assert.h>

#include "base/error.h"
#include "graph/rotary.h"

static_assert(sizeof(struct heft_rotary) <= HEFT_CALL_STATE, "the state has room");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype i64[] = { HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	const int64_t n_turned = heft_call_int(c, "rotary_embedding_dim", 0);
	const struct heft_array *positions = &c->in[3];
	struct heft_rotary *r = (void *)c->state;

	*r = (struct heft_rotary){ .in_cos = 1, .in_sin = 2, .in_positions = 3 };
	HEFT_TRY(heft_rotary_shape(c, heft_call_int(c, "num_heads", 0), 0, r, err));
	r->is_interleaved = heft_call_int(c, "interleaved", 0) != 0;
	r->n_turned = n_turned == 0 ? r->size : (size_t)n_turned;
	if (heft_call_has(c, 3)) {
		HEFT_TRY(heft_call_check_dtype(c, 3, i64, err));
		if (positions->rank != 2 || positions->dims[0] != r->n_batch ||
		    positions->dims[1] != r->n_places)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "there is not one position for each place");
		r->positions = HEFT_POSITIONS_EACH;
	}
	HEFT_TRY(heft_rotary_tables(c, r, err));
	return heft_array_set(&c->out[0], r->dtype, c->in[0].rank, c->in[0].dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_rotary_run(c, (const void *)c->state);
}

const struct heft_op heft_op_rotary_embedding = {
	.name = "RotaryEmbedding",
	.domain = "",
	.since = 23,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_rotary_backward,
};
