/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c - the loss of each target: less the score of its class, times the class's weight; none of
 * one that is ignored or that is no class. Then nothing, their sum, or their mean by weight. */
#include "graph/loss.h"

#include <string.h>

#include "base/error.h"
#include "kernel/sum.h"

static enum heft_status read_kind(const struct heft_call *c, enum heft_loss_kind *kind,
                                  struct heft_error *err)
{
	static const char *const names[] = { "none", "sum", "mean" };
	const char *given = heft_call_text(c, "reduction", "mean");

	for (int i = 0; i < 3; i++) {
		if (strcmp(given, names[i]) == 0) {
			*kind = (enum heft_loss_kind)i;
			return HEFT_OK;
		}
	}
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "reduction is '%.40s'", given);
}

static enum heft_status check_inputs(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	static const enum heft_dtype places[] = { HEFT_DTYPE_I32, HEFT_DTYPE_I64, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];
	const struct heft_array *targets = &c->in[1];
	bool fits = x->rank >= 2 && targets->rank + 1 == x->rank && targets->dims[0] == x->dims[0];

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, places, err));
	for (uint32_t d = 2; d < x->rank && fits; d++)
		fits = targets->dims[d - 1] == x->dims[d];
	if (!fits)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one target for each list of scores");
	if (!heft_call_has(c, 2))
		return HEFT_OK;
	if (c->in[2].dtype != x->dtype)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "weights are %s and scores %s", heft_dtype_name(c->in[2].dtype),
		                 heft_dtype_name(x->dtype));
	if (c->in[2].rank != 1 || c->in[2].dims[0] != x->dims[1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is not one weight for each class");
	return HEFT_OK;
}

enum heft_status heft_loss_infer(struct heft_call *c, struct heft_loss *l, struct heft_error *err)
{
	const struct heft_array *targets = &c->in[1];

	HEFT_TRY(check_inputs(c, err));
	HEFT_TRY(read_kind(c, &l->kind, err));
	heft_axis_set(&l->classes, &c->in[0], 1);
	l->ignores = heft_call_attr(c, "ignore_index") != NULL;
	l->ignored = heft_call_int(c, "ignore_index", 0);
	l->n_targets = targets->n_elements;
	l->part_size = (l->n_targets * heft_element_size(c->in[0].dtype) + 63) / 64 * 64;
	if (l->kind == HEFT_LOSS_NONE)
		return heft_array_set(&c->out[0], c->in[0].dtype, targets->rank, targets->dims,
		                      err);
	c->scratch_size = 2 * l->part_size;
	return heft_array_set(&c->out[0], c->in[0].dtype, 0, NULL, err);
}

/* --- the work --- */

struct job {
	const struct heft_loss *l;
	const void *scores;
	void *losses;
	void *weights; /* NULL: they are not wanted */
};

#define TARGETS(name, type)                                                                    \
	static void name(const struct heft_call *c, const struct job *job, uint64_t i,         \
	                 int64_t target)                                                       \
	{                                                                                      \
		const struct heft_axis *a = &job->l->classes;                                  \
		const bool counts = target >= 0 && (uint64_t)target < a->n &&                  \
		                    !(job->l->ignores && target == job->l->ignored);           \
		const uint64_t k = counts ? (uint64_t)target : 0;                              \
		const uint64_t at = (i / a->n_inner * a->n + k) * a->n_inner + i % a->n_inner; \
		type weight = 1;                                                               \
                                                                                               \
		if (counts && heft_call_has(c, 2))                                             \
			weight = ((const type *)c->in[2].bytes)[k];                            \
		((type *)job->losses)[i] = 0;                                                  \
		if (counts)                                                                    \
			((type *)job->losses)[i] = -((const type *)job->scores)[at] * weight;  \
		if (job->weights)                                                              \
			((type *)job->weights)[i] = counts ? weight : 0;                       \
	}

TARGETS(one_f32, float)
TARGETS(one_f64, double)

static void run_targets(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                        uint32_t worker)
{
	const struct job *job = ctx;
	const struct heft_array *targets = &c->in[1];
	const uint64_t size = heft_element_size(targets->dtype);

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const int64_t target = heft_load_integer(targets->dtype,
		                                         (const uint8_t *)targets->bytes +
		                                                 i * size);

		if (c->in[0].dtype == HEFT_DTYPE_F32)
			one_f32(c, job, i, target);
		else
			one_f64(c, job, i, target);
	}
}

static double total(const struct heft_call *c, const void *x, uint64_t n)
{
	return c->in[0].dtype == HEFT_DTYPE_F32
	               ? heft_total_f32_by(c->cpu_bits, HEFT_TERM_VALUE, 0, x, (size_t)n)
	               : heft_sum_f64_by(c->cpu_bits, HEFT_TERM_VALUE, 0, x, (size_t)n);
}

void heft_loss_run(const struct heft_call *c, const struct heft_loss *l, const void *scores)
{
	struct job job = { .l = l, .scores = scores, .losses = c->out[0].bytes };
	double loss;

	if (l->kind != HEFT_LOSS_NONE) {
		job.losses = c->scratch;
		job.weights = (uint8_t *)c->scratch + l->part_size;
	}
	heft_spans_run(c, l->n_targets, 4, run_targets, &job);
	if (l->kind == HEFT_LOSS_NONE)
		return;
	loss = total(c, job.losses, l->n_targets);
	if (l->kind == HEFT_LOSS_MEAN)
		loss = loss / total(c, job.weights, l->n_targets);
	if (c->in[0].dtype == HEFT_DTYPE_F32)
		*(float *)c->out[0].bytes = (float)loss;
	else
		*(double *)c->out[0].bytes = loss;
}
