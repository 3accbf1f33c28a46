/* SPDX-License-Identifier: Apache-2.0 */
/* fused_activation.c - activations by name, in the store of a product or behind it. */
#include "graph/fused_activation.h"

#include <float.h>
#include <string.h>

#include "base/error.h"
#include "graph/spans.h"
#include "kernel/elementary.h"

/* Elements of a task's item. */
#define RUN 1024

/* y = f(y), n of them. */
typedef void activate_fn(uint32_t cpu_bits, float alpha, float beta, float *y, uint64_t n);

static void apply_tanh(uint32_t cpu_bits, float alpha, float beta, float *y, uint64_t n)
{
	(void)alpha;
	(void)beta;
	heft_tanh_f32_by(cpu_bits, y, y, n);
}

static void apply_sigmoid(uint32_t cpu_bits, float alpha, float beta, float *y, uint64_t n)
{
	(void)alpha;
	(void)beta;
	heft_sigmoid_f32_by(cpu_bits, y, y, n);
}

static void apply_leaky_relu(uint32_t cpu_bits, float alpha, float beta, float *y, uint64_t n)
{
	(void)cpu_bits;
	(void)beta;
	for (uint64_t i = 0; i < n; i++)
		y[i] = y[i] < 0 ? alpha * y[i] : y[i];
}

static void apply_hard_sigmoid(uint32_t cpu_bits, float alpha, float beta, float *y, uint64_t n)
{
	(void)cpu_bits;
	for (uint64_t i = 0; i < n; i++) {
		float v = alpha * y[i] + beta;

		v = v < 0 ? 0.0f : v;
		y[i] = v > 1 ? 1.0f : v;
	}
}

struct row {
	const char *name;
	activate_fn *apply;
	float alpha; /* where it is not given */
	float beta;
};

static const struct row rows[] = {
	{ "Tanh", apply_tanh, 0, 0 },
	{ "Sigmoid", apply_sigmoid, 0, 0 },
	{ "LeakyRelu", apply_leaky_relu, 0.01f, 0 },
	{ "HardSigmoid", apply_hard_sigmoid, 0.2f, 0.5f },
};

static const struct row *row_named(const char *name)
{
	for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

/* Number k of activation_params; or activation_alpha, activation_beta. */
static float number(const struct heft_call *c, uint32_t k, float absent)
{
	uint32_t n;
	const float *params = heft_call_floats(c, "activation_params", &n);

	if (k < n)
		return params[k];
	return heft_call_float(c, k == 0 ? "activation_alpha" : "activation_beta", absent);
}

enum heft_status heft_fused_activation_infer(struct heft_call *c, struct heft_error *err)
{
	const char *name = heft_call_text(c, "activation", "");

	c->end = (struct heft_call_end){ .activation = HEFT_ACTIVATION_NONE };
	if (strcmp(name, "Relu") == 0) {
		c->end.activation = HEFT_ACTIVATION_RELU;
	} else if (strcmp(name, "Clip") == 0) {
		c->end.activation = HEFT_ACTIVATION_CLIP;
		c->end.low = number(c, 0, -FLT_MAX);
		c->end.high = number(c, 1, FLT_MAX);
	} else if (*name != '\0' && !row_named(name)) {
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the activation is '%.40s'", name);
	}
	return HEFT_OK;
}

struct activating {
	const struct row *row;
	float alpha;
	float beta;
};

/* Items are runs. */
static void activate(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct activating *a = ctx;
	const uint64_t begin = first * RUN;
	const uint64_t left = c->out[0].n_elements - begin;

	(void)worker;
	a->row->apply(c->cpu_bits, a->alpha, a->beta, (float *)c->out[0].bytes + begin,
	              left < n * RUN ? left : n * RUN);
}

void heft_fused_activation_run(const struct heft_call *c)
{
	const uint64_t n = c->out[0].n_elements;
	struct activating a = { .row = row_named(heft_call_text(c, "activation", "")) };

	if (!a.row)
		return;
	a.alpha = number(c, 0, a.row->alpha);
	a.beta = number(c, 1, a.row->beta);
	heft_spans_run(c, n / RUN + (n % RUN != 0), 8 * RUN, activate, &a);
}
