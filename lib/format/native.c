/* SPDX-License-Identifier: Apache-2.0 */
/* native.c - heft's own format behind the vtable of formats: it adapts container/index.h and
 * container/writer.h. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/index.h"
#include "container/meta.h"
#include "container/writer.h"
#include "format/format.h"
#include "tensor/dtype.h"
#include "tensor/name.h"

/* What one read needs; kept for the next one. */
struct lane {
	struct lane *next;
	struct heft_chunk_reader *reader;
	uint8_t *room; /* a chunk of which only a part was asked for; made when first needed */
};

struct native {
	struct heft_source *src;
	struct heft_index *ix;
	/* Names end with NUL here and not in the tables. Each is made when first asked for, by
	 * whichever thread is first, so that an open with a trusted index costs the same whatever
	 * the number of tensors. */
	_Atomic(char *) *names;
	bool verifies;
	uint64_t max_metadata_size;
	char *scratch_folder; /* NULL: the system's */
	pthread_mutex_t lock; /* of all below */
	char *metadata;
	struct heft_large_bytes graph;
	uint64_t graph_size;
	bool has_read_graph;
	struct lane *idle; /* as many as there were reads at the same time */
};

/* --- opening --- */

/* Either page may be damaged. */
static unsigned native_probe(const uint8_t *head, size_t n, uint64_t file_size)
{
	(void)file_size;
	for (size_t at = 0; at < HEFT_DATA_START; at += HEFT_PAGE_SIZE) {
		if (n >= at + HEFT_MAGIC_SIZE &&
		    memcmp(head + at, HEFT_MAGIC, HEFT_MAGIC_SIZE) == 0)
			return 8 * HEFT_MAGIC_SIZE;
	}
	return 0;
}

static void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	heft_chunk_reader_free(lane->reader);
	heft_free(lane->room);
	heft_free(lane);
}

static void native_close(void *st)
{
	struct native *f = st;

	if (!f)
		return;
	while (f->idle) {
		struct lane *next = f->idle->next;

		lane_free(f->idle);
		f->idle = next;
	}
	if (f->names) {
		for (uint32_t i = 0; i < heft_index_n_tensors(f->ix); i++)
			heft_free(atomic_load(&f->names[i]));
	}
	heft_free(f->names);
	heft_free(f->metadata);
	heft_large_bytes_done(&f->graph);
	heft_free(f->scratch_folder);
	heft_index_close(f->ix);
	pthread_mutex_destroy(&f->lock);
	heft_free(f);
}

static enum heft_status open_index(struct native *f, const struct heft_open_options *options,
                                   struct heft_error *err)
{
	const struct heft_index_options o = {
		.trust = (options->flags & HEFT_OPEN_TRUST_INDEX) != 0,
		.previous = (options->flags & HEFT_OPEN_PREVIOUS) != 0,
		.n_threads = options->run.n_threads,
		.limits = options->limits,
	};

	HEFT_TRY(heft_index_open(f->src, &o, &f->ix, err));
	f->names = heft_zalloc_array(heft_index_n_tensors(f->ix), sizeof *f->names);
	if (!f->names)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for names");
	return HEFT_OK;
}

static enum heft_status keep_folder(struct native *f, const struct heft_open_options *options,
                                    struct heft_error *err)
{
	if (!options->scratch_folder)
		return HEFT_OK;
	f->scratch_folder = heft_strdup(options->scratch_folder);
	return f->scratch_folder
	               ? HEFT_OK
	               : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
}

static enum heft_status native_open(struct heft_source *src, const char *path,
                                    const struct heft_open_options *options, void **st,
                                    struct heft_error *err)
{
	static const struct heft_open_options usual;
	struct native *f = heft_zalloc(sizeof *f);
	enum heft_status status;

	(void)path;
	if (!f)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a file");
	if (!options)
		options = &usual;
	pthread_mutex_init(&f->lock, NULL);
	f->src = src;
	f->verifies = (options->flags & HEFT_OPEN_VERIFY) != 0;
	f->max_metadata_size = options->limits.max_metadata_size;
	if (f->max_metadata_size == 0 || f->max_metadata_size > HEFT_META_MAX)
		f->max_metadata_size = HEFT_META_MAX;
	status = keep_folder(f, options, err);
	if (status == HEFT_OK)
		status = open_index(f, options, err);
	if (status != HEFT_OK) {
		native_close(f);
		return status;
	}
	*st = f;
	return HEFT_OK;
}

static struct heft_index *native_index(void *st)
{
	return ((struct native *)st)->ix;
}

/* --- tensors --- */

static uint32_t native_n_tensors(const void *st)
{
	return heft_index_n_tensors(((const struct native *)st)->ix);
}

static enum heft_status row_at(struct native *f, uint32_t i, uint32_t *row_i, struct heft_row *row,
                               struct heft_error *err)
{
	HEFT_TRY(heft_index_row_at(f->ix, i, row_i, err));
	return heft_index_row(f->ix, *row_i, row, err);
}

static enum heft_status name_of(struct native *f, uint32_t i, const struct heft_row *row,
                                const char **name, struct heft_error *err)
{
	char *made = atomic_load_explicit(&f->names[i], memory_order_acquire);
	char *there = NULL;

	if (!made) {
		made = heft_strndup(row->name, row->name_size);
		if (!made)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
		if (!atomic_compare_exchange_strong(&f->names[i], &there, made)) {
			heft_free(made);
			made = there;
		}
	}
	*name = made;
	return HEFT_OK;
}

/* What a map of the file gives: the place's own alignment, but not more than a page's. */
static uint32_t alignment_of(const struct heft_row *row)
{
	uint32_t alignment = 1;

	if (row->is_coded || row->n_bytes == 0)
		return 1;
	while (alignment < HEFT_PAGE_SIZE && row->place % (2 * (uint64_t)alignment) == 0)
		alignment *= 2;
	return alignment;
}

static enum heft_status native_tensor_at(void *st, uint32_t i, struct heft_tensor *t,
                                         struct heft_error *err)
{
	struct native *f = st;
	struct heft_tensor found = { .index = i };
	struct heft_row row;
	uint32_t row_i;

	HEFT_TRY(row_at(f, i, &row_i, &row, err));
	HEFT_TRY(name_of(f, i, &row, &found.name, err));
	HEFT_TRY(heft_index_position(f->ix, row.tie, &found.tie, err));
	found.dtype = (enum heft_dtype)row.dtype;
	found.space = (enum heft_space)row.space;
	found.role = heft_role_from_name(found.name, row.rank);
	found.rank = row.rank;
	found.alignment = alignment_of(&row);
	found.n_bytes = row.n_bytes;
	heft_index_dims(f->ix, &row, found.dims);
	if (!heft_dims_product(row.rank, found.dims, &found.n_elements))
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "tensor '%s' has 2^63 elements or more", found.name);
	*t = found;
	return HEFT_OK;
}

static enum heft_status native_find(void *st, uint8_t space, const char *name, uint32_t *i,
                                    struct heft_error *err)
{
	struct native *f = st;
	uint32_t row_i;

	HEFT_TRY(heft_index_find(f->ix, space, name, strlen(name), &row_i, err));
	return heft_index_position(f->ix, row_i, i, err);
}

static enum heft_status native_locate(void *st, uint32_t i, struct heft_place *place,
                                      struct heft_error *err)
{
	struct native *f = st;
	struct heft_row row;
	uint32_t row_i;

	HEFT_TRY(row_at(f, i, &row_i, &row, err));
	if (row.is_coded)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "tensor '%.*s' is compressed: it can be read and not mapped",
		                 row.name_size < 80 ? (int)row.name_size : 80, row.name);
	*place = (struct heft_place){ .src = f->src, .off = row.place };
	return HEFT_OK;
}

/* --- reading --- */

static enum heft_status take_lane(struct native *f, struct lane **out, struct heft_error *err)
{
	struct lane *lane;
	enum heft_status st;

	pthread_mutex_lock(&f->lock);
	lane = f->idle;
	if (lane)
		f->idle = lane->next;
	pthread_mutex_unlock(&f->lock);
	if (!lane) {
		lane = heft_zalloc(sizeof *lane);
		if (!lane)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read");
		st = heft_chunk_reader_new(f->ix, &lane->reader, err);
		if (st != HEFT_OK) {
			lane_free(lane);
			return st;
		}
	}
	*out = lane;
	return HEFT_OK;
}

static void give_lane(struct native *f, struct lane *lane)
{
	pthread_mutex_lock(&f->lock);
	lane->next = f->idle;
	f->idle = lane;
	pthread_mutex_unlock(&f->lock);
}

/* A range of a tensor's bytes on its way into the caller's memory. */
struct range {
	struct native *f;
	const struct heft_row *row;
	uint32_t row_i;
	uint64_t off;
	uint8_t *dst;
	size_t n; /* left */
};

static enum heft_status read_chunk(const struct range *r, struct lane *lane, uint64_t chunk_i,
                                   uint8_t *dst, struct heft_error *err)
{
	size_t n;

	if (r->f->verifies)
		return heft_chunk_read_hashed(lane->reader, r->row_i, r->row, chunk_i, true, dst,
		                              &n, NULL, err);
	return heft_chunk_read(lane->reader, r->row, chunk_i, dst, &n, err);
}

/* The part of the range that lies in its first chunk: a whole chunk goes where it belongs, of any
 * other one only the part. */
static enum heft_status read_part(struct range *r, struct lane *lane, struct heft_error *err)
{
	const uint64_t chunk_i = r->off / r->row->chunk_size;
	const uint64_t chunk_off = chunk_i * r->row->chunk_size;
	const uint64_t left = r->row->n_bytes - chunk_off;
	const size_t chunk_n = left < r->row->chunk_size ? (size_t)left : r->row->chunk_size;
	const size_t skip = (size_t)(r->off - chunk_off);
	const size_t n = chunk_n - skip < r->n ? chunk_n - skip : r->n;

	if (n == chunk_n) {
		HEFT_TRY(read_chunk(r, lane, chunk_i, r->dst, err));
	} else {
		if (!lane->room)
			lane->room = heft_alloc(HEFT_CHUNK_MAX);
		if (!lane->room)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for a chunk");
		HEFT_TRY(read_chunk(r, lane, chunk_i, lane->room, err));
		memcpy(r->dst, lane->room + skip, n);
	}
	r->off += n;
	r->dst += n;
	r->n -= n;
	return HEFT_OK;
}

static enum heft_status native_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                    struct heft_error *err)
{
	struct native *f = st;
	struct heft_row row;
	struct range range = { .f = f, .row = &row, .off = off, .dst = dst, .n = n };
	struct lane *lane = NULL;
	enum heft_status status = HEFT_OK;

	HEFT_TRY(row_at(f, i, &range.row_i, &row, err));
	if (!row.is_coded && !f->verifies)
		return heft_source_read(f->src, row.place + off, dst, n, err);
	HEFT_TRY(take_lane(f, &lane, err));
	while (status == HEFT_OK && range.n > 0)
		status = read_part(&range, lane, err);
	give_lane(f, lane);
	return status;
}

/* --- metadata --- */

static enum heft_status read_metadata(struct native *f, char **out, struct heft_error *err)
{
	struct heft_section section;
	uint8_t *bytes;
	enum heft_status st;

	if (!heft_index_find_section(f->ix, HEFT_SECTION_META, &section)) {
		*out = heft_strdup("{}");
		return *out ? HEFT_OK
		            : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                        "no memory for metadata");
	}
	HEFT_TRY(heft_index_read_section(f->ix, &section, f->max_metadata_size, &bytes, err));
	st = heft_meta_check((const char *)bytes, (size_t)section.size, HEFT_E_CORRUPT, section.off,
	                     err);
	/* A place within a compressed text is none in the file. */
	if (st != HEFT_OK && err && section.stored_size != section.size)
		err->offset = section.off;
	if (st != HEFT_OK) {
		heft_free(bytes);
		return st;
	}
	*out = (char *)bytes;
	return HEFT_OK;
}

/* Read once, when first asked for. */
static enum heft_status native_metadata(void *st, const char **json, struct heft_error *err)
{
	struct native *f = st;
	enum heft_status status = HEFT_OK;

	pthread_mutex_lock(&f->lock);
	if (!f->metadata)
		status = read_metadata(f, &f->metadata, err);
	if (status == HEFT_OK)
		*json = f->metadata;
	pthread_mutex_unlock(&f->lock);
	return status;
}

/* --- graph --- */

/* What is in it is for whoever uses it to check (spec R7.3-2). */
static enum heft_status read_graph(struct native *f, struct heft_error *err)
{
	struct heft_section section;

	if (heft_index_find_section(f->ix, HEFT_SECTION_GRAPH, &section)) {
		HEFT_TRY(heft_index_read_large(f->ix, &section, HEFT_GRAPH_MAX, f->scratch_folder,
		                               &f->graph, err));
		f->graph_size = section.size;
	}
	f->has_read_graph = true;
	return HEFT_OK;
}

/* Read once, when first asked for. */
static enum heft_status native_graph(void *st, const uint8_t **bytes, uint64_t *size,
                                     struct heft_error *err)
{
	struct native *f = st;
	enum heft_status status = HEFT_OK;

	pthread_mutex_lock(&f->lock);
	if (!f->has_read_graph)
		status = read_graph(f, err);
	if (status == HEFT_OK) {
		*bytes = f->graph.bytes;
		*size = f->graph_size;
	}
	pthread_mutex_unlock(&f->lock);
	return status;
}

/* --- writing --- */

static enum heft_status native_check(const struct heft_write_plan *plan, struct heft_error *err)
{
	const uint32_t alignment = plan->options.alignment;

	if (alignment != 0 &&
	    (alignment < 64 || alignment > UINT32_C(2) << 20 || (alignment & (alignment - 1)) != 0))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "an alignment of %u is not a power of two from 64 to 2 MiB",
		                 (unsigned)alignment);
	return HEFT_OK;
}

static enum heft_status native_begin(const struct heft_write_plan *plan, struct heft_sink *sink,
                                     uint32_t *order, void **w, struct heft_error *err)
{
	struct heft_container_writer *writer;

	HEFT_TRY(heft_container_begin(plan, sink, &writer, err));
	for (uint32_t i = 0; i < heft_listing_n(plan->tensors); i++)
		order[i] = i;
	*w = writer;
	return HEFT_OK;
}

static size_t native_scratch_size(const void *w)
{
	return heft_container_scratch_size(w);
}

static enum heft_status native_encode(void *w, struct heft_piece *p, struct heft_coder *coder,
                                      uint8_t *scratch, struct heft_error *err)
{
	return heft_container_encode(w, p, coder, scratch, err);
}

static enum heft_status native_place(void *w, struct heft_piece *p, struct heft_error *err)
{
	return heft_container_place(w, p, err);
}

static enum heft_status native_store(void *w, const struct heft_piece *p, struct heft_error *err)
{
	return heft_container_store(w, p, err);
}

static enum heft_status native_finish(void *w, const uint8_t *leaves, const uint64_t *first_leaf,
                                      struct heft_error *err)
{
	return heft_container_finish(w, leaves, first_leaf, err);
}

static void native_writer_free(void *w)
{
	heft_container_writer_free(w);
}

const struct heft_format heft_format_native = {
	.name = "heft",
	.ext = ".heft",
	.caps = HEFT_FORMAT_READ | HEFT_FORMAT_WRITE | HEFT_FORMAT_TIES | HEFT_FORMAT_DIGESTS |
	        HEFT_FORMAT_COMPRESSES | HEFT_FORMAT_GRAPH,
	.head_size = HEFT_DATA_START,
	.probe = native_probe,
	.open = native_open,
	.close = native_close,
	.n_tensors = native_n_tensors,
	.tensor_at = native_tensor_at,
	.find = native_find,
	.read = native_read,
	.locate = native_locate,
	.metadata = native_metadata,
	.graph = native_graph,
	.index = native_index,
	.check = native_check,
	.begin = native_begin,
	.scratch_size = native_scratch_size,
	.encode = native_encode,
	.place = native_place,
	.store = native_store,
	.finish = native_finish,
	.writer_free = native_writer_free,
};
