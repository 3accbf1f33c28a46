/* SPDX-License-Identifier: Apache-2.0 */
/* op_cast.c - Cast: every element in the dtype `to`, a number of ONNX's, or before opset 6 its
 * name. */
#include <string.h>

#include "base/error.h"
#include "graph/cast_array.h"
#include "graph/cast_text.h"
#include "graph/gradient.h"
#include "onnx/model.h"

#define FIRST_OPSET_OF_NUMBERS 6
#define TYPE_STRING 8

static int64_t type_of_name(const char *name)
{
	/* in the order of ONNX's numbers */
	static const char *const names[] = { "UNDEFINED", "FLOAT",  "UINT8",     "INT8",
		                             "UINT16",    "INT16",  "INT32",     "INT64",
		                             "STRING",    "BOOL",   "FLOAT16",   "DOUBLE",
		                             "UINT32",    "UINT64", "COMPLEX64", "COMPLEX128" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], name) == 0)
			return (int64_t)i;
	}
	return 0;
}

static enum heft_status find_dtype(const struct heft_call *c, enum heft_dtype *dtype,
                                   struct heft_error *err)
{
	const int64_t to = c->opset < FIRST_OPSET_OF_NUMBERS
	                           ? type_of_name(heft_call_text(c, "to", ""))
	                           : heft_call_int(c, "to", 0);

	*dtype = to == TYPE_STRING ? HEFT_KIND_TEXTS
	         : to < 0          ? HEFT_DTYPE_NONE
	                           : heft_onnx_dtype((uint64_t)to);
	if (*dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'to' is %lld, which is no data type", (long long)to);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	enum heft_dtype dtype;

	HEFT_TRY(find_dtype(c, &dtype, err));
	return dtype == HEFT_KIND_TEXTS ? heft_cast_text_infer(c, err)
	                                : heft_cast_infer(c, dtype, err);
}

static enum heft_status run(struct heft_call *c, struct heft_memory *memory, struct heft_error *err)
{
	enum heft_dtype dtype;

	HEFT_TRY(find_dtype(c, &dtype, err));
	return heft_cast_text_run(c, dtype, memory, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	struct heft_emit e = { .type = "CastLike", .n_in = 2 };

	(void)c;
	e.in[0] = heft_gradient_of(g, 0);
	e.in[1] = heft_gradient_in(g, 0);
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_cast = {
	.name = "Cast",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_cast_forward,
	.backward = backward,
	.run = run,
};
