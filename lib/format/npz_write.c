/* SPDX-License-Identifier: Apache-2.0 */
/* npz_write.c - writes an .npz archive (spec/foreign/npz.md, section 4). Stored members have their
 * places from the start; deflated ones get them one after the other, as they are packed. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "format/npy.h"
#include "format/npz.h"
#include "format/shared.h"
#include "format/zip.h"
#include "tensor/dtype.h"

#define SUFFIX ".npy"
#define ALIGNMENT 64u
/* Levels of zlib. For what training made they give the same bytes at three times numpy's speed
 * (level 6), since repetitions are not searched there (zip_pack.c); elsewhere 4 takes two thirds of
 * the time of 6, for one per cent more. */
#define LEVEL_FAST 4
#define LEVEL_BEST 9
/* Pieces that are packed behind one another into a scratch: together a chunk at most. */
#define PIECES_AT_ONCE 1024

struct writer {
	struct heft_sink *sink;
	const struct heft_listing *tensors; /* borrowed, like the plan */
	struct heft_zip_writer *zip;
	struct heft_zip_packer *packer; /* NULL: members are stored */
	struct heft_buffer name;
	struct heft_buffer head;
	uint32_t n_begun; /* members; each is a tensor */
	bool is_open;     /* the last one waits for more pieces */
};

enum heft_status heft_npz_check(const struct heft_write_plan *plan, struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++) {
		heft_listing_describe(plan->tensors, i, &t);
		HEFT_TRY(heft_npy_check_tensor(&t, err));
	}
	return heft_format_refuse_metadata("npz", plan->metadata, err); /* P4-5 */
}

/* --- members --- */

static enum heft_status begin_member(struct writer *w, struct heft_error *err)
{
	const uint32_t i = w->n_begun;
	const struct heft_listed *row = heft_listing_row(w->tensors, i);
	struct heft_zip_new member = { .packer = w->packer, .alignment = ALIGNMENT };
	struct heft_tensor t;

	heft_listing_describe(w->tensors, i, &t);
	w->name.size = 0;
	w->head.size = 0;
	heft_buffer_add(&w->name, t.name, row->name_size);
	heft_buffer_add(&w->name, SUFFIX, sizeof SUFFIX - 1);
	heft_npy_write_header(&t, row->unit, &w->head);
	if (!w->name.ok || !w->head.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	member.name = (const char *)w->name.bytes;
	member.name_size = w->name.size;
	member.head = w->head.bytes;
	member.head_size = w->head.size;
	member.size = w->head.size + row->n_bytes;
	HEFT_TRY(heft_zip_writer_begin(w->zip, &member, err));
	w->n_begun++;
	w->is_open = row->n_bytes > 0;
	return w->is_open ? HEFT_OK : heft_zip_writer_end(w->zip, i, err);
}

/* Members up to tensor i - 1 are begun; a packed one must have ended before. */
static enum heft_status begin_up_to(struct writer *w, uint32_t n, struct heft_error *err)
{
	while (w->n_begun < n) {
		if (w->packer && w->is_open)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "bytes of tensor '%s' are missing",
			                 heft_listing_name(w->tensors, w->n_begun - 1));
		HEFT_TRY(begin_member(w, err));
	}
	return HEFT_OK;
}

/* --- stages --- */

static enum heft_status writer_init(struct writer *w, enum heft_compress compress,
                                    struct heft_error *err)
{
	HEFT_TRY(heft_zip_writer_new(w->sink, &w->zip, err));
	if (compress != HEFT_COMPRESS_NONE)
		return heft_zip_packer_new(compress == HEFT_COMPRESS_BEST ? LEVEL_BEST : LEVEL_FAST,
		                           &w->packer, err);
	return begin_up_to(w, heft_listing_n(w->tensors), err);
}

enum heft_status heft_npz_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                uint32_t *order, void **w, struct heft_error *err)
{
	struct writer *writer = heft_zalloc(sizeof *writer);
	enum heft_status st;

	if (!writer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	writer->sink = sink;
	writer->tensors = plan->tensors;
	heft_buffer_init(&writer->name);
	heft_buffer_init(&writer->head);
	st = writer_init(writer, plan->options.compress, err);
	if (st != HEFT_OK) {
		heft_npz_writer_free(writer);
		return st;
	}
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++)
		order[i] = i;
	*w = writer;
	return HEFT_OK;
}

size_t heft_npz_scratch_size(const void *w)
{
	const struct writer *writer = w;

	if (!writer->packer)
		return 0;
	return heft_zip_pack_bound(HEFT_CHUNK_MAX) + PIECES_AT_ONCE * heft_zip_pack_bound(0);
}

enum heft_status heft_npz_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                 uint8_t *scratch, struct heft_error *err)
{
	const struct writer *writer = w;

	(void)coder;
	p->stored = p->bytes;
	p->stored_size = p->n;
	p->crc = heft_zip_crc(0, p->bytes, p->n);
	p->codec = HEFT_CODEC_RAW;
	if (!writer->packer)
		return HEFT_OK;
	p->stored = scratch;
	return heft_zip_pack(writer->packer, p->bytes, p->n, scratch, &p->stored_size, err);
}

/* A tensor's pieces come in order; those of stored ones whichever tensor is first. */
enum heft_status heft_npz_place(void *w, struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;
	const uint64_t n_bytes = heft_listing_row(writer->tensors, p->tensor_i)->n_bytes;

	HEFT_TRY(begin_up_to(writer, p->tensor_i + 1, err));
	if (writer->packer && p->tensor_i + 1 != writer->n_begun)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "bytes of tensor '%s' come out of order",
		                 heft_listing_name(writer->tensors, p->tensor_i));
	heft_zip_writer_piece(writer->zip, p->tensor_i, p->crc, p->n, p->stored_size, &p->file_off);
	if (p->off + p->n < n_bytes)
		return HEFT_OK;
	writer->is_open = false;
	return heft_zip_writer_end(writer->zip, p->tensor_i, err);
}

enum heft_status heft_npz_store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	const struct writer *writer = w;

	return heft_sink_pwrite(writer->sink, p->file_off, p->stored, p->stored_size, err);
}

enum heft_status heft_npz_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                 struct heft_error *err)
{
	struct writer *writer = w;

	(void)leaves;
	(void)first_leaf;
	HEFT_TRY(begin_up_to(writer, heft_listing_n(writer->tensors), err));
	return heft_zip_writer_finish(writer->zip, err);
}

void heft_npz_writer_free(void *w)
{
	struct writer *writer = w;

	if (!writer)
		return;
	heft_zip_writer_free(writer->zip);
	heft_zip_packer_free(writer->packer);
	heft_buffer_done(&writer->name);
	heft_buffer_done(&writer->head);
	heft_free(writer);
}
