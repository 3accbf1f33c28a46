/* SPDX-License-Identifier: Apache-2.0 */
/* train/metric.h - how good predictions are, in one number (spec F7-70 to F7-73). A new metric is
 * one new file metric_<name>.c, with a `const struct heft_metric heft_metric_<name>`, and one word
 * in lib/train/meson.build. */
#ifndef TRAIN_METRIC_H
#define TRAIN_METRIC_H

#include "train/outcomes.h"

struct heft_metric {
	const char *name;
	uint32_t outcomes;    /* of enum heft_outcome: those that it is made of */
	bool is_error;        /* less is better */
	uint32_t min_classes; /* with fewer classes it says nothing */
	double (*value)(const struct heft_outcomes *o);
	/* Of one class alone; NULL: there is no such number. */
	double (*of_class)(const struct heft_confusion *c, uint32_t k);
};

const struct heft_metric *heft_metric_at(uint32_t i); /* NULL past the last */
const struct heft_metric *heft_metric_find(const char *name);
/* Whether it goes with what was counted: the loss's kind, and enough classes. */
bool heft_metric_applies(const struct heft_metric *m, const struct heft_outcomes *o);
/* What precision, recall and F1 come to: the mean over the classes; of yes and no, that of yes. */
double heft_metric_of_classes(const struct heft_outcomes *o,
                              double (*of_class)(const struct heft_confusion *c, uint32_t k));

/* What a recipe's `monitor` names. */
struct heft_monitor {
	bool is_of_training;              /* train_loss */
	const struct heft_metric *metric; /* NULL: the loss */
};
/* False: there is no such thing. */
bool heft_monitor_find(const char *name, struct heft_monitor *monitor);
/* Whether `value` beats `best`; no NaN is better than anything. */
bool heft_monitor_is_better(const struct heft_monitor *monitor, double value, double best);

#endif
