/* SPDX-License-Identifier: Apache-2.0 */
/* train_options.c - options that training, evaluating and replaying have in common. */
#include "train_options.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

int train_data_open(const char *path, const char *target, const struct heft_dataset *like,
                    struct heft_dataset **data)
{
	struct heft_dataset_options options = { .target = target };
	struct heft_error err;

	if (like)
		options.class_names = heft_dataset_class_names(like, &options.n_class_names);
	if (heft_dataset_open(path, &options, data, &err) != HEFT_OK)
		return report_error(path, &err);
	return STATUS_DONE;
}

const char *train_target(const struct heft_dataset *data, const char *target)
{
	return strcmp(heft_dataset_kind_name(data), "csv") == 0 ? NULL : target;
}

int train_binds_read(struct train_binds *binds, const struct command *command,
                     const struct opt_list *list)
{
	*binds = (struct train_binds){ .rows = memory_new(list->n, sizeof *binds->rows),
		                       .names = memory_new(list->n, sizeof *binds->names) };
	for (uint32_t i = 0; i < list->n; i++) {
		const char *spec = list->items[i].value;
		const char *equals = strrchr(spec, '=');

		if (!equals || equals == spec || equals[1] == '\0')
			return report_usage(command, "--input: '%s' is not NAME=ARRAY", spec);
		binds->names[i] = memory_copy_text(spec, (size_t)(equals - spec));
		binds->rows[i] = (struct heft_train_bind){ binds->names[i], equals + 1 };
		binds->n = i + 1;
	}
	return STATUS_DONE;
}

void train_binds_done(struct train_binds *binds)
{
	for (uint32_t i = 0; i < binds->n; i++)
		free(binds->names[i]);
	free(binds->names);
	free(binds->rows);
	*binds = (struct train_binds){ 0 };
}

int train_recipe_set(struct heft_recipe *recipe, const struct command *command,
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
