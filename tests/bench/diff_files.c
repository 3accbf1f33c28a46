/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_files.c - what `heft diff` is measured with: makes two files to compare, and reads two files
 * by as many threads, doing no more than add up what is there.
 *
 *	diff_files make PATH N_TENSORS N_ELEMENTS SEED    F32 tensors, as safetensors
 *	diff_files read A B                               seconds, of data that lies in memory
 *	diff_files diff A B N_THREADS [pread]             seconds of heft_diff alone
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "heft/diff.h"
#include "heft/write.h"

#define N_THREADS 64

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what)
{
	fprintf(stderr, "diff_files: %s\n", what);
	return 1;
}

/* --- make --- */

static void fill(float *v, size_t n, uint32_t *state)
{
	for (size_t i = 0; i < n; i++) {
		*state = *state * 1664525 + 1013904223;
		v[i] = (float)(*state >> 8) / 16777216.0F - 0.5F;
	}
}

static enum heft_status write_tensors(struct heft_writer *w, uint32_t n, uint64_t n_elements,
                                      uint32_t seed, float *v, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		char name[64];
		struct heft_tensor t = { .name = name, .dtype = HEFT_DTYPE_F32, .rank = 1 };

		snprintf(name, sizeof name, "model.layers.%u.block.%u.weight", i / 100, i % 100);
		t.dims[0] = n_elements;
		st = heft_declare(w, &t, err);
	}
	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		uint32_t state = seed + i;

		fill(v, n_elements, &state);
		st = heft_put(w, i, v, n_elements * sizeof *v, err);
	}
	return st;
}

static int make(const char *path, uint32_t n, uint64_t n_elements, uint32_t seed)
{
	const struct heft_write_options options = { .overwrite = true, .no_sync = true };
	float *v = malloc(n_elements * sizeof *v);
	struct heft_writer *w;
	struct heft_error err;

	if (!v)
		return fail("no memory");
	if (heft_create(path, "safetensors", &options, &w, &err) != HEFT_OK)
		return fail(err.msg);
	if (write_tensors(w, n, n_elements, seed, v, &err) != HEFT_OK ||
	    heft_commit(w, NULL, &err) != HEFT_OK)
		return fail(err.msg);
	free(v);
	return 0;
}

/* --- read --- */

struct part {
	const uint64_t *a;
	const uint64_t *b;
	size_t n;
	uint64_t sum;
};

/* Both buffers at once, as a comparison reads them; four sums, so that none waits for the other. */
static void *add_up(void *arg)
{
	struct part *p = arg;
	uint64_t sum[4] = { 0 };

	for (size_t i = 0; i + 4 <= p->n; i += 4)
		for (size_t k = 0; k < 4; k++)
			sum[k] += p->a[i + k] ^ p->b[i + k];
	p->sum = sum[0] + sum[1] + sum[2] + sum[3];
	return NULL;
}

static uint64_t *load(const char *path, size_t *n)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint64_t *bytes;
	size_t n_done = 0;

	if (fd < 0 || fstat(fd, &st) != 0)
		return NULL;
	*n = (size_t)st.st_size / 8;
	bytes = malloc(*n * 8);
	while (bytes && n_done < *n * 8) {
		const ssize_t got = pread(fd, (char *)bytes + n_done, *n * 8 - n_done,
		                          (off_t)n_done);

		if (got <= 0)
			break;
		n_done += (size_t)got;
	}
	close(fd);
	return bytes;
}

static uint64_t read_once(const uint64_t *a, const uint64_t *b, size_t n, size_t n_threads)
{
	struct part parts[N_THREADS];
	pthread_t threads[N_THREADS];
	uint64_t sum = 0;

	for (size_t i = 0; i < n_threads; i++) {
		const size_t first = n * i / n_threads;

		parts[i] = (struct part){ a + first, b + first, n * (i + 1) / n_threads - first,
			                  0 };
		if (pthread_create(&threads[i], NULL, add_up, &parts[i]) != 0)
			exit(fail("no threads"));
	}
	for (size_t i = 0; i < n_threads; i++) {
		pthread_join(threads[i], NULL);
		sum += parts[i].sum;
	}
	return sum;
}

static int read_both(const char *path_a, const char *path_b)
{
	const long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
	const size_t n_threads = n_cores < N_THREADS ? (size_t)n_cores : N_THREADS;
	size_t n_a;
	size_t n_b;
	uint64_t *a = load(path_a, &n_a);
	uint64_t *b = load(path_b, &n_b);
	double best = 1e9;
	uint64_t sum = 0;

	if (!a || !b)
		return fail("cannot read the files");
	for (int round = 0; round < 5; round++) {
		const double begin = now();

		sum += read_once(a, b, n_a < n_b ? n_a : n_b, n_threads);
		if (now() - begin < best)
			best = now() - begin;
	}
	/* The sum is printed so that no compiler finds it useless. */
	fprintf(stderr, "sum %" PRIu64 "\n", sum);
	printf("%.6f\n", best);
	free(a);
	free(b);
	return 0;
}

/* --- diff --- */

static int diff(const char *path_a, const char *path_b, uint32_t n_threads, bool reads)
{
	const struct heft_open_options open_options = { .flags = reads ? HEFT_OPEN_PREAD : 0 };
	const struct heft_diff_options options = { .run = { .n_threads = n_threads } };
	struct heft_diff_summary summary;
	struct heft_error err;
	struct heft_file *a;
	struct heft_file *b;
	double begin = now();
	double opened;

	if (heft_open(path_a, &open_options, &a, &err) != HEFT_OK ||
	    heft_open(path_b, &open_options, &b, &err) != HEFT_OK)
		return fail(err.msg);
	opened = now();
	if (heft_diff(a, b, &options, NULL, NULL, &summary, &err) != HEFT_OK)
		return fail(err.msg);
	printf("%.6f\n", now() - opened);
	fprintf(stderr, "open %.6f s, %u equal, %u changed\n", opened - begin, summary.n_equal,
	        summary.n_changed);
	heft_close(b);
	heft_close(a);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		return make(argv[2], (uint32_t)strtoul(argv[3], NULL, 10),
		            strtoull(argv[4], NULL, 10), (uint32_t)strtoul(argv[5], NULL, 10));
	if (argc == 4 && strcmp(argv[1], "read") == 0)
		return read_both(argv[2], argv[3]);
	if ((argc == 5 || argc == 6) && strcmp(argv[1], "diff") == 0)
		return diff(argv[2], argv[3], (uint32_t)strtoul(argv[4], NULL, 10), argc == 6);
	fprintf(stderr, "usage: diff_files make PATH N_TENSORS N_ELEMENTS SEED\n"
	                "       diff_files read A B\n"
	                "       diff_files diff A B N_THREADS [pread]\n");
	return 2;
}
