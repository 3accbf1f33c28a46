/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/splice.h - a copy of a model with pieces of it replaced, told piece by piece: the lengths of
 * the messages around them become those of what they hold then. Nothing is kept of a piece, however
 * many there are, so that the memory goes by the number of messages that hold a weight. */
#ifndef ONNX_SPLICE_H
#define ONNX_SPLICE_H

#include "onnx/model.h"

/* Input bytes [off, off + n) that go, and what comes where they were: `bytes`, and behind them a
 * hole that somebody else fills. Any of the three may be empty. */
struct heft_cut {
	uint64_t off;
	uint64_t n;
	const uint8_t *bytes; /* borrowed until the next cut is asked for */
	size_t bytes_size;
	uint64_t hole_size;
	uint32_t weight; /* that the hole is for */
	uint32_t frame;  /* the innermost one around; HEFT_ONNX_NONE: the model */
};

/* Gives cuts: ascending, apart from one another, and the same ones each time. */
struct heft_cut_source {
	void (*rewind)(void *ctx);
	enum heft_status (*next)(void *ctx, struct heft_cut *cut, bool *has,
	                         struct heft_error *err);
	void *ctx;
};

/* Bytes [to, to + size) of the copy: `bytes`; where that is NULL the input's from `from` on; or a
 * hole. */
struct heft_splice_piece {
	uint64_t to;
	uint64_t size;
	const uint8_t *bytes;
	uint64_t from;
	uint32_t weight; /* of the hole; HEFT_ONNX_NONE: no hole */
};

/* Called with every piece, in order, none of them empty. */
typedef enum heft_status (*heft_splice_fn)(void *ctx, const struct heft_splice_piece *piece,
                                           struct heft_error *err);

struct heft_splice {
	uint64_t size; /* of the copy */

	/* its own: */
	struct heft_wire_input *in;
	const struct heft_onnx_model *model;
	struct heft_cut_source cuts;
	uint64_t *sizes; /* of the frames in the copy */
};

/* Goes through the cuts once, to learn the sizes. LIMIT: the copy would have 2^63 bytes. */
enum heft_status heft_splice_init(struct heft_splice *s, struct heft_wire_input *in,
                                  const struct heft_onnx_model *model,
                                  const struct heft_cut_source *cuts, struct heft_error *err);
void heft_splice_done(struct heft_splice *s);
/* CORRUPT also where the input is not what it was at heft_splice_init. */
enum heft_status heft_splice_walk(struct heft_splice *s, heft_splice_fn fn, void *ctx,
                                  struct heft_error *err);

#endif
