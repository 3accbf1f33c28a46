/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/weight_gradient.h - gradients of the weights and of the bias of a product: of matrices,
 * and of convolutions in one to three dimensions, dense, grouped and depthwise. Written from
 * spec/numerics.md, section 7.
 *
 *	struct heft_weight_gradient g = { .p = { .n_images = 16, ... }, .n_threads = 2 };
 *
 *	heft_weight_gradient_init(&g);
 *	for (size_t i = 0; i < g.n_tasks; i++)
 *		heft_weight_gradient_run(&g, &data, i, scratch);	by any thread, in any order
 *	for (size_t i = 0; i < g.n_join_tasks; i++)
 *		heft_weight_gradient_join(&g, &data, i, scratch);	likewise, afterwards
 *
 * The product is described as it ran forward: x is its input, dy the gradient of its output, both
 * as pixels (NHWC). The terms of a weight's gradient are the output's pixels, numbered row-major,
 * and those of a bias likewise, with 1 in the place of x: spec F2-1 says how they meet. All
 * variants give the bits of heft_weight_gradient_reference for all finite operands, whatever
 * n_threads is. A window needs no widened input. The caller has checked all sizes; nothing here can
 * fail, and nothing is allocated. */
#ifndef KERNEL_WEIGHT_GRADIENT_H
#define KERNEL_WEIGHT_GRADIENT_H

#include "kernel/product.h"

struct heft_weight_gradient {
	/* Set by the caller. */
	struct heft_product
		p;        /* but for `end` and residual_ld; not transposed. n_in 0: a bias alone */
	size_t n_threads; /* that will share the tasks: how many these are, and no more */

	/* Told by heft_weight_gradient_init. */
	size_t n_tasks;
	size_t n_join_tasks; /* 0 where the tasks leave nothing over */
	size_t sums_size;    /* in bytes, of data->sums */
	size_t scratch_size; /* in bytes, of each thread */

	/* For the kernels alone. */
	const struct heft_weight_gradient_kernels *kernels;
	bool is_swapped; /* lanes are input channels, rows output channels, not the other way */
	bool is_thin;    /* a window's taps count as channels of one tap */
	size_t n_taps;
	size_t n_rows;    /* of one tap and group */
	size_t n_lanes;   /* of one group; of a depthwise product, its channels */
	size_t n_vectors; /* of lanes */
	size_t n_panels;  /* these in some panels */
	size_t n_pieces;  /* of terms */
	size_t run;       /* pieces that a task takes one after the other: a power of two */
	size_t n_runs;
	size_t n_levels;   /* sums of pieces that wait in a task at most, and one */
	size_t group_cuts; /* a run's tasks: parts of the groups, of the panels, of the rows */
	size_t panel_cuts;
	size_t row_cuts;
	size_t block;     /* floats that a task sums up at most: of weights, */
	size_t block_db;  /* and of biases */
	size_t join_rows; /* rows that a task of joining takes */
	size_t n_sums;    /* floats of one run in `sums`: all weights, the biases behind them */
};

struct heft_weight_gradient_data {
	const float *x;
	const float *dy;
	/* The gradient of weight (group, tap, input channel, output channel) goes to dw[group *
	 * group_ld + tap * tap_ld + in * in_ld + out * out_ld]: see struct heft_product_weights. */
	float *dw;
	size_t group_ld;
	size_t tap_ld;
	size_t in_ld;
	size_t out_ld;
	float *db;   /* of all groups, or NULL */
	float *sums; /* aligned to HEFT_PRODUCT_ALIGN; NULL where sums_size is 0 */
};

/* Tells the rest, for this CPU, or for these CPU bits. */
void heft_weight_gradient_init(struct heft_weight_gradient *g);
void heft_weight_gradient_init_by(uint32_t cpu_bits, struct heft_weight_gradient *g);

/* Task i of n_tasks. What is in `scratch`, aligned as sums, before and behind it means nothing. */
void heft_weight_gradient_run(const struct heft_weight_gradient *g,
                              const struct heft_weight_gradient_data *d, size_t i, void *scratch);
/* Task i of n_join_tasks: when all of the others are done. */
void heft_weight_gradient_join(const struct heft_weight_gradient *g,
                               const struct heft_weight_gradient_data *d, size_t i, void *scratch);

/* The definition, element by element: g->p alone is looked at, d->sums not. */
void heft_weight_gradient_reference(const struct heft_weight_gradient *g,
                                    const struct heft_weight_gradient_data *d);

#endif
