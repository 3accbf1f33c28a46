/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/product.h - products over a contracted index, forward: matrix products, and convolutions
 * in one, two and three dimensions, dense, grouped, depthwise and transposed. Written from
 * spec/numerics.md, section 2.
 *
 *	struct heft_product p = { .n_images = 16, .in = { 1, 56, 56 }, ... };
 *
 *	heft_product_init(&p);
 *	for (size_t i = 0; i < p.n_pack_tasks; i++)
 *		heft_product_pack(&p, &weights, i, packed);	once a step
 *	for (size_t i = 0; i < p.n_tasks; i++)
 *		heft_product_run(&p, &data, i, scratch);	by any thread, in any order
 *
 * Pixels lie one behind the other, the channels of a pixel together (NHWC), and from a pixel to
 * the next it is `ld` floats, at least as many as there are channels: slices of channels need no
 * copy. A matrix is an image one pixel high, its rows the pixels. Only weights are packed.
 *
 * Every output element is the chain of spec F2-1, whoever computes it: all variants give the bits
 * of heft_product_reference for all finite operands, and which tasks ran where, and in which order,
 * changes nothing. The caller has checked all sizes: every size in bytes fits into size_t, and x is
 * as large as the shape says. Nothing here can fail, and nothing is allocated. */
#ifndef KERNEL_PRODUCT_H
#define KERNEL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Terms of one chain. */
#define HEFT_PRODUCT_PIECE 4096

/* What packed weights and scratch must be aligned to; y is written faster if it is, too. */
#define HEFT_PRODUCT_ALIGN 64

enum heft_activation {
	HEFT_ACTIVATION_NONE,
	HEFT_ACTIVATION_RELU, /* x < 0 ? +0 : x */
	HEFT_ACTIVATION_CLIP  /* x < low ? low : x, and of that, v: v > high ? high : v */
};

/* What follows the chain, each step rounded by itself: x alpha unless it is 1, + bias, + residual,
 * activation. A NaN stays a NaN. */
struct heft_product_end {
	float alpha;
	enum heft_activation activation;
	float low;
	float high;
};

/* Axes are depth, height, width; an axis that is not there has 1 in all fields, and pad 0. */
struct heft_product {
	/* Set by the caller. */
	size_t n_images;
	size_t in[3];
	size_t out[3];
	size_t kernel[3];
	size_t stride[3]; /* never 0 */
	size_t dilation[3];
	size_t pad[3]; /* in front of the input; how much is behind it follows from `out` */
	size_t n_groups;
	size_t n_in; /* channels of one group */
	size_t n_out;
	size_t x_ld; /* floats from pixel to pixel */
	size_t y_ld;
	size_t residual_ld;
	/* Output o gets tap k from input (o + pad - k dilation) / stride, where that is whole. */
	bool is_transposed;
	struct heft_product_end end;

	/* Told by heft_product_init. */
	size_t n_tasks;
	size_t n_pack_tasks;
	size_t packed_size;  /* in bytes */
	size_t scratch_size; /* in bytes, of each thread */

	/* For the kernels alone. */
	const struct heft_product_kernels *kernels;
	size_t n_pixels; /* of the output */
	size_t n_taps;   /* runs of input values that an output sums over, */
	size_t run;      /* each so long: n_taps x run is the number of terms */
	size_t n_terms;
	size_t n_vectors; /* of output channels, in a group */
	size_t n_panels;
	size_t n_slices; /* tasks that share a block of pixels, each with some of the panels */
	size_t n_blocks; /* of pixels; of a depthwise product, of rows */
	size_t block;    /* pixels, or rows, in one */
	size_t strip;    /* pixels whose pointers are made together; or channels, likewise */
	size_t n_phases; /* of a transposed product with strides; else 0 */
	bool is_depthwise;
	bool is_linear; /* output pixel m is made of input pixel m */
	bool is_joined; /* a row of the window is one run */
};

/* Where weight (group, tap, input channel, output channel) lies: w[group * group_ld + tap * tap_ld
 * + in * in_ld + out * out_ld]; taps count in row-major order. B[K, N]: in_ld is N and out_ld 1, of
 * its transpose in_ld is 1 and out_ld K; ONNX's weights of a convolution: tap_ld 1, in_ld n_taps,
 * out_ld n_in * n_taps, group_ld n_out * out_ld. */
struct heft_product_weights {
	const float *w;
	size_t group_ld;
	size_t tap_ld;
	size_t in_ld;
	size_t out_ld;
};

struct heft_product_data {
	const float *x;
	const float *packed;
	const float *bias;     /* of all groups, or NULL */
	const float *residual; /* a pixel is residual_ld floats, or NULL; it may be y */
	float *y;              /* apart from x */
};

/* Sets the caller's fields for C[m, n] = A[m, k] x B[k, n]: x is A, y is C. */
void heft_product_matrix(struct heft_product *p, size_t m, size_t k, size_t n);

/* Tells the rest, for this CPU, or for these CPU bits: for tests. */
void heft_product_init(struct heft_product *p);
void heft_product_init_by(uint32_t cpu_bits, struct heft_product *p);

/* A window over few channels is faster on a copy of the input whose rows have zeros on both sides:
 * then a row of the window is one run. Whether it is worth it; if so, *wide becomes the product
 * over the copy, without what heft_product_init tells. Each of the copy's n_images x depth x height
 * rows has *before zeros, the pixels of x with nothing between them, and *after zeros:
 * heft_pad_rows makes it. The bits are the same. */
bool heft_product_widen(const struct heft_product *p, struct heft_product *wide, size_t *before,
                        size_t *after);

/* Task i of n_pack_tasks, each with bytes of its own. */
void heft_product_pack(const struct heft_product *p, const struct heft_product_weights *w, size_t i,
                       float *packed);

/* Task i of n_tasks. What is in `scratch` before and behind it means nothing. */
void heft_product_run(const struct heft_product *p, const struct heft_product_data *d, size_t i,
                      void *scratch);

/* The definition, element by element: weights as they are, data->packed not looked at. */
void heft_product_reference(const struct heft_product *p, const struct heft_product_weights *w,
                            const struct heft_product_data *d);

#endif
