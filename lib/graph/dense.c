/* SPDX-License-Identifier: Apache-2.0 */
/* dense.c - runs products by a team. */
#include "graph/dense.h"

#include "base/checked.h"
#include "base/error.h"
#include "graph/spans.h"

/* Multiply-adds, or packed floats, below which waking threads costs more than they bring: some 10
 * microseconds of one. */
#define SMALL_PRODUCT ((uint64_t)1 << 19)
#define SMALL_PACK ((uint64_t)1 << 14)

struct packing {
	const struct heft_product *p;
	const struct heft_product_weights *w;
	float *packed;
};

struct running {
	const struct heft_product *p;
	const struct heft_product_data *d;
	unsigned char *scratch;
};

/* Taps, runs and panels, each with room for what rounding adds: pointers of a strip, below 128
 * pixels; vectors of 16 floats. */
enum heft_status heft_dense_check(const struct heft_product *p, struct heft_error *err)
{
	uint64_t n = 128 * sizeof(void *);
	bool is_fit = p->n_out < UINT32_MAX && p->n_groups < UINT32_MAX;

	for (uint32_t a = 0; a < 3; a++)
		is_fit = is_fit && heft_mul_u64(n, p->kernel[a], &n);
	is_fit = is_fit && heft_mul_u64(n, p->n_in + 1, &n) &&
	         heft_mul_u64(n, p->n_groups * (p->n_out + 16), &n);
	if (!is_fit || n > UINT64_C(1) << 60)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the product is too large");
	return HEFT_OK;
}

struct heft_team *heft_dense_team(const struct heft_call *c, uint64_t n_multiply_adds)
{
	return n_multiply_adds < SMALL_PRODUCT ? NULL : c->team;
}

uint64_t heft_dense_scratch(const struct heft_call *c, const struct heft_product *p)
{
	return heft_align_up(p->scratch_size, HEFT_PRODUCT_ALIGN) * heft_team_n_threads(c->team);
}

static void pack_one(void *ctx, uint64_t task, uint32_t worker)
{
	const struct packing *k = ctx;

	(void)worker;
	heft_product_pack(k->p, k->w, task, k->packed);
}

void heft_dense_pack(const struct heft_call *c, const struct heft_product *p,
                     const struct heft_product_weights *w, float *packed)
{
	struct packing k = { p, w, packed };

	heft_team_run(p->packed_size / sizeof *packed < SMALL_PACK ? NULL : c->team,
	              p->n_pack_tasks, pack_one, &k);
}

static void run_one(void *ctx, uint64_t task, uint32_t worker)
{
	const struct running *k = ctx;

	heft_product_run(k->p, k->d, task,
	                 k->scratch +
	                         worker * heft_align_up(k->p->scratch_size, HEFT_PRODUCT_ALIGN));
}

void heft_dense_run(const struct heft_call *c, const struct heft_product *p,
                    const struct heft_product_data *d, void *scratch)
{
	const uint64_t n = p->n_pixels * p->n_groups * p->n_out;
	struct running k = { p, d, scratch };

	heft_team_run(heft_dense_team(c, n * p->n_terms), p->n_tasks, run_one, &k);
}

/* --- what is done to the output --- */

void heft_dense_set_end(const struct heft_call *c, bool has_bias, bool has_residual,
                        struct heft_dense_end *e, struct heft_product_end *end)
{
	const bool is_bias_left = c->end.bias && (has_bias || has_residual);
	const bool is_residual_left = c->end.residual && (has_residual || is_bias_left);

	e->is_bias_inside = c->end.bias && !is_bias_left;
	e->is_residual_inside = c->end.residual && !is_residual_left;
	e->is_activation_inside = !is_bias_left && !is_residual_left;
	if (e->is_activation_inside) {
		end->activation = c->end.activation;
		end->low = c->end.low;
		end->high = c->end.high;
	}
}

void heft_dense_take_end(const struct heft_call *c, const struct heft_dense_end *e,
                         struct heft_product_data *d)
{
	if (e->is_bias_inside)
		d->bias = c->end.bias->bytes;
	if (e->is_residual_inside)
		d->residual = c->end.residual->bytes;
}

struct finishing {
	float *y;
	const float *bias;
	const float *residual;
	uint64_t n_channels;
	uint64_t n_pixels; /* behind a channel */
	struct heft_call_end end;
};

static float activate(const struct heft_call_end *end, float v)
{
	if (end->activation == HEFT_ACTIVATION_RELU)
		return v < 0 ? 0.0f : v;
	if (end->activation == HEFT_ACTIVATION_CLIP) {
		v = v < end->low ? end->low : v;
		return v > end->high ? end->high : v;
	}
	return v;
}

static void finish(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                   uint32_t worker)
{
	const struct finishing *f = ctx;

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		float v = f->y[i];

		if (f->bias)
			v += f->bias[i / f->n_pixels % f->n_channels];
		if (f->residual)
			v += f->residual[i];
		f->y[i] = activate(&f->end, v);
	}
}

void heft_dense_finish(const struct heft_call *c, const struct heft_dense_end *e,
                       uint64_t n_channels, uint64_t n_pixels, bool is_last)
{
	const struct finishing f = {
		.y = c->out[0].bytes,
		.bias = c->end.bias && !e->is_bias_inside ? c->end.bias->bytes : NULL,
		.residual = c->end.residual && !e->is_residual_inside ? c->end.residual->bytes
		                                                      : NULL,
		.n_channels = n_channels,
		.n_pixels = is_last ? 1 : n_pixels,
		.end = c->end,
	};

	if (!e->is_activation_inside)
		heft_spans_run(c, c->out[0].n_elements, 1, finish, &f);
}

enum heft_status heft_dense_room(uint64_t *size, uint64_t n, uint64_t *at, struct heft_error *err)
{
	*at = *size;
	if (n > (UINT64_C(1) << 62) || *size > (UINT64_C(1) << 62))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "it wants more than 2^62 bytes of scratch");
	*size = heft_align_up(*size + n, HEFT_PRODUCT_ALIGN);
	return HEFT_OK;
}
