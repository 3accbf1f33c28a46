/* SPDX-License-Identifier: Apache-2.0 */
/* outcomes.c - counts predictions beside their targets. */
#include "train/outcomes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "graph/arg.h"

#define MAX_CLASSES (UINT32_C(1) << 24)
#define N_HELD 256 /* differences at a time */

enum heft_status heft_outcomes_init(struct heft_outcomes *o, enum heft_outcome kind, uint64_t n,
                                    int64_t ignored, struct heft_error *err)
{
	memset(o, 0, sizeof *o);
	o->kind = kind;
	o->ignored = ignored;
	if (kind == HEFT_OUTCOME_REALS) {
		o->n_outputs = n;
		o->outputs = n > SIZE_MAX ? NULL : heft_zalloc_array((size_t)n, sizeof *o->outputs);
		if (!o->outputs)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for sums of %llu outputs",
			                 (unsigned long long)n);
	} else {
		if (n > MAX_CLASSES)
			return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
			                 "%llu classes are more than %u", (unsigned long long)n,
			                 MAX_CLASSES);
		HEFT_TRY(heft_confusion_init(&o->confusion,
		                             kind == HEFT_OUTCOME_BINARY ? 2 : (uint32_t)n, err));
	}
	heft_outcomes_clear(o);
	return HEFT_OK;
}

void heft_outcomes_done(struct heft_outcomes *o)
{
	heft_confusion_done(&o->confusion);
	heft_free(o->outputs);
	memset(o, 0, sizeof *o);
}

void heft_outcomes_clear(struct heft_outcomes *o)
{
	heft_confusion_clear(&o->confusion);
	o->n = 0;
	o->n_in_five = 0;
	o->n_samples = 0;
	heft_sum_f64_init(&o->squares, HEFT_TERM_SQUARE, 0);
	heft_sum_f64_init(&o->sizes, HEFT_TERM_SIZE, 0);
	if (o->n_outputs > 0)
		memset(o->outputs, 0, (size_t)o->n_outputs * sizeof *o->outputs);
}

static double element(enum heft_dtype dtype, const void *x, uint64_t i)
{
	return dtype == HEFT_DTYPE_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

/* Whether fewer than five classes come before this one: by score, a NaN above every number, and
 * where scores are equal by class number (spec F6-46). */
static bool is_in_five(enum heft_dtype dtype, const void *x, uint64_t n, uint64_t stride,
                       uint64_t k)
{
	const double score = element(dtype, x, k * stride);
	uint32_t n_before = 0;

	for (uint64_t j = 0; j < n && n_before < 5; j++) {
		const double other = element(dtype, x, j * stride);
		const bool is_nan = other != other;
		const bool is_tie = other == score || (is_nan && score != score);

		if (other > score || (is_nan && score == score) || (is_tie && j < k))
			n_before++;
	}
	return n_before < 5;
}

void heft_outcomes_add_classes(struct heft_outcomes *o, enum heft_dtype dtype, const void *scores,
                               uint64_t n_outer, uint64_t n_inner, const int64_t *targets)
{
	const uint64_t n = o->confusion.n_classes;
	const uint64_t size = dtype == HEFT_DTYPE_F64 ? 8 : 4;

	for (uint64_t i = 0; i < n_outer * n_inner; i++) {
		const uint64_t at = i / n_inner * n * n_inner + i % n_inner;
		const void *x = (const uint8_t *)scores + at * size;
		const int64_t target = targets[i];

		if (target == o->ignored || target < 0 || (uint64_t)target >= n)
			continue;
		o->n++;
		heft_confusion_add(&o->confusion, (uint32_t)target,
		                   (uint32_t)heft_arg_extreme(dtype, x, (size_t)n, (size_t)n_inner,
		                                              true, false));
		o->n_in_five += is_in_five(dtype, x, n, n_inner, (uint64_t)target);
	}
}

static void add_answers(struct heft_outcomes *o, enum heft_dtype dtype, const void *predictions,
                        const void *targets, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		heft_confusion_add(&o->confusion, element(dtype, targets, i) >= 0.5,
		                   element(dtype, predictions, i) > 0);
	o->n += n;
}

/* The mean and the deviations by Welford's recurrence, which needs no second pass. */
static void add_output(struct heft_output_outcomes *to, double n, double target, double difference)
{
	const double step = target - to->mean;

	to->mean += step / n;
	to->deviations += step * (target - to->mean);
	to->residuals += difference * difference;
}

static void add_sample(struct heft_outcomes *o, enum heft_dtype dtype, const void *predictions,
                       const void *targets, uint64_t first)
{
	const uint32_t cpu_bits = heft_cpu_bits();
	const double n = (double)++o->n_samples;
	double held[N_HELD];

	for (uint64_t from = 0; from < o->n_outputs; from += N_HELD) {
		const uint64_t left = o->n_outputs - from;
		const uint64_t n_now = left < N_HELD ? left : N_HELD;

		for (uint64_t i = 0; i < n_now; i++) {
			const double target = element(dtype, targets, first + from + i);

			held[i] = element(dtype, predictions, first + from + i) - target;
			add_output(&o->outputs[from + i], n, target, held[i]);
		}
		heft_sum_f64_add(cpu_bits, &o->squares, held, (size_t)n_now);
		heft_sum_f64_add(cpu_bits, &o->sizes, held, (size_t)n_now);
	}
	o->n += o->n_outputs;
}

void heft_outcomes_add(struct heft_outcomes *o, enum heft_dtype dtype, const void *predictions,
                       const void *targets, uint64_t n_samples, uint64_t n_each)
{
	if (o->kind == HEFT_OUTCOME_BINARY)
		add_answers(o, dtype, predictions, targets, n_samples * n_each);
	else
		for (uint64_t i = 0; i < n_samples; i++)
			add_sample(o, dtype, predictions, targets, i * n_each);
}
