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

/* One window. Taps [from, to) of each axis lie inside; tap k is at origin + k dilation, where
 * origin may be below 0, modulo 2^64. n_counted: what an average is divided by. */
struct heft_pool_window {
	uint64_t origin[3];
	uint64_t from[3];
	uint64_t to[3];
	uint64_t n_counted;
	uint32_t cpu_bits;
	float power;
};
/* Of output o of an axis. */
void heft_pool_window_set(const struct heft_pooling *p, struct heft_pool_window *w, int axis,
                          uint64_t o);
/* How many taps count of the output at o, at least 1. */
uint64_t heft_pool_window_count(const struct heft_pooling *p, const struct heft_pool_window *w,
                                const uint64_t *o);

/* Each tap inside, in row-major order: its pixel is `at`. */
#define HEFT_POOL_EACH_TAP(p, w, at, body)                                                      \
	for (uint64_t d_ = (w)->from[0]; d_ < (w)->to[0]; d_++)                                 \
		for (uint64_t h_ = (w)->from[1]; h_ < (w)->to[1]; h_++)                         \
			for (uint64_t i_ = (w)->from[2]; i_ < (w)->to[2]; i_++) {               \
				const uint64_t at = (((w)->origin[0] + d_ * (p)->dilation[0]) * \
				                             (p)->in[1] +                       \
				                     (w)->origin[1] + h_ * (p)->dilation[1]) *  \
				                            (p)->in[2] +                        \
				                    (w)->origin[2] + i_ * (p)->dilation[2];     \
				body                                                            \
			}

/* pool_plain.c: lines first to first + n - 1 of the output's (image, channel, depth, height), of
 * any type, in either layout. y and places may be NULL; places are in the order of NCHW. */
void heft_pool_plain(uint32_t cpu_bits, const struct heft_pool *p, enum heft_dtype dtype,
                     const void *x, void *y, int64_t *places, uint64_t first, uint64_t n);

/* pool_gradient.c: the gradient of MaxPool's input, of dy and of x, or of AveragePool's, of dy
 * alone; the attributes are those of the operator, and `shape`, the dims of x. */
enum heft_status heft_pool_gradient_infer(struct heft_call *c, enum heft_pool_kind kind,
                                          struct heft_error *err);
void heft_pool_gradient_forward(const struct heft_call *c);
/* backward of these operators. */
void heft_pool_backward(const struct heft_call *c, struct heft_gradient *g,
                        enum heft_pool_kind kind);

#endif
