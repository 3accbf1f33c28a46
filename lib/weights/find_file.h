/* SPDX-License-Identifier: Apache-2.0 */
/* weights/find_file.h - the file of weights that a folder stands for. */
#ifndef WEIGHTS_FIND_FILE_H
#define WEIGHTS_FIND_FILE_H

#include "heft/error.h"

/* The index of a set where there is one, else the only file that goes by the extension of a format.
 * *path is the caller's to free. HEFT_E_USAGE: there is none, or more than one, which are named. */
enum heft_status heft_find_file(const char *folder, char **path, struct heft_error *err);

#endif
