/* SPDX-License-Identifier: Apache-2.0 */
/* op_depth_to_space.c - DepthToSpace: channels become the pixels of blocks. */
#include <string.h>

#include "base/error.h"
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
};
