/* SPDX-License-Identifier: Apache-2.0 */
/* metric_mae.c - the mean size of errors. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	struct heft_sum_f64 sum = o->sizes; /* a copy: what is done is done */

	return o->n > 0 ? heft_sum_f64_done(&sum) / (double)o->n : 0;
}

const struct heft_metric heft_metric_mae = {
	.name = "mae",
	.outcomes = HEFT_OUTCOME_REALS,
	.is_error = true,
	.value = value,
};
