/* SPDX-License-Identifier: Apache-2.0 */
/* gates.c - the functions of the gates of LSTM, GRU and RNN, as attributes name them. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "graph/recurrent.h"

struct row {
	const char *name; /* in small letters: the case of letters means nothing */
	enum heft_gate_function function;
	bool has_alpha;
	bool has_beta;
	float alpha; /* where none is given: as of ONNX's operator of that name */
	float beta;
};

static const struct row rows[] = {
	{ "sigmoid", HEFT_GATE_SIGMOID, false, false, 0, 0 },
	{ "tanh", HEFT_GATE_TANH, false, false, 0, 0 },
	{ "relu", HEFT_GATE_RELU, false, false, 0, 0 },
	{ "affine", HEFT_GATE_AFFINE, true, true, 1.0f, 0 },
	{ "leakyrelu", HEFT_GATE_LEAKY_RELU, true, false, 0.01f, 0 },
	{ "thresholdedrelu", HEFT_GATE_THRESHOLDED_RELU, true, false, 1.0f, 0 },
	{ "scaledtanh", HEFT_GATE_SCALED_TANH, true, true, 1.0f, 1.0f },
	{ "hardsigmoid", HEFT_GATE_HARD_SIGMOID, true, true, 0.2f, 0.5f },
	{ "elu", HEFT_GATE_ELU, true, false, 1.0f, 0 },
	{ "softsign", HEFT_GATE_SOFTSIGN, false, false, 0, 0 },
	{ "softplus", HEFT_GATE_SOFTPLUS, false, false, 0, 0 },
};

static bool is_named(const char *given, const char *name)
{
	for (; *name; given++, name++) {
		const char small = (char)(*given >= 'A' && *given <= 'Z' ? *given - 'A' + 'a'
		                                                         : *given);

		if (small != *name)
			return false;
	}
	return *given == '\0';
}

static const struct row *row_named(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (is_named(name, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

/* The values of alpha and beta go to the functions that have one, in turn. */
static void take(float *value, float absent, bool has, const float *given, uint32_t n, uint32_t *at)
{
	*value = absent;
	if (has && *at < n)
		*value = given[(*at)++];
}

enum heft_status heft_gates_read(const struct heft_call *c, const struct heft_recurrent_kind *kind,
                                 uint32_t n_directions, struct heft_gate *gates,
                                 struct heft_error *err)
{
	const struct heft_attr *named = heft_call_attr(c, "activations");
	const float clip = heft_call_float(c, "clip", INFINITY);
	const uint32_t n = n_directions * kind->n_functions;
	uint32_t n_alphas;
	uint32_t n_betas;
	const float *alphas = heft_call_floats(c, "activation_alpha", &n_alphas);
	const float *betas = heft_call_floats(c, "activation_beta", &n_betas);
	uint32_t alpha_at = 0;
	uint32_t beta_at = 0;

	/* RNN's own default has two names, whatever the direction */
	if (named && (named->kind != HEFT_ATTR_TEXTS || (named->n < n && named->n > 0)))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'activations' is not a list of %u names", n);
	if (!(clip >= 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'clip' is negative");
	for (uint32_t i = 0; i < n; i++) {
		const struct row *row = named && named->n > 0
		                                ? row_named(named->texts[i])
		                                : &rows[kind->defaults[i % kind->n_functions]];

		if (!row)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "'%.40s' is no activation that is computed",
			                 named->texts[i]);
		gates[i] = (struct heft_gate){ .function = row->function, .clip = clip };
		take(&gates[i].alpha, row->alpha, row->has_alpha, alphas, n_alphas, &alpha_at);
		take(&gates[i].beta, row->beta, row->has_beta, betas, n_betas, &beta_at);
	}
	return HEFT_OK;
}
