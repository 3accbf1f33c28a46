/* SPDX-License-Identifier: Apache-2.0 */
/* matmul.c - cuts batches of matrix products into tasks. */
#include "graph/matmul.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/pixels.h"
#include "graph/spans.h"
#include "kernel/transpose.h"

/* So many matrices are tasks enough as they are. */
#define MANY 8

/* Multiply-adds of a product up to which one task does all of it, packing too: 50 microseconds. */
#define ONE_TASK ((uint64_t)4 << 20)

/* Rows that make up for packing b once more. */
#define PART_ROWS 256
#define N_TASKS 32

/* --- infer --- */

/* Dimensions of batches, right-aligned, as strides in matrices; returns how many matrices. */
static uint64_t batch_steps(const struct heft_array *a, uint32_t n_axes, uint64_t *steps)
{
	const uint32_t n = a->rank > 2 ? a->rank - 2 : 0;
	uint64_t step = 1;

	for (uint32_t i = n_axes; i-- > 0;) {
		const uint32_t back = n_axes - i;
		const uint64_t size = back <= n ? a->dims[n - back] : 1;

		steps[i] = size == 1 ? 0 : step;
		step *= size;
	}
	return step;
}

static enum heft_status set_batch(const struct heft_array *a, const struct heft_array *b,
                                  struct heft_matmul *m, struct heft_error *err)
{
	struct heft_array batch[2] = { *a, *b };
	const struct heft_array *const both[] = { &batch[0], &batch[1] };

	for (uint32_t i = 0; i < 2; i++)
		batch[i].rank = batch[i].rank > 2 ? batch[i].rank - 2 : 0;
	HEFT_TRY(heft_broadcast(both, 2, &m->n_axes, m->axes, err));
	m->n_a = batch_steps(a, m->n_axes, m->a_steps);
	m->n_b = batch_steps(b, m->n_axes, m->b_steps);
	m->n_products = 1;
	for (uint32_t i = 0; i < m->n_axes; i++)
		m->n_products *= m->axes[i];
	return HEFT_OK;
}

enum heft_status heft_matmul_shape(const struct heft_array *a, const struct heft_array *b,
                                   bool is_a_turned, bool is_b_turned, struct heft_matmul *m,
                                   uint32_t *rank, uint64_t *dims, struct heft_error *err)
{
	uint64_t k;

	if (a->rank == 0 || b->rank == 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "a matrix has no dimensions");
	m->is_a_turned = is_a_turned && a->rank > 1;
	m->is_b_turned = is_b_turned && b->rank > 1;
	m->m = a->rank == 1 ? 1 : a->dims[a->rank - (m->is_a_turned ? 1 : 2)];
	m->k = a->dims[a->rank - (m->is_a_turned ? 2 : 1)];
	m->n = b->rank == 1 ? 1 : b->dims[b->rank - (m->is_b_turned ? 2 : 1)];
	k = b->dims[b->rank - (m->is_b_turned || b->rank == 1 ? 1 : 2)];
	if (m->k != k)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%llu columns meet %llu rows",
		                 (unsigned long long)m->k, (unsigned long long)k);
	HEFT_TRY(set_batch(a, b, m, err));
	*rank = m->n_axes;
	memcpy(dims, m->axes, *rank * sizeof *dims);
	if (a->rank > 1)
		dims[(*rank)++] = m->m;
	if (b->rank > 1)
		dims[(*rank)++] = m->n;
	return HEFT_OK;
}

uint64_t heft_matmul_matrix(const struct heft_matmul *m, const uint64_t *steps, uint64_t i)
{
	uint64_t at = 0;

	for (uint32_t axis = m->n_axes; axis-- > 0; i /= m->axes[axis])
		at += i % m->axes[axis] * steps[axis];
	return at;
}

static void set_plain(enum heft_dtype dtype, struct heft_matmul *m)
{
	m->is_plain = true;
	m->plain = (struct heft_plain_matrix){
		.dtype = dtype,
		.n_terms = m->k,
		.n_columns = m->n,
		.a_row = m->is_a_turned ? 1 : m->k,
		.a_term = m->is_a_turned ? m->m : 1,
		.b_term = m->is_b_turned ? 1 : m->n,
		.b_column = m->is_b_turned ? m->k : 1,
	};
}

/* Of b that is not constant: each task packs the matrix that it needs, or all pack one together. */
static enum heft_status plan_packing(struct heft_call *c, struct heft_matmul *m,
                                     struct heft_error *err)
{
	const uint64_t turned = m->is_b_turned ? m->k * m->n * sizeof(float) : 0;
	const uint64_t n_threads = heft_team_n_threads(c->team);
	const uint64_t wanted = N_TASKS / m->n_products + 1;

	m->packs_apart = m->n_products >= MANY ||
	                 (m->n_products > 1 && m->m * m->k * m->n < ONE_TASK);
	if (!m->packs_apart) {
		HEFT_TRY(heft_dense_room(&c->scratch_size, m->p.packed_size, &m->packed_at, err));
		return heft_dense_room(&c->scratch_size, heft_dense_scratch(c, &m->p), &m->run_at,
		                       err);
	}
	m->n_parts = m->m / PART_ROWS < wanted ? m->m / PART_ROWS : wanted;
	m->n_parts = m->n_parts < m->p.n_tasks ? m->n_parts : m->p.n_tasks;
	if (m->n_parts == 0)
		m->n_parts = 1;
	HEFT_TRY(heft_dense_room(&m->worker_size, m->p.packed_size, &m->packed_at, err));
	HEFT_TRY(heft_dense_room(&m->worker_size, turned, &m->turned_at, err));
	HEFT_TRY(heft_dense_room(&m->worker_size, m->p.scratch_size, &m->run_at, err));
	if (m->worker_size > UINT64_MAX / 2 / n_threads)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "a matrix is too large");
	/* the workers' parts begin at run_at, and each one's places are counted from there */
	m->run_at += c->scratch_size;
	m->turned_at += c->scratch_size;
	m->packed_at += c->scratch_size;
	c->scratch_size += m->worker_size * n_threads;
	return HEFT_OK;
}

enum heft_status heft_matmul_plan(struct heft_call *c, struct heft_matmul *m,
                                  const struct heft_matmul_wish *wish, uint64_t n_elements,
                                  struct heft_error *err)
{
	const bool is_joined = m->n_b == 1;
	uint64_t n;

	c->n_multiply_adds = n_elements * m->k;
	m->is_empty = n_elements == 0;
	if (m->is_empty)
		return HEFT_OK;
	if (wish->dtype != HEFT_DTYPE_F32) {
		set_plain(wish->dtype, m);
		return HEFT_OK;
	}
	heft_product_matrix(&m->p, is_joined ? m->n_products * m->m : m->m, m->k, m->n);
	m->p.end.alpha = wish->alpha;
	heft_dense_set_end(c, wish->has_bias, wish->has_residual, &m->end, &m->p.end);
	HEFT_TRY(heft_dense_check(&m->p, err));
	heft_product_init_by(c->cpu_bits, &m->p);
	if (is_joined)
		m->n_products = 1;
	n = m->n_a * m->m * m->k * sizeof(float);
	if (m->is_a_turned)
		HEFT_TRY(heft_dense_room(&c->scratch_size, n, &m->a_at, err));
	if (!heft_mul_u64(m->p.packed_size, m->n_b, &n))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "the matrices are too large");
	c->packed_size = n;
	m->packs = !wish->is_b_constant;
	if (m->packs)
		return plan_packing(c, m, err);
	return heft_dense_room(&c->scratch_size, heft_dense_scratch(c, &m->p), &m->run_at, err);
}

/* --- forward --- */

struct run {
	const struct heft_call *c;
	const struct heft_matmul *m;
	const float *a;
	const float *b;
	const float *packed;
	const float *bias;
	const float *residual;
	float *y;
	unsigned char *scratch;
};

static struct heft_product_weights weights_of(const struct heft_matmul *m, const float *b)
{
	return (struct heft_product_weights){ .w = b,
		                              .in_ld = m->is_b_turned ? 1 : m->n,
		                              .out_ld = m->is_b_turned ? m->k : 1 };
}

/* Product i but for `packed`. */
static struct heft_product_data data_of(const struct run *r, uint64_t i)
{
	const struct heft_matmul *m = r->m;
	const uint64_t at = i * m->m * m->n;

	return (struct heft_product_data){
		.x = m->n_products == 1 ? r->a
		                        : r->a + heft_matmul_matrix(m, m->a_steps, i) * m->m * m->k,
		.bias = r->bias,
		.residual = r->residual ? r->residual + at : NULL,
		.y = r->y + at,
	};
}

void heft_matmul_pack(const struct heft_call *c, const struct heft_matmul *m, const float *b,
                      float *packed)
{
	for (uint64_t i = 0; i < m->n_b && !m->is_empty && !m->is_plain; i++) {
		const struct heft_product_weights w = weights_of(m, b + i * m->k * m->n);

		heft_dense_pack(c, &m->p, &w, packed + i * (m->p.packed_size / sizeof *packed));
	}
}

/* A task: one of the parts of a product, b packed by the task itself. */
static void run_apart(void *ctx, uint64_t task, uint32_t worker)
{
	const struct run *r = ctx;
	const struct heft_matmul *m = r->m;
	const uint64_t i = task / m->n_parts;
	const uint64_t part = task % m->n_parts;
	unsigned char *mine = r->scratch + worker * m->worker_size;
	float *packed = (float *)(void *)(mine + m->packed_at);
	const float *b = r->b + heft_matmul_matrix(m, m->b_steps, i) * m->k * m->n;
	struct heft_product_weights w = weights_of(m, b);
	struct heft_product_data d = data_of(r, i);

	if (m->is_b_turned) {
		float *turned = (float *)(void *)(mine + m->turned_at);

		heft_transpose_by(r->c->cpu_bits, b, m->k, m->n, m->k, turned, m->n);
		w = (struct heft_product_weights){ .w = turned, .in_ld = m->n, .out_ld = 1 };
	}
	for (uint64_t k = 0; k < m->p.n_pack_tasks; k++)
		heft_product_pack(&m->p, &w, k, packed);
	d.packed = packed;
	for (uint64_t k = part * m->p.n_tasks / m->n_parts;
	     k < (part + 1) * m->p.n_tasks / m->n_parts; k++)
		heft_product_run(&m->p, &d, k, mine + m->run_at);
}

/* A task of one of many products whose b is packed. */
static void run_packed(void *ctx, uint64_t task, uint32_t worker)
{
	const struct run *r = ctx;
	const struct heft_matmul *m = r->m;
	const uint64_t i = task / m->p.n_tasks;
	struct heft_product_data d = data_of(r, i);

	d.packed = r->packed +
	           heft_matmul_matrix(m, m->b_steps, i) * (m->p.packed_size / sizeof *d.packed);
	heft_product_run(&m->p, &d, task % m->p.n_tasks,
	                 r->scratch + m->run_at + worker * m->p.scratch_size);
}

/* One after the other, each by all threads. */
static void run_each(const struct run *r)
{
	const struct heft_matmul *m = r->m;
	float *packed = (float *)(void *)(r->scratch + m->packed_at);

	for (uint64_t i = 0; i < m->n_products; i++) {
		struct heft_product_data d = data_of(r, i);
		const uint64_t at = m->n_b == 1 ? 0 : heft_matmul_matrix(m, m->b_steps, i);
		const struct heft_product_weights w = weights_of(m, r->b + at * m->k * m->n);

		heft_dense_pack(r->c, &m->p, &w, packed);
		d.packed = packed;
		heft_dense_run(r->c, &m->p, &d, r->scratch + m->run_at);
	}
}

static void run_f32(const struct heft_call *c, const struct heft_matmul *m,
                    const struct heft_matmul_data *data)
{
	struct heft_product_data d = { .bias = data->bias, .residual = data->residual };
	struct run r = { .c = c,
		         .m = m,
		         .a = data->a,
		         .b = data->b,
		         .packed = c->packed,
		         .y = data->y,
		         .scratch = c->scratch };
	struct heft_team *team = heft_dense_team(c, c->n_multiply_adds);
	const struct heft_pixels turned = { m->n_a, m->k, m->m };
	const struct heft_array *y = &c->out[0];

	heft_dense_take_end(c, &m->end, &d);
	r.bias = d.bias;
	r.residual = d.residual;
	if (m->is_a_turned && m->k > 0) {
		float *a = (float *)(void *)(r.scratch + m->a_at);

		heft_pixels_from_planes(c, &turned, r.a, a);
		r.a = a;
	}
	if (r.packed && m->n_products == 1) {
		d = data_of(&r, 0);
		d.packed = r.packed;
		heft_dense_run(c, &m->p, &d, r.scratch + m->run_at);
	} else if (r.packed) {
		heft_team_run(team, m->n_products * m->p.n_tasks, run_packed, &r);
	} else if (m->packs_apart) {
		heft_team_run(team, m->n_products * m->n_parts, run_apart, &r);
	} else {
		run_each(&r);
	}
	heft_dense_finish(c, &m->end, y->rank > 0 ? y->dims[y->rank - 1] : 1, 1, true);
}

struct plain {
	const struct heft_matmul *m;
	const struct heft_matmul_data *data;
};

/* Items are rows of all products. */
static void run_plain(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                      uint32_t worker)
{
	const struct plain *r = ctx;
	const struct heft_matmul *m = r->m;
	const uint64_t size = heft_element_size(m->plain.dtype);

	(void)c;
	(void)worker;
	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t i = row / m->m;
		const uint64_t a = heft_matmul_matrix(m, m->a_steps, i) * m->m * m->k * size;
		const uint64_t b = heft_matmul_matrix(m, m->b_steps, i) * m->k * m->n * size;

		heft_plain_matrix_rows(&m->plain, (const unsigned char *)r->data->a + a,
		                       (const unsigned char *)r->data->b + b,
		                       (unsigned char *)r->data->y + i * m->m * m->n * size,
		                       row % m->m, 1);
	}
}

void heft_matmul_run(const struct heft_call *c, const struct heft_matmul *m,
                     const struct heft_matmul_data *data)
{
	struct heft_matmul_data given = *data;
	const struct plain r = { m, &given };

	if (m->is_empty)
		return;
	/* no term: nothing is read, but places are computed from what is no null pointer */
	if (m->k == 0)
		given.a = given.b = given.y;
	if (m->is_plain)
		heft_spans_run(c, m->n_products * m->m, m->k * m->n, run_plain, &r);
	else
		run_f32(c, m, &given);
}

void heft_matmul_forward(const struct heft_call *c)
{
	const struct heft_matmul_data data = { .a = c->in[0].bytes,
		                               .b = c->in[1].bytes,
		                               .y = c->out[0].bytes };

	heft_matmul_run(c, (const struct heft_matmul *)(const void *)c->state, &data);
}

void heft_matmul_pack_b(const struct heft_call *c)
{
	heft_matmul_pack(c, (const struct heft_matmul *)(const void *)c->state, c->in[1].bytes,
	                 c->packed);
}
