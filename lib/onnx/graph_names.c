/* SPDX-License-Identifier: Apache-2.0 */
/* graph_names.c - the names of a graph: an arena of texts, each once, found by a hash. Before each
 * stand its size and the value that it means where the reader is; what it meant outside a subgraph
 * comes back when that is left. */
#include "onnx/graph_names.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

#define HEAD_SIZE (2 * sizeof(uint32_t))

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the names of a graph");
}

static uint32_t get_u32(const uint8_t *bytes)
{
	uint32_t v;

	memcpy(&v, bytes, sizeof v);
	return v;
}

static uint32_t size_of(const struct heft_onnx_names *names, uint32_t text)
{
	return get_u32(names->texts->bytes + text - HEAD_SIZE);
}

enum heft_status heft_onnx_names_init(struct heft_onnx_names *names, struct heft_buffer *texts,
                                      struct heft_error *err)
{
	*names = (struct heft_onnx_names){ .texts = texts };
	heft_buffer_init(&names->meanings);
	heft_sip_seed_init(&names->seed, names);
	heft_buffer_add_u8(texts, '\0');
	return texts->ok ? HEFT_OK : no_memory(err);
}

void heft_onnx_names_done(struct heft_onnx_names *names)
{
	heft_free(names->slots);
	heft_buffer_done(&names->meanings);
}

static size_t slot_of(const struct heft_onnx_names *names, const uint8_t *bytes, size_t n)
{
	return (size_t)heft_siphash(&names->seed, 0, bytes, n);
}

static enum heft_status grow(struct heft_onnx_names *names, struct heft_error *err)
{
	const size_t n_slots = names->n_slots == 0 ? 256 : names->n_slots * 2;
	uint32_t *slots;

	if (names->n_texts < names->n_slots / 4 * 3)
		return HEFT_OK;
	slots = heft_zalloc_array(n_slots, sizeof *slots);
	if (!slots)
		return no_memory(err);
	for (size_t i = 0; i < names->n_slots; i++) {
		const uint32_t text = names->slots[i];
		size_t at;

		if (text == 0)
			continue;
		at = slot_of(names, names->texts->bytes + text, size_of(names, text));
		while (slots[at & (n_slots - 1)] != 0)
			at++;
		slots[at & (n_slots - 1)] = text;
	}
	heft_free(names->slots);
	names->slots = slots;
	names->n_slots = n_slots;
	return HEFT_OK;
}

static uint32_t append(struct heft_onnx_names *names, const uint8_t *bytes, size_t n)
{
	const uint32_t head[2] = { (uint32_t)n, HEFT_ONNX_NONE };
	uint32_t text;

	heft_buffer_add(names->texts, head, sizeof head);
	text = (uint32_t)names->texts->size;
	heft_buffer_add(names->texts, bytes, n);
	heft_buffer_add_u8(names->texts, '\0');
	return text;
}

enum heft_status heft_onnx_names_add(struct heft_onnx_names *names, struct heft_wire_input *in,
                                     const struct heft_wire_field *field, uint32_t *text,
                                     struct heft_error *err)
{
	const uint8_t *bytes;
	size_t at;

	*text = 0;
	if (field->type != HEFT_WIRE_BYTES)
		return heft_fail(err, HEFT_E_CORRUPT, field->at, "field %u is no text",
		                 field->number);
	if (field->size > HEFT_ONNX_MAX_TEXT)
		return heft_fail(err, HEFT_E_LIMIT, field->off, "a name has more than %u bytes",
		                 HEFT_ONNX_MAX_TEXT);
	if (field->size == 0)
		return HEFT_OK;
	HEFT_TRY(grow(names, err));
	HEFT_TRY(heft_wire_peek(in, field->off, (size_t)field->size, &bytes, err));
	for (at = slot_of(names, bytes, (size_t)field->size);; at++) {
		*text = names->slots[at & (names->n_slots - 1)];
		if (*text == 0)
			break;
		if (size_of(names, *text) == field->size &&
		    memcmp(names->texts->bytes + *text, bytes, (size_t)field->size) == 0)
			return HEFT_OK;
	}
	*text = append(names, bytes, (size_t)field->size);
	if (!names->texts->ok)
		return no_memory(err);
	names->slots[at & (names->n_slots - 1)] = *text;
	names->n_texts++;
	return HEFT_OK;
}

uint32_t heft_onnx_names_get(const struct heft_onnx_names *names, uint32_t text)
{
	return text == 0 ? HEFT_ONNX_NONE : get_u32(names->texts->bytes + text - sizeof(uint32_t));
}

static void put(struct heft_onnx_names *names, uint32_t text, uint32_t value)
{
	memcpy(names->texts->bytes + text - sizeof value, &value, sizeof value);
}

enum heft_status heft_onnx_names_set(struct heft_onnx_names *names, uint32_t text, uint32_t value,
                                     struct heft_error *err)
{
	const uint32_t meant[2] = { text, heft_onnx_names_get(names, text) };

	if (text == 0)
		return HEFT_OK;
	heft_buffer_add(&names->meanings, meant, sizeof meant);
	if (!names->meanings.ok)
		return no_memory(err);
	put(names, text, value);
	return HEFT_OK;
}

size_t heft_onnx_names_mark(const struct heft_onnx_names *names)
{
	return names->meanings.size;
}

void heft_onnx_names_back(struct heft_onnx_names *names, size_t mark)
{
	uint32_t meant[2];

	while (names->meanings.size > mark) {
		names->meanings.size -= sizeof meant;
		memcpy(meant, names->meanings.bytes + names->meanings.size, sizeof meant);
		put(names, meant[0], meant[1]);
	}
}
