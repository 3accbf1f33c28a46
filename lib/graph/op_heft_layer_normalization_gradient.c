/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_layer_normalization_gradient.c - LayerNormalizationGradient: of rows x, and of the
 * gradient g of what they are once normalised, v = (x - mean) / d: output 0 is (1 / d) ((g - mean
 * of g) - v mean of g v), and without the mean of g where `rms` is; output 1 is v (F7-17). */
#include "base/checked.h"
#include "base/error.h"
#include "graph/normal.h"
#include "graph/spans.h"
#include "kernel/sum.h"

#define N_HELD 256

struct rows {
	uint64_t n_rows;
	uint64_t n;
	float epsilon;
	bool is_rms;
	uint64_t room; /* bytes of a row, rounded up: one a worker where output 1 is not wanted */
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype floats[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_NONE };
	struct rows *r = (struct rows *)(void *)c->state;
	const struct heft_array *x = &c->in[1];
	struct heft_axis a;
	uint32_t axis;

	HEFT_TRY(heft_call_check_dtype(c, 0, floats, err));
	if (x->dtype != c->in[0].dtype || !heft_array_same_shape(x, &c->in[0]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the gradient is not of the rows' shape");
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", -1), x->rank, true, &axis, err));
	heft_axis_set_tail(&a, x, axis);
	*r = (struct rows){ a.n_outer, a.n, heft_call_float(c, "epsilon", 1e-5f),
		            heft_call_int(c, "rms", 0) != 0,
		            (a.n * heft_element_size(x->dtype) + 63) / 64 * 64 };
	if (!heft_call_wants(c, 1) &&
	    !heft_mul_u64(r->room, heft_team_n_threads(c->team), &c->scratch_size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a row is too large");
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, x->dims, err));
	return c->n_out > 1 ? heft_array_set(&c->out[1], x->dtype, x->rank, x->dims, err) : HEFT_OK;
}

#define ROWS(real, type)                                                                           \
	static type mean_##real(uint32_t bits, const type *g, const type *v, size_t n)             \
	{                                                                                          \
		struct heft_sum_##real s;                                                          \
		type held[N_HELD];                                                                 \
                                                                                                   \
		heft_sum_##real##_init(&s, HEFT_TERM_VALUE, 0);                                    \
		for (size_t from = 0; from < n; from += N_HELD) {                                  \
			const size_t n_now = n - from < N_HELD ? n - from : N_HELD;                \
                                                                                                   \
			for (size_t i = 0; i < n_now; i++)                                         \
				held[i] = v ? g[from + i] * v[from + i] : g[from + i];             \
			heft_sum_##real##_add(bits, &s, held, n_now);                              \
		}                                                                                  \
		return heft_sum_##real##_done(&s) / (type)n;                                       \
	}                                                                                          \
                                                                                                   \
	static void rows_##real(const struct heft_call *c, const void *ctx, uint64_t first,        \
	                        uint64_t n_rows, uint32_t worker)                                  \
	{                                                                                          \
		const struct rows *r = ctx;                                                        \
		const size_t n = (size_t)r->n;                                                     \
                                                                                                   \
		for (uint64_t row = first; row < first + n_rows; row++) {                          \
			const type *g = (const type *)c->in[0].bytes + row * n;                    \
			const type *x = (const type *)c->in[1].bytes + row * n;                    \
			type *dx = (type *)c->out[0].bytes + row * n;                              \
			type *v = heft_call_wants(c, 1) ? (type *)c->out[1].bytes + row * n        \
			                                : (type *)(void *)((uint8_t *)c->scratch + \
			                                                   worker * r->room);      \
			type inverse;                                                              \
			type m;                                                                    \
			type m_v;                                                                  \
                                                                                                   \
			if (r->is_rms)                                                             \
				heft_rms_row_##real(c->cpu_bits, v, x, n, r->epsilon, NULL,        \
				                    &inverse);                                     \
			else                                                                       \
				heft_normal_row_##real(c->cpu_bits, v, x, n, r->epsilon, NULL,     \
				                       NULL, NULL, &inverse);                      \
			m = r->is_rms ? 0 : mean_##real(c->cpu_bits, g, NULL, n);                  \
			m_v = mean_##real(c->cpu_bits, g, v, n);                                   \
			for (size_t i = 0; i < n && heft_call_wants(c, 0); i++)                    \
				dx[i] = inverse * ((g[i] - m) - v[i] * m_v);                       \
		}                                                                                  \
	}

ROWS(f32, float)
ROWS(f64, double)

static void forward(const struct heft_call *c)
{
	const struct rows *r = (const struct rows *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, r->n_rows, 4 * r->n,
		               c->in[0].dtype == HEFT_DTYPE_F64 ? rows_f64 : rows_f32, r);
}

const struct heft_op heft_op_heft_layer_normalization_gradient = {
	.name = "LayerNormalizationGradient",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 2,
	.max_out = 2,
	.infer = infer,
	.forward = forward,
};
