/* SPDX-License-Identifier: Apache-2.0 */
/* op_col2_im.c - Col2Im: columns of blocks put back into an image; what meets in a pixel is added.
 * Written from spec/numerics.md, F6-71. */
#include "base/checked.h"
#include "base/error.h"
#include "graph/sampling.h"
#include "graph/spans.h"

#define MAX_SPACE (HEFT_GRAPH_MAX_RANK - 2)

struct space {
	int64_t image;
	int64_t block;
	int64_t stride;
	int64_t dilation;
	int64_t pad;
	int64_t n_blocks;
};

struct plan {
	uint32_t n_space;
	uint64_t n_taps;
	uint64_t n_columns;
	uint64_t n_pixels;
	struct space spaces[MAX_SPACE];
};

static enum heft_status read_attr(const struct heft_call *c, const char *name, uint32_t n,
                                  int64_t least, int64_t absent, int64_t *values,
                                  struct heft_error *err)
{
	uint32_t n_given;
	const int64_t *given = heft_call_ints(c, name, &n_given);

	for (uint32_t i = 0; i < n; i++) {
		values[i] = given && n_given == n ? given[i] : absent;
		if ((n_given > 0 && n_given != n) || values[i] < least || values[i] > INT32_MAX)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "%s do not go with %u dimensions", name, n);
	}
	return HEFT_OK;
}

static enum heft_status read_spaces(const struct heft_call *c, struct plan *p,
                                    struct heft_error *err)
{
	int64_t image[MAX_SPACE];
	int64_t block[MAX_SPACE];
	int64_t strides[MAX_SPACE];
	int64_t dilations[MAX_SPACE];
	int64_t pads[2 * MAX_SPACE];
	uint32_t n_block;

	HEFT_TRY(heft_call_known_ints(c, 1, image, MAX_SPACE, &p->n_space, err));
	HEFT_TRY(heft_call_known_ints(c, 2, block, MAX_SPACE, &n_block, err));
	HEFT_TRY(read_attr(c, "strides", p->n_space, 1, 1, strides, err));
	HEFT_TRY(read_attr(c, "dilations", p->n_space, 1, 1, dilations, err));
	HEFT_TRY(read_attr(c, "pads", 2 * p->n_space, 0, 0, pads, err));
	if (p->n_space == 0 || n_block != p->n_space)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "image and block are not of as many dimensions");
	p->n_taps = 1;
	p->n_columns = 1;
	p->n_pixels = 1;
	for (uint32_t d = 0; d < n_block; d++) {
		struct space *s = &p->spaces[d];
		int64_t way;

		if (image[d] < 0 || image[d] > INT32_MAX || block[d] < 1 || block[d] > INT32_MAX)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld, or block %lld, cannot be", (long long)image[d],
			                 (long long)block[d]);
		way = image[d] + pads[d] + pads[n_block + d] - dilations[d] * (block[d] - 1) - 1;
		*s = (struct space){ .image = image[d],
			             .block = block[d],
			             .stride = strides[d],
			             .dilation = dilations[d],
			             .pad = pads[d],
			             .n_blocks = way < 0 ? 0 : way / strides[d] + 1 };
		if (!heft_mul_u64(p->n_taps, (uint64_t)block[d], &p->n_taps) ||
		    !heft_mul_u64(p->n_columns, (uint64_t)s->n_blocks, &p->n_columns) ||
		    !heft_mul_u64(p->n_pixels, (uint64_t)image[d], &p->n_pixels))
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "the image is too large");
	}
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];

	HEFT_TRY(heft_call_check_real(c, 0, 0, err));
	HEFT_TRY(read_spaces(c, p, err));
	if (x->rank != 3 || x->dims[1] % p->n_taps != 0 || x->dims[2] != p->n_columns)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the input has not the columns of such blocks");
	dims[0] = x->dims[0];
	dims[1] = x->dims[1] / p->n_taps;
	for (uint32_t d = 0; d < p->n_space; d++)
		dims[2 + d] = (uint64_t)p->spaces[d].image;
	return heft_array_set(&c->out[0], x->dtype, 2 + p->n_space, dims, err);
}

/* The column that tap `tap` of a pixel comes from; false: there is none. */
static bool column_of(const struct plan *p, uint64_t pixel, uint64_t tap, uint64_t *column)
{
	uint64_t step = 1;

	*column = 0;
	for (uint32_t d = p->n_space; d-- > 0;) {
		const struct space *s = &p->spaces[d];
		const int64_t at = (int64_t)(pixel % (uint64_t)s->image) + s->pad -
		                   (int64_t)(tap % (uint64_t)s->block) * s->dilation;

		if (at < 0 || at % s->stride != 0 || at / s->stride >= s->n_blocks)
			return false;
		*column += (uint64_t)(at / s->stride) * step;
		step *= (uint64_t)s->n_blocks;
		pixel /= (uint64_t)s->image;
		tap /= (uint64_t)s->block;
	}
	return true;
}

static void run_pixels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_array *x = &c->in[0];

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t channel = i / p->n_pixels;
		float sum = 0;
		double wide = 0;

		for (uint64_t tap = 0; tap < p->n_taps; tap++) {
			uint64_t at;

			if (!column_of(p, i % p->n_pixels, tap, &at))
				continue;
			at += (channel * p->n_taps + tap) * p->n_columns;
			if (x->dtype == HEFT_DTYPE_F32)
				sum = sum + ((const float *)x->bytes)[at];
			else
				wide = wide + ((const double *)x->bytes)[at];
		}
		heft_real_set(&c->out[0], i, x->dtype == HEFT_DTYPE_F32 ? (double)sum : wide);
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	heft_spans_run(c, c->out[0].n_elements, 8 * p->n_taps, run_pixels, p);
}

const struct heft_op heft_op_col2_im = {
	.name = "Col2Im",
	.domain = "",
	.since = 18,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1 | 1 << 2,
	.infer = infer,
	.forward = forward,
};
