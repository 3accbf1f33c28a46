/* SPDX-License-Identifier: Apache-2.0 */
/* op_where.c - Where: elements of input 1 where input 0 is true, else of input 2; of any dtype. */
#include "base/error.h"
#include "graph/elementwise_loops.h"

struct wide {
	uint64_t parts[2];
};

#define RUN(name, type)                                                                     \
	static void name(const struct heft_elements *e)                                     \
	{                                                                                   \
		const uint8_t *which = e->x[0];                                             \
		const type *a = e->x[1];                                                    \
		const type *b = e->x[2];                                                    \
                                                                                            \
		for (size_t i = 0; i < e->n; i++)                                           \
			((type *)e->y)[i] = which[i * e->step[0]] != 0 ? a[i * e->step[1]]  \
			                                               : b[i * e->step[2]]; \
	}

RUN(run_8, uint8_t)
RUN(run_16, uint16_t)
RUN(run_64, uint64_t)
RUN(run_128, struct wide)

static void run_32(const struct heft_elements *e)
{
	heft_where_32_by(e->cpu_bits, e->y, e->x[0], e->step[0], e->x[1], e->step[1], e->x[2],
	                 e->step[2], e->n);
}

/* By an element's bytes. */
static const struct heft_loop *loop_of(size_t size)
{
	static const struct heft_loop loops[] = {
		{ HEFT_DTYPE_BOOL, run_8, 1 },    { HEFT_DTYPE_BOOL, run_16, 2 },
		{ HEFT_DTYPE_BOOL, run_32, 4 },   { HEFT_DTYPE_BOOL, run_64, 8 },
		{ HEFT_DTYPE_BOOL, run_128, 16 },
	};

	for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
		if (loops[i].which == size)
			return &loops[i];
	}
	return NULL;
}

static const struct heft_loop *loop_of_dtype(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && info->n_elements == 1 ? loop_of(info->n_bytes) : NULL;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const enum heft_dtype dtype = c->in[1].dtype;
	static const struct heft_loop conditions[] = {
		{ HEFT_DTYPE_BOOL, NULL, 0 },
		{ HEFT_DTYPE_NONE, NULL, 0 },
	};

	if (c->in[0].dtype != HEFT_DTYPE_BOOL)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input 0 is %s and not BOOL",
		                 heft_dtype_name(c->in[0].dtype));
	if (c->in[2].dtype != dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 2 is %s, and input 1 is %s",
		                 heft_dtype_name(c->in[2].dtype), heft_dtype_name(dtype));
	if (!loop_of_dtype(dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "Where of %s is not computed", heft_dtype_name(dtype));
	HEFT_TRY(heft_elementwise_infer(c, conditions, 3, dtype, err));
	for (uint32_t i = 1; i < 3; i++) {
		if (heft_array_same_shape(&c->in[i], &c->out[0]))
			c->may_overwrite = i + 1;
	}
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *const in[3] = { &c->in[0], &c->in[1], &c->in[2] };

	heft_elementwise(c, loop_of_dtype(c->in[1].dtype), &c->out[0], in, 3);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t which = heft_gradient_in(g, 0);
	const uint32_t zero = heft_emit_number(g, c->out[0].dtype, 0);

	if (heft_gradient_wants(g, 1))
		heft_give(g, 1, heft_emit_3(g, "Where", which, dy, zero));
	if (heft_gradient_wants(g, 2))
		heft_give(g, 2, heft_emit_3(g, "Where", which, zero, dy));
}

const struct heft_op heft_op_where = {
	.name = "Where",
	.domain = "",
	.since = 9,
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_MOVES,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
