/* SPDX-License-Identifier: Apache-2.0 */
/* feed_convert.c - numbers as stored become numbers as the model takes them: cast, scaled and
 * normalised, each operation rounded by itself. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "train/feed_parts.h"
#include "train/recipe.h"

#define PIECE 512u         /* elements that are converted at once */
#define MAX_TABLES 64u     /* of 256 numbers: more of them are slower than arithmetic */
#define U8_MAX_VALUE 255.0 /* what an image's white is */
#define N_U8 256u

static bool is_float(enum heft_dtype dtype)
{
	return heft_dtype_describe(dtype)->is_float;
}

/* --- arithmetic --- */

/* Elements of one channel, in place. */
static void scale_f32(const struct heft_feed_slot *s, uint64_t channel, float *x, size_t n)
{
	const float scale = (float)s->scale;
	const float mean = s->mean ? (float)s->mean[channel] : 0;
	const float std = s->std ? (float)s->std[channel] : 1;

	for (size_t i = 0; i < n; i++) {
		x[i] = x[i] / scale;
		x[i] = x[i] - mean;
		x[i] = x[i] / std;
	}
}

static void scale_f64(const struct heft_feed_slot *s, uint64_t channel, double *x, size_t n)
{
	const double mean = s->mean ? s->mean[channel] : 0;
	const double std = s->std ? s->std[channel] : 1;

	for (size_t i = 0; i < n; i++) {
		x[i] = x[i] / s->scale;
		x[i] = x[i] - mean;
		x[i] = x[i] / std;
	}
}

/* n elements of one channel: the dtype of the arithmetic is F64 or F32. */
static void scale_piece(const struct heft_feed_slot *s, uint64_t channel, const void *raw,
                        void *dst, size_t n)
{
	union {
		double wide[PIECE];
		float narrow[PIECE];
	} x;
	const enum heft_dtype between = s->dtype == HEFT_DTYPE_F64 ? HEFT_DTYPE_F64
	                                                           : HEFT_DTYPE_F32;

	/* Both are real, or the feed would not be. */
	(void)heft_cast_elements(between, &x, s->from.dtype, raw, n, NULL);
	if (between == HEFT_DTYPE_F64)
		scale_f64(s, channel, x.wide, n);
	else
		scale_f32(s, channel, x.narrow, n);
	(void)heft_cast_elements(s->dtype, dst, between, &x, n, NULL);
}

static void scale_run(const struct heft_feed_slot *s, uint64_t channel, const uint8_t *raw,
                      uint8_t *dst, uint64_t n)
{
	const size_t from_size = heft_dtype_describe(s->from.dtype)->n_bytes;
	const size_t to_size = heft_dtype_describe(s->dtype)->n_bytes;

	for (uint64_t i = 0; i < n; i += PIECE)
		scale_piece(s, channel, raw + i * from_size, dst + i * to_size,
		            n - i < PIECE ? (size_t)(n - i) : PIECE);
}

static void look_up_f32(const float *table, const uint8_t *raw, float *dst, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		dst[i] = table[raw[i]];
}

static void look_up_f64(const double *table, const uint8_t *raw, double *dst, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		dst[i] = table[raw[i]];
}

/* --- a batch --- */

void heft_feed_convert(const struct heft_feed_slot *s, const void *raw, void *dst, size_t n)
{
	const uint64_t n_each = s->n_channels > 0 ? s->n_elements / s->n_channels : 0;
	const uint64_t from_size = heft_dtype_describe(s->from.dtype)->n_bytes;
	const uint64_t to_size = heft_dtype_describe(s->dtype)->n_bytes;
	const uint8_t *from = raw;
	uint8_t *to = dst;

	if (!s->is_scaled) {
		(void)heft_cast_elements(s->dtype, dst, s->from.dtype, raw,
		                         n * (size_t)s->n_elements, NULL);
		return;
	}
	for (uint64_t i = 0; i < n * s->n_channels; i++) {
		const uint64_t c = i % s->n_channels;

		if (!s->table)
			scale_run(s, c, from, to, n_each);
		else if (s->dtype == HEFT_DTYPE_F64)
			look_up_f64((const double *)s->table + c * N_U8, from, (void *)to, n_each);
		else
			look_up_f32((const float *)s->table + c * N_U8, from, (void *)to, n_each);
		from += n_each * from_size;
		to += n_each * to_size;
	}
}

/* --- what is to be done --- */

static enum heft_status make_table(struct heft_feed_slot *s, struct heft_error *err)
{
	const size_t size = heft_dtype_describe(s->dtype)->n_bytes;
	uint8_t numbers[N_U8];

	if (s->from.dtype != HEFT_DTYPE_U8 || s->n_channels > MAX_TABLES ||
	    (s->dtype != HEFT_DTYPE_F32 && s->dtype != HEFT_DTYPE_F64))
		return HEFT_OK;
	s->table = heft_alloc_array((size_t)s->n_channels * N_U8, size);
	if (!s->table)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a table");
	for (unsigned i = 0; i < N_U8; i++)
		numbers[i] = (uint8_t)i;
	for (uint64_t c = 0; c < s->n_channels; c++)
		scale_run(s, c, numbers, (uint8_t *)s->table + c * N_U8 * size, N_U8);
	return HEFT_OK;
}

/* Dimension 1 of the batch are the channels. */
static enum heft_status set_channels(struct heft_feed_slot *s, const char *what,
                                     const struct heft_reals *reals, const double **values,
                                     struct heft_error *err)
{
	const uint64_t n_channels = s->rank > 0 ? s->dims[0] : 1;

	if (reals->n == 0)
		return HEFT_OK;
	if (reals->n != 1 && reals->n != n_channels)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u values of '%s' are given, and input '%.80s' has %llu channels",
		                 reals->n, what, s->name, (unsigned long long)n_channels);
	*values = reals->values;
	s->n_channels = reals->n;
	return HEFT_OK;
}

static enum heft_status set_normalize(struct heft_feed_slot *s, const struct heft_normalize *norm,
                                      struct heft_error *err)
{
	const uint32_t n_mean = norm->mean.n;
	const uint32_t n_std = norm->std.n;

	if (n_mean > 0 && n_std > 0 && n_mean != n_std)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "%u means are given, and %u deviations", n_mean, n_std);
	HEFT_TRY(set_channels(s, "mean", &norm->mean, &s->mean, err));
	HEFT_TRY(set_channels(s, "std", &norm->std, &s->std, err));
	if (norm->scale > 0)
		s->scale = norm->scale;
	return HEFT_OK;
}

enum heft_status heft_feed_set_conversion(struct heft_feed *f, struct heft_feed_slot *s,
                                          bool may_scale, struct heft_error *err)
{
	const struct heft_normalize *norm = f->options->normalize;
	const bool is_given = norm && norm->is_given;

	s->scale = s->from.dtype == HEFT_DTYPE_U8 ? U8_MAX_VALUE : 1;
	s->n_channels = 1;
	if (!may_scale || !is_float(s->dtype) || (!is_given && s->from.dtype != HEFT_DTYPE_U8))
		return HEFT_OK;
	s->is_scaled = true;
	if (is_given)
		HEFT_TRY(set_normalize(s, norm, err));
	HEFT_TRY(heft_feed_add_note(f, err, "array '%.80s', %s, is divided by %g%s", s->from.name,
	                            heft_dtype_name(s->from.dtype), s->scale,
	                            s->mean || s->std ? ", and normalised" : ""));
	return make_table(s, err);
}
