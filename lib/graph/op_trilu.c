/* SPDX-License-Identifier: Apache-2.0 */
/* op_trilu.c - Trilu: the upper or the lower triangle of matrices, zeros elsewhere. */
#include <string.h>

#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	uint64_t size;

	HEFT_TRY(heft_call_element(c, 0, &size, err));
	if (x->rank < 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the input is no matrix");
	if (heft_call_has(c, 1) && (c->in[1].dtype != HEFT_DTYPE_I64 || c->in[1].n_elements != 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "k is not one I64");
	(void)heft_call_int(c, "upper", 1);
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err);
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct heft_array *x = &c->in[0];
	const uint64_t size = heft_element_size(x->dtype);
	const int64_t n_rows = (int64_t)x->dims[x->rank - 2];
	const int64_t n_columns = (int64_t)x->dims[x->rank - 1];
	const bool is_upper = heft_call_int(c, "upper", 1) != 0;
	const int64_t *k = ctx;

	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t at = row * (uint64_t)n_columns * size;
		uint8_t *y = (uint8_t *)c->out[0].bytes + at;
		const uint8_t *from = (const uint8_t *)x->bytes + at;
		int64_t turn = (int64_t)(row % (uint64_t)n_rows) + *k + !is_upper;
		uint64_t before; /* bytes in front of the diagonal, or with it in the lower one */

		turn = turn < 0 ? 0 : turn > n_columns ? n_columns : turn;
		before = (uint64_t)turn * size;
		if (y != from)
			memcpy(y, from, (uint64_t)n_columns * size);
		if (is_upper)
			memset(y, 0, before);
		else
			memset(y + before, 0, (uint64_t)n_columns * size - before);
	}
}

static void forward(const struct heft_call *c)
{
	const struct heft_array *x = &c->in[0];
	const int64_t most = INT64_MAX / 2;
	int64_t k = heft_call_has(c, 1) ? *(const int64_t *)c->in[1].bytes : 0;

	if (x->n_elements == 0)
		return;
	k = k > most ? most : k < -most ? -most : k;
	heft_spans_run(c, x->n_elements / x->dims[x->rank - 1], x->dims[x->rank - 1], run_rows, &k);
}

/* What was kept has the gradient. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "Trilu",
		.n_in = c->n_in,
		.in = { heft_gradient_of(g, 0),
		        c->n_in > 1 ? heft_gradient_in(g, 1) : HEFT_NO_VALUE },
		.same = &c->attrs,
	};

	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_trilu = {
	.name = "Trilu",
	.domain = "",
	.since = 14,
	.min_in = 1,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
