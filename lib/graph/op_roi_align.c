/* SPDX-License-Identifier: Apache-2.0 */
/* op_roi_align.c - RoiAlign: regions of images, pooled to one size from samples between the pixels.
 * Written from spec/numerics.md, F6-69. */
#include <string.h>

#include "base/error.h"
#include "graph/move.h"
#include "graph/sampling.h"
#include "graph/spans.h"
#include "kernel/lanes.h"

struct plan {
	double scale;
	uint64_t n_samples; /* along an axis; 0: from the size of the region */
	bool is_max;
	bool is_half_pixel;
	int64_t x_steps[HEFT_GRAPH_MAX_RANK];
	int64_t y_steps[HEFT_GRAPH_MAX_RANK];
};

static enum heft_status read_attrs(const struct heft_call *c, struct plan *p, uint64_t *dims,
                                   struct heft_error *err)
{
	const char *mode = heft_call_text(c, "mode", "avg");
	const char *place = heft_call_text(c, "coordinate_transformation_mode",
	                                   c->opset < 16 ? "output_half_pixel" : "half_pixel");
	const int64_t height = heft_call_int(c, "output_height", 1);
	const int64_t width = heft_call_int(c, "output_width", 1);
	const int64_t ratio = heft_call_int(c, "sampling_ratio", 0);

	p->scale = (double)heft_call_float(c, "spatial_scale", 1.0f);
	p->is_max = strcmp(mode, "max") == 0;
	p->is_half_pixel = strcmp(place, "half_pixel") == 0;
	if ((!p->is_max && strcmp(mode, "avg") != 0) ||
	    (!p->is_half_pixel && strcmp(place, "output_half_pixel") != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "mode '%s', or '%s', does not exist", mode, place);
	if (height < 1 || width < 1 || ratio < 0 || ratio > 256)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "regions cannot become %lld x %lld by %lld samples",
		                 (long long)height, (long long)width, (long long)ratio);
	p->n_samples = (uint64_t)ratio;
	dims[2] = (uint64_t)height;
	dims[3] = (uint64_t)width;
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *rois = &c->in[1];
	struct plan *p = (struct plan *)(void *)c->state;
	uint64_t dims[4] = { 0 };

	HEFT_TRY(heft_call_check_real(c, 0, 1, err));
	HEFT_TRY(heft_call_check_index(c, 2, err));
	HEFT_TRY(read_attrs(c, p, dims, err));
	if (x->rank != 4 || rois->rank != 2 || rois->dims[1] != 4 || c->in[2].rank != 1 ||
	    c->in[2].dims[0] != rois->dims[0])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there are no four corners and one image for each region");
	dims[0] = rois->dims[0];
	dims[1] = x->dims[1];
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, 4, dims, err));
	if (x->n_elements == 0 && c->out[0].n_elements > 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the input has no pixels");
	heft_steps(c, x, true, p->x_steps);
	heft_steps(c, &c->out[0], true, p->y_steps);
	return HEFT_OK;
}

/* One axis of a region: bins of `size`, each with n samples. */
struct bins {
	double start;
	double size;
	uint64_t n;
};

static struct bins bins_of(const struct plan *p, double start, double end, uint64_t n_bins,
                           uint64_t n_pixels)
{
	const double offset = p->is_half_pixel ? 0.5 : 0;
	const double from = start * p->scale - offset;
	struct bins b = { .start = from, .n = p->n_samples };
	double way = end * p->scale - offset - from;

	if (!p->is_half_pixel && !(way > 1))
		way = 1;
	b.size = way / (double)n_bins;
	if (b.n == 0) {
		/* a region that reaches far beyond the image is looked at in fewer places */
		const uint64_t most = 4 * (n_pixels + 1);

		b.n = b.size > 0 ? b.size < (double)most ? (uint64_t)b.size : most : 0;
		b.n += b.n < most && b.size > (double)b.n;
	}
	return b;
}

/* Two pixels and the share of the second one; false: outside. */
static bool look(const struct bins *b, uint64_t bin, uint64_t sample, uint64_t n, uint64_t *low,
                 uint64_t *high, double *share)
{
	double at = b->start + (double)bin * b->size +
	            ((double)sample + 0.5) * b->size / (double)b->n;

	if (!(at >= -1 && at <= (double)n))
		return false;
	at = at > 0 ? at : 0;
	*low = (uint64_t)at;
	*high = *low + 1;
	*share = at - (double)*low;
	if (*low + 1 >= n) {
		*low = n - 1;
		*high = n - 1;
		*share = 0;
	}
	return true;
}

/* The products of the four pixels and their shares. */
static void four(const struct heft_call *c, const struct plan *p, int64_t at, const uint64_t *rows,
                 const uint64_t *columns, double down, double right, double *v)
{
	for (uint32_t k = 0; k < 4; k++) {
		const int64_t pixel = at + (int64_t)rows[k / 2] * p->x_steps[2] +
		                      (int64_t)columns[k % 2] * p->x_steps[3];
		const double share = (k / 2 ? down : 1 - down) * (k % 2 ? right : 1 - right);

		v[k] = share * heft_real_at(&c->in[0], (uint64_t)pixel);
	}
}

static double pool(const struct heft_call *c, const struct plan *p, int64_t at,
                   const struct bins *tall, const struct bins *wide, uint64_t row, uint64_t column)
{
	const struct heft_array *x = &c->in[0];
	double result = 0;
	bool has_any = false;

	for (uint64_t i = 0; i < tall->n; i++) {
		uint64_t rows[2];
		double down;
		const bool is_row = look(tall, row, i, x->dims[2], &rows[0], &rows[1], &down);

		for (uint64_t j = 0; j < wide->n; j++) {
			uint64_t columns[2];
			double right;
			double v[4] = { 0 };

			if (is_row &&
			    look(wide, column, j, x->dims[3], &columns[0], &columns[1], &right))
				four(c, p, at, rows, columns, down, right, v);
			for (uint32_t k = 0; k < 4 && p->is_max; k++) {
				result = has_any ? HEFT_GREATER(result, v[k]) : v[k];
				has_any = true;
			}
			if (!p->is_max)
				result += ((v[0] + v[1]) + v[2]) + v[3];
		}
	}
	if (p->is_max || tall->n * wide->n == 0)
		return result;
	return result / (double)(tall->n * wide->n);
}

static void run_bins(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_array *x = &c->in[0];
	const struct heft_array *y = &c->out[0];

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t column = i % y->dims[3];
		const uint64_t row = i / y->dims[3] % y->dims[2];
		const uint64_t channel = i / y->dims[3] / y->dims[2] % y->dims[1];
		const uint64_t roi = i / y->dims[3] / y->dims[2] / y->dims[1];
		const struct heft_array *r = &c->in[1];
		const struct bins wide = bins_of(p, heft_real_at(r, roi * 4),
		                                 heft_real_at(r, roi * 4 + 2), y->dims[3],
		                                 x->dims[3]);
		const struct bins tall = bins_of(p, heft_real_at(r, roi * 4 + 1),
		                                 heft_real_at(r, roi * 4 + 3), y->dims[2],
		                                 x->dims[2]);
		const uint64_t image = heft_index_within(&c->in[2], roi, x->dims[0]);
		const int64_t to = (int64_t)roi * p->y_steps[0] + (int64_t)channel * p->y_steps[1] +
		                   (int64_t)row * p->y_steps[2] + (int64_t)column * p->y_steps[3];

		heft_real_set(y, (uint64_t)to,
		              pool(c, p,
		                   (int64_t)image * p->x_steps[0] +
		                           (int64_t)channel * p->x_steps[1],
		                   &tall, &wide, row, column));
	}
}

static void forward(const struct heft_call *c)
{
	heft_spans_run(c, c->out[0].n_elements, 128, run_bins, c->state);
}

const struct heft_op heft_op_roi_align = {
	.name = "RoiAlign",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_WIDENS | HEFT_OP_CHANNELS_LAST,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
