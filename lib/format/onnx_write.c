/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_write.c - writes an ONNX model, every place of which is known before the first chunk comes
 * (spec/foreign/onnx.md, section 5). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/lock.h"
#include "format/onnx.h"
#include "format/onnx_layout.h"
#include "format/onnx_match.h"
#include "format/shared.h"
#include "onnx/fill.h"
#include "tensor/dtype.h"

#define QUOTED 80 /* bytes of a name in a message */
#define FLOAT_SIZE sizeof(float)
/* Set in the file_off of what goes into the file beside, so that pieces there never seem to follow
 * those in the model. */
#define BESIDE (UINT64_C(1) << 63)

struct writer {
	const struct heft_listing *tensors; /* borrowed, like the plan */
	struct heft_sink *sink;
	struct heft_sink *data; /* belongs to `sink`; NULL: none */
	struct heft_onnx_place *places;
	uint64_t n_placed;
};

/* --- check --- */

static enum heft_status refuse_dtype(const struct heft_tensor *t, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);

	if (!info && strcmp(heft_dtype_name(t->dtype), "?") == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is of dtype 0x%04x, which ONNX cannot hold: "
		                 "--exclude leaves it out",
		                 QUOTED, t->name, (unsigned)t->dtype);
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	                 "tensor '%.*s' is %s, which ONNX cannot hold: --exclude leaves it out",
	                 QUOTED, t->name, heft_dtype_name(t->dtype));
}

static enum heft_status check_tensor(const struct heft_tensor *t, struct heft_error *err)
{
	if (t->name[0] == '\0')
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "ONNX cannot hold a tensor without a name: --rename gives it one");
	if (t->space != HEFT_SPACE_WEIGHTS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is of space %s, and ONNX without a graph holds "
		                 "weights alone: --weights-only leaves the others out",
		                 QUOTED, t->name, heft_space_name(t->space));
	if (heft_onnx_data_type(t->dtype) == 0)
		return refuse_dtype(t, err);
	return HEFT_OK;
}

static enum heft_status check_metadata(const char *metadata, struct heft_error *err)
{
	struct heft_buffer props;
	bool differs;
	enum heft_status st;

	heft_buffer_init(&props);
	st = heft_onnx_props(metadata, NULL, &props, &differs, err);
	heft_buffer_done(&props);
	return st;
}

/* With a graph its weights say what is held: they are compared when the writing begins, before
 * anything is written. */
enum heft_status heft_onnx_check(const struct heft_write_plan *plan, struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; plan->graph_size == 0 && i < heft_listing_n(plan->tensors); i++) {
		heft_listing_describe(plan->tensors, i, &t);
		HEFT_TRY(check_tensor(&t, err));
	}
	return check_metadata(plan->metadata, err);
}

/* --- stages --- */

enum heft_status heft_onnx_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                 uint32_t *order, void **w, struct heft_error *err)
{
	struct writer *writer = heft_zalloc(sizeof *writer);
	enum heft_status st;

	if (!writer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	writer->tensors = plan->tensors;
	writer->sink = sink;
	writer->places = heft_zalloc_array(heft_listing_n(plan->tensors), sizeof *writer->places);
	if (!writer->places)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	else
		st = heft_onnx_lay_out(plan, sink, writer->places, order, &writer->data, err);
	if (st != HEFT_OK) {
		heft_onnx_writer_free(writer);
		return st;
	}
	*w = writer;
	return HEFT_OK;
}

size_t heft_onnx_scratch_size(const void *w)
{
	const struct writer *writer = w;

	for (uint32_t i = 0; i < heft_listing_n(writer->tensors); i++)
		if (writer->places[i].is_floats)
			return HEFT_CHUNK_MAX / FLOAT_SIZE * HEFT_ONNX_FLOAT_SIZE;
	return 0;
}

enum heft_status heft_onnx_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                  uint8_t *scratch, struct heft_error *err)
{
	const struct writer *writer = w;

	if (!writer->places[p->tensor_i].is_floats)
		return heft_format_encode_raw(w, p, coder, scratch, err);
	p->stored = scratch;
	p->stored_size = p->n / FLOAT_SIZE * HEFT_ONNX_FLOAT_SIZE;
	p->crc = 0;
	p->codec = HEFT_CODEC_RAW;
	for (size_t at = 0; at < p->n; at += FLOAT_SIZE) {
		*scratch = HEFT_ONNX_FLOAT_TAG;
		memcpy(scratch + 1, p->bytes + at, FLOAT_SIZE);
		scratch += HEFT_ONNX_FLOAT_SIZE;
	}
	return HEFT_OK;
}

enum heft_status heft_onnx_place(void *w, struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;
	const struct heft_onnx_place *place = &writer->places[p->tensor_i];

	(void)err;
	p->file_off = p->off;
	if (place->is_floats)
		p->file_off = p->off / FLOAT_SIZE * HEFT_ONNX_FLOAT_SIZE;
	p->file_off += place->off;
	if (place->is_external)
		p->file_off |= BESIDE;
	writer->n_placed += p->n;
	return HEFT_OK;
}

enum heft_status heft_onnx_store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	const struct writer *writer = w;
	struct heft_sink *sink = p->file_off & BESIDE ? writer->data : writer->sink;

	return heft_sink_pwrite(sink, p->file_off & ~BESIDE, p->stored, p->stored_size, err);
}

static enum heft_status read_stored(struct heft_sink *sink, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	size_t n_read;

	HEFT_TRY(heft_fd_pread(heft_sink_fd(sink), off, dst, n, &n_read, err));
	if (n_read != n)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET,
		                 "the new file cannot be read back");
	return HEFT_OK;
}

/* Floats without their tags; off and n are of whole ones. */
static enum heft_status read_floats(struct heft_sink *sink, uint64_t off, uint8_t *dst, size_t n,
                                    struct heft_error *err)
{
	uint8_t stored[1024 * HEFT_ONNX_FLOAT_SIZE];

	while (n > 0) {
		const size_t n_floats = n / FLOAT_SIZE < 1024 ? n / FLOAT_SIZE : 1024;
		const size_t n_stored = n_floats * HEFT_ONNX_FLOAT_SIZE;

		HEFT_TRY(read_stored(sink, off, stored, n_stored, err));
		for (size_t at = 0; at < n_stored; at += HEFT_ONNX_FLOAT_SIZE) {
			memcpy(dst, stored + at + 1, FLOAT_SIZE);
			dst += FLOAT_SIZE;
		}
		off += n_stored;
		n -= n_floats * FLOAT_SIZE;
	}
	return HEFT_OK;
}

enum heft_status heft_onnx_read_back(void *w, uint32_t tensor_i, uint64_t off, void *dst, size_t n,
                                     struct heft_error *err)
{
	const struct writer *writer = w;
	const struct heft_onnx_place *place = &writer->places[tensor_i];

	if (place->is_floats)
		return read_floats(writer->sink,
		                   place->off + off / FLOAT_SIZE * HEFT_ONNX_FLOAT_SIZE, dst, n,
		                   err);
	return read_stored(place->is_external ? writer->data : writer->sink, place->off + off, dst,
	                   n, err);
}

enum heft_status heft_onnx_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                  struct heft_error *err)
{
	const struct writer *writer = w;
	const uint64_t n_bytes = heft_listing_n_bytes(writer->tensors);

	(void)leaves;
	(void)first_leaf;
	if (writer->n_placed != n_bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%llu bytes were written of %llu that were declared",
		                 (unsigned long long)writer->n_placed, (unsigned long long)n_bytes);
	return HEFT_OK;
}

void heft_onnx_writer_free(void *w)
{
	struct writer *writer = w;

	if (!writer)
		return;
	heft_free(writer->places);
	heft_free(writer);
}
