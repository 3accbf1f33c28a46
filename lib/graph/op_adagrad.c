/* SPDX-License-Identifier: Apache-2.0 */
/* op_adagrad.c - Adagrad of ai.onnx.preview.training. Spec F6-87. */
#include <math.h>

#include "graph/training.h"

enum {
	X,
	G,
	H,
	N_IN
};
enum {
	OUT_X,
	OUT_H
};

static void update(const struct heft_training *t)
{
	const float epsilon = heft_call_float(t->c, "epsilon", 1e-6f);
	const float decay = heft_call_float(t->c, "norm_coefficient", 0);
	const float late = (float)t->count * heft_call_float(t->c, "decay_factor", 0);
	const float rate = t->rate / (1 + late);

	for (uint64_t i = 0; i < t->n; i++) {
		const float decayed = decay * t->in[X][i];
		const float g = decayed + t->in[G][i];
		const float square = g * g;
		const float h = t->in[H][i] + square;
		const float step = rate * g / (sqrtf(h) + epsilon);

		if (t->out[OUT_X])
			t->out[OUT_X][i] = t->in[X][i] - step;
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

const struct heft_op heft_op_adagrad = {
	.name = "Adagrad",
	.domain = "ai.onnx.preview.training",
	.min_in = 3,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = UINT32_MAX,
	.infer = infer,
	.forward = forward,
};
