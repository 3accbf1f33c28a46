/* SPDX-License-Identifier: Apache-2.0 */
/* op_sequence_empty.c - SequenceEmpty: a sequence of no items. */
#include "base/error.h"
#include "graph/kinds.h"
#include "onnx/model.h"

#define STRING_TYPE 8

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	const int64_t type = heft_call_int(c, "dtype", 1);
	enum heft_dtype dtype = HEFT_DTYPE_NONE;
	struct heft_sequence *s;

	if (type == STRING_TYPE)
		dtype = HEFT_KIND_TEXTS;
	else if (type > 0)
		dtype = (enum heft_dtype)heft_onnx_dtype((uint64_t)type);
	if (dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "items of ONNX's type %lld are not computed", (long long)type);
	return heft_sequence_new(0, dtype, memory, &c->out[0], &s, err);
}

const struct heft_op heft_op_sequence_empty = {
	.name = "SequenceEmpty",
	.domain = "",
	.since = 11,
	.min_in = 0,
	.max_in = 0,
	.min_out = 1,
	.max_out = 1,
	.run = run,
};
