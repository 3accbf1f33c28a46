/* SPDX-License-Identifier: Apache-2.0 */
/* metric_precision.c - of what was taken for a class, the share that is of it. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	return heft_metric_of_classes(o, heft_confusion_precision);
}

const struct heft_metric heft_metric_precision = {
	.name = "precision",
	.outcomes = HEFT_OUTCOME_CLASSES | HEFT_OUTCOME_BINARY,
	.value = value,
	.of_class = heft_confusion_precision,
};
