/* SPDX-License-Identifier: Apache-2.0 */
/* train/loss_rule.h - the losses by the names that a recipe has for them: which operator of the
 * domain "heft" computes one, with which attributes, and what is counted beside it. */
#ifndef TRAIN_LOSS_RULE_H
#define TRAIN_LOSS_RULE_H

#include "graph/op.h"

struct heft_recipe;

/* What a prediction and its target say. */
enum heft_outcome {
	HEFT_OUTCOME_CLASSES = 1 << 0, /* a score for each class; the target is a class number */
	HEFT_OUTCOME_BINARY = 1 << 1,  /* logits, each of a question; targets from 0 to 1 */
	HEFT_OUTCOME_REALS = 1 << 2
};

struct heft_loss_rule {
	const char *name;    /* in a recipe */
	const char *op_name; /* domain "heft" */
	enum heft_outcome outcome;
};

const struct heft_loss_rule *heft_loss_rule_at(uint32_t i); /* NULL past the last */
const struct heft_loss_rule *heft_loss_rule_find(const char *name);
/* Where a recipe names none: cross_entropy of targets that are integers, else mse. */
const struct heft_loss_rule *heft_loss_rule_default(bool targets_are_integers);

#define HEFT_LOSS_MAX_ATTRS 2

/* The attributes of the operator: rows that point into this object. */
struct heft_loss_attrs {
	struct heft_attr rows[HEFT_LOSS_MAX_ATTRS];
	uint32_t n;
	double reals[HEFT_LOSS_MAX_ATTRS];
	struct heft_array arrays[HEFT_LOSS_MAX_ATTRS];
};
/* For r->loss, which is set. */
void heft_loss_attrs_init(struct heft_loss_attrs *a, const struct heft_recipe *r);

#endif
