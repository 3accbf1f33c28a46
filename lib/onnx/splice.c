/* SPDX-License-Identifier: Apache-2.0 */
/* splice.c - tells a copy of a model piece by piece, with some of its pieces replaced. */
#include "onnx/splice.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

/* --- sizes --- */

/* Sizes that shrink and grow are counted modulo 2^64; what comes in addition is below 2^63. */
static enum heft_status count_cuts(struct heft_splice *s, struct heft_error *err)
{
	uint64_t n_added = 0;
	struct heft_cut cut;
	bool has;

	s->cuts.rewind(s->cuts.ctx);
	for (;;) {
		uint64_t n_new;

		HEFT_TRY(s->cuts.next(s->cuts.ctx, &cut, &has, err));
		if (!has)
			return HEFT_OK;
		if (!heft_add_u64(cut.hole_size, cut.bytes_size, &n_new) ||
		    !heft_add_u64(n_added, n_new, &n_added) || n_added > (uint64_t)INT64_MAX / 2)
			return heft_fail(err, HEFT_E_LIMIT, cut.off,
			                 "the model would have 2^62 bytes or more");
		if (cut.frame == HEFT_ONNX_NONE)
			s->size += n_new - cut.n;
		else
			s->sizes[cut.frame] += n_new - cut.n;
	}
}

/* From the inside out: a frame stands behind its parent. */
static void pass_sizes_on(struct heft_splice *s)
{
	for (uint32_t i = s->model->n_frames; i-- > 0;) {
		const struct heft_onnx_frame *f = &s->model->frames[i];
		const uint64_t grown = s->sizes[i] - f->size + heft_wire_varint_size(s->sizes[i]) -
		                       (f->off - f->len_off);

		if (f->parent == HEFT_ONNX_NONE)
			s->size += grown;
		else
			s->sizes[f->parent] += grown;
	}
}

enum heft_status heft_splice_init(struct heft_splice *s, struct heft_wire_input *in,
                                  const struct heft_onnx_model *model,
                                  const struct heft_cut_source *cuts, struct heft_error *err)
{
	enum heft_status st;

	*s = (struct heft_splice){ .size = in->size, .in = in, .model = model, .cuts = *cuts };
	s->sizes = heft_alloc_array(model->n_frames, sizeof *s->sizes);
	if (!s->sizes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for %u messages",
		                 model->n_frames);
	for (uint32_t i = 0; i < model->n_frames; i++)
		s->sizes[i] = model->frames[i].size;
	st = count_cuts(s, err);
	if (st != HEFT_OK) {
		heft_splice_done(s);
		return st;
	}
	pass_sizes_on(s);
	return HEFT_OK;
}

void heft_splice_done(struct heft_splice *s)
{
	heft_free(s->sizes);
	s->sizes = NULL;
}

/* --- pieces --- */

struct walk {
	const struct heft_splice *s;
	heft_splice_fn fn;
	void *ctx;
	uint64_t from; /* of the input, what was passed */
	uint64_t to;
	uint32_t frame; /* the next one whose length comes */
};

static enum heft_status give(struct walk *w, const struct heft_splice_piece *piece,
                             struct heft_error *err)
{
	if (piece->size == 0)
		return HEFT_OK;
	HEFT_TRY(w->fn(w->ctx, piece, err));
	w->to += piece->size;
	return HEFT_OK;
}

static enum heft_status give_bytes(struct walk *w, const uint8_t *bytes, size_t n,
                                   struct heft_error *err)
{
	const struct heft_splice_piece piece = {
		.to = w->to, .size = n, .bytes = bytes, .weight = HEFT_ONNX_NONE
	};

	return give(w, &piece, err);
}

/* The input up to `end`, which then goes on at `next`. A file that somebody writes to meanwhile may
 * have cuts that run back. */
static enum heft_status copy_up_to(struct walk *w, uint64_t end, uint64_t next,
                                   struct heft_error *err)
{
	struct heft_splice_piece piece = { .to = w->to, .from = w->from, .weight = HEFT_ONNX_NONE };

	if (end < w->from || next < end || next > w->s->in->size)
		return heft_fail(err, HEFT_E_CORRUPT, w->from,
		                 "the model changes while it is read");
	piece.size = end - w->from;
	HEFT_TRY(give(w, &piece, err));
	w->from = next;
	return HEFT_OK;
}

/* The input up to `end`, with the lengths of the messages that begin before. */
static enum heft_status go_to(struct walk *w, uint64_t end, uint64_t next, struct heft_error *err)
{
	const struct heft_onnx_model *model = w->s->model;

	for (; w->frame < model->n_frames; w->frame++) {
		const struct heft_onnx_frame *f = &model->frames[w->frame];
		uint8_t length[HEFT_WIRE_VARINT_MAX];

		if (f->len_off >= end)
			break;
		HEFT_TRY(copy_up_to(w, f->len_off, f->off, err));
		HEFT_TRY(give_bytes(w, length, heft_wire_put_varint(length, w->s->sizes[w->frame]),
		                    err));
	}
	return copy_up_to(w, end, next, err);
}

static enum heft_status replace(struct walk *w, const struct heft_cut *cut, struct heft_error *err)
{
	struct heft_splice_piece hole = { .size = cut->hole_size, .weight = cut->weight };

	HEFT_TRY(go_to(w, cut->off, cut->off + cut->n, err));
	HEFT_TRY(give_bytes(w, cut->bytes, cut->bytes_size, err));
	hole.to = w->to;
	return give(w, &hole, err);
}

enum heft_status heft_splice_walk(struct heft_splice *s, heft_splice_fn fn, void *ctx,
                                  struct heft_error *err)
{
	struct walk w = { .s = s, .fn = fn, .ctx = ctx };
	struct heft_cut cut;
	bool has;

	s->cuts.rewind(s->cuts.ctx);
	for (;;) {
		HEFT_TRY(s->cuts.next(s->cuts.ctx, &cut, &has, err));
		if (!has)
			break;
		HEFT_TRY(replace(&w, &cut, err));
	}
	HEFT_TRY(go_to(&w, s->in->size, s->in->size, err));
	if (w.to != s->size)
		return heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the model changes while it is read");
	return HEFT_OK;
}
