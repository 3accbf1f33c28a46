/* SPDX-License-Identifier: Apache-2.0 */
/* tune_plan.h - what stands before a training: its recipe, and what it would take. */
#ifndef TOOLS_TUNE_PLAN_H
#define TOOLS_TUNE_PLAN_H

#include "heft/tune.h"
#include "output.h"

/* Both report what fails and give an exit status. */
int tune_config_read(struct heft_recipe *recipe, const char *path);
int tune_config_print(const struct heft_recipe *recipe, struct output *out);

/* Prints parameters, memory and steps before the first one. */
struct heft_tune_calls tune_plan_calls(struct output *out);

#endif
