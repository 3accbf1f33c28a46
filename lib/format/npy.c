/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c - the npy format (spec/foreign/npy.md): a file that holds one array. */
#include "format/npy.h"
#include "format/shared.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_pull.h"
#include "container/layout.h"

#define TENSOR_NAME "arr_0"           /* as NumPy names the first array of an .npz */
#define MAX_TRAILER UINT64_C(1048576) /* bytes behind the array */

struct reader {
	struct heft_source *src;
	struct heft_scratch *scratch;
	struct heft_listing *tensors;
	struct heft_npy *array;
};

/* Magic and major version. */
static unsigned probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	(void)file_size;
	if (n < HEFT_NPY_MAGIC_SIZE || memcmp(head, HEFT_NPY_MAGIC, HEFT_NPY_MAGIC_SIZE) != 0)
		return 0;
	return 48;
}

/* --- reading --- */

static enum heft_status read_source(void *ctx, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	return heft_source_read(ctx, off, dst, n, err);
}

/* N2-5: what lies behind the array is kept where it is little and no array. */
static enum heft_status check_trailer(const struct reader *r, struct heft_error *err)
{
	const uint64_t end = heft_npy_end(r->array);
	const uint64_t n = heft_source_size(r->src) - end;
	uint8_t magic[HEFT_NPY_MAGIC_SIZE];

	if (n >= sizeof magic) {
		HEFT_TRY(heft_source_read(r->src, end, magic, sizeof magic, err));
		if (memcmp(magic, HEFT_NPY_MAGIC, sizeof magic) == 0)
			return heft_fail(err, HEFT_E_UNSUPPORTED, end,
			                 "a second array follows in the file");
	}
	if (n > MAX_TRAILER)
		return heft_fail(err, HEFT_E_UNSUPPORTED, end,
		                 "%llu bytes follow behind the array, and it is not known what "
		                 "they are",
		                 (unsigned long long)n);
	return HEFT_OK;
}

static enum heft_status open_array(struct reader *r, const struct heft_open_options *options,
                                   struct heft_error *err)
{
	const struct heft_npy_input in = {
		.read = read_source,
		.ctx = r->src,
		.size = heft_source_size(r->src),
		.src = r->src,
	};
	struct heft_npy_options o = { .limits = heft_format_limits(options) };

	HEFT_TRY(heft_scratch_new(options ? options->scratch_folder : NULL, &r->scratch, err));
	HEFT_TRY(heft_listing_new(&r->tensors, err));
	o.scratch = r->scratch;
	if (options) {
		o.assumes = options->assumes;
		o.n_assumes = options->n_assumes;
	}
	HEFT_TRY(heft_npy_open(&in, &o, TENSOR_NAME, sizeof TENSOR_NAME - 1, r->tensors, &r->array,
	                       err));
	return check_trailer(r, err);
}

static void close_file(void *st)
{
	struct reader *r = st;

	if (!r)
		return;
	heft_npy_close(r->array);
	heft_listing_free(r->tensors);
	heft_scratch_free(r->scratch);
	heft_free(r);
}

static enum heft_status open_file(struct heft_source *src, const char *path,
                                  const struct heft_open_options *options, void **st,
                                  struct heft_error *err)
{
	struct reader *r = heft_zalloc(sizeof *r);
	enum heft_status status;

	(void)path;
	if (!r)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a reader");
	r->src = src;
	status = open_array(r, options, err);
	if (status != HEFT_OK) {
		close_file(r);
		return status;
	}
	*st = r;
	return HEFT_OK;
}

static uint32_t n_tensors(const void *st)
{
	const struct reader *r = st;

	return heft_listing_n(r->tensors);
}

static enum heft_status tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                  struct heft_error *err)
{
	const struct reader *r = st;

	(void)err;
	heft_listing_describe(r->tensors, i, t);
	t->alignment = heft_format_alignment(heft_listing_row(r->tensors, i)->data_off);
	return HEFT_OK;
}

static enum heft_status find(void *st, uint8_t space, const char *name, uint32_t *i,
                             struct heft_error *err)
{
	const struct reader *r = st;

	return heft_format_find(r->tensors, space, name, i, err);
}

static enum heft_status read_tensor(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	const struct reader *r = st;

	return heft_npy_read(r->array, i, off, dst, n, err);
}

static enum heft_status locate(void *st, uint32_t i, struct heft_place *place,
                               struct heft_error *err)
{
	const struct reader *r = st;

	return heft_npy_locate(r->array, i, place, err);
}

/* --- the recipe (section 6) --- */

/* All of the file but the array's data: header, and what lies behind. */
static enum heft_status read_literals(const struct reader *r, uint8_t **bytes,
                                      struct heft_error *err)
{
	const size_t head_size = (size_t)heft_npy_data_off(r->array);
	const uint64_t end = heft_npy_end(r->array);
	const size_t trailer_size = (size_t)(heft_source_size(r->src) - end);
	uint8_t *b = heft_alloc(head_size + trailer_size);
	enum heft_status st;

	if (!b)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	st = heft_source_read(r->src, 0, b, head_size, err);
	if (st == HEFT_OK)
		st = heft_source_read(r->src, end, b + head_size, trailer_size, err);
	if (st != HEFT_OK) {
		heft_free(b);
		return st;
	}
	*bytes = b;
	return HEFT_OK;
}

static enum heft_status add_pieces(const struct reader *r, struct heft_origin_file *file,
                                   const uint8_t *literals, struct heft_error *err)
{
	const uint64_t head_size = heft_npy_data_off(r->array);
	const uint64_t end = heft_npy_end(r->array);
	struct heft_place place;
	size_t n = 0;

	file->pieces[n++] = (struct heft_origin_piece){ .literal = literals, .size = head_size };
	if (end > head_size) {
		HEFT_TRY(heft_npy_locate(r->array, 0, &place, err));
		file->pieces[n++] = (struct heft_origin_piece){ .size = end - head_size,
			                                        .transform = place.transform };
	}
	if (file->size > end)
		file->pieces[n++] = (struct heft_origin_piece){ .literal = literals + head_size,
			                                        .size = file->size - end };
	return HEFT_OK;
}

static enum heft_status origin(void *st, const char *path, struct heft_origin *o,
                               struct heft_error *err)
{
	const struct reader *r = st;
	const uint64_t size = heft_source_size(r->src);
	const uint64_t end = heft_npy_end(r->array);
	struct heft_origin_file *file;
	uint8_t *literals = NULL;

	if (!heft_npy_is_plain(r->array)) /* N6-3: a recipe that is none */
		return HEFT_OK;
	HEFT_TRY(read_literals(r, &literals, err));
	heft_free(o->bytes);
	o->bytes = literals;
	HEFT_TRY(heft_origin_add_file(o, heft_origin_name(path, "array.npy"), size,
	                              1u + (end > heft_npy_data_off(r->array)) + (size > end),
	                              &file, err));
	HEFT_TRY(add_pieces(r, file, literals, err));
	memcpy(o->format, "npy", sizeof "npy");
	return HEFT_OK;
}

/* --- writing (section 7) --- */

struct writer {
	struct heft_sink *sink;
	uint64_t data_off;
	uint64_t data_size;
	uint64_t n_placed;
	bool is_stream;
};

static enum heft_status check(const struct heft_write_plan *plan, struct heft_error *err)
{
	const uint32_t n = heft_listing_n(plan->tensors);
	struct heft_tensor t;

	if (plan->options.compress != HEFT_COMPRESS_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "npy does not compress: leave --compress out");
	if (n != 1)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "npy holds one tensor, and there are %u: --to npz holds several, "
		                 "--include GLOB picks one",
		                 n);
	heft_listing_describe(plan->tensors, 0, &t);
	HEFT_TRY(heft_npy_check_tensor(&t, err));
	return heft_format_refuse_metadata("npy", plan->metadata, err); /* N7-4 */
}

static enum heft_status write_head(struct writer *w, const struct heft_write_plan *plan,
                                   struct heft_error *err)
{
	struct heft_buffer b;
	struct heft_tensor t;
	enum heft_status st;

	heft_listing_describe(plan->tensors, 0, &t);
	heft_buffer_init(&b);
	heft_npy_write_header(&t, heft_listing_row(plan->tensors, 0)->unit, &b);
	w->data_off = b.size;
	w->data_size = t.n_bytes;
	if (!b.ok)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	else if (w->is_stream)
		st = heft_sink_append(w->sink, b.bytes, b.size, err);
	else
		st = heft_sink_pwrite(w->sink, 0, b.bytes, b.size, err);
	heft_buffer_done(&b);
	return st;
}

static enum heft_status begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                              uint32_t *order, void **w, struct heft_error *err)
{
	struct writer *writer = heft_zalloc(sizeof *writer);
	enum heft_status st;

	if (!writer)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a writer");
	writer->sink = sink;
	writer->is_stream = heft_sink_is_stream(sink);
	st = write_head(writer, plan, err);
	if (st != HEFT_OK) {
		heft_free(writer);
		return st;
	}
	order[0] = 0;
	*w = writer;
	return HEFT_OK;
}

static enum heft_status place(void *w, struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;

	(void)err;
	p->file_off = writer->data_off + p->off;
	writer->n_placed += p->n;
	return HEFT_OK;
}

static enum heft_status store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	struct writer *writer = w;

	if (writer->is_stream)
		return heft_sink_append(writer->sink, p->stored, p->stored_size, err);
	return heft_sink_pwrite(writer->sink, p->file_off, p->stored, p->stored_size, err);
}

static enum heft_status finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
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

static void writer_free(void *w)
{
	heft_free(w);
}

const struct heft_format heft_format_npy = {
	.name = "npy",
	.ext = ".npy",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_STREAM | HEFT_FORMAT_NO_NAMES,
	.head_size = HEFT_NPY_MAGIC_SIZE,
	.probe = probe,
	.open = open_file,
	.close = close_file,
	.n_tensors = n_tensors,
	.tensor_at = tensor_at,
	.find = find,
	.read = read_tensor,
	.locate = locate,
	.metadata = heft_format_no_metadata,
	.origin = origin,
	.check = check,
	.begin = begin,
	.scratch_size = heft_format_no_scratch,
	.encode = heft_format_encode_raw,
	.place = place,
	.store = store,
	.finish = finish,
	.writer_free = writer_free,
};
