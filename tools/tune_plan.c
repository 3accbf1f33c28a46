/* SPDX-License-Identifier: Apache-2.0 */
/* tune_plan.c - a recipe from a file and as JSON, and what a training would take. */
#include "tune_plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "report.h"
#include "size.h"

#define MAX_CONFIG ((size_t)1 << 20) /* bytes */

int tune_config_read(struct heft_recipe *recipe, const char *path)
{
	char *text = memory_new(MAX_CONFIG + 1, 1);
	FILE *f = fopen(path, "rb");
	int status = STATUS_DONE;
	struct heft_error err;
	size_t n;

	if (!f) {
		free(text);
		return report_system(path, "cannot be opened", errno);
	}
	n = fread(text, 1, MAX_CONFIG + 1, f);
	if (ferror(f)) {
		status = report_system(path, "cannot be read", errno);
	} else if (n > MAX_CONFIG) {
		report_words("%s: a recipe has at most %zu bytes", path, MAX_CONFIG);
		status = STATUS_BAD_DATA;
	} else if (heft_recipe_parse(recipe, text, n, &err) != HEFT_OK) {
		status = report_error(path, &err);
	}
	fclose(f);
	free(text);
	return status;
}

static bool add(void *user, const char *text, size_t n)
{
	output_bytes(user, text, n);
	return true;
}

int tune_config_print(const struct heft_recipe *recipe, struct output *out)
{
	struct heft_error err;

	if (heft_recipe_print(recipe, HEFT_RECIPE_LINES, add, out, &err) != HEFT_OK)
		return report_error("recipe", &err);
	return STATUS_DONE;
}

static void print_size(struct output *out, const char *what, uint64_t size)
{
	output_text(out, what);
	size_print(out, size);
	output_char(out, '\n');
}

static void begin(void *user, const struct heft_trainer *trainer)
{
	struct heft_trainer_facts f;
	struct output *out = user;
	const char *note;

	heft_trainer_facts(trainer, &f);
	for (uint32_t i = 0; (note = heft_trainer_note(trainer, i)) != NULL; i++)
		report_words("%s", note);
	output_text(out, "parameters    ");
	output_grouped(out, f.n_params);
	output_format(out, " in %" PRIu32 " tensors\ntrained       ", f.n_tensors);
	output_grouped(out, f.n_trained);
	output_format(out, " in %" PRIu32 " (%.1f %%)\nsamples       ", f.n_trained_tensors,
	              f.n_params > 0 ? 100 * (double)f.n_trained / (double)f.n_params : 0);
	output_grouped(out, f.n_train);
	output_text(out, ", validation ");
	output_grouped(out, f.n_val);
	output_text(out, "\nsteps         ");
	output_grouped(out, f.n_steps);
	output_text(out, ", in an epoch ");
	output_grouped(out, f.steps_per_epoch);
	output_format(out, "\nloss          %s\n", f.loss);
	print_size(out, "activations   ", f.workspace_bytes);
	print_size(out, "weights       ", f.state_bytes);
	print_size(out, "kept features ", f.feature_bytes);
}

struct heft_tune_calls tune_plan_calls(struct output *out)
{
	return (struct heft_tune_calls){ .begin = begin, .user = out };
}
