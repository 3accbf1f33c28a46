/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnx_made.h - ONNX models put together field by field, from the inside out.
 *
 *	struct heft_buffer t = made_tensor("w", 1, 2, 0);	(FLOAT, dims [2])
 *
 *	made_bytes(&t, 9, "\0\0\0\0\0\0\0\0", 8);		(raw_data)
 *	made_message(&graph, 5, &t);				(an initializer; t is gone)
 *
 * Checks as it goes; a buffer that is not put into another one is the test's.
 */
#ifndef HEFT_TEST_ONNX_MADE_H
#define HEFT_TEST_ONNX_MADE_H

#include <check.h>
#include <string.h>

#include "base/wire.h"

static inline struct heft_buffer made_empty(void)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	return b;
}

static inline void made_uint(struct heft_buffer *b, uint32_t number, uint64_t value)
{
	heft_wire_add_uint(b, number, value);
	ck_assert(b->ok);
}

static inline void made_bytes(struct heft_buffer *b, uint32_t number, const void *bytes, size_t n)
{
	heft_wire_add_bytes(b, number, bytes, n);
	ck_assert(b->ok);
}

static inline void made_text(struct heft_buffer *b, uint32_t number, const char *text)
{
	made_bytes(b, number, text, strlen(text));
}

/* Takes `content`. */
static inline void made_message(struct heft_buffer *b, uint32_t number, struct heft_buffer *content)
{
	made_bytes(b, number, content->bytes, content->size);
	heft_buffer_done(content);
}

/* A TensorProto without its bytes; a second dimension of 0 is none. */
static inline struct heft_buffer made_tensor(const char *name, unsigned data_type, uint64_t d0,
                                             uint64_t d1)
{
	struct heft_buffer b = made_empty();

	made_uint(&b, 1, d0);
	if (d1)
		made_uint(&b, 1, d1);
	made_uint(&b, 2, data_type);
	made_text(&b, 8, name);
	return b;
}

/* A node Constant of one output with one attribute, which it takes. */
static inline struct heft_buffer made_constant(const char *output, struct heft_buffer *attribute)
{
	struct heft_buffer b = made_empty();

	made_text(&b, 2, output);
	made_text(&b, 4, "Constant");
	made_message(&b, 5, attribute);
	return b;
}

/* A model of IR version 8 with this graph, which it takes. */
static inline struct heft_buffer made_model(struct heft_buffer *graph)
{
	struct heft_buffer b = made_empty();

	made_uint(&b, 1, 8);
	made_message(&b, 7, graph);
	return b;
}

#endif
