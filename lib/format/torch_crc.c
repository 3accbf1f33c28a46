/* SPDX-License-Identifier: Apache-2.0 */
/* torch_crc.c - compares the CRCs of an archive's pickles and records, which nobody does who only
 * reads them (spec/foreign/pytorch.md, Y1-4). */
#include <zlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/meter.h"
#include "base/pool.h"
#include "format/torch_file.h"

#define PART_SIZE (UINT64_C(8) << 20) /* of a stored member, by one worker */
#define READ_SIZE ((size_t)256 << 10) /* at once: it stays in the cache */
#define QUOTED 80                     /* bytes of a name in a message */

/* A member, and its parts among all. */
struct checked {
	uint32_t member;
	uint64_t first;
	uint64_t n;
};

struct job {
	const struct heft_torch_file *f;
	struct checked *members;
	size_t n_members;
	uint64_t n_parts;
	uint64_t n_bytes;
	uint32_t *crcs; /* one a part */
	uint8_t *room;  /* READ_SIZE for each worker */
	struct heft_meter meter;
};

/* A deflated member is unpacked in one go, and its CRC compared on the way (Z5-2). */
static void add_member(struct job *job, uint32_t i)
{
	const struct heft_zip_member *m = heft_zip_member(job->f->zip, i);
	struct checked *c = &job->members[job->n_members];

	if (m->size == 0 || (m->crc == 0 && !m->is_deflated))
		return;
	c->member = i;
	c->first = job->n_parts;
	c->n = m->is_deflated ? 1 : (m->size - 1) / PART_SIZE + 1;
	job->n_parts += c->n;
	job->n_bytes += m->size;
	job->n_members++;
}

static enum heft_status add_members(struct job *job, struct heft_error *err)
{
	const struct heft_torch_file *f = job->f;

	job->members = heft_alloc_array((size_t)f->n_pickles + f->model.n_storages,
	                                sizeof *job->members);
	if (!job->members)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to check a file");
	for (uint32_t i = 0; i < f->n_pickles; i++)
		add_member(job, f->pickles[i]);
	for (uint32_t i = 0; i < f->model.n_storages; i++)
		if (f->records[i].member != HEFT_TORCH_NO_MEMBER)
			add_member(job, f->records[i].member);
	return HEFT_OK;
}

static const struct checked *member_of_part(const struct job *job, uint64_t part)
{
	size_t low = 0;
	size_t high = job->n_members;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (job->members[middle].first <= part)
			low = middle;
		else
			high = middle;
	}
	return &job->members[low];
}

static enum heft_status read_some(const struct job *job, uint32_t member_i, uint64_t off,
                                  uint8_t *dst, size_t n, struct heft_error *err)
{
	const struct heft_zip_member *m = heft_zip_member(job->f->zip, member_i);

	if (m->is_deflated)
		return heft_zip_read(job->f->zip, member_i, off, dst, n, err);
	return heft_source_read(job->f->src, m->data_off + off, dst, n, err);
}

static enum heft_status check_part(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct job *job = ctx;
	const struct checked *c = member_of_part(job, i);
	const struct heft_zip_member *m = heft_zip_member(job->f->zip, c->member);
	uint8_t *bytes = job->room + worker_i * READ_SIZE;
	uint64_t off = (i - c->first) * PART_SIZE;
	const uint64_t end = m->is_deflated || m->size - off < PART_SIZE ? m->size
	                                                                 : off + PART_SIZE;
	uint32_t crc = 0;

	while (off < end) {
		const size_t n = end - off < READ_SIZE ? (size_t)(end - off) : READ_SIZE;

		HEFT_TRY(read_some(job, c->member, off, bytes, n, err));
		crc = heft_zip_crc(crc, bytes, n);
		HEFT_TRY(heft_meter_add(&job->meter, n, err));
		off += n;
	}
	job->crcs[i] = crc;
	return HEFT_OK;
}

static enum heft_status compare(const struct job *job, const struct checked *c,
                                struct heft_error *err)
{
	const struct heft_zip_member *m = heft_zip_member(job->f->zip, c->member);
	uint32_t crc = job->crcs[c->first];

	for (uint64_t i = 1; i < c->n; i++) {
		const uint64_t left = m->size - i * PART_SIZE;

		crc = (uint32_t)crc32_combine(crc, job->crcs[c->first + i],
		                              (z_off_t)(left < PART_SIZE ? left : PART_SIZE));
	}
	if (crc == m->crc)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, m->data_off,
	                 "member '%.*s': its bytes do not have the CRC that is stated",
	                 m->name_size < QUOTED ? (int)m->name_size : QUOTED, m->name);
}

static enum heft_status check_members(struct job *job, struct heft_pool *pool,
                                      struct heft_error *err)
{
	job->crcs = heft_alloc_array(job->n_parts, sizeof *job->crcs);
	job->room = heft_alloc_array(heft_pool_n_threads(pool), READ_SIZE);
	if (!job->crcs || !job->room)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to check a file");
	HEFT_TRY(heft_pool_run(pool, job->n_parts, check_part, job, err));
	for (size_t i = 0; i < job->n_members; i++)
		HEFT_TRY(compare(job, &job->members[i], err));
	return HEFT_OK;
}

enum heft_status heft_torch_check_crcs(const struct heft_torch_file *f, const struct heft_run *run,
                                       struct heft_error *err)
{
	struct job job = { .f = f };
	struct heft_pool *pool = NULL;
	enum heft_status st;

	if (!f->zip)
		return HEFT_OK;
	st = add_members(&job, err);
	heft_meter_init(&job.meter, run, job.n_bytes);
	if (st == HEFT_OK)
		st = heft_pool_new(run ? run->n_threads : 0, &pool, err);
	if (st == HEFT_OK)
		st = check_members(&job, pool, err);
	heft_pool_free(pool);
	heft_meter_done(&job.meter);
	heft_free(job.crcs);
	heft_free(job.room);
	heft_free(job.members);
	return st;
}
