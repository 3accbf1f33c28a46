/* SPDX-License-Identifier: Apache-2.0 */
/* op_dequantize_linear.c - DequantizeLinear: (x - zero point) x scale (spec F6-25). */
#include "base/error.h"
#include "graph/quant_scale.h"
#include "graph/spans.h"

struct dequantize {
	struct heft_quant_scale q;
	bool is_float; /* x is */
};

_Static_assert(sizeof(struct dequantize) <= HEFT_CALL_STATE, "it is larger than its room");

static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F16, HEFT_DTYPE_BF16,
	                                  HEFT_DTYPE_NONE };

static enum heft_status check_types(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype quantised[] = {
		HEFT_DTYPE_U8,          HEFT_DTYPE_I8,          HEFT_DTYPE_U16,     HEFT_DTYPE_I16,
		HEFT_DTYPE_I32,         HEFT_DTYPE_F8_E4M3,     HEFT_DTYPE_F8_E5M2, HEFT_DTYPE_U4,
		HEFT_DTYPE_F8_E4M3FNUZ, HEFT_DTYPE_F8_E5M2FNUZ, HEFT_DTYPE_I4,      HEFT_DTYPE_F4,
		HEFT_DTYPE_U2,          HEFT_DTYPE_I2,          HEFT_DTYPE_NONE
	};
	static const enum heft_dtype scales[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F16, HEFT_DTYPE_BF16,
		                                  HEFT_DTYPE_F8_E8M0, HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, 0, quantised, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, scales, err));
	if (heft_call_has(c, 2) && c->in[2].dtype != c->in[0].dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the zero point is %s and the data %s",
		                 heft_dtype_name(c->in[2].dtype), heft_dtype_name(c->in[0].dtype));
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct dequantize *d = (struct dequantize *)(void *)c->state;
	const int64_t number = heft_call_int(c, "output_dtype", 0);
	enum heft_dtype dtype = c->in[1].dtype;

	HEFT_TRY(check_types(c, err));
	d->is_float = heft_dtype_describe(c->in[0].dtype)->is_float;
	HEFT_TRY(heft_quant_scale_infer(c, &d->q, err));
	if (number != 0)
		HEFT_TRY(heft_quant_dtype(number, floats, &dtype, err));
	else if (dtype == HEFT_DTYPE_F8_E8M0)
		dtype = HEFT_DTYPE_F32;
	return heft_array_set(&c->out[0], dtype, c->in[0].rank, c->in[0].dims, err);
}

/* Element `at` on of a run's n, with their scale and zero point. */
static void scale_integers(const int32_t *x, int32_t zero, float scale, uint64_t n, float *y)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = (float)((int64_t)x[i] - zero) * scale;
}

static void scale_floats(const float *x, float zero, float scale, uint64_t n, float *y)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = (x[i] - zero) * scale;
}

static void dequantize_run(const struct heft_call *c, const struct dequantize *d, uint64_t run)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t first = run * HEFT_QUANT_RUN;
	const uint64_t left = x->n_elements - first;
	const uint64_t n = left < HEFT_QUANT_RUN ? left : HEFT_QUANT_RUN;
	const float *scales = heft_quant_scales(c, &d->q);
	const void *zeros = heft_quant_zeros(c, &d->q);
	union {
		int32_t integers[HEFT_QUANT_RUN];
		float floats[HEFT_QUANT_RUN];
	} from;
	float to[HEFT_QUANT_RUN];
	uint64_t count;

	heft_cast_elements(d->is_float ? HEFT_DTYPE_F32 : HEFT_DTYPE_I32, &from, x->dtype,
	                   (const uint8_t *)x->bytes + heft_quant_byte(x->dtype, run), n, NULL);
	for (uint64_t i = 0; i < n; i += count) {
		const uint64_t s = heft_quant_scale_at(&d->q, first + i, n - i, &count);

		if (d->is_float)
			scale_floats(from.floats + i, ((const float *)zeros)[s], scales[s], count,
			             to + i);
		else
			scale_integers(from.integers + i, ((const int32_t *)zeros)[s], scales[s],
			               count, to + i);
	}
	heft_cast_elements(c->out[0].dtype,
	                   (uint8_t *)c->out[0].bytes + heft_quant_byte(c->out[0].dtype, run),
	                   HEFT_DTYPE_F32, to, n, NULL);
}

static void dequantize(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	(void)worker;
	for (uint64_t i = first; i < first + n; i++)
		dequantize_run(c, ctx, i);
}

static void forward(const struct heft_call *c)
{
	const struct dequantize *d = (const struct dequantize *)(const void *)c->state;

	heft_quant_scale_load(c, &d->q, d->is_float ? HEFT_DTYPE_F32 : HEFT_DTYPE_I32);
	heft_spans_run(c, heft_quant_n_runs(c->in[0].n_elements), HEFT_QUANT_RUN, dequantize, d);
}

const struct heft_op heft_op_dequantize_linear = {
	.name = "DequantizeLinear",
	.domain = "",
	.since = 10,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
