/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - runs a model on an input of zeros and prints the shape of what comes out.
 *
 *	run MODEL.onnx DIM...          for the model's one F32 input, as 1 3 224 224
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "heft/run.h"

static int print_outputs(struct heft_model *model, const struct heft_value *input,
                         struct heft_error *err)
{
	const struct heft_value *outputs;
	struct heft_session *session;
	uint32_t n;
	int status = heft_session_new(model, NULL, &session, err);

	if (status != HEFT_OK)
		return status;
	status = heft_session_run(session, input, 1, &outputs, &n, err);
	for (uint32_t i = 0; status == HEFT_OK && i < n; i++) {
		printf("%s", outputs[i].name);
		for (uint32_t d = 0; d < outputs[i].rank; d++)
			printf(" %" PRIu64, outputs[i].dims[d]);
		printf("\n");
	}
	heft_session_free(session);
	return status;
}

static int run(struct heft_file *file, int n_dims, char **dims, struct heft_error *err)
{
	struct heft_model_value declared;
	struct heft_value input = { .dtype = HEFT_DTYPE_F32, .n_bytes = sizeof(float) };
	struct heft_model *model;
	void *zeros;
	int status = heft_model_import(file, NULL, &model, err);

	if (status != HEFT_OK)
		return status;
	status = heft_model_input(model, 0, &declared, err);
	for (; (int)input.rank < n_dims && input.rank < HEFT_VALUE_MAX_RANK; input.rank++) {
		input.dims[input.rank] = strtoull(dims[input.rank], NULL, 10);
		input.n_bytes *= input.dims[input.rank];
	}
	zeros = calloc(1, input.n_bytes + 1);
	if (status == HEFT_OK && zeros) {
		input.name = declared.name;
		input.bytes = zeros;
		status = print_outputs(model, &input, err);
	}
	free(zeros);
	heft_model_free(model);
	return status;
}

int main(int argc, char **argv)
{
	struct heft_error err = { .msg = "run MODEL.onnx DIM..." };
	struct heft_file *file;
	int status = HEFT_E_USAGE;

	if (argc > 2 && heft_open(argv[1], NULL, &file, &err) == HEFT_OK) {
		status = run(file, argc - 2, argv + 2, &err);
		heft_close(file);
	}
	if (status != HEFT_OK)
		fprintf(stderr, "%s\n", err.msg);
	return status == HEFT_OK ? 0 : 1;
}
