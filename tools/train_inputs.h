/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_inputs.h - the model and the data sets that a command trains, evaluates or replays with,
 * and which array goes where.
 */
#ifndef TOOLS_TRAIN_INPUTS_H
#define TOOLS_TRAIN_INPUTS_H

#include "command.h"
#include "heft/train.h"
#include "open_options.h"
#include "run_inputs.h"

/* Rows for `struct opt_list input` and `const char *target` in options. */
#define OPT_ROW_INPUT_ARRAY                                                                  \
	{                                                                                    \
		.letter = 'i', .name = "input", .arg = "NAME=ARRAY", .kind = OPT_LIST,       \
		.at = offsetof(struct options, input),                                       \
		.help = "give the model's input NAME the ARRAY of the data; may be repeated" \
	}
#define OPT_ROW_TARGET                                                                           \
	{                                                                                        \
		.letter = 't', .name = "target", .arg = "ARRAY", .kind = OPT_TEXT,               \
		.at = offsetof(struct options, target),                                          \
		.help = "the ARRAY, or column of a CSV file, that is to be predicted (default: " \
			"y, label or target, or the one left over; of CSV the last)"             \
	}

/* What the command line says of them. */
struct train_words {
	const char *path; /* of the model */
	const char *name; /* the same, to show */
	const char *data;
	const char *val;    /* NULL: none */
	const char *target; /* NULL: by its name */
	const struct opt_list *input;
	const struct opt_list *pin;
	const struct opt_list *assume;
};

struct train_inputs {
	struct open_options open;
	struct heft_file *model;
	struct heft_dataset *train;
	struct heft_dataset *val;
	struct heft_train_bind *binds;
	char **bind_names;
	uint32_t n_binds;
	struct run_inputs pins;
	const char *target;
};

/* Opens all of them. Reports what is wrong; an exit status. Either way train_inputs_done follows;
 * what `words` points to must stay. */
int train_inputs_open(struct train_inputs *t, const struct invocation *in,
                      const struct train_words *words);
void train_inputs_done(struct train_inputs *t); /* all zero, or after train_inputs_open */

/* Sets what goes where in the options of a trainer. */
void train_inputs_set(const struct train_inputs *t, struct heft_trainer_options *options);

#endif
