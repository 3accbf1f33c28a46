/* SPDX-License-Identifier: Apache-2.0 */
/* zip_read.c - reads a member's bytes, and compares its CRC once all of it was read, in whatever
 * pieces and order (spec/foreign/zip.md, section 5). */
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/zip_parts.h"

#define QUOTED 80   /* bytes of a name in a message */
#define MAX_RUNS 64 /* more pieces apart from each other are not put together */

static enum heft_status is_damaged(const struct heft_zip_member *m, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_CORRUPT, m->data_off,
	                 "member '%.*s': its bytes do not have the CRC that is stated",
	                 m->name_size < QUOTED ? (int)m->name_size : QUOTED, m->name);
}

/* Where a run [begin, end) belongs among the others; false: some of it is there already. */
static bool find_gap(const struct heft_zip_progress *p, uint64_t begin, uint64_t end, size_t *at)
{
	size_t k = 0;

	while (k < p->n_runs && p->runs[k].end <= begin)
		k++;
	*at = k;
	return k == p->n_runs || p->runs[k].begin >= end;
}

static enum heft_status reserve_run(struct heft_zip_progress *p, struct heft_error *err)
{
	const uint16_t n_room = p->n_room ? (uint16_t)(2 * p->n_room) : 4;
	struct heft_zip_run *runs;

	if (p->n_runs < p->n_room)
		return HEFT_OK;
	runs = heft_realloc_array(p->runs, n_room, sizeof *runs);
	if (!runs)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to check a member");
	p->runs = runs;
	p->n_room = n_room;
	return HEFT_OK;
}

static void join(struct heft_zip_run *a, const struct heft_zip_run *b)
{
	a->crc = (uint32_t)crc32_combine(a->crc, b->crc, (z_off_t)(b->end - b->begin));
	a->end = b->end;
}

static void remove_run(struct heft_zip_progress *p, size_t at)
{
	p->n_runs--;
	memmove(&p->runs[at], &p->runs[at + 1], (p->n_runs - at) * sizeof *p->runs);
}

/* Puts a run at its place, joined with those that it touches. */
static enum heft_status add_run(struct heft_zip_progress *p, const struct heft_zip_run *run,
                                struct heft_error *err)
{
	size_t at;

	if (!find_gap(p, run->begin, run->end, &at))
		return HEFT_OK;
	if (at > 0 && p->runs[at - 1].end == run->begin) {
		join(&p->runs[--at], run);
	} else {
		if (p->n_runs == MAX_RUNS)
			return HEFT_OK;
		HEFT_TRY(reserve_run(p, err));
		memmove(&p->runs[at + 1], &p->runs[at], (p->n_runs - at) * sizeof *p->runs);
		p->runs[at] = *run;
		p->n_runs++;
	}
	if (at + 1 < p->n_runs && p->runs[at + 1].begin == p->runs[at].end) {
		join(&p->runs[at], &p->runs[at + 1]);
		remove_run(p, at + 1);
	}
	return HEFT_OK;
}

/* With the mutex held. Z5-2 */
static enum heft_status note_run(struct heft_zip *z, uint32_t i, const struct heft_zip_run *run,
                                 struct heft_error *err)
{
	const struct heft_zip_member *m = &z->members[i];
	struct heft_zip_progress *p = &z->progress[i];

	if (!p->is_checked && !p->is_damaged)
		HEFT_TRY(add_run(p, run, err));
	if (p->n_runs == 1 && p->runs[0].begin == 0 && p->runs[0].end == m->size) {
		p->is_damaged = p->runs[0].crc != m->crc;
		p->is_checked = !p->is_damaged;
		heft_free(p->runs);
		p->runs = NULL;
		p->n_runs = 0;
		p->n_room = 0;
	}
	return p->is_damaged ? is_damaged(m, err) : HEFT_OK;
}

/* Whether the CRC of [begin, end) is of use. */
static bool is_wanted(struct heft_zip *z, uint32_t i, uint64_t begin, uint64_t end)
{
	const struct heft_zip_progress *p = &z->progress[i];
	bool is_new;
	size_t at;

	pthread_mutex_lock(&z->mutex);
	is_new = p->is_damaged || (!p->is_checked && find_gap(p, begin, end, &at));
	pthread_mutex_unlock(&z->mutex);
	return is_new;
}

static enum heft_status check(struct heft_zip *z, uint32_t i, uint64_t off, const void *bytes,
                              size_t n, struct heft_error *err)
{
	struct heft_zip_run run = { .begin = off, .end = off + n };
	enum heft_status st;

	if (!is_wanted(z, i, run.begin, run.end))
		return HEFT_OK;
	run.crc = heft_zip_crc(0, bytes, n);
	pthread_mutex_lock(&z->mutex);
	st = note_run(z, i, &run, err);
	pthread_mutex_unlock(&z->mutex);
	return st;
}

enum heft_status heft_zip_read(struct heft_zip *z, uint32_t i, uint64_t off, void *dst, size_t n,
                               struct heft_error *err)
{
	const struct heft_zip_member *m = &z->members[i];

	if (n == 0)
		return HEFT_OK;
	if (m->is_deflated)
		HEFT_TRY(heft_zip_inflate(z, i, off, dst, n, err));
	else
		HEFT_TRY(heft_source_read(z->src, m->data_off + off, dst, n, err));
	return check(z, i, off, dst, n, err);
}
