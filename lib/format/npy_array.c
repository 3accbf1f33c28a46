/* SPDX-License-Identifier: Apache-2.0 */
/* npy_array.c - an open array: its header from wherever it lies, and the logical bytes of its
 * tensors. */
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "container/layout.h"
#include "format/npy_header.h"
#include "tensor/dtype.h"
#include "tensor/order.h"

#define PREFIX_SIZE 10u                /* magic, version, size of the literal in version 1 */
#define SMALL (UINT64_C(1) << 20)      /* put in order in memory, not through maps */
#define SLAB_SIZE (UINT64_C(8) << 20)  /* read and put in order at once */
#define WINDOW_SIZE ((size_t)64 << 10) /* read at once where runs lie close together */

struct heft_npy {
	struct heft_npy_input in;
	struct heft_scratch *scratch;
	struct heft_npy_layout layout;
	pthread_mutex_t mutex; /* over the two below */
	bool is_ordered;       /* the items lie row-major in the scratch file */
	uint64_t ordered_off;  /* there */
};

static enum heft_status fault(const struct heft_npy_input *in, enum heft_status code, uint64_t at,
                              const char *what, struct heft_error *err)
{
	return heft_fail(err, code, in->file_off + (in->src ? at : 0), "%s", what);
}

/* N2-1 to N2-3: fills all but the bytes. */
static enum heft_status read_prefix(const struct heft_npy_input *in, struct heft_npy_text *text,
                                    struct heft_error *err)
{
	const char *const cut = "the file ends before the array's header does";
	uint8_t prefix[PREFIX_SIZE + 2];
	uint64_t size;

	if (in->size < PREFIX_SIZE)
		return fault(in, HEFT_E_CORRUPT, in->size, cut, err);
	HEFT_TRY(in->read(in->ctx, 0, prefix, PREFIX_SIZE, err));
	if (memcmp(prefix, HEFT_NPY_MAGIC, HEFT_NPY_MAGIC_SIZE) != 0)
		return fault(in, HEFT_E_CORRUPT, 0, "it does not begin as a NumPy array", err);
	text->version = prefix[6];
	if (text->version < 1 || text->version > 3 || prefix[7] != 0)
		return fault(in, HEFT_E_UNSUPPORTED, 6, "the array's version is none of 1 to 3",
		             err);
	text->off = text->version == 1 ? PREFIX_SIZE : sizeof prefix;
	if (in->size < text->off)
		return fault(in, HEFT_E_CORRUPT, in->size, cut, err);
	if (text->version > 1)
		HEFT_TRY(in->read(in->ctx, PREFIX_SIZE, prefix + PREFIX_SIZE, 2, err));
	size = text->version == 1 ? heft_get_le16(prefix + 8) : heft_get_le32(prefix + 8);
	if (size > in->size - text->off)
		return fault(in, HEFT_E_CORRUPT, 8,
		             "the header's size reaches past the end of the file", err);
	if (size > HEFT_NPY_MAX_HEADER)
		return fault(in, HEFT_E_LIMIT, 8, "the header is larger than 1048576 bytes", err);
	text->size = (size_t)size;
	return HEFT_OK;
}

static enum heft_status read_header(const struct heft_npy_input *in,
                                    const struct heft_npy_options *options, const char *name,
                                    size_t name_size, struct heft_listing *tensors,
                                    struct heft_npy_layout *out, struct heft_error *err)
{
	struct heft_npy_text text;
	enum heft_status st;
	uint8_t *bytes;

	HEFT_TRY(read_prefix(in, &text, err));
	bytes = heft_alloc(text.size);
	if (!bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a header");
	text.bytes = bytes;
	st = in->read(in->ctx, text.off, bytes, text.size, err);
	if (st == HEFT_OK)
		st = heft_npy_parse(&text, in, options, name, name_size, tensors, out, err);
	heft_free(bytes);
	return st;
}

enum heft_status heft_npy_open(const struct heft_npy_input *in,
                               const struct heft_npy_options *options, const char *name,
                               size_t name_size, struct heft_listing *tensors,
                               struct heft_npy **out, struct heft_error *err)
{
	struct heft_npy *a = heft_zalloc(sizeof *a);
	enum heft_status st;

	if (!a)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an array");
	a->in = *in;
	a->scratch = options->scratch;
	pthread_mutex_init(&a->mutex, NULL);
	st = read_header(in, options, name, name_size, tensors, &a->layout, err);
	if (st != HEFT_OK) {
		heft_npy_close(a);
		return st;
	}
	*out = a;
	return HEFT_OK;
}

void heft_npy_close(struct heft_npy *a)
{
	if (!a)
		return;
	heft_npy_layout_done(&a->layout);
	pthread_mutex_destroy(&a->mutex);
	heft_free(a);
}

uint32_t heft_npy_n_tensors(const struct heft_npy *a)
{
	return a->layout.n_fields;
}

uint64_t heft_npy_data_off(const struct heft_npy *a)
{
	return a->layout.data_off;
}

uint64_t heft_npy_end(const struct heft_npy *a)
{
	return a->layout.data_off + a->layout.data_size;
}

bool heft_npy_is_plain(const struct heft_npy *a)
{
	const struct heft_npy_layout *l = &a->layout;
	struct heft_place place;

	if (l->data_size == 0)
		return true;
	return l->n_fields == 1 && heft_npy_locate(a, 0, &place, NULL) == HEFT_OK &&
	       l->fields[0].run_size == l->data_size;
}

/* A record's elements of another order are put in order together, fields and all; and elements that
 * are larger than a unit can be leave their size untold. */
enum heft_status heft_npy_locate(const struct heft_npy *a, uint32_t k, struct heft_place *place,
                                 struct heft_error *err)
{
	const struct heft_npy_layout *l = &a->layout;
	const struct heft_npy_field *f = &l->fields[k];
	const uint64_t off = l->data_off + f->off;

	if (!a->in.src)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "the array is packed");
	if (f->n_levels > 0 || (l->dims && (!f->is_item || l->item_size > HEFT_CHUNK_MAX)))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the tensor's bytes lie among others");
	*place = (struct heft_place){
		.src = a->in.src,
		.off = a->in.file_off + off,
		.transform = (uint8_t)((f->swap > 1 ? HEFT_TRANSFORM_SWAPPED : 0) |
		                       (l->dims ? HEFT_TRANSFORM_COLUMN_MAJOR : 0)),
	};
	return HEFT_OK;
}

/* --- column-major arrays --- */

static enum heft_status read_data(const struct heft_npy *a, uint64_t at, void *dst, size_t n,
                                  struct heft_error *err)
{
	return a->in.read(a->in.ctx, a->layout.data_off + at, dst, n, err);
}

static enum heft_status order_in_memory(struct heft_npy *a, struct heft_error *err)
{
	const size_t n = (size_t)a->layout.data_size;
	uint8_t *src = heft_alloc(n);
	uint8_t *dst = heft_alloc(n);
	enum heft_status st = HEFT_OK;

	if (!src || !dst)
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		               "no memory for an array in another order");
	if (st == HEFT_OK)
		st = read_data(a, 0, src, n, err);
	if (st == HEFT_OK)
		st = heft_scratch_add(a->scratch, n, &a->ordered_off, err);
	if (st == HEFT_OK) {
		heft_to_row_major(dst, src, a->layout.rank, a->layout.dims,
		                  (size_t)a->layout.item_size);
		st = heft_scratch_write(a->scratch, a->ordered_off, dst, n, err);
	}
	heft_free(src);
	heft_free(dst);
	return st;
}

/* All of the data, as it lies in the file. Not by a map of the file, which somebody may cut short
 * meanwhile. */
static enum heft_status fill(const struct heft_npy *a, uint8_t *dst, struct heft_error *err)
{
	const uint64_t n = a->layout.data_size;

	for (uint64_t at = 0; at < n; at += SLAB_SIZE)
		HEFT_TRY(read_data(a, at, dst + at,
		                   (size_t)(n - at < SLAB_SIZE ? n - at : SLAB_SIZE), err));
	return HEFT_OK;
}

static enum heft_status order_region(struct heft_npy *a, const uint8_t *src, struct heft_error *err)
{
	const uint64_t n = a->layout.data_size;
	uint8_t *dst;

	HEFT_TRY(heft_scratch_add(a->scratch, n, &a->ordered_off, err));
	HEFT_TRY(heft_scratch_map(a->scratch, a->ordered_off, n, &dst, err));
	heft_to_row_major(dst, src, a->layout.rank, a->layout.dims, (size_t)a->layout.item_size);
	heft_scratch_unmap(dst, n);
	return HEFT_OK;
}

static enum heft_status order_by_maps(struct heft_npy *a, struct heft_error *err)
{
	const uint64_t n = a->layout.data_size;
	uint8_t *src = NULL;
	enum heft_status st;
	uint64_t off;

	HEFT_TRY(heft_scratch_add(a->scratch, n, &off, err));
	st = heft_scratch_map(a->scratch, off, n, &src, err);
	if (st == HEFT_OK) {
		st = fill(a, src, err);
		if (st == HEFT_OK)
			st = order_region(a, src, err);
		heft_scratch_unmap(src, n);
	}
	heft_scratch_drop(a->scratch, off, n);
	return st;
}

/* The elements that share an index of the last dimension that is above 1 lie together: a plane. */
struct planes {
	uint32_t rank; /* of the dimensions up to that one */
	uint64_t n;
	uint64_t size;
	uint64_t n_at_once;
	uint8_t *src;
	uint8_t *dst;
	uint8_t *all; /* the map that all of them go to */
};

static void planes_init(struct planes *p, const struct heft_npy_layout *l)
{
	*p = (struct planes){ .rank = l->rank };
	while (l->dims[p->rank - 1] == 1)
		p->rank--;
	p->n = l->dims[p->rank - 1];
	p->size = l->data_size / p->n;
	p->n_at_once = p->size <= SLAB_SIZE ? SLAB_SIZE / p->size : 0;
	if (p->n_at_once > p->n)
		p->n_at_once = p->n;
}

/* Planes `first` to first + n: a row of them lies together in the end. */
static enum heft_status order_planes(struct heft_npy *a, const struct planes *p, uint64_t first,
                                     uint64_t n, struct heft_error *err)
{
	const size_t item_size = (size_t)a->layout.item_size;
	const size_t row_size = (size_t)n * item_size;
	uint64_t dims[HEFT_MAX_RANK];

	memcpy(dims, a->layout.dims, p->rank * sizeof *dims);
	dims[p->rank - 1] = n;
	HEFT_TRY(read_data(a, first * p->size, p->src, (size_t)(n * p->size), err));
	heft_to_row_major(p->dst, p->src, p->rank, dims, item_size);
	for (uint64_t i = 0; i < p->size / item_size; i++)
		memcpy(p->all + (i * p->n + first) * item_size, p->dst + i * row_size, row_size);
	return HEFT_OK;
}

static enum heft_status order_slabs(struct heft_npy *a, struct planes *p, struct heft_error *err)
{
	const uint64_t n = a->layout.data_size;
	enum heft_status st = HEFT_OK;

	HEFT_TRY(heft_scratch_add(a->scratch, n, &a->ordered_off, err));
	HEFT_TRY(heft_scratch_map(a->scratch, a->ordered_off, n, &p->all, err));
	for (uint64_t i = 0; st == HEFT_OK && i < p->n; i += p->n_at_once)
		st = order_planes(a, p, i, p->n - i < p->n_at_once ? p->n - i : p->n_at_once, err);
	heft_scratch_unmap(p->all, n);
	return st;
}

/* Reads the file once, from begin to end, and writes each byte once: half as much on disk as by
 * maps. */
static enum heft_status order_by_slabs(struct heft_npy *a, struct planes *p, struct heft_error *err)
{
	const size_t size = (size_t)(p->n_at_once * p->size);
	enum heft_status st;

	p->src = heft_alloc(size);
	p->dst = heft_alloc(size);
	st = p->src && p->dst ? order_slabs(a, p, err)
	                      : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
	                                  "no memory for an array in another order");
	heft_free(p->src);
	heft_free(p->dst);
	return st;
}

static enum heft_status order_anyhow(struct heft_npy *a, struct heft_error *err)
{
	struct planes p;

	if (a->layout.data_size <= SMALL)
		return order_in_memory(a, err);
	planes_init(&p, &a->layout);
	return p.n_at_once > 0 ? order_by_slabs(a, &p, err) : order_by_maps(a, err);
}

static enum heft_status put_in_order(struct heft_npy *a, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	pthread_mutex_lock(&a->mutex);
	if (!a->is_ordered) {
		st = order_anyhow(a, err);
		a->is_ordered = st == HEFT_OK;
	}
	pthread_mutex_unlock(&a->mutex);
	return st;
}

/* --- reading --- */

/* Bytes of the row-major elements, one behind the other. */
static enum heft_status read_items(struct heft_npy *a, uint64_t at, void *dst, size_t n,
                                   struct heft_error *err)
{
	if (!a->layout.dims)
		return read_data(a, at, dst, n, err);
	HEFT_TRY(put_in_order(a, err));
	return heft_scratch_read(a->scratch, a->ordered_off + at, dst, n, err);
}

static uint64_t run_off(const struct heft_npy_layout *l, const struct heft_npy_field *f,
                        uint64_t run_i)
{
	uint64_t off = f->off;

	for (uint32_t i = f->n_levels; i > 0; i--) {
		const struct heft_npy_level *level = &l->levels[f->level_at + i - 1];

		off += run_i % level->count * level->stride;
		run_i /= level->count;
	}
	return off;
}

/* What was read ahead of the data. */
struct window {
	uint8_t *bytes;
	uint64_t off;
	size_t size;
};

/* Bytes of a run, n of them, by way of the window, which is filled at most to `end`. */
static enum heft_status read_window(struct heft_npy *a, struct window *w, uint64_t off,
                                    uint64_t end, uint8_t *dst, size_t n, struct heft_error *err)
{
	if (off < w->off || !heft_in_range(off - w->off, n, w->size)) {
		const size_t size = end - off < WINDOW_SIZE ? (size_t)(end - off) : WINDOW_SIZE;

		w->size = 0;
		HEFT_TRY(read_items(a, off, w->bytes, size, err));
		w->off = off;
		w->size = size;
	}
	memcpy(dst, w->bytes + (off - w->off), n);
	return HEFT_OK;
}

/* Whether so little lies between the runs that reading it as well is cheaper than passing it by. */
static bool is_dense(const struct heft_npy_layout *l, const struct heft_npy_field *f)
{
	return l->levels[f->level_at + f->n_levels - 1].stride <= WINDOW_SIZE / 16;
}

static enum heft_status gather(struct heft_npy *a, const struct heft_npy_field *f, uint64_t off,
                               uint8_t *dst, size_t n, struct heft_error *err)
{
	const uint64_t last = off + n - 1;
	const uint64_t end = run_off(&a->layout, f, last / f->run_size) + last % f->run_size + 1;
	const bool by_window = is_dense(&a->layout, f);
	struct window w = { .bytes = heft_alloc(WINDOW_SIZE) };
	enum heft_status st = HEFT_OK;

	if (!w.bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a record");
	while (st == HEFT_OK && n > 0) {
		const uint64_t skip = off % f->run_size;
		const uint64_t left = f->run_size - skip;
		const size_t part = left < n ? (size_t)left : n;
		const uint64_t at = run_off(&a->layout, f, off / f->run_size) + skip;

		st = by_window ? read_window(a, &w, at, end, dst, part, err)
		               : read_items(a, at, dst, part, err);
		off += part;
		dst += part;
		n -= part;
	}
	heft_free(w.bytes);
	return st;
}

/* The tensor's bytes in their order, and each number's as they lie in the file. */
static enum heft_status read_raw(struct heft_npy *a, const struct heft_npy_field *f, uint64_t off,
                                 uint8_t *dst, size_t n, struct heft_error *err)
{
	if (f->n_levels == 0)
		return read_items(a, f->off + off, dst, n, err);
	return gather(a, f, off, dst, n, err);
}

/* A part of one number that lies the other way round. */
static enum heft_status read_part(struct heft_npy *a, const struct heft_npy_field *f, uint64_t off,
                                  uint8_t *dst, size_t n, struct heft_error *err)
{
	const uint64_t skip = off % f->swap;
	uint8_t number[8];

	HEFT_TRY(read_raw(a, f, off - skip, number, f->swap, err));
	heft_swap_bytes(number, f->swap, f->swap);
	memcpy(dst, number + skip, n);
	return HEFT_OK;
}

static enum heft_status read_swapped(struct heft_npy *a, const struct heft_npy_field *f,
                                     uint64_t off, uint8_t *dst, size_t n, struct heft_error *err)
{
	while (n > 0) {
		const uint64_t skip = off % f->swap;
		size_t part = n - n % f->swap;

		if (skip > 0 || part == 0) {
			part = n < f->swap - skip ? n : (size_t)(f->swap - skip);
			HEFT_TRY(read_part(a, f, off, dst, part, err));
		} else {
			HEFT_TRY(read_raw(a, f, off, dst, part, err));
			heft_swap_bytes(dst, part, f->swap);
		}
		off += part;
		dst += part;
		n -= part;
	}
	return HEFT_OK;
}

enum heft_status heft_npy_read(struct heft_npy *a, uint32_t k, uint64_t off, void *dst, size_t n,
                               struct heft_error *err)
{
	const struct heft_npy_field *f = &a->layout.fields[k];

	if (n == 0)
		return HEFT_OK;
	return f->swap > 1 ? read_swapped(a, f, off, dst, n, err)
	                   : read_raw(a, f, off, dst, n, err);
}
