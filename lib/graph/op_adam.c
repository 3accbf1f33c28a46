/* SPDX-License-Identifier: Apache-2.0 */
/* op_adam.c - Adam of ai.onnx.preview.training: variables, gradients, and averages of these and of
 * their squares. Spec F6-87. */
#include <math.h>

#include "graph/training.h"

enum {
	X,
	G,
	V,
	H,
	N_IN
};
enum {
	OUT_X,
	OUT_V,
	OUT_H
};

/* x^n by squares. */
static double power(double x, int64_t n)
{
	double y = 1;

	for (; n > 0; n /= 2, x *= x) {
		if (n % 2 != 0)
			y *= x;
	}
	return y;
}

static float adjusted_rate(const struct heft_training *t, float alpha, float beta)
{
	double root;

	if (t->count <= 0)
		return t->rate;
	root = sqrt(1 - power((double)beta, t->count));
	return (float)((double)t->rate * root / (1 - power((double)alpha, t->count)));
}

static void update(const struct heft_training *t)
{
	const float alpha = heft_call_float(t->c, "alpha", 0.9f);
	const float beta = heft_call_float(t->c, "beta", 0.999f);
	const float epsilon = heft_call_float(t->c, "epsilon", 1e-6f);
	const float decay = heft_call_float(t->c, "norm_coefficient", 0);
	const float post = 1 - heft_call_float(t->c, "norm_coefficient_post", 0);
	const float rate = adjusted_rate(t, alpha, beta);

	for (uint64_t i = 0; i < t->n; i++) {
		const float decayed = decay * t->in[X][i];
		const float g = decayed + t->in[G][i];
		const float old_v = alpha * t->in[V][i];
		const float new_v = (1 - alpha) * g;
		const float v = old_v + new_v;
		const float old_h = beta * t->in[H][i];
		const float new_h = (1 - beta) * g * g;
		const float h = old_h + new_h;
		const float step = rate * v / (sqrtf(h) + epsilon);

		if (t->out[OUT_X])
			t->out[OUT_X][i] = post * (t->in[X][i] - step);
		if (t->out[OUT_V])
			t->out[OUT_V][i] = v;
		if (t->out[OUT_H])
			t->out[OUT_H][i] = h;
	}
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	return heft_training_infer(c, N_IN, err);
}

static void forward(const struct heft_call *c)
{
	heft_training_forward(c, N_IN, update);
}

const struct heft_op heft_op_adam = {
	.name = "Adam",
	.domain = "ai.onnx.preview.training",
	.min_in = 3,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = UINT32_MAX,
	.infer = infer,
	.forward = forward,
};
