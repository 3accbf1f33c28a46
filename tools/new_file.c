/* SPDX-License-Identifier: Apache-2.0 */
/* new_file.c - a text file that appears whole under its name or not at all. */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "report.h"

#define SUFFIX ".XXXXXX"

static int refuse_existing(const char *path)
{
	report_words("%s: the file exists already; -f replaces it", path);
	return STATUS_USAGE;
}

int new_file_check(const char *path, bool overwrite)
{
	struct stat st;

	if (overwrite || lstat(path, &st) != 0)
		return STATUS_DONE;
	return refuse_existing(path);
}

/* mkstemp makes the file private; a new file has the rights that umask leaves. */
static void give_usual_rights(int fd)
{
	const mode_t mask = umask(0);

	umask(mask);
	(void)!fchmod(fd, 0666 & ~mask);
}

int new_file_open(struct new_file *f, const char *path, bool overwrite)
{
	const size_t n = strlen(path);

	if (new_file_check(path, overwrite) != STATUS_DONE)
		return STATUS_USAGE;
	*f = (struct new_file){ .path = path, .overwrite = overwrite };
	f->temporary = memory_new(n + sizeof SUFFIX, 1);
	memcpy(f->temporary, path, n);
	memcpy(f->temporary + n, SUFFIX, sizeof SUFFIX);

	const int fd = mkostemp(f->temporary, O_CLOEXEC);

	if (fd < 0) {
		const int error = errno;

		free(f->temporary);
		return report_system(path, "cannot create", error);
	}
	give_usual_rights(fd);
	output_init(&f->out, fd);
	return STATUS_DONE;
}

/* Gives the file its name: by link(2), which never replaces, or by rename(2), which does. */
static int publish(const struct new_file *f)
{
	if (f->overwrite)
		return rename(f->temporary, f->path) == 0
		               ? STATUS_DONE
		               : report_system(f->path, "cannot rename", errno);
	if (link(f->temporary, f->path) == 0) {
		unlink(f->temporary);
		return STATUS_DONE;
	}
	if (errno == EEXIST)
		return refuse_existing(f->path);
	return report_system(f->path, "cannot create", errno);
}

int new_file_commit(struct new_file *f)
{
	int error = output_flush(&f->out);
	int status;

	if (!error && fsync(f->out.fd) != 0)
		error = errno;
	if (close(f->out.fd) != 0 && !error)
		error = errno;
	f->out.fd = -1;
	status = error ? report_system(f->path, "cannot write", error) : publish(f);
	if (status != STATUS_DONE)
		unlink(f->temporary);
	output_done(&f->out);
	free(f->temporary);
	return status;
}

void new_file_discard(struct new_file *f)
{
	close(f->out.fd);
	unlink(f->temporary);
	output_done(&f->out);
	free(f->temporary);
}
