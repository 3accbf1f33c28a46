/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - makes an input seekable by copying "-" and pipes to a temporary file. */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "memory.h"
#include "report.h"

#define PIECE_SIZE 262144

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		const ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno != EINTR)
			return errno;
		if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

/* Copies all of `in`. Reports what fails. */
static int copy(const struct spool *s, int in)
{
	char *piece = memory_new(PIECE_SIZE, 1);
	int status = STATUS_DONE;

	for (;;) {
		const ssize_t n = read(in, piece, PIECE_SIZE);
		int error = 0;

		if (interrupt_pending())
			status = interrupt_status();
		else if (n < 0 && errno != EINTR)
			status = report_system(s->name, "cannot read", errno);
		else if (n > 0)
			error = write_all(s->fd, piece, (size_t)n);
		if (error)
			status = report_system(s->name, "cannot copy to a temporary file", error);
		if (n == 0 || status != STATUS_DONE)
			break;
	}
	free(piece);
	return status;
}

/* Opens a file without a name in $TMPDIR; -1 and errno when that fails. */
static int open_nameless(void)
{
	const char *folder = getenv("TMPDIR");
	char path[4096];

	if (!folder || !*folder)
		folder = "/tmp";
	if (snprintf(path, sizeof path, "%s/heft-XXXXXX", folder) >= (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	const int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	return fd;
}

static int spool_input(struct spool *s, int in)
{
	interrupt_watch();
	s->fd = open_nameless();
	if (s->fd < 0)
		return report_system(s->name, "cannot make a temporary file", errno);
	snprintf(s->own_path, sizeof s->own_path, "/dev/fd/%d", s->fd);
	s->path = s->own_path;
	return copy(s, in);
}

static int spool_stdin(struct spool *s)
{
	struct stat st;

	if (isatty(STDIN_FILENO)) {
		report_words("standard input is a terminal; give a file, or redirect one to it");
		return STATUS_USAGE;
	}
	/* A redirected file is seekable already, if nobody has read from it. */
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
	    lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) {
		s->path = "/dev/fd/0";
		return STATUS_DONE;
	}
	return spool_input(s, STDIN_FILENO);
}

static int spool_pipe(struct spool *s, const char *path)
{
	const int in = open(path, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return report_system(s->name, "cannot open", errno);
	const int status = spool_input(s, in);

	close(in);
	return status;
}

int spool_open(struct spool *s, const char *operand)
{
	struct stat st;
	int status = STATUS_DONE;

	*s = (struct spool){ .path = operand, .name = operand, .fd = -1 };
	if (strcmp(operand, "-") == 0)
		status = spool_stdin(s);
	else if (stat(operand, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		status = spool_pipe(s, operand);
	if (status != STATUS_DONE)
		spool_close(s);
	return status;
}

void spool_close(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
