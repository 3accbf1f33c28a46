/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_made.h - ONNX graphs from a line of text.
 *
 *	struct heft_buffer graph = made_empty();
 *
 *	graph_add_weights(&graph, "w F32 8,3,3,3; b F32 8");	(initializers, bytes all zero)
 *	graph_add_nodes(&graph, "y = Conv x w b; z = Relu y");
 *
 * A node's outputs and inputs are separated by blanks; "-" is one that is left out. An operator may
 * have a domain, as in "com.microsoft::Gelu".
 */
#ifndef HEFT_TEST_GRAPH_MADE_H
#define HEFT_TEST_GRAPH_MADE_H

#include <stdlib.h>

#include "onnx/model.h"
#include "onnx_made.h"

#define GRAPH_WORD 64

/* Takes the next word off *text, which then stands behind it and behind blanks. */
static inline void graph_word(const char **text, char word[GRAPH_WORD])
{
	size_t n;

	*text += strspn(*text, " ");
	n = strcspn(*text, " ;");
	ck_assert_uint_lt(n, GRAPH_WORD);
	memcpy(word, *text, n);
	word[n] = '\0';
	*text += n;
	*text += strspn(*text, " ");
}

/* False at the end; else stands at the next item. */
static inline bool graph_next(const char **text)
{
	*text += strspn(*text, " ;");
	return **text != '\0';
}

static inline struct heft_buffer graph_weight(const char **text)
{
	struct heft_buffer t = made_empty();
	char name[GRAPH_WORD];
	char type[GRAPH_WORD];
	char dims[GRAPH_WORD];
	enum heft_dtype dtype;
	struct heft_tensor sized = { .rank = 0 };
	uint8_t *zeros;

	graph_word(text, name);
	graph_word(text, type);
	graph_word(text, dims);
	dtype = heft_dtype_from_name(type);
	ck_assert_int_ne(dtype, HEFT_DTYPE_NONE);
	for (char *at = dims; *at;) {
		sized.dims[sized.rank++] = strtoull(at, &at, 10);
		made_uint(&t, 1, sized.dims[sized.rank - 1]);
		at += *at == ',';
	}
	made_uint(&t, 2, heft_onnx_data_type(dtype));
	made_text(&t, 8, name);
	ck_assert_int_eq(heft_tensor_size(dtype, sized.rank, sized.dims, &sized.n_elements,
	                                  &sized.n_bytes, NULL),
	                 HEFT_OK);
	zeros = calloc(1, sized.n_bytes + 1);
	ck_assert_ptr_nonnull(zeros);
	made_bytes(&t, 9, zeros, sized.n_bytes);
	free(zeros);
	return t;
}

static inline void graph_add_weights(struct heft_buffer *graph, const char *text)
{
	while (graph_next(&text)) {
		struct heft_buffer t = graph_weight(&text);

		made_message(graph, 5, &t);
	}
}

/* The node at *text, to which attributes may be added. */
static inline struct heft_buffer graph_node(const char **text)
{
	struct heft_buffer n = made_empty();
	char word[GRAPH_WORD];
	bool is_input = false;
	char *op;

	while (**text != '\0' && **text != ';') {
		graph_word(text, word);
		if (strcmp(word, "=") == 0) {
			graph_word(text, word);
			op = strstr(word, "::");
			made_text(&n, 4, op ? op + 2 : word);
			if (op) {
				*op = '\0';
				made_text(&n, 7, word);
			}
			is_input = true;
		} else {
			made_text(&n, is_input ? 1 : 2, strcmp(word, "-") == 0 ? "" : word);
		}
	}
	return n;
}

/* `number` is the field of nodes: 1 of a graph, 7 of a function. */
static inline void graph_add_nodes_in(struct heft_buffer *graph, uint32_t number, const char *text)
{
	while (graph_next(&text)) {
		struct heft_buffer n = graph_node(&text);

		made_message(graph, number, &n);
	}
}

static inline void graph_add_nodes(struct heft_buffer *graph, const char *text)
{
	graph_add_nodes_in(graph, 1, text);
}

/* Inputs (field 11), outputs (12) or other values (13) of a graph, without types. */
static inline void graph_add_names(struct heft_buffer *graph, uint32_t number, const char *text)
{
	char word[GRAPH_WORD];

	while (graph_next(&text)) {
		struct heft_buffer v = made_empty();

		graph_word(&text, word);
		made_text(&v, 1, word);
		made_message(graph, number, &v);
	}
}

/* A ValueInfoProto, as field `number` of the graph; dims as in "1,N,?"; data_type 0: without a
 * type. */
static inline void graph_add_value(struct heft_buffer *graph, uint32_t number, const char *name,
                                   unsigned data_type, const char *dims)
{
	struct heft_buffer value = made_empty();
	struct heft_buffer shape = made_empty();
	struct heft_buffer tensor = made_empty();
	struct heft_buffer type = made_empty();

	for (char *at; *dims; dims = at) {
		struct heft_buffer dim = made_empty();
		const uint64_t size = strtoull(dims, &at, 10);

		if (at > dims) {
			made_uint(&dim, 1, size);
		} else {
			at += strcspn(dims, ",");
			if (*dims != '?')
				made_bytes(&dim, 2, dims, (size_t)(at - dims));
		}
		made_message(&shape, 1, &dim);
		at += *at == ',';
	}
	made_uint(&tensor, 1, data_type);
	made_message(&tensor, 2, &shape);
	made_message(&type, 1, &tensor);
	made_text(&value, 1, name);
	made_message(&value, 2, &type);
	made_message(graph, number, &value);
}

/* So many thousand nodes that read `x` and do nothing. */
static inline void graph_add_thousands(struct heft_buffer *graph, unsigned n)
{
	struct heft_buffer thousand = made_empty();

	for (unsigned i = 0; i < 1000; i++)
		made_bytes(&thousand, 1, "\x0a\x01x", 3);
	for (unsigned i = 0; i < n; i++)
		heft_buffer_add(graph, thousand.bytes, thousand.size);
	ck_assert(graph->ok);
	heft_buffer_done(&thousand);
}

/* An attribute that is a graph; takes it. */
static inline void graph_add_subgraph(struct heft_buffer *node, const char *name,
                                      struct heft_buffer *graph)
{
	struct heft_buffer a = made_empty();

	made_text(&a, 1, name);
	made_message(&a, 6, graph);
	made_message(node, 5, &a);
}

#endif
