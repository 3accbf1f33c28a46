/* SPDX-License-Identifier: Apache-2.0 */
/* metric_r2.c - the share of the targets' variance that is explained, R²: the mean over the outputs
 * of a sample. */
#include "train/metric.h"

/* Targets that are all the same: 1 if they were met, else 0. */
static double of_output(const struct heft_output_outcomes *output)
{
	if (output->deviations == 0)
		return output->residuals == 0 ? 1 : 0;
	return 1 - output->residuals / output->deviations;
}

static double value(const struct heft_outcomes *o)
{
	double sum = 0;

	for (uint64_t i = 0; i < o->n_outputs; i++)
		sum += of_output(&o->outputs[i]);
	return o->n_outputs > 0 ? sum / (double)o->n_outputs : 0;
}

const struct heft_metric heft_metric_r2 = {
	.name = "r2",
	.outcomes = HEFT_OUTCOME_REALS,
	.value = value,
};
