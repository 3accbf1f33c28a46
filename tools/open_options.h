/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_options.h - how a command opens a file of a foreign format: what --assume says, and where
 * temporary files go.
 *
 *	status = open_options_init(&open, in->command, &o->assume, NULL);
 *	if (status == STATUS_DONE)
 *		st = heft_open(path, &open.options, &file, &err);
 *	...
 *	open_options_done(&open);
 */
#ifndef TOOLS_OPEN_OPTIONS_H
#define TOOLS_OPEN_OPTIONS_H

#include "command.h"
#include "heft/file.h"

/* A row of a command's table, for `struct opt_list assume` in its options. */
#define OPT_ROW_ASSUME                                                                 \
	{                                                                              \
		.name = "assume", .arg = "TYPE=DTYPE", .kind = OPT_LIST,               \
		.at = offsetof(struct options, assume),                                \
		.help = "take a type of NumPy's, as in V2, for DTYPE; may be repeated" \
	}

struct open_options {
	struct heft_open_options options; /* more may be set before the file is opened */
	struct heft_assume *assumes;
	char **types; /* of the assumptions */
	char *folder;
};

/* `target` is the file that is to be written, whose folder takes temporary files; NULL: $TMPDIR
 * does, or the system's. A mistake is reported; returns STATUS_DONE or STATUS_USAGE. Either way
 * open_options_done frees what is held. */
int open_options_init(struct open_options *o, const struct command *command,
                      const struct opt_list *assume, const char *target);
void open_options_done(struct open_options *o);

#endif
