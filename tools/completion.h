/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion.h - what a shell can offer for a word of the command line, told by the tables that the
 * command line is parsed with; and the scripts for the shells.
 */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

#include "opt.h"
#include "output.h"

/* Told by an option's kind and by its `arg`, or by a word of a command's `operands`. */
enum completion {
	COMPLETE_NONE,       /* anything: a number, a name of a tensor */
	COMPLETE_FLAG,       /* the option takes no value */
	COMPLETE_FILE,       /* OUT, FILE, IN, ...; of the operands, all that is nothing else */
	COMPLETE_FOLDER,     /* FOLDER */
	COMPLETE_FORMAT,     /* FORMAT */
	COMPLETE_DTYPE,      /* OPT_DTYPE */
	COMPLETE_PAIR_DTYPE, /* behind a '=', as in GLOB=DTYPE */
	COMPLETE_CHOICE,     /* its choices; of OPT_CHOICE only behind a '=' */
	COMPLETE_COMMAND,    /* COMMAND */
	COMPLETE_WORDS       /* an operand as in bash|zsh: these */
};

enum completion completion_of_option(const struct opt *opt);

/* Walks through the words of `operands`, at first *at; false after the last one. "[...]" is `word`
 * without its brackets and is_optional, "FILE..." is_repeated. */
struct completion_operand {
	const char *word;
	size_t size;
	bool is_optional;
	bool is_repeated;
	enum completion completion;
};
bool completion_next_operand(const char **at, struct completion_operand *operand);

/* All of them, separated by blanks. */
void completion_print_formats(struct output *out); /* those that can be written */
void completion_print_dtypes(struct output *out);  /* those that a cast can give */
void completion_print_commands(struct output *out);

/* completion_bash.c, completion_zsh.c */
void completion_print_bash(struct output *out);
void completion_print_zsh(struct output *out);

#endif
