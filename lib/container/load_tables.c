/* SPDX-License-Identifier: Apache-2.0 */
/* load_tables.c - loads the tables of a generation. Hashing is most of what opening costs,
 * so for large tables one thread reads and checks them while another hashes behind it.
 * Measured with 50,000 tensors: 7.3 ms by one thread, of which 3.4 are SHA-256. A table for
 * each thread gained nothing, since TENSORS alone has two thirds of the bytes. */
#include "container/load_tables.h"

#include "base/error.h"
#include "base/pool.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/index_parts.h"

#define STEP ((uint64_t)256 << 10)      /* of a table: hashed while it is still in a cache */
#define TWO_THREADS ((uint64_t)1 << 20) /* bytes that are worth a second thread */

struct loading {
	struct heft_index *ix;
	const struct heft_table_load *loads;
	size_t n;
	struct heft_turn *turn; /* step i of all tables is in memory when turn i + 1 has come */
};

static size_t step_size(const struct heft_section *s, uint64_t at)
{
	return (size_t)(s->size - at < STEP ? s->size - at : STEP);
}

static enum heft_status read_table(struct loading *l, const struct heft_table_load *load,
                                   struct heft_error *err)
{
	const struct heft_section *s = load->section;
	uint32_t crc = 0;

	for (uint64_t at = 0; at < s->size; at += STEP) {
		const size_t n = step_size(s, at);

		HEFT_TRY(heft_source_read(l->ix->src, s->off + at, load->dst + at, n, err));
		crc = heft_crc32c_add(crc, load->dst + at, n);
		heft_turn_leave(l->turn);
	}
	if (s->size > 0 && crc != s->crc)
		return heft_section_fail(s, "does not match its CRC", err);
	return HEFT_OK;
}

static enum heft_status read_and_check(struct loading *l, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (size_t i = 0; st == HEFT_OK && i < l->n; i++)
		st = read_table(l, &l->loads[i], err);
	if (st != HEFT_OK)
		heft_turn_fail(l->turn, 0); /* nobody waits any longer */
	return st == HEFT_OK ? heft_index_check(l->ix, err) : st;
}

/* False: the reader has failed, and its failure is the one that counts. */
static bool hash_table(struct loading *l, const struct heft_table_load *load, struct heft_sha256 *h,
                       uint64_t *step, uint8_t *digest)
{
	const struct heft_section *s = load->section;

	heft_sha256_begin(h);
	heft_sha256_add_u8(h, HEFT_DOMAIN_SECTION);
	heft_sha256_add_le32(h, s->type);
	for (uint64_t at = 0; at < s->size; at += STEP) {
		if (!heft_turn_wait(l->turn, ++*step))
			return false;
		heft_sha256_add(h, load->dst + at, step_size(s, at));
	}
	heft_sha256_end(h, digest);
	return true;
}

static enum heft_status hash_all(struct loading *l, struct heft_error *err)
{
	struct heft_sha256 *h;
	uint64_t step = 0;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = HEFT_OK;
	for (size_t i = 0; st == HEFT_OK && i < l->n; i++) {
		uint8_t digest[HEFT_SHA256_SIZE];

		if (l->loads[i].section->size == 0)
			continue;
		if (!hash_table(l, &l->loads[i], h, &step, digest))
			break;
		st = heft_section_compare(l->loads[i].section, h, digest, err);
	}
	heft_sha256_free(h);
	return st;
}

/* Reading begins before hashing, so the one thread that there may be does them in turn. */
static enum heft_status load_piece(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	(void)worker_i;
	return i == 0 ? read_and_check(ctx, err) : hash_all(ctx, err);
}

static uint64_t total_size(const struct heft_table_load *loads, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += loads[i].section->size;
	return total;
}

enum heft_status heft_tables_load(struct heft_index *ix, const struct heft_table_load *loads,
                                  size_t n, struct heft_error *err)
{
	struct loading l = { .ix = ix, .loads = loads, .n = n };
	const uint32_t n_threads = total_size(loads, n) >= TWO_THREADS && heft_cpu_count() > 1 ? 2
	                                                                                       : 1;
	struct heft_pool *pool = NULL;
	enum heft_status st = heft_turn_new(&l.turn, err);

	if (st == HEFT_OK)
		st = heft_pool_new(n_threads, &pool, err);
	if (st == HEFT_OK)
		st = heft_pool_run(pool, 2, load_piece, &l, err);
	heft_pool_free(pool);
	heft_turn_free(l.turn);
	return st;
}
