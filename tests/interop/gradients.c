/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gradients.c - the loss of a model and its gradients, for test_gradients.py.
 *
 *	gradients MODEL DATA OUT LOSS N_THREADS NAME...
 *
 * DATA holds an array for each input of the model, by its name, and `target`; LOSS is a name of a
 * recipe's. OUT, a safetensors file, gets the sum of the losses as `/loss`, what it is divided by
 * as `/divisor`, and for each NAME, a tensor of the model, the gradient of the sum by that name,
 * where the loss depends on it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/backprop.h"
#include "graph/ir.h"
#include "heft/recipe.h"
#include "heft/write.h"
#include "train/loss_rule.h"
#include "train/recipe.h"

#define MAX_INPUTS 16

struct job {
	struct heft_file *model_file;
	struct heft_file *data_file;
	struct heft_model *model;
	struct heft_value inputs[MAX_INPUTS];
	struct heft_value target;
	struct heft_param *params;
	const void **bytes; /* one a parameter */
	uint32_t *numbers;
	uint32_t n_params;
	struct heft_backprop *b;
};

static void or_exit(enum heft_status st, const struct heft_error *err)
{
	if (st == HEFT_OK)
		return;
	fprintf(stderr, "gradients: %s\n", err->msg);
	exit(2);
}

static void *room(size_t n)
{
	void *p = heft_zalloc(n + 1);

	if (!p)
		exit(2);
	return p;
}

/* --- reading --- */

static void get_value(struct heft_file *f, const char *name, struct heft_value *v)
{
	struct heft_tensor t;
	struct heft_error err;
	void *bytes;

	or_exit(heft_find(f, name, &t, &err), &err);
	bytes = room((size_t)t.n_bytes);
	or_exit(heft_read(f, &t, 0, bytes, (size_t)t.n_bytes, &err), &err);
	*v = (struct heft_value){
		.name = name, .dtype = t.dtype, .rank = t.rank, .bytes = bytes, .n_bytes = t.n_bytes
	};
	memcpy(v->dims, t.dims, sizeof v->dims);
}

/* Whether a tensor of the model is among the names that were given. */
static bool is_named(const struct job *j, uint32_t tensor, char **names, int n)
{
	struct heft_tensor t;
	struct heft_error err;

	or_exit(heft_tensor_at(j->model_file, tensor, &t, &err), &err);
	for (int i = 0; i < n; i++) {
		if (strcmp(t.name, names[i]) == 0)
			return true;
	}
	return false;
}

static void get_params(struct job *j, char **names, int n)
{
	struct heft_error err;
	uint32_t n_all;

	or_exit(heft_model_params(j->model, &j->params, &n_all, &err), &err);
	j->numbers = room(n_all * sizeof *j->numbers);
	j->bytes = room(n_all * sizeof *j->bytes);
	for (uint32_t i = 0; i < n_all; i++) {
		if (!is_named(j, j->params[i].tensor, names, n))
			continue;
		j->numbers[j->n_params] = j->params[i].tensor;
		j->bytes[j->n_params++] = j->params[i].array.bytes;
	}
}

static void get_job(struct job *j, const char *model, const char *data)
{
	struct heft_model_value declared;
	struct heft_error err;

	or_exit(heft_open(model, NULL, &j->model_file, &err), &err);
	or_exit(heft_model_import(j->model_file, NULL, &j->model, &err), &err);
	or_exit(heft_open(data, NULL, &j->data_file, &err), &err);
	for (uint32_t i = 0; i < heft_model_n_inputs(j->model) && i < MAX_INPUTS; i++) {
		or_exit(heft_model_input(j->model, i, &declared, &err), &err);
		get_value(j->data_file, declared.name, &j->inputs[i]);
	}
	get_value(j->data_file, "target", &j->target);
}

/* --- computing --- */

static void tell(void *ctx, const struct heft_problem *p)
{
	(void)ctx;
	fprintf(stderr, "gradients: node '%s', %s: %s\n", p->node, p->op, p->reason);
}

static void compute(struct job *j, const char *loss, uint32_t n_threads)
{
	struct heft_backprop_options o = { .tensors = j->numbers,
		                           .n_tensors = j->n_params,
		                           .n_threads = n_threads,
		                           .problem = tell };
	struct heft_backprop_run run = { .tensors = j->bytes, .target = j->target.bytes };
	const void *inputs[MAX_INPUTS];
	struct heft_loss_attrs attrs;
	struct heft_recipe *r;
	struct heft_error err;
	char op[64];

	or_exit(heft_recipe_new(&r, &err), &err);
	or_exit(heft_recipe_set(r, "loss", loss, &err), &err);
	or_exit(heft_recipe_resolve(r, &err), &err);
	heft_loss_attrs_init(&attrs, r);
	snprintf(op, sizeof op, "heft.%s", r->loss->op_name);
	o.loss = op;
	o.loss_attrs = (struct heft_attrs){ .rows = attrs.rows, .n = attrs.n };
	or_exit(heft_backprop_new(j->model, &o, j->inputs, &j->target, &j->b, &err), &err);
	for (uint32_t i = 0; i < heft_model_n_inputs(j->model) && i < MAX_INPUTS; i++)
		inputs[i] = j->inputs[i].bytes;
	run.inputs = inputs;
	heft_backprop_run(j->b, &run);
	heft_recipe_free(r);
}

/* --- writing --- */

static void declare(struct heft_writer *w, const char *name, const struct heft_array *a)
{
	struct heft_tensor t = { .name = name, .dtype = a->dtype, .rank = a->rank };
	struct heft_error err;

	memcpy(t.dims, a->dims, a->rank * sizeof *t.dims);
	or_exit(heft_declare(w, &t, &err), &err);
}

static const char *name_of(const struct job *j, uint32_t i)
{
	struct heft_tensor t;
	struct heft_error err;

	or_exit(heft_tensor_at(j->model_file, j->numbers[i], &t, &err), &err);
	return t.name;
}

static void write_all(const struct job *j, const char *path)
{
	const struct heft_write_options options = { .overwrite = true, .no_sync = true };
	const double numbers[2] = { heft_backprop_loss(j->b), heft_backprop_divisor(j->b) };
	const struct heft_array number = { .dtype = HEFT_DTYPE_F64 };
	struct heft_writer *w;
	struct heft_error err;
	uint32_t n = 2;

	or_exit(heft_create(path, "safetensors", &options, &w, &err), &err);
	declare(w, "/loss", &number);
	declare(w, "/divisor", &number);
	for (uint32_t i = 0; i < j->n_params; i++) {
		const struct heft_array *g = heft_backprop_gradient(j->b, i);

		if (g)
			declare(w, name_of(j, i), g);
	}
	or_exit(heft_put(w, 0, &numbers[0], sizeof *numbers, &err), &err);
	or_exit(heft_put(w, 1, &numbers[1], sizeof *numbers, &err), &err);
	for (uint32_t i = 0; i < j->n_params; i++) {
		const struct heft_array *g = heft_backprop_gradient(j->b, i);

		if (g)
			or_exit(heft_put(w, n++, g->bytes, g->n_bytes, &err), &err);
	}
	or_exit(heft_commit(w, NULL, &err), &err);
}

static void done(struct job *j)
{
	heft_backprop_free(j->b);
	for (uint32_t i = 0; i < heft_model_n_inputs(j->model) && i < MAX_INPUTS; i++)
		heft_free((void *)(uintptr_t)j->inputs[i].bytes);
	heft_free((void *)(uintptr_t)j->target.bytes);
	heft_free(j->params);
	heft_free(j->numbers);
	heft_free(j->bytes);
	heft_model_free(j->model);
	heft_close(j->data_file);
	heft_close(j->model_file);
}

int main(int argc, char **argv)
{
	struct job j = { 0 };

	if (argc < 7) {
		fprintf(stderr, "gradients MODEL DATA OUT LOSS N_THREADS NAME...\n");
		return 2;
	}
	get_job(&j, argv[1], argv[2]);
	get_params(&j, argv + 6, argc - 6);
	compute(&j, argv[4], (uint32_t)strtoul(argv[5], NULL, 10));
	write_all(&j, argv[3]);
	done(&j);
	return 0;
}
