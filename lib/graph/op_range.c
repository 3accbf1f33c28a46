/* SPDX-License-Identifier: Apache-2.0 */
/* op_range.c - Range: start, start + delta, and so on, below limit (above it where delta is
 * negative). Written from spec/numerics.md. */
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/move.h"
#include "graph/spans.h"

static enum heft_status count_integers(const struct heft_call *c, uint64_t *n,
                                       struct heft_error *err)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	const int64_t start = heft_load_integer(dtype, c->in[0].bytes);
	const int64_t limit = heft_load_integer(dtype, c->in[1].bytes);
	const int64_t delta = heft_load_integer(dtype, c->in[2].bytes);

	if (delta == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "delta is 0");
	*n = 0;
	if (delta > 0 && limit > start)
		*n = ((uint64_t)limit - (uint64_t)start - 1) / (uint64_t)delta + 1;
	if (delta < 0 && limit < start)
		*n = ((uint64_t)start - (uint64_t)limit - 1) / (0 - (uint64_t)delta) + 1;
	return HEFT_OK;
}

static double number(const struct heft_array *a)
{
	return a->dtype == HEFT_DTYPE_F32 ? (double)*(const float *)a->bytes
	                                  : *(const double *)a->bytes;
}

/* spec F6-62. */
static enum heft_status count_reals(const struct heft_call *c, uint64_t *n, struct heft_error *err)
{
	const double steps = (number(&c->in[1]) - number(&c->in[0])) / number(&c->in[2]);

	if (!(steps < 0x1p53))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "start, limit and delta give no number of elements");
	*n = steps > 0 ? (uint64_t)steps : 0;
	if ((double)*n < steps)
		*n += 1;
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype numbers[] = {
		HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I16,
		HEFT_DTYPE_I32, HEFT_DTYPE_I64, HEFT_DTYPE_NONE
	};
	const enum heft_dtype dtype = c->in[0].dtype;
	uint64_t n = 0;

	HEFT_TRY(heft_call_check_dtype(c, 0, numbers, err));
	for (uint32_t i = 0; i < 3; i++) {
		HEFT_TRY(heft_call_same_dtype(c, 0, i, err));
		if (c->in[i].n_elements != 1 || c->in[i].rank > 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is not one number", i);
		if (!c->in[i].bytes)
			return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
			                 "input %u is not known", i);
	}
	HEFT_TRY(heft_is_integer(dtype) ? count_integers(c, &n, err) : count_reals(c, &n, err));
	return heft_array_set(&c->out[0], dtype, 1, &n, err);
}

static void forward(const struct heft_call *c)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	const uint64_t size = heft_element_size(dtype);
	uint8_t *y = c->out[0].bytes;

	for (uint64_t i = 0; i < c->out[0].n_elements; i++) {
		if (dtype == HEFT_DTYPE_F32) {
			const float way = (float)i * *(const float *)c->in[2].bytes;

			((float *)c->out[0].bytes)[i] = *(const float *)c->in[0].bytes + way;
		} else if (dtype == HEFT_DTYPE_F64) {
			const double way = (double)i * *(const double *)c->in[2].bytes;

			((double *)c->out[0].bytes)[i] = *(const double *)c->in[0].bytes + way;
		} else {
			const uint64_t delta = (uint64_t)heft_load_integer(dtype, c->in[2].bytes);
			const uint64_t start = (uint64_t)heft_load_integer(dtype, c->in[0].bytes);

			heft_store_integer(dtype, y + i * size, (int64_t)(start + i * delta));
		}
	}
}

const struct heft_op heft_op_range = {
	.name = "Range",
	.domain = "",
	.since = 11,
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.needs = 1 << 0 | 1 << 1 | 1 << 2,
	.infer = infer,
	.forward = forward,
	.backward = heft_gradient_none,
};
