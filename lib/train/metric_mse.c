/* SPDX-License-Identifier: Apache-2.0 */
/* metric_mse.c - the mean of squared errors. */
#include "train/metric.h"

static double value(const struct heft_outcomes *o)
{
	struct heft_sum_f64 sum = o->squares; /* a copy: what is done is done */

	return o->n > 0 ? heft_sum_f64_done(&sum) / (double)o->n : 0;
}

const struct heft_metric heft_metric_mse = {
	.name = "mse",
	.outcomes = HEFT_OUTCOME_REALS,
	.is_error = true,
	.value = value,
};
