/* SPDX-License-Identifier: Apache-2.0 */
/* base/folder.h - what is in a folder. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stdbool.h>

#include "heft/error.h"

bool heft_is_folder(const char *path); /* links are followed */

/* Paths that the caller gives to heft_free; NULL: no memory. `name` in the folder, which may end
 * with a slash; and `name` in the folder that the file `path` lies in. */
char *heft_path_join(const char *folder, const char *name);
char *heft_path_beside(const char *path, const char *name);

typedef enum heft_status (*heft_folder_fn)(void *ctx, const char *name, struct heft_error *err);

/* Calls fn with every name in the folder but "." and "..", in no order, until it fails. */
enum heft_status heft_folder_walk(const char *path, heft_folder_fn fn, void *ctx,
                                  struct heft_error *err);

#endif
