/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_file.c - reads every tensor of a file in pieces of a mebibyte, by as many threads, touches
 * every byte, and prints the seconds: opening, reading and closing.
 *
 *	read_file FILE N_THREADS          by heft_read
 *	read_file FILE N_THREADS map      where they lie in the file, by heft_map
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heft/file.h"

#define PIECE ((size_t)1 << 20)
#define MAX_THREADS 64

struct work {
	struct heft_file *file;
	pthread_mutex_t lock;
	uint32_t next; /* tensor */
	uint64_t off;  /* in it, where there is only one and the threads share it */
	uint64_t sum;
	int status;
	bool maps;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Four sums, so that none waits for the other. */
static uint64_t add_up(const uint64_t *v, size_t n)
{
	uint64_t sum[4] = { 0 };
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (size_t k = 0; k < 4; k++)
			sum[k] += v[i + k];
	for (; i < n; i++)
		sum[0] += v[i];
	return sum[0] + sum[1] + sum[2] + sum[3];
}

/* The next bytes of a tensor, in the buffer or where they lie. */
static const void *bytes_at(struct work *w, const struct heft_tensor *t, uint64_t off, size_t n,
                            uint64_t *buffer)
{
	struct heft_error err;
	const void *mapped;

	if (w->maps && heft_map(w->file, t, &mapped, &err) == HEFT_OK)
		return (const char *)mapped + off;
	memset((char *)buffer + n / 8 * 8, 0, 8);
	if (!w->maps && heft_read(w->file, t, off, buffer, n, &err) == HEFT_OK)
		return buffer;
	fprintf(stderr, "%s: %s\n", t->name, err.msg);
	return NULL;
}

static int read_range(struct work *w, const struct heft_tensor *t, uint64_t off, uint64_t end,
                      uint64_t *buffer, uint64_t *sum)
{
	while (off < end) {
		const size_t n = end - off < PIECE ? (size_t)(end - off) : PIECE;
		const void *bytes = bytes_at(w, t, off, n, buffer);

		if (!bytes)
			return 1;
		*sum += add_up(bytes, w->maps ? n / 8 : (n + 7) / 8);
		off += n;
	}
	return 0;
}

/* The next tensor, or the next piece of the only one; false when nothing is left. */
static bool take(struct work *w, struct heft_tensor *t, uint64_t *off, uint64_t *end)
{
	const uint32_t n = heft_n_tensors(w->file);
	struct heft_error err;
	bool is_there = false;

	pthread_mutex_lock(&w->lock);
	if (w->status == 0 && w->next < n && heft_tensor_at(w->file, w->next, t, &err) == HEFT_OK) {
		is_there = true;
		*off = w->off;
		*end = n > 1 || t->n_bytes - *off < PIECE ? t->n_bytes : *off + PIECE;
		w->off = *end < t->n_bytes ? *end : 0;
		if (w->off == 0)
			w->next++;
	}
	pthread_mutex_unlock(&w->lock);
	return is_there;
}

static void *run(void *arg)
{
	struct work *w = arg;
	uint64_t *buffer = malloc(PIECE + 8);
	struct heft_tensor t;
	uint64_t sum = 0;
	uint64_t off;
	uint64_t end;
	int status = buffer ? 0 : 1;

	while (status == 0 && take(w, &t, &off, &end))
		status = read_range(w, &t, off, end, buffer, &sum);
	pthread_mutex_lock(&w->lock);
	w->sum += sum;
	w->status |= status;
	pthread_mutex_unlock(&w->lock);
	free(buffer);
	return NULL;
}

int main(int argc, char **argv)
{
	struct work w = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[MAX_THREADS];
	struct heft_error err;
	unsigned long n_threads;
	double begin = now();

	if (argc < 3 || argc > 4 || (n_threads = strtoul(argv[2], NULL, 10)) == 0 ||
	    n_threads > MAX_THREADS) {
		fprintf(stderr, "usage: read_file FILE N_THREADS [map]\n");
		return 2;
	}
	w.maps = argc == 4;
	if (heft_open(argv[1], NULL, &w.file, &err) != HEFT_OK) {
		fprintf(stderr, "%s: %s\n", argv[1], err.msg);
		return 1;
	}
	for (unsigned long i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, run, &w) != 0)
			return 1;
	for (unsigned long i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	heft_close(w.file);
	printf("%.6f\n", now() - begin);
	/* The sum is printed so that no compiler finds it useless. */
	fprintf(stderr, "sum %" PRIu64 "\n", w.sum);
	return w.status;
}
