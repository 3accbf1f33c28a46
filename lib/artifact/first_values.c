/* SPDX-License-Identifier: Apache-2.0 */
/* first_values.c - draws the first values of a tensor: element by element from the seed, the
 * tensor's place in the file and the element's own (spec L5-1 to L5-4). */
#include "artifact/first_values.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "kernel/philox.h"

#define BLOCK 1024u /* elements drawn at a time; a multiple of 4 */

const char *heft_first_name(enum heft_first_values first)
{
	static const char *const names[] = {
		[HEFT_FIRST_HE] = "he",
		[HEFT_FIRST_XAVIER] = "xavier",
		[HEFT_FIRST_NORMAL] = "normal",
		[HEFT_FIRST_ZERO] = "zero",
	};

	return names[first];
}

/* What a drawn number is multiplied with, in binary64; sqrt is the correctly rounded one. */
static double scale_of(const struct heft_first *f)
{
	const double fan_in = f->fan_in > 0 ? (double)f->fan_in : 1;
	const double fan_out = (double)f->fan_out;

	if (f->first == HEFT_FIRST_XAVIER)
		return sqrt(6 / (fan_in + fan_out));
	return f->first == HEFT_FIRST_NORMAL ? f->deviation : sqrt(2 / fan_in);
}

/* Numbers before they are scaled: normal ones, or uniform ones from -1 up to 1, both of binary32;
 * 2u - 1 is exact. */
static void draw(const struct heft_first *f, const struct heft_random_place *at, uint64_t first,
                 float *y, size_t n)
{
	if (f->first != HEFT_FIRST_XAVIER) {
		heft_random_normal_f32(at, first, y, n);
		return;
	}
	heft_random_uniform_f32(at, first, y, n);
	for (size_t i = 0; i < n; i++)
		y[i] = 2 * y[i] - 1;
}

/* L5-4: binary64 is scaled in binary64, every other type in binary32 and rounded once more. */
static enum heft_status store(const struct heft_tensor *t, double scale, float *y, size_t n,
                              uint8_t *dst, struct heft_error *err)
{
	double wide[BLOCK];

	if (t->dtype != HEFT_DTYPE_F64) {
		for (size_t i = 0; i < n; i++)
			y[i] *= (float)scale;
		return heft_cast_elements(t->dtype, dst, HEFT_DTYPE_F32, y, n, err);
	}
	for (size_t i = 0; i < n; i++)
		wide[i] = (double)y[i] * scale;
	memcpy(dst, wide, n * sizeof *wide);
	return HEFT_OK;
}

static enum heft_status fill_constant(const struct heft_tensor *t, double value, uint8_t *dst,
                                      struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(t->dtype);
	double wide[BLOCK];

	for (size_t i = 0; i < BLOCK; i++)
		wide[i] = value;
	for (uint64_t i = 0; i < t->n_elements; i += BLOCK) {
		const uint64_t left = t->n_elements - i;

		HEFT_TRY(heft_cast_elements(t->dtype, dst + i / info->n_elements * info->n_bytes,
		                            HEFT_DTYPE_F64, wide,
		                            left < BLOCK ? (size_t)left : BLOCK, err));
	}
	return HEFT_OK;
}

enum heft_status heft_first_fill(const struct heft_first *first, uint64_t seed,
                                 const struct heft_tensor *tensor, void *dst,
                                 struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(tensor->dtype);
	const struct heft_random_place at = { .seed = seed,
		                              .stream = HEFT_RANDOM_WEIGHTS,
		                              .epoch = tensor->index };
	const double scale = scale_of(first);
	float y[BLOCK];

	if (first->is_constant || first->first == HEFT_FIRST_ZERO)
		return fill_constant(tensor, first->is_constant ? first->value : 0, dst, err);
	if (tensor->n_elements > UINT64_C(1) << 34)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "tensor '%.80s' has more than 2^34 elements", tensor->name);
	for (uint64_t i = 0; i < tensor->n_elements; i += BLOCK) {
		const uint64_t left = tensor->n_elements - i;
		const size_t n = left < BLOCK ? (size_t)left : BLOCK;

		draw(first, &at, i, y, n);
		HEFT_TRY(store(tensor, scale, y, n,
		               (uint8_t *)dst + i / info->n_elements * info->n_bytes, err));
	}
	return HEFT_OK;
}
