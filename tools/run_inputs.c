/* SPDX-License-Identifier: Apache-2.0 */
/* run_inputs.c - arrays from files become a model's inputs. */
#include "run_inputs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array_text.h"
#include "memory.h"
#include "nearest.h"
#include "print_name.h"
#include "spool.h"

struct reading {
	struct run_inputs *inputs;
	const struct invocation *in;
	const struct heft_model *model;
	const struct open_options *open;
	bool is_quiet;
	/* of the option that is being read: */
	const char *spec;
	const char *name;  /* the input it is for; NULL: whatever the arrays are called */
	const char *array; /* NULL: not told */
};

void run_inputs_done(struct run_inputs *inputs)
{
	for (uint32_t i = 0; i < inputs->n; i++)
		free(inputs->bytes[i]);
	free(inputs->bytes);
	free(inputs->values);
	*inputs = (struct run_inputs){ .n = 0 };
}

static struct heft_value *add_value(struct run_inputs *inputs, size_t n_bytes)
{
	const uint32_t i = inputs->n;
	struct heft_value *v;

	inputs->values = memory_resize(inputs->values, i + 1, sizeof *inputs->values);
	inputs->bytes = memory_resize(inputs->bytes, i + 1, sizeof *inputs->bytes);
	inputs->bytes[i] = memory_new(n_bytes + 1, 1);
	inputs->n = i + 1;
	v = &inputs->values[i];
	*v = (struct heft_value){ .bytes = inputs->bytes[i], .n_bytes = n_bytes };
	return v;
}

/* --- which input --- */

static bool get_input(const struct heft_model *model, uint32_t i, struct heft_model_value *value)
{
	return heft_model_input(model, i, value, NULL) == HEFT_OK;
}

static bool find_input(const struct heft_model *model, const char *name, size_t size,
                       struct heft_model_value *value)
{
	for (uint32_t i = 0; get_input(model, i, value); i++)
		if (strlen(value->name) == size && memcmp(value->name, name, size) == 0)
			return true;
	return false;
}

/* "'a', 'b'" */
static void list_inputs(const struct heft_model *model, struct output *out)
{
	struct heft_model_value value;

	for (uint32_t i = 0; get_input(model, i, &value); i++) {
		output_text(out, i > 0 ? ", '" : "'");
		print_words(out, value.name);
		output_char(out, '\'');
	}
}

static int refuse_input(const struct reading *r, const char *words)
{
	struct output asked;
	int status;

	output_init(&asked, -1);
	list_inputs(r->model, &asked);
	status = report_usage(r->in->command, "--input %s: %s; the model asks for %s", r->spec,
	                      words, asked.n > 0 ? output_string(&asked) : "none");
	output_done(&asked);
	return status;
}

/* --- what it gets --- */

/* One dimension less than the model declares is a single sample. */
static void add_batch(const struct reading *r, struct heft_value *v)
{
	struct heft_model_value declared;
	struct output out;

	if (!find_input(r->model, v->name, strlen(v->name), &declared) || !declared.has_shape ||
	    declared.rank != v->rank + 1 || declared.dims[0] > 1)
		return;
	output_init(&out, STDERR_FILENO);
	output_text(&out, "heft: input '");
	print_words(&out, v->name);
	output_text(&out, "': ");
	array_print_shape(&out, v->rank, v->dims);
	memmove(v->dims + 1, v->dims, v->rank * sizeof *v->dims);
	v->dims[0] = 1;
	v->rank++;
	output_text(&out, " is taken as ");
	array_print_shape(&out, v->rank, v->dims);
	output_text(&out, ", a batch of one\n");
	if (!r->is_quiet)
		output_flush(&out);
	output_done(&out);
}

static int add_array(const struct reading *r, struct heft_file *file, const char *path,
                     const struct heft_tensor *t, const char *name)
{
	struct heft_value *v;
	struct heft_error err;

	for (uint32_t i = 0; i < r->inputs->n; i++)
		if (strcmp(r->inputs->values[i].name, name) == 0)
			return report_usage(r->in->command, "--input %s: '%s' is given twice",
			                    r->spec, name);
	if (t->rank > HEFT_VALUE_MAX_RANK)
		return report_usage(r->in->command, "--input %s: '%s' has more than %d dimensions",
		                    r->spec, t->name, HEFT_VALUE_MAX_RANK);
	v = add_value(r->inputs, t->n_bytes);
	v->name = name;
	v->dtype = t->dtype;
	v->rank = t->rank;
	memcpy(v->dims, t->dims, t->rank * sizeof *v->dims);
	if (heft_read(file, t, 0, r->inputs->bytes[r->inputs->n - 1], t->n_bytes, &err) != HEFT_OK)
		return report_error(path, &err);
	add_batch(r, v);
	return STATUS_DONE;
}

/* The only array of a file, for the only input, or the one that is asked for. */
static int add_only(const struct reading *r, struct heft_file *file, const char *path,
                    const char *name)
{
	struct heft_tensor t;
	struct heft_error err;

	if (heft_n_tensors(file) != 1)
		return refuse_input(r, name ? "the file has several arrays: NAME=FILE:ARRAY "
		                              "chooses one"
		                            : "the file has no array of an input's name");
	if (heft_tensor_at(file, 0, &t, &err) != HEFT_OK)
		return report_error(path, &err);
	return add_array(r, file, path, &t, name);
}

/* Every array that is called as an input is. */
static int add_namesakes(const struct reading *r, struct heft_file *file, const char *path)
{
	struct heft_model_value value;
	struct heft_error err;
	struct heft_tensor t;
	uint32_t n_found = 0;
	int status = STATUS_DONE;

	for (uint32_t i = 0; status == STATUS_DONE && get_input(r->model, i, &value); i++) {
		if (heft_find(file, value.name, &t, &err) != HEFT_OK)
			continue;
		status = add_array(r, file, path, &t, value.name);
		n_found++;
	}
	if (status != STATUS_DONE || n_found > 0)
		return status;
	if (heft_model_n_inputs(r->model) == 1 && get_input(r->model, 0, &value) &&
	    heft_n_tensors(file) == 1)
		return add_only(r, file, path, value.name);
	return refuse_input(r, heft_n_tensors(file) == 1
	                               ? "NAME=FILE tells which input it is for"
	                               : "the file has no array of an input's name");
}

static int add_chosen(const struct reading *r, struct heft_file *file, const char *path)
{
	struct nearest nearest;
	struct heft_error err;
	struct heft_tensor t;

	if (heft_find(file, r->array, &t, &err) == HEFT_OK)
		return add_array(r, file, path, &t, r->name);
	nearest_init(&nearest, r->array);
	for (uint32_t i = 0; i < heft_n_tensors(file); i++)
		if (heft_tensor_at(file, i, &t, &err) == HEFT_OK)
			nearest_offer(&nearest, t.name);
	if (nearest.best)
		report_words("%s: no array '%s'; is '%s' meant?", path, r->array, nearest.best);
	else
		report_words("%s: no array '%s'", path, r->array);
	return STATUS_USAGE;
}

static int read_file(const struct reading *r, const char *path)
{
	struct heft_file *file;
	struct heft_error err;
	struct spool spool;
	int status = spool_open(&spool, path);

	if (status != STATUS_DONE)
		return status;
	if (heft_open(spool.path, &r->open->options, &file, &err) != HEFT_OK) {
		status = report_error(spool.name, &err);
	} else {
		if (r->array)
			status = add_chosen(r, file, spool.name);
		else if (r->name)
			status = add_only(r, file, spool.name, r->name);
		else
			status = add_namesakes(r, file, spool.name);
		heft_close(file);
	}
	spool_close(&spool);
	return status;
}

/* Names may hold '=' and ':', and so may paths: what is an input's name, or a file, is taken for
 * it. */
static int read_spec(struct reading *r)
{
	struct heft_model_value value = { .name = NULL };
	const char *path = r->spec;
	const char *equals = strchr(r->spec, '=');
	const char *colon;
	char *part;
	int status;

	while (equals && !find_input(r->model, r->spec, (size_t)(equals - r->spec), &value))
		equals = strchr(equals + 1, '=');
	if (equals) {
		r->name = value.name;
		path = equals + 1;
	} else if (strchr(r->spec, '=') && access(r->spec, F_OK) != 0) {
		return refuse_input(r, "no input of that name");
	}
	colon = strrchr(path, ':');
	if (!colon || access(path, F_OK) == 0)
		return read_file(r, path);
	if (!r->name && heft_model_n_inputs(r->model) != 1)
		return refuse_input(r, "NAME=FILE:ARRAY tells which input it is for");
	if (!r->name && get_input(r->model, 0, &value))
		r->name = value.name;
	part = memory_copy_text(path, (size_t)(colon - path));
	r->array = colon + 1;
	status = read_file(r, part);
	free(part);
	return status;
}

int run_inputs_read(struct run_inputs *inputs, const struct invocation *in,
                    const struct heft_model *model, const struct opt_list *specs,
                    const struct open_options *open, bool is_quiet)
{
	int status = STATUS_DONE;

	for (uint32_t i = 0; i < specs->n && status == STATUS_DONE; i++) {
		struct reading r = { .inputs = inputs,
			             .in = in,
			             .model = model,
			             .open = open,
			             .is_quiet = is_quiet,
			             .spec = specs->items[i].value };

		status = read_spec(&r);
	}
	return status;
}
