/* SPDX-License-Identifier: Apache-2.0 */
/* op_top_k.c - TopK: the k greatest or least elements along an axis, in order, and their places.
 * Of equal ones the first comes first; a NaN is greater than every number (spec F6-46). */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "graph/gradient.h"
#include "graph/spans.h"
#include "kernel/elementary_bits.h"

struct plan {
	struct heft_axis axis;
	uint64_t k;
	bool is_largest;
};

/* An element: in the order of keys, then of places, the first comes first. */
struct entry {
	uint64_t key;
	uint64_t place;
};

static enum heft_status read_k(const struct heft_call *c, int64_t *k, struct heft_error *err)
{
	uint32_t n = 1;

	if (c->opset < 10 && c->n_in == 1) {
		*k = heft_call_int(c, "k", -1);
	} else if (c->opset < 10 || c->n_in != 2) {
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "k is an attribute before opset 10, and then input 1");
	} else {
		HEFT_TRY(heft_call_known_ints(c, 1, k, 1, &n, err));
	}
	if (n != 1 || *k < 0)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "k is no count");
	return HEFT_OK;
}

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	static const enum heft_dtype numbers[] = { HEFT_DTYPE_F32, HEFT_DTYPE_F64, HEFT_DTYPE_I8,
		                                   HEFT_DTYPE_I16, HEFT_DTYPE_I32, HEFT_DTYPE_I64,
		                                   HEFT_DTYPE_U8,  HEFT_DTYPE_U16, HEFT_DTYPE_U32,
		                                   HEFT_DTYPE_U64, HEFT_DTYPE_NONE };
	struct plan *p = (struct plan *)c->state;
	const struct heft_array *x = &c->in[0];
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint32_t axis;
	int64_t k;

	HEFT_TRY(heft_call_check_dtype(c, 0, numbers, err));
	HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", -1), x->rank, false, &axis, err));
	HEFT_TRY(read_k(c, &k, err));
	if ((uint64_t)k > x->dims[axis])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "k is %lld of %llu elements",
		                 (long long)k, (unsigned long long)x->dims[axis]);
	heft_axis_set(&p->axis, x, axis);
	p->k = (uint64_t)k;
	p->is_largest = heft_call_int(c, "largest", 1) != 0;
	memcpy(dims, x->dims, sizeof dims);
	dims[axis] = p->k;
	HEFT_TRY(heft_array_set(&c->out[0], x->dtype, x->rank, dims, err));
	if (c->out[0].n_elements > 0 &&
	    (!heft_mul_u64(p->k, sizeof(struct entry), &c->scratch_size) ||
	     !heft_mul_u64(c->scratch_size, heft_team_n_threads(c->team), &c->scratch_size)))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "k is too large");
	return heft_array_set(&c->out[1], HEFT_DTYPE_I64, x->rank, dims, err);
}

/* Greater for a greater element, of one type; equal for equal ones. */
static uint64_t key_of(enum heft_dtype dtype, const void *at)
{
	const uint64_t top = UINT64_C(1) << 63;
	double v;
	uint64_t bits;

	if (dtype == HEFT_DTYPE_F32)
		v = (double)*(const float *)at;
	else if (dtype == HEFT_DTYPE_F64)
		v = *(const double *)at;
	else
		return (uint64_t)heft_load_integer(dtype, at) ^ (dtype == HEFT_DTYPE_U64 ? 0 : top);
	if (v != v)
		return UINT64_MAX;
	bits = v == 0.0 ? 0 : heft_f64_bits(v);
	return (bits & top) != 0 ? ~bits : bits | top;
}

static bool comes_before(const struct entry *a, const struct entry *b)
{
	return a->key > b->key || (a->key == b->key && a->place < b->place);
}

/* Lets entry i of a heap of n, whose root comes last of all, sink to where it belongs. */
static void sink(struct entry *heap, uint64_t n, uint64_t i)
{
	const struct entry e = heap[i];

	for (uint64_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && comes_before(&heap[child], &heap[child + 1]))
			child++;
		if (comes_before(&heap[child], &e))
			break;
		heap[i] = heap[child];
	}
	heap[i] = e;
}

/* The k first of a row, in order. */
static void choose(const struct plan *p, enum heft_dtype dtype, const uint8_t *x, uint64_t apart,
                   struct entry *heap)
{
	const uint64_t turn = p->is_largest ? 0 : UINT64_MAX;

	for (uint64_t j = 0; j < p->axis.n; j++) {
		const struct entry e = { .key = key_of(dtype, x + j * apart) ^ turn, .place = j };

		if (j < p->k) {
			heap[j] = e;
			if (j + 1 < p->k)
				continue;
			for (uint64_t i = p->k / 2; i-- > 0;)
				sink(heap, p->k, i);
		} else if (comes_before(&e, &heap[0])) {
			heap[0] = e;
			sink(heap, p->k, 0);
		}
	}
	for (uint64_t n = p->k; n-- > 1;) {
		const struct entry last = heap[0];

		heap[0] = heap[n];
		heap[n] = last;
		sink(heap, n, 0);
	}
}

static void run_rows(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                     uint32_t worker)
{
	const struct plan *p = ctx;
	const struct heft_axis *a = &p->axis;
	const enum heft_dtype dtype = c->in[0].dtype;
	const uint64_t size = heft_element_size(dtype);
	struct entry *heap = (struct entry *)c->scratch + worker * p->k;

	for (uint64_t row = first; row < first + n; row++) {
		const uint64_t outer = row / a->n_inner;
		const uint64_t inner = row % a->n_inner;
		const uint8_t *x = (const uint8_t *)c->in[0].bytes +
		                   (outer * a->n * a->n_inner + inner) * size;
		const uint64_t to = outer * p->k * a->n_inner + inner;

		choose(p, dtype, x, a->n_inner * size, heap);
		for (uint64_t j = 0; j < p->k; j++) {
			const uint64_t at = to + j * a->n_inner;

			if (heft_call_wants(c, 0))
				memcpy((uint8_t *)c->out[0].bytes + at * size,
				       x + heap[j].place * a->n_inner * size, (size_t)size);
			if (heft_call_wants(c, 1))
				((int64_t *)c->out[1].bytes)[at] = (int64_t)heap[j].place;
		}
	}
}

static void forward(const struct heft_call *c)
{
	const struct plan *p = (const struct plan *)c->state;

	if (c->out[0].n_elements > 0)
		heft_spans_run(c, p->axis.n_outer * p->axis.n_inner, p->axis.n * 4, run_rows, p);
}

/* The places, chosen once more where nobody read them. */
static uint32_t places_of(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "TopK",
		.opset = c->opset,
		.n_in = c->n_in,
		.in = { heft_gradient_in(g, 0), heft_gradient_in(g, 1) },
		.n_out = 2,
		.same = &c->attrs,
	};
	uint32_t out[HEFT_EMIT_MAX_OUT] = { 0, heft_gradient_out(g, 1) };

	if (out[1] == HEFT_NO_VALUE)
		heft_emit_all(g, &e, out);
	return out[1];
}

/* Each place has the gradient of what was taken from it, all others 0. */
static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_array *x = &c->in[0];
	struct heft_emit e = {
		.type = "ScatterElements",
		.n_in = 3,
		.n_attrs = 1,
		.attrs = { heft_attr_int("axis", heft_call_int(c, "axis", -1)) },
	};
	int64_t shape[HEFT_GRAPH_MAX_RANK];

	for (uint32_t d = 0; d < x->rank; d++)
		shape[d] = (int64_t)x->dims[d];
	e.in[0] = heft_emit_2(g, "Expand", heft_emit_number(g, x->dtype, 0),
	                      heft_emit_list(g, shape, x->rank));
	e.in[1] = places_of(c, g);
	e.in[2] = heft_gradient_of(g, 0);
	if (e.in[2] != HEFT_NO_VALUE)
		heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_top_k = {
	.name = "TopK",
	.domain = "",
	.flags = HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 2,
	.min_out = 2,
	.max_out = 2,
	.needs = 1 << 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
