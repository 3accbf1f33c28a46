/* SPDX-License-Identifier: Apache-2.0 */
/*
 * new_file.h - a text file that appears whole under its name or not at all, for the outputs that
 * the library hands over as text.
 */
#ifndef TOOLS_NEW_FILE_H
#define TOOLS_NEW_FILE_H

#include <stdbool.h>

#include "output.h"

/*
 * Refuses, with a hint at -f, a target that exists and is not to be replaced. The library refuses
 * it too, for certain; this is only the better message.
 */
int new_file_check(const char *path, bool overwrite);

struct new_file {
	struct output out; /* print to this */
	const char *path;
	char *temporary;
	bool overwrite;
};

/* All report what fails and return an exit status. */
int new_file_open(struct new_file *f, const char *path, bool overwrite);
int new_file_commit(struct new_file *f);
void new_file_discard(struct new_file *f);

#endif
