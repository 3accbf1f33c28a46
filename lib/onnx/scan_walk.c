/* SPDX-License-Identifier: Apache-2.0 */
/* scan_walk.c - where the walk through a model is: the messages around, and the name so far. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "onnx/scan.h"

void heft_onnx_enter(struct heft_onnx_walk *w, const struct heft_wire_field *field)
{
	w->open[w->n_open++] = (struct heft_onnx_open){ .len_off = field->len_off,
		                                        .off = field->off,
		                                        .size = field->size,
		                                        .frame = HEFT_ONNX_NONE };
}

void heft_onnx_leave(struct heft_onnx_walk *w)
{
	w->n_open--;
}

static uint8_t types_of(const uint8_t types[32], uint32_t number)
{
	if (number < 32)
		return types[number];
	return number == HEFT_ONNX_N_FLOATS ? types[0] : 0;
}

enum heft_status heft_onnx_next(struct heft_onnx_walk *w, struct heft_wire_message *message,
                                const uint8_t types[32], struct heft_wire_field *field, bool *has,
                                struct heft_error *err)
{
	uint8_t allowed;

	for (;;) {
		HEFT_TRY(heft_wire_next(w->in, message, field, has, err));
		if (!*has)
			return HEFT_OK;
		allowed = types_of(types, field->number);
		if (allowed == 0)
			continue;
		if (allowed >> field->type & 1)
			return HEFT_OK;
		return heft_fail(err, HEFT_E_CORRUPT, field->at, "field %u has the wire type %u",
		                 field->number, field->type);
	}
}

enum heft_status heft_onnx_once(struct heft_wire_field *seen, const struct heft_wire_field *field,
                                struct heft_error *err)
{
	if (seen->number != 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, field->at,
		                 "field %u is there twice, where one can be", field->number);
	*seen = *field;
	return HEFT_OK;
}

enum heft_status heft_onnx_is(struct heft_onnx_walk *w, struct heft_onnx_span span,
                              const char *word, bool *is, struct heft_error *err)
{
	const size_t n = strlen(word);
	const uint8_t *bytes;

	*is = false;
	if (span.size != n)
		return HEFT_OK;
	HEFT_TRY(heft_wire_peek(w->in, span.off, n, &bytes, err));
	*is = memcmp(bytes, word, n) == 0;
	return HEFT_OK;
}

/* Bytes that the name still takes: what is past the limit need not be kept to be refused. */
static size_t room(const struct heft_onnx_walk *w)
{
	const uint64_t most = w->limits->max_name_size + 1;

	return w->name.size < most ? (size_t)(most - w->name.size) : 0;
}

enum heft_status heft_onnx_name_span(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                     struct heft_error *err)
{
	const size_t most = room(w);
	const size_t n = span.size < most ? (size_t)span.size : most;

	if (!heft_buffer_reserve(&w->name, n))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	HEFT_TRY(heft_wire_copy(w->in, span.off, w->name.bytes + w->name.size, n, err));
	w->name.size += n;
	return HEFT_OK;
}

void heft_onnx_name_text(struct heft_onnx_walk *w, const char *text)
{
	const size_t n = strlen(text);
	const size_t most = room(w);

	heft_buffer_add(&w->name, text, n < most ? n : most);
}

void heft_onnx_name_number(struct heft_onnx_walk *w, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof text, "%u", number);
	heft_onnx_name_text(w, text);
}
