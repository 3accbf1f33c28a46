/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_options.c - options that are called after the keys of a recipe. */
#include "recipe_options.h"

int recipe_options_set(struct heft_recipe *recipe, const struct command *command,
                       const struct opt_list *list)
{
	char key[64];
	struct heft_error err;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *name = list->items[i].opt->name;
		size_t n = 0;

		for (; name[n] && n + 1 < sizeof key; n++)
			key[n] = name[n] == '-' ? '_' : name[n];
		key[n] = '\0';
		if (heft_recipe_set(recipe, key, list->items[i].value, &err) != HEFT_OK)
			return report_usage(command, "--%s: %s", name, err.msg);
	}
	return STATUS_DONE;
}
