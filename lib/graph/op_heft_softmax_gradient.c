/* SPDX-License-Identifier: Apache-2.0 */
/* op_heft_softmax_gradient.c - SoftmaxGradient: of dy and the output y of a Softmax, y (dy - s)
 * with s the sum of dy y over the row (F7-16); with `log`, of LogSoftmax, dy - e^y s with s the sum
 * of dy. Attributes are those of Softmax, as of its opset. */
#include "base/error.h"
#include "graph/softmax.h"
#include "kernel/elementary.h"
#include "kernel/sum.h"

#define N_HELD 256

struct plan {
	struct heft_axis axis;
	bool is_log;
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct plan *p = (struct plan *)(void *)c->state;
	struct heft_call forward = *c;
	struct heft_array y = { 0 };

	if (c->in[1].dtype != c->in[0].dtype || !heft_array_same_shape(&c->in[0], &c->in[1]))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the gradient is not of the output's shape");
	forward.n_in = 1;
	forward.out = &y;
	HEFT_TRY(heft_softmax_infer(&forward, err));
	*p = (struct plan){ *(const struct heft_axis *)(const void *)forward.state,
		            heft_call_int(c, "log", 0) != 0 };
	c->may_overwrite = 1;
	return heft_array_set(&c->out[0], y.dtype, y.rank, y.dims, err);
}

/* Row (o, i) of n elements, `step` apart. */
#define ROWS(real, type)                                                                         \
	static type sum_##real(uint32_t bits, bool is_log, const type *dy, const type *y,        \
	                       uint64_t n, uint64_t step)                                        \
	{                                                                                        \
		struct heft_sum_##real s;                                                        \
		type held[N_HELD];                                                               \
                                                                                                 \
		heft_sum_##real##_init(&s, HEFT_TERM_VALUE, 0);                                  \
		for (uint64_t from = 0; from < n; from += N_HELD) {                              \
			const uint64_t n_now = n - from < N_HELD ? n - from : N_HELD;            \
                                                                                                 \
			for (uint64_t j = 0; j < n_now; j++) {                                   \
				const uint64_t at = (from + j) * step;                           \
                                                                                                 \
				held[j] = is_log ? dy[at] : dy[at] * y[at];                      \
			}                                                                        \
			heft_sum_##real##_add(bits, &s, held, (size_t)n_now);                    \
		}                                                                                \
		return heft_sum_##real##_done(&s);                                               \
	}                                                                                        \
                                                                                                 \
	static void row_##real(uint32_t bits, bool is_log, const type *dy, const type *y,        \
	                       type *dx, uint64_t n, uint64_t step)                              \
	{                                                                                        \
		const type s = sum_##real(bits, is_log, dy, y, n, step);                         \
		type held[N_HELD];                                                               \
                                                                                                 \
		for (uint64_t from = 0; from < n; from += N_HELD) {                              \
			const uint64_t n_now = n - from < N_HELD ? n - from : N_HELD;            \
                                                                                                 \
			for (uint64_t j = 0; j < n_now; j++)                                     \
				held[j] = y[(from + j) * step];                                  \
			if (is_log)                                                              \
				heft_exp_##real##_by(bits, held, held, (size_t)n_now);           \
			for (uint64_t j = 0; j < n_now; j++) {                                   \
				const uint64_t at = (from + j) * step;                           \
                                                                                                 \
				dx[at] = is_log ? dy[at] - held[j] * s : held[j] * (dy[at] - s); \
			}                                                                        \
		}                                                                                \
	}                                                                                        \
                                                                                                 \
	static void rows_##real(const struct heft_call *c, const void *ctx, uint64_t first,      \
	                        uint64_t n, uint32_t worker)                                     \
	{                                                                                        \
		const struct plan *p = ctx;                                                      \
		const struct heft_axis *a = &p->axis;                                            \
                                                                                                 \
		(void)worker;                                                                    \
		for (uint64_t row = first; row < first + n; row++) {                             \
			const uint64_t at = row / a->n_inner * a->n * a->n_inner +               \
			                    row % a->n_inner;                                    \
                                                                                                 \
			row_##real(c->cpu_bits, p->is_log, (const type *)c->in[0].bytes + at,    \
			           (const type *)c->in[1].bytes + at,                            \
			           (type *)c->out[0].bytes + at, a->n, a->n_inner);              \
		}                                                                                \
	}

ROWS(f32, float)
ROWS(f64, double)

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)(const void *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, p->axis.n_outer * p->axis.n_inner, 4 * p->axis.n,
		               c->in[0].dtype == HEFT_DTYPE_F64 ? rows_f64 : rows_f32, p);
}

const struct heft_op heft_op_heft_softmax_gradient = {
	.name = "SoftmaxGradient",
	.domain = "heft",
	.min_in = 2,
	.max_in = 2,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
};
