/* SPDX-License-Identifier: Apache-2.0 */
/* op_depth_to_space.c - DepthToSpace: channels become the pixels of blocks. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"

static enum heft_status check(const struct heft_call *c, int64_t block, bool is_crd,
                              struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];

	if (!is_crd && strcmp(heft_call_text(c, "mode", "DCR"), "DCR") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "mode is neither DCR nor CRD");
	if (x->rank != 4 || block < 1 || block > INT32_MAX ||
	    x->dims[1] % (uint64_t)(block * block) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input is no image with channels for blocks of %lld",
		                 (long long)block);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct heft_move *m = (struct heft_move *)(void *)c->state;
	const int64_t block = heft_call_int(c, "blocksize", 0);
	const uint64_t b = (uint64_t)block;
	const bool is_crd = strcmp(heft_call_text(c, "mode", "DCR"), "CRD") == 0;
	uint64_t dims[4];
	int64_t xs[HEFT_GRAPH_MAX_RANK];
	int64_t ys[HEFT_GRAPH_MAX_RANK];
	uint64_t size;
	int64_t within; /* channels from one column of a block to the next */

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	HEFT_TRY(check(c, block, is_crd, err));
	dims[0] = x->dims[0];
	dims[1] = x->dims[1] / b / b;
	dims[2] = x->dims[2] * b;
	dims[3] = x->dims[3] * b;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, 4, dims, err));
	heft_move_init(m, size);
	m->is_empty = c->out[0].n_elements == 0;
	if (m->is_empty)
		return HEFT_OK;
	heft_steps(c, x, true, xs);
	heft_steps(c, &c->out[0], true, ys);
	within = is_crd ? 1 : (int64_t)dims[1];
	heft_move_add(m, dims[0], xs[0], ys[0]);
	heft_move_add(m, dims[1], is_crd ? block * block * xs[1] : xs[1], ys[1]);
	heft_move_add(m, x->dims[2], xs[2], block * ys[2]);
	heft_move_add(m, b, within * block * xs[1], ys[2]);
	heft_move_add(m, x->dims[3], xs[3], block * ys[3]);
	heft_move_add(m, b, within * xs[1], ys[3]);
	heft_move_ready(m);
	return HEFT_OK;
}

static void forward(const struct heft_call *c)
{
	heft_move_run(c, (const struct heft_move *)(const void *)c->state, c->in[0].bytes,
	              c->out[0].bytes);
}

/* SpaceToDepth leaves channels of a block in front of others, as DCR has them; CRD: behind. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	static const int64_t perm[5] = { 0, 2, 1, 3, 4 };
	const struct heft_array *x = &c->in[0];
	const int64_t block = heft_call_int(c, "blocksize", 0);
	const uint64_t n = (uint64_t)(block * block);
	const uint64_t dims[5] = { x->dims[0], n, x->dims[1] / n, x->dims[2], x->dims[3] };
	const struct heft_emit e = {
		.type = "SpaceToDepth",
		.n_in = 1,
		.in = { heft_gradient_of(g, 0) },
		.n_attrs = 1,
		.attrs = { heft_attr_int("blocksize", block) },
	};
	uint32_t dx = heft_emit(g, &e);

	if (strcmp(heft_call_text(c, "mode", "DCR"), "CRD") == 0) {
		const struct heft_emit turn = {
			.type = "Transpose",
			.n_in = 1,
			.in = { heft_emit_reshaped(g, dx, 5, dims) },
			.n_attrs = 1,
			.attrs = { heft_attr_ints("perm", perm, 5) },
		};

		dx = heft_emit_reshaped(g, heft_emit(g, &turn), 4, x->dims);
	}
	heft_give(g, 0, dx);
}

const struct heft_op heft_op_depth_to_space = {
	.name = "DepthToSpace",
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
