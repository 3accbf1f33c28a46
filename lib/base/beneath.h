/* SPDX-License-Identifier: Apache-2.0 */
/* base/beneath.h - files that another file names, beneath the folder that it lies in: no path leads
 * out of the folder, by whatever links. */
#ifndef BASE_BENEATH_H
#define BASE_BENEATH_H

#include "heft/error.h"

/* The folder that the file `path` lies in; *fd is the caller's. */
enum heft_status heft_beneath_folder(const char *path, int *fd, struct heft_error *err);
/* Opens `path`, of plain names separated by slashes, beneath the folder, for reading. CORRUPT where
 * a part of it is a symbolic link, and where it is no regular file or one of several names;
 * NOT_FOUND; IO. Nothing but a regular file is ever opened. */
enum heft_status heft_beneath_open(int folder, const char *path, int *fd, struct heft_error *err);

#endif
