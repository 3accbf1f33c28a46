/* SPDX-License-Identifier: Apache-2.0 */
/* remake.c - a model's file written anew: tensors in their order, new bytes where there are some,
 * and, in a heft file, the lineage with one step more. */
#include "artifact/remake.h"

#include <string.h>

#include "artifact/lineage.h"
#include "base/alloc.h"
#include "base/error.h"
#include "container/layout.h"
#include "container/meta.h"
#include "heft/digest.h"
#include "heft/version.h"
#include "weights/carry.h"
#include "weights/unit.h"
#include "weights/weights_tree.h"

#define PIECE_SIZE ((size_t)1 << 20)
/* The member of META that a checkpoint of a training has; what comes out is none. */
#define CHECKPOINT_KEY "heft.checkpoint"

struct job {
	struct heft_remake *r;
	const char *format;
	uint8_t parent_digest[HEFT_DIGEST_SIZE];
	struct heft_lineage *lineage;
	struct heft_writer *writer;
	struct heft_carry carry;
	char *metadata; /* NULL: the model's */
	/* of each of the model's tensors, its place in the new file; UINT32_MAX: none */
	uint32_t *places;
	uint8_t *piece;
	struct heft_buffer run; /* section RUN */
	struct heft_section_out *sections;
};

/* --- what it is made from --- */

static enum heft_status begin_lineage(struct job *job, struct heft_error *err)
{
	struct heft_lineage_report report;
	enum heft_status st = heft_lineage_read(job->r->model, &job->lineage, err);

	if (st == HEFT_E_NOT_FOUND)
		return heft_lineage_new(&job->lineage, err);
	HEFT_TRY(st);
	HEFT_TRY(heft_lineage_verify(job->r->model, job->parent_digest, &report, err));
	if (report.answer == HEFT_LINEAGE_DIFFERS)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the model's own lineage does not agree with it: %.140s",
		                 report.msg);
	return HEFT_OK;
}

static enum heft_status look_at_parent(struct job *job, struct heft_error *err)
{
	struct heft_remake *r = job->r;
	struct heft_lineage_step *step = &r->step;
	struct heft_error found;
	enum heft_status st;

	HEFT_TRY(heft_weights_digest(r->model, &r->run, job->parent_digest, err));
	memcpy(step->parent_digest, job->parent_digest, HEFT_DIGEST_SIZE);
	step->heft = heft_version();
	step->revision = heft_revision();
	st = heft_artifact_digest(r->model, step->parent_artifact, &found);
	step->has_parent_artifact = st == HEFT_OK;
	if (st != HEFT_OK && st != HEFT_E_UNSUPPORTED)
		return heft_fail(err, st, found.offset, "%s", found.msg);
	return begin_lineage(job, err);
}

static enum heft_status pick_format(struct job *job, struct heft_error *err)
{
	const struct heft_format *f = job->r->format ? heft_format_by_name(job->r->format)
	                                             : heft_format_by_path(job->r->path);

	if (!f)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "no format is called so, or goes by this extension");
	job->format = f->name;
	return HEFT_OK;
}

/* --- declaring --- */

static enum heft_status describe(struct job *job, uint32_t i, struct heft_tensor *t,
                                 struct heft_error *err)
{
	struct heft_remake *r = job->r;

	HEFT_TRY(heft_tensor_at(r->model, i, t, err));
	/* What heft_declare takes it for; it matters where the dtype does not tell. */
	HEFT_TRY(heft_tensor_unit(r->model, t, &t->alignment, err));
	if (!r->reshape)
		return HEFT_OK;
	r->reshape(r->user, t);
	if (!heft_dtype_describe(t->dtype))
		return HEFT_OK;
	return heft_tensor_size(t->dtype, t->rank, t->dims, &t->n_elements, &t->n_bytes, err);
}

static bool is_left_out(const struct heft_tensor *t)
{
	return t->space == HEFT_SPACE_OPTIMIZER;
}

static enum heft_status declare_all(struct job *job, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(job->r->model);
	uint32_t n_declared = 0;
	struct heft_tensor t;

	job->places = heft_alloc_array(n, sizeof *job->places);
	if (!job->places)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u tensors", n);
	for (uint32_t i = 0; i < n; i++) {
		job->places[i] = UINT32_MAX;
		HEFT_TRY(describe(job, i, &t, err));
		if (is_left_out(&t))
			continue;
		if (t.tie != i && job->places[t.tie] != UINT32_MAX)
			HEFT_TRY(heft_declare_tied(job->writer, &t, job->places[t.tie], err));
		else
			HEFT_TRY(heft_declare(job->writer, &t, err));
		job->places[i] = n_declared++;
	}
	return HEFT_OK;
}

/* --- what goes with the tensors --- */

static enum heft_status take_metadata(struct job *job, struct heft_error *err)
{
	struct heft_error found;
	const char *json;
	enum heft_status st;

	HEFT_TRY(heft_metadata(job->r->model, &json, err));
	st = heft_meta_unset(json, CHECKPOINT_KEY, &job->metadata, &found);
	if (st == HEFT_OK || st == HEFT_E_NOT_FOUND)
		return HEFT_OK;
	return heft_fail(err, st, found.offset, "%s", found.msg);
}

static enum heft_status carry(struct job *job, struct heft_error *err)
{
	const struct heft_remake *r = job->r;
	struct heft_convert_plan plan = { .drop_graph = r->graph != NULL };

	HEFT_TRY(take_metadata(job, err));
	plan.metadata = job->metadata;
	heft_carry_init(&job->carry, r->model, &plan, true);
	HEFT_TRY(heft_carry_give(&job->carry, job->writer, err));
	return r->graph ? heft_set_graph(job->writer, r->graph, r->graph_size, err) : HEFT_OK;
}

/* --- the bytes --- */

static enum heft_status copy_tensor(struct job *job, const struct heft_tensor *t, uint32_t place,
                                    struct heft_error *err)
{
	if (!job->piece)
		job->piece = heft_alloc(PIECE_SIZE);
	if (!job->piece)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to copy");
	for (uint64_t off = 0; off < t->n_bytes;) {
		const uint64_t left = t->n_bytes - off;
		const size_t n = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		HEFT_TRY(heft_read(job->r->model, t, off, job->piece, n, err));
		HEFT_TRY(heft_put(job->writer, place, job->piece, n, err));
		off += n;
	}
	return HEFT_OK;
}

static enum heft_status put_tensor(struct job *job, uint32_t i, struct heft_error *err)
{
	const struct heft_remake *r = job->r;
	const void *bytes = NULL;
	struct heft_tensor was;
	struct heft_tensor t;

	HEFT_TRY(describe(job, i, &t, err));
	if (is_left_out(&t) || (t.tie != i && job->places[t.tie] != UINT32_MAX))
		return HEFT_OK;
	if (r->bytes)
		HEFT_TRY(r->bytes(r->user, &t, &bytes, err));
	if (bytes)
		return heft_put(job->writer, job->places[i], bytes, (size_t)t.n_bytes, err);
	HEFT_TRY(heft_tensor_at(r->model, i, &was, err));
	if (was.n_bytes != t.n_bytes)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.80s' has a new shape and no new values", t.name);
	return copy_tensor(job, &was, job->places[i], err);
}

static enum heft_status put_all(struct job *job, struct heft_error *err)
{
	const uint32_t n = heft_n_tensors(job->r->model);

	/* Begins the file even where there is nothing to put. */
	HEFT_TRY(heft_put(job->writer, 0, NULL, 0, err));
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(put_tensor(job, i, err));
	return HEFT_OK;
}

/* --- lineage --- */

static enum heft_status result_digest(const struct job *job, uint8_t *digest,
                                      struct heft_error *err)
{
	const struct heft_writer *w = job->writer;
	const uint32_t n = heft_listing_n(w->tensors);
	uint8_t *digests = heft_alloc_array(n, HEFT_DIGEST_SIZE);
	enum heft_status st;

	if (!digests)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u digests", n);
	st = heft_writer_tensor_digests(w, digests, err);
	if (st == HEFT_OK)
		st = heft_weights_tree_of(w->tensors, digests, digest, err);
	heft_free(digests);
	return st;
}

static enum heft_status add_section(struct job *job, uint32_t type, const void *bytes, size_t size,
                                    struct heft_error *err)
{
	if (size > HEFT_LINEAGE_SIZE_MAX)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the lineage or the run has more than 16 MiB");
	job->sections[job->writer->plan.n_sections++] = (struct heft_section_out){ .type = type,
		                                                                   .bytes = bytes,
		                                                                   .size = size };
	return HEFT_OK;
}

/* Behind those that are carried: these are not bound, and stand before. */
static enum heft_status give_sections(struct job *job, const char *text, struct heft_error *err)
{
	struct heft_write_plan *plan = &job->writer->plan;
	const uint32_t n = plan->n_sections;

	job->sections = heft_alloc_array((size_t)n + 2, sizeof *job->sections);
	if (!job->sections)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for sections");
	if (n > 0)
		memcpy(job->sections, plan->sections, n * sizeof *job->sections);
	plan->sections = job->sections;
	HEFT_TRY(add_section(job, HEFT_SECTION_LINEAGE, text, strlen(text), err));
	if (!job->r->epochs)
		return HEFT_OK;
	heft_epochs_add(&job->run, job->r->epochs);
	if (!job->run.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	return add_section(job, HEFT_SECTION_RUN, job->run.bytes, job->run.size, err);
}

/* A table that could not be read again is not written. */
static enum heft_status check_run(const struct job *job, struct heft_error *err)
{
	struct heft_epochs *back;
	struct heft_error found;
	enum heft_status st;

	if (!job->r->epochs)
		return HEFT_OK;
	st = heft_epochs_parse((const char *)job->run.bytes, job->run.size, 0, &back, &found);
	if (st != HEFT_OK)
		return heft_fail(err, st == HEFT_E_CORRUPT ? HEFT_E_USAGE : st, HEFT_NO_OFFSET,
		                 "%s", found.msg);
	heft_epochs_free(back);
	return HEFT_OK;
}

static enum heft_status tell_lineage(struct job *job, struct heft_error *err)
{
	const char *text;

	HEFT_TRY(result_digest(job, job->r->step.result_digest, err));
	HEFT_TRY(heft_lineage_append(job->lineage, &job->r->step, err));
	if (!(job->writer->format->caps & HEFT_FORMAT_DIGESTS))
		return HEFT_OK;
	HEFT_TRY(heft_lineage_text(job->lineage, &text, err));
	HEFT_TRY(give_sections(job, text, err));
	return check_run(job, err);
}

/* --- the whole --- */

static enum heft_status write_file(struct job *job, uint8_t *weights_digest, struct heft_error *err)
{
	struct heft_remake *r = job->r;
	struct heft_writer *w;

	HEFT_TRY(pick_format(job, err));
	HEFT_TRY(look_at_parent(job, err));
	HEFT_TRY(heft_create(r->path, job->format, &r->write, &job->writer, err));
	HEFT_TRY(declare_all(job, err));
	HEFT_TRY(carry(job, err));
	HEFT_TRY(put_all(job, err));
	HEFT_TRY(tell_lineage(job, err));
	w = job->writer;
	job->writer = NULL;
	return heft_commit(w, weights_digest, err);
}

enum heft_status heft_remake(struct heft_remake *r, uint8_t *weights_digest, struct heft_error *err)
{
	struct job job = { .r = r };
	enum heft_status st;

	heft_buffer_init(&job.run);
	st = write_file(&job, weights_digest, err);
	heft_discard(job.writer);
	heft_carry_done(&job.carry);
	heft_lineage_free(job.lineage);
	heft_buffer_done(&job.run);
	heft_free(job.sections);
	heft_free(job.metadata);
	heft_free(job.places);
	heft_free(job.piece);
	return st;
}
