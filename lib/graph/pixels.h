/* SPDX-License-Identifier: Apache-2.0 */
/* graph/pixels.h - images of F32 from planes to pixels and back, by a team. */
#ifndef GRAPH_PIXELS_H
#define GRAPH_PIXELS_H

#include "graph/op.h"

/* An image's channels lie as planes (NCHW) or behind the pixels (NHWC). */
struct heft_pixels {
	uint64_t n_images;
	uint64_t n_channels;
	uint64_t n_pixels;
};

/* Whether both layouts are the same bytes. */
static inline bool heft_pixels_lie_both(const struct heft_pixels *p)
{
	return p->n_channels <= 1 || p->n_pixels <= 1;
}

void heft_pixels_from_planes(const struct heft_call *c, const struct heft_pixels *p, const float *x,
                             float *y);
void heft_planes_from_pixels(const struct heft_call *c, const struct heft_pixels *p, const float *x,
                             float *y);

/* From planes, or from pixels (is_last), to pixels whose rows of `width` have zeros on both sides,
 * `before` and `after` floats: what heft_product_widen asks for. */
void heft_pixels_padded(const struct heft_call *c, const struct heft_pixels *p, uint64_t width,
                        uint64_t before, uint64_t after, bool is_last, const float *x, float *y);

#endif
