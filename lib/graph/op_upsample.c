/* SPDX-License-Identifier: Apache-2.0 */
/* op_upsample.c - Upsample: what Resize was called before opset 10 (resize.c). */
#include <string.h>

#include "base/error.h"
#include "graph/resize.h"

static enum heft_status read_scales(const struct heft_call *c, float *scales, uint32_t *n,
                                    struct heft_error *err)
{
	const uint32_t rank = c->in[0].rank;
	const float *floats = NULL;

	if (c->opset < 7) {
		for (uint32_t d = 0; d < rank; d++)
			scales[d] = 1;
		if (rank != 4)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the input is no image");
		scales[2] = heft_call_float(c, "height_scale", 0.0f);
		scales[3] = heft_call_float(c, "width_scale", 0.0f);
		*n = rank;
		return HEFT_OK;
	}
	if (c->opset < 9) {
		floats = heft_call_floats(c, "scales", n);
	} else if (heft_call_has(c, 1) && c->in[1].dtype == HEFT_DTYPE_F32) {
		floats = c->in[1].bytes;
		*n = c->in[1].n_elements > HEFT_GRAPH_MAX_RANK ? UINT32_MAX
		                                               : (uint32_t)c->in[1].n_elements;
	}
	if (!floats || *n != rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "scales are not as many as dimensions, or not known");
	memcpy(scales, floats, rank * sizeof *scales);
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_resize *r = (struct heft_resize *)(void *)c->state;
	const char *mode = heft_call_text(c, "mode", "nearest");
	const bool is_linear = strcmp(mode, c->opset < 7 ? "bilinear" : "linear") == 0;
	float scales[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t n;

	if (!is_linear && strcmp(mode, "nearest") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "mode '%s' does not exist",
		                 mode);
	r->mode = is_linear ? HEFT_RESIZE_LINEAR : HEFT_RESIZE_NEAREST;
	r->place = HEFT_PLACE_ASYMMETRIC;
	r->round = HEFT_ROUND_FLOOR;
	r->excludes_outside = false;
	r->antialiases = false;
	r->extrapolation = 0;
	heft_resize_init(c, r);
	HEFT_TRY(read_scales(c, scales, &n, err));
	for (uint32_t d = 0; d < n; d++) {
		axes[d] = d;
		if (!(scales[d] >= 1))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "scale %g of dimension %u is below 1", (double)scales[d],
			                 d);
	}
	HEFT_TRY(heft_resize_by_scales(r, scales, n, axes, n, err));
	return heft_resize_plan(c, r, err);
}

static void forward(const struct heft_call *c)
{
	heft_resize_forward(c);
}

const struct heft_op heft_op_upsample = {
	.name = "Upsample",
	.domain = "",
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_resize_backward,
};
