/* SPDX-License-Identifier: Apache-2.0 */
/* open_file.c - opens a heft file in a fresh process, finds ten tensors by name, and prints the
 * microseconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heft/file.h"

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	struct heft_open_options options = { .flags = 0 };
	struct heft_tensor t;
	struct heft_file *file;
	struct heft_error err;
	double begin;
	double end;

	if (argc < 3) {
		fprintf(stderr, "usage: open_file trust|verify FILE NAME...\n");
		return 2;
	}
	if (strcmp(argv[1], "trust") == 0)
		options.flags = HEFT_OPEN_TRUST_INDEX;
	begin = now_us();
	if (heft_open(argv[2], &options, &file, &err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[2], err.msg);
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		if (heft_find(file, argv[i], &t, &err) != HEFT_OK) {
			fprintf(stderr, "%s: %s\n", argv[i], err.msg);
			return 1;
		}
	}
	end = now_us();
	printf("%.1f\n", end - begin);
	heft_close(file);
	return 0;
}
