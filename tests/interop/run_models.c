/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_models.c - runs many models in one process, for test_onnx_node.py: each by two sessions,
 * which must give the same bits.
 *
 *	run_models --operators   a line for each operator: domain, name, the first opset of it
 *	run_models               answers requests on standard input, all numbers little-endian
 *
 * A request is a path, the number of values, and for each its name, and 0 and an array, or 1 and a
 * sequence: the number of items, their dtype, and they. An array is a dtype, or a kind of
 * graph/kinds.h, rank, dimensions, number of bytes, and they; of strings rank, dimensions, and a
 * text each; of nothing only the kind. The answer is a status, a text, and for status 0 the outputs
 * in that form. A text is its number of bytes, and they.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/kinds.h"
#include "heft/run.h"

#define MAX_VALUES 64
#define MAX_HELD 4096
#define OTHER_BITS (-100)

struct request {
	char *path;
	struct heft_value values[MAX_VALUES];
	void *held[MAX_HELD];
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

	if (!bytes || r->n_held == MAX_HELD)
		exit(2);
	r->held[r->n_held++] = bytes;
	get(bytes, n);
	bytes[n] = '\0';
	return bytes;
}

/* Room that is held until the request is done. */
static void *get_room(struct request *r, size_t n, size_t size)
{
	void *room = calloc(n + 1, size);

	if (!room || r->n_held == MAX_HELD)
		exit(2);
	r->held[r->n_held++] = room;
	return room;
}

static void get_array(struct request *r, struct heft_array *a)
{
	const enum heft_dtype dtype = (enum heft_dtype)get_number();
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	uint32_t rank;
	struct heft_text *texts;

	a->dtype = dtype;
	if (dtype == HEFT_KIND_NOTHING)
		return;
	rank = (uint32_t)get_number();
	if (rank > HEFT_VALUE_MAX_RANK)
		exit(2);
	for (uint32_t d = 0; d < rank; d++)
		dims[d] = get_number();
	if (heft_array_set(a, dtype, rank, dims, NULL) != HEFT_OK)
		exit(2);
	if (dtype != HEFT_KIND_TEXTS) {
		a->n_bytes = get_number();
		a->bytes = get_bytes(r, a->n_bytes);
		return;
	}
	texts = get_room(r, a->n_elements, sizeof *texts);
	a->bytes = texts;
	for (uint64_t i = 0; i < a->n_elements; i++) {
		texts[i].n_bytes = get_number();
		texts[i].bytes = get_bytes(r, texts[i].n_bytes);
	}
}

static void get_sequence(struct request *r, struct heft_array *a)
{
	const uint64_t n = get_number();
	struct heft_sequence *s;

	if (n > MAX_HELD)
		exit(2);
	s = get_room(r, 1, sizeof *s + n * sizeof *s->items);
	s->n = n;
	s->dtype = (enum heft_dtype)get_number();
	heft_array_set(a, HEFT_KIND_SEQUENCE, 0, NULL, NULL);
	a->bytes = s;
	for (uint64_t i = 0; i < n; i++)
		get_array(r, &s->items[i]);
}

static void get_value(struct request *r, struct heft_value *v)
{
	struct heft_array a = { 0 };

	v->name = get_bytes(r, get_number());
	if (get_number() != 0)
		get_sequence(r, &a);
	else
		get_array(r, &a);
	v->dtype = a.dtype;
	v->rank = a.rank;
	memcpy(v->dims, a.dims, sizeof v->dims);
	v->bytes = a.bytes;
	v->n_bytes = a.n_bytes;
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
	for (uint32_t i = 0; i < r->n_values; i++)
		get_value(r, &r->values[i]);
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

static void put_bytes(const void *bytes, uint64_t n)
{
	put_number(n);
	if (n > 0)
		fwrite(bytes, 1, n, stdout);
}

static void put_array(const struct heft_array *a)
{
	const struct heft_text *texts = a->bytes;

	put_number(a->dtype);
	if (a->dtype == HEFT_KIND_NOTHING)
		return;
	put_number(a->rank);
	for (uint32_t d = 0; d < a->rank; d++)
		put_number(a->dims[d]);
	if (a->dtype != HEFT_KIND_TEXTS)
		put_bytes(a->bytes, a->n_bytes);
	for (uint64_t i = 0; a->dtype == HEFT_KIND_TEXTS && i < a->n_elements; i++)
		put_bytes(texts[i].bytes, texts[i].n_bytes);
}

static struct heft_array array_of(const struct heft_value *v)
{
	struct heft_array a = { .dtype = v->dtype };

	heft_array_set(&a, v->dtype, v->rank, v->dims, NULL);
	a.bytes = (void *)(uintptr_t)v->bytes;
	return a;
}

static void put_value(const struct heft_value *v)
{
	const struct heft_array a = array_of(v);
	const struct heft_sequence *s = heft_sequence_of(&a);

	put_text(v->name);
	put_number(a.dtype == HEFT_KIND_SEQUENCE);
	if (a.dtype != HEFT_KIND_SEQUENCE) {
		put_array(&a);
		return;
	}
	put_number(s->n);
	put_number(s->dtype);
	for (uint64_t i = 0; i < s->n; i++)
		put_array(&s->items[i]);
}

static void put_outputs(const struct heft_value *outputs, uint32_t n)
{
	put_number(0);
	put_text("");
	put_number(n);
	for (uint32_t i = 0; i < n; i++)
		put_value(&outputs[i]);
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

static bool is_same_texts(const struct heft_array *a, const struct heft_array *b)
{
	const struct heft_text *x = a->bytes;
	const struct heft_text *y = b->bytes;

	for (uint64_t i = 0; i < a->n_elements; i++) {
		if (x[i].n_bytes != y[i].n_bytes ||
		    (x[i].n_bytes > 0 && memcmp(x[i].bytes, y[i].bytes, x[i].n_bytes) != 0))
			return false;
	}
	return true;
}

/* Any NaN is any NaN: not even its sign is defined (spec F1-4). */
static bool is_same_array(const struct heft_array *a, const struct heft_array *b)
{
	if (a->dtype != b->dtype || a->n_bytes != b->n_bytes || !heft_array_same_shape(a, b))
		return false;
	if (a->dtype == HEFT_KIND_TEXTS)
		return is_same_texts(a, b);
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

static bool is_same(const struct heft_value *v, const struct heft_value *w)
{
	const struct heft_array a = array_of(v);
	const struct heft_array b = array_of(w);
	const struct heft_sequence *s = heft_sequence_of(&a);
	const struct heft_sequence *t = heft_sequence_of(&b);

	if (a.dtype != HEFT_KIND_SEQUENCE || b.dtype != HEFT_KIND_SEQUENCE)
		return is_same_array(&a, &b);
	for (uint64_t i = 0; s->n == t->n && i < s->n; i++) {
		if (!is_same_array(&s->items[i], &t->items[i]))
			return false;
	}
	return s->n == t->n && s->dtype == t->dtype;
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
