/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_cross_entropy.c - CrossEntropyLoss: of scores and the classes that are right, with
 * weights of classes, labels smoothed and targets ignored as PyTorch does (spec F7-20). */
#include <string.h>

#include "base/error.h"
#include "graph/sample_loss.h"
#include "kernel/arithmetic.h"
#include "kernel/elementary.h"
#include "kernel/sum.h"

#define N_HELD 256

/* What infer leaves. */
struct cross_entropy {
	struct heft_axis classes;
	int64_t ignored;
	double own;    /* 1 - smoothing: the target's share */
	double spread; /* smoothing / number of classes: that of every class */
	uint64_t n_targets;
	uint64_t part_size; /* bytes in scratch of the losses, and of the weights */
	uint64_t row_size;  /* and of a worker's row behind these */
};

struct job {
	const struct cross_entropy *l;
	double weight_of_all; /* the sum over the classes */
	double *losses;
	double *weights;
};

#define REAL float
#define NAME(name) name##_f32
#define BY(name) name##_f32_by
#include "graph/cross_entropy_row.inc"
#undef REAL
#undef NAME
#undef BY

#define REAL double
#define NAME(name) name##_f64
#define BY(name) name##_f64_by
#include "graph/cross_entropy_row.inc"

static void run_targets(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                        uint32_t worker)
{
	const struct job *job = ctx;
	const struct cross_entropy *l = job->l;
	const struct heft_axis *a = &l->classes;
	const struct heft_array *targets = &c->in[HEFT_LOSS_TARGET];
	const uint64_t size = heft_element_size(targets->dtype);
	const bool is_f32 = c->in[HEFT_LOSS_PREDICTION].dtype == HEFT_DTYPE_F32;
	void *row = (uint8_t *)c->scratch + 2 * l->part_size + worker * l->row_size;

	for (uint64_t i = first; i < first + n; i++) {
		const int64_t k = heft_load_integer(targets->dtype,
		                                    (const uint8_t *)targets->bytes + i * size);
		const uint64_t at = i / a->n_inner * a->n * a->n_inner + i % a->n_inner;
		const bool counts = k >= 0 && (uint64_t)k < a->n && k != l->ignored;

		if (counts) {
			(is_f32 ? one_target_f32 : one_target_f64)(c, job, i, at, (size_t)k, row);
			continue;
		}
		job->losses[i] = 0;
		job->weights[i] = 0;
		if (heft_call_wants(c, HEFT_LOSS_OUT_GRADIENT) && a->n > 0)
			(is_f32 ? clear_gradient_f32 : clear_gradient_f64)(c, job, at);
	}
}

/* 0 where there are no weights: then the factor of p is 1 (own + spread × classes). */
static double weight_of_all(const struct heft_call *c)
{
	const struct heft_array *w = &c->in[HEFT_LOSS_WEIGHTS];

	if (!heft_call_has(c, HEFT_LOSS_WEIGHTS))
		return 0;
	return w->dtype == HEFT_DTYPE_F32 ? heft_total_f32_by(c->cpu_bits, HEFT_TERM_VALUE, 0,
	                                                      w->bytes, (size_t)w->n_elements)
	                                  : heft_sum_f64_by(c->cpu_bits, HEFT_TERM_VALUE, 0,
	                                                    w->bytes, (size_t)w->n_elements);
}

static void forward(const struct heft_call *c)
{
	const struct cross_entropy *l = (const struct cross_entropy *)c->state;
	const size_t n = (size_t)l->n_targets;
	struct job job = { .l = l, .weight_of_all = weight_of_all(c), .losses = c->scratch };
	double loss = 0;
	double divisor = 0;

	if (n > 0) {
		job.weights = (double *)((uint8_t *)c->scratch + l->part_size);
		heft_spans_run(c, n, 4 * l->classes.n, run_targets, &job);
		loss = heft_sum_f64_by(c->cpu_bits, HEFT_TERM_VALUE, 0, job.losses, n);
		divisor = heft_sum_f64_by(c->cpu_bits, HEFT_TERM_VALUE, 0, job.weights, n);
	}
	heft_sample_loss_store(c, loss, divisor);
}

/* One target for each list of scores, dimensions of 1 at the classes' place allowed. */
static bool fits(const struct heft_array *x, const struct heft_array *targets, uint32_t axis)
{
	const uint32_t n_skipped = targets->rank == x->rank ? 0 : 1;

	if (targets->rank + n_skipped != x->rank || (n_skipped == 0 && targets->dims[axis] != 1))
		return false;
	for (uint32_t d = 0; d < x->rank; d++)
		if (d != axis && targets->dims[d > axis ? d - n_skipped : d] != x->dims[d])
			return false;
	return true;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype places[] = { HEFT_DTYPE_I64, HEFT_DTYPE_I32, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[HEFT_LOSS_PREDICTION];
	const struct heft_array *w = &c->in[HEFT_LOSS_WEIGHTS];
	struct cross_entropy *l = (struct cross_entropy *)c->state;
	double smoothing;
	uint32_t axis;

	HEFT_TRY(heft_sample_loss_check(c, err));
	HEFT_TRY(heft_call_check_dtype(c, HEFT_LOSS_TARGET, places, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 1), x->rank, false, &axis, err));
	HEFT_TRY(heft_call_real(c, "label_smoothing", 0, &smoothing, err));
	if (!fits(x, &c->in[HEFT_LOSS_TARGET], axis))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one target for each list of scores");
	if (!(smoothing >= 0 && smoothing <= 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "label_smoothing is not between 0 and 1");
	if (heft_call_has(c, HEFT_LOSS_WEIGHTS) && (w->rank != 1 || w->dims[0] != x->dims[axis]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one weight for each class");
	heft_axis_set(&l->classes, x, axis);
	l->ignored = heft_call_int(c, "ignore_index", -100);
	l->own = 1 - smoothing;
	l->spread = l->classes.n > 0 ? smoothing / (double)l->classes.n : 0;
	l->n_targets = c->in[HEFT_LOSS_TARGET].n_elements;
	l->part_size = (l->n_targets * sizeof(double) + 63) / 64 * 64;
	l->row_size = (l->classes.n * heft_element_size(x->dtype) + 63) / 64 * 64;
	c->scratch_size = 2 * l->part_size + heft_team_n_threads(c->team) * l->row_size;
	return heft_sample_loss_outputs(c, err);
}

const struct heft_op heft_op_heft_cross_entropy = {
	.name = "CrossEntropyLoss",
	.domain = "heft",
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
