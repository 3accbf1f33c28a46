/* SPDX-License-Identifier: Apache-2.0 */
/* dense_gradient.c - runs the tasks of gradients of weights. */
#include "graph/dense_gradient.h"

#include "base/checked.h"
#include "base/error.h"
#include "graph/chain.h"
#include "graph/dense.h"
#include "graph/spans.h"

struct running {
	const struct heft_dense_gradient *d;
	const struct heft_weight_gradient_data *data;
	unsigned char *scratch;
};

enum heft_status heft_dense_gradient_plan(struct heft_call *c, const struct heft_product *p,
                                          struct heft_dense_gradient *d, struct heft_error *err)
{
	const uint64_t n_threads = heft_team_n_threads(c->team);
	uint64_t n = p->n_groups * p->n_in * p->n_out;

	for (uint32_t a = 0; a < 3; a++)
		n *= p->kernel[a];
	*d = (struct heft_dense_gradient){ .g = { .p = *p, .n_threads = n_threads } };
	HEFT_TRY(heft_dense_check(p, err));
	heft_weight_gradient_init_by(c->cpu_bits, &d->g);
	d->n_multiply_adds = n * d->g.p.n_pixels;
	if (d->g.scratch_size > UINT64_MAX / 2 / n_threads)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the weights are too large");
	HEFT_TRY(heft_dense_room(&c->scratch_size, d->g.sums_size, &d->sums_at, err));
	return heft_dense_room(&c->scratch_size, d->g.scratch_size * n_threads, &d->run_at, err);
}

static void run_one(void *ctx, uint64_t task, uint32_t worker)
{
	const struct running *r = ctx;

	heft_weight_gradient_run(&r->d->g, r->data, task,
	                         r->scratch + worker * r->d->g.scratch_size);
}

static void join_one(void *ctx, uint64_t task, uint32_t worker)
{
	const struct running *r = ctx;

	heft_weight_gradient_join(&r->d->g, r->data, task,
	                          r->scratch + worker * r->d->g.scratch_size);
}

void heft_dense_gradient_run(const struct heft_call *c, const struct heft_dense_gradient *d,
                             const struct heft_weight_gradient_data *data)
{
	struct heft_team *team = heft_dense_team(c, d->n_multiply_adds);
	unsigned char *scratch = c->scratch;
	struct heft_weight_gradient_data given = *data;
	struct running r = { d, &given, scratch + d->run_at };

	given.sums = d->g.sums_size ? (float *)(void *)(scratch + d->sums_at) : NULL;
	heft_team_run(team, d->g.n_tasks, run_one, &r);
	heft_team_run(team, d->g.n_join_tasks, join_one, &r);
}

enum heft_status heft_dense_gradient_check_types(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64,
		                                   HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	for (uint32_t i = 1; i < c->n_in; i++) {
		if (c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s meets %s",
			                 heft_dtype_name(c->in[0].dtype),
			                 heft_dtype_name(c->in[i].dtype));
	}
	return HEFT_OK;
}

/* Items are channels. */
static void sum_channels(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                         uint32_t worker)
{
	const struct heft_bias_f64 *b = ctx;
	const uint64_t n_images = b->n_pixels > 0 ? b->n_images : 0;

	(void)c;
	(void)worker;
	for (uint64_t j = first; j < first + n; j++) {
		struct heft_chain_f64 chain;

		heft_chain_f64_start(&chain);
		for (uint64_t i = 0; i < n_images; i++) {
			const double *dy = b->dy + i * b->image_step + j * b->channel_step;

			for (uint64_t k = 0; k < b->n_pixels; k++)
				heft_chain_f64_add(&chain, 1, dy[k * b->pixel_step]);
		}
		b->db[j] = heft_chain_f64_done(&chain);
	}
}

void heft_bias_f64(const struct heft_call *c, const struct heft_bias_f64 *b)
{
	heft_spans_run(c, b->n_channels, b->n_images * b->n_pixels, sum_channels, b);
}
