/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_op.c - infer and forward of operators of one, two and any number of inputs, element
 * by element. */
#include <string.h>

#include "base/error.h"
#include "graph/elementwise.h"

#define FIRST_OPSET_OF_NUMPY 7

void heft_elementwise_keep(struct heft_call *c, double p, double q)
{
	const double kept[2] = { p, q };

	memcpy(c->state, kept, sizeof kept);
}

const struct heft_loop *heft_loop_find(const struct heft_loop *loops, enum heft_dtype dtype)
{
	while (loops->dtype != HEFT_DTYPE_NONE && loops->dtype != dtype)
		loops++;
	return loops->dtype == HEFT_DTYPE_NONE ? NULL : loops;
}

/* The output may lie over an input of its shape and dtype; over one of the first two, since a later
 * one would be overwritten before it is read. */
static void allow_overwrite(struct heft_call *c, uint32_t n)
{
	for (uint32_t i = 0; n <= 2 && i < n && c->may_overwrite == 0; i++) {
		if (c->in[i].dtype == c->out[0].dtype &&
		    heft_array_same_shape(&c->in[i], &c->out[0]))
			c->may_overwrite = i + 1;
	}
}

static enum heft_status check_loop(const struct heft_call *c, const struct heft_loop *loops,
                                   struct heft_error *err)
{
	if (heft_loop_find(loops, c->in[0].dtype))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s of %s is not computed",
	                 c->op->name, heft_dtype_name(c->in[0].dtype));
}

static enum heft_status check_same_dtype(const struct heft_call *c, uint32_t n,
                                         struct heft_error *err)
{
	for (uint32_t i = 1; i < n; i++) {
		if (c->in[i].dtype != c->in[0].dtype)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is %s, and input 0 is %s", i,
			                 heft_dtype_name(c->in[i].dtype),
			                 heft_dtype_name(c->in[0].dtype));
	}
	return HEFT_OK;
}

enum heft_status heft_elementwise_infer(struct heft_call *c, const struct heft_loop *loops,
                                        uint32_t n, enum heft_dtype dtype, struct heft_error *err)
{
	uint64_t dims[HEFT_GRAPH_MAX_RANK] = { 0 };
	uint32_t rank = c->in[0].rank;

	HEFT_TRY(check_loop(c, loops, err));
	memcpy(dims, c->in[0].dims, rank * sizeof *dims);
	for (uint32_t i = 1; i < n; i++) {
		struct heft_array so_far = { .rank = rank };
		const struct heft_array *const both[2] = { &so_far, &c->in[i] };

		memcpy(so_far.dims, dims, sizeof dims);
		HEFT_TRY(heft_broadcast(both, 2, &rank, dims, err));
	}
	HEFT_TRY(heft_array_set(&c->out[0], dtype, rank, dims, err));
	allow_overwrite(c, n);
	return HEFT_OK;
}

enum heft_status heft_unary_infer(struct heft_call *c, const struct heft_loop *loops,
                                  struct heft_error *err)
{
	return heft_elementwise_infer(c, loops, 1, c->in[0].dtype, err);
}

enum heft_status heft_variadic_infer(struct heft_call *c, const struct heft_loop *loops,
                                     struct heft_error *err)
{
	for (uint32_t i = 0; i < c->n_in; i++) {
		if (!heft_call_has(c, i))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u is left out",
			                 i);
	}
	HEFT_TRY(check_same_dtype(c, c->n_in, err));
	return heft_elementwise_infer(c, loops, c->n_in, c->in[0].dtype, err);
}

/* --- two inputs --- */

static bool is_of_old_broadcast(const struct heft_call *c)
{
	return c->op->domain[0] == '\0' && c->op->since < FIRST_OPSET_OF_NUMPY &&
	       c->opset < FIRST_OPSET_OF_NUMPY;
}

/* Input 1 as it lies in input 0 before opset 7: with ones behind it, up to the rank of input 0. */
static enum heft_status old_input_1(const struct heft_call *c, struct heft_array *b,
                                    struct heft_error *err)
{
	const struct heft_array *a = &c->in[0];
	const struct heft_attr *given = heft_call_attr(c, "axis");
	uint32_t axis;

	*b = c->in[1];
	if (heft_call_int(c, "broadcast", 0) == 0) {
		if (!heft_array_same_shape(a, b))
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "shapes differ, and there is no attribute 'broadcast'");
		return HEFT_OK;
	}
	if (b->rank > a->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 1 has more dimensions than input 0");
	axis = a->rank - b->rank;
	if (given)
		HEFT_TRY(heft_call_axis(heft_call_int(c, "axis", 0), a->rank, true, &axis, err));
	if (axis > a->rank - b->rank)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input 1 at axis %u goes past the dimensions of input 0", axis);
	for (uint32_t d = 0; d < b->rank; d++) {
		if (b->dims[d] != 1 && b->dims[d] != a->dims[axis + d])
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "shapes do not go together: %llu and %llu in one "
			                 "dimension",
			                 (unsigned long long)a->dims[axis + d],
			                 (unsigned long long)b->dims[d]);
	}
	for (uint32_t d = b->rank; d < a->rank - axis; d++)
		b->dims[d] = 1;
	b->rank = a->rank - axis;
	return HEFT_OK;
}

enum heft_status heft_binary_infer(struct heft_call *c, const struct heft_loop *loops,
                                   enum heft_dtype dtype, struct heft_error *err)
{
	struct heft_array b;

	if (dtype == HEFT_DTYPE_NONE)
		dtype = c->in[0].dtype;
	HEFT_TRY(check_same_dtype(c, 2, err));
	if (!is_of_old_broadcast(c))
		return heft_elementwise_infer(c, loops, 2, dtype, err);
	HEFT_TRY(old_input_1(c, &b, err));
	return heft_elementwise_infer(c, loops, 1, dtype, err);
}

enum heft_status heft_bias_infer(struct heft_call *c, const struct heft_loop *loops,
                                 struct heft_error *err)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *bias = &c->in[1];

	HEFT_TRY(check_same_dtype(c, 2, err));
	if (x->rank == 0 || bias->rank != 1 || bias->dims[0] != x->dims[x->rank - 1])
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the bias is not as long as the last dimension of input 0");
	return heft_elementwise_infer(c, loops, 2, x->dtype, err);
}

static void forward_two(const struct heft_call *c, const struct heft_loop *loops, bool is_swapped)
{
	struct heft_array b = c->in[1];
	const struct heft_array *in[2];

	/* infer has seen that it goes */
	if (is_of_old_broadcast(c))
		(void)old_input_1(c, &b, NULL);
	in[is_swapped ? 1 : 0] = &c->in[0];
	in[is_swapped ? 0 : 1] = &b;
	heft_elementwise(c, heft_loop_find(loops, c->in[0].dtype), &c->out[0], in, 2);
}

void heft_binary_forward(const struct heft_call *c, const struct heft_loop *loops)
{
	forward_two(c, loops, false);
}

void heft_binary_forward_swapped(const struct heft_call *c, const struct heft_loop *loops)
{
	forward_two(c, loops, true);
}

void heft_unary_forward(const struct heft_call *c, const struct heft_loop *loops)
{
	const struct heft_array *in[1] = { &c->in[0] };

	heft_elementwise(c, heft_loop_find(loops, c->in[0].dtype), &c->out[0], in, 1);
}

void heft_variadic_forward(const struct heft_call *c, const struct heft_loop *loops)
{
	const struct heft_loop *loop = heft_loop_find(loops, c->in[0].dtype);
	const struct heft_array *both[2] = { &c->in[0], NULL };

	if (c->n_in == 1 && c->out[0].n_bytes > 0 && c->out[0].bytes != c->in[0].bytes)
		memcpy(c->out[0].bytes, c->in[0].bytes, c->out[0].n_bytes);
	for (uint32_t i = 1; i < c->n_in; i++) {
		both[1] = &c->in[i];
		heft_elementwise(c, loop, &c->out[0], both, 2);
		both[0] = &c->out[0];
	}
}
