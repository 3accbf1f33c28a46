/* SPDX-License-Identifier: Apache-2.0 */
/* metric_accuracy.c - the share of predictions that are right. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	uint64_t n_right = 0;

	for (uint32_t k = 0; k < o->confusion.n_classes; k++)
		n_right += o->confusion.of_correct[k];
	return o->n > 0 ? (double)n_right / (double)o->n : 0;
}

const struct heft_metric heft_metric_accuracy = {
	.name = "accuracy",
	.outcomes = HEFT_OUTCOME_CLASSES | HEFT_OUTCOME_BINARY,
	.value = value,
};
