/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - the digests of an open file, from its data, by all threads. Written from
 * spec/digest.md. */
#include "heft/digest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/index.h"
#include "tensor/dtype.h"
#include "weights/chunk_source.h"
#include "weights/leaf_table.h"
#include "weights/same_bytes.h"
#include "weights/unit.h"
#include "weights/weights_tree.h"

struct worker {
	struct heft_chunk_source *source;
	uint8_t *bytes;
	uint8_t *leaves;
	struct heft_plan_chunk *chunks;
};

struct job {
	struct heft_file *file;
	uint32_t first; /* of the file's tensors that are hashed */
	uint32_t n;
	uint32_t *position; /* of each one's bytes in the plan, which has shared ones once */
	struct heft_chunk_plan plan;
	struct heft_leaf_table table;
	struct heft_meter meter;
	struct heft_pool *pool;
	struct worker *workers;
};

static enum heft_status worker_init(struct job *job, struct worker *w, struct heft_error *err)
{
	HEFT_TRY(heft_chunk_source_new(job->file, (job->file->flags & HEFT_OPEN_VERIFY) != 0,
	                               &w->source, err));
	w->bytes = heft_alloc(HEFT_PAIR_BYTES);
	w->leaves = heft_alloc_array(HEFT_GROUP_CHUNKS, HEFT_SHA256_SIZE);
	w->chunks = heft_alloc_array(HEFT_GROUP_CHUNKS, sizeof *w->chunks);
	if (!w->bytes || !w->leaves || !w->chunks)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a worker");
	return HEFT_OK;
}

static void worker_done(struct worker *w)
{
	heft_chunk_source_free(w->source);
	heft_free(w->bytes);
	heft_free(w->leaves);
	heft_free(w->chunks);
}

static enum heft_status hash_group(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct job *job = ctx;
	struct worker *w = &job->workers[worker_i];
	uint64_t n_bytes = 0;
	uint32_t n;

	if (!w->chunks)
		HEFT_TRY(worker_init(job, w, err));
	HEFT_TRY(heft_chunk_source_read(w->source, &job->plan, i, w->bytes, w->chunks, &n,
	                                w->leaves, err));
	for (uint32_t k = 0; k < n; k++) {
		memcpy(heft_leaf_at(&job->table, w->chunks[k].tensor, w->chunks[k].chunk_i),
		       w->leaves + (size_t)k * HEFT_SHA256_SIZE, HEFT_SHA256_SIZE);
		n_bytes += w->chunks[k].n;
	}
	return heft_meter_add(&job->meter, n_bytes, err);
}

static void job_done(struct job *job)
{
	const uint32_t n = job->pool ? heft_pool_n_threads(job->pool) : 0;

	for (uint32_t i = 0; job->workers && i < n; i++)
		worker_done(&job->workers[i]);
	heft_free(job->workers);
	heft_pool_free(job->pool);
	heft_leaf_table_done(&job->table);
	heft_chunk_plan_done(&job->plan);
	heft_free(job->position);
	heft_meter_done(&job->meter);
}

/* Hashes every chunk of the tensors that job->plan lists. */
static enum heft_status job_run(struct job *job, const struct heft_run *run, struct heft_error *err)
{
	uint64_t first = 0;

	HEFT_TRY(heft_chunk_plan_cut(&job->plan, err));
	HEFT_TRY(heft_leaf_table_init(&job->table, job->plan.n_tensors, job->plan.n_chunks, err));
	for (uint32_t i = 0; i < job->plan.n_tensors; i++) {
		const struct heft_plan_tensor *t = &job->plan.tensors[i];

		job->table.first_leaf[i] = first;
		first += t->n_bytes ? heft_n_chunks(t->n_bytes, t->unit) : 0;
	}
	job->meter.n_total = job->plan.n_bytes;
	HEFT_TRY(heft_pool_new(job->plan.n_groups > 1 ? (run ? run->n_threads : 0) : 1, &job->pool,
	                       err));
	job->workers = heft_zalloc_array(heft_pool_n_threads(job->pool), sizeof *job->workers);
	if (!job->workers)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for workers");
	return heft_pool_run(job->pool, job->plan.n_groups, hash_group, job, err);
}

static enum heft_status make_plan(struct job *job, struct heft_error *err)
{
	struct heft_tensor t;
	uint32_t k = 0;

	HEFT_TRY(heft_chunk_plan_init(&job->plan, job->n, err));
	job->position = heft_alloc_array(job->n, sizeof *job->position);
	if (!job->position)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors",
		                 job->n);
	HEFT_TRY(heft_same_bytes(job->file, job->first, job->n, job->position, err));
	for (uint32_t i = 0; i < job->n; i++) {
		struct heft_plan_tensor *p = &job->plan.tensors[k];

		if (job->position[i] != i) {
			job->position[i] = job->position[job->position[i]];
			continue;
		}
		HEFT_TRY(heft_tensor_at(job->file, job->first + i, &t, err));
		HEFT_TRY(heft_tensor_unit(job->file, &t, &p->unit, err));
		p->id = job->first + i;
		p->n_bytes = t.n_bytes;
		job->position[i] = k++;
	}
	job->plan.n_tensors = k;
	job->plan.has_pairs = true;
	return HEFT_OK;
}

static void digest_from_leaves(const struct job *job, uint32_t i, const struct heft_tensor *t,
                               struct heft_sha256 *h, uint8_t *digest)
{
	const uint32_t k = job->position[i];
	const struct heft_plan_tensor *p = &job->plan.tensors[k];
	uint8_t root[HEFT_DIGEST_SIZE];

	heft_tree_root_of(h, HEFT_DOMAIN_NODE, heft_leaf_at(&job->table, k, 0),
	                  p->n_bytes ? heft_n_chunks(p->n_bytes, p->unit) : 0, root);
	heft_digest_tensor(h, (uint16_t)t->dtype, (uint8_t)t->rank, t->dims, t->n_bytes, root,
	                   digest);
}

static enum heft_status make_digests(const struct job *job, struct heft_sha256 *h, uint8_t *digests,
                                     struct heft_error *err)
{
	struct heft_tensor t;

	for (uint32_t i = 0; i < job->n; i++) {
		HEFT_TRY(heft_tensor_at(job->file, job->first + i, &t, err));
		digest_from_leaves(job, i, &t, h, digests + (size_t)i * HEFT_DIGEST_SIZE);
	}
	return heft_sha256_check(h, err);
}

static enum heft_status hash_range(struct heft_file *file, uint32_t first, uint32_t n,
                                   const struct heft_run *run, uint8_t *digests,
                                   struct heft_error *err)
{
	struct job job = { .file = file, .first = first, .n = n };
	struct heft_sha256 *h = NULL;
	enum heft_status st;

	heft_meter_init(&job.meter, run, 0);
	st = make_plan(&job, err);
	if (st == HEFT_OK)
		st = job_run(&job, run, err);
	if (st == HEFT_OK)
		st = heft_sha256_new(&h, err);
	if (st == HEFT_OK)
		st = make_digests(&job, h, digests, err);
	heft_sha256_free(h);
	job_done(&job);
	return st;
}

enum heft_status heft_tensor_digests(struct heft_file *file, const struct heft_run *run,
                                     uint8_t *digests, struct heft_error *err)
{
	return hash_range(file, 0, heft_n_tensors(file), run, digests, err);
}

enum heft_status heft_tensor_digest(struct heft_file *file, const struct heft_tensor *tensor,
                                    const struct heft_run *run, uint8_t *digest,
                                    struct heft_error *err)
{
	if (tensor->index >= heft_n_tensors(file))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the tensor is not of this file");
	return hash_range(file, tensor->index, 1, run, digest, err);
}

enum heft_status heft_weights_digest(struct heft_file *file, const struct heft_run *run,
                                     uint8_t *digest, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(file);
	struct heft_weights_tree tree;
	uint8_t *digests = heft_alloc_array(n, HEFT_DIGEST_SIZE);
	struct heft_tensor t;
	enum heft_status st;

	if (!digests)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u digests", n);
	st = heft_weights_tree_init(&tree, n, err);
	if (st == HEFT_OK)
		st = heft_tensor_digests(file, run, digests, err);
	for (uint32_t i = 0; st == HEFT_OK && i < n; i++) {
		st = heft_tensor_at(file, i, &t, err);
		if (st == HEFT_OK)
			heft_weights_tree_add(&tree, (uint8_t)t.space, t.name, strlen(t.name),
			                      digests + (size_t)i * HEFT_DIGEST_SIZE);
	}
	if (st == HEFT_OK)
		st = heft_weights_tree_root(&tree, digest, err);
	heft_weights_tree_done(&tree);
	heft_free(digests);
	return st;
}

/* --- what a heft file states --- */

static enum heft_status need_index(struct heft_file *file, struct heft_index **ix,
                                   struct heft_error *err)
{
	*ix = heft_file_index(file);
	if (*ix)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "a %s file states no digests",
	                 file->format->name);
}

enum heft_status heft_stated_weights_digest(struct heft_file *file, uint8_t *digest,
                                            struct heft_error *err)
{
	struct heft_index *ix;

	HEFT_TRY(need_index(file, &ix, err));
	return heft_index_weights_digest(ix, digest, err);
}

enum heft_status heft_artifact_digest(struct heft_file *file, uint8_t *digest,
                                      struct heft_error *err)
{
	struct heft_index *ix;

	HEFT_TRY(need_index(file, &ix, err));
	return heft_index_artifact_digest(ix, digest, err);
}

enum heft_status heft_stated_tensor_digest(struct heft_file *file, const struct heft_tensor *tensor,
                                           uint8_t *digest, struct heft_error *err)
{
	struct heft_index *ix;
	struct heft_sha256 *h;
	uint32_t row_i;
	enum heft_status st;

	HEFT_TRY(need_index(file, &ix, err));
	HEFT_TRY(heft_index_row_at(ix, tensor->index, &row_i, err));
	HEFT_TRY(heft_sha256_new(&h, err));
	st = heft_index_tensor_digest(ix, row_i, h, digest, err);
	heft_sha256_free(h);
	return st;
}
