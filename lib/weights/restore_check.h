/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore_check.h - whether a file that a recipe gives has the tensors that it is to have,
 * with their bytes (spec R7.2-3). */
#ifndef WEIGHTS_RESTORE_CHECK_H
#define WEIGHTS_RESTORE_CHECK_H

#include "weights/file.h"

/* A piece of the recipe: where it lies in the new file, and of which tensor it is. */
struct heft_restore_piece {
	uint64_t off;
	uint64_t tensor_size;
	uint32_t tensor; /* as the file numbers it; UINT32_MAX: a literal */
	uint32_t unit;
};

struct heft_restored {
	struct heft_file *file;           /* with the tensors that are wanted */
	const struct heft_format *format; /* of the new file */
	const struct heft_origin_file *recipe;
	const struct heft_restore_piece *pieces;
	uint32_t n_pieces;
};

/* Of the written file; takes the descriptor over. HEFT_E_CORRUPT: it has not. */
enum heft_status heft_restored_check(const struct heft_restored *r, int fd, struct heft_error *err);
/* The same before anything is written, for a pipe. */
enum heft_status heft_restored_check_before(const struct heft_restored *r, struct heft_error *err);

#endif
