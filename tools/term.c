/* SPDX-License-Identifier: Apache-2.0 */
/* term.c - what is known about the terminal, if there is one. */
#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "size.h"

#define DEFAULT_COLUMNS 80
#define MAX_COLUMNS 10000

size_t term_columns(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		return size.ws_col > 0 ? size.ws_col : DEFAULT_COLUMNS;
	if (columns && size_parse_count(columns, 1, MAX_COLUMNS, &n))
		return (size_t)n;
	return 0;
}

bool term_can_redraw(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool term_is_in_foreground(void)
{
	return tcgetpgrp(STDERR_FILENO) == getpgrp();
}

bool term_has_colour(int fd)
{
	const char *no_color = getenv("NO_COLOR");

	return (!no_color || !*no_color) && term_can_redraw(fd);
}

bool term_has_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *locale = getenv(names[i]);

		/* the first that is set and not empty counts */
		if (locale && *locale)
			return strcasestr(locale, "UTF-8") || strcasestr(locale, "utf8");
	}
	return false;
}
