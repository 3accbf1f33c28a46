/* SPDX-License-Identifier: Apache-2.0 */
/* scan_external.c - what external_data says of a tensor (spec/foreign/onnx.md, O3-4 and O3-5): no
 * file is looked at here. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/utf8.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

#define MAX_LOCATION 4096u

enum key {
	LOCATION,
	OFFSET,
	LENGTH,
	CHECKSUM,
	N_KEYS
};

static const char *const key_names[N_KEYS] = { "location", "offset", "length", "checksum" };

struct entry {
	struct heft_onnx_span key;
	struct heft_onnx_span value;
};

static enum heft_status parse_entry(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                    struct entry *e, struct heft_error *err)
{
	static const uint8_t types[32] = {
		[HEFT_ENTRY_KEY] = HEFT_ONNX_BYTES, [HEFT_ENTRY_VALUE] = HEFT_ONNX_BYTES
	};
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	*e = (struct entry){ .value = { field->off, 0 } };
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		*(f.number == HEFT_ENTRY_KEY ? &e->key : &e->value) = heft_onnx_span(&f);
	}
}

/* Adds the entry to those that count, values[key]. */
static enum heft_status sort_entry(struct heft_onnx_walk *w, const struct entry *e,
                                   struct heft_onnx_span values[N_KEYS], bool seen[N_KEYS],
                                   struct heft_error *err)
{
	bool is = false;

	for (unsigned k = 0; k < N_KEYS; k++) {
		HEFT_TRY(heft_onnx_is(w, e->key, key_names[k], &is, err));
		if (!is)
			continue;
		if (seen[k])
			return heft_fail(err, HEFT_E_CORRUPT, e->key.off,
			                 "external data has '%s' twice", key_names[k]);
		seen[k] = true;
		values[k] = e->value;
		return HEFT_OK;
	}
	return HEFT_OK;
}

/* --- the values --- */

static enum heft_status parse_decimal(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                      const char *what, uint64_t *value, struct heft_error *err)
{
	const uint8_t *text = NULL;
	uint64_t v = 0;
	bool ok = span.size > 0 && span.size <= 64;

	if (ok)
		HEFT_TRY(heft_wire_peek(w->in, span.off, (size_t)span.size, &text, err));
	for (size_t i = 0; ok && i < span.size; i++) {
		ok = text[i] >= '0' && text[i] <= '9' && v <= INT64_MAX / 10;
		v = 10 * v + (uint64_t)(text[i] - '0');
	}
	if (!ok || v > INT64_MAX)
		return heft_fail(err, HEFT_E_CORRUPT, span.off,
		                 "the %s of external data is no number", what);
	*value = v;
	return HEFT_OK;
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum heft_status parse_checksum(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                       uint8_t checksum[20], struct heft_error *err)
{
	const uint8_t *text = NULL;
	bool ok = span.size == 40;

	if (ok)
		HEFT_TRY(heft_wire_peek(w->in, span.off, 40, &text, err));
	for (size_t i = 0; ok && i < 20; i++) {
		const int high = digit(text[2 * i]);
		const int low = digit(text[2 * i + 1]);

		ok = high >= 0 && low >= 0;
		checksum[i] = ok ? (uint8_t)(high << 4 | low) : 0;
	}
	if (ok)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, span.off,
	                 "the checksum of external data is no SHA-1");
}

static bool is_part(const char *part, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(part, word, size) == 0;
}

/* What is wrong with the path, by its text alone; NULL: nothing. */
static const char *location_fault(const char *path, size_t size)
{
	const char *const end = path + size;

	if (memchr(path, '\0', size) || memchr(path, '\\', size) || !heft_utf8_ok(path, size))
		return "no path";
	if (size > 0 && path[0] == '/')
		return "an absolute path";
	for (const char *part = path;;) {
		const char *slash = memchr(part, '/', (size_t)(end - part));
		const size_t n = (size_t)((slash ? slash : end) - part);

		if (is_part(part, n, "..") || is_part(part, n, ".") || n == 0)
			return "a path with a part that is empty, '.' or '..'";
		if (is_part(part, n, "_ORT_MEM_ADDR_"))
			return "an address in memory";
		if (!slash)
			return NULL;
		part = slash + 1;
	}
}

static enum heft_status copy_location(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                      char **location, struct heft_error *err)
{
	const char *fault;
	char *path;
	enum heft_status st;

	if (span.size > MAX_LOCATION)
		return heft_fail(err, HEFT_E_LIMIT, span.off,
		                 "the location of external data is longer than %u bytes",
		                 MAX_LOCATION);
	path = heft_alloc((size_t)span.size + 1);
	if (!path)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	path[span.size] = '\0';
	st = heft_wire_copy(w->in, span.off, path, (size_t)span.size, err);
	fault = st == HEFT_OK ? location_fault(path, (size_t)span.size) : NULL;
	if (fault)
		st = heft_fail(err, HEFT_E_CORRUPT, span.off,
		               "the location of external data is %s: '%.120s'", fault, path);
	if (st == HEFT_OK)
		*location = path;
	else
		heft_free(path);
	return st;
}

/* --- all of it --- */

static enum heft_status find_entries(struct heft_onnx_walk *w, const struct heft_onnx_tensor *t,
                                     struct heft_onnx_span values[N_KEYS], bool seen[N_KEYS],
                                     struct heft_error *err)
{
	static const uint8_t types[32] = { [HEFT_TENSOR_EXTERNAL_DATA] = HEFT_ONNX_BYTES };
	struct heft_wire_message message = heft_wire_inner(&t->field);
	struct heft_wire_field f;
	struct entry e;
	bool has;

	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(parse_entry(w, &f, &e, err));
		HEFT_TRY(sort_entry(w, &e, values, seen, err));
	}
}

enum heft_status heft_onnx_parse_external(struct heft_onnx_walk *w,
                                          const struct heft_onnx_tensor *t, uint64_t n_bytes,
                                          struct heft_onnx_external *e, struct heft_error *err)
{
	struct heft_onnx_span values[N_KEYS] = { { 0, 0 } };
	struct heft_onnx_external found = { .at = t->field.at, .length = n_bytes };
	bool seen[N_KEYS] = { false };

	HEFT_TRY(find_entries(w, t, values, seen, err));
	if (!seen[LOCATION])
		return heft_fail(err, HEFT_E_CORRUPT, t->field.at, "external data has no location");
	found.is_rest = !seen[LENGTH];
	found.has_checksum = seen[CHECKSUM];
	if (seen[OFFSET])
		HEFT_TRY(parse_decimal(w, values[OFFSET], "offset", &found.offset, err));
	if (seen[LENGTH])
		HEFT_TRY(parse_decimal(w, values[LENGTH], "length", &found.length, err));
	if (found.length != n_bytes)
		return heft_fail(err, HEFT_E_CORRUPT, values[LENGTH].off,
		                 "external data has %llu bytes where the tensor has %llu",
		                 (unsigned long long)found.length, (unsigned long long)n_bytes);
	if (seen[CHECKSUM])
		HEFT_TRY(parse_checksum(w, values[CHECKSUM], found.checksum, err));
	HEFT_TRY(copy_location(w, values[LOCATION], &found.location, err));
	*e = found;
	return HEFT_OK;
}
