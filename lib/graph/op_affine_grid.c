/* SPDX-License-Identifier: Apache-2.0 */
/* op_affine_grid.c - AffineGrid: a grid for GridSample, of affine maps. Written from
 * spec/numerics.md, F6-68. */
#include "base/error.h"
#include "graph/sampling.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *theta = &c->in[0];
	int64_t size[5];
	uint64_t dims[5];
	uint32_t n;

	HEFT_TRY(heft_call_check_real(c, 0, 0, err));
	HEFT_TRY(heft_call_known_ints(c, 1, size, 5, &n, err));
	(void)heft_call_int(c, "align_corners", 0);
	if ((n != 4 && n != 5) || theta->rank != 3 || theta->dims[1] != n - 2 ||
	    theta->dims[2] != n - 1 || size[0] < 0 || theta->dims[0] != (uint64_t)size[0])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "theta and size are not those of images");
	dims[0] = theta->dims[0];
	for (uint32_t d = 2; d < n; d++) {
		if (size[d] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "size %lld cannot be asked for", (long long)size[d]);
		dims[d - 1] = (uint64_t)size[d];
	}
	dims[n - 1] = n - 2;
	return heft_array_set(&c->out[0], theta->dtype, n, dims, err);
}

static double place(uint64_t i, uint64_t n, bool aligns)
{
	if (aligns)
		return n > 1 ? 2 * (double)i / ((double)n - 1) - 1 : 0;
	return (2 * (double)i + 1) / (double)n - 1;
}

static void run_points(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct heft_array *y = &c->out[0];
	const uint32_t n_space = y->rank - 2;
	const bool *aligns = ctx;

	(void)worker;
	for (uint64_t point = first; point < first + n; point++) {
		double places[3];
		uint64_t image = point;

		for (uint32_t d = n_space; d-- > 0;) {
			places[n_space - 1 - d] = place(image % y->dims[1 + d], y->dims[1 + d],
			                                *aligns);
			image /= y->dims[1 + d];
		}
		for (uint32_t d = 0; d < n_space; d++) {
			const uint64_t row = (image * n_space + d) * (n_space + 1);
			double sum = heft_real_at(&c->in[0], row) * places[0];

			for (uint32_t k = 1; k < n_space; k++)
				sum += heft_real_at(&c->in[0], row + k) * places[k];
			heft_real_set(y, point * n_space + d,
			              sum + heft_real_at(&c->in[0], row + n_space));
		}
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *y = &c->out[0];
	const bool aligns = heft_call_int(c, "align_corners", 0) != 0;

	if (y->n_elements > 0)
		heft_spans_run(c, y->n_elements / y->dims[y->rank - 1], 16, run_points, &aligns);
}

const struct heft_op heft_op_affine_grid = {
	.name = "AffineGrid",
	.domain = "",
	.since = 20,
	.flags = HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
};
