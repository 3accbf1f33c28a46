/* SPDX-License-Identifier: Apache-2.0 */
/* run_save.h - a model's outputs as files of arrays. */
#ifndef TOOLS_RUN_SAVE_H
#define TOOLS_RUN_SAVE_H

#include "heft/run.h"
#include "heft/write.h"

/* One file of all of them, in the format of the path's extension; a .npy only of one. Both report
 * what fails and give an exit status. */
int run_save_file(const char *path, const struct heft_value *values, uint32_t n,
                  const struct heft_write_options *options);
/* Whether a format has the extension of `path`: asked before anything is computed. */
int run_save_check(const char *path);

/* A .npy for each in a folder, which is made unless it is there. */
int run_save_folder(const char *folder, const struct heft_value *values, uint32_t n,
                    const struct heft_write_options *options);

#endif
