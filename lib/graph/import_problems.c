/* SPDX-License-Identifier: Apache-2.0 */
/* import_problems.c - which nodes cannot be computed, and why, all at once. Those in graphs of
 * other nodes may never run: they are left to who runs them, without an operator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "graph/import_state.h"

#define MAX_LISTED 20u
#define REASON_SIZE 200

enum why {
	NO_OPERATOR,
	NOT_IMPORTED,
	TOO_NEW,
	INPUTS,
	OUTPUTS,
	LEFT_OUT,
	FAULT
};

struct problem {
	const struct heft_ir_node *node;
	enum why why;
	uint32_t a;
	uint32_t b;
};

static const char *fault_text(enum heft_import_fault fault)
{
	switch (fault) {
	case HEFT_IMPORT_IS_STRINGS:
		return "is made of strings";
	case HEFT_IMPORT_IS_SPARSE:
		return "is sparse";
	case HEFT_IMPORT_IS_DEEP:
		return "has too many dimensions";
	case HEFT_IMPORT_IS_EXTERNAL:
		return "lies in external data";
	case HEFT_IMPORT_IS_SEQUENCE:
	case HEFT_IMPORT_IS_MAP:
		return "is no array";
	case HEFT_IMPORT_IS_NOTHING:
		return "has no value";
	default:
		return "is of a type that is not computed";
	}
}

static void explain(const struct problem *p, char reason[REASON_SIZE])
{
	switch (p->why) {
	case NO_OPERATOR:
		snprintf(reason, REASON_SIZE, "no operator of that name is computed");
		break;
	case NOT_IMPORTED:
		snprintf(reason, REASON_SIZE, "the model does not import operator set '%.60s'",
		         p->node->domain);
		break;
	case TOO_NEW:
		snprintf(reason, REASON_SIZE,
		         "it came with operator set %u, and the model is written for %u", p->a,
		         p->node->opset);
		break;
	case INPUTS:
		snprintf(reason, REASON_SIZE, "it has %u inputs", p->node->n_in);
		break;
	case OUTPUTS:
		snprintf(reason, REASON_SIZE, "it has %u outputs", p->node->n_out);
		break;
	case LEFT_OUT:
		snprintf(reason, REASON_SIZE, "its input %u is left out", p->a);
		break;
	case FAULT:
		snprintf(reason, REASON_SIZE, "its input %u %s", p->a,
		         fault_text((enum heft_import_fault)p->b));
		break;
	}
}

/* --- finding them --- */

/* Of an input of the main graph: they are the first values. */
static enum heft_import_fault input_fault(const struct heft_importer *imp, uint32_t value)
{
	const uint32_t at = heft_onnx_scope(imp->g, 0)->inputs_at;
	const char *type = imp->list->types[*heft_onnx_ref(imp->g, at + value)].name;

	if (strcmp(type, "STRING") == 0)
		return HEFT_IMPORT_IS_STRINGS;
	if (strcmp(type, "map") == 0)
		return HEFT_IMPORT_IS_MAP;
	if (strcmp(type, "sequence") == 0 || strcmp(type, "optional") == 0)
		return HEFT_IMPORT_IS_SEQUENCE;
	return HEFT_IMPORT_NO_FAULT;
}

static enum heft_import_fault fault_of(struct heft_importer *imp, uint32_t value)
{
	if (heft_ir_constant(imp->m, value))
		return heft_import_source(imp, imp->m->values[value].constant)->fault;
	if (value < imp->m->blocks[0].n_inputs)
		return input_fault(imp, value);
	return HEFT_IMPORT_NO_FAULT;
}

/* False: there is nothing to say against it. */
static bool check_operator(const struct heft_model *m, const struct heft_ir_node *node,
                           struct problem *p)
{
	const struct heft_op *op = heft_op_find(node->domain, node->type);

	p->why = NOT_IMPORTED;
	if (node->opset == 0)
		return true;
	if (node->control != HEFT_CONTROL_NONE)
		return false;
	p->why = NO_OPERATOR;
	if (!op)
		return true;
	p->why = TOO_NEW;
	p->a = op->since;
	if (!node->op)
		return true;
	p->why = INPUTS;
	if (node->n_in < op->min_in || node->n_in > op->max_in)
		return true;
	p->why = OUTPUTS;
	if (node->n_out < op->min_out || node->n_out > op->max_out)
		return true;
	p->why = LEFT_OUT;
	for (p->a = 0; p->a < op->min_in; p->a++) {
		if (heft_ir_in(m, node, p->a) == HEFT_IR_NONE)
			return true;
	}
	return false;
}

/* Strings and sequences run by dynamic.c, where the node takes them. */
static bool is_held(enum heft_import_fault fault)
{
	return fault == HEFT_IMPORT_NO_FAULT || fault == HEFT_IMPORT_IS_STRINGS ||
	       fault == HEFT_IMPORT_IS_SEQUENCE;
}

static bool takes(const struct heft_ir_node *node, enum heft_import_fault fault)
{
	if (fault == HEFT_IMPORT_NO_FAULT)
		return true;
	return is_held(fault) && (node->control != HEFT_CONTROL_NONE ||
	                          (node->op && (node->op->run || node->op->flags & HEFT_OP_MOVES)));
}

static bool check_values(struct heft_importer *imp, const struct heft_ir_node *node,
                         struct problem *p)
{
	p->why = FAULT;
	for (p->a = 0; p->a < node->n_in; p->a++) {
		p->b = fault_of(imp, heft_ir_in(imp->m, node, p->a));
		if (!takes(node, (enum heft_import_fault)p->b))
			return true;
	}
	return false;
}

static bool gives_faults(struct heft_importer *imp, const struct heft_ir_block *block)
{
	for (uint32_t k = 0; k < block->n_outputs; k++) {
		if (!is_held(fault_of(imp, imp->m->refs[block->outputs_at + k])))
			return true;
	}
	return false;
}

/* What a node in another's graph cannot be, it is not. */
static void disarm(struct heft_ir_node *node)
{
	node->op = NULL;
	node->control = HEFT_CONTROL_NONE;
}

static enum heft_status find_problems(struct heft_importer *imp)
{
	const struct heft_model *m = imp->m;

	imp->rows.size = 0;
	for (uint32_t b = m->n_blocks; b-- > 0;) {
		const struct heft_ir_block *block = &m->blocks[b];

		if (b > 0 && gives_faults(imp, block))
			disarm(&m->nodes[block->node]);
		for (uint32_t k = 0; k < block->n_nodes; k++) {
			struct heft_ir_node *node = &m->nodes[m->order[block->order_at + k]];
			struct problem p = { .node = node };

			if (b > 0 && check_values(imp, node, &p))
				disarm(node);
			else if (b == 0 &&
			         (check_operator(m, node, &p) || check_values(imp, node, &p)))
				HEFT_TRY(heft_import_add(imp, &imp->rows, &p, sizeof p));
		}
	}
	return HEFT_OK;
}

/* --- telling them --- */

static int compare_texts(const char *a, const char *b)
{
	return a == b ? 0 : (uintptr_t)a < (uintptr_t)b ? -1 : 1;
}

/* Operators in the order that their names first stand in the file, then reasons, then nodes. */
static int compare(const void *x, const void *y)
{
	const struct problem *a = x;
	const struct problem *b = y;
	int order = compare_texts(a->node->type, b->node->type);

	if (order == 0)
		order = compare_texts(a->node->domain, b->node->domain);
	if (order == 0)
		order = (int)a->why - (int)b->why;
	if (order == 0)
		order = compare_texts(a->node->name, b->node->name);
	return order;
}

static bool is_same_group(const struct problem *a, const struct problem *b)
{
	return a->node->type == b->node->type && a->node->domain == b->node->domain &&
	       a->why == b->why;
}

static void tell_all(const struct heft_importer *imp, const struct problem *problems, uint32_t n)
{
	char reason[REASON_SIZE];
	char op[REASON_SIZE];

	for (uint32_t i = 0; imp->options->problem && i < n; i++) {
		const struct problem *p = &problems[i];
		const struct heft_problem told = { .node = p->node->name,
			                           .op = op,
			                           .reason = reason };

		if (i > 0 && compare(p, &problems[i - 1]) == 0)
			continue;
		explain(p, reason);
		snprintf(op, sizeof op, "%.90s%s%.90s", p->node->domain,
		         *p->node->domain ? "::" : "", p->node->type);
		imp->options->problem(imp->options->problem_ctx, &told);
	}
}

/* "com.x::Foo (3 nodes): why", or of one node "'name' (com.x::Foo): why". */
static void add_group(struct heft_buffer *text, const struct problem *first, uint32_t n)
{
	const struct heft_ir_node *node = first->node;
	char reason[REASON_SIZE];

	explain(first, reason);
	heft_buffer_addf(text, "%s%.40s%s%.40s", text->size > 0 ? "; " : "", node->domain,
	                 *node->domain ? "::" : "", node->type);
	if (n > 1)
		heft_buffer_addf(text, " (%u nodes)", n);
	else if (*node->name)
		heft_buffer_addf(text, " ('%.40s')", node->name);
	if (first->why != NO_OPERATOR)
		heft_buffer_addf(text, ": %s", reason);
}

static enum heft_status fail_with(const struct heft_importer *imp, const struct problem *problems,
                                  uint32_t n)
{
	struct heft_buffer text;
	enum heft_status st;
	uint32_t n_groups = 0;
	uint32_t n_left = 0;
	uint32_t end;

	heft_buffer_init(&text);
	for (uint32_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && is_same_group(&problems[i], &problems[end]);)
			end++;
		if (n_groups < MAX_LISTED && text.size < 140)
			add_group(&text, &problems[i], end - i);
		else
			n_left++;
		n_groups++;
	}
	if (n_left > 0)
		heft_buffer_addf(&text, "; and %u more", n_left);
	st = heft_fail(imp->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "cannot be computed: %.*s",
	               (int)text.size, text.ok ? (const char *)text.bytes : "");
	heft_buffer_done(&text);
	return st;
}

enum heft_status heft_import_problems(struct heft_importer *imp)
{
	const struct heft_model *m = imp->m;
	struct problem *problems;
	uint32_t n;

	HEFT_TRY(find_problems(imp));
	n = (uint32_t)(imp->rows.size / sizeof *problems);
	problems = (struct problem *)(void *)imp->rows.bytes;
	if (n > 0) {
		qsort(problems, n, sizeof *problems, compare);
		tell_all(imp, problems, n);
		return fail_with(imp, problems, n);
	}
	for (uint32_t k = 0; k < m->n_outputs; k++) {
		const enum heft_import_fault fault = fault_of(imp, m->outputs[k]);

		if (!is_held(fault))
			return heft_fail(imp->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "output '%.80s' %s", m->values[m->outputs[k]].name,
			                 fault_text(fault));
	}
	return HEFT_OK;
}
