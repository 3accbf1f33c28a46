/* SPDX-License-Identifier: Apache-2.0 */
/* log_text.h - a lineage in lines that a person reads. */
#ifndef TOOLS_LOG_TEXT_H
#define TOOLS_LOG_TEXT_H

#include "heft/lineage.h"
#include "output.h"

/* The steps, the oldest first; of recipes only what is not usual, or all of it. */
void log_print_steps(struct output *out, const struct heft_lineage *lineage, bool is_all);

/* The table of epochs; every row, or the first and last ones of many. */
void log_print_epochs(struct output *out, const struct heft_epochs *epochs, bool is_all);

#endif
