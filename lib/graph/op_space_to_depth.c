/* SPDX-License-Identifier: Apache-2.0 */
/* op_space_to_depth.c - SpaceToDepth: the pixels of blocks become channels. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	const int64_t block = heft_call_int(c, "blocksize", 0);
	const uint64_t b = (uint64_t)block;
	uint64_t dims[4];
	int64_t xs[HEFT_GRAPH_MAX_RANK];
	int64_t ys[HEFT_GRAPH_MAX_RANK];
	uint64_t size;
	int64_t n_channels;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	if (x->rank != 4 || block < 1 || x->dims[2] % b != 0 || x->dims[3] % b != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input is no image of blocks of %lld", (long long)block);
	dims[0] = x->dims[0];
	dims[1] = x->dims[1] * b * b;
	dims[2] = x->dims[2] / b;
	dims[3] = x->dims[3] / b;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, 4, dims, err));
	heft_move_init(m, size);
	m->is_empty = x->n_elements == 0;
	if (m->is_empty)
		return HEFT_OK;
	heft_steps(c, x, true, xs);
	heft_steps(c, &c->out[0], true, ys);
	n_channels = (int64_t)x->dims[1];
	heft_move_add(m, dims[0], xs[0], ys[0]);
	heft_move_add(m, b, xs[2], block * n_channels * ys[1]);
	heft_move_add(m, b, xs[3], n_channels * ys[1]);
	heft_move_add(m, x->dims[1], xs[1], ys[1]);
	heft_move_add(m, dims[2], block * xs[2], ys[2]);
	heft_move_add(m, dims[3], block * xs[3], ys[3]);
	heft_move_ready(m);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	heft_move_run(c, (const struct heft_move *)(const void *)c->state, c->in[0].bytes,
	              c->out[0].bytes);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "DepthToSpace",
		.n_in = 1,
		.in = { heft_gradient_of(g, 0) },
		.same = &c->attrs,
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_space_to_depth = {
	.name = "SpaceToDepth",
	.domain = "",
	.flags = HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
