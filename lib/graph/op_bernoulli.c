/* SPDX-License-Identifier: Apache-2.0 */
/* op_bernoulli.c - Bernoulli: 1 with the probability that the input says, else 0. Spec F6-86. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/random.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_F16,
		                                  HEFT_DTYPE_BF16, HEFT_DTYPE_NONE };
	enum heft_dtype dtype;

	(void)heft_call_float(c, "seed", 0); /* so that infer sees whether it is one */
	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	HEFT_TRY(heft_random_dtype(c, c->in[0].dtype, &dtype, err));
	if (dtype > HEFT_DTYPE_F64)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "an output of dtype %s is not computed", heft_dtype_name(dtype));
	return heft_array_set(&c->out[0], dtype, c->in[0].rank, c->in[0].dims, err);
}

static void draw(const struct heft_call *c, uint64_t first, size_t n)
{
	const struct heft_random_place at = heft_random_place_of(c);
	const struct heft_array *p = &c->in[0];
	const struct heft_array *y = &c->out[0];
	double chances[HEFT_RANDOM_PIECE];
	float numbers[HEFT_RANDOM_PIECE];

	heft_random_uniform_f32_by(c->cpu_bits, &at, first, numbers, n);
	(void)heft_cast_elements(HEFT_DTYPE_F64, chances, p->dtype,
	                         (const uint8_t *)p->bytes + first * (p->n_bytes / p->n_elements),
	                         n, NULL);
	for (size_t i = 0; i < n; i++)
		numbers[i] = (double)numbers[i] < chances[i] ? 1 : 0;
	(void)heft_cast_elements(y->dtype,
	                         (uint8_t *)y->bytes + first * (y->n_bytes / y->n_elements),
	                         HEFT_DTYPE_F32, numbers, n, NULL);
}

static void forward(const struct heft_call *c)
{
	heft_random_pieces(c, c->out[0].n_elements, draw);
}

const struct heft_op heft_op_bernoulli = {
	.name = "Bernoulli",
	.domain = "",
	.since = 15,
	.flags = HEFT_OP_RANDOM,
	.min_in = 1,
	.max_in = 1,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
