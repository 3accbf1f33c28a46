/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_header.c - reads a safetensors header, token by token, and refuses what is not one:
 * spec/foreign/safetensors.md, sections 2 to 4. */
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "format/safetensors.h"

#define QUOTED 80 /* bytes of a name in a message */

struct parser {
	struct heft_json *json;
	struct heft_json_token token;
	const struct heft_limits *limits; /* without zeros */
	struct heft_listing *tensors;
	struct heft_buffer spans; /* struct heft_safetensors_span, in the header's order */
	struct heft_buffer metadata;
	uint64_t data_off; /* file offset of the data */
	uint64_t data_size;
	size_t name_size;
	char name[HEFT_MAX_NAME];
};

/* One tensor as the header states it; the offsets are of the tokens in the file. */
struct entry {
	uint64_t key_off;
	enum heft_dtype dtype;
	uint32_t rank;
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t shape_off;
	uint64_t span[2];
	uint64_t span_off;
	bool has_dtype;
	bool has_shape;
	bool has_span;
};

static enum heft_status next(struct parser *p, struct heft_error *err)
{
	return heft_json_next(p->json, &p->token, err);
}

static bool is_text(const struct heft_json_token *token, const char *text)
{
	return token->text_size == strlen(text) && memcmp(token->text, text, token->text_size) == 0;
}

static bool is_count(const struct heft_json_token *token, uint64_t *value)
{
	return token->kind == HEFT_JSON_NUMBER && heft_json_u64(token, value);
}

/* What is wrong with the tensor that is being read. */
static enum heft_status fault(const struct parser *p, enum heft_status code, uint64_t off,
                              const char *what, struct heft_error *err)
{
	const int quoted = p->name_size < QUOTED ? (int)p->name_size : QUOTED;

	return heft_fail(err, code, off, "tensor '%.*s': %s", quoted, p->name, what);
}

/* --- one tensor (section 3) --- */

/* S3-3 */
static enum heft_status read_dtype(struct parser *p, struct entry *e, struct heft_error *err)
{
	const struct heft_json_token *token = &p->token;

	if (token->kind != HEFT_JSON_STRING)
		return fault(p, HEFT_E_CORRUPT, token->off, "dtype is not a string", err);
	e->dtype = heft_safetensors_dtype(token->text, token->text_size);
	if (e->dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_UNSUPPORTED, token->off,
		                 "tensor '%.*s': dtype '%.*s' is not known",
		                 p->name_size < QUOTED ? (int)p->name_size : QUOTED, p->name,
		                 token->text_size < 32 ? (int)token->text_size : 32, token->text);
	e->has_dtype = true;
	return HEFT_OK;
}

/* S3-4 */
static enum heft_status read_shape(struct parser *p, struct entry *e, struct heft_error *err)
{
	if (p->token.kind != HEFT_JSON_ARRAY)
		return fault(p, HEFT_E_CORRUPT, p->token.off, "shape is not an array", err);
	e->shape_off = p->token.off;
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_ARRAY_END)
			break;
		if (e->rank == HEFT_MAX_RANK)
			return fault(p, HEFT_E_LIMIT, p->token.off, "its rank is above 32", err);
		if (!is_count(&p->token, &e->dims[e->rank]))
			return fault(p, HEFT_E_CORRUPT, p->token.off,
			             "a dimension is not a whole number", err);
		e->rank++;
	}
	e->has_shape = true;
	return HEFT_OK;
}

/* S3-5 */
static enum heft_status read_span(struct parser *p, struct entry *e, struct heft_error *err)
{
	if (p->token.kind != HEFT_JSON_ARRAY)
		return fault(p, HEFT_E_CORRUPT, p->token.off, "data_offsets is not an array", err);
	e->span_off = p->token.off;
	for (uint32_t i = 0; i < 2; i++) {
		HEFT_TRY(next(p, err));
		if (!is_count(&p->token, &e->span[i]))
			return fault(p, HEFT_E_CORRUPT, p->token.off,
			             "data_offsets are not two whole numbers", err);
	}
	HEFT_TRY(next(p, err));
	if (p->token.kind != HEFT_JSON_ARRAY_END)
		return fault(p, HEFT_E_CORRUPT, p->token.off, "data_offsets has a third number",
		             err);
	e->has_span = true;
	return HEFT_OK;
}

/* One member of the entry; the token is its key. */
static enum heft_status read_member(struct parser *p, struct entry *e, struct heft_error *err)
{
	const bool is_dtype = is_text(&p->token, "dtype");
	const bool is_shape = is_text(&p->token, "shape");
	const bool is_span = is_text(&p->token, "data_offsets");

	HEFT_TRY(next(p, err));
	if (is_dtype)
		return read_dtype(p, e, err);
	if (is_shape)
		return read_shape(p, e, err);
	if (is_span)
		return read_span(p, e, err);
	return heft_json_skip(p->json, &p->token, err); /* S3-2 */
}

/* S3-6: the shape gives the number of bytes, and that is what the offsets span. */
static enum heft_status check_size(const struct parser *p, const struct entry *e,
                                   struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(e->dtype);
	struct heft_error why;
	uint64_t n_elements;
	uint64_t n_bytes;

	if (heft_tensor_size(e->dtype, e->rank, e->dims, &n_elements, &n_bytes, &why) != HEFT_OK)
		return fault(p, HEFT_E_CORRUPT, e->shape_off, why.msg, err);
	if (n_elements % info->n_elements != 0)
		return fault(p, HEFT_E_CORRUPT, e->shape_off,
		             "its elements do not fill whole bytes", err);
	if (e->span[0] > e->span[1] || e->span[1] - e->span[0] != n_bytes)
		return fault(p, HEFT_E_CORRUPT, e->span_off,
		             "data_offsets do not span the bytes of its shape", err);
	if (e->span[1] > p->data_size)
		return fault(p, HEFT_E_CORRUPT, e->span_off,
		             "its data ends past the end of the file", err);
	return HEFT_OK;
}

static enum heft_status check_limits(const struct parser *p, const struct entry *e,
                                     struct heft_error *err)
{
	const uint64_t n_bytes = e->span[1] - e->span[0];
	const uint64_t n_before = heft_listing_n_bytes(p->tensors);

	if (heft_listing_n(p->tensors) >= p->limits->max_tensors)
		return fault(p, HEFT_E_LIMIT, e->key_off, "it is one tensor more than the limit",
		             err);
	if (n_before > p->limits->max_logical_bytes ||
	    n_bytes > p->limits->max_logical_bytes - n_before)
		return fault(p, HEFT_E_LIMIT, e->key_off,
		             "it takes the tensors over the size limit", err);
	return HEFT_OK;
}

static enum heft_status add_entry(struct parser *p, const struct entry *e, struct heft_error *err)
{
	const struct heft_listed row = {
		.data_off = p->data_off + e->span[0],
		.dtype = (uint16_t)e->dtype,
		.rank = (uint8_t)e->rank,
	};
	/* The header has at most 10^8 bytes. */
	const struct heft_safetensors_span span = { p->data_off + e->span[0],
		                                    p->data_off + e->span[1],
		                                    heft_listing_n(p->tensors),
		                                    (uint32_t)e->span_off };

	HEFT_TRY(heft_listing_add(p->tensors, p->name, p->name_size, e->dims, &row, HEFT_E_CORRUPT,
	                          e->key_off, err));
	heft_buffer_add(&p->spans, &span, sizeof span);
	if (!p->spans.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	return HEFT_OK;
}

/* Keeps the key: a token's text is gone with the next one. */
static enum heft_status take_name(struct parser *p, struct heft_error *err)
{
	const struct heft_json_token *token = &p->token;

	if (token->text_size > p->limits->max_name_size || token->text_size > sizeof p->name)
		return heft_fail(err, HEFT_E_LIMIT, token->off, "a name of %zu bytes is too long",
		                 token->text_size);
	memcpy(p->name, token->text, token->text_size);
	p->name_size = token->text_size;
	if (memchr(p->name, 0, p->name_size))
		return fault(p, HEFT_E_UNSUPPORTED, token->off, "its name has a NUL inside", err);
	return HEFT_OK;
}

/* One tensor; the token is its key. */
static enum heft_status read_tensor(struct parser *p, struct heft_error *err)
{
	struct entry e = { .key_off = p->token.off };

	HEFT_TRY(take_name(p, err));
	HEFT_TRY(next(p, err));
	if (p->token.kind != HEFT_JSON_OBJECT)
		return fault(p, HEFT_E_CORRUPT, p->token.off, "it is not described by an object",
		             err);
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			break;
		HEFT_TRY(read_member(p, &e, err));
	}
	if (!e.has_dtype || !e.has_shape || !e.has_span)
		return fault(p, HEFT_E_CORRUPT, p->token.off,
		             !e.has_dtype   ? "dtype is missing"
		             : !e.has_shape ? "shape is missing"
		                            : "data_offsets is missing",
		             err);
	HEFT_TRY(check_size(p, &e, err));
	HEFT_TRY(check_limits(p, &e, err));
	return add_entry(p, &e, err);
}

/* --- metadata (section 4) --- */

static enum heft_status read_metadata_member(struct parser *p, struct heft_error *err)
{
	struct heft_buffer *b = &p->metadata;

	if (b->size > 1)
		heft_buffer_add_u8(b, ',');
	heft_buffer_add_json_string(b, p->token.text, p->token.text_size);
	heft_buffer_add_u8(b, ':');
	HEFT_TRY(next(p, err));
	if (p->token.kind != HEFT_JSON_STRING)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off,
		                 "a value of __metadata__ is not a string");
	heft_buffer_add_json_string(b, p->token.text, p->token.text_size);
	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	if (b->size >= p->limits->max_metadata_size)
		return heft_fail(err, HEFT_E_LIMIT, p->token.off, "metadata is over the limit");
	return HEFT_OK;
}

/* The token is the key. */
static enum heft_status read_metadata(struct parser *p, struct heft_error *err)
{
	HEFT_TRY(next(p, err));
	if (p->token.kind == HEFT_JSON_NULL) /* S4-2 */
		return HEFT_OK;
	if (p->token.kind != HEFT_JSON_OBJECT)
		return heft_fail(err, HEFT_E_CORRUPT, p->token.off,
		                 "__metadata__ is not an object");
	heft_buffer_add_u8(&p->metadata, '{');
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			break;
		HEFT_TRY(read_metadata_member(p, err));
	}
	heft_buffer_add_u8(&p->metadata, '}');
	return HEFT_OK;
}

/* --- the whole --- */

static bool is_after(const struct heft_safetensors_span *a, const struct heft_safetensors_span *b)
{
	return a->begin != b->begin ? a->begin > b->begin : a->end > b->end;
}

/* Lets the span at `root` sink to its place in a heap of n. */
static void sift(struct heft_safetensors_span *spans, size_t root, size_t n)
{
	const struct heft_safetensors_span moved = spans[root];

	for (;;) {
		size_t child = 2 * root + 1;

		if (child >= n)
			break;
		if (child + 1 < n && is_after(&spans[child + 1], &spans[child]))
			child++;
		if (!is_after(&spans[child], &moved))
			break;
		spans[root] = spans[child];
		root = child;
	}
	spans[root] = moved;
}

static bool is_sorted(const struct heft_safetensors_span *spans, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (is_after(&spans[i - 1], &spans[i]))
			return false;
	}
	return true;
}

void heft_safetensors_sort_spans(struct heft_safetensors_span *spans, size_t n)
{
	if (is_sorted(spans, n)) /* as nearly every writer leaves them */
		return;
	for (size_t i = n / 2; i > 0; i--)
		sift(spans, i - 1, n);
	for (size_t i = n - 1; i > 0; i--) {
		const struct heft_safetensors_span last = spans[i];

		spans[i] = spans[0];
		spans[0] = last;
		sift(spans, 0, i);
	}
}

/* S3-7: without holes, without overlap, to the file's end. */
static enum heft_status check_tiling(struct parser *p, struct heft_error *err)
{
	struct heft_safetensors_span *spans = (void *)p->spans.bytes;
	const size_t n = heft_listing_n(p->tensors);
	uint64_t end = p->data_off;

	heft_safetensors_sort_spans(spans, n);
	for (size_t i = 0; i < n; i++) {
		const struct heft_safetensors_span *s = &spans[i];

		if (s->begin != end)
			return heft_fail(err, HEFT_E_CORRUPT, s->at, "tensor '%.*s' %s", QUOTED,
			                 heft_listing_name(p->tensors, s->tensor_i),
			                 s->begin < end ? "overlaps another one"
			                                : "begins behind a hole");
		end = s->end;
	}
	if (end - p->data_off != p->data_size)
		return heft_fail(err, HEFT_E_CORRUPT, end,
		                 "the file goes on behind the last tensor");
	return HEFT_OK;
}

/* S2-5: what follows the object. */
static enum heft_status check_padding(const char *text, size_t from, size_t size,
                                      struct heft_error *err)
{
	for (size_t i = from; i < size; i++) {
		if (text[i] != ' ')
			return heft_fail(err, HEFT_E_CORRUPT, HEFT_SAFETENSORS_PREFIX + i,
			                 "the header goes on behind its object");
	}
	return HEFT_OK;
}

static enum heft_status read_header(struct parser *p, const char *text, size_t size,
                                    struct heft_error *err)
{
	HEFT_TRY(next(p, err)); /* the object: S2-4 */
	for (;;) {
		HEFT_TRY(next(p, err));
		if (p->token.kind == HEFT_JSON_OBJECT_END)
			break;
		if (is_text(&p->token, HEFT_SAFETENSORS_METADATA))
			HEFT_TRY(read_metadata(p, err));
		else
			HEFT_TRY(read_tensor(p, err));
	}
	HEFT_TRY(check_padding(text, p->token.pos + 1, size, err));
	return check_tiling(p, err);
}

enum heft_status heft_safetensors_parse(const char *text, size_t size, uint64_t file_size,
                                        const struct heft_limits *limits,
                                        struct heft_safetensors_header *out, struct heft_error *err)
{
	struct parser p = { .limits = limits, .data_off = HEFT_SAFETENSORS_PREFIX + size };
	struct heft_safetensors_header header = { .metadata = NULL };
	enum heft_status st;

	p.data_size = file_size - p.data_off;
	heft_buffer_init(&p.spans);
	heft_buffer_init(&p.metadata);
	st = heft_listing_new(&p.tensors, err);
	if (st == HEFT_OK)
		st = heft_json_new(text, size, HEFT_SAFETENSORS_PREFIX, NULL, &p.json, err);
	if (st == HEFT_OK)
		st = read_header(&p, text, size, err);
	if (st == HEFT_OK && p.metadata.size > 0) {
		header.metadata = (char *)heft_buffer_take(&p.metadata, NULL);
		if (!header.metadata)
			st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
	}
	heft_json_free(p.json);
	heft_buffer_done(&p.spans);
	heft_buffer_done(&p.metadata);
	if (st != HEFT_OK) {
		heft_listing_free(p.tensors);
		return st;
	}
	header.tensors = p.tensors;
	*out = header;
	return HEFT_OK;
}
