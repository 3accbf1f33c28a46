/* SPDX-License-Identifier: Apache-2.0 */
/* strided.c - the logical bytes of elements that lie at any distances from one another. */
#include "tensor/strided.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* Runs of a block that is copied without splitting it further: 16 by 16. Where the rows are a power
 * of two apart, all their lines want the same few places of the first cache, so more do worse:
 * 4096 x 4096 of F16 are transposed at 1.5 GB/s, by 32 x 32 at 0.95, by 64 x 64 at 0.7; of F32 at
 * 2.9, 2.0 and 1.4 (AMD EPYC, one thread, gcc 12 -O2). */
#define BLOCK_RUNS 256u

/* Places are read at once where no more than this lies between them, or as much as they take. */
#define NEAR_SIZE 512u

/* --- views --- */

/* Adds a dimension inside those that are there; one that goes on where they left is joined. */
static void add_dimension(struct heft_strided *s, uint64_t dim, uint64_t stride)
{
	const uint32_t last = s->rank - 1;

	if (dim == 1)
		return;
	if (s->rank > 0 && s->strides[last] == dim * stride) {
		s->dims[last] *= dim;
		s->strides[last] = stride;
		return;
	}
	s->dims[s->rank] = dim;
	s->strides[s->rank++] = stride;
}

void heft_strided_init(struct heft_strided *s, uint32_t rank, const uint64_t *dims,
                       const uint64_t *strides, uint64_t offset, size_t element_size)
{
	uint64_t n_bytes = element_size;

	*s = (struct heft_strided){ .offset = offset, .run_size = element_size };
	for (uint32_t d = 0; d < rank; d++)
		if (dims[d] == 0)
			return;
	for (uint32_t d = 0; d < rank; d++) {
		n_bytes *= dims[d];
		/* the stride of a dimension of 1 may be anything */
		add_dimension(s, dims[d], dims[d] == 1 ? 0 : strides[d] * element_size);
	}
	s->n_bytes = n_bytes;
	if (s->rank > 0 && s->strides[s->rank - 1] == element_size)
		s->run_size *= s->dims[--s->rank];
}

void heft_strided_init_transposed(struct heft_strided *s, uint64_t n_rows, uint64_t n_columns,
                                  size_t element_size)
{
	const uint64_t dims[] = { n_columns, n_rows };
	const uint64_t strides[] = { 1, n_columns };

	heft_strided_init(s, 2, dims, strides, 0, element_size);
}

bool heft_strided_is_contiguous(const struct heft_strided *s)
{
	return s->rank == 0;
}

/* --- boxes of runs --- */

/* Runs that follow one another logically, and fill a box of the indexes: a count of each dimension.
 * Or a part of one run, without dimensions. */
struct box {
	uint64_t off; /* in the storage, of the first byte */
	size_t run_size;
	uint32_t rank;
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t src[HEFT_MAX_RANK]; /* strides in bytes */
	uint64_t dst[HEFT_MAX_RANK];
};

static uint64_t run_off(const struct heft_strided *s, uint64_t run_i, uint64_t *at)
{
	uint64_t off = s->offset;

	for (uint32_t d = s->rank; d > 0; d--) {
		at[d - 1] = run_i % s->dims[d - 1];
		run_i /= s->dims[d - 1];
		off += at[d - 1] * s->strides[d - 1];
	}
	return off;
}

/* The largest box of at most n runs that begins with run run_i; how many runs are in it. A range is
 * at most twice as many boxes as there are dimensions. */
static uint64_t box_of_runs(const struct heft_strided *s, uint64_t run_i, uint64_t n, struct box *b)
{
	uint64_t at[HEFT_MAX_RANK];
	uint64_t n_inner = 1; /* runs in one index of dimension `d` */
	uint32_t d = s->rank - 1;

	b->off = run_off(s, run_i, at);
	b->run_size = (size_t)s->run_size;
	while (d > 0 && at[d] == 0 && n / n_inner >= s->dims[d])
		n_inner *= s->dims[d--];
	b->rank = s->rank - d;
	memcpy(b->dims, s->dims + d, b->rank * sizeof *b->dims);
	memcpy(b->src, s->strides + d, b->rank * sizeof *b->src);
	b->dims[0] = s->dims[d] - at[d];
	if (b->dims[0] > n / n_inner)
		b->dims[0] = n / n_inner;
	b->dst[b->rank - 1] = s->run_size;
	for (d = b->rank - 1; d > 0; d--)
		b->dst[d - 1] = b->dst[d] * b->dims[d];
	return b->dims[0] * n_inner;
}

/* The first box of logical bytes [off, off + n), and how many of them it holds. */
static size_t next_box(const struct heft_strided *s, uint64_t off, size_t n, struct box *b)
{
	const uint64_t skip = off % s->run_size;
	const uint64_t left = s->run_size - skip;
	uint64_t at[HEFT_MAX_RANK];

	if (s->rank > 0 && skip == 0 && n >= s->run_size)
		return (size_t)box_of_runs(s, off / s->run_size, n / s->run_size, b) * b->run_size;
	b->off = run_off(s, off / s->run_size, at) + skip;
	b->run_size = left < n ? (size_t)left : n;
	b->rank = 0;
	return b->run_size;
}

/* The next indexes of all dimensions but two (which may be the same, or none: UINT32_MAX), in
 * row-major order; false: there are none. */
static bool step(const struct box *b, uint32_t but, uint32_t and_but, uint64_t *at)
{
	for (uint32_t d = b->rank; d-- > 0;) {
		if (d == but || d == and_but)
			continue;
		if (++at[d] < b->dims[d])
			return true;
		at[d] = 0;
	}
	return false;
}

static uint64_t sum_of(const struct box *b, const uint64_t *strides, const uint64_t *at)
{
	uint64_t sum = 0;

	for (uint32_t d = 0; d < b->rank; d++)
		sum += at[d] * strides[d];
	return sum;
}

/* --- from memory --- */

/* Of two dimensions: the runs of a row lie together in dst. Strides in bytes. */
struct plane {
	uint64_t n_rows;
	uint64_t n_columns;
	uint64_t src_row;
	uint64_t src_column;
	uint64_t dst_row;
};

#define COPY_PLANE(name, type)                                                    \
	static void name(uint8_t *dst, const uint8_t *src, const struct plane *p) \
	{                                                                         \
		for (uint64_t r = 0; r < p->n_rows; r++) {                        \
			const uint8_t *from = src + r * p->src_row;               \
			uint8_t *to = dst + r * p->dst_row;                       \
                                                                                  \
			for (uint64_t c = 0; c < p->n_columns; c++) {             \
				memcpy(to, from, sizeof(type));                   \
				to += sizeof(type);                               \
				from += p->src_column;                            \
			}                                                         \
		}                                                                 \
	}

struct sixteen {
	uint64_t halves[2];
};

COPY_PLANE(copy_plane_1, uint8_t)
COPY_PLANE(copy_plane_2, uint16_t)
COPY_PLANE(copy_plane_4, uint32_t)
COPY_PLANE(copy_plane_8, uint64_t)
COPY_PLANE(copy_plane_16, struct sixteen)

static void copy_plane_any(uint8_t *dst, const uint8_t *src, const struct plane *p, size_t size)
{
	for (uint64_t r = 0; r < p->n_rows; r++)
		for (uint64_t c = 0; c < p->n_columns; c++)
			memcpy(dst + r * p->dst_row + c * size,
			       src + r * p->src_row + c * p->src_column, size);
}

static void copy_plane(uint8_t *dst, const uint8_t *src, const struct plane *p, size_t size)
{
	switch (size) {
	case 1:
		copy_plane_1(dst, src, p);
		break;
	case 2:
		copy_plane_2(dst, src, p);
		break;
	case 4:
		copy_plane_4(dst, src, p);
		break;
	case 8:
		copy_plane_8(dst, src, p);
		break;
	case 16:
		copy_plane_16(dst, src, p);
		break;
	default:
		copy_plane_any(dst, src, p, size);
	}
}

/* The planes of dimension `row` and the last one, for all indexes of the others. */
static void copy_planes(const struct box *b, uint32_t row, uint8_t *dst, const uint8_t *src)
{
	const uint32_t last = b->rank - 1;
	const struct plane p = {
		.n_rows = row == last ? 1 : b->dims[row],
		.n_columns = b->dims[last],
		.src_row = b->src[row],
		.src_column = b->src[last],
		.dst_row = b->dst[row],
	};
	uint64_t at[HEFT_MAX_RANK] = { 0 };

	do {
		copy_plane(dst + sum_of(b, b->dst, at), src + sum_of(b, b->src, at), &p,
		           b->run_size);
	} while (step(b, row, last, at));
}

/* Halves the longest dimension until a block is small: whatever the caches' sizes, most of what is
 * loaded is used before it is pushed out. The depth is the logarithm of the number of runs. The
 * box's counts are the caller's again afterwards. */
static void copy_blocks(struct box *b, uint32_t row, uint8_t *dst, const uint8_t *src)
{
	uint32_t longest = 0;
	uint64_t n_runs = 1;
	uint64_t count;

	for (uint32_t d = 0; d < b->rank; d++) {
		n_runs *= b->dims[d];
		if (b->dims[d] > b->dims[longest])
			longest = d;
	}
	if (n_runs <= BLOCK_RUNS) {
		copy_planes(b, row, dst, src);
		return;
	}
	count = b->dims[longest];
	b->dims[longest] = count / 2;
	copy_blocks(b, row, dst, src);
	dst += b->dims[longest] * b->dst[longest];
	src += b->dims[longest] * b->src[longest];
	b->dims[longest] = count - b->dims[longest];
	copy_blocks(b, row, dst, src);
	b->dims[longest] = count;
}

/* The dimension along which the storage runs fastest. */
static uint32_t fastest(const struct box *b)
{
	uint32_t found = b->rank - 1;

	for (uint32_t d = b->rank - 1; d-- > 0;)
		if (b->dims[d] > 1 && b->src[d] > 0 &&
		    (b->src[found] == 0 || b->src[d] < b->src[found]))
			found = d;
	return found;
}

/* src: the storage's byte at b->off. */
static void copy_box(struct box *b, uint8_t *dst, const uint8_t *src)
{
	uint32_t row;

	if (b->rank == 0) {
		memcpy(dst, src, b->run_size);
		return;
	}
	row = fastest(b);
	if (row != b->rank - 1)
		copy_blocks(b, row, dst, src);
	else /* both sides run along it: nothing is won by blocks */
		copy_planes(b, b->rank > 1 ? row - 1 : row, dst, src);
}

void heft_strided_gather(const struct heft_strided *s, const void *storage, uint64_t off, void *dst,
                         size_t n)
{
	const uint8_t *src = storage;
	uint8_t *to = dst;
	struct box b;

	while (n > 0) {
		const size_t part = next_box(s, off, n, &b);

		copy_box(&b, to, src + b.off);
		off += part;
		to += part;
		n -= part;
	}
}

/* --- by reads --- */

struct reader {
	heft_strided_read_fn read;
	void *ctx;
	uint8_t *window;
};

/* A box as it is read: by segments, each of which holds what lies near in the storage. */
struct plan {
	bool is_near[HEFT_MAX_RANK]; /* of each dimension */
	uint64_t segment_size;
	uint64_t n_segments;
	uint32_t split; /* the dimension to halve first; UINT32_MAX: it fits the window */
};

/* The dimension with the least stride that is not near yet; UINT32_MAX: none. */
static uint32_t nearest(const struct box *b, const struct plan *p)
{
	uint32_t found = UINT32_MAX;

	for (uint32_t d = 0; d < b->rank; d++)
		if (!p->is_near[d] && (found == UINT32_MAX || b->src[d] < b->src[found]))
			found = d;
	return found;
}

static void make_plan(const struct box *b, struct plan *p)
{
	uint32_t d;

	*p = (struct plan){ .segment_size = b->run_size, .n_segments = 1, .split = UINT32_MAX };
	while ((d = nearest(b, p)) != UINT32_MAX) {
		const uint64_t size = p->segment_size;
		const uint64_t gap = size > NEAR_SIZE ? size : NEAR_SIZE;

		if (b->dims[d] > 1 && b->src[d] > size + gap)
			break;
		p->is_near[d] = true;
		p->segment_size += (b->dims[d] - 1) * b->src[d];
		if (p->segment_size > HEFT_STRIDED_WINDOW) {
			p->split = d;
			return;
		}
	}
	for (d = 0; d < b->rank; d++) {
		if (p->is_near[d])
			continue;
		p->n_segments *= b->dims[d];
		if (p->split == UINT32_MAX || b->dims[d] > b->dims[p->split])
			p->split = d;
	}
	if (p->n_segments <= HEFT_STRIDED_WINDOW / p->segment_size)
		p->split = UINT32_MAX;
}

/* Reads the segments one behind the other, and takes the box from there. */
static enum heft_status read_segments(struct reader *r, const struct box *b, const struct plan *p,
                                      uint8_t *dst, struct heft_error *err)
{
	uint64_t at[HEFT_MAX_RANK] = { 0 };
	uint8_t *to = r->window;
	struct box packed = *b;
	uint64_t size = p->segment_size;
	uint64_t n = 1;

	for (uint32_t d = 0; d < b->rank; d++)
		if (p->is_near[d])
			packed.dims[d] = 1;
	do {
		HEFT_TRY(r->read(r->ctx, b->off + sum_of(b, b->src, at), to,
		                 (size_t)p->segment_size, err));
		to += p->segment_size;
	} while (step(&packed, UINT32_MAX, UINT32_MAX, at));
	for (uint32_t d = b->rank; d-- > 0;) {
		packed.dims[d] = b->dims[d];
		if (!p->is_near[d]) {
			packed.src[d] = n * size;
			n *= b->dims[d];
		}
	}
	copy_box(&packed, dst, r->window);
	return HEFT_OK;
}

/* Halves the box until one fits the window; as copy_blocks does. */
static enum heft_status read_blocks(struct reader *r, struct box *b, uint8_t *dst,
                                    struct heft_error *err)
{
	enum heft_status st;
	struct plan p;
	uint64_t count;
	uint64_t skip;

	make_plan(b, &p);
	if (p.split == UINT32_MAX)
		return read_segments(r, b, &p, dst, err);
	count = b->dims[p.split];
	b->dims[p.split] = count / 2;
	st = read_blocks(r, b, dst, err);
	skip = b->dims[p.split] * b->src[p.split];
	dst += b->dims[p.split] * b->dst[p.split];
	b->dims[p.split] = count - b->dims[p.split];
	b->off += skip;
	if (st == HEFT_OK)
		st = read_blocks(r, b, dst, err);
	b->off -= skip;
	b->dims[p.split] = count;
	return st;
}

static enum heft_status read_runs(struct reader *r, const struct box *b, uint8_t *dst,
                                  struct heft_error *err)
{
	uint64_t at[HEFT_MAX_RANK] = { 0 };

	do {
		HEFT_TRY(r->read(r->ctx, b->off + sum_of(b, b->src, at), dst, b->run_size, err));
		dst += b->run_size;
	} while (step(b, UINT32_MAX, UINT32_MAX, at));
	return HEFT_OK;
}

static enum heft_status read_box(struct reader *r, struct box *b, uint8_t *dst,
                                 struct heft_error *err)
{
	if (b->rank == 0 || b->run_size > HEFT_STRIDED_WINDOW / 4)
		return read_runs(r, b, dst, err);
	if (!r->window)
		r->window = heft_alloc(HEFT_STRIDED_WINDOW);
	if (!r->window)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a tensor");
	return read_blocks(r, b, dst, err);
}

enum heft_status heft_strided_read(const struct heft_strided *s, heft_strided_read_fn read,
                                   void *ctx, uint64_t off, void *dst, size_t n,
                                   struct heft_error *err)
{
	struct reader r = { .read = read, .ctx = ctx };
	enum heft_status st = HEFT_OK;
	uint8_t *to = dst;
	struct box b;

	while (st == HEFT_OK && n > 0) {
		const size_t part = next_box(s, off, n, &b);

		st = read_box(&r, &b, to, err);
		off += part;
		to += part;
		n -= part;
	}
	heft_free(r.window);
	return st;
}
