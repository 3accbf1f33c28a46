/* SPDX-License-Identifier: Apache-2.0 */
/* graph/dense.h - products of kernel/product.h as operators run them: by a team, with what
 * heft_call_end asks for. A product is made in infer and lies in the call's state, so that forward
 * plans nothing. */
#ifndef GRAPH_DENSE_H
#define GRAPH_DENSE_H

#include "graph/op.h"

/* LIMIT unless what heft_product_init tells of it fits: sizes below 2^60. To be asked before. */
enum heft_status heft_dense_check(const struct heft_product *p, struct heft_error *err);

/* The team, or NULL where so few multiply-adds are not worth waking it. */
struct heft_team *heft_dense_team(const struct heft_call *c, uint64_t n_multiply_adds);

/* Bytes of scratch of all threads, for heft_dense_run; a multiple of 64. */
uint64_t heft_dense_scratch(const struct heft_call *c, const struct heft_product *p);

void heft_dense_pack(const struct heft_call *c, const struct heft_product *p,
                     const struct heft_product_weights *w, float *packed);
void heft_dense_run(const struct heft_call *c, const struct heft_product *p,
                    const struct heft_product_data *d, void *scratch);

/* Who adds what, since a kernel adds one bias, one residual: the operator's own first, and then
 * what `end` says, which is done in another pass over the output where the kernel is taken. */
struct heft_dense_end {
	bool is_bias_inside; /* the kernel adds end.bias, */
	bool is_residual_inside;
	bool is_activation_inside;
};
/* Sets p->end but alpha. has_bias, has_residual: that the operator has some of its own. */
void heft_dense_set_end(const struct heft_call *c, bool has_bias, bool has_residual,
                        struct heft_dense_end *e, struct heft_product_end *end);
/* Bias and residual for the kernel: the operator's own, or those of the call. */
void heft_dense_take_end(const struct heft_call *c, const struct heft_dense_end *e,
                         struct heft_product_data *d);
/* What the kernel left over. Element (image, channel, pixel) of n_images x n_channels x n_pixels;
 * pixels behind channels unless is_last. */
void heft_dense_finish(const struct heft_call *c, const struct heft_dense_end *e,
                       uint64_t n_channels, uint64_t n_pixels, bool is_last);

/* Whether input i is known when infer looks at it: packed once. Then whoever calls forward has
 * called pack. */
static inline bool heft_dense_is_constant(const struct heft_call *c, uint32_t i)
{
	return c->in[i].bytes != NULL;
}

/* Adds n bytes to *size, which stays a multiple of 64; *at is where they begin. LIMIT. */
enum heft_status heft_dense_room(uint64_t *size, uint64_t n, uint64_t *at, struct heft_error *err);

#endif
