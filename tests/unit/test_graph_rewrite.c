/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_rewrite.c - decomposed operators are found in graphs and put together; and what only
 * looks like one is left alone. Graphs are written as texts: `d=Sub(x,m); y=Mul(d,2)`. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_fail.h"
#include "base/alloc.h"
#include "graph/ir.h"
#include "heft/run.h"
#include "unit.h"

#define MAX_NAMES 64

static const struct heft_op any_op = { .name = "?", .domain = "" };

/* A model under construction. */
static struct heft_model *m;
static uint32_t opset;
static struct heft_error err;

static char *text_copy(const char *text, size_t n)
{
	char *copy = heft_ir_alloc(m, n + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	return copy;
}

static void model_begin(uint32_t version)
{
	m = heft_zalloc(sizeof *m);
	ck_assert_ptr_nonnull(m);
	opset = version;
	m->values = heft_ir_alloc(m, MAX_NAMES * sizeof *m->values);
	m->nodes = heft_ir_alloc(m, MAX_NAMES * sizeof *m->nodes);
	m->blocks = heft_ir_alloc(m, 2 * sizeof *m->blocks);
	m->constants = heft_ir_alloc(m, MAX_NAMES * sizeof *m->constants);
	m->dims = heft_ir_alloc(m, MAX_NAMES * sizeof *m->dims);
	m->refs = heft_ir_alloc(m, 4 * MAX_NAMES * sizeof *m->refs);
	m->order = heft_ir_alloc(m, MAX_NAMES * sizeof *m->order);
	m->n_blocks = 1;
	m->blocks[0].node = HEFT_IR_NONE;
}

/* A constant of n elements and that rank, all `value`. */
static uint32_t add_constant(enum heft_dtype dtype, uint32_t rank, uint64_t n, double value)
{
	struct heft_ir_constant *c = &m->constants[m->n_constants];

	c->tensor = HEFT_IR_NONE;
	ck_assert_int_eq(heft_array_set(&c->array, dtype, rank, &n, &err), HEFT_OK);
	c->array.bytes = heft_ir_alloc(m, c->array.n_bytes);
	for (uint64_t i = 0; i < n; i++) {
		if (dtype == HEFT_DTYPE_F32)
			((float *)c->array.bytes)[i] = (float)value;
		else if (dtype == HEFT_DTYPE_F64)
			((double *)c->array.bytes)[i] = value;
		else
			((int64_t *)c->array.bytes)[i] = (int64_t)value;
	}
	return m->n_constants++;
}

static void set_constant(struct heft_ir_value *v)
{
	const double number = strtod(v->name + (isalpha((unsigned char)v->name[0]) ||
	                                        v->name[0] == '@'),
	                             NULL);

	if (v->name[0] == '@') /* an axis */
		v->constant = add_constant(HEFT_DTYPE_I64, 1, 1, number);
	else if (v->name[0] == 'W') /* weights: how many */
		v->constant = add_constant(HEFT_DTYPE_F32, 1, (uint64_t)number, 1.5);
	else if (v->name[0] == 'L') /* a number of F64 */
		v->constant = add_constant(HEFT_DTYPE_F64, 0, 1, number);
	else if (v->name[0] == '-' || isdigit((unsigned char)v->name[0]))
		v->constant = add_constant(HEFT_DTYPE_F32, 0, 1, number);
}

/* The value of that name, as n bytes; "" is none. */
static uint32_t value_named(const char *name, size_t n)
{
	struct heft_ir_value *v;

	if (n == 0)
		return HEFT_IR_NONE;
	for (uint32_t i = 0; i < m->n_values; i++) {
		if (strlen(m->values[i].name) == n && memcmp(m->values[i].name, name, n) == 0)
			return i;
	}
	ck_assert_uint_lt(m->n_values, MAX_NAMES);
	v = &m->values[m->n_values];
	*v = (struct heft_ir_value){ .name = text_copy(name, n),
		                     .node = HEFT_IR_NONE,
		                     .constant = HEFT_IR_NONE };
	set_constant(v);
	return m->n_values++;
}

/* `{alpha=0.5,axes=-1:-2}`: with a point they are floats, and lists of integers where they are
 * called axes. */
static const char *add_attrs(struct heft_ir_node *n, const char *at)
{
	struct heft_attr *rows = heft_ir_alloc(m, 4 * sizeof *rows);

	n->attrs.rows = rows;
	while (*at != '}') {
		struct heft_attr *a = &rows[n->attrs.n++];
		const size_t size = strcspn(++at, "=");
		char *end;

		a->name = text_copy(at, size);
		at += size + 1;
		if (strcmp(a->name, "axes") == 0) {
			int64_t *ints = heft_ir_alloc(m, 4 * sizeof *ints);

			a->kind = HEFT_ATTR_INTS;
			a->ints = ints;
			for (at--; *at == '=' || *at == ':'; at = end)
				ints[a->n++] = strtoll(at + 1, &end, 10);
		} else if (at[strcspn(at, ".,}")] == '.') {
			a->kind = HEFT_ATTR_FLOAT;
			a->f = strtof(at, &end);
			at = end;
		} else {
			a->kind = HEFT_ATTR_INT;
			a->i = strtoll(at, &end, 10);
			at = end;
		}
	}
	return at + 1;
}

/* One node; gives where the next one begins. */
static const char *add_node(const char *at)
{
	struct heft_ir_node *n = &m->nodes[m->n_nodes];
	const char *out = at;
	const size_t out_size = strcspn(at, "=");
	size_t size;
	uint32_t value;

	at += out_size + 1;
	size = strcspn(at, "({");
	*n = (struct heft_ir_node){ .name = "", .domain = "", .opset = opset, .n_out = 1 };
	n->type = text_copy(at, size);
	n->op = heft_op_find("", n->type);
	if (!n->op)
		n->op = &any_op;
	at += size;
	if (*at == '{')
		at = add_attrs(n, at);
	n->refs_at = m->n_refs;
	do {
		size = strcspn(++at, ",)");
		m->refs[m->n_refs++] = value_named(at, size);
		at += size;
		n->n_in++;
	} while (*at == ',');
	value = value_named(out, out_size);
	m->values[value].node = m->n_nodes;
	m->refs[m->n_refs++] = value;
	m->order[m->n_order++] = m->n_nodes++;
	at++;
	return at + strspn(at, "; ");
}

/* Outputs are the values of these one-letter names. */
static void model_of(uint32_t version, const char *nodes, const char *outputs)
{
	struct heft_ir_block *b;

	model_begin(version);
	while (*nodes)
		nodes = add_node(nodes);
	b = &m->blocks[0];
	b->n_nodes = m->n_order;
	b->outputs_at = m->n_refs;
	for (; *outputs; outputs++, b->n_outputs++)
		m->refs[m->n_refs++] = value_named(outputs, 1);
	m->outputs = &m->refs[b->outputs_at];
	m->n_outputs = b->n_outputs;
}

static void add_text(char *text, size_t room, const char *more)
{
	const size_t n = strlen(text);

	ck_assert_uint_lt(n + strlen(more), room);
	memcpy(text + n, more, strlen(more) + 1);
}

static void add_attr_text(char *text, size_t room, const struct heft_attr *a)
{
	char number[64];

	if (a->kind == HEFT_ATTR_FLOAT)
		snprintf(number, sizeof number, "%s=%g", a->name, (double)a->f);
	else if (a->kind == HEFT_ATTR_INT)
		snprintf(number, sizeof number, "%s=%lld", a->name, (long long)a->i);
	else
		snprintf(number, sizeof number, "%s=%s", a->name,
		         a->kind == HEFT_ATTR_TEXT ? a->text : "…");
	add_text(text, room, number);
}

/* What is alive, as a text. */
static void model_text(char *text, size_t room)
{
	const struct heft_ir_block *b = &m->blocks[0];

	text[0] = '\0';
	for (uint32_t i = 0; i < b->n_nodes; i++) {
		const struct heft_ir_node *n = &m->nodes[m->order[b->order_at + i]];

		add_text(text, room, i > 0 ? "; " : "");
		add_text(text, room, m->values[heft_ir_out(m, n, 0)].name);
		add_text(text, room, "=");
		add_text(text, room, n->type);
		for (uint32_t k = 0; k < n->attrs.n; k++) {
			add_text(text, room, k == 0 ? "{" : ",");
			add_attr_text(text, room, &n->attrs.rows[k]);
		}
		add_text(text, room, n->attrs.n > 0 ? "}(" : "(");
		for (uint32_t k = 0; k < n->n_in; k++) {
			add_text(text, room, k > 0 ? "," : "");
			add_text(text, room, m->values[heft_ir_in(m, n, k)].name);
		}
		add_text(text, room, ")");
	}
}

static void rewrite(void)
{
	ck_assert_msg(heft_ir_rewrite(m, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_ir_drop_dead(m, &err) == HEFT_OK, "%s", err.msg);
}

/* The model at hand becomes this, and ends. */
static void check_becomes(const char *wanted)
{
	char text[2000];

	rewrite();
	model_text(text, sizeof text);
	ck_assert_str_eq(text, wanted);
	heft_model_free(m);
}

static void becomes(uint32_t version, const char *nodes, const char *outputs, const char *wanted)
{
	model_of(version, nodes, outputs);
	check_becomes(wanted);
}

static void stays(uint32_t version, const char *nodes, const char *outputs)
{
	char text[2000];

	model_of(version, nodes, outputs);
	model_text(text, sizeof text);
	check_becomes(text);
}

#define MEAN "m=ReduceMean{axes=-1}(x); d=Sub(x,m); "
#define ROOT "v=ReduceMean{axes=-1}(p); e=Add(v,0.001); s=Sqrt(e); n=Div(d,s); "
#define NORM "LayerNormalization{epsilon=0.001,axis=-1}"
#define AFFINE "t=Mul(n,W8); y=Add(t,W8b)"

/* F6-95 */
START_TEST(layer_norm)
{
	becomes(14, MEAN "p=Pow(d,2); " ROOT AFFINE, "y", "y=" NORM "(x,W8,W8b)");
	becomes(9, MEAN "p=Mul(d,d); " ROOT "y=Mul(W8,n)", "y", "y=" NORM "(x,W8)");
	/* the difference made twice; sums the other way round */
	becomes(14,
	        MEAN "f=Sub(x,m); p=Pow(f,2); v=ReduceMean{axes=-1}(p); e=Add(0.001,v); s=Sqrt(e); "
	             "n=Div(d,s); t=Mul(n,W8); y=Add(W8b,t)",
	        "y", "y=" NORM "(x,W8,W8b)");
	/* axes as an input, and nodes before and behind */
	becomes(18,
	        "x=Relu(a); m=ReduceMean{keepdims=1}(x,@-1); d=Sub(x,m); p=Pow(d,2); "
	        "v=ReduceMean(p,@-1); e=Add(v,0.001); s=Sqrt(e); n=Div(d,s); " AFFINE
	        "; z=Add(y,x)",
	        "z", "x=Relu(a); y=" NORM "(x,W8,W8b); z=Add(y,x)");
	/* one behind the other */
	becomes(14,
	        MEAN "p=Pow(d,2); " ROOT AFFINE
	             "; g=ReduceMean{axes=-1}(y); h=Sub(y,g); i=Pow(h,2); "
	             "j=ReduceMean{axes=-1}(i); k=Add(j,0.5); l=Sqrt(k); o=Div(h,l); q=Mul(o,W8c)",
	        "q", "y=" NORM "(x,W8,W8b); q=LayerNormalization{epsilon=0.5,axis=-1}(y,W8c)");
}
END_TEST

START_TEST(layer_norm_of_known_rank)
{
	model_of(14,
	         "m=ReduceMean{axes=2}(x); d=Sub(x,m); p=Pow(d,2); v=ReduceMean{axes=2}(p); "
	         "e=Add(v,0.001); s=Sqrt(e); n=Div(d,s); " AFFINE,
	         "y");
	for (uint32_t i = 0; i < m->n_values; i++) {
		m->values[i].has_shape = strchr("xp", m->values[i].name[0]) != NULL;
		m->values[i].rank = m->values[i].has_shape ? 3 : 0;
	}
	check_becomes("y=" NORM "(x,W8,W8b)");
}
END_TEST

START_TEST(no_layer_norm)
{
	/* somebody else reads the deviation, or the graph does */
	stays(14, MEAN "p=Pow(d,2); " ROOT AFFINE "; z=Relu(d)", "yz");
	stays(14, MEAN "p=Pow(d,2); " ROOT AFFINE, "ys");
	/* another power, another axis, no dimensions kept, unknown rank, no weights */
	stays(14, MEAN "p=Pow(d,3); " ROOT AFFINE, "y");
	stays(14, "m=ReduceMean{axes=-2}(x); d=Sub(x,m); p=Pow(d,2); " ROOT AFFINE, "y");
	stays(14, "m=ReduceMean{axes=-1,keepdims=0}(x); d=Sub(x,m); p=Pow(d,2); " ROOT AFFINE, "y");
	stays(14, "m=ReduceMean{axes=2}(x); d=Sub(x,m); p=Pow(d,2); " ROOT AFFINE, "y");
	stays(14,
	      "m=ReduceMean{axes=-9223372036854775808}(x); d=Sub(x,m); p=Pow(d,2); " ROOT AFFINE,
	      "y");
	stays(14, MEAN "p=Pow(d,2); " ROOT "y=Mul(n,k)", "y");
	stays(14, MEAN "p=Pow(d,2); " ROOT "y=Mul(n,W1)", "y");
	/* the mean of something else */
	stays(14, "m=ReduceMean{axes=-1}(z); d=Sub(x,m); p=Pow(d,2); " ROOT AFFINE, "y");
}
END_TEST

/* F6-96 */
START_TEST(gelu)
{
	static const char none[] = "y=Gelu{approximate=none}(x)";
	static const char tanh[] = "y=Gelu{approximate=tanh}(x)";

	becomes(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Mul(p,0.5)", "y",
	        none);
	becomes(14, "d=Mul(0.70703125,x); e=Erf(d); a=Add(1,e); h=Mul(0.5,x); y=Mul(a,h)", "y",
	        none);
	becomes(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(0.5,a); y=Mul(x,p)", "y",
	        none);
	becomes(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Div(p,2)", "y", none);
	becomes(14,
	        "c=Pow(x,3); b=Mul(c,0.044715); s=Add(x,b); i=Mul(s,0.7978846); t=Tanh(i); "
	        "a=Add(t,1); h=Mul(x,0.5); y=Mul(h,a)",
	        "y", tanh);
	becomes(14,
	        "q=Mul(x,x); c=Mul(x,q); b=Mul(0.044715,c); s=Add(b,x); i=Mul(0.7978846,s); "
	        "t=Tanh(i); a=Add(1,t); h=Mul(x,a); y=Mul(0.5,h)",
	        "y", tanh);
	becomes(14,
	        "j=Mul(x,0.7978846); k=Mul(x,0.044715); q=Mul(k,x); b=Add(1,q); i=Mul(j,b); "
	        "t=Tanh(i); a=Add(t,1); h=Mul(x,0.5); y=Mul(h,a)",
	        "y", tanh);
	/* x itself is a product */
	becomes(14,
	        "x=Mul(a,b); d=Div(x,1.4142135); e=Erf(d); f=Add(e,1); p=Mul(x,f); y=Mul(p,0.5)",
	        "y", "x=Mul(a,b); y=Gelu{approximate=none}(x)");
}
END_TEST

START_TEST(no_gelu)
{
	stays(14, "d=Div(x,1.5); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Mul(p,0.5)", "y");
	stays(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,2); p=Mul(x,a); y=Mul(p,0.5)", "y");
	stays(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(z,a); y=Mul(p,0.5)", "y");
	stays(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Mul(p,0.5)", "ye");
	stays(14, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Mul(p,0.5); z=Relu(p)",
	      "yz");
	stays(14, "d=Div(x,L1.4142135); e=Erf(d); a=Add(e,L1); p=Mul(x,a); y=Mul(p,L0.5)", "y");
	stays(6, "d=Div(x,1.4142135); e=Erf(d); a=Add(e,1); p=Mul(x,a); y=Mul(p,0.5)", "y");
}
END_TEST

/* F6-97 */
START_TEST(hard)
{
	static const char hard_sigmoid[] = "HardSigmoid{alpha=0.166667,beta=0.5}";
	char wanted[200];

	becomes(11, "h=HardSigmoid{alpha=0.16666667,beta=0.5}(x); y=Mul(h,x)", "y",
	        "y=HardSwish(x)");
	becomes(11, "a=Add(x,3); c=Clip(a,0,6); p=Mul(x,c); y=Div(p,6)", "y", "y=HardSwish(x)");
	becomes(10, "a=Add(3,x); c=Clip{min=0.0,max=6.0}(a); d=Mul(c,0.16666667); y=Mul(d,x)", "y",
	        "y=HardSwish(x)");
	snprintf(wanted, sizeof wanted, "y=%s(x)", hard_sigmoid);
	becomes(11, "a=Add(x,3); c=Clip(a,0,6); y=Div(c,6)", "y", wanted);
	/* a gate of another value */
	snprintf(wanted, sizeof wanted, "g=%s(x); y=Mul(z,g)", hard_sigmoid);
	becomes(11, "a=Add(x,3); c=Clip(a,0,6); g=Div(c,6); y=Mul(z,g)", "y", wanted);

	stays(11, "h=HardSigmoid(x); y=Mul(h,x)", "y");
	stays(11, "h=HardSigmoid{alpha=0.16666667,beta=0.4}(x); y=Mul(h,x)", "y");
	stays(11, "h=HardSigmoid{alpha=0.16666667}(z); y=Mul(h,x)", "y");
	stays(11, "a=Add(x,3); c=Clip(a,0,5); p=Mul(x,c); y=Div(p,6)", "y");
	stays(11, "a=Add(x,3); c=Clip(a,0,6); p=Mul(x,c); y=Div(p,5)", "y");
	stays(11, "a=Add(x,3); c=Clip(a,0); y=Div(c,6)", "y");
	stays(11, "a=Add(x,3); c=Clip(a,k,6); y=Div(c,6)", "y");
}
END_TEST

/* F6-98 */
START_TEST(swish)
{
	becomes(14, "s=Sigmoid(x); y=Mul(x,s)", "y", "y=Swish{alpha=1}(x)");
	becomes(14, "s=Sigmoid(x); y=Mul(s,x); t=Sigmoid(y); z=Mul(y,t)", "z",
	        "y=Swish{alpha=1}(x); z=Swish{alpha=1}(y)");
	becomes(14, "b=Mul(x,1.702); s=Sigmoid(b); y=Mul(x,s)", "y", "y=Swish{alpha=1.702}(x)");
	stays(14, "s=Sigmoid(x); y=Mul(x,s); z=Relu(s)", "yz");
	stays(14, "s=Sigmoid(x); y=Mul(z,s)", "y");
	stays(14, "b=Mul(z,1.702); s=Sigmoid(b); y=Mul(x,s)", "y");
	stays(14, "s=Sigmoid(x); t=Mul(x,s); y=Mul(t,2)", "sy");
}
END_TEST

/* F6-99 */
START_TEST(dropout)
{
	becomes(7, "a=Dropout{ratio=0.5}(x); y=Relu(a)", "y", "a=Identity(x); y=Relu(a)");
	becomes(12, "y=Dropout(x,0.5)", "y", "y=Identity(x)");
	becomes(13, "y=Dropout(x,0.5,0)", "y", "y=Identity(x)");
	becomes(6, "y=Dropout{is_test=1}(x)", "y", "y=Identity(x)");
	stays(6, "y=Dropout(x)", "y");
	stays(13, "y=Dropout(x,0.5,1)", "y");
	stays(13, "y=Dropout(x,0.5,t)", "y");

	/* a mask that somebody reads, or nobody */
	for (uint32_t is_read = 0; is_read < 2; is_read++) {
		model_of(13, "y=Dropout(x,m)", "yy");
		m->nodes[0].n_in = 1;
		m->nodes[0].n_out = 2;
		m->refs[m->nodes[0].refs_at + 2] = m->refs[m->nodes[0].refs_at + 1];
		m->refs[m->nodes[0].refs_at + 1] = value_named("y", 1);
		m->refs[m->blocks[0].outputs_at + 1] = value_named(is_read ? "m" : "y", 1);
		ck_assert_int_eq(heft_ir_rewrite(m, &err), HEFT_OK);
		ck_assert_str_eq(m->nodes[0].type, is_read ? "Dropout" : "Identity");
		ck_assert_uint_eq(m->nodes[0].n_out, is_read ? 2 : 1);
		heft_model_free(m);
	}
}
END_TEST

START_TEST(inside_one_graph)
{
	/* the gate is in the graph around the one that reads it */
	model_of(14, "s=Sigmoid(x); y=Mul(x,s)", "y");
	m->n_blocks = 2;
	m->blocks[1] = m->blocks[0];
	m->blocks[0].n_nodes = 1;
	m->blocks[1].order_at = 1;
	m->blocks[1].n_nodes = 1;
	m->nodes[1].block = 1;
	ck_assert_int_eq(heft_ir_rewrite(m, &err), HEFT_OK);
	ck_assert_str_eq(m->nodes[1].type, "Mul");
	heft_model_free(m);
}
END_TEST

/* Rewriting with so many more bytes taken of the model's memory: which allocation meets its end
 * depends on them. */
static void check_without_memory(uint32_t n_taken)
{
	for (size_t n = 1;; n++) {
		enum heft_status st;

		model_of(14, MEAN "p=Pow(d,2); " ROOT AFFINE, "y");
		for (uint32_t i = 0; i < n_taken; i++)
			ck_assert_ptr_nonnull(heft_ir_alloc(m, 64));
		alloc_fail_at(n);
		st = heft_ir_rewrite(m, &err);
		heft_model_free(m);
		if (!alloc_fail_done())
			break;
		ck_assert_int_eq(st, HEFT_E_NOMEM);
		ck_assert_uint_lt(n, 10);
	}
}

START_TEST(without_memory)
{
	for (uint32_t n = 0; n < 1100; n += 3)
		check_without_memory(n);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("graph_rewrite");
	TCase *t = tcase_create("graph_rewrite");

	tcase_add_test(t, layer_norm);
	tcase_add_test(t, layer_norm_of_known_rank);
	tcase_add_test(t, no_layer_norm);
	tcase_add_test(t, gelu);
	tcase_add_test(t, no_gelu);
	tcase_add_test(t, hard);
	tcase_add_test(t, swish);
	tcase_add_test(t, dropout);
	tcase_add_test(t, inside_one_graph);
	tcase_add_test(t, without_memory);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(suite());
}
