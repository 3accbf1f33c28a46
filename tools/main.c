/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the heft command: finds the verb in the table that the build makes, and sees to the way
 * out.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "help.h"
#include "memory.h"
#include "nearest.h"

#define HEFT_COMMAND(name) extern const struct command command_##name;
#include "command_list.inc"
#undef HEFT_COMMAND

static const struct command *const commands[] = {
#define HEFT_COMMAND(name) &command_##name,
#include "command_list.inc"
#undef HEFT_COMMAND
	NULL,
};

const struct command *command_at(size_t i)
{
	return i < sizeof commands / sizeof commands[0] ? commands[i] : NULL;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int refuse_verb(const char *verb)
{
	struct nearest nearest;

	nearest_init(&nearest, verb);
	for (size_t i = 0; commands[i]; i++)
		nearest_offer(&nearest, commands[i]->name);
	nearest_offer(&nearest, "help");
	if (verb[0] == '-')
		return report_usage(NULL, "unknown option '%s'; options follow the command", verb);
	if (nearest.best)
		return report_usage(NULL, "unknown command '%s'; is '%s' meant?", verb,
		                    nearest.best);
	return report_usage(NULL, "unknown command '%s'", verb);
}

static int run_command(const struct command *command, char **words, uint32_t n_words,
                       struct output *out)
{
	void *options = memory_new(1, command->options_size);
	struct invocation in = {
		.command = command, .options = options, .operands = words, .out = out
	};
	bool wants_help;
	int status = opt_parse(command, words, n_words, options, &in.n_operands, &wants_help);

	if (status == STATUS_DONE && wants_help)
		help_command(out, command);
	else if (status == STATUS_DONE)
		status = command->run(&in);
	opt_done(command, options);
	free(options);
	return status;
}

static int help_verb(const char *verb, struct output *out)
{
	const struct command *command = find_command(verb);

	if (command)
		help_command(out, command);
	else if (strcmp(verb, "help") == 0)
		help_overview(out);
	else
		return refuse_verb(verb);
	return STATUS_DONE;
}

static int dispatch(char **words, uint32_t n_words, struct output *out)
{
	const char *verb = n_words > 0 ? words[0] : NULL;

	if (!verb)
		return report_usage(NULL, "no command given");
	if (strcmp(verb, "--version") == 0 || strcmp(verb, "-V") == 0)
		help_version(out);
	else if (strcmp(verb, "help") == 0 && n_words > 1)
		return help_verb(words[1], out);
	else if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 ||
	         strcmp(verb, "help") == 0)
		help_overview(out);
	else if (find_command(verb))
		return run_command(find_command(verb), words + 1, n_words - 1, out);
	else
		return refuse_verb(verb);
	return STATUS_DONE;
}

/* A file opened by the library must never become standard output because that was closed. */
static void occupy_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* What was printed counts only once it has arrived. A reader that went away knows that it did. */
static int finish(struct output *out, int status)
{
	const int error = output_flush(out);

	output_done(out);
	if (error == EPIPE)
		return STATUS_SYSTEM;
	return error ? report_system("standard output", "cannot write", error) : status;
}

int main(int argc, char **argv)
{
	struct output out;

	occupy_standard_files();
	/* A closed pipe is an error like others, so that temporary files are removed. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* and so is a limit on the size of files */
	output_init(&out, STDOUT_FILENO);
	return finish(&out, dispatch(argv + 1, argc > 0 ? (uint32_t)(argc - 1) : 0, &out));
}
