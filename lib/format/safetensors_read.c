/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_read.c - an open safetensors file: its list of tensors, their bytes, and the recipe
 * that gives the file back. */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "container/layout.h"
#include "format/safetensors.h"
#include "format/shared.h"

struct reader {
	struct heft_source *src;
	uint8_t *head; /* prefix and header, as they lie in the file */
	size_t head_size;
	struct heft_safetensors_header header;
};

/* S2-1 to S2-4 */
static enum heft_status check_prefix(const uint8_t *prefix, uint64_t file_size,
                                     struct heft_error *err)
{
	const uint64_t size = heft_get_le64(prefix);

	if (size > file_size - HEFT_SAFETENSORS_PREFIX)
		return heft_fail(err, HEFT_E_CORRUPT, 0,
		                 "the header's size reaches past the end of the file");
	if (size > HEFT_SAFETENSORS_MAX_HEADER)
		return heft_fail(err, HEFT_E_LIMIT, 0, "the header is larger than 100000000 bytes");
	if (size == 0 || prefix[HEFT_SAFETENSORS_PREFIX] != '{')
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_SAFETENSORS_PREFIX,
		                 "the header does not begin with '{'");
	return HEFT_OK;
}

/* Nothing is allocated before the prefix and the first byte have told that there is a header. */
static enum heft_status read_head(struct reader *r, struct heft_error *err)
{
	const uint64_t file_size = heft_source_size(r->src);
	uint8_t prefix[HEFT_SAFETENSORS_PREFIX + 1] = { 0 };

	if (file_size < HEFT_SAFETENSORS_PREFIX)
		return heft_fail(err, HEFT_E_CORRUPT, file_size,
		                 "the file ends before the header's size");
	HEFT_TRY(heft_source_read(r->src, 0, prefix,
	                          file_size < sizeof prefix ? HEFT_SAFETENSORS_PREFIX
	                                                    : sizeof prefix,
	                          err));
	HEFT_TRY(check_prefix(prefix, file_size, err));
	r->head_size = HEFT_SAFETENSORS_PREFIX + (size_t)heft_get_le64(prefix);
	r->head = heft_alloc(r->head_size);
	if (!r->head)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	HEFT_TRY(heft_source_read(r->src, 0, r->head, r->head_size, err));
	if (memcmp(r->head, prefix, sizeof prefix) != 0)
		return heft_fail(err, HEFT_E_CORRUPT, 0, "the file changed while it was opened");
	return HEFT_OK;
}

enum heft_status heft_safetensors_open(struct heft_source *src, const char *path,
                                       const struct heft_open_options *options, void **st,
                                       struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(options);
	struct reader *r = heft_zalloc(sizeof *r);
	enum heft_status status;

	(void)path;
	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	r->src = src;
	status = read_head(r, err);
	if (status == HEFT_OK)
		status = heft_safetensors_parse((const char *)r->head + HEFT_SAFETENSORS_PREFIX,
		                                r->head_size - HEFT_SAFETENSORS_PREFIX,
		                                heft_source_size(src), &limits, &r->header, err);
	if (status != HEFT_OK) {
		heft_safetensors_close(r);
		return status;
	}
	*st = r;
	return HEFT_OK;
}

void heft_safetensors_close(void *st)
{
	struct reader *r = st;

	if (!r)
		return;
	heft_listing_free(r->header.tensors);
	heft_free(r->header.metadata);
	heft_free(r->head);
	heft_free(r);
}

uint32_t heft_safetensors_n_tensors(const void *st)
{
	const struct reader *r = st;

	return heft_listing_n(r->header.tensors);
}

enum heft_status heft_safetensors_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                            struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	heft_listing_describe(r->header.tensors, i, t);
	t->alignment = heft_format_alignment(heft_listing_row(r->header.tensors, i)->data_off);
	return HEFT_OK;
}

enum heft_status heft_safetensors_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                       struct heft_error *err)
{
	const struct reader *r = st;

	return heft_format_find(r->header.tensors, space, name, i, err);
}

enum heft_status heft_safetensors_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                       struct heft_error *err)
{
	const struct reader *r = st;
	const struct heft_listed *row = heft_listing_row(r->header.tensors, i);

	return heft_source_read(r->src, row->data_off + off, dst, n, err);
}

enum heft_status heft_safetensors_locate(void *st, uint32_t i, struct heft_place *place,
                                         struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	*place = (struct heft_place){ .src = r->src,
		                      .off = heft_listing_row(r->header.tensors, i)->data_off };
	return HEFT_OK;
}

enum heft_status heft_safetensors_metadata(void *st, const char **json, struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	*json = r->header.metadata ? r->header.metadata : "{}";
	return HEFT_OK;
}

/* --- the recipe (section 6) --- */

/* The tensors that have bytes, in the order of the file; *spans is the caller's to free. */
static enum heft_status spans_of(const struct reader *r, struct heft_safetensors_span **spans,
                                 uint32_t *n_spans, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(r->header.tensors);
	struct heft_safetensors_span *s = heft_alloc_array(n, sizeof *s);
	uint32_t n_full = 0;

	if (!s)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_listed *row = heft_listing_row(r->header.tensors, i);

		if (row->n_bytes > 0)
			s[n_full++] = (struct heft_safetensors_span){ row->data_off,
				                                      row->data_off + row->n_bytes,
				                                      i, 0 };
	}
	heft_safetensors_sort_spans(s, n_full);
	*spans = s;
	*n_spans = n_full;
	return HEFT_OK;
}

enum heft_status heft_safetensors_origin(void *st, const char *path, struct heft_origin *o,
                                         struct heft_error *err)
{
	const struct reader *r = st;
	struct heft_safetensors_span *spans = NULL;
	struct heft_origin_file *file;
	enum heft_status status;
	uint32_t n = 0;

	HEFT_TRY(spans_of(r, &spans, &n, err));
	status = heft_origin_add_file(o, heft_origin_name(path, "model.safetensors"),
	                              heft_source_size(r->src), (uint64_t)n + 1, &file, err);
	if (status == HEFT_OK) {
		file->pieces[0] = (struct heft_origin_piece){ .literal = r->head,
			                                      .size = r->head_size };
		for (uint32_t i = 0; i < n; i++)
			file->pieces[i + 1] = (struct heft_origin_piece){
				.size = spans[i].end - spans[i].begin,
				.tensor = spans[i].tensor_i,
			};
		memcpy(o->format, "safetensors", sizeof "safetensors");
	}
	heft_free(spans);
	return status;
}
