/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_data.c - prints a data set, for test_dataset.py.
 *
 *	show_data PATH [TARGET]
 *
 * One line of each: the kind, the samples and the digest; then of every array its name, its dtype,
 * the dimensions of a sample, and all bytes in hexadecimal, read backwards so that no two samples
 * follow each other; then a line for each class's name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "heft/dataset.h"

static int fail(const struct heft_error *err)
{
	fprintf(stderr, "%d %s\n", err->code, err->msg);
	return 3;
}

static int show_array(struct heft_dataset *ds, uint32_t i, struct heft_error *err)
{
	struct heft_dataset_array a;
	uint8_t *row;

	if (heft_dataset_array_at(ds, i, &a, err) != HEFT_OK)
		return fail(err);
	printf("%s %s", a.name, heft_dtype_name(a.dtype));
	for (uint32_t d = 0; d < a.rank; d++)
		printf(" %" PRIu64, a.dims[d]);
	printf("\n");
	row = malloc((size_t)a.n_bytes + 1);
	if (!row)
		return 4;
	for (uint64_t n = heft_dataset_n_samples(ds); n > 0; n--) {
		if (heft_dataset_read(ds, i, (const uint64_t[]){ n - 1 }, 1, row, err) != HEFT_OK) {
			free(row);
			return fail(err);
		}
		for (uint64_t b = 0; b < a.n_bytes; b++)
			printf("%02x", row[b]);
	}
	printf("\n");
	free(row);
	return 0;
}

int main(int argc, char **argv)
{
	const struct heft_dataset_options options = { .target = argc > 2 ? argv[2] : NULL };
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_error err;
	struct heft_dataset *ds;
	const char *const *names;
	uint32_t n_names;
	int status = 0;

	if (argc < 2)
		return 2;
	if (heft_dataset_open(argv[1], &options, &ds, &err) != HEFT_OK)
		return fail(&err);
	if (heft_dataset_digest(ds, NULL, digest, &err) != HEFT_OK) {
		heft_dataset_close(ds);
		return fail(&err);
	}
	printf("%s %" PRIu64 " ", heft_dataset_kind_name(ds), heft_dataset_n_samples(ds));
	for (size_t i = 0; i < sizeof digest; i++)
		printf("%02x", digest[i]);
	printf("\n");
	for (uint32_t i = 0; status == 0 && i < heft_dataset_n_arrays(ds); i++)
		status = show_array(ds, i, &err);
	names = heft_dataset_class_names(ds, &n_names);
	for (uint32_t i = 0; i < n_names; i++)
		printf("%s\n", names[i]);
	heft_dataset_close(ds);
	return status;
}
