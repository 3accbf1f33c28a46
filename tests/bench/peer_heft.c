/* SPDX-License-Identifier: Apache-2.0 */
/* peer_heft.c - heft's own products, for product_peers.c, run by a team as a graph runs them. */
#include <stdlib.h>

#include "base/error.h"
#include "base/team.h"
#include "kernel/product.h"
#include "kernel/transpose.h"
#include "product_peers.h"

struct job {
	struct heft_product p;
	struct heft_product_data d;
	struct heft_team *team;
	size_t scratch_ld;
	unsigned char *scratch;
	float *packed;
	/* The copy with padding that thin layers read, and what it is made of; or NULL. */
	float *wide;
	float *x;
	size_t in[2];
	size_t before;
	size_t after;
};

static void set_product(const struct row *row, struct job *j)
{
	const size_t pad = row->kernel / 2;
	const size_t in = row->size * row->stride;
	const size_t n_x = row->n_images * in * in * row->n_groups * row->n_in;
	struct heft_product wide;

	if (row->kernel == 0) {
		heft_product_matrix(&j->p, row->size * row->n_images, row->n_in, row->n_out);
		j->x = room_of(row->size * row->n_images * row->n_in);
		j->d.x = j->x;
		return;
	}
	j->p = (struct heft_product){ .n_images = row->n_images,
		                      .in = { 1, in, in },
		                      .out = { 1, row->size, row->size },
		                      .kernel = { 1, row->kernel, row->kernel },
		                      .stride = { 1, row->stride, row->stride },
		                      .dilation = { 1, 1, 1 },
		                      .pad = { 0, pad, pad },
		                      .n_groups = row->n_groups,
		                      .n_in = row->n_in,
		                      .n_out = row->n_out,
		                      .x_ld = row->n_groups * row->n_in,
		                      .y_ld = row->n_groups * row->n_out,
		                      .end = { .alpha = 1, .activation = HEFT_ACTIVATION_RELU } };
	j->x = room_of(n_x);
	j->d.x = j->x;
	if (heft_product_widen(&j->p, &wide, &j->before, &j->after)) {
		j->in[0] = in;
		j->in[1] = in * row->n_in;
		j->wide = room_of(row->n_images * in * wide.in[2] * wide.x_ld);
		j->d.x = j->wide;
		j->p = wide;
	}
}

static void *make(const struct row *row, unsigned n_threads)
{
	struct heft_product_weights weights = { NULL, row->n_out, row->n_in * row->n_out,
		                                row->n_out * row->n_groups, 1 };
	struct job *j = calloc(1, sizeof *j);
	float *w = room_of((row->kernel ? row->kernel * row->kernel : 1) * row->n_in * row->n_out *
	                   row->n_groups);

	if (!j || heft_team_new(n_threads, &j->team, NULL) != HEFT_OK)
		give_up("memory");
	set_product(row, j);
	heft_product_init(&j->p);
	weights.w = w;
	weights.tap_ld *= row->n_groups;
	j->packed = room_of(j->p.packed_size / sizeof(float));
	for (size_t i = 0; i < j->p.n_pack_tasks; i++)
		heft_product_pack(&j->p, &weights, i, j->packed);
	free(w);
	j->scratch_ld = (j->p.scratch_size + HEFT_PRODUCT_ALIGN - 1) / HEFT_PRODUCT_ALIGN *
	                HEFT_PRODUCT_ALIGN;
	j->scratch = (unsigned char *)room_of(n_threads * j->scratch_ld / sizeof(float));
	j->d.packed = j->packed;
	j->d.bias = row->kernel ? room_of(row->n_out * row->n_groups) : NULL;
	j->d.y = room_of(j->p.n_pixels * j->p.y_ld);
	return j;
}

static void widen_one(void *ctx, uint64_t image, uint32_t worker)
{
	const struct job *j = ctx;
	const size_t n = j->in[0] * j->in[1];
	const size_t n_wide = j->in[0] * (j->before + j->in[1] + j->after);

	(void)worker;
	heft_pad_rows(j->x + image * n, j->in[1], j->in[0], j->in[1], j->before, j->after,
	              j->wide + image * n_wide);
}

static void run_one(void *ctx, uint64_t task, uint32_t worker)
{
	const struct job *j = ctx;

	heft_product_run(&j->p, &j->d, task, j->scratch + worker * j->scratch_ld);
}

static void run(void *job)
{
	struct job *j = job;

	if (j->wide)
		heft_team_run(j->team, j->p.n_images, widen_one, j);
	heft_team_run(j->team, j->p.n_tasks, run_one, j);
}

static void done(void *job)
{
	struct job *j = job;

	heft_team_free(j->team);
	free(j->packed);
	free(j->scratch);
	free((void *)(uintptr_t)j->d.bias);
	free(j->d.y);
	free(j->wide);
	free(j->x);
	free(j);
}

const struct peer peer_heft = { "heft", make, run, done };
