/* SPDX-License-Identifier: Apache-2.0 */
/* product_peers.c - how fast products and convolutions are beside OpenBLAS and oneDNN, where they
 * were found when this was built.
 *
 *	product_peers THREADS IMAGES ROUNDS [NAME]
 *
 * All run one after the other in every round, so that what else the machine does meets them alike;
 * one thread is timed by the CPU's clock of this process, several by the wall's. A row says heft's
 * median time, its best rate and, for each peer, the median over the rounds of the peer's time
 * divided by heft's, and that of both their best rounds: above 1, heft is faster. A network's row
 * adds up its layers, each as often as the network has it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "product_peers.h"

/* Seconds that one round of one peer takes, at least. */
#define SLICE 0.004

/* What threads of the peer before need to fall asleep: they spin for a while when they are done,
 * and there may be no CPU to spare. */
#define PAUSE_NS 30000000

#define MAX_ROUNDS 101
#define N_PEERS 3

static const struct peer *const peers[N_PEERS] = {
	&peer_heft,
#ifdef WITH_BLAS
	&peer_openblas,
#else
	NULL,
#endif
#ifdef WITH_ONEDNN
	&peer_onednn,
#else
	NULL,
#endif
};

static const struct row matrices[] = {
	{ "64 x 3136 x 576", 3136, 576, 64, 0, 1, 1, 1, 0 },
	{ "128 x 784 x 1152", 784, 1152, 128, 0, 1, 1, 1, 0 },
	{ "256 x 196 x 2304", 196, 2304, 256, 0, 1, 1, 1, 0 },
	{ "512 x 49 x 4608", 49, 4608, 512, 0, 1, 1, 1, 0 },
	{ "64 x 12544 x 147", 12544, 147, 64, 0, 1, 1, 1, 0 },
	{ "96 x 3136 x 24", 3136, 24, 96, 0, 1, 1, 1, 0 },
	{ "384 x 512 x 1536", 512, 1536, 384, 0, 1, 1, 1, 0 },
	/* Square ones are the same whatever the batch. */
	{ "1024^3", 1024, 1024, 1024, 0, 0, 1, 1, 0 },
	{ "2048^3", 2048, 2048, 2048, 0, 0, 1, 1, 0 },
};

static const struct row resnet18[] = {
	{ "resnet 112 3-64 7x7/2", 112, 3, 64, 7, 2, 1, 1, 0 },
	{ "resnet 56 64-64 3x3", 56, 64, 64, 3, 1, 1, 4, 0 },
	{ "resnet 28 64-128 3x3/2", 28, 64, 128, 3, 2, 1, 1, 0 },
	{ "resnet 28 64-128 1x1/2", 28, 64, 128, 1, 2, 1, 1, 0 },
	{ "resnet 28 128-128 3x3", 28, 128, 128, 3, 1, 1, 3, 0 },
	{ "resnet 14 128-256 3x3/2", 14, 128, 256, 3, 2, 1, 1, 0 },
	{ "resnet 14 128-256 1x1/2", 14, 128, 256, 1, 2, 1, 1, 0 },
	{ "resnet 14 256-256 3x3", 14, 256, 256, 3, 1, 1, 3, 0 },
	{ "resnet 7 256-512 3x3/2", 7, 256, 512, 3, 2, 1, 1, 0 },
	{ "resnet 7 256-512 1x1/2", 7, 256, 512, 1, 2, 1, 1, 0 },
	{ "resnet 7 512-512 3x3", 7, 512, 512, 3, 1, 1, 3, 0 },
};

static const struct row mobilenet_v2[] = {
	{ "mobilenet 112 3-32 3x3/2", 112, 3, 32, 3, 2, 1, 1, 0 },
	{ "mobilenet 112 32 depthwise", 112, 1, 1, 3, 1, 32, 1, 0 },
	{ "mobilenet 112 32-16", 112, 32, 16, 1, 1, 1, 1, 0 },
	{ "mobilenet 112 16-96", 112, 16, 96, 1, 1, 1, 1, 0 },
	{ "mobilenet 56 96 depthwise /2", 56, 1, 1, 3, 2, 96, 1, 0 },
	{ "mobilenet 56 96-24", 56, 96, 24, 1, 1, 1, 1, 0 },
	{ "mobilenet 56 24-144", 56, 24, 144, 1, 1, 1, 2, 0 },
	{ "mobilenet 56 144 depthwise", 56, 1, 1, 3, 1, 144, 1, 0 },
	{ "mobilenet 56 144-24", 56, 144, 24, 1, 1, 1, 1, 0 },
	{ "mobilenet 28 144 depthwise /2", 28, 1, 1, 3, 2, 144, 1, 0 },
	{ "mobilenet 28 144-32", 28, 144, 32, 1, 1, 1, 1, 0 },
	{ "mobilenet 28 32-192", 28, 32, 192, 1, 1, 1, 3, 0 },
	{ "mobilenet 28 192 depthwise", 28, 1, 1, 3, 1, 192, 2, 0 },
	{ "mobilenet 28 192-32", 28, 192, 32, 1, 1, 1, 2, 0 },
	{ "mobilenet 14 192 depthwise /2", 14, 1, 1, 3, 2, 192, 1, 0 },
	{ "mobilenet 14 192-64", 14, 192, 64, 1, 1, 1, 1, 0 },
	{ "mobilenet 14 64-384", 14, 64, 384, 1, 1, 1, 4, 0 },
	{ "mobilenet 14 384 depthwise", 14, 1, 1, 3, 1, 384, 4, 0 },
	{ "mobilenet 14 384-64", 14, 384, 64, 1, 1, 1, 3, 0 },
	{ "mobilenet 14 384-96", 14, 384, 96, 1, 1, 1, 1, 0 },
	{ "mobilenet 14 96-576", 14, 96, 576, 1, 1, 1, 3, 0 },
	{ "mobilenet 14 576 depthwise", 14, 1, 1, 3, 1, 576, 2, 0 },
	{ "mobilenet 14 576-96", 14, 576, 96, 1, 1, 1, 2, 0 },
	{ "mobilenet 7 576 depthwise /2", 7, 1, 1, 3, 2, 576, 1, 0 },
	{ "mobilenet 7 576-160", 7, 576, 160, 1, 1, 1, 1, 0 },
	{ "mobilenet 7 160-960", 7, 160, 960, 1, 1, 1, 3, 0 },
	{ "mobilenet 7 960 depthwise", 7, 1, 1, 3, 1, 960, 3, 0 },
	{ "mobilenet 7 960-160", 7, 960, 160, 1, 1, 1, 2, 0 },
	{ "mobilenet 7 960-320", 7, 960, 320, 1, 1, 1, 1, 0 },
	{ "mobilenet 7 320-1280", 7, 320, 1280, 1, 1, 1, 1, 0 },
};

/* What a row was, or what the rows of a network were together. */
struct result {
	double flops;
	double best[N_PEERS];   /* seconds; 0: the peer was not there */
	double median[N_PEERS]; /* likewise */
	double ratio[N_PEERS];  /* median of the peer's time by heft's; of a network, of sums */
};

float *room_of(size_t n)
{
	float *p = NULL;

	if (posix_memalign((void **)(void *)&p, 64, n * sizeof *p + 64) != 0)
		give_up("memory");
	for (size_t i = 0; i < n; i++)
		p[i] = (float)((i * 2654435761u >> 8) & 0xffff) / 65536.0f - 0.5f;
	return p;
}

void give_up(const char *what)
{
	fprintf(stderr, "product_peers: %s failed\n", what);
	exit(4);
}

static double now(unsigned n_threads)
{
	struct timespec t;

	clock_gettime(n_threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of one run, the mean of as many as a slice holds, behind one that wakes the threads. */
static double time_slice(const struct peer *peer, void *job, unsigned n_threads)
{
	const struct timespec pause = { 0, PAUSE_NS };
	unsigned n = 0;
	double begin;
	double end;

	nanosleep(&pause, NULL);
	peer->run(job);
	begin = now(n_threads);
	do {
		peer->run(job);
		n++;
		end = now(n_threads);
	} while (end - begin < SLICE);
	return (end - begin) / n;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *x, size_t n)
{
	qsort(x, n, sizeof *x, compare);
	return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static double flops_of(const struct row *row)
{
	const double n_taps = row->kernel ? (double)(row->kernel * row->kernel) : 1;
	const double n_pixels = (double)(row->kernel ? row->size * row->size : row->size);

	return 2 * n_taps * n_pixels *
	       (double)(row->n_images * row->n_in * row->n_out * row->n_groups);
}

static struct result measure(const struct row *row, unsigned n_threads, unsigned n_rounds)
{
	double seconds[N_PEERS][MAX_ROUNDS];
	double ratios[MAX_ROUNDS];
	void *jobs[N_PEERS] = { NULL };
	struct result r = { .flops = flops_of(row) };

	for (size_t i = 0; i < N_PEERS; i++)
		if (peers[i])
			jobs[i] = peers[i]->make(row, n_threads);
	for (unsigned k = 0; k < n_rounds; k++)
		for (size_t i = 0; i < N_PEERS; i++)
			if (jobs[i])
				seconds[i][k] = time_slice(peers[i], jobs[i], n_threads);
	for (size_t i = N_PEERS; i-- > 0;) {
		if (!jobs[i])
			continue;
		for (unsigned k = 0; k < n_rounds; k++)
			ratios[k] = seconds[i][k] / seconds[0][k];
		r.ratio[i] = median_of(ratios, n_rounds);
		peers[i]->done(jobs[i]);
	}
	for (size_t i = 0; i < N_PEERS; i++) {
		r.median[i] = jobs[i] ? median_of(seconds[i], n_rounds) : 0;
		r.best[i] = jobs[i] ? seconds[i][0] : 0;
	}
	return r;
}

static void print_row(const char *name, const struct result *r)
{
	printf("%-32s %9.3f ms %7.1f GFLOP/s", name, 1e3 * r->median[0],
	       1e-9 * r->flops / r->best[0]);
	for (size_t i = 1; i < N_PEERS; i++)
		if (r->ratio[i] > 0)
			printf("  %8s %5.2f %5.2f", peers[i]->name, r->ratio[i],
			       r->best[i] / r->best[0]);
	printf("\n");
	fflush(stdout);
}

/* Each row, and the geometric mean of its ratio to the faster peer. */
static void run_matrices(struct row row, size_t n_images, double *log_sum, size_t *n,
                         unsigned n_threads, unsigned n_rounds)
{
	double worst = INFINITY;
	struct result r;

	row.n_images = row.stride ? n_images : 1;
	r = measure(&row, n_threads, n_rounds);
	print_row(row.name, &r);
	for (size_t i = 1; i < N_PEERS; i++)
		if (r.ratio[i] > 0 && r.ratio[i] < worst)
			worst = r.ratio[i];
	if (worst < INFINITY) {
		*log_sum += log(worst);
		++*n;
	}
}

static void add(struct result *sum, const struct result *r, size_t n_times)
{
	sum->flops += r->flops * (double)n_times;
	for (size_t i = 0; i < N_PEERS; i++) {
		sum->median[i] += r->median[i] * (double)n_times;
		sum->best[i] += r->best[i] * (double)n_times;
	}
}

static void run_network(const char *name, const struct row *rows, size_t n, const char *only,
                        size_t n_images, unsigned n_threads, unsigned n_rounds)
{
	struct result sum = { .flops = 0 };

	for (size_t i = 0; i < n; i++) {
		struct row row = rows[i];
		struct result r;

		if (!strstr(row.name, only))
			continue;
		row.n_images = n_images;
		r = measure(&row, n_threads, n_rounds);
		print_row(row.name, &r);
		add(&sum, &r, row.n_times);
	}
	for (size_t i = 1; i < N_PEERS && sum.flops > 0; i++)
		sum.ratio[i] = sum.median[i] / sum.median[0];
	if (sum.flops > 0)
		print_row(name, &sum);
}

int main(int argc, char **argv)
{
	const char *only = argc > 4 ? argv[4] : "";
	double log_sum = 0;
	size_t n = 0;
	size_t n_images;
	unsigned n_threads;
	unsigned n_rounds;

	if (argc < 4) {
		fprintf(stderr, "usage: product_peers THREADS IMAGES ROUNDS [NAME]\n");
		return 2;
	}
	n_threads = (unsigned)strtoul(argv[1], NULL, 10);
	n_images = strtoul(argv[2], NULL, 10);
	n_rounds = (unsigned)strtoul(argv[3], NULL, 10);
	if (n_threads < 1 || n_images < 1 || n_rounds < 1 || n_rounds > MAX_ROUNDS)
		return 2;
	for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
		if (strstr(matrices[i].name, only))
			run_matrices(matrices[i], n_images, &log_sum, &n, n_threads, n_rounds);
	if (n > 0)
		printf("%-32s %45.2f\n", "matrices, the faster peer", exp(log_sum / (double)n));
	run_network("ResNet-18, all layers", resnet18, sizeof resnet18 / sizeof *resnet18, only,
	            n_images, n_threads, n_rounds);
	run_network("MobileNetV2, all layers", mobilenet_v2,
	            sizeof mobilenet_v2 / sizeof *mobilenet_v2, only, n_images, n_threads,
	            n_rounds);
	return 0;
}
