/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore.h - writes a source file back byte for byte, by its recipe (spec/container.md
 * 7.2). */
#ifndef WEIGHTS_RESTORE_H
#define WEIGHTS_RESTORE_H

#include "weights/file.h"

struct heft_restore_request {
	struct heft_file *file;
	const struct heft_format *format; /* of the target */
	struct heft_sink *sink;           /* empty; stays the caller's */
	const struct heft_run *run;
	uint8_t *weights_digest; /* filled when restored; NULL: not wanted */
	/* filled when there is a recipe for this format that does not hold any more */
	char *note;
	size_t note_size;
};

/* *is_restored false: there is no recipe to use, nothing was written, and the ordinary writer's
 * turn has come. */
enum heft_status heft_restore(const struct heft_restore_request *request, bool *is_restored,
                              struct heft_error *err);

#endif
