/* SPDX-License-Identifier: Apache-2.0 */
/* zip_stream.c - reads a deflated member from any place. A member has one inflate stream, which
 * goes forwards; threads that ask for pieces of it take turns. What a thread passes over, because
 * it came before the one that wants it, is kept for that one; only a request behind all that begins
 * the member again. */
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/zip_parts.h"
#include "format/zlib_memory.h"

#define IN_SIZE ((size_t)64 << 10)
#define FIRST_SIZE ((size_t)4 << 10) /* whoever opens an archive reads a header of each member */
#define BLOCK_SIZE ((size_t)1 << 20) /* passed over at once */
#define KEPT_MAX ((size_t)16 << 20)  /* passed-over bytes of all members together */
#define MEMBER_KEPT_MAX ((size_t)8 << 20) /* of one member */
#define STREAMS_MAX 16                    /* live ones, unless more are in use */
/* A request further ahead than can be kept waits so long for the one in front. */
#define PATIENCE_MS 50
#define QUOTED 80 /* bytes of a name in a message */

/* Passed-over bytes. */
struct block {
	struct block *next;
	uint64_t off; /* of the member */
	size_t size;
	uint8_t bytes[];
};

/* A call of heft_zip_inflate; it lives on that call's stack. */
struct request {
	struct request *next;
	uint64_t at;
};

struct heft_zip_stream {
	struct heft_zip_stream *next;
	uint32_t member_i;
	struct request *requests;
	struct block *blocks; /* ascending */
	size_t n_kept;
	uint64_t pos;   /* unpacked bytes that have come */
	bool is_shared; /* two requests have met here */
	bool is_bad;    /* unpacking it ahead has failed; whoever wants it is told why */
	/* A thread unpacks, and the mutex is not held over what follows. */
	bool is_busy;
	bool is_begun;
	z_stream inflate;
	uint64_t in_pos; /* of the member's stored bytes: what was read */
	uint8_t *in;
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to unpack a member");
}

static enum heft_status damaged(const struct heft_zip_member *m, const char *what,
                                struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, m->data_off, "member '%.*s': %s",
	                 m->name_size < QUOTED ? (int)m->name_size : QUOTED, m->name, what);
}

/* --- unpacking --- */

static void release(struct heft_zip_stream *s)
{
	if (s->is_begun)
		inflateEnd(&s->inflate);
	heft_free(s->in);
	s->in = NULL;
	s->is_begun = false;
	s->in_pos = 0;
}

/* The next byte is the member's first one again. */
static void stop(struct heft_zip_stream *s)
{
	release(s);
	s->pos = 0;
}

static enum heft_status begin(struct heft_zip_stream *s, struct heft_error *err)
{
	s->in = heft_alloc(IN_SIZE);
	if (!s->in)
		return no_memory(err);
	s->inflate = (z_stream){ 0 };
	heft_zlib_set_memory(&s->inflate);
	if (inflateInit2(&s->inflate, -MAX_WBITS) != Z_OK) {
		heft_free(s->in);
		s->in = NULL;
		return no_memory(err);
	}
	s->is_begun = true;
	return HEFT_OK;
}

/* When nothing is left to be read zlib may still hold bytes that it has not given yet. */
static enum heft_status refill(struct heft_zip *z, struct heft_zip_stream *s,
                               struct heft_error *err)
{
	const struct heft_zip_member *m = &z->members[s->member_i];
	const uint64_t left = m->stored_size - s->in_pos;
	const size_t most = s->in_pos == 0 ? FIRST_SIZE : IN_SIZE;
	const size_t n = left < most ? (size_t)left : most;

	if (s->inflate.avail_in > 0 || n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_source_read(z->src, m->data_off + s->in_pos, s->in, n, err));
	s->in_pos += n;
	s->inflate.next_in = s->in;
	s->inflate.avail_in = (unsigned)n;
	return HEFT_OK;
}

/* Z5-1: what was unpacked is all, and so is what it was unpacked from. */
static enum heft_status check_end(struct heft_zip *z, struct heft_zip_stream *s,
                                  struct heft_error *err)
{
	const struct heft_zip_member *m = &z->members[s->member_i];
	uint8_t more;
	int r = Z_OK;

	while (r == Z_OK) {
		s->inflate.next_out = &more;
		s->inflate.avail_out = 1;
		HEFT_TRY(refill(z, s, err));
		r = inflate(&s->inflate, Z_NO_FLUSH);
		if (s->inflate.avail_out == 0)
			return damaged(m, "it unpacks to more bytes than stated", err);
	}
	if (r == Z_MEM_ERROR)
		return no_memory(err);
	if (r == Z_BUF_ERROR)
		return damaged(m, "its packed bytes end too early", err);
	if (r != Z_STREAM_END)
		return damaged(m, "its packed bytes are damaged", err);
	if (s->inflate.avail_in > 0 || s->in_pos < m->stored_size)
		return damaged(m, "bytes follow its last packed one", err);
	return HEFT_OK;
}

/* The next n bytes of the member, n at most 2^31; without the mutex, by the thread that made the
 * stream busy. */
static enum heft_status unpack(struct heft_zip *z, struct heft_zip_stream *s, uint8_t *dst,
                               size_t n, struct heft_error *err)
{
	const struct heft_zip_member *m = &z->members[s->member_i];
	int r = Z_OK;

	if (!s->is_begun)
		HEFT_TRY(begin(s, err));
	s->inflate.next_out = dst;
	s->inflate.avail_out = (unsigned)n;
	while (s->inflate.avail_out > 0 && r == Z_OK) {
		HEFT_TRY(refill(z, s, err));
		r = inflate(&s->inflate, Z_NO_FLUSH);
	}
	if (r == Z_MEM_ERROR)
		return no_memory(err);
	if (r == Z_BUF_ERROR)
		return damaged(m, "its packed bytes end too early", err);
	if (r == Z_STREAM_END && s->inflate.avail_out > 0)
		return damaged(m, "it unpacks to fewer bytes than stated", err);
	if (r != Z_OK && r != Z_STREAM_END)
		return damaged(m, "its packed bytes are damaged", err);
	if (s->pos + n < m->size)
		return HEFT_OK;
	if (r == Z_OK)
		return check_end(z, s, err);
	if (s->inflate.avail_in > 0 || s->in_pos < m->stored_size)
		return damaged(m, "bytes follow its last packed one", err);
	return HEFT_OK;
}

/* --- what was passed over; with the mutex held --- */

static void drop_first(struct heft_zip *z, struct heft_zip_stream *s)
{
	struct block *b = s->blocks;

	s->blocks = b->next;
	s->n_kept -= b->size;
	z->n_kept -= b->size;
	heft_free(b);
}

static void drop_all(struct heft_zip *z, struct heft_zip_stream *s)
{
	while (s->blocks)
		drop_first(z, s);
}

/* Room for n more bytes of s: its own oldest go first, then those of members used longest ago. */
static void make_room(struct heft_zip *z, struct heft_zip_stream *s, size_t n)
{
	while (s->blocks && s->n_kept + n > MEMBER_KEPT_MAX)
		drop_first(z, s);
	while (z->n_kept + n > KEPT_MAX) {
		struct heft_zip_stream *last = NULL;

		for (struct heft_zip_stream *t = z->streams; t; t = t->next)
			if (t->blocks)
				last = t;
		if (!last)
			return;
		drop_first(z, last);
	}
}

static void keep(struct heft_zip *z, struct heft_zip_stream *s, struct block *b)
{
	struct block **link = &s->blocks;

	make_room(z, s, b->size);
	while (*link && (*link)->off < b->off)
		link = &(*link)->next;
	b->next = *link;
	*link = b;
	s->n_kept += b->size;
	z->n_kept += b->size;
}

/* Gives what is kept of [off, off + n), from off on. A block goes once its end was asked for. */
static size_t take_kept(struct heft_zip *z, struct heft_zip_stream *s, uint64_t off, uint8_t *dst,
                        size_t n)
{
	for (struct block **link = &s->blocks; *link; link = &(*link)->next) {
		struct block *b = *link;
		size_t skip;

		if (off < b->off || off - b->off >= b->size)
			continue;
		skip = (size_t)(off - b->off);
		if (n < b->size - skip) {
			memcpy(dst, b->bytes + skip, n);
			return n;
		}
		n = b->size - skip;
		memcpy(dst, b->bytes + skip, n);
		*link = b->next;
		s->n_kept -= b->size;
		z->n_kept -= b->size;
		heft_free(b);
		return n;
	}
	return 0;
}

/* --- streams; with the mutex held --- */

static void free_stream(struct heft_zip *z, struct heft_zip_stream *s)
{
	struct heft_zip_stream **link = &z->streams;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	z->n_streams--;
	z->progress[s->member_i].stream = NULL;
	drop_all(z, s);
	stop(s);
	heft_free(s);
}

void heft_zip_free_streams(struct heft_zip *z)
{
	while (z->streams)
		free_stream(z, z->streams);
}

/* Gives up those used longest ago while there are too many. */
static void limit_streams(struct heft_zip *z)
{
	while (z->n_streams > STREAMS_MAX) {
		struct heft_zip_stream *last = NULL;

		for (struct heft_zip_stream *s = z->streams; s; s = s->next)
			if (!s->requests)
				last = s;
		if (!last)
			return;
		free_stream(z, last);
	}
}

static void move_to_front(struct heft_zip *z, struct heft_zip_stream *s)
{
	struct heft_zip_stream **link = &z->streams;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	s->next = z->streams;
	z->streams = s;
}

static enum heft_status enter(struct heft_zip *z, uint32_t i, struct request *q,
                              struct heft_zip_stream **out, struct heft_error *err)
{
	struct heft_zip_stream *s = z->progress[i].stream;

	if (s) {
		move_to_front(z, s);
	} else {
		s = heft_zalloc(sizeof *s);
		if (!s)
			return no_memory(err);
		s->member_i = i;
		s->next = z->streams;
		z->streams = s;
		z->n_streams++;
		z->progress[i].stream = s;
	}
	s->is_shared = s->is_shared || s->requests;
	q->next = s->requests;
	s->requests = q;
	limit_streams(z);
	*out = s;
	return HEFT_OK;
}

static void leave(struct heft_zip *z, struct heft_zip_stream *s, const struct request *q)
{
	struct request **link = &s->requests;

	while (*link != q)
		link = &(*link)->next;
	*link = q->next;
	pthread_cond_broadcast(&z->changed);
	/* A member that was read to its end is seldom read again. */
	if (!s->requests && !s->blocks && s->pos == z->members[s->member_i].size)
		free_stream(z, s);
	else
		limit_streams(z);
}

/* --- a request --- */

static bool is_one_in_front(const struct heft_zip_stream *s, const struct request *mine)
{
	for (const struct request *q = s->requests; q; q = q->next)
		if (q->at < mine->at)
			return true;
	return false;
}

/* A request that is further ahead than can be kept lets those in front go first, and when other
 * threads read the member too, waits a while for the one that is not there yet. True: waited. The
 * foremost request never waits for another one. */
static bool wait_for_front(struct heft_zip *z, struct heft_zip_stream *s, const struct request *q,
                           unsigned *n_waits)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	if (q->at - s->pos <= MEMBER_KEPT_MAX)
		return false;
	if (is_one_in_front(s, q)) {
		pthread_cond_wait(&z->changed, &z->mutex);
		return true;
	}
	if (!s->is_shared || *n_waits == PATIENCE_MS)
		return false;
	(*n_waits)++;
	pthread_mutex_unlock(&z->mutex);
	nanosleep(&ms, NULL);
	pthread_mutex_lock(&z->mutex);
	return true;
}

/* Makes the stream busy and unpacks n bytes without the mutex. */
static enum heft_status go_on(struct heft_zip *z, struct heft_zip_stream *s, uint8_t *dst, size_t n,
                              struct heft_error *err)
{
	enum heft_status st;

	s->is_busy = true;
	pthread_mutex_unlock(&z->mutex);
	st = unpack(z, s, dst, n, err);
	pthread_mutex_lock(&z->mutex);
	s->is_busy = false;
	if (st == HEFT_OK)
		s->pos += n;
	else
		stop(s);
	if (s->pos == z->members[s->member_i].size)
		release(s);
	pthread_cond_broadcast(&z->changed);
	return st;
}

/* One block towards the request. */
static enum heft_status pass_over(struct heft_zip *z, struct heft_zip_stream *s, uint64_t n_ahead,
                                  struct heft_error *err)
{
	const size_t n = n_ahead < BLOCK_SIZE ? (size_t)n_ahead : BLOCK_SIZE;
	struct block *b = heft_alloc(sizeof *b + n);
	enum heft_status st;

	if (!b)
		return no_memory(err);
	b->off = s->pos;
	b->size = n;
	st = go_on(z, s, b->bytes, n, err);
	if (st == HEFT_OK)
		keep(z, s, b);
	else
		heft_free(b);
	return st;
}

/* --- members that come next --- */

static bool has_room(const struct heft_zip *z, const struct heft_zip_stream *s)
{
	return z->n_kept + 2 * BLOCK_SIZE <= KEPT_MAX && s->n_kept + BLOCK_SIZE <= MEMBER_KEPT_MAX;
}

/* Unpacks a block of member i for whoever comes for it. False: there is nothing to do. */
static bool unpack_ahead(struct heft_zip *z, uint32_t i)
{
	struct request q = { .at = UINT64_MAX };
	struct heft_zip_stream *s = z->progress[i].stream;
	bool is_useful;

	if (!z->members[i].is_deflated || (s && s->requests))
		return false;
	if (enter(z, i, &q, &s, NULL) != HEFT_OK)
		return false;
	is_useful = !s->is_bad && s->pos < z->members[i].size && has_room(z, s);
	if (is_useful)
		s->is_bad = pass_over(z, s, z->members[i].size - s->pos, NULL) != HEFT_OK;
	leave(z, s, &q);
	return is_useful;
}

/* A thread that has to wait for another one's work on member i goes on with what comes next, so
 * that a file that is read from its begin to its end keeps every thread at work. Whether it is read
 * so, the member before tells. */
static bool help(struct heft_zip *z, uint32_t i)
{
	if (i == 0 || !z->progress[i - 1].is_checked)
		return false;
	for (uint32_t k = i + 1; k < z->n_members && k <= i + 2; k++)
		if (unpack_ahead(z, k))
			return true;
	return false;
}

static enum heft_status serve(struct heft_zip *z, struct heft_zip_stream *s, struct request *q,
                              uint8_t *dst, size_t n, struct heft_error *err)
{
	unsigned n_waits = 0;

	while (n > 0) {
		size_t n_got = take_kept(z, s, q->at, dst, n);

		if (n_got == 0 && s->is_busy) {
			if (!help(z, s->member_i))
				pthread_cond_wait(&z->changed, &z->mutex);
			continue;
		}
		if (n_got == 0 && q->at < s->pos) {
			stop(s);
			drop_all(z, s);
		}
		if (n_got == 0 && q->at > s->pos) {
			if (!wait_for_front(z, s, q, &n_waits))
				HEFT_TRY(pass_over(z, s, q->at - s->pos, err));
			continue;
		}
		if (n_got == 0) {
			n_got = n < BLOCK_SIZE ? n : BLOCK_SIZE;
			HEFT_TRY(go_on(z, s, dst, n_got, err));
		}
		q->at += n_got;
		dst += n_got;
		n -= n_got;
	}
	return HEFT_OK;
}

enum heft_status heft_zip_inflate(struct heft_zip *z, uint32_t i, uint64_t off, uint8_t *dst,
                                  size_t n, struct heft_error *err)
{
	struct request q = { .at = off };
	struct heft_zip_stream *s = NULL;
	enum heft_status st;

	pthread_mutex_lock(&z->mutex);
	st = enter(z, i, &q, &s, err);
	if (st == HEFT_OK) {
		st = serve(z, s, &q, dst, n, err);
		leave(z, s, &q);
	}
	pthread_mutex_unlock(&z->mutex);
	return st;
}
