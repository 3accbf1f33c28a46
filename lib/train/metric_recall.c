/* SPDX-License-Identifier: Apache-2.0 */
/* metric_recall.c - of what is of a class, the share that was taken for it. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	return heft_metric_of_classes(o, heft_confusion_recall);
}

const struct heft_metric heft_metric_recall = {
	.name = "recall",
	.outcomes = HEFT_OUTCOME_CLASSES | HEFT_OUTCOME_BINARY,
	.value = value,
	.of_class = heft_confusion_recall,
};
