/* SPDX-License-Identifier: Apache-2.0 */
/* int_matmul.c - products of matrices of 8-bit integers: sums, or numbers quantised again. */
#include "graph/int_matmul.h"

#include "base/checked.h"
#include "base/error.h"
#include "graph/int_product.h"
#include "graph/matmul.h"
#include "graph/quant.h"

#define NO_INPUT UINT32_MAX

/* Where a scale or zero point is: of one number, of one a row (or column), of one for each of every
 * matrix. */
struct places {
	uint64_t matrix;
	uint64_t line;
};

struct int_matmul {
	struct heft_int_matmul_inputs in;
	struct heft_matmul m; /* its shape alone */
	struct heft_int_product p;
	bool is_empty;
	bool is_joined; /* b is one matrix, so all rows are of one product */
	bool packs;
	struct places a_scale;
	struct places a_zero;
	struct places b_scale;
	struct places b_zero;
	struct places y_scale;
	struct places y_zero;
	uint64_t packed_at;
	uint64_t run_at;
};

_Static_assert(sizeof(struct int_matmul) <= HEFT_CALL_STATE, "a product is larger than its room");

static bool has(const struct heft_call *c, uint32_t i)
{
	return i != NO_INPUT && heft_call_has(c, i);
}

/* Input i: one number, or n_lines, or that of each matrix. */
static enum heft_status set_places(const struct heft_call *c, uint32_t i, enum heft_dtype dtype,
                                   uint64_t n_lines, uint64_t n_matrices, struct places *p,
                                   struct heft_error *err)
{
	const struct heft_array *a;

	if (!has(c, i))
		return HEFT_OK;
	a = &c->in[i];
	if (a->dtype != dtype)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is %s and not %s", i,
		                 heft_dtype_name(a->dtype), heft_dtype_name(dtype));
	if (a->n_elements == 1)
		*p = (struct places){ 0, 0 };
	else if (a->n_elements == n_lines)
		*p = (struct places){ 0, 1 };
	else if (n_lines > 0 && a->n_elements / n_lines == n_matrices &&
	         a->n_elements % n_lines == 0)
		*p = (struct places){ n_lines, 1 };
	else
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has %llu numbers, and there are %llu rows or columns", i,
		                 (unsigned long long)a->n_elements, (unsigned long long)n_lines);
	return HEFT_OK;
}

static enum heft_status set_parameters(const struct heft_call *c, struct int_matmul *v,
                                       struct heft_error *err)
{
	const struct heft_int_matmul_inputs *in = &v->in;
	const struct heft_matmul *m = &v->m;
	const enum heft_dtype a = c->in[in->a].dtype;
	const enum heft_dtype b = c->in[in->b].dtype;

	HEFT_TRY(set_places(c, in->a_zero, a, m->m, m->n_a, &v->a_zero, err));
	HEFT_TRY(set_places(c, in->b_zero, b, m->n, m->n_b, &v->b_zero, err));
	HEFT_TRY(set_places(c, in->a_scale, HEFT_DTYPE_F32, m->m, m->n_a, &v->a_scale, err));
	HEFT_TRY(set_places(c, in->b_scale, HEFT_DTYPE_F32, m->n, m->n_b, &v->b_scale, err));
	HEFT_TRY(set_places(c, in->y_scale, HEFT_DTYPE_F32, m->m, m->n_products, &v->y_scale, err));
	return set_places(c, in->y_zero, c->out[0].dtype, m->m, m->n_products, &v->y_zero, err);
}

static enum heft_status plan(struct heft_call *c, struct int_matmul *v, struct heft_error *err)
{
	const struct heft_matmul *m = &v->m;
	uint64_t packed;

	v->is_joined = m->n_b == 1;
	v->p = (struct heft_int_product){ .n_rows = v->is_joined ? m->n_products * m->m : m->m,
		                          .n_terms = m->k,
		                          .n_columns = m->n,
		                          .n_groups = 1 };
	HEFT_TRY(heft_int_product_init(&v->p, err));
	if (!heft_mul_u64(v->p.packed_size, m->n_b, &packed))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the matrices are too large");
	c->packed_size = packed;
	v->packs = !heft_dense_is_constant(c, v->in.b) ||
	           (has(c, v->in.b_zero) && !heft_dense_is_constant(c, v->in.b_zero));
	if (v->packs)
		HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.packed_size, &v->packed_at, err));
	return heft_dense_room(&c->scratch_size, v->p.worker_size * heft_team_n_threads(c->team),
	                       &v->run_at, err);
}

enum heft_status heft_int_matmul_infer(struct heft_call *c, const struct heft_int_matmul_inputs *in,
                                       struct heft_error *err)
{
	static const enum heft_dtype bytes[] = { HEFT_DTYPE_U8, HEFT_DTYPE_I8, HEFT_DTYPE_NONE };
	struct int_matmul *v = (struct int_matmul *)(void *)c->state;
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*v = (struct int_matmul){ .in = *in };
	HEFT_TRY(heft_call_check_dtype(c, in->a, bytes, err));
	HEFT_TRY(heft_call_check_dtype(c, in->b, bytes, err));
	if (in->y_zero != NO_INPUT)
		HEFT_TRY(heft_call_check_dtype(c, in->y_zero, bytes, err));
	HEFT_TRY(heft_matmul_shape(&c->in[in->a], &c->in[in->b], false, false, &v->m, &rank, dims,
	                           err));
	HEFT_TRY(heft_array_set(&c->out[0],
	                        in->y_zero == NO_INPUT ? HEFT_DTYPE_I32 : c->in[in->y_zero].dtype,
	                        rank, dims, err));
	HEFT_TRY(set_parameters(c, v, err));
	c->n_multiply_adds = c->out[0].n_elements * v->m.k;
	v->is_empty = c->out[0].n_elements == 0;
	return v->is_empty ? HEFT_OK : plan(c, v, err);
}

/* --- forward --- */

struct run {
	const struct heft_call *c;
	const struct int_matmul *v;
	uint64_t product; /* of row 0 */
};

static bool is_signed(const struct heft_call *c, uint32_t i)
{
	return c->in[i].dtype == HEFT_DTYPE_I8;
}

static void fill(const void *ctx, uint64_t group, uint64_t row, int16_t *to)
{
	const struct run *r = ctx;
	const struct int_matmul *v = r->v;
	const uint64_t matrix = heft_matmul_matrix(&v->m, v->m.a_steps, r->product + row / v->m.m);
	const uint64_t line = row % v->m.m;
	const struct heft_array *a = &r->c->in[v->in.a];
	const uint64_t at = (matrix * v->m.m + line) * v->m.k;
	int32_t zero = 0;

	(void)group;
	if (has(r->c, v->in.a_zero))
		zero = heft_int_of(r->c->in[v->in.a_zero].bytes,
		                   matrix * v->a_zero.matrix + line * v->a_zero.line,
		                   is_signed(r->c, v->in.a));
	for (uint64_t k = 0; k < v->m.k; k++)
		to[k] = (int16_t)(heft_int_of(a->bytes, at + k, is_signed(r->c, v->in.a)) - zero);
}

static void store_sums(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums)
{
	const struct run *r = ctx;
	const uint64_t n = r->v->m.n;
	int32_t *y = (int32_t *)r->c->out[0].bytes + (r->product * r->v->m.m + row) * n;

	(void)group;
	for (uint64_t j = 0; j < n; j++)
		y[j] = sums[j];
}

static void store_quantised(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums)
{
	const struct run *r = ctx;
	const struct int_matmul *v = r->v;
	const struct heft_array *in = r->c->in;
	const uint64_t i = r->product + row / v->m.m;
	const uint64_t line = row % v->m.m;
	const uint64_t a = heft_matmul_matrix(&v->m, v->m.a_steps, i);
	const uint64_t b = heft_matmul_matrix(&v->m, v->m.b_steps, i);
	const float *b_scales = in[v->in.b_scale].bytes;
	const float a_scale = ((const float *)in[v->in.a_scale]
	                               .bytes)[a * v->a_scale.matrix + line * v->a_scale.line];
	const float y_scale = ((const float *)in[v->in.y_scale]
	                               .bytes)[i * v->y_scale.matrix + line * v->y_scale.line];
	const enum heft_dtype dtype = r->c->out[0].dtype;
	const struct heft_int_range range = heft_int_range_of(dtype);
	const int32_t zero = heft_int_of(in[v->in.y_zero].bytes,
	                                 i * v->y_zero.matrix + line * v->y_zero.line,
	                                 dtype == HEFT_DTYPE_I8);
	uint8_t *y = (uint8_t *)r->c->out[0].bytes + (i * v->m.m + line) * v->m.n;

	(void)group;
	for (uint64_t j = 0; j < v->m.n; j++) {
		const float b_scale = b_scales[b * v->b_scale.matrix + j * v->b_scale.line];
		const float scale = (a_scale * b_scale) / y_scale;

		y[j] = (uint8_t)heft_quantize((float)sums[j] * scale, zero, range);
	}
}

/* Matrix i of b. */
static struct heft_int_weights weights_of(const struct heft_call *c, const struct int_matmul *v,
                                          uint64_t i)
{
	/* no term: nothing is read */
	const uint8_t *b = v->m.k == 0 ? c->out[0].bytes : c->in[v->in.b].bytes;
	struct heft_int_weights w = { .w = b + i * v->m.k * v->m.n,
		                      .term_ld = v->m.n,
		                      .column_ld = 1,
		                      .is_signed = is_signed(c, v->in.b),
		                      .zero_ld = v->b_zero.line };

	if (has(c, v->in.b_zero))
		w.zero = (const uint8_t *)c->in[v->in.b_zero].bytes + i * v->b_zero.matrix;
	return w;
}

void heft_int_matmul_pack(const struct heft_call *c)
{
	const struct int_matmul *v = (const struct int_matmul *)(const void *)c->state;

	for (uint64_t i = 0; i < v->m.n_b && !v->is_empty; i++) {
		const struct heft_int_weights w = weights_of(c, v, i);

		heft_int_product_pack(c, &v->p, &w,
		                      (unsigned char *)c->packed + i * v->p.packed_size);
	}
}

void heft_int_matmul_forward(const struct heft_call *c)
{
	const struct int_matmul *v = (const struct int_matmul *)(const void *)c->state;
	heft_int_store_fn *store = v->in.y_zero == NO_INPUT ? store_sums : store_quantised;
	unsigned char *scratch = c->scratch;
	const uint64_t n = v->is_empty ? 0 : v->is_joined ? 1 : v->m.n_products;

	for (uint64_t i = 0; i < n; i++) {
		const struct run r = { c, v, i };
		const uint64_t b = v->is_joined ? 0 : heft_matmul_matrix(&v->m, v->m.b_steps, i);
		const unsigned char *packed = c->packed;

		if (packed) {
			packed += b * v->p.packed_size;
		} else {
			const struct heft_int_weights w = weights_of(c, v, b);

			heft_int_product_pack(c, &v->p, &w, scratch + v->packed_at);
			packed = scratch + v->packed_at;
		}
		heft_int_product_run(c, &v->p, packed, fill, store, &r, scratch + v->run_at);
	}
}
