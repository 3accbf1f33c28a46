/* SPDX-License-Identifier: Apache-2.0 */
/* gradient_tree.c - the gradients of micro-batches, added in a fixed binary tree. */
#include "train/gradient_tree.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "kernel/arithmetic.h"

#define MAX_LEVELS 64
#define BLOCK 16384 /* elements of a task */
#define ALIGNMENT 64

struct level {
	uint8_t *allocated; /* NULL: not needed so far */
	uint8_t *values;
	struct heft_loss_sums sums;
};

struct heft_gradient_tree {
	enum heft_dtype dtype;
	uint64_t n;
	size_t n_bytes;
	uint64_t n_leaves;
	uint32_t n_open; /* subtrees that wait for their right neighbour, the largest first */
	struct level levels[MAX_LEVELS];
};

enum heft_status heft_gradient_tree_new(enum heft_dtype dtype, uint64_t n,
                                        struct heft_gradient_tree **out, struct heft_error *err)
{
	const uint64_t size = dtype == HEFT_DTYPE_F64 ? sizeof(double) : sizeof(float);
	struct heft_gradient_tree *t = heft_zalloc(sizeof *t);
	uint64_t n_bytes;

	if (!t || !heft_mul_u64(n, size, &n_bytes) || !heft_add_u64(n_bytes, ALIGNMENT, &n_bytes) ||
	    !heft_to_size(n_bytes, &t->n_bytes)) {
		heft_free(t);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for gradients");
	}
	t->dtype = dtype;
	t->n = n;
	*out = t;
	return HEFT_OK;
}

void heft_gradient_tree_free(struct heft_gradient_tree *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < MAX_LEVELS; i++)
		heft_free(t->levels[i].allocated);
	heft_free(t);
}

enum heft_status heft_gradient_tree_leaf(struct heft_gradient_tree *t, void **values,
                                         struct heft_error *err)
{
	struct level *level = &t->levels[t->n_open];

	if (!level->allocated) {
		level->allocated = heft_alloc_filled(t->n_bytes);
		if (!level->allocated)
			return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
			                 "no memory for %llu gradients", (unsigned long long)t->n);
		level->values = level->allocated +
		                (ALIGNMENT - (uintptr_t)level->allocated % ALIGNMENT) % ALIGNMENT;
	}
	*values = level->values;
	return HEFT_OK;
}

struct job {
	uint32_t cpu_bits;
	enum heft_dtype dtype;
	uint64_t n;
	void *left;
	const void *right;
};

static void add_block(void *ctx, uint64_t task, uint32_t worker)
{
	const struct job *job = ctx;
	const uint64_t first = task * BLOCK;
	const size_t n = (size_t)(job->n - first < BLOCK ? job->n - first : BLOCK);

	(void)worker;
	if (job->dtype == HEFT_DTYPE_F64) {
		double *left = (double *)job->left + first;

		heft_arithmetic_f64_by(job->cpu_bits, HEFT_ARITHMETIC_ADD, left, left, 1,
		                       (const double *)job->right + first, 1, 0, 0, n);
	} else {
		float *left = (float *)job->left + first;

		heft_arithmetic_f32_by(job->cpu_bits, HEFT_ARITHMETIC_ADD, left, left, 1,
		                       (const float *)job->right + first, 1, 0, 0, n);
	}
}

/* The two last open subtrees become one. */
static void meet(struct heft_gradient_tree *t, struct heft_team *team, uint32_t cpu_bits)
{
	struct level *left = &t->levels[t->n_open - 2];
	const struct level *right = &t->levels[t->n_open - 1];
	struct job job = { .cpu_bits = cpu_bits,
		           .dtype = t->dtype,
		           .n = t->n,
		           .left = left->values,
		           .right = right->values };

	heft_team_run(team, t->n / BLOCK + (t->n % BLOCK != 0), add_block, &job);
	left->sums.loss += right->sums.loss;
	left->sums.divisor += right->sums.divisor;
	t->n_open--;
}

void heft_gradient_tree_add(struct heft_gradient_tree *t, struct heft_team *team, uint32_t cpu_bits,
                            struct heft_loss_sums sums)
{
	t->levels[t->n_open++].sums = sums;
	t->n_leaves++;
	for (uint64_t n = t->n_leaves; n % 2 == 0; n /= 2)
		meet(t, team, cpu_bits);
}

void *heft_gradient_tree_root(struct heft_gradient_tree *t, struct heft_team *team,
                              uint32_t cpu_bits, struct heft_loss_sums *sums)
{
	while (t->n_open > 1)
		meet(t, team, cpu_bits);
	heft_gradient_tree_clear(t);
	*sums = t->levels[0].sums;
	return t->levels[0].values;
}

void heft_gradient_tree_clear(struct heft_gradient_tree *t)
{
	t->n_open = 0;
	t->n_leaves = 0;
}

uint32_t heft_gradient_tree_n_held(const struct heft_gradient_tree *t)
{
	uint32_t n = 0;

	while (n < MAX_LEVELS && t->levels[n].allocated)
		n++;
	return n;
}
