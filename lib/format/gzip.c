/* SPDX-License-Identifier: Apache-2.0 */
/* gzip.c - unpacks a file of gzip from its begin to its end. */
#include "format/gzip.h"

#include <zlib.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/zlib_memory.h"

#define IN_SIZE ((size_t)64 << 10)
#define OUT_MAX ((size_t)1 << 30) /* at once: zlib counts in unsigned int */
#define DEFLATE_RATIO 1032u
#define WITH_GZIP_HEADER (MAX_WBITS + 16)

struct heft_gzip {
	struct heft_source *src;
	z_stream inflate;
	uint64_t in_pos; /* of the file: what was read */
	bool is_begun;
	bool in_member; /* else between two, or behind the last */
	bool is_first;
	uint8_t in[IN_SIZE];
};

bool heft_gzip_is(const uint8_t *head, size_t n)
{
	return n >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8;
}

uint64_t heft_gzip_bound(uint64_t packed_size)
{
	uint64_t most;

	return heft_mul_u64(packed_size, DEFLATE_RATIO, &most) ? most : UINT64_MAX;
}

enum heft_status heft_gzip_new(struct heft_source *src, struct heft_gzip **out,
                               struct heft_error *err)
{
	struct heft_gzip *g = heft_alloc(sizeof *g);

	if (!g)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to unpack a file");
	g->src = src;
	g->in_pos = 0;
	g->in_member = true;
	g->is_first = true;
	g->inflate = (z_stream){ 0 };
	heft_zlib_set_memory(&g->inflate);
	g->is_begun = inflateInit2(&g->inflate, WITH_GZIP_HEADER) == Z_OK;
	if (!g->is_begun) {
		heft_gzip_free(g);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to unpack a file");
	}
	*out = g;
	return HEFT_OK;
}

void heft_gzip_free(struct heft_gzip *g)
{
	if (!g)
		return;
	if (g->is_begun)
		inflateEnd(&g->inflate);
	heft_free(g);
}

/* In the file, of the next byte that zlib has not taken. */
static uint64_t here(const struct heft_gzip *g)
{
	return g->in_pos - g->inflate.avail_in;
}

static enum heft_status refill(struct heft_gzip *g, struct heft_error *err)
{
	const uint64_t left = heft_source_size(g->src) - g->in_pos;
	const size_t n = left < IN_SIZE ? (size_t)left : IN_SIZE;

	if (g->inflate.avail_in > 0 || n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_source_read(g->src, g->in_pos, g->in, n, err));
	g->in_pos += n;
	g->inflate.next_in = g->in;
	g->inflate.avail_in = (unsigned)n;
	return HEFT_OK;
}

/* Between members: another one, zeros to the end of the file, or the end. */
static enum heft_status next_member(struct heft_gzip *g, bool *is_end, struct heft_error *err)
{
	HEFT_TRY(refill(g, err));
	*is_end = g->inflate.avail_in == 0;
	if (*is_end)
		return HEFT_OK;
	if (g->inflate.next_in[0] == 0) {
		while (g->inflate.avail_in > 0 && g->inflate.next_in[0] == 0) {
			g->inflate.next_in++;
			g->inflate.avail_in--;
			HEFT_TRY(refill(g, err));
		}
		*is_end = g->inflate.avail_in == 0;
		return *is_end ? HEFT_OK
		               : heft_fail(err, HEFT_E_CORRUPT, here(g),
		                           "bytes follow the zeros behind the packed data");
	}
	if (inflateReset2(&g->inflate, WITH_GZIP_HEADER) != Z_OK)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to unpack a file");
	g->in_member = true;
	g->is_first = false;
	return HEFT_OK;
}

static enum heft_status damaged(const struct heft_gzip *g, int r, struct heft_error *err)
{
	if (r == Z_MEM_ERROR)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to unpack a file");
	if (r == Z_BUF_ERROR)
		return heft_fail(err, HEFT_E_CORRUPT, here(g), "the packed data ends too early");
	if (g->inflate.total_out == 0 && !g->is_first)
		return heft_fail(err, HEFT_E_CORRUPT, here(g),
		                 "bytes follow the packed data that are no gzip");
	return heft_fail(err, HEFT_E_CORRUPT, here(g), "the packed data is damaged");
}

/* Up to OUT_MAX bytes; fewer only where the file ends. */
static enum heft_status unpack(struct heft_gzip *g, uint8_t *dst, size_t n, size_t *n_got,
                               struct heft_error *err)
{
	bool is_end = false;
	int r;

	g->inflate.next_out = dst;
	g->inflate.avail_out = (unsigned)n;
	while (g->inflate.avail_out > 0) {
		if (!g->in_member)
			HEFT_TRY(next_member(g, &is_end, err));
		if (is_end)
			break;
		HEFT_TRY(refill(g, err));
		r = inflate(&g->inflate, Z_NO_FLUSH);
		if (r == Z_STREAM_END)
			g->in_member = false;
		else if (r != Z_OK)
			return damaged(g, r, err);
	}
	*n_got = n - g->inflate.avail_out;
	return HEFT_OK;
}

enum heft_status heft_gzip_read(struct heft_gzip *g, void *dst, size_t n, size_t *n_got,
                                struct heft_error *err)
{
	uint8_t *at = dst;
	size_t done = 0;

	while (done < n) {
		const size_t piece = n - done < OUT_MAX ? n - done : OUT_MAX;
		size_t got = 0;

		HEFT_TRY(unpack(g, at + done, piece, &got, err));
		done += got;
		if (got < piece)
			break;
	}
	*n_got = done;
	return HEFT_OK;
}
