/* SPDX-License-Identifier: Apache-2.0 */
/* metric_top5.c - the share of samples whose class is among the five with the greatest scores. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	return o->n > 0 ? (double)o->n_in_five / (double)o->n : 0;
}

const struct heft_metric heft_metric_top5 = {
	.name = "top5",
	.outcomes = HEFT_OUTCOME_CLASSES,
	.min_classes = 6,
	.value = value,
};
