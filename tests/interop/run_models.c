/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_models.c - runs many models in one process, for test_onnx_node.py: each by two sessions,
 * which must give the same bits.
 *
 *	run_models --operators   a line for each operator: domain, name, the first opset of it
 *	run_models               answers requests on standard input, all numbers little-endian
 *
 * A request is a path, the number of arrays, and for each its name, dtype, rank, dimensions, number
 * of bytes, and they. The answer is a status, a text, and for status 0 the outputs in that form. A
 * text is its number of bytes, and they.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "heft/run.h"

#define MAX_VALUES 64
#define OTHER_BITS (-100)

struct request {
	char *path;
	struct heft_value values[MAX_VALUES];
	void *held[2 * MAX_VALUES];
	uint32_t n_values;
	uint32_t n_held;
};

/* --- reading --- */

static void get(void *bytes, size_t n)
{
	if (n > 0 && fread(bytes, 1, n, stdin) != n)
		exit(2);
}

static uint64_t get_number(void)
{
	uint64_t value;

	get(&value, sizeof value);
	return value;
}

static void *get_bytes(struct request *r, uint64_t n)
{
	char *bytes = malloc(n + 1);

	if (!bytes || r->n_held == 2 * MAX_VALUES)
		exit(2);
	r->held[r->n_held++] = bytes;
	get(bytes, n);
	bytes[n] = '\0';
	return bytes;
}

static bool get_request(struct request *r)
{
	uint64_t n;

	memset(r, 0, sizeof *r);
	if (fread(&n, sizeof n, 1, stdin) != 1)
		return false;
	r->path = get_bytes(r, n);
	r->n_values = (uint32_t)get_number();
	if (r->n_values >= MAX_VALUES)
		exit(2);
	for (uint32_t i = 0; i < r->n_values; i++) {
		struct heft_value *v = &r->values[i];

		v->name = get_bytes(r, get_number());
		v->dtype = (enum heft_dtype)get_number();
		v->rank = (uint32_t)get_number();
		if (v->rank > HEFT_VALUE_MAX_RANK)
			exit(2);
		for (uint32_t d = 0; d < v->rank; d++)
			v->dims[d] = get_number();
		v->n_bytes = get_number();
		v->bytes = get_bytes(r, v->n_bytes);
	}
	return true;
}

static void done_request(struct request *r)
{
	while (r->n_held > 0)
		free(r->held[--r->n_held]);
}

/* --- writing --- */

static void put_number(uint64_t value)
{
	fwrite(&value, sizeof value, 1, stdout);
}

static void put_text(const char *text)
{
	put_number(strlen(text));
	fputs(text, stdout);
}

static void put_outputs(const struct heft_value *outputs, uint32_t n)
{
	put_number(0);
	put_text("");
	put_number(n);
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_value *v = &outputs[i];

		put_text(v->name);
		put_number(v->dtype);
		put_number(v->rank);
		for (uint32_t d = 0; d < v->rank; d++)
			put_number(v->dims[d]);
		put_number(v->n_bytes);
		if (v->n_bytes > 0)
			fwrite(v->bytes, 1, v->n_bytes, stdout);
	}
}

/* --- running --- */

/* Takes out what the model does not ask for: arrays in place of weights that it has. */
static void drop_weights(struct request *r, const struct heft_model *model)
{
	struct heft_model_value input;
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_values; i++) {
		bool is_wanted = false;

		for (uint32_t k = 0; heft_model_input(model, k, &input, NULL) == HEFT_OK; k++)
			is_wanted = is_wanted || strcmp(input.name, r->values[i].name) == 0;
		if (is_wanted)
			r->values[n++] = r->values[i];
	}
	r->n_values = n;
}

/* Any NaN is any NaN: not even its sign is defined (spec F1-4). */
static bool is_same(const struct heft_value *a, const struct heft_value *b)
{
	if (a->dtype != b->dtype || a->rank != b->rank || a->n_bytes != b->n_bytes ||
	    memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)
		return false;
	if (a->n_bytes == 0 || memcmp(a->bytes, b->bytes, a->n_bytes) == 0)
		return true;
	for (size_t i = 0; a->dtype == HEFT_DTYPE_F32 && i < a->n_bytes / sizeof(float); i++) {
		const float *x = (const float *)a->bytes + i;
		const float *y = (const float *)b->bytes + i;

		if (memcmp(x, y, sizeof *x) != 0 && !(*x != *x && *y != *y))
			return false;
	}
	return a->dtype == HEFT_DTYPE_F32;
}

static enum heft_status run_both(struct request *r, struct heft_session *best,
                                 struct heft_session *plain, struct heft_error *err)
{
	const struct heft_value *outputs;
	const struct heft_value *other;
	uint32_t n;
	uint32_t n_other;
	enum heft_status st;

	st = heft_session_run(best, r->values, r->n_values, &outputs, &n, err);
	if (st == HEFT_OK)
		st = heft_session_run(plain, r->values, r->n_values, &other, &n_other, err);
	if (st != HEFT_OK)
		return st;
	for (uint32_t i = 0; i < n; i++) {
		if (!is_same(&outputs[i], &other[i])) {
			snprintf(err->msg, sizeof err->msg, "output %u has other bits", i);
			return (enum heft_status)OTHER_BITS;
		}
	}
	put_outputs(outputs, n);
	return HEFT_OK;
}

static enum heft_status run_model(struct request *r, struct heft_model *model,
                                  struct heft_error *err)
{
	const struct heft_session_options three = { .n_threads = 3 };
	const struct heft_session_options scalar = { .n_threads = 1, .cpu_mask = HEFT_RUN_SCALAR };
	struct heft_session *best = NULL;
	struct heft_session *plain = NULL;
	enum heft_status st;

	drop_weights(r, model);
	st = heft_session_new(model, &three, &best, err);
	if (st == HEFT_OK)
		st = heft_session_new(model, &scalar, &plain, err);
	if (st == HEFT_OK)
		st = run_both(r, best, plain, err);
	heft_session_free(best);
	heft_session_free(plain);
	return st;
}

static void answer(struct request *r)
{
	struct heft_model *model = NULL;
	struct heft_file *file = NULL;
	struct heft_error err;
	enum heft_status st = heft_open(r->path, NULL, &file, &err);

	if (st == HEFT_OK)
		st = heft_model_import(file, NULL, &model, &err);
	if (st == HEFT_OK)
		st = run_model(r, model, &err);
	if (st != HEFT_OK) {
		put_number((uint64_t)(int64_t)st);
		put_text(err.msg);
	}
	heft_model_free(model);
	heft_close(file);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct heft_op *op;
	struct request r;

	if (argc > 1 && strcmp(argv[1], "--operators") == 0) {
		for (uint32_t i = 0; (op = heft_op_at(i)) != NULL; i++)
			printf("%s\t%s\t%" PRIu32 "\n", op->domain, op->name,
			       op->since > 0 ? op->since : 1);
		return 0;
	}
	while (get_request(&r)) {
		answer(&r);
		done_request(&r);
	}
	return 0;
}
