/* SPDX-License-Identifier: Apache-2.0 */
/* train_inputs.c - opens what is trained, evaluated or replayed. */
#include "train_inputs.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* Validation data has the class numbers of the training data, which is `like`. */
static int open_data(const char *path, const char *target, const struct heft_dataset *like,
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

static int read_binds(struct train_inputs *t, const struct command *command,
                      const struct opt_list *list)
{
	t->binds = memory_new(list->n, sizeof *t->binds);
	t->bind_names = memory_new(list->n, sizeof *t->bind_names);
	for (uint32_t i = 0; i < list->n; i++) {
		const char *spec = list->items[i].value;
		const char *equals = strrchr(spec, '=');

		if (!equals || equals == spec || equals[1] == '\0')
			return report_usage(command, "--input: '%s' is not NAME=ARRAY", spec);
		t->bind_names[i] = memory_copy_text(spec, (size_t)(equals - spec));
		t->binds[i] = (struct heft_train_bind){ t->bind_names[i], equals + 1 };
		t->n_binds = i + 1;
	}
	return STATUS_DONE;
}

static int open_model(struct train_inputs *t, const struct invocation *in,
                      const struct train_words *words)
{
	struct heft_error err;
	int status = open_options_init(&t->open, in->command, words->assume, NULL);

	if (status != STATUS_DONE)
		return status;
	if (heft_open(words->path, &t->open.options, &t->model, &err) != HEFT_OK)
		return report_error(words->name, &err);
	return run_pins_read(&t->pins, in, t->model, words->name, words->pin);
}

int train_inputs_open(struct train_inputs *t, const struct invocation *in,
                      const struct train_words *words)
{
	int status;

	*t = (struct train_inputs){ 0 };
	status = open_data(words->data, words->target, NULL, &t->train);
	if (status == STATUS_DONE && words->val)
		status = open_data(words->val, words->target, t->train, &t->val);
	if (status == STATUS_DONE)
		status = open_model(t, in, words);
	if (status == STATUS_DONE)
		status = read_binds(t, in->command, words->input);
	/* of CSV it named a column, which is array y */
	if (status == STATUS_DONE && strcmp(heft_dataset_kind_name(t->train), "csv") != 0)
		t->target = words->target;
	return status;
}

void train_inputs_done(struct train_inputs *t)
{
	for (uint32_t i = 0; i < t->n_binds; i++)
		free(t->bind_names[i]);
	free(t->bind_names);
	free(t->binds);
	run_inputs_done(&t->pins);
	heft_dataset_close(t->val);
	heft_dataset_close(t->train);
	heft_close(t->model);
	open_options_done(&t->open);
}

void train_inputs_set(const struct train_inputs *t, struct heft_trainer_options *options)
{
	options->binds = t->binds;
	options->n_binds = t->n_binds;
	options->target = t->target;
	options->pins = t->pins.values;
	options->n_pins = t->pins.n;
}
