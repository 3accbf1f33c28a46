/* SPDX-License-Identifier: Apache-2.0 */
/* op_clip.c - Clip: a bound where x is beyond it; the bounds are attributes before opset 11, and
 * then inputs. One that is absent is the least or the greatest number of the dtype, so that an
 * infinity becomes that. */
#include <float.h>
#include <string.h>

#include "base/error.h"
#include "graph/elementwise_loops.h"

#define FIRST_OPSET_OF_INPUTS 11

static void run_f32(const struct heft_elements *e)
{
	heft_arithmetic_f32_by(e->cpu_bits, HEFT_ARITHMETIC_CLIP, e->y, e->x[0], e->step[0],
	                       e->x[0], e->step[0], *(const float *)e->x[1],
	                       *(const float *)e->x[2], e->n);
}

static void run_f64(const struct heft_elements *e)
{
	heft_arithmetic_f64_by(e->cpu_bits, HEFT_ARITHMETIC_CLIP, e->y, e->x[0], e->step[0],
	                       e->x[0], e->step[0], *(const double *)e->x[1],
	                       *(const double *)e->x[2], e->n);
}

static const struct heft_loop loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_INTEGER(CLIP),
	HEFT_LOOPS_END,
};
static const struct heft_loop float_loops[] = {
	{ HEFT_DTYPE_F32, run_f32, 0 },
	{ HEFT_DTYPE_F64, run_f64, 0 },
	HEFT_LOOPS_END,
};

static enum heft_status infer(struct heft_call *c, struct heft_error *err)
{
	for (uint32_t i = 1; i < c->n_in; i++) {
		if (!heft_call_has(c, i))
			continue;
		if (c->opset < FIRST_OPSET_OF_INPUTS)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "bounds are inputs, before opset 11");
		if (c->in[i].dtype != c->in[0].dtype || c->in[i].n_elements != 1)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "input %u is no bound: it is not one %s", i,
			                 heft_dtype_name(c->in[0].dtype));
	}
	if (c->opset >= FIRST_OPSET_OF_INPUTS)
		return heft_unary_infer(c, loops, err);
	heft_elementwise_keep(c, (double)heft_call_float(c, "min", -FLT_MAX),
	                      (double)heft_call_float(c, "max", FLT_MAX));
	return heft_unary_infer(c, float_loops, err);
}

struct bound {
	_Alignas(8) uint8_t bytes[8];
};

/* The least number of a dtype, or the greatest. */
static void set_end(struct bound *b, enum heft_dtype dtype, size_t size, bool is_greatest)
{
	const float narrow = is_greatest ? FLT_MAX : -FLT_MAX;
	const double wide = is_greatest ? DBL_MAX : -DBL_MAX;
	const uint64_t top = UINT64_C(1) << (8 * size - 1);
	const bool is_unsigned = dtype == HEFT_DTYPE_U8 || dtype == HEFT_DTYPE_U16 ||
	                         dtype == HEFT_DTYPE_U32 || dtype == HEFT_DTYPE_U64;
	const uint64_t least = is_unsigned ? 0 : top;
	const uint64_t code = is_greatest ? ~least : least;

	if (dtype == HEFT_DTYPE_F32)
		memcpy(b->bytes, &narrow, sizeof narrow);
	else if (dtype == HEFT_DTYPE_F64)
		memcpy(b->bytes, &wide, sizeof wide);
	else
		for (size_t i = 0; i < size; i++)
			b->bytes[i] = (uint8_t)(code >> 8 * i);
}

static void set_attribute(struct bound *b, enum heft_dtype dtype, double value)
{
	const float narrow = (float)value;

	if (dtype == HEFT_DTYPE_F32)
		memcpy(b->bytes, &narrow, sizeof narrow);
	else
		memcpy(b->bytes, &value, sizeof value);
}

static void forward(const struct heft_call *c)
{
	const enum heft_dtype dtype = c->in[0].dtype;
	struct heft_array bounds[2];
	struct bound bytes[2];
	const struct heft_array *in[3] = { &c->in[0], &bounds[0], &bounds[1] };
	double kept[2];

	if (c->in[0].n_elements == 0)
		return;
	memcpy(kept, c->state, sizeof kept);
	for (uint32_t k = 0; k < 2; k++) {
		const size_t size = (size_t)(c->in[0].n_bytes / c->in[0].n_elements);

		bounds[k] = (struct heft_array){
			.dtype = dtype, .n_elements = 1, .n_bytes = size, .bytes = bytes[k].bytes
		};
		if (heft_call_has(c, k + 1))
			bounds[k].bytes = c->in[k + 1].bytes;
		else if (c->opset >= FIRST_OPSET_OF_INPUTS)
			set_end(&bytes[k], dtype, size, k == 1);
		else
			set_attribute(&bytes[k], dtype, kept[k]);
	}
	heft_elementwise(c, heft_loop_find(loops, dtype), &c->out[0], in, 3);
}

/* Bound k, as a value of one number. */
static uint32_t bound_of(const struct heft_call *c, struct heft_gradient *g, uint32_t k)
{
	const double most = c->in[0].dtype == HEFT_DTYPE_F64 ? DBL_MAX : (double)FLT_MAX;
	const char *name = k == 0 ? "min" : "max";

	if (heft_call_has(c, k + 1))
		return heft_gradient_in(g, k + 1);
	if (c->opset < FIRST_OPSET_OF_INPUTS && heft_call_attr(c, name))
		return heft_emit_number(g, c->in[0].dtype, (double)heft_call_float(c, name, 0));
	return heft_emit_number(g, c->in[0].dtype, k == 0 ? -most : most);
}

static void backward(const struct heft_call *c, struct heft_gradient *g)
{
	const struct heft_emit e = {
		.type = "heft.ClipGradient",
		.n_in = 4,
		.in = { heft_gradient_of(g, 0), heft_gradient_out(g, 0), bound_of(c, g, 0),
		        bound_of(c, g, 1) },
	};

	if (heft_gradient_wants(g, 1) || heft_gradient_wants(g, 2))
		heft_gradient_block(g, "its bounds are not trained");
	heft_give(g, 0, heft_emit(g, &e));
}

const struct heft_op heft_op_clip = {
	.name = "Clip",
	.domain = "",
	.flags = HEFT_OP_ELEMENTWISE | HEFT_OP_WIDENS,
	.min_in = 1,
	.max_in = 3,
	.min_out = 1,
	.max_out = 1,
	.infer = infer,
	.forward = forward,
	.backward = backward,
};
