/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - prints how fast statistics are made, in GB/s, the best of several rounds: of one chunk
 * that lies in the cache, or of a whole file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heft/stats.h"
#include "weights/stats_scan.h"

#define CHUNK ((size_t)1 << 20)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sums of twelve uniform numbers, scaled as weights are. */
static void fill_normal(float *values, size_t n)
{
	uint64_t state = 1;

	for (size_t i = 0; i < n; i++) {
		double sum = -6;

		for (int k = 0; k < 12; k++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			sum += (double)(state >> 40) / 0x1p24;
		}
		values[i] = (float)(sum * 0.02);
	}
}

/* A chunk of one dtype, again and again, as a thread does it: all but the reading and the end. */
static int bench_chunk(const char *name, unsigned rounds)
{
	const enum heft_dtype dtype = heft_dtype_from_name(name);
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	uint8_t *chunk = malloc(CHUNK);
	uint32_t *counts = calloc(HEFT_STATS_COUNTS, sizeof *counts);
	float *values;
	double best = 1e9;
	size_t n;

	if (!info || heft_stats_kind(dtype) == HEFT_STATS_NONE || !chunk || !counts)
		return 2;
	n = CHUNK / info->n_bytes * info->n_elements;
	values = malloc(n * sizeof *values);
	if (!values)
		return 2;
	fill_normal(values, n);
	if (info->is_complex)
		memcpy(chunk, values, CHUNK);
	else if (heft_cast_elements(dtype, chunk, HEFT_DTYPE_F32, values, n, NULL) != HEFT_OK)
		return 2;
	for (unsigned i = 0; i < rounds; i++) {
		struct heft_stats_sums sums = { .has_integers = false };
		const double begin = now();

		heft_stats_scan(dtype, chunk, n, &sums, counts);
		if (now() - begin < best)
			best = now() - begin;
		memset(counts, 0, HEFT_STATS_COUNTS * sizeof *counts);
	}
	printf("%.2f\n", (double)CHUNK / best / 1e9);
	free(values);
	free(counts);
	free(chunk);
	return 0;
}

static void count(void *user, const struct heft_tensor *t, const struct heft_stats *s)
{
	uint64_t *n_bytes = user;

	if (s->is_numeric)
		*n_bytes += t->n_bytes;
}

static int bench_file(const char *path, unsigned threads, unsigned rounds)
{
	const struct heft_run run = { .n_threads = threads };
	struct heft_error err;
	struct heft_file *file;
	uint64_t n_bytes = 0;
	double best = 1e9;

	if (heft_open(path, NULL, &file, &err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", path, err.msg);
		return 1;
	}
	for (unsigned i = 0; i < rounds; i++) {
		const double begin = now();

		n_bytes = 0;
		if (heft_stats_each(file, NULL, heft_n_tensors(file), &run, count, &n_bytes,
		                    &err) != HEFT_OK) {
			fprintf(stderr, "%s: %s\n", path, err.msg);
			return 1;
		}
		if (now() - begin < best)
			best = now() - begin;
	}
	heft_close(file);
	printf("%.2f\n", (double)n_bytes / best / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "chunk") == 0)
		return bench_chunk(argv[2], (unsigned)strtoul(argv[3], NULL, 10));
	if (argc == 5 && strcmp(argv[1], "file") == 0)
		return bench_file(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
		                  (unsigned)strtoul(argv[4], NULL, 10));
	fprintf(stderr, "usage: stats chunk DTYPE ROUNDS | stats file FILE THREADS ROUNDS\n");
	return 2;
}
