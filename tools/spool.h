/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - makes an input seekable: "-" and pipes are copied to a temporary file first, which has
 * no name and so cannot be left behind.
 */
#ifndef TOOLS_SPOOL_H
#define TOOLS_SPOOL_H

struct spool {
	const char *path; /* to open; borrowed from the operand, or `own_path` */
	const char *name; /* to show */
	int fd;           /* -1: nothing was copied */
	char own_path[32];
};

/* Prepares an operand that names an input. Reports what fails; returns an exit status. */
int spool_open(struct spool *s, const char *operand);
void spool_close(struct spool *s);

#endif
