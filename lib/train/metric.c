/* SPDX-License-Identifier: Apache-2.0 */
/* metric.c - the list of metrics, and what a run watches. */
#include "train/metric.h"

#include <string.h>

#define HEFT_METRIC(name) extern const struct heft_metric heft_metric_##name;
#include "train/metric_list.inc"
#undef HEFT_METRIC

static const struct heft_metric *const metrics[] = {
#define HEFT_METRIC(name) &heft_metric_##name,
#include "train/metric_list.inc"
#undef HEFT_METRIC
};

const struct heft_metric *heft_metric_at(uint32_t i)
{
	return i < sizeof metrics / sizeof *metrics ? metrics[i] : NULL;
}

const struct heft_metric *heft_metric_find(const char *name)
{
	const struct heft_metric *m = NULL;

	for (uint32_t i = 0; (m = heft_metric_at(i)) != NULL; i++)
		if (strcmp(m->name, name) == 0)
			break;
	return m;
}

bool heft_metric_applies(const struct heft_metric *m, const struct heft_outcomes *o)
{
	return (m->outcomes & o->kind) != 0 && o->confusion.n_classes >= m->min_classes;
}

double heft_metric_of_classes(const struct heft_outcomes *o,
                              double (*of_class)(const struct heft_confusion *c, uint32_t k))
{
	if (o->kind == HEFT_OUTCOME_BINARY)
		return of_class(&o->confusion, 1);
	return heft_confusion_mean(&o->confusion, of_class);
}

bool heft_monitor_find(const char *name, struct heft_monitor *monitor)
{
	*monitor = (struct heft_monitor){ .is_of_training = strcmp(name, "train_loss") == 0 };
	if (monitor->is_of_training || strcmp(name, "val_loss") == 0)
		return true;
	if (strncmp(name, "val_", 4) != 0)
		return false;
	monitor->metric = heft_metric_find(name + 4);
	return monitor->metric != NULL;
}

bool heft_monitor_is_better(const struct heft_monitor *monitor, double value, double best)
{
	const bool is_less_better = !monitor->metric || monitor->metric->is_error;

	if (best != best)
		return value == value;
	return is_less_better ? value < best : value > best;
}
