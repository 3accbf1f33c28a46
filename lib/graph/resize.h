/* SPDX-License-Identifier: Apache-2.0 */
/* graph/resize.h - arrays interpolated along their axes: Resize and Upsample. Written from
 * spec/numerics.md, F6-63 to F6-66. */
#ifndef GRAPH_RESIZE_H
#define GRAPH_RESIZE_H

#include "graph/maps.h"

enum heft_resize_mode {
	HEFT_RESIZE_NEAREST,
	HEFT_RESIZE_LINEAR,
	HEFT_RESIZE_CUBIC
};

enum heft_resize_place {
	HEFT_PLACE_HALF_PIXEL,
	HEFT_PLACE_HALF_PIXEL_SYMMETRIC,
	HEFT_PLACE_PYTORCH_HALF_PIXEL,
	HEFT_PLACE_ALIGN_CORNERS,
	HEFT_PLACE_ASYMMETRIC,
	HEFT_PLACE_CROP,         /* tf_crop_and_resize */
	HEFT_PLACE_TF_HALF_PIXEL /* of opset 11 */
};

enum heft_resize_round {
	HEFT_ROUND_PREFER_FLOOR,
	HEFT_ROUND_PREFER_CEIL,
	HEFT_ROUND_FLOOR,
	HEFT_ROUND_CEIL,
	HEFT_ROUND_SIMPLE /* of opset 10: up where it becomes smaller, else down */
};

struct heft_resize_axis {
	uint64_t n_x;
	uint64_t n_y;
	double scale;
	double length; /* of the output, before it was made an integer */
	double roi_start;
	double roi_end;
};

/* One axis, seen in memory: n_outer rows of n_x, and then n_y, times n_inner. */
struct heft_resize_pass {
	uint32_t dim;
	uint32_t width; /* the most taps of an output */
	uint64_t n_outer;
	uint64_t n_inner;
	uint64_t taps_at; /* in the scratch */
	uint64_t counts_at;
};

struct heft_resize {
	enum heft_resize_mode mode;
	enum heft_resize_place place;
	enum heft_resize_round round;
	bool excludes_outside;
	bool antialiases;
	float cubic_a;
	float extrapolation;
	uint32_t n_passes;
	uint64_t element;
	struct heft_resize_axis axes[HEFT_GRAPH_MAX_RANK];
	union {
		struct heft_maps maps; /* nearest */
		struct {
			struct heft_resize_pass passes[HEFT_GRAPH_MAX_RANK];
			uint64_t buffers_at[2];
			uint64_t wide_x_at; /* integers, as F64 */
			uint64_t wide_y_at;
		};
	};
};
_Static_assert(sizeof(struct heft_resize) <= HEFT_CALL_STATE, "state holds it");

struct heft_tap {
	uint32_t at;
	float narrow; /* the weight, for F32 */
	double weight;
};

#define HEFT_TAPS_OUTSIDE UINT32_MAX

/* Once all but passes and maps is set: the output, and the work. */
enum heft_status heft_resize_plan(struct heft_call *c, struct heft_resize *r,
                                  struct heft_error *err);
void heft_resize_forward(const struct heft_call *c);

/* Whether each output of an axis is the input at its place. */
bool heft_resize_keeps(const struct heft_resize *r, const struct heft_resize_axis *a);
/* Room for n elements of that size in the scratch, *at from its beginning; false: too much. */
bool heft_resize_scratch(struct heft_call *c, uint64_t n, uint64_t size, uint64_t *at);

/* The taps of output `o` of an axis, and how many there are, at most `width` of it. */
uint32_t heft_resize_taps(const struct heft_resize *r, const struct heft_resize_axis *a, uint64_t o,
                          bool is_narrow, uint32_t width, struct heft_tap *taps);
/* The most taps of an output; 0: too many. */
uint32_t heft_resize_width(const struct heft_resize *r, const struct heft_resize_axis *a);
/* The input that is nearest; -1: outside. */
int64_t heft_resize_nearest(const struct heft_resize *r, const struct heft_resize_axis *a,
                            uint64_t o);

/* Every axis as the input has it; and then some of them by scales. */
void heft_resize_init(const struct heft_call *c, struct heft_resize *r);
enum heft_status heft_resize_by_scales(struct heft_resize *r, const float *scales, uint32_t n,
                                       const uint32_t *axes, uint32_t n_axes,
                                       struct heft_error *err);

/* backward of both: op_heft_resize_gradient.c. */
void heft_resize_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
