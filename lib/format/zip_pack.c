/* SPDX-License-Identifier: Apache-2.0 */
/* zip_pack.c - deflates pieces so that they can be put behind one another, and computes their CRC.
 *
 * Numbers that training made seldom repeat: what shrinks them is Huffman's code for the bytes of
 * their exponents. There the search for repetitions costs three to five times the time and finds
 * nothing, and a sample of a piece tells that. */
#include <limits.h>
#include <pthread.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/zip.h"
#include "format/zlib_memory.h"

#define MEMORY_LEVEL 8                 /* zlib's default */
#define SAMPLE_SIZE ((size_t)32 << 10) /* of a piece, from its middle */
#define SAMPLE_MIN ((size_t)4 << 10)   /* smaller pieces are searched */
/* The search for repetitions is worth its time when it saves a sixty-fourth. */
#define WORTH 64

/* Making one costs more than packing a small piece does. */
struct context {
	struct context *next;
	z_stream deflate;
};

struct heft_zip_packer {
	int level;
	pthread_mutex_t mutex;
	struct context *idle;
};

enum heft_status heft_zip_packer_new(int level, struct heft_zip_packer **out,
                                     struct heft_error *err)
{
	struct heft_zip_packer *p = heft_zalloc(sizeof *p);

	if (!p)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to pack");
	p->level = level;
	pthread_mutex_init(&p->mutex, NULL);
	*out = p;
	return HEFT_OK;
}

static void context_free(struct context *c)
{
	deflateEnd(&c->deflate);
	heft_free(c);
}

void heft_zip_packer_free(struct heft_zip_packer *p)
{
	if (!p)
		return;
	while (p->idle) {
		struct context *c = p->idle;

		p->idle = c->next;
		context_free(c);
	}
	pthread_mutex_destroy(&p->mutex);
	heft_free(p);
}

static struct context *context_new(int level)
{
	struct context *c = heft_zalloc(sizeof *c);

	if (!c)
		return NULL;
	heft_zlib_set_memory(&c->deflate);
	if (deflateInit2(&c->deflate, level, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL,
	                 Z_DEFAULT_STRATEGY) != Z_OK) {
		heft_free(c);
		return NULL;
	}
	return c;
}

static struct context *context_take(struct heft_zip_packer *p)
{
	struct context *c;

	pthread_mutex_lock(&p->mutex);
	c = p->idle;
	if (c)
		p->idle = c->next;
	pthread_mutex_unlock(&p->mutex);
	return c ? c : context_new(p->level);
}

static void context_give(struct heft_zip_packer *p, struct context *c)
{
	pthread_mutex_lock(&p->mutex);
	c->next = p->idle;
	p->idle = c;
	pthread_mutex_unlock(&p->mutex);
}

/* What does not shrink costs zlib 5 bytes in 16 KiB, and the flush 5 more; other makes of it need
 * up to an eighth. */
size_t heft_zip_pack_bound(size_t n)
{
	return n + n / 8 + 64;
}

/* Whether all of src became *size bytes at dst, which has room. */
static bool run(struct context *c, int level, int strategy, const uint8_t *src, size_t n,
                uint8_t *dst, size_t *size)
{
	const size_t room = heft_zip_pack_bound(n);
	bool ok;

	if (deflateReset(&c->deflate) != Z_OK ||
	    deflateParams(&c->deflate, level, strategy) != Z_OK)
		return false;
	c->deflate.next_in = (z_const Bytef *)(uintptr_t)src;
	c->deflate.avail_in = (unsigned)n;
	c->deflate.next_out = dst;
	c->deflate.avail_out = (unsigned)room;
	ok = deflate(&c->deflate, Z_FULL_FLUSH) == Z_OK && c->deflate.avail_in == 0 &&
	     c->deflate.avail_out > 0;
	*size = room - c->deflate.avail_out;
	return ok;
}

/* Packs a sample both ways. */
static bool pick_strategy(struct context *c, int level, const uint8_t *src, size_t n, uint8_t *dst,
                          int *strategy)
{
	const size_t size = n < SAMPLE_SIZE ? n : SAMPLE_SIZE;
	const uint8_t *sample = src + (n - size) / 2;
	size_t plain;
	size_t searched;

	*strategy = Z_DEFAULT_STRATEGY;
	if (n < SAMPLE_MIN)
		return true;
	if (!run(c, level, Z_RLE, sample, size, dst, &plain) ||
	    !run(c, level, Z_DEFAULT_STRATEGY, sample, size, dst, &searched))
		return false;
	if (searched > plain - plain / WORTH)
		*strategy = Z_RLE;
	return true;
}

enum heft_status heft_zip_pack(struct heft_zip_packer *p, const void *src, size_t n, uint8_t *dst,
                               size_t *dst_size, struct heft_error *err)
{
	struct context *c;
	size_t size = 0;
	int strategy;
	bool ok = true;

	if (heft_zip_pack_bound(n) > UINT_MAX)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "a piece is too large to pack");
	c = context_take(p);
	if (!c)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to pack");
	if (n > 0)
		ok = pick_strategy(c, p->level, src, n, dst, &strategy) &&
		     run(c, p->level, strategy, src, n, dst, &size);
	context_give(p, c);
	if (!ok)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "zlib could not pack a piece");
	*dst_size = size;
	return HEFT_OK;
}
