/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_options.h - options that are called after the keys of a recipe. */
#ifndef TOOLS_RECIPE_OPTIONS_H
#define TOOLS_RECIPE_OPTIONS_H

#include "command.h"
#include "heft/recipe.h"

/* Sets the key that each option is called after, '-' for '_'. Reports what is wrong; an exit
 * status. */
int recipe_options_set(struct heft_recipe *recipe, const struct command *command,
                       const struct opt_list *list);

#endif
