/* SPDX-License-Identifier: Apache-2.0 */
/* op_mod.c - Mod: what a division leaves, with the sign of b, or with that of a where fmod is 1,
 * which floating numbers need. Their remainder is exact. */
#include "base/error.h"
#include "graph/elementwise_loops.h"
#include "kernel/elementary_bits.h"

/* |x| = *m × 2^(the result), for a finite x. */
static int take_apart(double x, uint64_t *m)
{
	const uint64_t bits = heft_f64_bits(x) & ~HEFT_F64_SIGN;
	const int exponent = (int)(bits >> 52);

	*m = bits & ((UINT64_C(1) << 52) - 1);
	if (exponent == 0)
		return -1074;
	*m |= UINT64_C(1) << 52;
	return exponent - 1075;
}

/* The product is exact: what a remainder is a multiple of is a number. */
static double put_together(uint64_t m, int exponent)
{
	const uint64_t power = exponent < -1022 ? UINT64_C(1) << (exponent + 1074)
	                                        : (uint64_t)(exponent + 1023) << 52;

	return (double)m * heft_f64_of_bits(power);
}

static double remainder_of(double x, double y)
{
	uint64_t m;
	uint64_t divisor;
	int exponent;
	int n;

	if (x != x || y != y || y == 0 || heft_f64_abs(x) == (double)INFINITY)
		return (double)NAN;
	if (heft_f64_abs(x) < heft_f64_abs(y))
		return x;
	exponent = take_apart(y, &divisor);
	n = take_apart(x, &m) - exponent;
	m %= divisor;
	while (n > 0 && m > 0) {
		const int shift = n < 11 ? n : 11;

		m = (m << shift) % divisor;
		n -= shift;
	}
	return heft_f64_signed(put_together(m, exponent), x);
}

static void run_f32(const struct heft_elements *e)
{
	const float *a = e->x[0];
	const float *b = e->x[1];

	for (size_t i = 0; i < e->n; i++)
		((float *)e->y)[i] = (float)remainder_of((double)a[i * e->step[0]],
		                                         (double)b[i * e->step[1]]);
}

static void run_f64(const struct heft_elements *e)
{
	const double *a = e->x[0];
	const double *b = e->x[1];

	for (size_t i = 0; i < e->n; i++)
		((double *)e->y)[i] = remainder_of(a[i * e->step[0]], b[i * e->step[1]]);
}

static const struct heft_loop loops_of_b[] = {
	HEFT_LOOPS_INTEGER(MOD),
	HEFT_LOOPS_END,
};
static const struct heft_loop loops_of_a[] = {
	HEFT_LOOPS_INTEGER(REMAINDER),
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const bool of_a = heft_call_int(c, "fmod", 0) != 0;

	if (!of_a && heft_loop_find(loops_of_a, c->in[0].dtype) &&
	    !heft_loop_find(loops_of_b, c->in[0].dtype))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "floating numbers need the attribute 'fmod'");
	return heft_binary_infer(c, of_a ? loops_of_a : loops_of_b, HEFT_DTYPE_NONE, err);
}

static void forward(const struct heft_call *c)
{
	heft_binary_forward(c, heft_call_int(c, "fmod", 0) != 0 ? loops_of_a : loops_of_b);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const uint32_t dy = heft_gradient_of(g, 0);

	if (!heft_binary_aligns(c, g))
		return;
	heft_give(g, 0, dy);
	if (heft_gradient_wants(g, 1)) {
		const uint32_t whole = heft_emit_2(g, "Sub", heft_gradient_in(g, 0),
		                                   heft_gradient_out(g, 0));
		const uint32_t times = heft_emit_2(g, "Div", whole, heft_gradient_in(g, 1));

		heft_give(g, 1, heft_emit_1(g, "Neg", heft_emit_2(g, "Mul", dy, times)));
	}
}

const struct heft_op heft_op_mod = {
	.name = "Mod",
	.domain = "",
	.since = 10,
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
