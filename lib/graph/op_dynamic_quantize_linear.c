/* SPDX-License-Identifier: Apache-2.0 */
/* op_dynamic_quantize_linear.c - DynamicQuantizeLinear: U8 over the range of the data, and 0 (spec
 * F6-26). */
#include "base/error.h"
#include "graph/quant.h"
#include "graph/spans.h"
#include "kernel/sum.h"

/* Elements whose extremes are found together. */
#define BLOCK 16384

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_NONE };
	const struct heft_array *x = &c->in[0];

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_U8, x->rank, x->dims, err));
	if (c->n_out > 1)
		HEFT_TRY(heft_array_set(&c->out[1], HEFT_DTYPE_F32, 0, NULL, err));
	if (c->n_out > 2)
		HEFT_TRY(heft_array_set(&c->out[2], HEFT_DTYPE_U8, 0, NULL, err));
	c->scratch_size = (x->n_elements / BLOCK + 1) * 2 * sizeof(float);
	return HEFT_OK;
}

/* Items are blocks: the least and the greatest of each go to scratch. */
static void find_extremes(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                          uint32_t worker)
{
	const float *x = c->in[0].bytes;
	float *found = c->scratch;

	(void)ctx;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint64_t left = c->in[0].n_elements - i * BLOCK;
		const uint64_t count = left < BLOCK ? left : BLOCK;

		found[2 * i] = heft_min_f32_by(c->cpu_bits, x + i * BLOCK, count);
		found[2 * i + 1] = heft_max_f32_by(c->cpu_bits, x + i * BLOCK, count);
	}
}

struct range {
	float scale;
	int32_t zero;
};

static struct range find_range(const struct heft_call *c)
{
	const struct heft_int_range bytes = { 0, UINT8_MAX };
	const uint64_t n_blocks = c->in[0].n_elements / BLOCK + (c->in[0].n_elements % BLOCK != 0);
	const float *found = c->scratch;
	struct range r;
	float least = 0;
	float greatest = 0;

	heft_spans_run(c, n_blocks, BLOCK, find_extremes, NULL);
	for (uint64_t i = 0; i < n_blocks; i++) {
		least = found[2 * i] < least ? found[2 * i] : least;
		greatest = found[2 * i + 1] > greatest ? found[2 * i + 1] : greatest;
	}
	r.scale = greatest == least ? 1 : (greatest - least) / 255;
	r.zero = heft_quantize((0 - least) / r.scale, 0, bytes);
	return r;
}

static void quantize(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct heft_int_range bytes = { 0, UINT8_MAX };
	const struct range *r = ctx;
	const float *x = c->in[0].bytes;
	uint8_t *y = c->out[0].bytes;

	(void)worker;
	for (uint64_t i = first; i < first + n; i++)
		y[i] = (uint8_t)heft_quantize(x[i] / r->scale, r->zero, bytes);
}

static void forward(const struct heft_call *c)
{
	const struct range r = find_range(c);

	if (heft_call_wants(c, 0))
		heft_spans_run(c, c->in[0].n_elements, 1, quantize, &r);
	if (heft_call_wants(c, 1))
		*(float *)c->out[1].bytes = r.scale;
	if (heft_call_wants(c, 2))
		*(uint8_t *)c->out[2].bytes = (uint8_t)r.zero;
}

const struct heft_op heft_op_dynamic_quantize_linear = {
	.name = "DynamicQuantizeLinear",
	.domain = "",
	.since = 11,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 3,
	.infer = infer,
	.forward = forward,
};
