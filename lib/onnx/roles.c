/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roles.c - what a graph does with its weights. One pass forward through the nodes finds what is
 * computed from constants alone, what comes out of a sum of products, and what was normalised; one
 * backward carries what is done with a value to what it is made of. Each takes a step a node and
 * input, whatever the graph.
 */
#include "onnx/graph.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/role_calls.h"
#include "onnx/role_rules.h"
#include "tensor/name.h"

/* Some 200,000 nodes: whoever only wants to know roles need not have more memory than that. */
#define MAX_SIZE ((size_t)20 << 20)

/* What is known of a value. */
enum fact {
	FACT_CONSTANT = 1 << 0,   /* made of constants alone */
	FACT_LINEAR = 1 << 1,     /* a sum of products: a bias may follow */
	FACT_INTEGER = 1 << 2,    /* of integers: a scale may come before the bias */
	FACT_MEAN = 1 << 3,       /* a mean, or what is made of means and constants */
	FACT_ROOT = 1 << 4,       /* the square root of one */
	FACT_INVERSE = 1 << 5,    /* 1 over that, scaled or not */
	FACT_NORMALISED = 1 << 6, /* divided by it */
	FACT_SCALED = 1 << 7,     /* that, scaled: a shift may follow */
	FACT_GIVEN = 1 << 8       /* of a function or a body, that may be given a constant */
};

/* Facts that a value keeps in another shape. */
#define FACTS_CARRIED                                                                          \
	(FACT_LINEAR | FACT_INTEGER | FACT_MEAN | FACT_ROOT | FACT_INVERSE | FACT_NORMALISED | \
	 FACT_SCALED | FACT_GIVEN)

struct teller {
	const struct heft_onnx_model *model;
	const struct heft_onnx_graph *g;
	uint16_t *facts;   /* one a value */
	uint8_t *roles;    /* likewise */
	uint32_t *origins; /* the value of the same shape that it is made of; its own */
	struct heft_onnx_calls calls;
};

/* Operators of two inputs or more that are told by what these are. */
enum elementwise {
	OTHER,
	ADD,
	SUB,
	MUL,
	DIV,
	COMPARE /* and what else takes numbers that nobody trains */
};

static enum elementwise elementwise_of(const char *op)
{
	static const struct {
		const char *op;
		enum elementwise kind;
	} ops[] = {
		{ "Add", ADD },
		{ "Sum", ADD },
		{ "Sub", SUB },
		{ "Mul", MUL },
		{ "Div", DIV },
		{ "Pow", COMPARE },
		{ "Max", COMPARE },
		{ "Min", COMPARE },
		{ "Equal", COMPARE },
		{ "Greater", COMPARE },
		{ "Less", COMPARE },
		{ "And", COMPARE },
		{ "Or", COMPARE },
		{ "Mod", COMPARE },
		{ "GreaterOrEqual", COMPARE },
		{ "Where", COMPARE },
		{ "LessOrEqual", COMPARE },
	};

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (strcmp(op, ops[i].op) == 0)
			return ops[i].kind;
	}
	return OTHER;
}

/* A node with what its operator's name says. */
struct step {
	const struct heft_onnx_node *node;
	const uint32_t *inputs;
	const uint32_t *outputs;
	const char *op;
	const struct heft_onnx_rule *rule;
	enum elementwise kind;
};

static struct step step_at(const struct teller *t, uint32_t i)
{
	struct step s = { .node = heft_onnx_node(t->g, i) };
	const char *domain = heft_onnx_text(t->g, s.node->domain);

	s.inputs = heft_onnx_ref(t->g, s.node->refs_at);
	s.outputs = s.inputs + s.node->n_inputs;
	s.op = heft_onnx_text(t->g, s.node->op);
	s.rule = heft_onnx_rule_find(domain, s.op);
	s.kind = *domain == '\0' ? elementwise_of(s.op) : OTHER;
	return s;
}

static unsigned facts_of(const struct teller *t, uint32_t value)
{
	return value == HEFT_ONNX_NONE ? 0 : t->facts[value];
}

static uint32_t input_of(const struct step *s, uint32_t i)
{
	return i < s->node->n_inputs ? s->inputs[i] : HEFT_ONNX_NONE;
}

static bool has_flag(const struct step *s, uint32_t flag)
{
	return s->rule && (s->rule->flags & flag) != 0;
}

/* --- forward --- */

static bool are_all_constant(const struct teller *t, const struct step *s)
{
	bool has_any = false;

	for (uint32_t i = 0; i < s->node->n_inputs; i++) {
		if (s->inputs[i] == HEFT_ONNX_NONE)
			continue;
		if (!(t->facts[s->inputs[i]] & FACT_CONSTANT))
			return false;
		has_any = true;
	}
	return has_any;
}

/* Of Add, Sub, Mul and Div of two values, neither or one of which is constant. */
static unsigned combine(enum elementwise kind, unsigned a, unsigned b)
{
	const unsigned both = a | b;
	const bool is_by_constant = (both & FACT_CONSTANT) != 0;
	unsigned facts = 0;

	if ((a & (FACT_MEAN | FACT_CONSTANT)) && (b & (FACT_MEAN | FACT_CONSTANT)))
		facts |= FACT_MEAN;
	if (kind == ADD && is_by_constant)
		facts |= both & FACT_ROOT; /* an epsilon */
	if (kind == ADD)
		facts |= a & b & FACT_LINEAR; /* as in a cell of an LSTM */
	if (kind == DIV && (b & FACT_ROOT))
		facts |= a & FACT_CONSTANT ? FACT_INVERSE : FACT_NORMALISED;
	if (kind != MUL)
		return facts;
	if (both & FACT_INTEGER)
		facts |= FACT_INTEGER | FACT_LINEAR;
	if (both & FACT_INVERSE)
		facts |= is_by_constant ? FACT_INVERSE : FACT_NORMALISED;
	if ((both & FACT_NORMALISED) && is_by_constant)
		facts |= FACT_SCALED;
	return facts;
}

static unsigned facts_by_op(const struct teller *t, const struct step *s)
{
	const unsigned first = facts_of(t, input_of(s, 0));

	if (s->kind != OTHER && s->kind != COMPARE && s->node->n_inputs == 2)
		return combine(s->kind, first, facts_of(t, input_of(s, 1)));
	if (has_flag(s, HEFT_ONNX_RULE_NORMALISES))
		return FACT_NORMALISED;
	if (has_flag(s, HEFT_ONNX_RULE_LINEAR))
		return strstr(s->op, "Integer") ? FACT_LINEAR | FACT_INTEGER : FACT_LINEAR;
	if (has_flag(s, HEFT_ONNX_RULE_PASSES))
		return first & FACTS_CARRIED;
	if (strcmp(s->op, "ReduceMean") == 0)
		return FACT_MEAN;
	if (strcmp(s->op, "Sqrt") == 0)
		return first & FACT_MEAN ? FACT_ROOT : 0;
	if (strcmp(s->op, "Reciprocal") == 0)
		return first & FACT_ROOT ? FACT_INVERSE : 0;
	return 0;
}

static void mark_given(struct teller *t)
{
	for (uint32_t i = 0; i < heft_onnx_n_scopes(t->g); i++) {
		const struct heft_onnx_scope *scope = heft_onnx_scope(t->g, i);

		for (uint32_t k = 0; scope->kind != HEFT_ONNX_GRAPH_MAIN && k < scope->n_inputs;
		     k++)
			t->facts[*heft_onnx_ref(t->g, (size_t)scope->inputs_at + k)] |= FACT_GIVEN;
	}
}

static void go_forward(struct teller *t)
{
	const uint32_t n_values = heft_onnx_n_values(t->g);
	const uint32_t n_nodes = heft_onnx_n_nodes(t->g);

	for (uint32_t i = 0; i < n_values; i++) {
		t->facts[i] = heft_onnx_value(t->g, i)->is_constant ? FACT_CONSTANT : 0;
		t->origins[i] = i;
	}
	mark_given(t);
	for (uint32_t i = 0; i < n_nodes; i++) {
		const struct step s = step_at(t, i);
		const bool is_constant = are_all_constant(t, &s);
		const unsigned facts = is_constant ? FACT_CONSTANT : facts_by_op(t, &s);

		for (uint32_t k = 0; k < s.node->n_outputs; k++) {
			if (s.outputs[k] != HEFT_ONNX_NONE)
				t->facts[s.outputs[k]] |= (uint16_t)facts;
		}
		if (has_flag(&s, HEFT_ONNX_RULE_KEEPS_SHAPE) && s.node->n_outputs > 0 &&
		    s.outputs[0] != HEFT_ONNX_NONE && input_of(&s, 0) != HEFT_ONNX_NONE)
			t->origins[s.outputs[0]] = t->origins[s.inputs[0]];
	}
}

/* --- backward --- */

/* Of two uses of one tensor the one that tells more of it counts. */
static unsigned rank_of(enum heft_role role)
{
	static const uint8_t ranks[] = {
		[HEFT_ROLE_UNKNOWN] = 0, [HEFT_ROLE_BUFFER] = 1, [HEFT_ROLE_BIAS] = 2,
		[HEFT_ROLE_NORM] = 3,    [HEFT_ROLE_WEIGHT] = 4, [HEFT_ROLE_EMBEDDING] = 5,
	};

	return ranks[role];
}

static void join(struct teller *t, uint32_t value, enum heft_role role)
{
	if (value != HEFT_ONNX_NONE && rank_of(role) > rank_of(t->roles[value]))
		t->roles[value] = (uint8_t)role;
}

static enum heft_role output_role(const struct teller *t, const struct step *s)
{
	enum heft_role role = HEFT_ROLE_UNKNOWN;

	for (uint32_t i = 0; i < s->node->n_outputs; i++) {
		const uint32_t value = s->outputs[i];

		if (value != HEFT_ONNX_NONE && rank_of(t->roles[value]) > rank_of(role))
			role = t->roles[value];
	}
	return role;
}

/* The weight that a value is made of, in the same shape; NONE. */
static uint32_t weight_of(const struct teller *t, uint32_t value)
{
	return heft_onnx_value(t->g, t->origins[value])->tensor;
}

/* At most one dimension is not 1: [N], [1, N], [N, 1, 1]. */
static bool is_vector(const struct heft_listing *tensors, uint32_t i)
{
	const uint64_t *dims = heft_listing_dims(tensors, i);
	const uint32_t rank = heft_listing_row(tensors, i)->rank;
	uint32_t n = 0;

	for (uint32_t d = 0; d < rank; d++)
		n += dims[d] != 1;
	return rank > 0 && n <= 1;
}

/* Of a constant that is added to, multiplied with, … a value that is none, of which `other` is
 * known. */
static enum heft_role operand_role(const struct teller *t, enum elementwise kind, uint32_t value,
                                   unsigned other)
{
	const struct heft_listing *tensors = t->model->tensors;
	const uint32_t i = weight_of(t, value);
	const struct heft_listed *row;

	if (i == HEFT_ONNX_NONE)
		return HEFT_ROLE_UNKNOWN;
	row = heft_listing_row(tensors, i);
	if (kind == ADD && (other & FACT_LINEAR) && is_vector(tensors, i))
		return HEFT_ROLE_BIAS;
	/* A name may tell of a scalar that it is trained. */
	if (row->n_elements == 1)
		return heft_role_from_name(heft_listing_name(tensors, i), row->rank) ==
		                       HEFT_ROLE_UNKNOWN
		               ? HEFT_ROLE_BUFFER
		               : HEFT_ROLE_UNKNOWN;
	if (kind == ADD && (other & (FACT_SCALED | FACT_NORMALISED)))
		return HEFT_ROLE_NORM;
	if (kind == MUL && (other & (FACT_NORMALISED | FACT_INVERSE)))
		return HEFT_ROLE_NORM;
	return HEFT_ROLE_UNKNOWN;
}

static void tell_elementwise(struct teller *t, const struct step *s)
{
	uint32_t n_others = 0;
	unsigned other = 0;

	for (uint32_t i = 0; i < s->node->n_inputs; i++) {
		if (facts_of(t, s->inputs[i]) & FACT_CONSTANT)
			continue;
		other = facts_of(t, s->inputs[i]);
		n_others++;
	}
	for (uint32_t i = 0; i < s->node->n_inputs; i++) {
		const uint32_t value = s->inputs[i];

		if (!(facts_of(t, value) & FACT_CONSTANT))
			continue;
		if (n_others == 0 && s->kind != COMPARE)
			join(t, value, output_role(t, s));
		else
			join(t, value, operand_role(t, s->kind, value, n_others == 1 ? other : 0));
	}
}

/* A table that rows are taken from by numbers that are computed is an embedding. */
static void tell_gather(struct teller *t, const struct step *s)
{
	const uint32_t table = input_of(s, 0);
	uint32_t i;

	if (table == HEFT_ONNX_NONE)
		return;
	if (facts_of(t, input_of(s, 1)) & FACT_CONSTANT) {
		join(t, table, output_role(t, s));
		return;
	}
	i = weight_of(t, table);
	if (i != HEFT_ONNX_NONE && heft_listing_row(t->model->tensors, i)->rank >= 2)
		join(t, table, HEFT_ROLE_EMBEDDING);
}

static void tell_by_rule(struct teller *t, const struct step *s)
{
	const unsigned facts = s->node->n_outputs > 0 ? facts_of(t, s->outputs[0]) : 0;
	const bool passes_all = has_flag(s, HEFT_ONNX_RULE_PASSES_ALL);
	enum heft_role passed = HEFT_ROLE_UNKNOWN;

	if (passes_all
	            ? facts & FACT_CONSTANT
	            : has_flag(s, HEFT_ONNX_RULE_PASSES) && (facts & (FACT_CONSTANT | FACT_GIVEN)))
		passed = output_role(t, s);
	for (uint32_t i = 0; i < s->node->n_inputs; i++) {
		join(t, s->inputs[i], heft_onnx_rule_role(s->rule, i));
		if (i == 0 || passes_all)
			join(t, s->inputs[i], passed);
	}
}

static bool is_loop(const struct step *s)
{
	return strcmp(s->op, "Loop") == 0;
}

/* What a node calls: the inputs there are its own, of a Loop in the place of two others, the number
 * of the iteration and the condition. */
static void tell_call(struct teller *t, const struct step *s, const struct heft_onnx_scope *callee)
{
	for (uint32_t i = is_loop(s) ? 2 : 0; i < s->node->n_inputs && i < callee->n_inputs; i++) {
		const uint32_t inner = *heft_onnx_ref(t->g, callee->inputs_at + i);

		if (inner != HEFT_ONNX_NONE)
			join(t, s->inputs[i], t->roles[inner]);
	}
}

static void tell_node(struct teller *t, uint32_t i)
{
	const struct step s = step_at(t, i);
	const uint32_t callee = heft_onnx_calls_find(&t->calls, t->g, s.node);

	if (callee != HEFT_ONNX_NONE)
		tell_call(t, &s, heft_onnx_scope(t->g, callee));
	for (uint32_t b = heft_onnx_calls_body(&t->calls, i); b != HEFT_ONNX_NONE;
	     b = heft_onnx_calls_next(&t->calls, b)) {
		if (strcmp(s.op, "If") != 0)
			tell_call(t, &s, heft_onnx_scope(t->g, b));
	}
	if (s.kind != OTHER)
		tell_elementwise(t, &s);
	if (s.rule)
		tell_by_rule(t, &s);
	if (strcmp(s.op, "Gather") == 0)
		tell_gather(t, &s);
}

/* A subgraph's outputs become its node's, of a Loop all but the condition. */
static void tell_outputs(struct teller *t, const struct heft_onnx_scope *scope)
{
	const struct step s = step_at(t, scope->owner);
	const uint32_t n_skipped = is_loop(&s) ? 1 : 0;

	for (uint32_t i = n_skipped; i < scope->n_outputs; i++) {
		const uint32_t k = i - n_skipped;

		if (k < s.node->n_outputs && s.outputs[k] != HEFT_ONNX_NONE)
			join(t, *heft_onnx_ref(t->g, scope->outputs_at + i),
			     t->roles[s.outputs[k]]);
	}
}

static void go_backward(struct teller *t)
{
	for (uint32_t i = heft_onnx_n_nodes(t->g); i-- > 0;) {
		/* Graphs that end behind node i, the outer ones first. */
		for (uint32_t b = heft_onnx_calls_ending(&t->calls, i + 1); b != HEFT_ONNX_NONE;
		     b = heft_onnx_calls_next_ending(&t->calls, b)) {
			if (heft_onnx_scope(t->g, b)->owner != HEFT_ONNX_NONE)
				tell_outputs(t, heft_onnx_scope(t->g, b));
		}
		tell_node(t, i);
	}
}

/* --- the weights --- */

static bool is_of_counts(const struct heft_listed *row)
{
	return row->dtype == HEFT_DTYPE_I64 || row->dtype == HEFT_DTYPE_I32 ||
	       row->dtype == HEFT_DTYPE_U64 || row->dtype == HEFT_DTYPE_U32 ||
	       row->dtype == HEFT_DTYPE_BOOL;
}

static enum heft_role tensor_role(const struct teller *t, uint32_t i)
{
	const struct heft_listed *row = heft_listing_row(t->model->tensors, i);
	const uint32_t value = t->g->tensor_values[i];
	enum heft_role role;

	if (value == HEFT_ONNX_NONE)
		return HEFT_ROLE_UNKNOWN;
	if (heft_onnx_value(t->g, value)->tensor != i)
		return HEFT_ROLE_BUFFER; /* where a sparse tensor's values are */
	role = t->roles[value];
	if (is_of_counts(row) && (role == HEFT_ROLE_UNKNOWN || role == HEFT_ROLE_EMBEDDING))
		return HEFT_ROLE_BUFFER;
	return role;
}

static enum heft_status tell(struct teller *t, uint8_t *roles, struct heft_error *err)
{
	const uint32_t n_values = heft_onnx_n_values(t->g);
	const uint32_t n = heft_listing_n(t->model->tensors);

	t->facts = heft_zalloc_array(n_values, sizeof *t->facts);
	t->roles = heft_zalloc_array(n_values, sizeof *t->roles);
	t->origins = heft_alloc_array(n_values, sizeof *t->origins);
	if (!t->facts || !t->roles || !t->origins)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	HEFT_TRY(heft_onnx_calls_init(&t->calls, t->g, err));
	go_forward(t);
	go_backward(t);
	/* Once more where one function may call another one that stands before it. */
	if (t->calls.n_functions > 0)
		go_backward(t);
	for (uint32_t i = 0; i < n; i++)
		roles[i] = (uint8_t)tensor_role(t, i);
	return HEFT_OK;
}

enum heft_status heft_onnx_roles(struct heft_wire_input *in, const struct heft_onnx_model *model,
                                 uint8_t *roles, struct heft_error *err)
{
	struct heft_onnx_graph graph;
	struct teller t = { .model = model, .g = &graph };
	enum heft_status st;

	HEFT_TRY(heft_onnx_graph_read(in, model, MAX_SIZE, &graph, err));
	st = tell(&t, roles, err);
	heft_onnx_calls_done(&t.calls);
	heft_free(t.facts);
	heft_free(t.roles);
	heft_free(t.origins);
	heft_onnx_graph_done(&graph);
	return st;
}
