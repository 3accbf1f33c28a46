/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_set.h - several new files that get their names together: written into a private
 * temporary folder on the same file system, then moved. A folder that is not there yet appears
 * whole or not at all; in one that is, the last file comes last. */
#ifndef BASE_FILE_SET_H
#define BASE_FILE_SET_H

#include "base/sink.h"

struct heft_file_set;

/* `folder` (with or without a slash at its end) is made when it is not there, as long as the one
 * that it lies in is. Nothing but the temporary folder is made yet. */
enum heft_status heft_file_set_new(const char *folder, const struct heft_sink_options *options,
                                   struct heft_file_set **out, struct heft_error *err);
/* A file of this plain name: *path (heft_free) is where to write it. Without `overwrite` a file
 * that is there already is HEFT_E_USAGE. */
enum heft_status heft_file_set_add(struct heft_file_set *s, const char *name, char **path,
                                   struct heft_error *err);
/* A name that is taken away before any file is moved, so that nobody reads what it stands for
 * beside new files; without `overwrite` it may not be there. */
enum heft_status heft_file_set_remove(struct heft_file_set *s, const char *name,
                                      struct heft_error *err);
/* A name that is taken away when all files have theirs, unless one of them has it. */
enum heft_status heft_file_set_clean(struct heft_file_set *s, const char *name,
                                     struct heft_error *err);
/* Moves the files, which are closed, in the order in which they were added; frees s whatever the
 * result. Without `overwrite` a failure leaves nothing behind. */
enum heft_status heft_file_set_commit(struct heft_file_set *s, struct heft_error *err);
void heft_file_set_discard(struct heft_file_set *s); /* takes NULL */

#endif
