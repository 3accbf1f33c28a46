/* SPDX-License-Identifier: Apache-2.0 */
/* convert_into.c - a conversion into a model: its graph, metadata and tensors, with the bytes of
 * another file. */
#include "weights/conversion.h"

#include "base/error.h"
#include "weights/bind.h"
#include "weights/carry.h"
#include "weights/transfer.h"
#include "weights/transposed.h"

struct job {
	struct heft_conversion *c;
	struct heft_binding binding;
	struct heft_transposed transposed;
	struct heft_carry carry;
	struct heft_writer *writer;
};

static enum heft_status transpose(struct job *job, struct heft_error *err)
{
	const struct heft_binding *b = &job->binding;
	const struct heft_listing *tensors = job->writer->tensors;

	HEFT_TRY(heft_transposed_init(&job->transposed, b->n, err));
	for (uint32_t i = 0; i < b->n; i++)
		if (b->ways[i] == HEFT_WAY_TRANSPOSED)
			HEFT_TRY(heft_transposed_add(&job->transposed, i, job->c->file,
			                             b->source[i],
			                             heft_listing_row(tensors, i)->dtype,
			                             job->writer->sink, &job->c->meter, err));
	return HEFT_OK;
}

static enum heft_status write_tensors(struct job *job, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	const struct heft_transfer transfer = {
		.file = c->file,
		.writer = job->writer,
		.source = job->binding.source,
		.source_dtype = job->binding.source_dtype,
		.has_casts = job->binding.n_cast > 0,
		.ways = job->binding.ways,
		.other = c->plan->into,
		.transposed = &job->transposed,
		.n_threads = c->plan->run.n_threads,
		.meter = &c->meter,
	};

	HEFT_TRY(heft_writer_begin(job->writer, err));
	c->meter.n_total = job->writer->chunks.n_bytes;
	HEFT_TRY(transpose(job, err));
	HEFT_TRY(heft_transfer_run(&transfer, err));
	return heft_writer_finish(job->writer, c->wants_digest ? c->report->weights_digest : NULL,
	                          err);
}

static enum heft_status convert(struct job *job, struct heft_error *err)
{
	struct heft_conversion *c = job->c;
	struct heft_convert_report *r = c->report;
	struct heft_writer *w;

	HEFT_TRY(heft_create(c->path, c->format->name, &c->plan->write, &job->writer, err));
	HEFT_TRY(heft_check_replaced(job->writer, c->path, c->file, err));
	HEFT_TRY(heft_check_replaced(job->writer, c->path, c->plan->into, err));
	HEFT_TRY(heft_bind(&job->binding, c->file, c->plan, job->writer->tensors, r->note,
	                   sizeof r->note, err));
	HEFT_TRY(heft_carry_give(&job->carry, job->writer, err));
	HEFT_TRY(write_tensors(job, err));
	r->n_tensors = job->binding.n;
	r->n_cast = job->binding.n_cast;
	r->n_bytes = heft_listing_n_bytes(job->writer->tensors);
	heft_report_files(r, job->writer->sink);
	w = job->writer;
	job->writer = NULL;
	return heft_writer_commit(w, err);
}

enum heft_status heft_convert_into(struct heft_conversion *c, struct heft_error *err)
{
	struct job job = { .c = c };
	enum heft_status st;

	heft_carry_init(&job.carry, c->plan->into, c->plan, true);
	job.carry.note = c->report->note;
	job.carry.note_size = sizeof c->report->note;
	st = convert(&job, err);
	heft_discard(job.writer);
	heft_transposed_done(&job.transposed);
	heft_carry_done(&job.carry);
	heft_binding_done(&job.binding);
	return st;
}
