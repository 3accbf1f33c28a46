/* SPDX-License-Identifier: Apache-2.0 */
/* gradient.c - what `backward` of an operator asks, emits and gives. */
#include "graph/gradient.h"

#include <string.h>

#include "base/error.h"
#include "graph/gradient_state.h"

/* --- what there is --- */

uint32_t heft_gradient_in(const struct heft_gradient *g, uint32_t i)
{
	return i < g->step.n_in ? g->step.slots[i] : HEFT_NO_VALUE;
}

uint32_t heft_gradient_out(const struct heft_gradient *g, uint32_t i)
{
	return i < g->step.n_out ? g->step.slots[g->step.n_in + i] : HEFT_NO_VALUE;
}

uint32_t heft_gradient_of(struct heft_gradient *g, uint32_t i)
{
	return heft_backward_total(g, heft_gradient_out(g, i));
}

bool heft_gradient_wants(const struct heft_gradient *g, uint32_t i)
{
	const uint32_t slot = heft_gradient_in(g, i);

	return slot != HEFT_NO_VALUE && g->b->needs[slot];
}

const struct heft_array *heft_gradient_array(const struct heft_gradient *g, uint32_t value)
{
	static const struct heft_array nothing;

	return value == HEFT_NO_VALUE ? &nothing : &heft_plan_slot(g->b->p, value)->array;
}

/* --- emitting --- */

static bool failed(struct heft_gradient *g, enum heft_status st)
{
	if (st != HEFT_OK && g->st == HEFT_OK)
		g->st = st;
	return g->st != HEFT_OK;
}

static const struct heft_op *find_op(const char *type)
{
	const char *dot = strchr(type, '.');

	return dot ? heft_op_find("heft", dot + 1) : heft_op_find("", type);
}

static bool copy_bytes(struct heft_gradient *g, const void *from, size_t n, void *to)
{
	void *bytes;

	if (n == 0)
		return true;
	if (failed(g, heft_memory_take(&g->b->p->memory, n, &bytes, &g->err)))
		return false;
	memcpy(bytes, from, n);
	memcpy(to, &bytes, sizeof bytes);
	return true;
}

/* What it points to; a tensor stays where it is. */
static bool copy_attr(struct heft_gradient *g, struct heft_attr *a)
{
	switch (a->kind) {
	case HEFT_ATTR_INTS:
		return copy_bytes(g, a->ints, a->n * sizeof *a->ints, &a->ints);
	case HEFT_ATTR_FLOATS:
		return copy_bytes(g, a->floats, a->n * sizeof *a->floats, &a->floats);
	case HEFT_ATTR_TEXT:
		return copy_bytes(g, a->text, strlen(a->text) + 1, &a->text);
	default:
		return true;
	}
}

/* Attributes, copied into the plan's memory; the names are literals. */
static bool copy_attrs(struct heft_gradient *g, const struct heft_emit *e, struct heft_attrs *attrs)
{
	struct heft_plan *p = g->b->p;
	const uint32_t n_same = e->same ? e->same->n : 0;
	struct heft_attr *rows;
	void *bytes;

	*attrs = (struct heft_attrs){ 0 };
	if (n_same + e->n_attrs == 0)
		return true;
	if (failed(g, heft_memory_take(&p->memory, (n_same + e->n_attrs) * sizeof *rows, &bytes,
	                               &g->err)))
		return false;
	rows = bytes;
	if (n_same > 0)
		memcpy(rows, e->same->rows, n_same * sizeof *rows);
	if (e->n_attrs > 0)
		memcpy(rows + n_same, e->attrs, e->n_attrs * sizeof *rows);
	for (uint32_t i = n_same; i < n_same + e->n_attrs; i++) {
		if (!copy_attr(g, &rows[i]))
			return false;
	}
	*attrs = (struct heft_attrs){ rows, n_same + e->n_attrs };
	return true;
}

/* The shapes of what is made, by infer; slots for it, and the step. */
static bool add(struct heft_gradient *g, const struct heft_emit *e, const uint32_t *in,
                struct heft_step *s, struct heft_array *arrays, uint32_t *out)
{
	struct heft_plan *p = g->b->p;
	struct heft_call call = {
		.op = s->op,
		.opset = s->opset,
		.attrs = s->attrs,
		.n_in = s->n_in,
		.n_out = s->n_out,
		.wanted = (UINT64_C(1) << s->n_out) - 1,
		.in = arrays,
		.out = arrays + s->n_in,
		.seed = s->seed,
		.trains = p->engine->trains,
		.team = p->engine->team,
		.cpu_bits = p->engine->cpu_bits,
	};

	for (uint32_t i = 0; i < s->n_in; i++) {
		if (in[i] != HEFT_NO_VALUE)
			arrays[i] = heft_plan_slot(p, in[i])->array;
	}
	if (failed(g, heft_call_infer(&call, &g->err)))
		return false;
	for (uint32_t i = 0; i < s->n_out; i++) {
		if (failed(g, heft_plan_add_slot(p, &call.out[i], HEFT_SLOT_STEP, HEFT_IR_NONE,
		                                 &out[i], &g->err)))
			return false;
	}
	heft_step_set_label(s, e->type);
	return !failed(g, heft_plan_add_step(p, s, in, out, &g->err));
}

void heft_emit_all(struct heft_gradient *g, const struct heft_emit *e, uint32_t *out)
{
	struct heft_plan *p = g->b->p;
	const uint32_t *in = e->inputs ? e->inputs : e->in;
	struct heft_step s = {
		.node = g->step.node,
		.op = find_op(e->type),
		.opset = e->opset > 0 ? e->opset : HEFT_EMIT_OPSET,
		.seed = e->draws_alike ? g->step.seed : 0,
		.n_in = e->n_in,
		.n_out = e->n_out > 0 ? e->n_out : 1,
	};
	const size_t size = (s.n_in + s.n_out) * sizeof(struct heft_array);
	void *arrays;

	for (uint32_t i = 0; i < s.n_out; i++)
		out[i] = HEFT_NO_VALUE;
	if (g->st != HEFT_OK)
		return;
	if (!s.op) {
		failed(g, heft_fail(&g->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                    "its gradient wants %s, which there is not", e->type));
		return;
	}
	if (!copy_attrs(g, e, &s.attrs) ||
	    failed(g, heft_memory_take(&p->memory, size, &arrays, &g->err)))
		return;
	memset(arrays, 0, size);
	if (!add(g, e, in, &s, arrays, out)) {
		for (uint32_t i = 0; i < s.n_out; i++)
			out[i] = HEFT_NO_VALUE;
	}
	heft_memory_give(&p->memory, arrays);
}

uint32_t heft_emit(struct heft_gradient *g, const struct heft_emit *e)
{
	uint32_t out[HEFT_EMIT_MAX_OUT];

	heft_emit_all(g, e, out);
	return out[0];
}

uint32_t heft_emit_1(struct heft_gradient *g, const char *type, uint32_t x)
{
	return heft_emit(g, &(struct heft_emit){ .type = type, .n_in = 1, .in = { x } });
}

uint32_t heft_emit_2(struct heft_gradient *g, const char *type, uint32_t x, uint32_t y)
{
	return heft_emit(g, &(struct heft_emit){ .type = type, .n_in = 2, .in = { x, y } });
}

uint32_t heft_emit_3(struct heft_gradient *g, const char *type, uint32_t x, uint32_t y, uint32_t z)
{
	return heft_emit(g, &(struct heft_emit){ .type = type, .n_in = 3, .in = { x, y, z } });
}

/* --- constants and shapes --- */

uint32_t heft_emit_constant(struct heft_gradient *g, const struct heft_array *a)
{
	struct heft_plan *p = g->b->p;
	struct heft_array copy = *a;
	uint32_t slot;

	if (g->st != HEFT_OK)
		return HEFT_NO_VALUE;
	copy.bytes = NULL;
	if (a->n_bytes > 0) {
		if (failed(g, heft_memory_take(&p->memory, a->n_bytes, &copy.bytes, &g->err)))
			return HEFT_NO_VALUE;
		memcpy(copy.bytes, a->bytes, (size_t)a->n_bytes);
	}
	if (failed(g,
	           heft_plan_add_slot(p, &copy, HEFT_SLOT_CONSTANT, HEFT_IR_NONE, &slot, &g->err)))
		return HEFT_NO_VALUE;
	return slot;
}

uint32_t heft_emit_list(struct heft_gradient *g, const int64_t *values, uint32_t n)
{
	const uint64_t dims[1] = { n };
	struct heft_array a = { .bytes = (void *)(uintptr_t)values };

	if (failed(g, heft_array_set(&a, HEFT_DTYPE_I64, 1, dims, &g->err)))
		return HEFT_NO_VALUE;
	return heft_emit_constant(g, &a);
}

uint32_t heft_emit_integer(struct heft_gradient *g, int64_t value)
{
	struct heft_array a = { .bytes = &value };

	if (failed(g, heft_array_set(&a, HEFT_DTYPE_I64, 0, NULL, &g->err)))
		return HEFT_NO_VALUE;
	return heft_emit_constant(g, &a);
}

uint32_t heft_emit_number(struct heft_gradient *g, enum heft_dtype dtype, double number)
{
	float narrow = (float)number;
	struct heft_array a = { .bytes = dtype == HEFT_DTYPE_F64 ? (void *)&number
		                                                 : (void *)&narrow };

	if (failed(g, heft_array_set(&a, dtype == HEFT_DTYPE_F64 ? dtype : HEFT_DTYPE_F32, 0, NULL,
	                             &g->err)))
		return HEFT_NO_VALUE;
	return heft_emit_constant(g, &a);
}

uint32_t heft_emit_reshaped(struct heft_gradient *g, uint32_t x, uint32_t rank,
                            const uint64_t *dims)
{
	int64_t shape[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = { .type = "Reshape", .n_in = 2, .n_attrs = 1 };

	for (uint32_t i = 0; i < rank; i++)
		shape[i] = (int64_t)dims[i];
	e.in[0] = x;
	e.in[1] = heft_emit_list(g, shape, rank);
	e.attrs[0] = heft_attr_int("allowzero", 1);
	return heft_emit(g, &e);
}

uint32_t heft_emit_reshaped_like(struct heft_gradient *g, uint32_t x, uint32_t like)
{
	const struct heft_array shape = *heft_gradient_array(g, like);

	if (heft_array_same_shape(heft_gradient_array(g, x), &shape))
		return x;
	return heft_emit_reshaped(g, x, shape.rank, shape.dims);
}

uint32_t heft_emit_summed_like(struct heft_gradient *g, uint32_t x, uint32_t like)
{
	const struct heft_array wide = *heft_gradient_array(g, x);
	const struct heft_array shape = *heft_gradient_array(g, like);
	const uint32_t n_more = wide.rank - shape.rank;
	int64_t axes[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = { .type = "ReduceSum", .n_in = 2, .in = { x } };
	uint32_t n = 0;

	if (heft_array_same_shape(&wide, &shape) || wide.rank < shape.rank)
		return x;
	for (uint32_t i = 0; i < wide.rank; i++) {
		if (i < n_more || shape.dims[i - n_more] != wide.dims[i])
			axes[n++] = i;
	}
	if (n > 0) {
		e.in[1] = heft_emit_list(g, axes, n);
		x = heft_emit(g, &e);
	}
	return heft_emit_reshaped_like(g, x, like);
}

uint32_t heft_emit_part(struct heft_gradient *g, uint32_t x, uint32_t axis, uint64_t first,
                        uint64_t n)
{
	const int64_t start = (int64_t)first;
	const int64_t end = (int64_t)(first + n);
	const int64_t along = axis;
	const struct heft_emit e = {
		.type = "Slice",
		.n_in = 4,
		.in = { x, heft_emit_list(g, &start, 1), heft_emit_list(g, &end, 1),
		        heft_emit_list(g, &along, 1) },
	};

	return heft_emit(g, &e);
}

uint32_t heft_emit_placed(struct heft_gradient *g, uint32_t x, const struct heft_array *shape,
                          const int64_t *starts, const int64_t *steps)
{
	int64_t dims[HEFT_GRAPH_MAX_RANK];
	struct heft_emit e = { .type = "heft.Placed", .n_in = 1, .in = { x }, .n_attrs = 3 };

	for (uint32_t d = 0; d < shape->rank; d++)
		dims[d] = (int64_t)shape->dims[d];
	e.attrs[0] = heft_attr_ints("shape", dims, shape->rank);
	e.attrs[1] = heft_attr_ints("starts", starts, shape->rank);
	e.attrs[2] = heft_attr_ints("steps", steps, shape->rank);
	return heft_emit(g, &e);
}

/* --- giving --- */

void heft_give(struct heft_gradient *g, uint32_t i, uint32_t value)
{
	const uint32_t slot = heft_gradient_in(g, i);
	const struct heft_array *a;

	if (value == HEFT_NO_VALUE || !heft_gradient_wants(g, i) || g->st != HEFT_OK)
		return;
	value = heft_emit_summed_like(g, value, slot);
	a = heft_gradient_array(g, value);
	if (g->st == HEFT_OK && (a->dtype != heft_gradient_array(g, slot)->dtype ||
	                         !heft_array_same_shape(a, heft_gradient_array(g, slot))))
		failed(g, heft_fail(&g->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                    "the gradient of input %u is of another shape or dtype", i));
	if (g->st == HEFT_OK)
		failed(g, heft_backward_add(g->b, slot, g->at, i, value, &g->err));
}

void heft_gradient_block(struct heft_gradient *g, const char *why)
{
	if (g->st == HEFT_OK)
		failed(g, heft_fail(&g->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET, "%s", why));
}

void heft_gradient_none(const struct heft_call *c, struct heft_gradient *g)
{
	(void)c;
	(void)g;
}

void heft_gradient_reshape(const struct heft_call *c, struct heft_gradient *g)
{
	(void)c;
	heft_give(g, 0, heft_emit_reshaped_like(g, heft_gradient_of(g, 0), heft_gradient_in(g, 0)));
}
