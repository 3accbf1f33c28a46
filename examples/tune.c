/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tune.c - trains a model on data and writes the result, with the lineage that tells what it was
 * made from.
 *
 *	tune MODEL.onnx DATA.npz OUT.heft [KEY VALUE]...     keys of a recipe, as epochs 3
 */
#include <stdio.h>

#include "heft/tune.h"

static void print_epoch(void *user, const struct heft_epoch_report *e)
{
	(void)user;
	printf("epoch %d: loss %.4f%s\n", (int)e->epoch, e->train_loss, e->is_best ? " *" : "");
}

static int tune(struct heft_file *model, struct heft_dataset *data, struct heft_recipe *recipe,
                const char *out, struct heft_error *err)
{
	const struct heft_tune_options options = { .calls = { .epoch = print_epoch } };
	struct heft_tune_report report;
	const int status = heft_tune(model, out, recipe, data, NULL, &options, &report, err);

	for (int i = 0; status == HEFT_OK && i < HEFT_DIGEST_SIZE; i++)
		printf("%02x%s", report.weights_digest[i], i == HEFT_DIGEST_SIZE - 1 ? "\n" : "");
	return status;
}

int main(int argc, char **argv)
{
	struct heft_error err = { .msg = "MODEL DATA OUT [KEY VALUE]..., please" };
	struct heft_recipe *recipe = NULL;
	struct heft_dataset *data = NULL;
	struct heft_file *model = NULL;
	int status = argc < 4 ? HEFT_E_USAGE : (int)heft_recipe_new(&recipe, &err);

	for (int i = 4; status == HEFT_OK && i + 1 < argc; i += 2)
		status = heft_recipe_set(recipe, argv[i], argv[i + 1], &err);
	if (status == HEFT_OK)
		status = heft_open(argv[1], NULL, &model, &err);
	if (status == HEFT_OK)
		status = heft_dataset_open(argv[2], NULL, &data, &err);
	if (status == HEFT_OK)
		status = tune(model, data, recipe, argv[3], &err);
	if (status != HEFT_OK)
		fprintf(stderr, "tune: %s\n", err.msg);
	heft_dataset_close(data);
	heft_close(model);
	heft_recipe_free(recipe);
	return status == HEFT_OK ? 0 : 1;
}
