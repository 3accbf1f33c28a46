/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_models.c - trains a model and tells every step, for test_training.py.
 *
 *	train_models order SEED EPOCHS N               the samples of each epoch, a line each
 *	train_models MODEL DATA OUT N_THREADS [KEY VALUE]...
 *
 * The second form goes through the whole recipe and prints each batch's mean loss, with all its
 * bits; OUT, a safetensors file, gets the tensors that were trained, as the last step left them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heft/train.h"
#include "heft/write.h"
#include "train/order.h"

static void or_exit(enum heft_status st, const struct heft_error *err)
{
	if (st == HEFT_OK)
		return;
	fprintf(stderr, "train_models: %s\n", err->msg);
	exit(2);
}

static int print_order(uint64_t seed, uint32_t n_epochs, uint64_t n)
{
	uint64_t *all = calloc((size_t)n + 1, sizeof *all);
	struct heft_order *order;
	struct heft_error err;

	if (!all)
		return 2;
	for (uint64_t i = 0; i < n; i++)
		all[i] = i;
	or_exit(heft_order_new(all, n, &order, &err), &err);
	free(all);
	for (uint32_t epoch = 0; epoch < n_epochs; epoch++) {
		const uint64_t *samples = heft_order_of_epoch(order, seed, epoch);

		for (uint64_t i = 0; i < n; i++)
			printf("%" PRIu64 "%s", samples[i], i + 1 < n ? " " : "\n");
	}
	heft_order_free(order);
	return 0;
}

static void train(struct heft_trainer *t)
{
	struct heft_epoch_report epoch = { .is_last = false };
	struct heft_step_report step = { .ends_epoch = false };
	struct heft_error err;

	while (!epoch.is_last) {
		do {
			or_exit(heft_trainer_step(t, &step, &err), &err);
			printf("%.17g\n", step.loss);
		} while (!step.ends_epoch);
		or_exit(heft_trainer_epoch(t, &epoch, &err), &err);
	}
}

static void write_result(const struct heft_trainer *t, const char *path)
{
	const struct heft_write_options options = { .overwrite = true, .no_sync = true };
	struct heft_trainer_facts facts;
	struct heft_trainer_tensor row;
	struct heft_writer *w;
	struct heft_error err;
	uint32_t n = 0;

	heft_trainer_facts(t, &facts);
	or_exit(heft_create(path, "safetensors", &options, &w, &err), &err);
	for (uint32_t i = 0; i < facts.n_tensors; i++) {
		or_exit(heft_trainer_tensor_at(t, i, &row, &err), &err);
		if (row.is_trained)
			or_exit(heft_declare(w, &row.tensor, &err), &err);
	}
	for (uint32_t i = 0; i < facts.n_tensors; i++) {
		or_exit(heft_trainer_tensor_at(t, i, &row, &err), &err);
		if (row.is_trained)
			or_exit(heft_put(w, n++, heft_trainer_result(t, &row.tensor),
			                 row.tensor.n_bytes, &err),
			        &err);
	}
	or_exit(heft_commit(w, NULL, &err), &err);
}

static void tell(void *ctx, const struct heft_problem *p)
{
	(void)ctx;
	fprintf(stderr, "train_models: node '%s', %s: %s\n", p->node, p->op, p->reason);
}

int main(int argc, char **argv)
{
	struct heft_trainer_options options = { .problem = tell };
	struct heft_dataset *data;
	struct heft_recipe *recipe;
	struct heft_trainer *t;
	struct heft_file *file;
	struct heft_error err;

	if (argc == 5 && strcmp(argv[1], "order") == 0)
		return print_order(strtoull(argv[2], NULL, 10),
		                   (uint32_t)strtoul(argv[3], NULL, 10),
		                   strtoull(argv[4], NULL, 10));
	if (argc < 5) {
		fprintf(stderr, "train_models MODEL DATA OUT N_THREADS [KEY VALUE]...\n");
		return 2;
	}
	options.n_threads = (uint32_t)strtoul(argv[4], NULL, 10);
	or_exit(heft_open(argv[1], NULL, &file, &err), &err);
	or_exit(heft_dataset_open(argv[2], NULL, &data, &err), &err);
	or_exit(heft_recipe_new(&recipe, &err), &err);
	or_exit(heft_recipe_set(recipe, "keep", "last", &err), &err);
	for (int i = 5; i + 1 < argc; i += 2)
		or_exit(heft_recipe_set(recipe, argv[i], argv[i + 1], &err), &err);
	or_exit(heft_trainer_new(file, recipe, data, NULL, &options, &t, &err), &err);
	train(t);
	write_result(t, argv[3]);
	heft_trainer_free(t);
	heft_recipe_free(recipe);
	heft_dataset_close(data);
	heft_close(file);
	return 0;
}
