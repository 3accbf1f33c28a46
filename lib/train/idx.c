/* SPDX-License-Identifier: Apache-2.0 */
/* idx.c - reads IDX files. */
#include "train/idx.h"

#include "base/alloc.h"
#include "base/error.h"
#include "format/gzip.h"
#include "tensor/order.h"

#define MAGIC_SIZE 4u
#define DIM_SIZE 4u
#define MAX_RANK (HEFT_VALUE_MAX_RANK + 1)

struct heft_idx {
	struct heft_source *src;
	bool is_packed;
	enum heft_dtype dtype;
	uint32_t rank;
	uint64_t dims[MAX_RANK];
	uint64_t data_off; /* unpacked */
	uint64_t n_bytes;  /* of the elements */
};

/* The third byte of the magic number. */
static enum heft_dtype dtype_of(uint8_t code)
{
	switch (code) {
	case 0x08:
		return HEFT_DTYPE_U8;
	case 0x09:
		return HEFT_DTYPE_I8;
	case 0x0b:
		return HEFT_DTYPE_I16;
	case 0x0c:
		return HEFT_DTYPE_I32;
	case 0x0d:
		return HEFT_DTYPE_F32;
	case 0x0e:
		return HEFT_DTYPE_F64;
	default:
		return HEFT_DTYPE_NONE;
	}
}

bool heft_idx_is(const uint8_t *head, size_t n)
{
	return n >= MAGIC_SIZE && head[0] == 0 && head[1] == 0 &&
	       dtype_of(head[2]) != HEFT_DTYPE_NONE && head[3] > 0;
}

/* The first bytes, unpacked; fewer where the file is shorter. */
static enum heft_status read_head(struct heft_idx *x, uint8_t *head, size_t n, size_t *n_got,
                                  struct heft_error *err)
{
	struct heft_gzip *g;
	enum heft_status st;

	*n_got = heft_source_size(x->src) < n ? (size_t)heft_source_size(x->src) : n;
	HEFT_TRY(heft_source_read(x->src, 0, head, *n_got, err));
	x->is_packed = heft_gzip_is(head, *n_got);
	if (!x->is_packed)
		return HEFT_OK;
	HEFT_TRY(heft_gzip_new(x->src, &g, err));
	st = heft_gzip_read(g, head, n, n_got, err);
	heft_gzip_free(g);
	return st;
}

static enum heft_status parse(struct heft_idx *x, const uint8_t *head, size_t n,
                              struct heft_error *err)
{
	if (!heft_idx_is(head, n))
		return heft_fail(err, HEFT_E_CORRUPT, 0,
		                 "no IDX file: it begins with another magic number");
	x->dtype = dtype_of(head[2]);
	x->rank = head[3];
	if (x->rank > MAX_RANK)
		return heft_fail(err, HEFT_E_UNSUPPORTED, 3, "an array of %u dimensions", x->rank);
	x->data_off = MAGIC_SIZE + DIM_SIZE * (uint64_t)x->rank;
	if (n < x->data_off)
		return heft_fail(err, HEFT_E_CORRUPT, n, "the header is cut short");
	for (uint32_t d = 0; d < x->rank; d++) {
		const uint8_t *p = head + MAGIC_SIZE + (size_t)DIM_SIZE * d;

		x->dims[d] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
		             p[3];
	}
	return heft_tensor_size(x->dtype, x->rank, x->dims, NULL, &x->n_bytes, err);
}

/* Of packed bytes only how many they can be at most is known yet. */
static enum heft_status check_size(const struct heft_idx *x, struct heft_error *err)
{
	const uint64_t size = heft_source_size(x->src);
	const uint64_t there = size < x->data_off ? 0 : size - x->data_off;

	if (x->n_bytes > (x->is_packed ? heft_gzip_bound(size) : there))
		return heft_fail(err, HEFT_E_CORRUPT, size,
		                 "the file ends too early: its header states %llu bytes",
		                 (unsigned long long)x->n_bytes);
	if (!x->is_packed && x->n_bytes < there)
		return heft_fail(err, HEFT_E_CORRUPT, x->data_off + x->n_bytes,
		                 "bytes follow the last element");
	return HEFT_OK;
}

static enum heft_status begin(struct heft_idx *x, const char *path, struct heft_error *err)
{
	uint8_t head[MAGIC_SIZE + DIM_SIZE * MAX_RANK];
	size_t n;

	HEFT_TRY(heft_source_open(path, false, &x->src, err));
	HEFT_TRY(read_head(x, head, sizeof head, &n, err));
	HEFT_TRY(parse(x, head, n, err));
	return check_size(x, err);
}

enum heft_status heft_idx_open(const char *path, struct heft_idx **out, struct heft_error *err)
{
	struct heft_idx *x = heft_zalloc(sizeof *x);
	enum heft_status st;

	if (!x)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a data set");
	st = begin(x, path, err);
	if (st != HEFT_OK) {
		heft_idx_close(x);
		return st;
	}
	*out = x;
	return HEFT_OK;
}

void heft_idx_close(struct heft_idx *x)
{
	if (!x)
		return;
	heft_source_close(x->src);
	heft_free(x);
}

enum heft_dtype heft_idx_dtype(const struct heft_idx *x)
{
	return x->dtype;
}

uint32_t heft_idx_rank(const struct heft_idx *x)
{
	return x->rank;
}

const uint64_t *heft_idx_dims(const struct heft_idx *x)
{
	return x->dims;
}

bool heft_idx_is_packed(const struct heft_idx *x)
{
	return x->is_packed;
}

/* All of it, and that there is no more; the checksum is compared at the end. */
static enum heft_status unpack(struct heft_idx *x, struct heft_gzip *g, uint8_t *dst, size_t n,
                               struct heft_error *err)
{
	uint8_t head[MAGIC_SIZE + DIM_SIZE * MAX_RANK];
	uint8_t more;
	size_t n_got;

	HEFT_TRY(heft_gzip_read(g, head, (size_t)x->data_off, &n_got, err));
	HEFT_TRY(heft_gzip_read(g, dst, n, &n_got, err));
	if (n_got < n)
		return heft_fail(err, HEFT_E_CORRUPT, heft_source_size(x->src),
		                 "it unpacks to %llu bytes fewer than its header states",
		                 (unsigned long long)(n - n_got));
	HEFT_TRY(heft_gzip_read(g, &more, 1, &n_got, err));
	if (n_got > 0)
		return heft_fail(err, HEFT_E_CORRUPT, heft_source_size(x->src),
		                 "it unpacks to more bytes than its header states");
	return HEFT_OK;
}

enum heft_status heft_idx_read(struct heft_idx *x, uint64_t off, void *dst, size_t n,
                               struct heft_error *err)
{
	struct heft_gzip *g;
	enum heft_status st;

	if (!x->is_packed) {
		st = heft_source_read(x->src, x->data_off + off, dst, n, err);
	} else {
		HEFT_TRY(heft_gzip_new(x->src, &g, err));
		st = unpack(x, g, dst, n, err);
		heft_gzip_free(g);
	}
	if (st == HEFT_OK)
		heft_swap_bytes(dst, n, heft_swap_size(x->dtype));
	return st;
}
