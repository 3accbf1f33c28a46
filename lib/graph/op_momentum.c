/* SPDX-License-Identifier: Apache-2.0 */
/* op_momentum.c - Momentum of ai.onnx.preview.training: the standard one, or Nesterov's. Spec
 * F6-87. */
#include <string.h>

#include "base/error.h"
#include "graph/training.h"

enum {
	X,
	G,
	V,
	N_IN
};
enum {
	OUT_X,
	OUT_V
};

static void update(const struct heft_training *t)
{
	const float alpha = heft_call_float(t->c, "alpha", 0);
	const float beta = t->count > 0 ? heft_call_float(t->c, "beta", 0) : 1;
	const float decay = heft_call_float(t->c, "norm_coefficient", 0);
	const bool is_nesterov = strcmp(heft_call_text(t->c, "mode", ""), "nesterov") == 0;

	for (uint64_t i = 0; i < t->n; i++) {
		const float decayed = decay * t->in[X][i];
		const float g = decayed + t->in[G][i];
		const float old_v = alpha * t->in[V][i];
		const float new_v = beta * g;
		const float v = old_v + new_v;
		const float ahead = alpha * v;
		const float step = t->rate * (is_nesterov ? g + ahead : v);

		if (t->out[OUT_X])
			t->out[OUT_X][i] = t->in[X][i] - step;
		if (t->out[OUT_V])
			t->out[OUT_V][i] = v;
	}
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const char *mode = heft_call_text(c, "mode", "");

	if (strcmp(mode, "nesterov") != 0 && strcmp(mode, "standard") != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'mode' is '%.20s'", mode);
	return heft_training_infer(c, N_IN, err);
}

static void forward(const struct heft_call *c)
{
	heft_training_forward(c, N_IN, update);
}

const struct heft_op heft_op_momentum = {
	.name = "Momentum",
	.domain = "ai.onnx.preview.training",
	.min_in = 3,
	.max_in = UINT32_MAX,
	.min_out = 1,
	.max_out = UINT32_MAX,
	.infer = infer,
	.forward = forward,
};
