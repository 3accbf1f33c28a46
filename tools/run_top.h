/* SPDX-License-Identifier: Apache-2.0 */
/* run_top.h - the classes of the highest scores, one list a row of the batch. */
#ifndef TOOLS_RUN_TOP_H
#define TOOLS_RUN_TOP_H

#include "array_text.h"

struct class_labels {
	char *text; /* the file; each line ends with NUL */
	const char **lines;
	uint64_t n;
};

/* Reads a file of a label a line; NULL: there are none. Reports what fails; an exit status. */
int class_labels_read(struct class_labels *labels, const char *path);
void class_labels_done(struct class_labels *labels);

/* Whether an output has scores: numbers in rows of two or more, dimensions of 1 behind them. */
bool run_top_fits(const struct heft_value *v);
/* A usage error where there are labels, but not one for each class. */
int run_top_check(const struct class_labels *labels, const struct heft_value *v,
                  const char *labels_path);
void run_top_print(struct output *out, const struct heft_value *v, uint32_t n_top,
                   const struct class_labels *labels);
/* An array a row of {class, score, label}. */
void run_top_print_json(struct json_out *j, const struct heft_value *v, uint32_t n_top,
                        const struct class_labels *labels);

#endif
