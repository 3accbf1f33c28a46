/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore.h - writes a source file, or the files of a set, back byte for byte, by their
 * recipe (spec/container.md 7.2). */
#ifndef WEIGHTS_RESTORE_H
#define WEIGHTS_RESTORE_H

#include "base/file_set.h"
#include "weights/file.h"

struct heft_restore_request {
	struct heft_file *file;
	const struct heft_format *format; /* of the target */
	struct heft_sink *sink;           /* of one file: empty; stays the caller's */
	struct heft_file_set *files;      /* of a format that has sets: without files yet */
	const char *first_name;           /* of a set's first file; NULL: as the recipe says */
	bool no_sync;                     /* of a set's files */
	const struct heft_run *run;
	uint8_t *weights_digest; /* filled when restored; NULL: not wanted */
	/* filled when there is a recipe for this format that does not hold any more */
	char *note;
	size_t note_size;
	uint32_t *n_files; /* filled when restored; NULL: not wanted */
};

/* *is_restored false: there is no recipe to use, nothing was written, and the ordinary writer's
 * turn has come. Else *size is that of all files together. */
enum heft_status heft_restore(const struct heft_restore_request *request, bool *is_restored,
                              uint64_t *size, struct heft_error *err);

#endif
