/* SPDX-License-Identifier: Apache-2.0 */
/* graph/random.h - what operators that draw numbers share. Written from spec/numerics.md, F6-86. */
#ifndef GRAPH_RANDOM_H
#define GRAPH_RANDOM_H

#include "graph/op.h"
#include "kernel/philox.h"

enum heft_drawn {
	HEFT_DRAWN_UNIFORM, /* from low to high */
	HEFT_DRAWN_NORMAL   /* of mean and scale */
};

/* The output's dtype, by the attribute `dtype`, or else `absent`: USAGE, UNSUPPORTED. */
enum heft_status heft_random_dtype(const struct heft_call *c, enum heft_dtype absent,
                                   enum heft_dtype *dtype, struct heft_error *err);
/* Output 0 of this shape. */
enum heft_status heft_random_infer(struct heft_call *c, enum heft_dtype absent, uint32_t rank,
                                   const uint64_t *dims, struct heft_error *err);
/* Output 0 of the shape in the attribute `shape`, or like input 0. */
enum heft_status heft_random_infer_shape(struct heft_call *c, struct heft_error *err);
enum heft_status heft_random_infer_like(struct heft_call *c, struct heft_error *err);

/* Where this node draws: by its attribute `seed`, or by the run's. */
struct heft_random_place heft_random_place_of(const struct heft_call *c);
/* Fills output 0. */
void heft_random_fill(const struct heft_call *c, enum heft_drawn drawn);

/* Runs fn over pieces of n elements, the first one a multiple of 4, at most HEFT_RANDOM_PIECE. */
#define HEFT_RANDOM_PIECE 1024
typedef void (*heft_random_fn)(const struct heft_call *c, uint64_t first, size_t n);
void heft_random_pieces(const struct heft_call *c, uint64_t n, heft_random_fn fn);

#endif
