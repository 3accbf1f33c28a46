/* SPDX-License-Identifier: Apache-2.0 */
/* import_control.c - whether the graphs of If, Loop, Scan and SequenceMap take and give what their
 * nodes do, so that who runs them need not ask. */
#include <string.h>

#include "base/error.h"
#include "graph/import_state.h"

static enum heft_status fail_node(const struct heft_importer *imp, const struct heft_ir_node *node,
                                  const char *what, const char *name)
{
	return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "%s '%.80s' %s%s", node->type,
	                 node->name, what, name);
}

static const struct heft_attr *find(const struct heft_ir_node *node, const char *name,
                                    enum heft_attr_kind kind)
{
	for (uint32_t k = 0; k < node->attrs.n; k++) {
		if (node->attrs.rows[k].kind == kind && strcmp(node->attrs.rows[k].name, name) == 0)
			return &node->attrs.rows[k];
	}
	return NULL;
}

static enum heft_status check_block(struct heft_importer *imp, const struct heft_ir_node *node,
                                    const char *name, uint32_t n_inputs, uint32_t n_outputs)
{
	const struct heft_attr *attr = find(node, name, HEFT_ATTR_GRAPH);
	const struct heft_ir_block *block;

	if (!attr)
		return fail_node(imp, node, "lacks its graph ", name);
	block = heft_import_block(imp, attr->graph);
	if (block->n_inputs != n_inputs)
		return fail_node(imp, node, "gives another number of inputs to its graph ", name);
	if (block->n_outputs < n_outputs)
		return fail_node(imp, node, "wants more outputs than it has from its graph ", name);
	return HEFT_OK;
}

static enum heft_status check_if(struct heft_importer *imp, const struct heft_ir_node *node)
{
	if (node->n_in != 1)
		return fail_node(imp, node, "has not one input", "");
	HEFT_TRY(check_block(imp, node, "then_branch", 0, node->n_out));
	return check_block(imp, node, "else_branch", 0, node->n_out);
}

/* Values that a loop carries are given all. */
static enum heft_status check_carried(struct heft_importer *imp, const struct heft_ir_node *node,
                                      uint32_t first)
{
	for (uint32_t i = first; i < node->n_in; i++) {
		if (*heft_import_ref(imp, node->refs_at + i) == HEFT_IR_NONE)
			return fail_node(imp, node, "has an input that is left out", "");
	}
	return HEFT_OK;
}

/* The body takes a count, a condition and what is carried, and gives all but the count. */
static enum heft_status check_loop(struct heft_importer *imp, const struct heft_ir_node *node)
{
	const uint32_t n_carried = node->n_in > 2 ? node->n_in - 2 : 0;
	const uint32_t n_out = node->n_out > n_carried ? node->n_out : n_carried;

	HEFT_TRY(check_carried(imp, node, 2));
	return check_block(imp, node, "body", 2 + n_carried, 1 + n_out);
}

/* Before operator set 9 lengths of sequences stood in front, which may be left out. */
static enum heft_status check_scan(struct heft_importer *imp, const struct heft_ir_node *node)
{
	const struct heft_attr *attr = find(node, "num_scan_inputs", HEFT_ATTR_INT);
	const uint32_t first = node->opset < 9 ? 1 : 0;
	const uint32_t n = node->n_in > first ? node->n_in - first : 0;
	uint32_t n_states;

	if (!attr || attr->i < 1 || attr->i > (int64_t)n)
		return fail_node(imp, node, "has not as many inputs as it scans", "");
	n_states = n - (uint32_t)attr->i;
	HEFT_TRY(check_carried(imp, node, first));
	return check_block(imp, node, "body", n, node->n_out > n_states ? node->n_out : n_states);
}

static enum heft_status check_map(struct heft_importer *imp, const struct heft_ir_node *node)
{
	if (node->n_in == 0)
		return fail_node(imp, node, "has no input", "");
	HEFT_TRY(check_carried(imp, node, 0));
	return check_block(imp, node, "body", node->n_in, node->n_out);
}

enum heft_status heft_import_check_control(struct heft_importer *imp, uint32_t node)
{
	const struct heft_ir_node *n = heft_import_node(imp, node);

	switch (n->control) {
	case HEFT_CONTROL_IF:
		return check_if(imp, n);
	case HEFT_CONTROL_LOOP:
		return check_loop(imp, n);
	case HEFT_CONTROL_SCAN:
		return check_scan(imp, n);
	case HEFT_CONTROL_SEQUENCE_MAP:
		return check_map(imp, n);
	case HEFT_CONTROL_NONE:
		break;
	}
	return HEFT_OK;
}
