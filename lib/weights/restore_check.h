/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore_check.h - whether the files that a recipe gives have the tensors that they are to
 * have, with their bytes (spec R7.2-3). */
#ifndef WEIGHTS_RESTORE_CHECK_H
#define WEIGHTS_RESTORE_CHECK_H

#include "weights/restore_recipe.h"

struct heft_restored {
	struct heft_file *file;           /* with the tensors that are wanted */
	const struct heft_format *format; /* of the new file */
	const struct heft_restore_recipe *recipe;
};

/* Of the written file, the first one of a set; `path` is where the others lie beside.
 * HEFT_E_CORRUPT: it has not. */
enum heft_status heft_restored_check(const struct heft_restored *r, struct heft_source *src,
                                     const char *path, struct heft_error *err);
/* The same before anything is written, for one file that goes into a pipe. */
enum heft_status heft_restored_check_before(const struct heft_restored *r, struct heft_error *err);

#endif
