/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/product_kernels.h - what the variants of a product have to offer: tiles of a few pixels
 * times a few vectors of channels, and rows of a depthwise product. Inside of the kernels only. */
#ifndef KERNEL_PRODUCT_KERNELS_H
#define KERNEL_PRODUCT_KERNELS_H

#include "kernel/product.h"

#define HEFT_TILE_ROWS 10    /* at most */
#define HEFT_TILE_VECTORS 4  /* at most */
#define HEFT_TILE_FLOATS 384 /* at most, in all rows and vectors */

/* How a tile's, or a row's, sums become outputs. */
struct heft_tile_end {
	const struct heft_product_end *end;
	float *const *y;              /* of each row, at the tile's first channel */
	const float *const *residual; /* likewise, or NULL */
	const float *bias;            /* at the tile's first channel, or NULL */
	size_t n_last;                /* channels in the last vector; the others are full */
	bool is_streamed;             /* past the caches: y is aligned, and all vectors are full */
};

/* One piece of one tile. */
struct heft_tile {
	const float *const *taps; /* row i's tap t starts at taps[i * n_taps + t] */
	size_t n_taps;
	size_t run; /* values of one tap */
	size_t tap; /* the piece begins in this tap, */
	size_t at;  /* at this value */
	size_t n_terms;
	const float *panel; /* the weights of the piece's first term; or, with `which`, of term 0 */
	/* NULL; or which taps of the window the taps are: their weights are not side by side */
	const size_t *which;
	uintptr_t ahead; /* bytes from a value to one that will be needed soon, or 0 */
	float *sums;     /* not NULL: the sums go there, row by row, and end is not looked at */
	struct heft_tile_end end;
};

/* A tile of so many pixels; of as many vectors as the row of the table says. */
struct heft_tile_kernel {
	size_t n_rows;
	void (*piece)(const struct heft_tile *tile);
	void (*finish)(const struct heft_tile_end *end, const float *sums);
};

#define HEFT_NO_PLACE SIZE_MAX

/* One row of outputs of a depthwise product, channels [first, last): whole vectors but for the last
 * one of all channels. */
struct heft_depthwise_row {
	const struct heft_product *p;
	const float *const *x; /* input rows, one for each row of taps, or NULL: padding */
	const float *packed;
	const float *bias;
	const float *residual; /* the output row's */
	float *y;
	size_t first;
	size_t last;
	uintptr_t ahead; /* an input row that the next one needs and this one does not, or 0 */
	/* Of a transposed product: where tap k of output ow is in an input row, in floats, is
	 * places[ow * kernel[2] + k]; HEFT_NO_PLACE: the tap is absent. */
	const size_t *places;
	bool is_streamed;
};

struct heft_product_kernels {
	size_t vector;                                        /* floats */
	size_t n_panel_vectors;                               /* at most, in one panel */
	struct heft_tile_kernel tiles[HEFT_TILE_VECTORS + 1]; /* by the panel's vectors */
	/* The same for what is left of the pixels where it is so little: the one row of a vector's
	 * product takes a third of the time. n_rows 0: there is none. */
	struct heft_tile_kernel few[HEFT_TILE_VECTORS + 1];
	void (*depthwise_row)(const struct heft_depthwise_row *row);
	void (*fence)(void); /* behind streamed outputs */
};

extern const struct heft_product_kernels heft_product_scalar;
extern const struct heft_product_kernels heft_product_avx2;
extern const struct heft_product_kernels heft_product_avx512;

/* A panel: some vectors of the output channels of one group. */
struct heft_panel {
	size_t channel; /* the first one of the group's */
	size_t n_vectors;
	size_t n_last; /* channels in the last vector */
	size_t at;     /* floats from the group's packed weights */
};

/* Panels are as even as possible: 96 channels are 48 + 48, not 64 + 32. */
static inline struct heft_panel heft_product_panel(const struct heft_product *p, size_t i)
{
	const size_t vector = p->kernels->vector;
	const size_t least = p->n_vectors / p->n_panels;
	const size_t n_wider = p->n_vectors % p->n_panels;
	const size_t first = i * least + (i < n_wider ? i : n_wider);
	struct heft_panel panel = { first * vector, least + (i < n_wider), vector,
		                    first * vector * p->n_terms };

	if (i == p->n_panels - 1)
		panel.n_last = p->n_out - (p->n_vectors - 1) * vector;
	return panel;
}

/* The input position of tap k for output o on one axis: false if there is none. */
static inline bool heft_product_tap(const struct heft_product *p, size_t axis, size_t o, size_t k,
                                    size_t *position)
{
	const size_t step = k * p->dilation[axis];
	size_t at = o;

	if (p->is_transposed) {
		at += p->pad[axis];
		if (at < step || (at - step) % p->stride[axis] != 0)
			return false;
		*position = (at - step) / p->stride[axis];
	} else {
		at = at * p->stride[axis] + step;
		if (at < p->pad[axis])
			return false;
		*position = at - p->pad[axis];
	}
	return *position < p->in[axis];
}

/* The pointers of pixels [pixel, pixel + n), n_taps each, to `taps`. `x` is the group's, `zeros`
 * has `run` of them; `steps` from heft_product_steps. */
void heft_product_taps(const struct heft_product *p, const float *x, const float *zeros,
                       const size_t *steps, size_t pixel, size_t n, const float **taps);
/* A phase of a transposed product with strides: outputs that have the same taps. */
struct heft_phase {
	size_t first[3]; /* the first output position on each axis, */
	size_t n[3];     /* and how many, a stride apart */
	size_t n_pixels; /* of all images */
	size_t n_taps;
};

/* Phase i of n_phases, and which taps it has, ascending; `which` has room for n_taps, or is
 * NULL. */
struct heft_phase heft_product_phase(const struct heft_product *p, size_t i, size_t *which);
/* heft_product_taps of the phase's pixels; and which of the output's pixels they are. */
void heft_product_phase_taps(const struct heft_product *p, const struct heft_phase *f,
                             const size_t *which, const float *x, const float *zeros, size_t pixel,
                             size_t n, const float **taps, size_t *pixels);
/* How many of the phase's terms have numbers below `end`, counted with all taps. */
size_t heft_product_phase_terms(const struct heft_product *p, const struct heft_phase *f,
                                const size_t *which, size_t end);
/* How far each tap is from the first, where all are inside. */
void heft_product_steps(const struct heft_product *p, size_t *steps);

#endif
