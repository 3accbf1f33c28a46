/* SPDX-License-Identifier: Apache-2.0 */
/* op_ms_mat_mul_n_bits.c - MatMulNBits of com.microsoft: a product with weights of 2, 4 or 8 bits,
 * which are made F32 before they are packed (spec F6-28). */
#include "base/error.h"
#include "graph/matmul.h"
#include "graph/spans.h"

struct n_bits {
	struct heft_matmul m;
	uint32_t n_bits;
	uint64_t block; /* values that share a scale */
	uint64_t n_blocks;
	uint64_t zeros_ld; /* bytes of a column's packed zero points */
	bool has_float_zeros;
	uint64_t weights_at; /* in scratch, of forward and of pack */
};

_Static_assert(sizeof(struct n_bits) <= HEFT_CALL_STATE, "a product is larger than its room");

static enum heft_status read_sizes(const struct heft_call *c, struct n_bits *v, uint64_t *dims,
                                   struct heft_error *err)
{
	const int64_t k = heft_call_int(c, "K", 0);
	const int64_t n = heft_call_int(c, "N", 0);
	const int64_t bits = heft_call_int(c, "bits", 4);
	const int64_t block = heft_call_int(c, "block_size", 0);

	if (k < 1 || n < 1 || k > INT32_MAX || n > INT32_MAX || block < 16 || block > INT32_MAX ||
	    (block & (block - 1)) != 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "K, N or block_size is none that there is");
	if (bits != 2 && bits != 4 && bits != 8)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "weights have %lld bits",
		                 (long long)bits);
	v->n_bits = (uint32_t)bits;
	v->block = (uint64_t)block;
	v->n_blocks = ((uint64_t)k + v->block - 1) / v->block;
	v->zeros_ld = (v->n_blocks * v->n_bits + 7) / 8;
	dims[0] = (uint64_t)n;
	dims[1] = (uint64_t)k;
	return HEFT_OK;
}

static enum heft_status check_input(const struct heft_call *c, uint32_t i, enum heft_dtype dtype,
                                    uint64_t n, struct heft_error *err)
{
	if (!heft_call_has(c, i) || (c->in[i].dtype == dtype && c->in[i].n_elements == n))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is not of %llu %s", i,
	                 (unsigned long long)n, heft_dtype_name(dtype));
}

static enum heft_status check_inputs(const struct heft_call *c, struct n_bits *v, uint64_t n,
                                     struct heft_error *err)
{
	const uint64_t n_scales = n * v->n_blocks;

	if (c->in[0].dtype != HEFT_DTYPE_F32)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "input 0 is %s",
		                 heft_dtype_name(c->in[0].dtype));
	if (heft_call_has(c, 4))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "g_idx puts weights in another order");
	HEFT_TRY(check_input(c, 1, HEFT_DTYPE_U8, n_scales * (v->block * v->n_bits / 8), err));
	HEFT_TRY(check_input(c, 2, HEFT_DTYPE_F32, n_scales, err));
	HEFT_TRY(check_input(c, 5, HEFT_DTYPE_F32, n, err));
	v->has_float_zeros = heft_call_has(c, 3) && c->in[3].dtype == HEFT_DTYPE_F32;
	return v->has_float_zeros ? check_input(c, 3, HEFT_DTYPE_F32, n_scales, err)
	                          : check_input(c, 3, HEFT_DTYPE_U8, n * v->zeros_ld, err);
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	struct n_bits *v = (struct n_bits *)(void *)c->state;
	struct heft_array weights = { 0 };
	struct heft_matmul_wish wish = { .dtype = HEFT_DTYPE_F32,
		                         .alpha = 1,
		                         .is_b_constant = true,
		                         .has_bias = heft_call_has(c, 5) };
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t rank;

	*v = (struct n_bits){ .n_bits = 4 };
	HEFT_TRY(read_sizes(c, v, dims, err));
	HEFT_TRY(heft_array_set(&weights, HEFT_DTYPE_F32, 2, dims, err));
	HEFT_TRY(check_inputs(c, v, dims[0], err));
	HEFT_TRY(heft_matmul_shape(&c->in[0], &weights, false, true, &v->m, &rank, dims, err));
	HEFT_TRY(heft_array_set(&c->out[0], HEFT_DTYPE_F32, rank, dims, err));
	for (uint32_t i = 1; i < 4; i++)
		wish.is_b_constant = wish.is_b_constant &&
		                     (!heft_call_has(c, i) || heft_dense_is_constant(c, i));
	HEFT_TRY(heft_dense_room(&c->scratch_size, weights.n_bytes, &v->weights_at, err));
	return heft_matmul_plan(c, &v->m, &wish, c->out[0].n_elements, err);
}

/* Number i of those that lie packed from the low bits up. */
static uint32_t bits_at(const uint8_t *bytes, uint64_t i, uint32_t n_bits)
{
	return bytes[i * n_bits / 8] >> (i * n_bits % 8) & ((1u << n_bits) - 1);
}

static float zero_of(const struct heft_call *c, const struct n_bits *v, uint64_t column,
                     uint64_t block)
{
	if (!heft_call_has(c, 3))
		return (float)(1u << (v->n_bits - 1));
	if (v->has_float_zeros)
		return ((const float *)c->in[3].bytes)[column * v->n_blocks + block];
	return (float)bits_at((const uint8_t *)c->in[3].bytes + column * v->zeros_ld, block,
	                      v->n_bits);
}

/* Items are columns: rows of the transposed weights. */
static void widen(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                  uint32_t worker)
{
	const struct n_bits *v = ctx;
	const uint64_t column_size = v->n_blocks * (v->block * v->n_bits / 8);
	float *weights = (float *)(void *)((unsigned char *)c->scratch + v->weights_at);

	(void)worker;
	for (uint64_t i = first; i < first + n; i++) {
		const uint8_t *column = (const uint8_t *)c->in[1].bytes + i * column_size;

		for (uint64_t k = 0; k < v->m.k; k++) {
			const uint64_t block = k / v->block;
			const float scale =
				((const float *)c->in[2].bytes)[i * v->n_blocks + block];

			weights[i * v->m.k + k] = ((float)bits_at(column, k, v->n_bits) -
			                           zero_of(c, v, i, block)) *
			                          scale;
		}
	}
}

static const float *widened(const struct heft_call *c, const struct n_bits *v)
{
	heft_spans_run(c, v->m.n, v->m.k, widen, v);
	return (const float *)(const void *)((const unsigned char *)c->scratch + v->weights_at);
}

static void pack(const struct heft_call *c)
{
	const struct n_bits *v = (const struct n_bits *)(const void *)c->state;

	heft_matmul_pack(c, &v->m, widened(c, v), c->packed);
}

static void forward(const struct heft_call *c)
{
	const struct n_bits *v = (const struct n_bits *)(const void *)c->state;
	const struct heft_matmul_data data = { .a = c->in[0].bytes,
		                               .b = c->packed || v->m.is_empty ? NULL
		                                                               : widened(c, v),
		                               .bias = heft_call_has(c, 5) ? c->in[5].bytes : NULL,
		                               .y = c->out[0].bytes };

	heft_matmul_run(c, &v->m, &data);
}

const struct heft_op heft_op_ms_mat_mul_n_bits = {
	.name = "MatMulNBits",
	.domain = "com.microsoft",
	.flags = HEFT_OP_WIDENS,
	.min_in = 3,
	.max_in = 6,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.pack = pack,
	.packs = 1 << 1 | 1 << 2 | 1 << 3,
};
