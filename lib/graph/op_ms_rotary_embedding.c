/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_rotary_embedding.c - com.microsoft.RotaryEmbedding: positions are input 1, for each place
 * or only that of the first. Spec F6-85. */
#include <assert.h>

#include "base/error.h"
#include "graph/rotary.h"

static_assert(sizeof(struct heft_rotary) <= HEFT_CALL_STATE, "the state has room");

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype i64[] = { HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	const int64_t n_turned = heft_call_int(c, "rotary_embedding_dim", 0);
	const struct heft_array *positions = &c->in[1];
	struct heft_rotary *r = (void *)c->state;

	*r = (struct heft_rotary){ .in_cos = 2, .in_sin = 3, .in_positions = 1 };
	HEFT_TRY(heft_call_check_dtype(c, 1, i64, err));
	if (heft_call_int(c, "is_packed_batching", 0) != 0 || heft_call_float(c, "scale", 1) != 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "packed samples, or scaled ones, are not computed");
	if (c->in[2].rank != 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the table of cosines has %u dimensions", c->in[2].rank);
	HEFT_TRY(heft_rotary_shape(c, heft_call_int(c, "num_heads", 0), 2 * c->in[2].dims[1], r,
	                           err));
	r->is_interleaved = heft_call_int(c, "interleaved", 0) != 0;
	r->n_turned = n_turned == 0 ? r->size : (size_t)n_turned;
	if (positions->n_elements == 1 && positions->rank < 2)
		r->positions = HEFT_POSITIONS_FIRST;
	else if (positions->rank == 2 && positions->dims[0] == r->n_batch &&
	         positions->dims[1] == r->n_places)
		r->positions = HEFT_POSITIONS_EACH;
	else
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is neither one position nor one for each place");
	HEFT_TRY(heft_rotary_tables(c, r, err));
	return heft_array_set(&c->out[0], r->dtype, c->in[0].rank, c->in[0].dims, err);
}

static void forward(const struct heft_call *c)
{
	heft_rotary_run(c, (const void *)c->state);
}

const struct heft_op heft_op_ms_rotary_embedding = {
	.name = "RotaryEmbedding",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 4,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_rotary_backward,
};
