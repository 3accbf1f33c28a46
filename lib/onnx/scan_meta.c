/* SPDX-License-Identifier: Apache-2.0 */
/* scan_meta.c - metadata_props of a model as a JSON object of strings (spec/foreign/onnx.md,
 * O1-5). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_keys.h"
#include "base/utf8.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

struct member {
	size_t at; /* in the text: "key":"value" */
	size_t size;
	size_t key_at; /* in the keys */
	size_t key_size;
	bool has_escapes; /* the key, in the text */
	bool is_last;     /* of its key */
};

struct members {
	struct heft_buffer text;
	struct heft_buffer keys;  /* as they are, one behind the other */
	struct heft_buffer items; /* struct member */
	struct heft_buffer value;
};

static struct member *item(const struct members *m, size_t i)
{
	return (struct member *)(void *)m->items.bytes + i;
}

static size_t n_items(const struct members *m)
{
	return m->items.size / sizeof(struct member);
}

static enum heft_status too_large(const struct heft_onnx_walk *w, uint64_t at,
                                  struct heft_error *err)
{
	return heft_fail(err, HEFT_E_LIMIT, at, "the metadata is larger than %llu bytes",
	                 (unsigned long long)w->limits->max_metadata_size);
}

/* Puts a string of the file behind `b`. */
static enum heft_status add_string(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                   struct heft_buffer *b, struct heft_error *err)
{
	size_t good;

	if (span.size > w->limits->max_metadata_size)
		return too_large(w, span.off, err);
	if (span.size == 0)
		return HEFT_OK;
	if (!heft_buffer_reserve(b, (size_t)span.size))
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	HEFT_TRY(heft_wire_copy(w->in, span.off, b->bytes + b->size, (size_t)span.size, err));
	good = heft_utf8_span(b->bytes + b->size, (size_t)span.size);
	if (good < span.size)
		return heft_fail(err, HEFT_E_CORRUPT, span.off + good,
		                 "the metadata is not well-formed UTF-8");
	b->size += (size_t)span.size;
	return HEFT_OK;
}

static enum heft_status add_member(struct heft_onnx_walk *w, struct members *m,
                                   struct heft_onnx_span key, struct heft_onnx_span value,
                                   struct heft_error *err)
{
	struct member it = { .at = m->text.size,
		             .key_at = m->keys.size,
		             .key_size = (size_t)key.size };

	HEFT_TRY(add_string(w, key, &m->keys, err));
	m->value.size = 0;
	HEFT_TRY(add_string(w, value, &m->value, err));
	heft_buffer_add_json_string(&m->text,
	                            it.key_size > 0 ? (const char *)m->keys.bytes + it.key_at : "",
	                            it.key_size);
	it.has_escapes = m->text.size - it.at != it.key_size + 2;
	heft_buffer_add_u8(&m->text, ':');
	heft_buffer_add_json_string(&m->text, m->value.size > 0 ? (const char *)m->value.bytes : "",
	                            m->value.size);
	it.size = m->text.size - it.at;
	heft_buffer_add(&m->items, &it, sizeof it);
	if (!m->text.ok || !m->items.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	if (m->text.size > w->limits->max_metadata_size)
		return too_large(w, key.off, err);
	return HEFT_OK;
}

static enum heft_status add_entry(struct heft_onnx_walk *w, struct members *m,
                                  const struct heft_wire_field *field, struct heft_error *err)
{
	static const uint8_t types[32] = {
		[HEFT_ENTRY_KEY] = HEFT_ONNX_BYTES, [HEFT_ENTRY_VALUE] = HEFT_ONNX_BYTES
	};
	struct heft_onnx_span key = { field->off, 0 };
	struct heft_onnx_span value = { field->off, 0 };
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			return add_member(w, m, key, value, err);
		*(f.number == HEFT_ENTRY_KEY ? &key : &value) = heft_onnx_span(&f);
	}
}

static enum heft_status add_entries(struct heft_onnx_walk *w, struct members *m,
                                    struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_MODEL_METADATA_PROPS] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = { 0, w->in->size };
	struct heft_wire_field f;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(add_entry(w, m, &f, err));
	}
}

/* Of a key twice the last one counts, so the keys are gone through from the end. */
static enum heft_status mark_last(struct members *m, struct heft_error *err)
{
	struct heft_json_keys keys;
	struct heft_json_object object;
	enum heft_status st = HEFT_OK;

	heft_json_keys_init(&keys, (const char *)m->text.bytes, m->text.size);
	heft_json_object_init(&object, &keys, 0);
	for (size_t i = n_items(m); st == HEFT_OK && i > 0; i--) {
		struct member *it = item(m, i - 1);

		st = heft_json_keys_add(&keys, &object, it->at + 1, it->has_escapes,
		                        it->key_size > 0 ? (const char *)m->keys.bytes + it->key_at
		                                         : "",
		                        it->key_size, &it->is_last, err);
	}
	heft_json_keys_done(&keys);
	return st;
}

static enum heft_status write_object(const struct members *m, char **json, struct heft_error *err)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_buffer_add_u8(&b, '{');
	for (size_t i = 0; i < n_items(m); i++) {
		const struct member *it = item(m, i);

		if (!it->is_last)
			continue;
		if (b.size > 1)
			heft_buffer_add_u8(&b, ',');
		heft_buffer_add(&b, m->text.bytes + it->at, it->size);
	}
	heft_buffer_add_u8(&b, '}');
	*json = (char *)heft_buffer_take(&b, NULL);
	heft_buffer_done(&b);
	return *json ? HEFT_OK
	             : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
}

enum heft_status heft_onnx_parse_metadata(struct heft_onnx_walk *w, char **json,
                                          struct heft_error *err)
{
	struct members m;
	enum heft_status st;

	heft_buffer_init(&m.text);
	heft_buffer_init(&m.keys);
	heft_buffer_init(&m.items);
	heft_buffer_init(&m.value);
	st = add_entries(w, &m, err);
	if (st == HEFT_OK)
		st = mark_last(&m, err);
	if (st == HEFT_OK)
		st = write_object(&m, json, err);
	heft_buffer_done(&m.value);
	heft_buffer_done(&m.items);
	heft_buffer_done(&m.keys);
	heft_buffer_done(&m.text);
	return st;
}
