/* SPDX-License-Identifier: Apache-2.0 */
/* graph/pool.h - windows of pooling operators: what their attributes come to, and the work. */
#ifndef GRAPH_POOL_H
#define GRAPH_POOL_H

#include "graph/op.h"
#include "kernel/pooling.h"

enum heft_pool_kind {
	HEFT_POOL_MAX,
	HEFT_POOL_AVERAGE,
	HEFT_POOL_POWER
};

struct heft_pool {
	enum heft_pool_kind kind;
	float power;      /* of POWER */
	bool is_last;     /* channels lie behind the pixels */
	bool has_columns; /* places are numbered with the first axis fastest */
	uint64_t n_images;
	uint64_t n_channels;
	struct heft_pooling window;
};

/* Reads and checks kernel_shape, strides, dilations, pads, auto_pad and ceil_mode, for up to three
 * axes, sets the plan in c->state, and the shape of output 0. `is_nhwc`: dims too are those of
 * NHWC. */
enum heft_status heft_pool_infer(struct heft_call *c, enum heft_pool_kind kind, bool is_nhwc,
                                 struct heft_error *err);
void heft_pool_forward(const struct heft_call *c);

/* Attribute p of LpPool and GlobalLpPool. */
enum heft_status heft_pool_power(const struct heft_call *c, float *power, struct heft_error *err);

/* pool_plain.c: lines first to first + n - 1 of the output's (image, channel, depth, height), of
 * any type, in either layout. y and places may be NULL; places are in the order of NCHW. */
void heft_pool_plain(uint32_t cpu_bits, const struct heft_pool *p, enum heft_dtype dtype,
                     const void *x, void *y, int64_t *places, uint64_t first, uint64_t n);

#endif
