/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_models.h - models as they are to be written, and what they are written from. */
#ifndef HEFT_TEST_ONNX_MODELS_H
#define HEFT_TEST_ONNX_MODELS_H

#include "made.h"
#include "onnx/model.h"
#include "onnx_made.h"
#include "scratch.h"

enum {
	FLOAT = 1,
	INT64 = 7
};

static inline void add_filled(struct heft_buffer *b, uint32_t number, uint32_t tensor, size_t n)
{
	heft_wire_add_tag(b, number, HEFT_WIRE_BYTES);
	heft_wire_add_varint(b, n);
	for (size_t i = 0; i < n; i++)
		heft_buffer_add_u8(b, made_byte(tensor, i));
}

static inline void add_prop(struct heft_buffer *b, const char *key, const char *value)
{
	struct heft_buffer entry = made_empty();

	made_text(&entry, 1, key);
	made_text(&entry, 2, value);
	made_message(b, 14, &entry);
}

/* Takes `initializers`. */
static inline struct heft_buffer plain_model(struct heft_buffer *initializers, unsigned ir,
                                             unsigned opset)
{
	struct heft_buffer graph = made_empty();
	struct heft_buffer set = made_empty();
	struct heft_buffer b = made_empty();

	made_text(&graph, 2, "weights");
	heft_buffer_add(&graph, initializers->bytes, initializers->size);
	heft_buffer_done(initializers);
	made_uint(&b, 1, ir);
	made_text(&b, 2, "heft");
	made_message(&b, 7, &graph);
	made_text(&set, 1, "");
	made_uint(&set, 2, opset);
	made_message(&b, 8, &set);
	return b;
}

/* A model of a dense initializer w [2,3], a Constant c of two floats, an initializer t [400] in a
 * branch; its bytes, or those of its graph. */
static inline struct heft_buffer graph_model(bool is_graph, bool has_props)
{
	struct heft_buffer t = made_tensor("t", FLOAT, 400, 0);
	struct heft_buffer branch = made_empty();
	struct heft_buffer attribute = made_empty();
	struct heft_buffer node = made_empty();
	struct heft_buffer graph = made_empty();
	struct heft_buffer model = made_empty();

	made_text(&attribute, 1, "value_floats");
	if (is_graph) {
		made_bytes(&attribute, 7, "", 0);
		made_uint(&attribute, HEFT_ONNX_N_FLOATS, 2);
	}
	for (uint64_t i = 0; !is_graph && i < 8; i++) {
		if (i % 4 == 0)
			heft_buffer_add_u8(&attribute, 7 << 3 | 5);
		heft_buffer_add_u8(&attribute, made_byte(0, i));
	}
	made_uint(&attribute, 20, 6);
	node = made_constant("c", &attribute);
	made_message(&graph, 1, &node);

	add_filled(&t, 9, 1, is_graph ? 0 : 1600);
	made_uint(&t, 14, 0);
	made_message(&branch, 5, &t);
	made_text(&branch, 2, "branch");
	attribute = made_empty();
	made_text(&attribute, 1, "body");
	made_message(&attribute, 6, &branch);
	node = made_empty();
	made_text(&node, 3, "loop");
	made_message(&node, 5, &attribute);
	made_message(&graph, 1, &node);

	t = made_tensor("w", FLOAT, 2, 3);
	add_filled(&t, 9, 2, is_graph ? 0 : 24);
	made_message(&graph, 5, &t);
	if (has_props)
		add_prop(&model, "a", "1");
	made_message(&model, 7, &graph);
	if (has_props)
		add_prop(&model, "b", "2");
	made_uint(&model, 1, 8);
	return model;
}

/* The tensors of that model. */
static inline void make_graph_plan(struct made *m, const struct heft_buffer *graph)
{
	made_init(m);
	made_add(m, "c", HEFT_DTYPE_F32, 1, 2, 0);
	made_add(m, "loop.body.t", HEFT_DTYPE_F32, 1, 400, 0);
	made_add(m, "w", HEFT_DTYPE_F32, 2, 2, 3);
	m->plan.graph = graph->bytes;
	m->plan.graph_size = graph->size;
	m->plan.metadata = "{\"b\":\"2\",\"a\":\"1\"}";
}

/* Writes the file and compares; takes `expect`. */
static inline void check_written(const struct made *m, const char *path, struct heft_buffer *expect)
{
	size_t size;
	char *bytes;

	made_write(m, "onnx", path);
	bytes = scratch_read(path, &size);
	ck_assert_uint_eq(size, expect->size);
	ck_assert_mem_eq(bytes, expect->bytes, size);
	free(bytes);
	heft_buffer_done(expect);
}

#endif
