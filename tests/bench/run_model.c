/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_model.c - runs a model on random inputs, and prints milliseconds: the least of one run.
 *
 *	run_model MODEL.onnx N_THREADS ROUNDS BATCH [NAME=D,D,...]
 *
 * Dimensions that the model leaves free are BATCH where they stand first, else 224; a NAME gives
 * all of an input's. Integers are 0, so that they are valid words of any vocabulary.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heft/run.h"

#define MAX_INPUTS 16

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what, const struct heft_error *err)
{
	fprintf(stderr, "%s: %s\n", what, err ? err->msg : "no memory");
	exit(1);
}

/* Dimensions from a NAME=D,D argument, or from what the model says. */
static void set_dims(struct heft_value *v, const struct heft_model_value *declared, uint64_t batch,
                     int argc, char **argv)
{
	const size_t n = strlen(v->name);

	v->rank = declared->rank;
	for (uint32_t d = 0; d < v->rank; d++)
		v->dims[d] = !declared->symbols[d] ? declared->dims[d] : d == 0 ? batch : 224;
	for (int i = 5; i < argc; i++) {
		const char *at = argv[i] + n + 1;

		if (strncmp(argv[i], v->name, n) != 0 || argv[i][n] != '=')
			continue;
		for (v->rank = 0; *at && v->rank < HEFT_VALUE_MAX_RANK; at += *at == ',') {
			char *end;

			v->dims[v->rank++] = strtoull(at, &end, 10);
			at = end;
		}
	}
}

static void fill(struct heft_value *v)
{
	uint64_t n = 1;
	uint32_t state = 1;
	void *bytes;

	for (uint32_t d = 0; d < v->rank; d++)
		n *= v->dims[d];
	v->n_bytes = n * (v->dtype == HEFT_DTYPE_F32 ? 4 : v->dtype == HEFT_DTYPE_I64 ? 8 : 1);
	bytes = calloc(1, v->n_bytes + 1);
	if (!bytes)
		fail("input", NULL);
	for (uint64_t i = 0; v->dtype == HEFT_DTYPE_F32 && i < n; i++) {
		state = state * 1664525u + 1013904223u;
		((float *)bytes)[i] = (float)(state >> 8) / (float)(1 << 24) - 0.5f;
	}
	v->bytes = bytes;
}

static double best_of(struct heft_session *session, const struct heft_value *inputs, uint32_t n,
                      long rounds)
{
	const struct heft_value *outputs;
	struct heft_error err;
	uint32_t n_outputs;
	double best = 1e30;

	for (long i = 0; i <= rounds; i++) {
		const double begin = now();

		if (heft_session_run(session, inputs, n, &outputs, &n_outputs, &err) != HEFT_OK)
			fail("run", &err);
		if (i > 0 && now() - begin < best)
			best = now() - begin;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct heft_session_options options = { 0 };
	struct heft_value inputs[MAX_INPUTS];
	struct heft_model_value declared;
	struct heft_session *session;
	struct heft_model *model;
	struct heft_file *file;
	struct heft_error err;
	uint32_t n;

	if (argc < 5) {
		fprintf(stderr, "run_model MODEL.onnx N_THREADS ROUNDS BATCH [NAME=D,D,...]\n");
		return 2;
	}
	options.n_threads = (uint32_t)strtoul(argv[2], NULL, 10);
	if (heft_open(argv[1], NULL, &file, &err) != HEFT_OK)
		fail(argv[1], &err);
	if (heft_model_import(file, NULL, &model, &err) != HEFT_OK)
		fail(argv[1], &err);
	n = heft_model_n_inputs(model);
	for (uint32_t i = 0; i < n && i < MAX_INPUTS; i++) {
		heft_model_input(model, i, &declared, &err);
		inputs[i] = (struct heft_value){ .name = declared.name, .dtype = declared.dtype };
		set_dims(&inputs[i], &declared, strtoull(argv[4], NULL, 10), argc, argv);
		fill(&inputs[i]);
	}
	if (heft_session_new(model, &options, &session, &err) != HEFT_OK)
		fail("session", &err);
	printf("%.4f\n", best_of(session, inputs, n, strtol(argv[3], NULL, 10)));
	heft_session_free(session);
	heft_model_free(model);
	heft_close(file);
	for (uint32_t i = 0; i < n && i < MAX_INPUTS; i++)
		free((void *)(uintptr_t)inputs[i].bytes);
	return 0;
}
