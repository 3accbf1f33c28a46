/* SPDX-License-Identifier: Apache-2.0 */
/* report.c - exit statuses, and the one line on standard error that goes with each but 0. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "interrupt.h"
#include "print_name.h"

int report_status(enum heft_status code)
{
	switch (code) {
	case HEFT_OK:
		return STATUS_DONE;
	case HEFT_E_USAGE:
	case HEFT_E_NOT_FOUND:
		return STATUS_USAGE;
	case HEFT_E_NOT_FORMAT:
	case HEFT_E_CORRUPT:
	case HEFT_E_UNSUPPORTED:
	case HEFT_E_LIMIT:
		return STATUS_BAD_DATA;
	case HEFT_E_CANCELLED:
		return interrupt_status();
	case HEFT_E_NOMEM:
	case HEFT_E_IO:
	case HEFT_E_BUSY:
		break;
	}
	return STATUS_SYSTEM;
}

/* Sends a finished line in one write, so that lines of several processes do not mix. */
static void send_line(struct output *line)
{
	output_char(line, '\n');
	output_flush(line);
	output_done(line);
}

int report_error(const char *file, const struct heft_error *err)
{
	struct output line;

	if (err->code == HEFT_E_CANCELLED || interrupt_pending())
		return interrupt_status();
	output_init(&line, STDERR_FILENO);
	output_text(&line, "heft: ");
	print_words(&line, file);
	output_text(&line, ": ");
	print_words(&line, err->msg);
	if (err->offset != HEFT_NO_OFFSET)
		output_format(&line, " (at byte %" PRIu64 ")", err->offset);
	send_line(&line);
	return report_status(err->code);
}

int report_system(const char *file, const char *what, int error)
{
	struct output line;

	output_init(&line, STDERR_FILENO);
	output_text(&line, "heft: ");
	print_words(&line, file);
	output_format(&line, ": %s: %s", what, strerror(error));
	send_line(&line);
	return STATUS_SYSTEM;
}

static void print_formatted(struct output *line, const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof text, fmt, ap);
	print_words(line, text);
}

void report_words(const char *fmt, ...)
{
	struct output line;
	va_list ap;

	output_init(&line, STDERR_FILENO);
	output_text(&line, "heft: ");
	va_start(ap, fmt);
	print_formatted(&line, fmt, ap);
	va_end(ap);
	send_line(&line);
}

int report_usage(const struct command *command, const char *fmt, ...)
{
	struct output line;
	va_list ap;

	output_init(&line, STDERR_FILENO);
	output_text(&line, "heft");
	if (command)
		output_format(&line, " %s", command->name);
	output_text(&line, ": ");
	va_start(ap, fmt);
	print_formatted(&line, fmt, ap);
	va_end(ap);
	output_text(&line, "\ntry 'heft ");
	if (command)
		output_format(&line, "%s ", command->name);
	output_text(&line, "--help'");
	send_line(&line);
	return STATUS_USAGE;
}
