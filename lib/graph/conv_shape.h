/* SPDX-License-Identifier: Apache-2.0 */
/* graph/conv_shape.h - the sizes of a convolution, from its attributes and its inputs' shapes: of
 * every operator that slides a window of weights. */
#ifndef GRAPH_CONV_SHAPE_H
#define GRAPH_CONV_SHAPE_H

#include "graph/op.h"

/* Axes are depth, height, width; those that are not there have 1, and pad 0. */
struct heft_conv_shape {
	uint32_t n_axes;
	bool is_transposed;
	uint64_t n_images;
	uint64_t n_in; /* channels of all groups */
	uint64_t n_out;
	uint64_t n_groups;
	uint64_t in[3];
	uint64_t out[3];
	uint64_t kernel[3];
	uint64_t stride[3];
	uint64_t dilation[3];
	uint64_t pad[3]; /* in front */
};

/* Of image `x` and weights `w`. USAGE for shapes that do not go together, UNSUPPORTED for more than
 * three axes, and for sizes past 2^31 - 1. */
enum heft_status heft_conv_shape_read(const struct heft_call *c, const struct heft_array *x,
                                      const struct heft_array *w, bool is_transposed,
                                      struct heft_conv_shape *s, struct heft_error *err);
/* n values of an attribute, from `least` on; left alone where it is left out. */
enum heft_status heft_conv_shape_list(const struct heft_call *c, const char *name, uint32_t n,
                                      int64_t least, uint64_t *to, struct heft_error *err);
/* One value a channel of the output, or left out. */
enum heft_status heft_conv_shape_check_bias(const struct heft_call *c,
                                            const struct heft_conv_shape *s, uint32_t i,
                                            struct heft_error *err);
/* Output 0: NCHW. */
enum heft_status heft_conv_shape_set_out(struct heft_call *c, const struct heft_conv_shape *s,
                                         enum heft_dtype dtype, struct heft_error *err);

static inline uint64_t heft_conv_shape_volume(const uint64_t *axes)
{
	return axes[0] * axes[1] * axes[2];
}
/* Input channels and weights of one output: the terms of its chain. */
static inline uint64_t heft_conv_shape_n_terms(const struct heft_conv_shape *s)
{
	return heft_conv_shape_volume(s->kernel) * (s->n_in / s->n_groups);
}

/* The input position of tap k for output o on one axis: false if there is none (spec F2-5). */
static inline bool heft_conv_shape_tap(const struct heft_conv_shape *s, uint32_t axis, uint64_t o,
                                       uint64_t k, uint64_t *position)
{
	const uint64_t step = k * s->dilation[axis];
	uint64_t at = o;

	if (s->is_transposed) {
		at += s->pad[axis];
		if (at < step || (at - step) % s->stride[axis] != 0)
			return false;
		*position = (at - step) / s->stride[axis];
	} else {
		at = at * s->stride[axis] + step;
		if (at < s->pad[axis])
			return false;
		*position = at - s->pad[axis];
	}
	return *position < s->in[axis];
}

#endif
