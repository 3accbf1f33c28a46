/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_inputs.h - arrays that a model is given: from files of arrays, as --input says, and from the
 * command line, as --pin does.
 */
#ifndef TOOLS_RUN_INPUTS_H
#define TOOLS_RUN_INPUTS_H

#include "command.h"
#include "heft/run.h"
#include "open_options.h"

/* A row for `struct opt_list pin` in options. */
#define OPT_ROW_PIN                                                                         \
	{                                                                                   \
		.letter = 'p', .name = "pin", .arg = "NAME=VALUE", .kind = OPT_LIST,        \
		.at = offsetof(struct options, pin),                                        \
		.help = "fix input NAME to a number, true, false, or a list as in [1, 2]: " \
			"what follows from it is computed once; may be repeated"            \
	}

struct run_inputs {
	struct heft_value *values; /* names are borrowed from the model */
	void **bytes;              /* that they point to */
	uint32_t n;
};

/* Reads what each `--input` stands for: FILE, NAME=FILE or NAME=FILE:ARRAY. What is done to an
 * array so that it fits is told unless is_quiet. Reports what fails; an exit status. */
int run_inputs_read(struct run_inputs *inputs, const struct invocation *in,
                    const struct heft_model *model, const struct opt_list *specs,
                    const struct open_options *open, bool is_quiet);

/* Reads `--pin NAME=VALUE` in the dtype that the file's graph declares for the input; the names are
 * kept with the values. */
int run_pins_read(struct run_inputs *pins, const struct invocation *in, struct heft_file *model,
                  const char *path, const struct opt_list *specs);

void run_inputs_done(struct run_inputs *inputs); /* all zero, or after either, whatever it gave */

#endif
