/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/role_rules.h - what operators do with each of their inputs, as a table. */
#ifndef ONNX_ROLE_RULES_H
#define ONNX_ROLE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "heft/tensor.h"

enum heft_onnx_rule_flags {
	/* The first output is the first input in another shape, type or order: what is done with it
	 * is done with the input. */
	HEFT_ONNX_RULE_PASSES = 1 << 0,
	HEFT_ONNX_RULE_PASSES_ALL = 1 << 1, /* so of all inputs */
	HEFT_ONNX_RULE_LINEAR = 1 << 2,     /* sums products with a weight: a bias may follow */
	HEFT_ONNX_RULE_NORMALISES = 1 << 3, /* gives mean 0 and deviation 1 */
	HEFT_ONNX_RULE_KEEPS_SHAPE = 1 << 4
};

struct heft_onnx_rule {
	const char *op;
	/* A letter an input: w weight, b bias, n norm, e embedding, c buffer, '.' nothing told. The
	 * last one counts for all inputs behind where `op` repeats it. */
	const char *inputs;
	uint32_t flags; /* enum heft_onnx_rule_flags */
};

/* Of an operator of ONNX's own domain, or of one of ONNX Runtime's; NULL: none. */
const struct heft_onnx_rule *heft_onnx_rule_find(const char *domain, const char *op);
/* What the rule says of input i. */
enum heft_role heft_onnx_rule_role(const struct heft_onnx_rule *rule, uint32_t i);

#endif
