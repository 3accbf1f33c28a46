/* SPDX-License-Identifier: Apache-2.0 */
/* metric_f1.c - the harmonic mean of precision and recall. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	return heft_metric_of_classes(o, heft_confusion_f1);
}

const struct heft_metric heft_metric_f1 = {
	.name = "f1",
	.outcomes = HEFT_OUTCOME_CLASSES | HEFT_OUTCOME_BINARY,
	.value = value,
	.of_class = heft_confusion_f1,
};
