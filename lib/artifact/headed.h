/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/headed.h - the model that a recipe with a new head is trained from. */
#ifndef ARTIFACT_HEADED_H
#define ARTIFACT_HEADED_H

#include "heft/file.h"
#include "heft/progress.h"
#include "train/recipe.h"

/* `model` with the last layer that the recipe asks for, as a file that has no name any more: it was
 * written in the folder of `beside`. The caller closes it. */
enum heft_status heft_headed_open(struct heft_file *model, const char *beside,
                                  const struct heft_recipe *recipe, const struct heft_run *run,
                                  struct heft_file **headed, struct heft_error *err);

#endif
