/* SPDX-License-Identifier: Apache-2.0 */
/* int_conv.c - convolutions of 8-bit integers: a window is a row of a product. */
#include "graph/int_conv.h"

#include "base/error.h"
#include "graph/conv_shape.h"
#include "graph/dense.h"
#include "graph/int_product.h"
#include "graph/quant.h"

#define NO_INPUT UINT32_MAX

struct int_conv {
	struct heft_int_conv_inputs in;
	struct heft_conv_shape s;
	struct heft_int_product p;
	bool is_empty;
	bool packs;
	bool is_x_signed;
	bool is_w_signed;
	uint64_t w_scale_ld; /* 0: one for all channels */
	uint64_t w_zero_ld;
	uint64_t packed_at;
	uint64_t run_at;
};

_Static_assert(sizeof(struct int_conv) <= HEFT_CALL_STATE, "a convolution is larger than its room");

static bool has(const struct heft_call *c, uint32_t i)
{
	return i != NO_INPUT && heft_call_has(c, i);
}

/* Input i: one number of this type, or (ld not NULL) one a channel of the output. */
static enum heft_status check_numbers(const struct heft_call *c, const struct int_conv *v,
                                      uint32_t i, enum heft_dtype dtype, uint64_t *ld,
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
		return HEFT_OK;
	if (!ld || a->n_elements != v->s.n_out)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "input %u has %llu numbers where one belongs, or one a channel", i,
		                 (unsigned long long)a->n_elements);
	*ld = 1;
	return HEFT_OK;
}

static enum heft_status check_parameters(const struct heft_call *c, struct int_conv *v,
                                         struct heft_error *err)
{
	const struct heft_int_conv_inputs *in = &v->in;

	HEFT_TRY(check_numbers(c, v, in->x_zero, c->in[in->x].dtype, NULL, err));
	HEFT_TRY(check_numbers(c, v, in->w_zero, c->in[in->w].dtype, &v->w_zero_ld, err));
	HEFT_TRY(check_numbers(c, v, in->x_scale, HEFT_DTYPE_F32, NULL, err));
	HEFT_TRY(check_numbers(c, v, in->w_scale, HEFT_DTYPE_F32, &v->w_scale_ld, err));
	HEFT_TRY(check_numbers(c, v, in->y_scale, HEFT_DTYPE_F32, NULL, err));
	HEFT_TRY(check_numbers(c, v, in->y_zero, c->out[0].dtype, NULL, err));
	if (!has(c, in->bias))
		return HEFT_OK;
	if (c->in[in->bias].dtype != HEFT_DTYPE_I32)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the bias is %s and not I32",
		                 heft_dtype_name(c->in[in->bias].dtype));
	return heft_conv_shape_check_bias(c, &v->s, in->bias, err);
}

static enum heft_status plan(struct heft_call *c, struct int_conv *v, struct heft_error *err)
{
	v->p = (struct heft_int_product){ .n_rows = v->s.n_images *
		                                    heft_conv_shape_volume(v->s.out),
		                          .n_terms = heft_conv_shape_n_terms(&v->s),
		                          .n_columns = v->s.n_out / v->s.n_groups,
		                          .n_groups = v->s.n_groups };
	HEFT_TRY(heft_int_product_init(&v->p, err));
	c->packed_size = v->p.packed_size;
	v->packs = !heft_dense_is_constant(c, v->in.w) ||
	           (has(c, v->in.w_zero) && !heft_dense_is_constant(c, v->in.w_zero));
	if (v->packs)
		HEFT_TRY(heft_dense_room(&c->scratch_size, v->p.packed_size, &v->packed_at, err));
	return heft_dense_room(&c->scratch_size, v->p.worker_size * heft_team_n_threads(c->team),
	                       &v->run_at, err);
}

enum heft_status heft_int_conv_infer(struct heft_call *c, const struct heft_int_conv_inputs *in,
                                     struct heft_error *err)
{
	static const enum heft_dtype bytes[] = { HEFT_DTYPE_U8, HEFT_DTYPE_I8, HEFT_DTYPE_NONE };
	struct int_conv *v = (struct int_conv *)(void *)c->state;
	enum heft_dtype dtype = HEFT_DTYPE_I32;

	*v = (struct int_conv){ .in = *in };
	HEFT_TRY(heft_call_check_dtype(c, in->x, bytes, err));
	HEFT_TRY(heft_call_check_dtype(c, in->w, bytes, err));
	if (in->y_zero != NO_INPUT) {
		HEFT_TRY(heft_call_check_dtype(c, in->y_zero, bytes, err));
		dtype = c->in[in->y_zero].dtype;
	}
	v->is_x_signed = c->in[in->x].dtype == HEFT_DTYPE_I8;
	v->is_w_signed = c->in[in->w].dtype == HEFT_DTYPE_I8;
	HEFT_TRY(heft_conv_shape_read(c, &c->in[in->x], &c->in[in->w], false, &v->s, err));
	HEFT_TRY(heft_conv_shape_set_out(c, &v->s, dtype, err));
	HEFT_TRY(check_parameters(c, v, err));
	v->is_empty = c->out[0].n_elements == 0;
	if (!v->is_empty && v->s.n_in == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the image has no channels");
	c->n_multiply_adds = c->out[0].n_elements * heft_conv_shape_n_terms(&v->s);
	return v->is_empty ? HEFT_OK : plan(c, v, err);
}

/* --- forward --- */

struct run {
	const struct heft_call *c;
	const struct int_conv *v;
};

/* The places of a window's taps in a plane; a tap in the padding is the zero point, so 0 here. */
static void fill(const void *ctx, uint64_t group, uint64_t row, int16_t *to)
{
	const struct run *r = ctx;
	const struct int_conv *v = r->v;
	const struct heft_conv_shape *s = &v->s;
	const uint64_t n_taps = heft_conv_shape_volume(s->kernel);
	const uint64_t n_in = s->n_in / s->n_groups;
	const uint64_t plane = heft_conv_shape_volume(s->in);
	const uint64_t image = row / heft_conv_shape_volume(s->out);
	const uint64_t at[3] = { row / s->out[2] / s->out[1] % s->out[0],
		                 row / s->out[2] % s->out[1], row % s->out[2] };
	const uint64_t first = (image * s->n_in + group * n_in) * plane;
	const void *x = r->c->in[v->in.x].bytes;
	const int32_t zero = has(r->c, v->in.x_zero)
	                             ? heft_int_of(r->c->in[v->in.x_zero].bytes, 0, v->is_x_signed)
	                             : 0;

	for (uint64_t t = 0; t < n_taps; t++) {
		const uint64_t k[3] = { t / s->kernel[2] / s->kernel[1],
			                t / s->kernel[2] % s->kernel[1], t % s->kernel[2] };
		bool is_inside = true;
		uint64_t pixel = 0;

		for (uint32_t a = 0; a < 3; a++) {
			uint64_t position = 0;

			is_inside = is_inside && heft_conv_shape_tap(s, a, at[a], k[a], &position);
			pixel = pixel * s->in[a] + position;
		}
		for (uint64_t i = 0; i < n_in; i++)
			to[i * n_taps + t] =
				is_inside ? (int16_t)(heft_int_of(x, first + i * plane + pixel,
			                                          v->is_x_signed) -
			                              zero)
					  : 0;
	}
}

/* Where channel 0 of a row's pixel goes, in elements; channels are a plane apart. */
static uint64_t place_of(const struct heft_conv_shape *s, uint64_t group, uint64_t row)
{
	const uint64_t plane = heft_conv_shape_volume(s->out);

	return (row / plane * s->n_out + group * (s->n_out / s->n_groups)) * plane + row % plane;
}

static void store_sums(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums)
{
	const struct run *r = ctx;
	const struct heft_conv_shape *s = &r->v->s;
	int32_t *y = (int32_t *)r->c->out[0].bytes + place_of(s, group, row);

	for (uint64_t j = 0; j < r->v->p.n_columns; j++)
		y[j * heft_conv_shape_volume(s->out)] = sums[j];
}

static void store_quantised(const void *ctx, uint64_t group, uint64_t row, const int32_t *sums)
{
	const struct run *r = ctx;
	const struct int_conv *v = r->v;
	const struct heft_array *in = r->c->in;
	const uint64_t plane = heft_conv_shape_volume(v->s.out);
	const uint64_t channel = group * v->p.n_columns;
	const enum heft_dtype dtype = r->c->out[0].dtype;
	const struct heft_int_range range = heft_int_range_of(dtype);
	const int32_t zero = heft_int_of(in[v->in.y_zero].bytes, 0, dtype == HEFT_DTYPE_I8);
	const float x_scale = *(const float *)in[v->in.x_scale].bytes;
	const float y_scale = *(const float *)in[v->in.y_scale].bytes;
	const float *w_scales = in[v->in.w_scale].bytes;
	const int32_t *bias = has(r->c, v->in.bias) ? in[v->in.bias].bytes : NULL;
	uint8_t *y = (uint8_t *)r->c->out[0].bytes + place_of(&v->s, group, row);

	for (uint64_t j = 0; j < v->p.n_columns; j++) {
		const float scale = (x_scale * w_scales[(channel + j) * v->w_scale_ld]) / y_scale;
		uint32_t sum = (uint32_t)sums[j];

		if (bias)
			sum += (uint32_t)bias[channel + j];
		y[j * plane] = (uint8_t)heft_quantize((float)(int32_t)sum * scale, zero, range);
	}
}

static void pack_to(const struct heft_call *c, const struct int_conv *v, void *packed)
{
	const struct heft_int_weights w = {
		.w = c->in[v->in.w].bytes,
		.group_ld = v->p.n_columns * v->p.n_terms,
		.term_ld = 1,
		.column_ld = v->p.n_terms,
		.is_signed = v->is_w_signed,
		.zero = has(c, v->in.w_zero) ? c->in[v->in.w_zero].bytes : NULL,
		.zero_ld = v->w_zero_ld,
	};

	heft_int_product_pack(c, &v->p, &w, packed);
}

void heft_int_conv_pack(const struct heft_call *c)
{
	const struct int_conv *v = (const struct int_conv *)(const void *)c->state;

	pack_to(c, v, c->packed);
}

void heft_int_conv_forward(const struct heft_call *c)
{
	const struct int_conv *v = (const struct int_conv *)(const void *)c->state;
	const struct run r = { c, v };
	unsigned char *scratch = c->scratch;
	const void *packed = c->packed;

	if (v->is_empty)
		return;
	if (!packed) {
		pack_to(c, v, scratch + v->packed_at);
		packed = scratch + v->packed_at;
	}
	heft_int_product_run(c, &v->p, packed, fill,
	                     v->in.y_zero == NO_INPUT ? store_sums : store_quantised, &r,
	                     scratch + v->run_at);
}
