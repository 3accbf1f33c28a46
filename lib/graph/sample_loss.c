/* SPDX-License-Identifier: Apache-2.0 */
/* sample_loss.c - what the losses of training share; losses of pairs of elements, in the blocks of
 * spec F3-1, so that their sum does not depend on who computed which. */
#include "graph/sample_loss.h"

#include "base/error.h"
#include "kernel/meet.h"
#include "kernel/sum.h"

enum heft_status heft_call_real(const struct heft_call *c, const char *name, double absent,
                                double *value, struct heft_error *err)
{
	const struct heft_attr *a = heft_call_attr(c, name);

	*value = absent;
	if (!a)
		return HEFT_OK;
	if (a->kind == HEFT_ATTR_FLOAT) {
		*value = (double)a->f;
	} else if (a->kind == HEFT_ATTR_TENSOR && a->tensor->dtype == HEFT_DTYPE_F64 &&
	           a->tensor->n_elements == 1) {
		*value = *(const double *)a->tensor->bytes;
	} else {
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "attribute '%s' is no number",
		                 name);
	}
	return HEFT_OK;
}

enum heft_status heft_sample_loss_check(const struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };

	HEFT_TRY(heft_call_check_dtype(c, HEFT_LOSS_PREDICTION, floats, err));
	if (heft_call_has(c, HEFT_LOSS_WEIGHTS) &&
	    c->in[HEFT_LOSS_WEIGHTS].dtype != c->in[HEFT_LOSS_PREDICTION].dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "weights are %s and predictions %s",
		                 heft_dtype_name(c->in[HEFT_LOSS_WEIGHTS].dtype),
		                 heft_dtype_name(c->in[HEFT_LOSS_PREDICTION].dtype));
	return HEFT_OK;
}

enum heft_status heft_sample_loss_outputs(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[HEFT_LOSS_PREDICTION];

	HEFT_TRY(heft_array_set(&c->out[HEFT_LOSS_OUT_SUM], HEFT_DTYPE_F64, 0, NULL, err));
	if (c->n_out > HEFT_LOSS_OUT_DIVISOR)
		HEFT_TRY(heft_array_set(&c->out[HEFT_LOSS_OUT_DIVISOR], HEFT_DTYPE_F64, 0, NULL,
		                        err));
	if (c->n_out > HEFT_LOSS_OUT_GRADIENT)
		HEFT_TRY(heft_array_set(&c->out[HEFT_LOSS_OUT_GRADIENT], x->dtype, x->rank, x->dims,
		                        err));
	return HEFT_OK;
}

void heft_sample_loss_store(const struct heft_call *c, double sum, double divisor)
{
	if (heft_call_wants(c, HEFT_LOSS_OUT_SUM))
		*(double *)c->out[HEFT_LOSS_OUT_SUM].bytes = sum;
	if (heft_call_wants(c, HEFT_LOSS_OUT_DIVISOR))
		*(double *)c->out[HEFT_LOSS_OUT_DIVISOR].bytes = divisor;
}

/* --- pairs --- */

static uint64_t n_blocks_of(const struct heft_call *c)
{
	const uint64_t n = c->in[HEFT_LOSS_PREDICTION].n_elements;

	return n / HEFT_SUM_BLOCK + (n % HEFT_SUM_BLOCK != 0);
}

/* The same list of dimensions, those of 1 left out. */
static bool is_same_list(const struct heft_array *a, const struct heft_array *b)
{
	uint32_t i = 0;
	uint32_t j = 0;

	for (;;) {
		while (i < a->rank && a->dims[i] == 1)
			i++;
		while (j < b->rank && b->dims[j] == 1)
			j++;
		if (i == a->rank || j == b->rank)
			return i == a->rank && j == b->rank;
		if (a->dims[i++] != b->dims[j++])
			return false;
	}
}

enum heft_status heft_pair_loss_infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[HEFT_LOSS_PREDICTION];
	const struct heft_array *y = &c->in[HEFT_LOSS_TARGET];

	HEFT_TRY(heft_sample_loss_check(c, err));
	if (y->dtype != x->dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "targets are %s and predictions %s", heft_dtype_name(y->dtype),
		                 heft_dtype_name(x->dtype));
	if (!is_same_list(x, y))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "targets are not of the shape of predictions");
	c->scratch_size = n_blocks_of(c) * sizeof(double);
	return heft_sample_loss_outputs(c, err);
}

static void run_blocks(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	heft_pair_loss_fn *const *fn = ctx;
	const struct heft_array *x = &c->in[HEFT_LOSS_PREDICTION];
	const uint64_t size = heft_element_size(x->dtype);
	uint8_t *gradients = heft_call_wants(c, HEFT_LOSS_OUT_GRADIENT)
	                             ? c->out[HEFT_LOSS_OUT_GRADIENT].bytes
	                             : NULL;
	double losses[HEFT_PAIR_LOSS_MOST];

	(void)worker;
	for (uint64_t b = first; b < first + n; b++) {
		const uint64_t left = x->n_elements - b * HEFT_SUM_BLOCK;
		const uint64_t n_block = left < HEFT_SUM_BLOCK ? left : HEFT_SUM_BLOCK;
		struct heft_sum_f64 sum;

		heft_sum_f64_init(&sum, HEFT_TERM_VALUE, 0);
		for (uint64_t i = 0; i < n_block; i += HEFT_PAIR_LOSS_MOST) {
			const uint64_t at = b * HEFT_SUM_BLOCK + i;
			const size_t n_now = (size_t)(n_block - i < HEFT_PAIR_LOSS_MOST
			                                      ? n_block - i
			                                      : HEFT_PAIR_LOSS_MOST);

			(*fn)(c, at, n_now, losses, gradients ? gradients + at * size : NULL);
			heft_sum_f64_add(c->cpu_bits, &sum, losses, n_now);
		}
		((double *)c->scratch)[b] = heft_sum_f64_done(&sum);
	}
}

void heft_pair_loss_run(const struct heft_call *c, heft_pair_loss_fn *f32, heft_pair_loss_fn *f64)
{
	const bool is_f32 = c->in[HEFT_LOSS_PREDICTION].dtype == HEFT_DTYPE_F32;
	heft_pair_loss_fn *const fn = is_f32 ? f32 : f64;
	const uint64_t n_blocks = n_blocks_of(c);

	heft_spans_run(c, n_blocks, 4 * HEFT_SUM_BLOCK, run_blocks, &fn);
	heft_sample_loss_store(c, heft_meet_f64(c->scratch, n_blocks),
	                       (double)c->in[HEFT_LOSS_PREDICTION].n_elements);
}
