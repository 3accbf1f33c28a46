/* SPDX-License-Identifier: Apache-2.0 */
/* op_resize.c - Resize: interpolation to another size (resize.c). */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/resize.h"

/* The number of the name that an attribute has; USAGE where it is none of them. */
static enum heft_status pick(const struct heft_call *c, const char *attr, const char *absent,
                             const char *const *names, uint32_t *picked, struct heft_error *err)
{
	const char *name = heft_call_text(c, attr, absent);

	for (uint32_t i = 0; names[i]; i++) {
		if (strcmp(names[i], name) == 0) {
			*picked = i;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s '%s' does not exist", attr, name);
}

static enum heft_status read_modes(const struct heft_call *c, struct heft_resize *r,
                                   struct heft_error *err)
{
	static const char *const modes[] = { "nearest", "linear", "cubic", NULL };
	static const char *const places[] = { "half_pixel",           "half_pixel_symmetric",
		                              "pytorch_half_pixel",   "align_corners",
		                              "asymmetric",           "tf_crop_and_resize",
		                              "tf_half_pixel_for_nn", NULL };
	static const char *const rounds[] = { "round_prefer_floor", "round_prefer_ceil", "floor",
		                              "ceil", NULL };
	uint32_t mode = 0;
	uint32_t place = HEFT_PLACE_ASYMMETRIC;
	uint32_t round = HEFT_ROUND_SIMPLE;

	HEFT_TRY(pick(c, "mode", "nearest", modes, &mode, err));
	if (c->opset >= 11) {
		HEFT_TRY(pick(c, "coordinate_transformation_mode", "half_pixel", places, &place,
		              err));
		HEFT_TRY(pick(c, "nearest_mode", "round_prefer_floor", rounds, &round, err));
	}
	r->mode = (enum heft_resize_mode)mode;
	r->place = (enum heft_resize_place)place;
	r->round = (enum heft_resize_round)round;
	r->excludes_outside = heft_call_int(c, "exclude_outside", 0) != 0;
	r->antialiases = heft_call_int(c, "antialias", 0) != 0;
	r->cubic_a = heft_call_float(c, "cubic_coeff_a", -0.75f);
	r->extrapolation = heft_call_float(c, "extrapolation_value", 0.0f);
	return HEFT_OK;
}

/* By one scale for all of them, if the ratio of sizes is to stay. */
static enum heft_status by_sizes(const struct heft_call *c, struct heft_resize *r,
                                 const uint32_t *axes, uint32_t n_axes, struct heft_error *err)
{
	static const char *const policies[] = { "stretch", "not_larger", "not_smaller", NULL };
	int64_t sizes[HEFT_GRAPH_MAX_RANK];
	double scale = 0;
	uint32_t policy;
	uint32_t n;

	HEFT_TRY(pick(c, "keep_aspect_ratio_policy", "stretch", policies, &policy, err));
	HEFT_TRY(heft_call_known_ints(c, 3, sizes, HEFT_GRAPH_MAX_RANK, &n, err));
	if (n != n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u sizes are given for %u dimensions", n, n_axes);
	for (uint32_t k = 0; k < n; k++) {
		struct heft_resize_axis *a = &r->axes[axes[k]];

		if (sizes[k] < 0 || sizes[k] > INT64_C(1) << 62 || (a->n_x == 0 && sizes[k] > 0))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)sizes[k]);
		a->n_y = (uint64_t)sizes[k];
		a->length = (double)a->n_y;
		a->scale = a->n_x == 0 ? 1 : (double)a->n_y / (double)a->n_x;
		if (k == 0 || (policy == 1 ? a->scale < scale : a->scale > scale))
			scale = a->scale;
	}
	for (uint32_t k = 0; k < n && policy > 0; k++) {
		struct heft_resize_axis *a = &r->axes[axes[k]];

		a->scale = scale;
		a->length = scale * (double)a->n_x;
		if (!(a->length < 0x1p62))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u becomes too large", axes[k]);
		a->n_y = (uint64_t)(a->length + 0.5);
	}
	return HEFT_OK;
}

static enum heft_status read_floats(const struct heft_call *c, uint32_t i, uint32_t room,
                                    float *values, uint32_t *n, struct heft_error *err)
{
	const struct heft_array *a = &c->in[i];

	if ((a->dtype != HEFT_DTYPE_F32 && a->dtype != HEFT_DTYPE_F64) || a->n_elements > room)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u is not at most %u numbers", i, room);
	if (!a->bytes && a->n_elements > 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input %u is not known",
		                 i);
	*n = (uint32_t)a->n_elements;
	if (a->n_elements > 0)
		heft_cast_elements(HEFT_DTYPE_F32, values, a->dtype, a->bytes, a->n_elements, NULL);
	return HEFT_OK;
}

static enum heft_status read_roi(const struct heft_call *c, struct heft_resize *r,
                                 const uint32_t *axes, uint32_t n_axes, struct heft_error *err)
{
	float roi[2 * HEFT_GRAPH_MAX_RANK];
	uint32_t n = 0;

	if (r->place != HEFT_PLACE_CROP)
		return HEFT_OK;
	if (heft_call_has(c, 1))
		HEFT_TRY(read_floats(c, 1, 2 * HEFT_GRAPH_MAX_RANK, roi, &n, err));
	if (n != 2 * n_axes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "roi has %u numbers for %u dimensions", n, n_axes);
	for (uint32_t k = 0; k < n_axes; k++) {
		r->axes[axes[k]].roi_start = (double)roi[k];
		r->axes[axes[k]].roi_end = (double)roi[n_axes + k];
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct heft_resize *r = (struct heft_resize *)(void *)c->state;
	const uint32_t scales_in = c->opset < 11 ? 1 : 2;
	float scales[HEFT_GRAPH_MAX_RANK];
	uint32_t axes[HEFT_GRAPH_MAX_RANK];
	uint32_t n_axes = 0;
	uint32_t n = 0;
	bool has_axes = false;

	HEFT_TRY(read_modes(c, r, err));
	heft_resize_init(c, r);
	if (c->opset >= 18)
		HEFT_TRY(heft_call_axes(c, 0, UINT32_MAX, c->in[0].rank, axes, &n_axes, &has_axes,
		                        err));
	for (uint32_t d = 0; d < c->in[0].rank && !has_axes; d++)
		axes[n_axes++] = d;
	if (heft_call_has(c, scales_in))
		HEFT_TRY(read_floats(c, scales_in, HEFT_GRAPH_MAX_RANK, scales, &n, err));
	if (n == 0 && scales_in == 2 && heft_call_has(c, 3))
		HEFT_TRY(by_sizes(c, r, axes, n_axes, err));
	else
		HEFT_TRY(heft_resize_by_scales(r, scales, n, axes, n_axes, err));
	if (c->opset >= 11)
		HEFT_TRY(read_roi(c, r, axes, n_axes, err));
	return heft_resize_plan(c, r, err);
}

static void forward(const struct heft_call *c)
{
	heft_resize_forward(c);
}

const struct heft_op heft_op_resize = {
	.name = "Resize",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 1,
	.max_in = 4,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 2 | 1 << 3,
	.infer = infer,
	.forward = forward,
	.backward = heft_resize_backward,
};
