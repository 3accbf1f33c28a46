/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_model.c - trains a model on a data set, and prints the peak of its memory in MiB and then
 * milliseconds: the least of one step, or with `all` those of the whole run.
 *
 *	train_model MODEL DATA N_THREADS best|all|profile [KEY VALUE]...
 *
 * `profile` prints instead a line for each kind of step of the plan: its milliseconds in one step
 * of training, how many such steps there are, and its name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "graph/backprop.h"
#include "train/trainer_state.h"

#define MAX_KINDS 256

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void or_exit(enum heft_status st, const struct heft_error *err)
{
	if (st == HEFT_OK)
		return;
	fprintf(stderr, "train_model: %s\n", err->msg);
	exit(1);
}

static double train(struct heft_trainer *t, bool is_all)
{
	struct heft_epoch_report epoch = { .is_last = false };
	struct heft_step_report step = { .ends_epoch = false };
	struct heft_error err;
	const double begin = now();
	double best = 1e30;
	bool is_first = true;

	while (!epoch.is_last) {
		do {
			const double at = now();

			or_exit(heft_trainer_step(t, &step, &err), &err);
			if (!is_first && now() - at < best)
				best = now() - at;
			is_first = false;
		} while (!step.ends_epoch);
		or_exit(heft_trainer_epoch(t, &epoch, &err), &err);
	}
	return is_all ? now() - begin : best;
}

/* --- what each operator takes --- */

struct kind {
	char name[64];
	uint64_t n;
	double ms;
};

static void add(struct kind *kinds, uint32_t *n, const struct heft_session_step *step)
{
	uint32_t i = 0;

	while (i < *n && strncmp(kinds[i].name, step->op, sizeof kinds[i].name - 1) != 0)
		i++;
	if (i == MAX_KINDS)
		return;
	if (i == *n)
		snprintf(kinds[(*n)++].name, sizeof kinds[i].name, "%s", step->op);
	kinds[i].n++;
	kinds[i].ms += (double)step->nanoseconds / 1e6 / (double)(step->n_runs ? step->n_runs : 1);
}

static int slower(const void *a, const void *b)
{
	const struct kind *x = a;
	const struct kind *y = b;

	return (x->ms < y->ms) - (x->ms > y->ms);
}

static void print_profile(struct heft_trainer *t)
{
	struct heft_backprop *b = t->train.plans.plans[0];
	struct kind kinds[MAX_KINDS] = { 0 };
	struct heft_session_facts facts;
	struct heft_session_step step;
	struct heft_error err;
	uint32_t n = 0;

	heft_backprop_set_profile(b, true);
	train(t, false);
	heft_backprop_facts(b, &facts);
	for (uint32_t i = 0; i < facts.n_steps; i++) {
		or_exit(heft_backprop_step(b, i, &step, &err), &err);
		add(kinds, &n, &step);
	}
	qsort(kinds, n, sizeof *kinds, slower);
	for (uint32_t i = 0; i < n; i++)
		printf("%10.3f %5" PRIu64 "  %s\n", kinds[i].ms, kinds[i].n, kinds[i].name);
}

int main(int argc, char **argv)
{
	struct heft_trainer_options options = { 0 };
	struct heft_dataset *data;
	struct heft_recipe *recipe;
	struct heft_trainer *t;
	struct heft_file *file;
	struct heft_error err;
	struct rusage used;
	double ms;

	if (argc < 5) {
		fprintf(stderr,
		        "train_model MODEL DATA N_THREADS best|all|profile [KEY VALUE]...\n");
		return 2;
	}
	options.n_threads = (uint32_t)strtoul(argv[3], NULL, 10);
	or_exit(heft_open(argv[1], NULL, &file, &err), &err);
	or_exit(heft_dataset_open(argv[2], NULL, &data, &err), &err);
	or_exit(heft_recipe_new(&recipe, &err), &err);
	for (int i = 5; i + 1 < argc; i += 2)
		or_exit(heft_recipe_set(recipe, argv[i], argv[i + 1], &err), &err);
	or_exit(heft_trainer_new(file, recipe, data, NULL, &options, &t, &err), &err);
	if (strcmp(argv[4], "profile") == 0) {
		print_profile(t);
	} else {
		ms = train(t, strcmp(argv[4], "all") == 0);
		getrusage(RUSAGE_SELF, &used);
		printf("%ld %.4f\n", used.ru_maxrss / 1024, ms);
	}
	heft_trainer_free(t);
	heft_recipe_free(recipe);
	heft_dataset_close(data);
	heft_close(file);
	return 0;
}
