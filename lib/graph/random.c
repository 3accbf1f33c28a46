/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - dtypes, shapes and places of random numbers, and arrays of them. */
#include "graph/random.h"

#include "base/error.h"
#include "kernel/elementary_bits.h"
#include "onnx/model.h"

/* Beside the streams of training (kernel/philox.h). */
#define STREAM_OF_GRAPHS 4

#define MAX_ELEMENTS (UINT64_C(1) << 34)

/* Pieces a task. */
#define N_PIECES 16

enum heft_status heft_random_dtype(const struct heft_call *c, enum heft_dtype absent,
                                   enum heft_dtype *dtype, struct heft_error *err)
{
	const int64_t given = heft_call_int(c, "dtype", 0);

	*dtype = given == 0  ? absent
	         : given < 0 ? HEFT_DTYPE_NONE
	                     : heft_onnx_dtype((uint64_t)given);
	if (*dtype == HEFT_DTYPE_NONE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'dtype' is %lld, which is no data type", (long long)given);
	return HEFT_OK;
}

enum heft_status heft_random_infer(struct heft_call *c, enum heft_dtype absent, uint32_t rank,
                                   const uint64_t *dims, struct heft_error *err)
{
	enum heft_dtype dtype;

	HEFT_TRY(heft_random_dtype(c, absent, &dtype, err));
	if (dtype != HEFT_DTYPE_F32 && dtype != HEFT_DTYPE_F64 && dtype != HEFT_DTYPE_F16 &&
	    dtype != HEFT_DTYPE_BF16)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "random numbers of dtype %s are not defined",
		                 heft_dtype_name(dtype));
	HEFT_TRY(heft_array_set(&c->out[0], dtype, rank, dims, err));
	if (c->out[0].n_elements > MAX_ELEMENTS)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "more than 2^34 random numbers are wanted");
	return HEFT_OK;
}

enum heft_status heft_random_infer_shape(struct heft_call *c, struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;
	const int64_t *shape = heft_call_ints(c, "shape", &rank);

	if (!heft_call_attr(c, "shape"))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "there is no 'shape'");
	for (uint32_t i = 0; i < rank && i < HEFT_GRAPH_MAX_RANK; i++) {
		if (shape[i] < 0)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "dimension %u of 'shape' is %lld", i, (long long)shape[i]);
		dims[i] = (uint64_t)shape[i];
	}
	return heft_random_infer(c, HEFT_DTYPE_F32, rank, dims, err);
}

enum heft_status heft_random_infer_like(struct heft_call *c, struct heft_error *err)
{
	return heft_random_infer(c, c->in[0].dtype, c->in[0].rank, c->in[0].dims, err);
}

struct heft_random_place heft_random_place_of(const struct heft_call *c)
{
	const struct heft_attr *seed = heft_call_attr(c, "seed");
	struct heft_random_place at = { .seed = c->seed, .stream = STREAM_OF_GRAPHS };

	if (seed)
		at.seed = heft_f32_bits(heft_call_float(c, "seed", 0));
	return at;
}

struct pieces {
	const struct heft_call *c;
	uint64_t n;
	heft_random_fn fn;
};

static void run_pieces(void *ctx, uint64_t task, uint32_t worker)
{
	const struct pieces *p = ctx;
	const uint64_t each = N_PIECES * HEFT_RANDOM_PIECE;
	const uint64_t end = p->n - task * each < each ? p->n : (task + 1) * each;

	(void)worker;
	for (uint64_t at = task * each; at < end; at += HEFT_RANDOM_PIECE)
		p->fn(p->c, at,
		      end - at < HEFT_RANDOM_PIECE ? (size_t)(end - at) : HEFT_RANDOM_PIECE);
}

void heft_random_pieces(const struct heft_call *c, uint64_t n, heft_random_fn fn)
{
	struct pieces p = { c, n, fn };
	const uint64_t each = N_PIECES * HEFT_RANDOM_PIECE;

	heft_team_run(c->team, (n + each - 1) / each, run_pieces, &p);
}

static void put(const struct heft_call *c, uint64_t first, const float *values, size_t n)
{
	const struct heft_array *y = &c->out[0];

	(void)heft_cast_elements(y->dtype,
	                         (uint8_t *)y->bytes + first * (y->n_bytes / y->n_elements),
	                         HEFT_DTYPE_F32, values, n, NULL);
}

static void fill_uniform(const struct heft_call *c, uint64_t first, size_t n)
{
	const struct heft_random_place at = heft_random_place_of(c);
	const float low = heft_call_float(c, "low", 0);
	const float width = heft_call_float(c, "high", 1) - low;
	float values[HEFT_RANDOM_PIECE];

	heft_random_uniform_f32_by(c->cpu_bits, &at, first, values, n);
	for (size_t i = 0; i < n; i++) {
		values[i] = values[i] * width;
		values[i] = values[i] + low;
	}
	put(c, first, values, n);
}

static void fill_normal(const struct heft_call *c, uint64_t first, size_t n)
{
	const struct heft_random_place at = heft_random_place_of(c);
	const float mean = heft_call_float(c, "mean", 0);
	const float scale = heft_call_float(c, "scale", 1);
	float values[HEFT_RANDOM_PIECE];

	heft_random_normal_f32_by(c->cpu_bits, &at, first, values, n);
	for (size_t i = 0; i < n; i++) {
		values[i] = values[i] * scale;
		values[i] = values[i] + mean;
	}
	put(c, first, values, n);
}

void heft_random_fill(const struct heft_call *c, enum heft_drawn drawn)
{
	heft_random_pieces(c, c->out[0].n_elements,
	                   drawn == HEFT_DRAWN_UNIFORM ? fill_uniform : fill_normal);
}
