/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/rewrite.h - what a pattern is written with: a few nodes that together are one operator.
 *
 * A pattern looks at one node, the last one of its kind, and from there at what makes its inputs.
 * Whatever it asked heft_match_node for is a member. Where it says yes, the last node becomes
 * another operator; but only if nobody else reads what the other members make.
 */
#ifndef GRAPH_REWRITE_H
#define GRAPH_REWRITE_H

#include "graph/ir.h"

#define HEFT_MATCH_MAX_MEMBERS 16
#define HEFT_MATCH_MAX_LEAVES 4
#define HEFT_MATCH_MAX_ATTRS 2
#define HEFT_MATCH_MAX_IN 3

struct heft_match {
	const struct heft_model *m;
	const uint32_t *n_readers; /* of each value; an output of a graph has one more */
	uint32_t last;             /* the node that is looked at */
	uint32_t n_members;        /* without the last one */
	uint32_t members[HEFT_MATCH_MAX_MEMBERS];

	/* What the last node becomes. */
	const char *type; /* of ONNX's own domain */
	uint32_t since;   /* the version that has it */
	uint32_t n_in;
	uint32_t in[HEFT_MATCH_MAX_IN];
	uint32_t n_attrs;
	struct heft_attr attrs[HEFT_MATCH_MAX_ATTRS];
};

/* A product taken apart: numbers are multiplied into `factor`. */
struct heft_match_product {
	double factor;
	uint32_t n_leaves;
	uint32_t leaves[HEFT_MATCH_MAX_LEAVES];
};

/* Whether a node is of this type, and makes one value. */
bool heft_match_is(const struct heft_ir_node *node, const char *type);
/* The node of this type that makes the value, in the same graph as the last one; NULL. It becomes a
 * member. */
const struct heft_ir_node *heft_match_node(struct heft_match *h, uint32_t value, const char *type);
/* A constant of one element, which is no F64, as a real number. */
bool heft_match_number(const struct heft_match *h, uint32_t value, double *number);
/* The same of about this size: half floats have it off by 2^-11. */
bool heft_match_near(double number, double wanted);
/* Takes apart what Mul makes, and Div by a number, as far as nobody else reads it. */
bool heft_match_factors(struct heft_match *h, uint32_t value, struct heft_match_product *p);
/* The other input of an Add of a number of about this size. */
bool heft_match_plus(struct heft_match *h, uint32_t value, double number, uint32_t *other);
/* What a Clip between exactly these clips. */
bool heft_match_clip(struct heft_match *h, uint32_t value, double low, double high,
                     uint32_t *inside);
/* Whether it is x to the power of exactly this. */
bool heft_match_power(struct heft_match *h, uint32_t value, double exponent, uint32_t x);

/* Attributes of a node, or of what it becomes. */
const struct heft_attr *heft_ir_attr(const struct heft_ir_node *node, const char *name);
void heft_match_set_float(struct heft_match *h, const char *name, double value);

#endif
