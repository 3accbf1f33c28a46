/* SPDX-License-Identifier: Apache-2.0 */
/* op_instance_normalization.c - InstanceNormalization: each channel of each image by its own mean
 * and variance (spec F3-6). */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/normal.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_normal_plan *p = (struct heft_normal_plan *)c->state;
	struct heft_normal *m = &p->normal;
	uint64_t dims[3];

	HEFT_TRY(heft_normal_set(p, c, err));
	HEFT_TRY(heft_normal_check_list(c, 1, m->n_channels, err));
	HEFT_TRY(heft_normal_check_list(c, 2, m->n_channels, err));
	m->n_stats = m->n_channels;
	dims[0] = m->n_images * (m->is_last ? 1 : m->n_channels);
	dims[1] = m->n_pixels;
	dims[2] = m->is_last ? m->n_channels : 1;
	if (c->in[0].n_elements > 0)
		c->scratch_size = heft_normal_set_mean(p, dims, false);
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], m->dtype, c->in[0].rank, c->in[0].dims, err);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	heft_channels_backward(c, g, c->in[0].dims[1]);
}

const struct heft_op heft_op_instance_normalization = {
	.name = "InstanceNormalization",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = heft_normal_forward,
	.backward = backward,
};
