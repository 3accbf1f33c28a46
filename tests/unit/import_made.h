/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_made.h - models with operator sets and functions, imported, and what came out as text.
 *
 *	struct import_made m = import_start(17);
 *
 *	graph_add_names(&m.graph, 11, "x");
 *	graph_add_nodes(&m.graph, "y = Relu x");
 *	graph_add_names(&m.graph, 12, "y");
 *	check_import(&m, NULL, "(x) y = Relu x (y)");
 */
#ifndef HEFT_TEST_IMPORT_MADE_H
#define HEFT_TEST_IMPORT_MADE_H

#include "base/alloc.h"
#include "graph/ir.h"
#include "graph_made.h"
#include "heft/run.h"
#include "scratch.h"

/* The graph of a model, and what the model has besides. */
struct import_made {
	struct heft_buffer graph;
	struct heft_buffer rest;
};

/* An imported model and its file. */
struct imported {
	struct scratch s;
	struct heft_file *file;
	struct heft_model *model;
	enum heft_status st;
	struct heft_error err;
};

static inline void import_add_opset(struct heft_buffer *b, uint32_t number, const char *domain,
                                    uint64_t version)
{
	struct heft_buffer opset = made_empty();

	made_text(&opset, 1, domain);
	made_uint(&opset, 2, version);
	made_message(b, number, &opset);
}

/* IR version 8; opset 0: none. */
static inline struct import_made import_start(uint64_t opset)
{
	struct import_made m = { .graph = made_empty(), .rest = made_empty() };

	made_uint(&m.rest, 1, 8);
	if (opset > 0)
		import_add_opset(&m.rest, 8, "", opset);
	return m;
}

/* A function; attributes and opsets may still be added to it. */
static inline struct heft_buffer import_function(const char *domain, const char *name,
                                                 const char *inputs, const char *outputs,
                                                 const char *nodes)
{
	struct heft_buffer f = made_empty();
	char word[GRAPH_WORD];

	made_text(&f, 1, name);
	while (graph_next(&inputs)) {
		graph_word(&inputs, word);
		made_text(&f, 4, word);
	}
	while (graph_next(&outputs)) {
		graph_word(&outputs, word);
		made_text(&f, 5, word);
	}
	graph_add_nodes_in(&f, 7, nodes);
	made_text(&f, 10, domain);
	return f;
}

/* Takes `f`. */
static inline void import_add_function(struct import_made *m, struct heft_buffer *f)
{
	made_message(&m->rest, 25, f);
}

/* An AttributeProto of this name and type, to which its value is still to be added. */
static inline struct heft_buffer import_attr(const char *name, unsigned type)
{
	struct heft_buffer a = made_empty();

	made_text(&a, 1, name);
	if (type > 0)
		made_uint(&a, 20, type);
	return a;
}

static inline void import_add_int(struct heft_buffer *node, const char *name, int64_t value)
{
	struct heft_buffer a = import_attr(name, 2);

	made_uint(&a, 3, (uint64_t)value);
	made_message(node, 5, &a);
}

static inline void import_add_float(struct heft_buffer *node, const char *name, float value)
{
	struct heft_buffer a = import_attr(name, 1);

	heft_buffer_add_u8(&a, 2 << 3 | 5);
	heft_buffer_add(&a, &value, sizeof value);
	made_message(node, 5, &a);
}

/* An attribute that stands for one of the function's. */
static inline void import_add_ref(struct heft_buffer *node, const char *name, const char *ref,
                                  unsigned type)
{
	struct heft_buffer a = import_attr(name, type);

	made_text(&a, 21, ref);
	made_message(node, 5, &a);
}

/* The node that `text` says, to which attributes may be added. */
static inline struct heft_buffer import_node(const char *text)
{
	return graph_node(&text);
}

/* --- what comes out --- */

/* What heft_model_import does before patterns are looked for. */
static inline enum heft_status import_alone(struct heft_file *file,
                                            const struct heft_import_options *options,
                                            struct heft_model **model, struct heft_error *err)
{
	static const struct heft_import_options none;
	struct heft_model *m = heft_zalloc(sizeof *m);
	enum heft_status st;

	if (!m)
		return HEFT_E_NOMEM;
	st = heft_ir_import(m, file, options ? options : &none, err);
	if (st == HEFT_OK)
		*model = m;
	else
		heft_model_free(m);
	return st;
}

/* Takes the model. */
static inline struct imported import_try(struct import_made *m,
                                         const struct heft_import_options *options)
{
	struct imported im = { .model = NULL };
	const char *path;

	scratch_init(&im.s);
	path = scratch_path(&im.s, "model.onnx");
	made_message(&m->rest, 7, &m->graph);
	scratch_write(path, m->rest.bytes, m->rest.size);
	heft_buffer_done(&m->rest);
	ck_assert_msg(heft_open(path, NULL, &im.file, &im.err) == HEFT_OK, "%s", im.err.msg);
	im.st = import_alone(im.file, options, &im.model, &im.err);
	return im;
}

static inline void import_done(struct imported *im)
{
	heft_model_free(im->model);
	heft_close(im->file);
	scratch_done(&im->s);
}

static inline struct imported import_whole(struct import_made *m,
                                           const struct heft_import_options *options)
{
	struct imported im = import_try(m, options);

	ck_assert_msg(im.st == HEFT_OK, "%s", im.err.msg);
	return im;
}

static inline void import_put_values(struct heft_buffer *text, const struct heft_model *m,
                                     uint32_t refs_at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t value = m->refs[refs_at + i];

		if (i > 0)
			heft_buffer_addf(text, " ");
		if (value == HEFT_IR_NONE)
			heft_buffer_addf(text, "-");
		else
			heft_buffer_addf(text, "%s%s", heft_ir_constant(m, value) ? "#" : "",
			                 m->values[value].name);
	}
}

static inline void import_put_node(struct heft_buffer *text, const struct heft_model *m,
                                   const struct heft_ir_node *node)
{
	heft_buffer_addf(text, " ");
	import_put_values(text, m, node->refs_at + node->n_in, node->n_out);
	heft_buffer_addf(text, " = %s%s%s%s", node->domain, *node->domain ? "::" : "", node->type,
	                 node->op || node->control != HEFT_CONTROL_NONE ? "" : "?");
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		if (node->attrs.rows[i].kind == HEFT_ATTR_GRAPH)
			heft_buffer_addf(text, " {%u}", node->attrs.rows[i].graph);
	}
	if (node->n_in > 0)
		heft_buffer_addf(text, " ");
	import_put_values(text, m, node->refs_at, node->n_in);
}

/* Each block as "(inputs) node; node (outputs)". A constant has "#" in front, what is left out is
 * "-", a node's graphs are {1}, and one that is not computed has "?" behind its type. */
static inline char *import_text(const struct heft_model *m)
{
	struct heft_buffer text = made_empty();
	size_t size;

	for (uint32_t b = 0; b < m->n_blocks; b++) {
		const struct heft_ir_block *block = &m->blocks[b];

		heft_buffer_addf(&text, "%s(", b > 0 ? " | " : "");
		import_put_values(&text, m, block->inputs_at, block->n_inputs);
		heft_buffer_addf(&text, ")");
		for (uint32_t k = 0; k < block->n_nodes; k++) {
			if (k > 0)
				heft_buffer_addf(&text, ";");
			import_put_node(&text, m, &m->nodes[m->order[block->order_at + k]]);
		}
		heft_buffer_addf(&text, " (");
		import_put_values(&text, m, block->outputs_at, block->n_outputs);
		heft_buffer_addf(&text, ")");
	}
	return (char *)heft_buffer_take(&text, &size);
}

/* Takes the model. */
static inline void check_import(struct import_made *m, const struct heft_import_options *options,
                                const char *expect)
{
	struct imported im = import_whole(m, options);
	char *text = import_text(im.model);

	ck_assert_str_eq(text, expect);
	heft_free(text);
	import_done(&im);
}

/* Takes the model. */
static inline void check_refused(struct import_made *m, const struct heft_import_options *options,
                                 enum heft_status st, const char *message)
{
	struct imported im = import_try(m, options);

	ck_assert_int_eq(im.st, st);
	ck_assert_int_eq(im.err.code, st);
	ck_assert_str_eq(im.err.msg, message);
	ck_assert_ptr_null(im.model);
	import_done(&im);
}

/* The first node of that type, wherever it is. */
static inline const struct heft_ir_node *import_find(const struct heft_model *m, const char *type)
{
	for (uint32_t i = 0; i < m->n_nodes; i++) {
		if (strcmp(m->nodes[i].type, type) == 0)
			return &m->nodes[i];
	}
	ck_abort_msg("no node %s", type);
	return NULL;
}

static inline const struct heft_attr *import_find_attr(const struct heft_ir_node *node,
                                                       const char *name)
{
	for (uint32_t i = 0; i < node->attrs.n; i++) {
		if (strcmp(node->attrs.rows[i].name, name) == 0)
			return &node->attrs.rows[i];
	}
	return NULL;
}

static inline const struct heft_array *import_find_constant(const struct heft_model *m,
                                                            const char *name)
{
	for (uint32_t i = 0; i < m->n_values; i++) {
		if (strcmp(m->values[i].name, name) == 0 && heft_ir_constant(m, i))
			return &heft_ir_constant(m, i)->array;
	}
	ck_abort_msg("no constant %s", name);
	return NULL;
}

#endif
