/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.c - uses a tensor where it lies in the file, without a copy, when the file allows that and
 * holds what the program wants to work with; else reads and converts it. Prints the mean.
 */
#include <heft/file.h>
#include <stdio.h>
#include <stdlib.h>

/* The elements as floats in memory of the caller's, who frees it; NULL on failure. */
static float *read_floats(struct heft_file *file, const struct heft_tensor *t,
                          struct heft_error *err)
{
	float *values = calloc((size_t)t->n_elements + 1, sizeof *values);
	void *bytes = malloc((size_t)t->n_bytes + 1);

	if (!values || !bytes || heft_read(file, t, 0, bytes, (size_t)t->n_bytes, err) != HEFT_OK ||
	    heft_cast_elements(HEFT_DTYPE_F32, values, t->dtype, bytes, (size_t)t->n_elements,
	                       err) != HEFT_OK) {
		free(values);
		values = NULL;
	}
	free(bytes);
	return values;
}

static double mean(const float *values, uint64_t n)
{
	double sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += (double)values[i];
	return n > 0 ? sum / (double)n : 0;
}

static int print_mean(struct heft_file *file, const struct heft_tensor *t, struct heft_error *err)
{
	const void *mapped;
	float *copy = NULL;

	if (t->dtype != HEFT_DTYPE_F32 || t->alignment < sizeof(float) ||
	    heft_map(file, t, &mapped, err) != HEFT_OK) {
		copy = read_floats(file, t, err);
		if (!copy)
			return 1;
		mapped = copy;
	}
	printf("%.9g (%s)\n", mean(mapped, t->n_elements), copy ? "copied" : "mapped");
	free(copy);
	return 0;
}

int main(int argc, char **argv)
{
	/* Every chunk of a heft file is checked against its digest before it is used. */
	const struct heft_open_options options = { .flags = HEFT_OPEN_VERIFY };
	struct heft_error err = { .msg = "no memory" };
	struct heft_tensor tensor;
	struct heft_file *file;
	int status = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: map FILE TENSOR\n");
		return 2;
	}
	if (heft_open(argv[1], &options, &file, &err) == HEFT_OK) {
		if (heft_find(file, argv[2], &tensor, &err) == HEFT_OK)
			status = print_mean(file, &tensor, &err);
		heft_close(file);
	}
	if (status != 0)
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
	return status;
}
