/* SPDX-License-Identifier: Apache-2.0 */
/* aliases.c - nodes read what an Identity reads and not what it makes: exporters put one between a
 * weight and each of its other users where weights are equal, and patterns look for constants. */
#include <string.h>

#include "graph/ir.h"

static bool is_alias(const struct heft_model *m, const struct heft_ir_node *n, uint32_t value)
{
	return n->op && strcmp(n->op->name, "Identity") == 0 && *n->op->domain == '\0' &&
	       heft_ir_in(m, n, 0) != HEFT_IR_NONE && heft_ir_out(m, n, 0) == value;
}

static uint32_t behind_identities(const struct heft_model *m, uint32_t value)
{
	while (value != HEFT_IR_NONE && m->values[value].node != HEFT_IR_NONE) {
		const struct heft_ir_node *n = &m->nodes[m->values[value].node];

		if (!is_alias(m, n, value))
			break;
		value = heft_ir_in(m, n, 0);
	}
	return value;
}

/* What is an output, of a block too, keeps its node and its name. */
void heft_ir_skip_identities(struct heft_model *m)
{
	for (uint32_t i = 0; i < m->n_nodes; i++) {
		const struct heft_ir_node *n = &m->nodes[i];

		for (uint32_t k = 0; k < n->n_in; k++)
			m->refs[n->refs_at + k] = behind_identities(m, m->refs[n->refs_at + k]);
	}
}
