/* SPDX-License-Identifier: Apache-2.0 */
/* opt.h - options from tables: parsed, described and checked in one place for all commands. */
#ifndef TOOLS_OPT_H
#define TOOLS_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

enum opt_kind {
	OPT_FLAG,    /* bool */
	OPT_TEXT,    /* const char * */
	OPT_LIST,    /* struct opt_list; options may share one, which keeps their order */
	OPT_COUNT,   /* uint32_t, 1 to 1,024 */
	OPT_SIZE,    /* uint64_t */
	OPT_SECONDS, /* uint32_t, in milliseconds, at least 1 */
	OPT_DTYPE,   /* enum heft_dtype */
	OPT_CHOICE   /* uint32_t: the place in `choices`; without a value, its 1 */
};

struct opt {
	char letter;      /* 0: no short form */
	const char *name; /* without the dashes */
	const char *arg;  /* the value's name in the help; NULL for flags */
	enum opt_kind kind;
	size_t at; /* offset of the value in the command's struct of options */
	const char *help;
	/* of OPT_CHOICE; of OPT_TEXT what a shell can offer; ends with NULL */
	const char *const *choices;
};

/* Rows that several commands have; each stands for a member of that command's `struct options`. */
#define OPT_ROW_THREADS                                                          \
	{                                                                        \
		.letter = 'j', .name = "threads", .arg = "N", .kind = OPT_COUNT, \
		.at = offsetof(struct options, threads),                         \
		.help = "use N threads (default: as many as there are cores)"    \
	}
#define OPT_ROW_FORCE                                                                     \
	{                                                                                 \
		.letter = 'f', .name = "force", .kind = OPT_FLAG,                         \
		.at = offsetof(struct options, force), .help = "replace OUT if it exists" \
	}
#define OPT_ROW_QUIET                                                                     \
	{                                                                                 \
		.letter = 'q', .name = "quiet", .kind = OPT_FLAG,                         \
		.at = offsetof(struct options, quiet), .help = "do not say what was done" \
	}
#define OPT_ROW_NO_SYNC                                                                           \
	{                                                                                         \
		.name = "no-sync", .kind = OPT_FLAG, .at = offsetof(struct options, no_sync),     \
		.help = "do not wait for the disk: a crash of the machine may then lose the file" \
	}
#define OPT_ROW_LOCK_TIMEOUT                                                   \
	{                                                                      \
		.name = "lock-timeout", .arg = "SECONDS", .kind = OPT_SECONDS, \
		.at = offsetof(struct options, lock_ms),                       \
		.help = "wait so long for another writer (default: 10)"        \
	}
#define OPT_ROW_MAX_MEMORY                                                          \
	{                                                                           \
		.name = "max-memory", .arg = "SIZE", .kind = OPT_SIZE,              \
		.at = offsetof(struct options, max_memory),                         \
		.help = "fail rather than take more than SIZE for what is computed" \
	}
#define OPT_ROW_END          \
	{                    \
		.name = NULL \
	}

/* One time that an option of kind OPT_LIST was given. */
struct opt_item {
	const struct opt *opt;
	const char *value;
};

struct opt_list {
	struct opt_item *items;
	uint32_t n;
};

/*
 * Parses the words after the verb into `options`. The operands move to the front of `words`, in
 * order; *n_operands says how many they are. Options may stand anywhere, "--" ends them.
 * *wants_help: --help was among them. A mistake is reported; returns STATUS_DONE or STATUS_USAGE.
 */
int opt_parse(const struct command *command, char **words, uint32_t n_words, void *options,
              uint32_t *n_operands, bool *wants_help);

/* Frees the lists in `options`. */
void opt_done(const struct command *command, void *options);

#endif
