/* SPDX-License-Identifier: Apache-2.0 */
/* gemm.c - what Gemm adds: C as the kernel's bias where it is one row, as its residual where it is
 * more. */
#include "graph/gemm.h"

#include <math.h>

#include "base/error.h"
#include "graph/matmul.h"
#include "graph/spans.h"

struct gemm {
	struct heft_matmul m;
	float alpha;
	float beta;
	bool is_row;    /* C is the same in all rows */
	bool is_direct; /* and lies as the kernel wants it: nothing is done to it before */
	uint64_t row_step;
	uint64_t column_step;
	uint64_t row_at; /* a row, in scratch */
};

_Static_assert(sizeof(struct gemm) <= HEFT_CALL_STATE, "a Gemm is larger than its room");

static bool has_c(const struct heft_call *c)
{
	return heft_call_has(c, 2);
}

static enum heft_status check_types(const struct heft_call *c, const struct gemm *g,
                                    struct heft_error *err)
{
	static const enum heft_dtype allowed[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I32,
		                                   HEFT_DTYPE_U32, HEFT_DTYPE_I64, HEFT_DTYPE_U64,
		                                   HEFT_DTYPE_NONE };
	const bool is_integer = heft_is_integer(c->in[0].dtype);

	HEFT_TRY(heft_call_check_dtype(c, 0, allowed, err));
	for (uint32_t i = 0; i < c->n_in; i++) {
		if (heft_call_has(c, i) && c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s meets %s",
			                 heft_dtype_name(c->in[0].dtype),
			                 heft_dtype_name(c->in[i].dtype));
	}
	/* the comparisons are false for NaN */
	if (is_integer &&
	    (!(fabsf(g->alpha) < 0x1p31f) || !(fabsf(g->beta) < 0x1p31f) ||
	     g->alpha != (float)(int64_t)g->alpha || g->beta != (float)(int64_t)g->beta))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "integers are multiplied by %g and %g", (double)g->alpha,
		                 (double)g->beta);
	return HEFT_OK;
}

static enum heft_status set_c(struct heft_call *c, struct gemm *g, struct heft_error *err)
{
	const struct heft_array *a = &c->in[2];
	uint64_t steps[2];
	uint64_t dims[2];

	for (uint32_t back = 1; back <= 2; back++) {
		dims[2 - back] = back <= a->rank ? a->dims[a->rank - back] : 1;
		if (a->rank > 2 ||
		    (dims[2 - back] != 1 && dims[2 - back] != c->out[0].dims[2 - back]))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "C does not broadcast to %llu x %llu",
			                 (unsigned long long)g->m.m, (unsigned long long)g->m.n);
	}
	heft_broadcast_strides(a, 2, steps);
	g->row_step = steps[0];
	g->column_step = steps[1];
	g->is_row = dims[0] == 1;
	g->is_direct = g->beta == 1.0f && dims[1] == g->m.n;
	if (g->is_row && !g->is_direct && a->dtype == HEFT_DTYPE_F32)
		return heft_dense_room(&c->scratch_size, g->m.n * sizeof(float), &g->row_at, err);
	return HEFT_OK;
}

enum heft_status heft_gemm_infer(struct heft_call *c, struct heft_error *err)
{
	struct gemm *g = (struct gemm *)(void *)c->state;
	struct heft_matmul_wish wish;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*g = (struct gemm){ .alpha = heft_call_float(c, "alpha", 1),
		            .beta = heft_call_float(c, "beta", 1) };
	if (c->in[0].rank != 2 || c->in[1].rank != 2)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "A and B have %u and %u dimensions, and should have two",
		                 c->in[0].rank, c->in[1].rank);
	HEFT_TRY(check_types(c, g, err));
	HEFT_TRY(heft_matmul_shape(&c->in[0], &c->in[1], heft_call_int(c, "transA", 0) != 0,
	                           heft_call_int(c, "transB", 0) != 0, &g->m, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], c->in[0].dtype, rank, dims, err));
	if (has_c(c))
		HEFT_TRY(set_c(c, g, err));
	wish = (struct heft_matmul_wish){ .dtype = c->in[0].dtype,
		                          .is_b_constant = heft_dense_is_constant(c, 1),
		                          .alpha = g->alpha,
		                          .has_bias = has_c(c) && g->is_row,
		                          .has_residual = has_c(c) && !g->is_row };
	return heft_matmul_plan(c, &g->m, &wish, c->out[0].n_elements, err);
}

static struct heft_matmul_data data_of(const struct heft_call *c)
{
	return (struct heft_matmul_data){ .a = c->in[0].bytes,
		                          .b = c->in[1].bytes,
		                          .y = c->out[0].bytes };
}

/* --- F32 --- */

/* beta x C in `to`, rows of n. Items are rows. */
struct scaling {
	const struct gemm *g;
	const float *from;
	float *to;
};

static void scale_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                       uint32_t worker)
{
	const struct scaling *s = ctx;
	const struct gemm *g = s->g;

	(void)c;
	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const float *from = s->from + i * g->row_step;
		float *to = s->to + i * g->m.n;

		for (uint64_t j = 0; j < g->m.n; j++)
			to[j] = g->beta == 1.0f ? from[j * g->column_step]
			                        : g->beta * from[j * g->column_step];
	}
}

static void forward_f32(const struct heft_call *c, const struct gemm *g)
{
	const float *given = has_c(c) ? c->in[2].bytes : NULL;
	struct heft_matmul_data data = data_of(c);
	struct scaling s = { .g = g, .from = given };

	if (given && !g->is_direct) {
		s.to = g->is_row ? (float *)(void *)((unsigned char *)c->scratch + g->row_at)
		                 : c->out[0].bytes;
		heft_spans_run(c, g->is_row ? 1 : g->m.m, g->m.n, scale_rows, &s);
		given = s.to;
	}
	if (g->is_row)
		data.bias = given;
	else
		data.residual = given;
	heft_matmul_run(c, &g->m, &data);
}

/* --- F64 and integers: the product is there, and gets the rest --- */

#define ADD_ROWS(type, factor, name)                                                        \
	static void add_##name(const struct heft_call *c, const void *ctx, uint64_t first,  \
	                       uint64_t n, uint32_t worker)                                 \
	{                                                                                   \
		const struct gemm *g = ctx;                                                 \
		const type alpha = (type)(factor)g->alpha;                                  \
		const type beta = (type)(factor)g->beta;                                    \
		const type *given = has_c(c) ? c->in[2].bytes : NULL;                       \
                                                                                            \
		(void)worker;                                                               \
		for (uint64_t i = first; i < first + n; i++) {                              \
			type *y = (type *)c->out[0].bytes + i * g->m.n;                     \
                                                                                            \
			for (uint64_t j = 0; j < g->m.n; j++) {                             \
				const uint64_t at = i * g->row_step + j * g->column_step;   \
				const type scaled = g->alpha == 1.0f ? y[j] : alpha * y[j]; \
                                                                                            \
				y[j] = !given            ? scaled                           \
				       : g->beta == 1.0f ? scaled + given[at]               \
				                         : scaled + beta * given[at];       \
			}                                                                   \
		}                                                                           \
	}

ADD_ROWS(double, double, f64)
ADD_ROWS(uint32_t, int64_t, u32)
ADD_ROWS(uint64_t, int64_t, u64)

static void forward_plain(const struct heft_call *c, const struct gemm *g)
{
	const struct heft_matmul_data data = data_of(c);
	const uint64_t size = heft_element_size(c->in[0].dtype);

	heft_matmul_run(c, &g->m, &data);
	heft_spans_run(c, g->m.m, g->m.n,
	               c->in[0].dtype == HEFT_DTYPE_F64 ? add_f64
	               : size == sizeof(uint32_t)       ? add_u32
	                                                : add_u64,
	               g);
}

void heft_gemm_forward(const struct heft_call *c)
{
	const struct gemm *g = (const struct gemm *)(const void *)c->state;

	if (g->m.is_empty)
		return;
	if (g->m.is_plain)
		forward_plain(c, g);
	else
		forward_f32(c, g);
}

void heft_gemm_pack(const struct heft_call *c)
{
	const struct gemm *g = (const struct gemm *)(const void *)c->state;

	heft_matmul_pack(c, &g->m, c->in[1].bytes, c->packed);
}
