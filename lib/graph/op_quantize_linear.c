/* SPDX-License-Identifier: Apache-2.0 */
/* op_quantize_linear.c - QuantizeLinear: x / scale + zero point, in few bits (spec F6-23,
 * F6-25). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/quant.h"
#include "graph/quant_scale.h"
#include "graph/spans.h"

struct quantize {
	struct heft_quant_scale q;
	enum heft_dtype precision; /* of the quotient */
	bool is_float;             /* y is */
	bool saturates;
};

_Static_assert(sizeof(struct quantize) <= HEFT_CALL_STATE, "it is larger than its room");

/* Where numbers begin that round past an 8-bit float's largest, if nothing holds them there: half
 * a step above it, and whether that one is among them; and what they become, with their sign or
 * without. */
struct overflow {
	enum heft_dtype dtype;
	float from;
	bool is_from_inside;
	bool is_signed;
	uint8_t code;
	uint8_t infinity;
};

static const struct overflow overflows[] = {
	{ HEFT_DTYPE_F8_E4M3, 464, false, true, 0x7f, 0x7f },
	{ HEFT_DTYPE_F8_E5M2, 61440, true, true, 0x7c, 0x7c },
	{ HEFT_DTYPE_F8_E4M3FNUZ, 248, true, false, 0x80, 0x80 },
	{ HEFT_DTYPE_F8_E5M2FNUZ, 61440, true, false, 0x80, 0x80 },
};

static enum heft_status check_types(struct heft_call *c, struct quantize *q, enum heft_dtype *dtype,
                                    struct heft_error *err)
{
	static const enum heft_dtype given[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F16, HEFT_DTYPE_BF16,
		                                 HEFT_DTYPE_I32, HEFT_DTYPE_NONE };
	static const enum heft_dtype scales[] = { HEFT_DTYPE_F32,     HEFT_DTYPE_F16,
		                                  HEFT_DTYPE_BF16,    HEFT_DTYPE_I32,
		                                  HEFT_DTYPE_F8_E8M0, HEFT_DTYPE_NONE };
	static const enum heft_dtype made[] = {
		HEFT_DTYPE_U8,          HEFT_DTYPE_I8,      HEFT_DTYPE_U16, HEFT_DTYPE_I16,
		HEFT_DTYPE_F8_E4M3,     HEFT_DTYPE_F8_E5M2, HEFT_DTYPE_U4,  HEFT_DTYPE_F8_E4M3FNUZ,
		HEFT_DTYPE_F8_E5M2FNUZ, HEFT_DTYPE_I4,      HEFT_DTYPE_F4,  HEFT_DTYPE_U2,
		HEFT_DTYPE_I2,          HEFT_DTYPE_NONE
	};
	const int64_t number = heft_call_int(c, "output_dtype", 0);
	const int64_t precision = heft_call_int(c, "precision", 0);

	HEFT_TRY(heft_call_check_dtype(c, 0, given, err));
	HEFT_TRY(heft_call_check_dtype(c, 1, scales, err));
	q->precision = c->in[1].dtype;
	if (precision != 0)
		HEFT_TRY(heft_quant_dtype(precision, given, &q->precision, err));
	*dtype = HEFT_DTYPE_U8;
	if (number != 0)
		HEFT_TRY(heft_quant_dtype(number, made, dtype, err));
	if (!heft_call_has(c, 2))
		return HEFT_OK;
	HEFT_TRY(heft_call_check_dtype(c, 2, made, err));
	if (number != 0 && c->in[2].dtype != *dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "output_dtype is %s and the zero point %s",
		                 heft_dtype_name(*dtype), heft_dtype_name(c->in[2].dtype));
	*dtype = c->in[2].dtype;
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct quantize *q = (struct quantize *)(void *)c->state;
	enum heft_dtype dtype;

	HEFT_TRY(check_types(c, q, &dtype, err));
	q->is_float = heft_dtype_describe(dtype)->is_float;
	q->saturates = heft_call_int(c, "saturate", 1) != 0;
	HEFT_TRY(heft_quant_scale_infer(c, &q->q, err));
	return heft_array_set(&c->out[0], dtype, c->in[0].rank, c->in[0].dims, err);
}

/* Rounds to F16 or BF16, if the quotient is to be such. */
static void round_to(enum heft_dtype precision, float *x, uint64_t n)
{
	uint16_t narrow[HEFT_QUANT_RUN];

	if (precision != HEFT_DTYPE_F16 && precision != HEFT_DTYPE_BF16)
		return;
	heft_cast_elements(precision, narrow, HEFT_DTYPE_F32, x, n, NULL);
	heft_cast_elements(HEFT_DTYPE_F32, x, precision, narrow, n, NULL);
}

/* Puts right what the cast held at the largest number. */
static void let_overflow(enum heft_dtype dtype, const float *x, uint64_t n, uint8_t *y)
{
	const struct overflow *o = overflows;

	while (o->dtype != dtype)
		o++;
	for (uint64_t i = 0; i < n; i++) {
		const float size = fabsf(x[i]);

		if (size > o->from || (size == o->from && o->is_from_inside))
			y[i] = o->is_signed && x[i] < 0 ? o->code | 0x80 : o->code;
	}
}

static void make_floats(const struct heft_call *c, const struct quantize *q, const float *x,
                        uint64_t n, uint8_t *y)
{
	heft_cast_elements(c->out[0].dtype, y, HEFT_DTYPE_F32, x, n, NULL);
	if (!q->saturates && c->out[0].dtype != HEFT_DTYPE_F4)
		let_overflow(c->out[0].dtype, x, n, y);
}

static void quantize_run(const struct heft_call *c, const struct quantize *q, uint64_t run)
{
	const struct heft_array *x = &c->in[0];
	const enum heft_dtype dtype = c->out[0].dtype;
	const uint64_t first = run * HEFT_QUANT_RUN;
	const uint64_t left = x->n_elements - first;
	const uint64_t n = left < HEFT_QUANT_RUN ? left : HEFT_QUANT_RUN;
	const float *scales = heft_quant_scales(c, &q->q);
	const void *zeros = heft_quant_zeros(c, &q->q);
	uint8_t *y = (uint8_t *)c->out[0].bytes + heft_quant_byte(dtype, run);
	float quotients[HEFT_QUANT_RUN];
	int32_t integers[HEFT_QUANT_RUN];
	uint64_t count;

	heft_cast_elements(HEFT_DTYPE_F32, quotients, x->dtype,
	                   (const uint8_t *)x->bytes + heft_quant_byte(x->dtype, run), n, NULL);
	for (uint64_t i = 0; i < n; i += count) {
		const float scale = scales[heft_quant_scale_at(&q->q, first + i, n - i, &count)];

		for (uint64_t k = i; k < i + count; k++)
			quotients[k] /= scale;
	}
	round_to(q->precision, quotients, n);
	for (uint64_t i = 0; i < n; i += count) {
		const uint64_t s = heft_quant_scale_at(&q->q, first + i, n - i, &count);

		for (uint64_t k = i; k < i + count; k++) {
			if (q->is_float)
				quotients[k] += ((const float *)zeros)[s];
			else
				integers[k] = heft_quantize(quotients[k],
				                            ((const int32_t *)zeros)[s],
				                            heft_int_range_of(dtype));
		}
	}
	if (q->is_float)
		make_floats(c, q, quotients, n, y);
	else
		heft_cast_elements(dtype, y, HEFT_DTYPE_I32, integers, n, NULL);
}

static void quantize(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	(void)worker;
	for (uint64_t i = first; i < first + n; i++)
		quantize_run(c, ctx, i);
}

static void forward(const struct heft_call *c)
{
	const struct quantize *q = (const struct quantize *)(const void *)c->state;

	heft_quant_scale_load(c, &q->q, q->is_float ? HEFT_DTYPE_F32 : HEFT_DTYPE_I32);
	heft_spans_run(c, heft_quant_n_runs(c->in[0].n_elements), HEFT_QUANT_RUN, quantize, q);
}

const struct heft_op heft_op_quantize_linear = {
	.name = "QuantizeLinear",
	.domain = "",
	.since = 10,
	.min_in = 2,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
