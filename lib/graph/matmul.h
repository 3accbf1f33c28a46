/* SPDX-License-Identifier: Apache-2.0 */
/* graph/matmul.h - products of matrices, or of batches of them, as MatMul, Gemm and their like
 * compute them: F32 by the kernels, the second one packed once if it is constant; F64 and integers
 * by plain_matrix.h. It lies in the call's state. */
#ifndef GRAPH_MATMUL_H
#define GRAPH_MATMUL_H

#include "graph/dense.h"
#include "graph/plain_matrix.h"

#define HEFT_MATMUL_MAX_BATCH (HEFT_GRAPH_MAX_RANK - 2)

struct heft_matmul {
	/* Set by heft_matmul_shape. */
	bool is_a_turned; /* K x M in memory */
	bool is_b_turned; /* N x K */
	uint64_t m;
	uint64_t k;
	uint64_t n;
	uint32_t n_axes; /* of the batch */
	uint64_t axes[HEFT_MATMUL_MAX_BATCH];
	uint64_t a_steps[HEFT_MATMUL_MAX_BATCH]; /* in matrices; 0 along what is broadcast */
	uint64_t b_steps[HEFT_MATMUL_MAX_BATCH];
	uint64_t n_products; /* matrices of the output */
	uint64_t n_a;
	uint64_t n_b;

	/* By heft_matmul_plan. */
	bool is_empty;
	bool is_plain; /* no kernel is used, but this: */
	struct heft_plain_matrix plain;
	struct heft_product p; /* of one matrix; or, where b is one, of all rows */
	struct heft_dense_end end;
	bool packs;       /* b, in every forward, */
	bool packs_apart; /* each matrix by the task that uses it */
	uint64_t n_parts; /* tasks of one product then */
	uint64_t a_at;    /* places in scratch */
	uint64_t packed_at;
	uint64_t run_at;
	uint64_t worker_size; /* of packs_apart: packed, turned, and what the kernel wants */
	uint64_t turned_at;
};

/* What a product is, but for a's and b's sizes. */
struct heft_matmul_wish {
	enum heft_dtype dtype;
	bool is_b_constant;
	float alpha; /* of F32 */
	bool has_bias;
	bool has_residual;
};

/* What forward works on. */
struct heft_matmul_data {
	const void *a;
	const void *b;
	const float *bias;     /* NULL, or n of them */
	const float *residual; /* NULL, or of the output's shape; it may be the output */
	void *y;
};

/* Sizes of a x b by NumPy's rules, 1-D too, and the shape of what comes out: dims has room for
 * HEFT_GRAPH_MAX_RANK. */
enum heft_status heft_matmul_shape(const struct heft_array *a, const struct heft_array *b,
                                   bool is_a_turned, bool is_b_turned, struct heft_matmul *m,
                                   uint32_t *rank, uint64_t *dims, struct heft_error *err);
/* Which matrix of a (a_steps), or of b, product i reads. */
uint64_t heft_matmul_matrix(const struct heft_matmul *m, const uint64_t *steps, uint64_t i);
/* Everything else, for n_elements of output. Sets the call's sizes, adds to its scratch. */
enum heft_status heft_matmul_plan(struct heft_call *c, struct heft_matmul *m,
                                  const struct heft_matmul_wish *wish, uint64_t n_elements,
                                  struct heft_error *err);
/* Of any weights [k, n] or [n, k] of n_b matrices. */
void heft_matmul_pack(const struct heft_call *c, const struct heft_matmul *m, const float *b,
                      float *packed);
/* All of forward; b is not looked at where c->packed is there. */
void heft_matmul_run(const struct heft_call *c, const struct heft_matmul *m,
                     const struct heft_matmul_data *data);

/* forward and pack of an operator whose inputs 0 and 1 are the matrices, and whose state is a
 * struct heft_matmul alone. */
void heft_matmul_forward(const struct heft_call *c);
void heft_matmul_pack_b(const struct heft_call *c);

#endif
