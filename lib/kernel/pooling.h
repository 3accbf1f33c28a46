/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/pooling.h - windows of MaxPool and AveragePool in one, two and three dimensions, NHWC
 * and NCHW. Written from spec/numerics.md, F3-4; pooling of whole maps is kernel/sum.h's.
 *
 * Axes are depth, height, width; one that is not there has 1 in all fields, and pads 0. `out` is
 * the caller's, who knows how it is rounded. Every variant gives equal bits (any NaN equals any
 * NaN). A line is one row of the output's width: of an image and all its channels (NHWC), or of
 * a plane (NCHW). Lines are independent: work is cut by them. */
#ifndef KERNEL_POOLING_H
#define KERNEL_POOLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heft_pooling {
	size_t in[3];
	size_t out[3];
	size_t kernel[3];
	size_t stride[3];
	size_t dilation[3];
	size_t pad[3];     /* in front */
	size_t pad_end[3]; /* behind: taps past it do not count, even if counts_padding */
	bool is_average;
	bool counts_padding; /* AveragePool divides by the taps in the padding as well */
	size_t n_channels;   /* NHWC alone, as the next two: floats from pixel to pixel */
	size_t x_ld;
	size_t y_ld;
};

/* Lines first to first + n - 1 of (image, depth, height). */
void heft_pooling_nhwc_f32_by(uint32_t cpu_bits, const struct heft_pooling *p, float *y,
                              const float *x, size_t first, size_t n);
/* Lines of (plane, depth, height), a plane being a channel of an image. */
void heft_pooling_nchw_f32(const struct heft_pooling *p, float *y, const float *x, size_t first,
                           size_t n);
/* MaxPool of NCHW that also tells where: the element's number in x, or -1 of a window with no
 * tap. */
void heft_pooling_nchw_places_f32(const struct heft_pooling *p, float *y, int64_t *places,
                                  const float *x, size_t first, size_t n);

#endif
