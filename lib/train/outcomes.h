/* SPDX-License-Identifier: Apache-2.0 */
/* train/outcomes.h - predictions beside their targets, sample by sample in order: counts, and sums
 * in binary64 (spec F7-70 to F7-72). What metrics are made of (train/metric.h). */
#ifndef TRAIN_OUTCOMES_H
#define TRAIN_OUTCOMES_H

#include "kernel/sum.h"
#include "train/confusion.h"
#include "train/loss_rule.h"

/* One output of a sample, over all samples. */
struct heft_output_outcomes {
	double mean;       /* of the targets */
	double deviations; /* squared, from that */
	double residuals;  /* squared */
};

struct heft_outcomes {
	enum heft_outcome kind;
	int64_t ignored; /* CLASSES: targets of this class do not count */
	uint64_t n;      /* samples that count; of REALS, elements */
	/* CLASSES; BINARY: whether the answer is no (0) or yes (1) */
	struct heft_confusion confusion;
	uint64_t n_in_five; /* CLASSES: the target's score is among the five greatest */
	/* REALS: */
	struct heft_sum_f64 squares;
	struct heft_sum_f64 sizes;
	struct heft_output_outcomes *outputs;
	uint64_t n_outputs;
	uint64_t n_samples;
};

/* n: classes; of BINARY any number; of REALS elements of a sample. */
enum heft_status heft_outcomes_init(struct heft_outcomes *o, enum heft_outcome kind, uint64_t n,
                                    int64_t ignored, struct heft_error *err);
void heft_outcomes_done(struct heft_outcomes *o);
void heft_outcomes_clear(struct heft_outcomes *o); /* for another pass */

/* Scores (F32 or F64) that lie as [n_outer, n, n_inner], and n_outer n_inner class numbers. A
 * target that is no class does not count. */
void heft_outcomes_add_classes(struct heft_outcomes *o, enum heft_dtype dtype, const void *scores,
                               uint64_t n_outer, uint64_t n_inner, const int64_t *targets);
/* n_samples samples, each of n_each elements; both arrays are of `dtype`, F32 or F64. REALS: n_each
 * is what init was told. */
void heft_outcomes_add(struct heft_outcomes *o, enum heft_dtype dtype, const void *predictions,
                       const void *targets, uint64_t n_samples, uint64_t n_each);

#endif
