/* SPDX-License-Identifier: Apache-2.0 */
/* transposed.c - brings matrices that are read by their columns into a scratch file: once, and
 * verified. A map of the source itself would be a SIGBUS where somebody cuts it short. */
#include "weights/transposed.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "weights/cast_chunk.h"
#include "weights/scratch_beside.h"

enum heft_status heft_transposed_init(struct heft_transposed *t, uint32_t n, struct heft_error *err)
{
	t->items = heft_zalloc_array(n, sizeof *t->items);
	if (!t->items)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	t->n = n;
	return HEFT_OK;
}

void heft_transposed_done(struct heft_transposed *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->items[i].bytes)
			heft_scratch_unmap(t->items[i].bytes, t->items[i].n_bytes);
	heft_free(t->items);
	heft_scratch_free(t->scratch);
	*t = (struct heft_transposed){ .items = NULL };
}

/* A matrix on its way into the scratch. */
struct filling {
	struct heft_chunk_source *source;
	struct heft_cast cast;
	struct heft_cast_room room;
	struct heft_scratch *scratch;
	struct heft_meter *meter;
	uint64_t off;     /* in the scratch */
	uint64_t n_bytes; /* in the new dtype */
	uint8_t *chunk;
};

static enum heft_status fill_chunk(struct filling *f, uint64_t at, uint32_t chunk_size,
                                   struct heft_error *err)
{
	const uint64_t left = f->n_bytes - at;
	const size_t n = left < chunk_size ? (size_t)left : chunk_size;

	HEFT_TRY(heft_meter_add(f->meter, 0, err)); /* it may be cancelled */
	if (f->cast.from == f->cast.to)
		HEFT_TRY(heft_chunk_source_read_one(f->source, f->cast.tensor, at / chunk_size, at,
		                                    n, f->chunk, NULL, err));
	else
		HEFT_TRY(heft_cast_chunk(f->source, &f->cast, at, &f->room, f->chunk, err));
	return heft_scratch_write(f->scratch, f->off + at, f->chunk, n, err);
}

static enum heft_status fill(struct filling *f, struct heft_file *file, struct heft_error *err)
{
	const struct heft_dtype_info *to = heft_dtype_describe((enum heft_dtype)f->cast.to);
	const uint32_t chunk_size = heft_chunk_size(to->n_bytes);

	HEFT_TRY(heft_chunk_source_new(file, true, &f->source, err));
	f->chunk = heft_alloc(HEFT_GROUP_BYTES);
	f->room.bytes = heft_alloc(HEFT_GROUP_BYTES);
	if (!f->chunk || !f->room.bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a chunk");
	for (uint64_t at = 0; at < f->n_bytes; at += chunk_size)
		HEFT_TRY(fill_chunk(f, at, chunk_size, err));
	return HEFT_OK;
}

static enum heft_status fill_scratch(struct heft_transposed *t, struct heft_transposed_item *item,
                                     struct heft_file *file, const struct heft_tensor *source,
                                     uint16_t to, struct heft_meter *meter, struct heft_error *err)
{
	struct filling f = {
		.cast = { .tensor = source->index,
		          .from = (uint16_t)source->dtype,
		          .to = to,
		          .n_elements = source->n_elements },
		.scratch = t->scratch,
		.meter = meter,
		.n_bytes = item->view.n_bytes,
	};
	enum heft_status st;

	HEFT_TRY(heft_scratch_add(t->scratch, f.n_bytes, &f.off, err));
	st = fill(&f, file, err);
	heft_chunk_source_free(f.source);
	heft_free(f.chunk);
	heft_free(f.room.bytes);
	if (st == HEFT_OK)
		st = heft_scratch_map(t->scratch, f.off, f.n_bytes, &item->bytes, err);
	if (st != HEFT_OK)
		return st;
	item->n_bytes = f.n_bytes;
	return HEFT_OK;
}

enum heft_status heft_transposed_add(struct heft_transposed *t, uint32_t i, struct heft_file *file,
                                     uint32_t source, uint16_t to, const struct heft_sink *sink,
                                     struct heft_meter *meter, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)to);
	struct heft_transposed_item *item = &t->items[i];
	struct heft_tensor tensor;

	HEFT_TRY(heft_tensor_at(file, source, &tensor, err));
	heft_strided_init_transposed(&item->view, tensor.dims[0], tensor.dims[1], info->n_bytes);
	if (item->view.n_bytes == 0)
		return HEFT_OK;
	if (!t->scratch)
		HEFT_TRY(heft_scratch_beside(sink, &t->scratch, err));
	return fill_scratch(t, item, file, &tensor, to, meter, err);
}

void heft_transposed_read(const struct heft_transposed *t, uint32_t i, uint64_t off, void *dst,
                          size_t n)
{
	heft_strided_gather(&t->items[i].view, t->items[i].bytes, off, dst, n);
}
