/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors_write.c - writes a safetensors file: the header first, since all offsets are known
 * before the data (spec/foreign/safetensors.md, section 7). */
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/members.h"
#include "format/safetensors.h"

#define QUOTED 80 /* bytes of a name in a message */

struct writer {
	struct heft_sink *sink;
	uint64_t *begins; /* by tensor, from the begin of the data */
	uint64_t data_off;
	uint64_t data_size;
	uint64_t n_placed;
	bool is_stream;
};

/* --- check --- */

static enum heft_status refuse_dtype(const struct heft_tensor *t, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);

	if (!info && strcmp(heft_dtype_name(t->dtype), "?") == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is of dtype 0x%04x, which safetensors cannot hold: "
		                 "--exclude leaves it out",
		                 QUOTED, t->name, (unsigned)t->dtype);
	return heft_fail(
		err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		"tensor '%.*s' is %s, which safetensors cannot hold: %s--exclude leaves it "
		"out",
		QUOTED, t->name, heft_dtype_name(t->dtype),
		!info || info->is_block || info->is_complex ? "" : "--dtype-of GLOB=T casts it, ");
}

static enum heft_status check_tensor(const struct heft_tensor *t, struct heft_error *err)
{
	if (t->space != HEFT_SPACE_WEIGHTS)
		return heft_fail(
			err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			"tensor '%.*s' is of space %s, and safetensors holds weights alone: "
			"--weights-only leaves the others out",
			QUOTED, t->name, heft_space_name(t->space));
	if (strcmp(t->name, HEFT_SAFETENSORS_METADATA) == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "safetensors cannot hold a tensor called '%s': --rename gives it "
		                 "another name",
		                 t->name);
	if (!heft_safetensors_holds(t->dtype))
		return refuse_dtype(t, err);
	if (t->n_elements % heft_dtype_describe(t->dtype)->n_elements != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is %s, and its elements do not fill whole bytes: "
		                 "--dtype-of GLOB=T casts it, --exclude leaves it out",
		                 QUOTED, t->name, heft_dtype_name(t->dtype));
	return HEFT_OK;
}

enum heft_status heft_safetensors_check(const struct heft_write_plan *plan, struct heft_error *err)
{
	struct heft_members m;
	struct heft_tensor t;
	enum heft_status st;

	if (plan->options.compress != HEFT_COMPRESS_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "safetensors does not compress: leave --compress out");
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++) {
		heft_listing_describe(plan->tensors, i, &t);
		HEFT_TRY(check_tensor(&t, err));
	}
	st = heft_members_read(&m, plan->metadata, "safetensors", err);
	heft_members_done(&m);
	return st;
}

/* --- order of the data --- */

/* 1, 2, 4 or 8; those narrower than a byte may lie anywhere. */
static uint32_t element_size(const struct heft_write_plan *plan, uint32_t i)
{
	const struct heft_listed *row = heft_listing_row(plan->tensors, i);
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)row->dtype);

	return info->n_elements == 1 ? info->n_bytes : 1;
}

/* The declared order where every tensor then lies at a multiple of its element size. */
static bool keep_order(const struct heft_write_plan *plan, uint32_t *order)
{
	const uint32_t n = heft_listing_n(plan->tensors);
	uint64_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (at % element_size(plan, i) != 0)
			return false;
		at += heft_listing_row(plan->tensors, i)->n_bytes;
		order[i] = i;
	}
	return true;
}

/* Else the largest elements first: loaders that look at the bytes through a pointer to elements
 * cannot read what lies elsewhere. */
static void align_order(const struct heft_write_plan *plan, uint32_t *order)
{
	const uint32_t n = heft_listing_n(plan->tensors);
	uint32_t n_placed = 0;

	for (uint32_t size = 8; size >= 1; size /= 2) {
		for (uint32_t i = 0; i < n; i++) {
			if (element_size(plan, i) == size)
				order[n_placed++] = i;
		}
	}
}

static void place_all(struct writer *w, const struct heft_write_plan *plan, const uint32_t *order)
{
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++) {
		w->begins[order[i]] = w->data_size;
		w->data_size += heft_listing_row(plan->tensors, order[i])->n_bytes;
	}
}

/* --- header --- */

static void add_metadata(struct heft_buffer *b, struct heft_members *m)
{
	if (m->n == 0)
		return;
	heft_members_sort(m);
	heft_buffer_add_json_string(b, HEFT_SAFETENSORS_METADATA,
	                            sizeof HEFT_SAFETENSORS_METADATA - 1);
	heft_buffer_addf(b, ":{");
	for (size_t i = 0; i < m->n; i++) {
		if (i > 0)
			heft_buffer_add_u8(b, ',');
		heft_buffer_add_json_string(b, m->members[i].key, m->members[i].key_size);
		heft_buffer_add_u8(b, ':');
		heft_buffer_add_json_string(b, m->members[i].value, m->members[i].value_size);
	}
	heft_buffer_addf(b, "},");
}

static void add_entry(struct heft_buffer *b, const struct heft_write_plan *plan, uint32_t i,
                      uint64_t begin)
{
	const struct heft_listed *row = heft_listing_row(plan->tensors, i);
	const uint64_t *dims = heft_listing_dims(plan->tensors, i);

	heft_buffer_add_json_string(b, heft_listing_name(plan->tensors, i), row->name_size);
	heft_buffer_addf(b, ":{\"dtype\":\"%s\",\"shape\":[",
	                 heft_dtype_name((enum heft_dtype)row->dtype));
	for (uint32_t d = 0; d < row->rank; d++)
		heft_buffer_addf(b, d > 0 ? ",%llu" : "%llu", (unsigned long long)dims[d]);
	heft_buffer_addf(b, "],\"data_offsets\":[%llu,%llu]},", (unsigned long long)begin,
	                 (unsigned long long)(begin + row->n_bytes));
}

/* Prefix and header, padded so that the data begins at a multiple of 8. */
static void build_head(struct heft_buffer *b, const struct writer *w,
                       const struct heft_write_plan *plan, struct heft_members *m)
{
	heft_buffer_add_le64(b, 0);
	heft_buffer_add_u8(b, '{');
	add_metadata(b, m);
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++)
		add_entry(b, plan, i, w->begins[i]);
	if (!b->ok)
		return;
	if (b->bytes[b->size - 1] == ',')
		b->size--;
	heft_buffer_add_u8(b, '}');
	while (b->ok && b->size % 8 != 0)
		heft_buffer_add_u8(b, ' ');
	if (b->ok)
		heft_put_le64(b->bytes, b->size - HEFT_SAFETENSORS_PREFIX);
}

static enum heft_status write_head(struct writer *w, const struct heft_write_plan *plan,
                                   struct heft_buffer *b, struct heft_error *err)
{
	struct heft_members m;
	enum heft_status st = heft_members_read(&m, plan->metadata, "safetensors", err);

	if (st == HEFT_OK)
		build_head(b, w, plan, &m);
	heft_members_done(&m);
	if (st != HEFT_OK)
		return st;
	if (!b->ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	if (b->size - HEFT_SAFETENSORS_PREFIX > HEFT_SAFETENSORS_MAX_HEADER)
		return heft_fail(
			err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			"the header would have %zu bytes, and safetensors allows 100000000",
			b->size - HEFT_SAFETENSORS_PREFIX);
	w->data_off = b->size;
	if (w->is_stream)
		return heft_sink_append(w->sink, b->bytes, b->size, err);
	return heft_sink_pwrite(w->sink, 0, b->bytes, b->size, err);
}

/* --- stages --- */

enum heft_status heft_safetensors_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                        uint32_t *order, void **w, struct heft_error *err)
{
	struct writer *writer = heft_zalloc(sizeof *writer);
	struct heft_buffer head;
	enum heft_status st;

	if (!writer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	writer->sink = sink;
	writer->is_stream = heft_sink_is_stream(sink);
	writer->begins = heft_alloc_array(heft_listing_n(plan->tensors), sizeof *writer->begins);
	if (!writer->begins) {
		heft_safetensors_writer_free(writer);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	}
	if (!keep_order(plan, order))
		align_order(plan, order);
	place_all(writer, plan, order);
	heft_buffer_init(&head);
	st = write_head(writer, plan, &head, err);
	heft_buffer_done(&head);
	if (st != HEFT_OK) {
		heft_safetensors_writer_free(writer);
		return st;
	}
	*w = writer;
	return HEFT_OK;
}

enum heft_status heft_safetensors_place(void *w, struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;

	(void)err;
	p->file_off = writer->data_off + writer->begins[p->tensor_i] + p->off;
	writer->n_placed += p->n;
	return HEFT_OK;
}

enum heft_status heft_safetensors_store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;

	if (writer->is_stream)
		return heft_sink_append(writer->sink, p->stored, p->stored_size, err);
	return heft_sink_pwrite(writer->sink, p->file_off, p->stored, p->stored_size, err);
}

enum heft_status heft_safetensors_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                         struct heft_error *err)
{
	const struct writer *writer = w;

	(void)leaves;
	(void)first_leaf;
	if (writer->n_placed != writer->data_size)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu bytes were written of %llu that were declared",
		                 (unsigned long long)writer->n_placed,
		                 (unsigned long long)writer->data_size);
	return HEFT_OK;
}

void heft_safetensors_writer_free(void *w)
{
	struct writer *writer = w;

	if (!writer)
		return;
	heft_free(writer->begins);
	heft_free(writer);
}
