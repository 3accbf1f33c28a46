/* SPDX-License-Identifier: Apache-2.0 */
/* resize_taps.c - where an output lies in the input, and which inputs it is made of, and how
 * much. */
#include "graph/resize.h"

#include "graph/sampling.h"

/* spec F6-63. */
static double place(const struct heft_resize *r, const struct heft_resize_axis *a, uint64_t o)
{
	const double y = (double)o;
	const double last = (double)a->n_x - 1;
	const double half = (y + 0.5) / a->scale - 0.5;

	switch (r->place) {
	case HEFT_PLACE_HALF_PIXEL_SYMMETRIC:
		return (double)a->n_x / 2 * (1 - (double)a->n_y / a->length) + half;
	case HEFT_PLACE_PYTORCH_HALF_PIXEL:
		return a->length > 1 ? half : 0;
	case HEFT_PLACE_ALIGN_CORNERS:
		return a->length == 1 ? 0 : y * last / (a->length - 1);
	case HEFT_PLACE_TF_HALF_PIXEL:
		return (y + 0.5) / a->scale;
	case HEFT_PLACE_ASYMMETRIC:
		return y / a->scale;
	case HEFT_PLACE_CROP:
		if (a->length == 1)
			return 0.5 * (a->roi_start + a->roi_end) * last;
		return a->roi_start * last +
		       y * (a->roi_end - a->roi_start) * last / (a->length - 1);
	default:
		return half;
	}
}

static bool is_outside(const struct heft_resize *r, const struct heft_resize_axis *a, double x)
{
	return r->place == HEFT_PLACE_CROP && !(x >= 0 && x <= (double)a->n_x - 1);
}

/* An index, or the nearest one inside; of a NaN the first. */
static uint32_t within(const struct heft_resize_axis *a, double index)
{
	return !(index > 0)                 ? 0
	       : index < (double)a->n_x - 1 ? (uint32_t)index
	                                    : (uint32_t)(a->n_x - 1);
}

int64_t heft_resize_nearest(const struct heft_resize *r, const struct heft_resize_axis *a,
                            uint64_t o)
{
	const double x = place(r, a, o);
	const double low = heft_floor(x);
	const double part = x - low;
	bool is_up = part > 0;

	if (is_outside(r, a, x))
		return -1;
	switch (r->round) {
	case HEFT_ROUND_PREFER_FLOOR:
		is_up = part > 0.5;
		break;
	case HEFT_ROUND_PREFER_CEIL:
		is_up = part >= 0.5;
		break;
	case HEFT_ROUND_FLOOR:
		is_up = false;
		break;
	case HEFT_ROUND_SIMPLE:
		is_up = is_up && a->scale < 1;
		break;
	default:
		break;
	}
	return within(a, is_up ? low + 1 : low);
}

/* --- weights (spec F6-64) --- */

/* How far the taps reach, and by how much the input is stretched under them. */
static double stretch(const struct heft_resize *r, const struct heft_resize_axis *a)
{
	return r->antialiases && a->scale < 1 ? a->scale : 1;
}

uint32_t heft_resize_width(const struct heft_resize *r, const struct heft_resize_axis *a)
{
	const double reach = r->mode == HEFT_RESIZE_CUBIC ? 2 : 1;
	const double first = heft_floor(-reach / stretch(r, a)) + 1;

	return first > -0x1p30 ? (uint32_t)(2 - 2 * first) : 0;
}

static double weight_of(const struct heft_resize *r, double distance)
{
	const double d = distance < 0 ? -distance : distance;
	const double a = (double)r->cubic_a;

	if (r->mode != HEFT_RESIZE_CUBIC)
		return d < 1 ? 1 - d : 0;
	if (d <= 1)
		return ((a + 2) * d - (a + 3)) * d * d + 1;
	return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

uint32_t heft_resize_taps(const struct heft_resize *r, const struct heft_resize_axis *a, uint64_t o,
                          bool is_narrow, uint32_t width, struct heft_tap *taps)
{
	const double x = place(r, a, o);
	const double low = heft_floor(x) - (heft_floor(x) == x ? 1 : 0); /* the last below x */
	const double by = stretch(r, a);
	double sum = 0;
	uint32_t n = 0;

	if (is_outside(r, a, x))
		return HEFT_TAPS_OUTSIDE;
	for (uint32_t k = 0; k < width; k++) {
		const double step = (double)k + 1 - (double)width / 2;
		const double at = low + step;
		double weight = weight_of(r, (step - (x - low)) * by);

		if (r->excludes_outside && !(at >= 0 && at <= (double)a->n_x - 1))
			weight = 0;
		taps[k] = (struct heft_tap){ .at = within(a, at), .weight = weight };
		sum = sum + weight;
	}
	if (sum == 0 || (!r->excludes_outside && by == 1 && !r->antialiases))
		sum = 1;
	for (uint32_t k = 0; k < width; k++) {
		const double weight = taps[k].weight / sum;

		if (is_narrow ? (float)weight == 0 : weight == 0)
			continue;
		taps[n++] = (struct heft_tap){ .at = taps[k].at,
			                       .narrow = (float)weight,
			                       .weight = weight };
	}
	return n;
}
