/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite_match.c - looks at the nodes in front of one: types, numbers, products. */
#include <string.h>

#include "graph/rewrite.h"

bool heft_match_is(const struct heft_ir_node *node, const char *type)
{
	/* before version 7, arithmetic took shapes together in another way */
	return node->op && node->n_out == 1 && node->opset >= 7 && node->domain[0] == '\0' &&
	       strcmp(node->type, type) == 0;
}

const struct heft_ir_node *heft_match_node(struct heft_match *h, uint32_t value, const char *type)
{
	const struct heft_model *m = h->m;
	uint32_t at;

	if (value == HEFT_IR_NONE || m->values[value].node == HEFT_IR_NONE)
		return NULL;
	at = m->values[value].node;
	if (m->nodes[at].block != m->nodes[h->last].block || !heft_match_is(&m->nodes[at], type))
		return NULL;
	for (uint32_t i = 0; i < h->n_members; i++) {
		if (h->members[i] == at)
			return &m->nodes[at];
	}
	if (h->n_members == HEFT_MATCH_MAX_MEMBERS)
		return NULL;
	h->members[h->n_members++] = at;
	return &m->nodes[at];
}

bool heft_match_number(const struct heft_match *h, uint32_t value, double *number)
{
	const struct heft_ir_constant *c = heft_ir_constant(h->m, value);

	/* of more dimensions it would give its result more of them */
	return c && c->array.dtype != HEFT_DTYPE_F64 && c->array.n_elements == 1 &&
	       c->array.rank <= 1 && c->array.bytes &&
	       heft_cast_elements(HEFT_DTYPE_F64, number, c->array.dtype, c->array.bytes, 1,
	                          NULL) == HEFT_OK;
}

bool heft_match_near(double number, double wanted)
{
	const double off = number < wanted ? wanted - number : number - wanted;

	return off <= (wanted < 0 ? -wanted : wanted) * 0x1p-10;
}

static bool add_leaf(struct heft_match_product *p, uint32_t value)
{
	if (p->n_leaves == HEFT_MATCH_MAX_LEAVES)
		return false;
	p->leaves[p->n_leaves++] = value;
	return true;
}

/* One factor, taken apart itself where nobody else reads it. `depth` bounds the calls. */
static bool add_factor(struct heft_match *h, uint32_t value, uint32_t depth,
                       struct heft_match_product *p)
{
	const struct heft_ir_node *n = NULL;
	double number;

	if (value == HEFT_IR_NONE)
		return false;
	if (heft_match_number(h, value, &number)) {
		p->factor *= number;
		return true;
	}
	if (depth == 4 || h->n_readers[value] != 1)
		return add_leaf(p, value);
	n = heft_match_node(h, value, "Mul");
	if (n)
		return add_factor(h, heft_ir_in(h->m, n, 0), depth + 1, p) &&
		       add_factor(h, heft_ir_in(h->m, n, 1), depth + 1, p);
	if (h->m->values[value].node == HEFT_IR_NONE)
		return add_leaf(p, value);
	n = &h->m->nodes[h->m->values[value].node];
	if (!heft_match_number(h, heft_ir_in(h->m, n, 1), &number) || number == 0 ||
	    !heft_match_node(h, value, "Div"))
		return add_leaf(p, value);
	p->factor /= number;
	return add_factor(h, heft_ir_in(h->m, n, 0), depth + 1, p);
}

bool heft_match_factors(struct heft_match *h, uint32_t value, struct heft_match_product *p)
{
	const uint32_t made = value == HEFT_IR_NONE ? HEFT_IR_NONE : h->m->values[value].node;
	const struct heft_ir_node *n = made == HEFT_IR_NONE ? NULL : &h->m->nodes[made];
	double number;

	*p = (struct heft_match_product){ .factor = 1 };
	if (!n || n->n_in != 2 || (made != h->last && h->n_readers[value] != 1))
		return false;
	if (made != h->last && !heft_match_node(h, value, "Mul") &&
	    !heft_match_node(h, value, "Div"))
		return false;
	if (heft_match_is(n, "Mul"))
		return add_factor(h, heft_ir_in(h->m, n, 0), 0, p) &&
		       add_factor(h, heft_ir_in(h->m, n, 1), 0, p);
	if (!heft_match_is(n, "Div") || !heft_match_number(h, heft_ir_in(h->m, n, 1), &number) ||
	    number == 0)
		return false;
	p->factor /= number;
	return add_factor(h, heft_ir_in(h->m, n, 0), 0, p);
}

bool heft_match_plus(struct heft_match *h, uint32_t value, double number, uint32_t *other)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Add");
	double found;

	for (uint32_t i = 0; n && i < 2; i++) {
		*other = heft_ir_in(h->m, n, 1 - i);
		if (*other != HEFT_IR_NONE &&
		    heft_match_number(h, heft_ir_in(h->m, n, i), &found) &&
		    heft_match_near(found, number))
			return true;
	}
	return false;
}

bool heft_match_clip(struct heft_match *h, uint32_t value, double low, double high,
                     uint32_t *inside)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Clip");
	double found[2];

	if (!n)
		return false;
	*inside = heft_ir_in(h->m, n, 0);
	for (uint32_t i = 0; i < 2; i++) {
		const struct heft_attr *a = heft_ir_attr(n, i == 0 ? "min" : "max");

		if (n->opset < 11 && a && a->kind == HEFT_ATTR_FLOAT)
			found[i] = (double)a->f;
		else if (!heft_match_number(h, heft_ir_in(h->m, n, 1 + i), &found[i]))
			return false;
	}
	return *inside != HEFT_IR_NONE && found[0] == low && found[1] == high;
}

bool heft_match_power(struct heft_match *h, uint32_t value, double exponent, uint32_t x)
{
	const struct heft_ir_node *n = heft_match_node(h, value, "Pow");
	double found;

	return n && heft_ir_in(h->m, n, 0) == x &&
	       heft_match_number(h, heft_ir_in(h->m, n, 1), &found) && found == exponent;
}

const struct heft_attr *heft_ir_attr(const struct heft_ir_node *node, const char *name)
{
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		if (strcmp(node->attrs.rows[i].name, name) == 0)
			return &node->attrs.rows[i];
	}
	return NULL;
}

void heft_match_set_float(struct heft_match *h, const char *name, double value)
{
	h->attrs[h->n_attrs++] = (struct heft_attr){ .name = name,
		                                     .kind = HEFT_ATTR_FLOAT,
		                                     .f = (float)value };
}
