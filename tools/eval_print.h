/* SPDX-License-Identifier: Apache-2.0 */
/* eval_print.h - what an evaluation gave, for people and for scripts. */
#ifndef TOOLS_EVAL_PRINT_H
#define TOOLS_EVAL_PRINT_H

#include "heft/train.h"
#include "output.h"

struct eval_names {
	const char *model;
	const char *data;
	const char *const *classes; /* NULL: they have none */
	uint32_t n_classes;
};

void eval_print(struct output *out, const struct heft_evaluated *e, const struct eval_names *names);
void eval_print_json(struct output *out, const struct heft_evaluated *e,
                     const struct eval_names *names);

#endif
