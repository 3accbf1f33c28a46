/* SPDX-License-Identifier: Apache-2.0 */
/* graph/rotary.h - what both RotaryEmbeddings share: pairs of numbers turned by angles of their
 * positions, whose cosines and sines are given. Written from spec/numerics.md, F6-85. */
#ifndef GRAPH_ROTARY_H
#define GRAPH_ROTARY_H

#include "graph/op.h"

enum heft_positions {
	HEFT_POSITIONS_NONE, /* the tables have a row for each sample and place */
	HEFT_POSITIONS_EACH, /* one for each sample and place */
	HEFT_POSITIONS_FIRST /* one, of the first place of every sample */
};

struct heft_rotary {
	/* Set by the operator: input 0 is samples, heads, places, numbers, or has places before
	 * heads. */
	size_t n_batch;
	size_t n_heads;
	size_t n_places;
	size_t size;           /* of a head */
	size_t n_turned;       /* numbers of it, from the first on; even */
	size_t n_rows;         /* of the tables */
	enum heft_dtype dtype; /* F32, F64 */
	bool is_heads_first;
	bool is_interleaved;
	enum heft_positions positions;
	uint32_t in_cos; /* which inputs they are */
	uint32_t in_sin;
	uint32_t in_positions;
};

/* The shape of input 0: n_heads 0 with 3 dimensions, heads are `size` wide. */
enum heft_status heft_rotary_shape(const struct heft_call *c, int64_t n_heads, uint64_t size,
                                   struct heft_rotary *r, struct heft_error *err);
/* The tables: checks their shape, and sets n_rows. */
enum heft_status heft_rotary_tables(const struct heft_call *c, struct heft_rotary *r,
                                    struct heft_error *err);
void heft_rotary_run(const struct heft_call *c, const struct heft_rotary *r);

/* backward of both. */
void heft_rotary_backward(const struct heft_call *c, struct heft_gradient *g);

#endif
