/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_options.h - what the commands that train, evaluate and replay read from the command line
 * alike: data sets, which array goes where, keys of a recipe, the CPU.
 */
#ifndef TOOLS_TRAIN_OPTIONS_H
#define TOOLS_TRAIN_OPTIONS_H

#include "command.h"
#include "heft/train.h"

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

/* All report what is wrong and give an exit status. */

/* Opens a data set; `target` may be NULL. `like` is one whose classes have the same numbers, as
 * validation data has those of the training data; NULL. */
int train_data_open(const char *path, const char *target, const struct heft_dataset *like,
                    struct heft_dataset **data);

/* NAME=ARRAY of each item: *binds is the caller's to free, and borrows from `names`. */
struct train_binds {
	struct heft_train_bind *rows;
	char **names;
	uint32_t n;
};
int train_binds_read(struct train_binds *binds, const struct command *command,
                     const struct opt_list *list);
void train_binds_done(struct train_binds *binds);

/* What --target means to a trainer: of CSV it named a column, which is array y. */
const char *train_target(const struct heft_dataset *data, const char *target);

/* Sets the key of a recipe that each option is called after, '-' for '_'. */
int train_recipe_set(struct heft_recipe *recipe, const struct command *command,
                     const struct opt_list *list);

#endif
