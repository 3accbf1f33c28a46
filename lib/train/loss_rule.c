/* SPDX-License-Identifier: Apache-2.0 */
/* loss_rule.c - the losses by name. */
#include "train/loss_rule.h"

#include <string.h>

#include "train/recipe.h"

static const struct heft_loss_rule rules[] = {
	{ "cross_entropy", "CrossEntropyLoss", HEFT_OUTCOME_CLASSES },
	{ "bce", "BinaryCrossEntropyLoss", HEFT_OUTCOME_BINARY },
	{ "mse", "SquaredErrorLoss", HEFT_OUTCOME_REALS },
	{ "l1", "AbsoluteErrorLoss", HEFT_OUTCOME_REALS },
	{ "huber", "HuberLoss", HEFT_OUTCOME_REALS },
};

const struct heft_loss_rule *heft_loss_rule_at(uint32_t i)
{
	return i < sizeof rules / sizeof *rules ? &rules[i] : NULL;
}

const struct heft_loss_rule *heft_loss_rule_find(const char *name)
{
	const struct heft_loss_rule *rule = NULL;

	for (uint32_t i = 0; (rule = heft_loss_rule_at(i)) != NULL; i++)
		if (strcmp(rule->name, name) == 0)
			break;
	return rule;
}

const struct heft_loss_rule *heft_loss_rule_default(bool targets_are_integers)
{
	return heft_loss_rule_find(targets_are_integers ? "cross_entropy" : "mse");
}

/* A number of binary64: an attribute FLOAT would have only 24 bits of it. */
static void add_real(struct heft_loss_attrs *a, const char *name, double value)
{
	const uint32_t i = a->n++;

	a->reals[i] = value;
	a->arrays[i] = (struct heft_array){ .dtype = HEFT_DTYPE_F64,
		                            .n_elements = 1,
		                            .n_bytes = sizeof value,
		                            .bytes = &a->reals[i] };
	a->rows[i] = (struct heft_attr){ .name = name,
		                         .kind = HEFT_ATTR_TENSOR,
		                         .tensor = &a->arrays[i] };
}

void heft_loss_attrs_init(struct heft_loss_attrs *a, const struct heft_recipe *r)
{
	memset(a, 0, sizeof *a);
	if (r->loss->outcome == HEFT_OUTCOME_CLASSES) {
		add_real(a, "label_smoothing", r->label_smoothing);
		a->rows[a->n++] = (struct heft_attr){ .name = "ignore_index",
			                              .kind = HEFT_ATTR_INT,
			                              .i = r->ignore_index };
	} else if (strcmp(r->loss->name, "huber") == 0) {
		add_real(a, "delta", r->huber_delta);
	}
}
