/* SPDX-License-Identifier: Apache-2.0 */
/* fused_activation.c - activations by name, in the store of a product or behind it. */
#include "graph/fused_activation.h"

#include <float.h>
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
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

/* --- backward --- */

static uint32_t between(struct heft_gradient *g, uint32_t dy, uint32_t y, float low, float high)
{
	const struct heft_emit e = { .type = "heft.ClipGradient",
		                     .n_in = 4,
		                     .in = { dy, y, heft_emit_number(g, HEFT_DTYPE_F32, low),
		                             heft_emit_number(g, HEFT_DTYPE_F32, high) } };

	return heft_emit(g, &e);
}

static uint32_t leaky(struct heft_gradient *g, uint32_t dy, uint32_t y, float alpha)
{
	const struct heft_emit e = { .type = "heft.LeakyReluGradient",
		                     .n_in = 2,
		                     .in = { dy, y },
		                     .n_attrs = 1,
		                     .attrs = { heft_attr_float("alpha", alpha) } };

	/* y then has the sign of what it came from */
	if (alpha < 0)
		heft_gradient_block(g, "its LeakyRelu has a negative alpha");
	return heft_emit(g, &e);
}

uint32_t heft_fused_activation_backward(const struct heft_call *c, struct heft_gradient *g)
{
	const char *name = heft_call_text(c, "activation", "");
	const uint32_t dy = heft_gradient_of(g, 0);
	const uint32_t y = heft_gradient_out(g, 0);
	const struct row *row = row_named(name);

	if (*name == '\0')
		return dy;
	if (strcmp(name, "Relu") == 0)
		return heft_emit_2(g, "heft.ReluGradient", dy, y);
	if (strcmp(name, "Clip") == 0)
		return between(g, dy, y, number(c, 0, -FLT_MAX), number(c, 1, FLT_MAX));
	if (strcmp(name, "Tanh") == 0)
		return heft_emit_2(g, "heft.TanhGradient", dy, y);
	if (strcmp(name, "Sigmoid") == 0)
		return heft_emit_2(g, "heft.SigmoidGradient", dy, y);
	if (strcmp(name, "LeakyRelu") == 0)
		return leaky(g, dy, y, number(c, 0, row->alpha));
	return heft_emit_2(g, "Mul", between(g, dy, y, 0, 1),
	                   heft_emit_number(g, HEFT_DTYPE_F32, number(c, 0, row->alpha)));
}
