/* SPDX-License-Identifier: Apache-2.0 */
/* weights/restore_recipe.h - a recipe that is to be used: found, held against the file, and its
 * pieces made those of the file's tensors. */
#ifndef WEIGHTS_RESTORE_RECIPE_H
#define WEIGHTS_RESTORE_RECIPE_H

#include "weights/chunk_plan.h"
#include "weights/restore.h"

/* A piece: where it lies in the new file, and of which tensor it is. */
struct heft_restore_piece {
	uint64_t off;
	uint64_t tensor_size;
	uint32_t tensor; /* as the file numbers it; UINT32_MAX: a literal */
	uint32_t unit;
	uint64_t scratch_off; /* of a column-major one, where it lies ready */
};

struct heft_restore_file {
	const struct heft_origin_file *recipe;
	struct heft_restore_piece *pieces; /* as many as the recipe's */
	struct heft_chunk_plan plan;       /* its tensors are the pieces */
};

struct heft_restore_recipe {
	struct heft_origin origin;
	struct heft_restore_file *files; /* origin.n_files of them */
};

void heft_restore_recipe_init(struct heft_restore_recipe *r);
void heft_restore_recipe_done(struct heft_restore_recipe *r);
/* *is_found false: there is none to use; of one that does not hold any more, or is damaged, the
 * request's note says so. */
enum heft_status heft_restore_recipe_find(struct heft_restore_recipe *r,
                                          const struct heft_restore_request *request,
                                          bool *is_found, struct heft_error *err);
/* "not restored byte for byte: ..." */
void heft_restore_say(const struct heft_restore_request *request, const char *why);

#endif
