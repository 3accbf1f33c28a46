/* SPDX-License-Identifier: Apache-2.0 */
/* op_group_normalization.c - GroupNormalization: groups of channels of each image by their mean and
 * variance (spec F3-6). Before opset 21 there is one scale and one shift a group, then one a
 * channel. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/normal.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_normal_plan *p = (struct heft_normal_plan *)c->state;
	const int64_t n_given = heft_call_int(c, "num_groups", 0);
	const uint64_t n_groups = (uint64_t)n_given;
	struct heft_normal *m = &p->normal;
	uint64_t dims[3] = { 1, 1, 1 };
	uint64_t n_scales;

	HEFT_TRY(heft_normal_set(p, c, err));
	if (n_given <= 0 || m->n_channels % n_groups != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu channels are not %lld equal groups",
		                 (unsigned long long)m->n_channels, (long long)n_given);
	n_scales = c->opset < 21 ? n_groups : m->n_channels;
	HEFT_TRY(heft_normal_check_list(c, 1, n_scales, err));
	HEFT_TRY(heft_normal_check_list(c, 2, n_scales, err));
	HEFT_TRY(heft_array_set(&c->out[0], m->dtype, c->in[0].rank, c->in[0].dims, err));
	if (c->out[0].n_elements == 0)
		return HEFT_OK;
	m->n_stats = n_groups;
	m->n_together = m->n_channels / n_groups;
	m->n_scaled = c->opset < 21 ? m->n_together : 1;
	dims[0] = m->n_images * n_groups;
	dims[1] = m->n_together * m->n_pixels;
	c->scratch_size = heft_normal_set_mean(p, dims, false);
	c->may_overwrite = 1;
	return HEFT_OK;
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_channels_backward(c, g, (uint64_t)heft_call_int(c, "num_groups", 1));
}

const struct heft_op heft_op_group_normalization = {
	.name = "GroupNormalization",
	.domain = "",
	.since = 18,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_normal_forward,
	.backward = backward,
};
