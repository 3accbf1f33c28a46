/* SPDX-License-Identifier: Apache-2.0 */
/* op_pow.c - Pow: a^b in the dtype of a, whatever number b is. Written from spec F6-9. */
#include "base/error.h"
#include "graph/elementwise_loops.h"
#include "graph/spans.h"
#include "kernel/elementary.h"
#include "tensor/cast.h"

#define N_A_TILE 256
#define FIRST_OPSET_OF_TWO_DTYPES 12

static size_t element_size(const struct heft_array *a)
{
	return (size_t)(a->n_bytes / a->n_elements);
}

/* Operand k, from element `at` on, as n elements of `dtype`. */
static void take(const struct heft_elements *e, uint32_t k, size_t at, size_t n,
                 enum heft_dtype dtype, void *to)
{
	const struct heft_array *from = &e->call->in[k];
	const size_t n_given = e->step[k] == 0 ? 1 : n;

	(void)heft_cast_by(e->cpu_bits, dtype, to, from->dtype,
	                   (const uint8_t *)e->x[k] + at * e->step[k] * element_size(from), n_given,
	                   NULL);
	for (size_t i = n_given; i < n; i++) {
		if (dtype == HEFT_DTYPE_F32)
			((float *)to)[i] = *(const float *)to;
		else
			((double *)to)[i] = *(const double *)to;
	}
}

/* x × x at once; false: that is not what is asked for. */
static bool run_square(const struct heft_elements *e)
{
	float b;

	if (e->step[1] != 0 || e->call->in[0].dtype != HEFT_DTYPE_F32)
		return false;
	take(e, 1, 0, 1, HEFT_DTYPE_F32, &b);
	if (b == 2.0f)
		heft_arithmetic_f32_by(e->cpu_bits, HEFT_ARITHMETIC_SQUARE, e->y, e->x[0],
		                       e->step[0], e->x[0], e->step[0], 0, 0, e->n);
	return b == 2.0f;
}

static void run_narrow(const struct heft_elements *e)
{
	const enum heft_dtype dtype = e->call->in[0].dtype;
	float a[N_A_TILE];
	float b[N_A_TILE];
	float y[N_A_TILE];

	if (run_square(e))
		return;
	for (size_t at = 0; at < e->n; at += N_A_TILE) {
		const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;

		take(e, 0, at, n, HEFT_DTYPE_F32, a);
		take(e, 1, at, n, HEFT_DTYPE_F32, b);
		heft_pow_f32_by(e->cpu_bits, y, a, b, n);
		for (size_t i = 0; i < n; i++)
			y[i] = b[i] == 2.0f ? a[i] * a[i] : y[i];
		(void)heft_cast_by(e->cpu_bits, dtype,
		                   (uint8_t *)e->y + at * element_size(&e->call->in[0]),
		                   HEFT_DTYPE_F32, y, n, NULL);
	}
}

/* Of F64, and of an integer a where b is none. */
static void run_wide(const struct heft_elements *e)
{
	const enum heft_dtype dtype = e->call->in[0].dtype;
	double a[N_A_TILE];
	double b[N_A_TILE];
	double y[N_A_TILE];

	for (size_t at = 0; at < e->n; at += N_A_TILE) {
		const size_t n = e->n - at < N_A_TILE ? e->n - at : N_A_TILE;

		take(e, 0, at, n, HEFT_DTYPE_F64, a);
		take(e, 1, at, n, HEFT_DTYPE_F64, b);
		heft_pow_f64_by(e->cpu_bits, y, a, b, n);
		for (size_t i = 0; i < n; i++)
			y[i] = b[i] == 2.0 ? a[i] * a[i] : y[i];
		(void)heft_cast_by(e->cpu_bits, dtype,
		                   (uint8_t *)e->y + at * element_size(&e->call->in[0]),
		                   HEFT_DTYPE_F64, y, n, NULL);
	}
}

/* Modulo 2^64. 1 / a^|b|, without its fraction, for b < 0; 0 to a negative power is 0. */
static uint64_t power_of(uint64_t a, int64_t b)
{
	uint64_t y = 1;

	if (b < 0)
		return a == 1 ? 1 : a == UINT64_MAX ? ((b & 1) != 0 ? a : 1) : 0;
	for (; b > 0; b >>= 1) {
		if (b & 1)
			y *= a;
		a *= a;
	}
	return y;
}

static void run_integer(const struct heft_elements *e)
{
	const struct heft_array *base = &e->call->in[0];
	const struct heft_array *power = &e->call->in[1];
	const size_t size = element_size(base);
	const size_t power_size = element_size(power);

	if (!heft_is_integer(power->dtype)) {
		run_wide(e);
		return;
	}
	for (size_t i = 0; i < e->n; i++) {
		const uint8_t *a = (const uint8_t *)e->x[0] + i * e->step[0] * size;
		const uint8_t *b = (const uint8_t *)e->x[1] + i * e->step[1] * power_size;
		int64_t n = heft_load_integer(power->dtype, b);

		if (n < 0 && heft_is_unsigned(power->dtype))
			n = INT64_MAX;
		heft_store_integer(base->dtype, (uint8_t *)e->y + i * size,
		                   (int64_t)power_of((uint64_t)heft_load_integer(base->dtype, a),
		                                     n));
	}
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_narrow, 0 },  { HEFT_DTYPE_F16, run_narrow, 0 },
	{ HEFT_DTYPE_BF16, run_narrow, 0 }, { HEFT_DTYPE_F64, run_wide, 0 },
	{ HEFT_DTYPE_I32, run_integer, 0 }, { HEFT_DTYPE_I64, run_integer, 0 },
	{ HEFT_DTYPE_I8, run_integer, 0 },  { HEFT_DTYPE_I16, run_integer, 0 },
	{ HEFT_DTYPE_U8, run_integer, 0 },  { HEFT_DTYPE_U16, run_integer, 0 },
	{ HEFT_DTYPE_U32, run_integer, 0 }, { HEFT_DTYPE_U64, run_integer, 0 },
	{ HEFT_DTYPE_NONE, NULL, 0 },
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	if (c->opset < FIRST_OPSET_OF_TWO_DTYPES)
		return heft_binary_infer(c, loops, HEFT_DTYPE_NONE, err);
	if (!heft_loop_find(loops, c->in[1].dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "exponents of %s are not computed",
		                 heft_dtype_name(c->in[1].dtype));
	return heft_elementwise_infer(c, loops, 2, c->in[0].dtype, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, loops);
}

/* The exponent, as one number that is known; false: it is neither. */
static bool known_exponent(const struct heft_call *c, double *b)
{
	return c->in[1].bytes && c->in[1].n_elements == 1 &&
	       heft_cast_elements(HEFT_DTYPE_F64, b, c->in[1].dtype, c->in[1].bytes, 1, NULL) ==
	               HEFT_OK;
}

/* b × x^(b - 1), of a number b. */
static uint32_t slope_of(const struct heft_call *c, struct heft_gradient *g, double b)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	const uint32_t factor = heft_emit_number(g, dtype, b);
	uint32_t power = heft_gradient_in(g, 0);

	if (b == 0.5)
		return heft_emit_2(g, "Div", factor, heft_gradient_out(g, 0));
	if (b != 2)
		power = heft_emit_2(g, "Pow", power, heft_emit_number(g, dtype, b - 1));
	return heft_emit_2(g, "Mul", factor, power);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t x = heft_gradient_in(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);
	uint32_t b = heft_gradient_in(g, 1);
	double number;

	if (!heft_binary_aligns(c, g))
		return;
	if (c->in[1].dtype != c->in[0].dtype && !known_exponent(c, &number)) {
		const struct heft_emit cast = { .type = "CastLike", .n_in = 2, .in = { b, x } };

		b = heft_emit(g, &cast);
	}
	if (heft_gradient_wants(g, 0) && known_exponent(c, &number)) {
		heft_give(g, 0, heft_emit_2(g, "Mul", dy, slope_of(c, g, number)));
	} else if (heft_gradient_wants(g, 0)) {
		const uint32_t one = heft_emit_number(g, c->in[0].dtype, 1);
		const uint32_t power = heft_emit_2(g, "Pow", x, heft_emit_2(g, "Sub", b, one));

		heft_give(g, 0, heft_emit_2(g, "Mul", dy, heft_emit_2(g, "Mul", b, power)));
	}
	if (heft_gradient_wants(g, 1)) {
		const uint32_t slope = heft_emit_2(g, "Mul", y, heft_emit_1(g, "Log", x));

		heft_give(g, 1, heft_emit_2(g, "Mul", dy, slope));
	}
}

const struct heft_op heft_op_pow = {
	.name = "Pow",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
