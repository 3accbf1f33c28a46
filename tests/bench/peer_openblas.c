/* SPDX-License-Identifier: Apache-2.0 */
/* peer_openblas.c - OpenBLAS's product of matrices, for product_peers.c. */
#include <cblas.h>
#include <stdlib.h>

#include "product_peers.h"

struct job {
	int m;
	int k;
	int n;
	float *a;
	float *b;
	float *c;
};

static void *make(const struct row *row, unsigned n_threads)
{
	struct job *j;

	if (row->kernel != 0)
		return NULL;
	j = malloc(sizeof *j);
	if (!j)
		give_up("memory");
	*j = (struct job){ .m = (int)(row->size * row->n_images),
		           .k = (int)row->n_in,
		           .n = (int)row->n_out,
		           .a = room_of(row->size * row->n_images * row->n_in),
		           .b = room_of(row->n_in * row->n_out),
		           .c = room_of(row->size * row->n_images * row->n_out) };
	openblas_set_num_threads((int)n_threads);
	return j;
}

static void run(void *job)
{
	const struct job *j = job;

	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, j->m, j->n, j->k, 1, j->a, j->k,
	            j->b, j->n, 0, j->c, j->n);
}

static void done(void *job)
{
	struct job *j = job;

	free(j->a);
	free(j->b);
	free(j->c);
	free(j);
}

const struct peer peer_openblas = { "OpenBLAS", make, run, done };
