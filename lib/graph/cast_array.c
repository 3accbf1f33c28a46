/* SPDX-License-Identifier: Apache-2.0 */
/* cast_array.c - casts arrays, in tasks: as heft_cast_elements does it, but that integers keep
 * their low bits in a shorter type, and F8 need not saturate. */
#include "graph/cast_array.h"

#include <string.h>

#include "base/error.h"
#include "graph/spans.h"
#include "tensor/cast.h"

/* Elements of one unit of work: whole bytes of every dtype. */
#define N_A_TILE 1024

enum how {
	PLAIN,
	LOW_BITS, /* from integer to integer */
	WIDE,     /* to F8 without saturation */
	BY_F32,   /* from I64 and I32 to F16 */
	UP,       /* to F8_E8M0 */
	DOWN
};

static bool is_of_integers(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && info->is_integer && dtype != HEFT_DTYPE_BOOL;
}

static bool is_signed(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_I2 || dtype == HEFT_DTYPE_I4 || dtype == HEFT_DTYPE_I8 ||
	       dtype == HEFT_DTYPE_I16 || dtype == HEFT_DTYPE_I32 || dtype == HEFT_DTYPE_I64;
}

static bool is_f8(enum heft_dtype dtype)
{
	return dtype == HEFT_DTYPE_F8_E4M3 || dtype == HEFT_DTYPE_F8_E4M3FNUZ ||
	       dtype == HEFT_DTYPE_F8_E5M2 || dtype == HEFT_DTYPE_F8_E5M2FNUZ;
}

/* --- infer --- */

static enum heft_status how_to_e8m0(const struct heft_call *c, enum how *how,
                                    struct heft_error *err)
{
	const char *mode = heft_call_text(c, "round_mode", "up");

	if (heft_call_int(c, "saturate", 1) == 0)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a cast to F8_E8M0 without saturation is not computed");
	if (strcmp(mode, "up") == 0)
		*how = UP;
	else if (strcmp(mode, "down") == 0)
		*how = DOWN;
	else if (strcmp(mode, "nearest") == 0)
		*how = PLAIN;
	else
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'round_mode' is neither up, down nor nearest");
	return HEFT_OK;
}

enum heft_status heft_cast_infer(struct heft_call *c, enum heft_dtype to, struct heft_error *err)
{
	const enum heft_dtype from = c->in[0].dtype;
	enum how how = PLAIN;

	/* one element, to see whether both dtypes are numbers */
	if (from != to) {
		const uint64_t none[2] = { 0 };
		uint64_t room[2];

		HEFT_TRY(heft_cast_by(c->cpu_bits, to, room, from, none, 1, err));
	}
	if (from != to && is_of_integers(from) && is_of_integers(to))
		how = LOW_BITS;
	else if (from != to && to == HEFT_DTYPE_F8_E8M0)
		HEFT_TRY(how_to_e8m0(c, &how, err));
	else if (from != to && is_f8(to) && heft_call_int(c, "saturate", 1) == 0)
		how = WIDE;
	else if (to == HEFT_DTYPE_F16 && (from == HEFT_DTYPE_I64 || from == HEFT_DTYPE_I32))
		how = BY_F32;
	memcpy(c->state, &how, sizeof how);
	c->may_overwrite = from == to ? 1 : 0;
	return heft_array_set(&c->out[0], to, c->in[0].rank, c->in[0].dims, err);
}

/* --- loops --- */

/* Pairs that models are full of, and that heft_cast_by takes element by element. */
#define TO_FLOAT(from, real, type)                                              \
	static void to_##real##_of_##from(void *dst, const void *src, size_t n) \
	{                                                                       \
		for (size_t i = 0; i < n; i++)                                  \
			((type *)dst)[i] = (type)((const from##_t *)src)[i];    \
	}
#define TO_INTEGER(to, real, type, least, greatest)                             \
	static void to_##to##_of_##real(void *dst, const void *src, size_t n)   \
	{                                                                       \
		for (size_t i = 0; i < n; i++) {                                \
			const type x = ((const type *)src)[i];                  \
                                                                                \
			((to##_t *)dst)[i] = x != x                ? 0          \
			                     : x <= (type)least    ? least      \
			                     : x >= (type)greatest ? greatest   \
			                                           : (to##_t)x; \
		}                                                               \
	}
#define TO_BOOL(from, type)                                                 \
	static void to_bool_of_##from(void *dst, const void *src, size_t n) \
	{                                                                   \
		for (size_t i = 0; i < n; i++)                              \
			((uint8_t *)dst)[i] = ((const type *)src)[i] != 0;  \
	}

TO_FLOAT(int64, f32, float)
TO_FLOAT(int32, f32, float)
TO_FLOAT(uint8, f32, float)
TO_FLOAT(int64, f64, double)
TO_FLOAT(int32, f64, double)
TO_INTEGER(int64, f32, float, INT64_MIN, INT64_MAX)
TO_INTEGER(int32, f32, float, INT32_MIN, INT32_MAX)
TO_INTEGER(uint8, f32, float, 0, UINT8_MAX)
TO_INTEGER(int64, f64, double, INT64_MIN, INT64_MAX)
TO_INTEGER(int32, f64, double, INT32_MIN, INT32_MAX)
TO_BOOL(int64, int64_t)
TO_BOOL(int32, int32_t)
TO_BOOL(f32, float)

static void to_f32_of_bool(void *dst, const void *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((float *)dst)[i] = ((const uint8_t *)src)[i] != 0 ? 1.0f : 0.0f;
}

struct common {
	enum heft_dtype to;
	enum heft_dtype from;
	void (*fn)(void *dst, const void *src, size_t n);
};

static const struct common commons[] = {
	{ HEFT_DTYPE_F32, HEFT_DTYPE_I64, to_f32_of_int64 },
	{ HEFT_DTYPE_F32, HEFT_DTYPE_I32, to_f32_of_int32 },
	{ HEFT_DTYPE_F32, HEFT_DTYPE_U8, to_f32_of_uint8 },
	{ HEFT_DTYPE_F32, HEFT_DTYPE_BOOL, to_f32_of_bool },
	{ HEFT_DTYPE_F64, HEFT_DTYPE_I64, to_f64_of_int64 },
	{ HEFT_DTYPE_F64, HEFT_DTYPE_I32, to_f64_of_int32 },
	{ HEFT_DTYPE_I64, HEFT_DTYPE_F32, to_int64_of_f32 },
	{ HEFT_DTYPE_I32, HEFT_DTYPE_F32, to_int32_of_f32 },
	{ HEFT_DTYPE_U8, HEFT_DTYPE_F32, to_uint8_of_f32 },
	{ HEFT_DTYPE_I64, HEFT_DTYPE_F64, to_int64_of_f64 },
	{ HEFT_DTYPE_I32, HEFT_DTYPE_F64, to_int32_of_f64 },
	{ HEFT_DTYPE_BOOL, HEFT_DTYPE_I64, to_bool_of_int64 },
	{ HEFT_DTYPE_BOOL, HEFT_DTYPE_I32, to_bool_of_int32 },
	{ HEFT_DTYPE_BOOL, HEFT_DTYPE_F32, to_bool_of_f32 },
};

/* false: there is no loop of its own for them. */
static bool cast_common(enum heft_dtype to, void *dst, enum heft_dtype from, const void *src,
                        size_t n)
{
	for (size_t i = 0; i < sizeof commons / sizeof *commons; i++) {
		if (commons[i].to == to && commons[i].from == from) {
			commons[i].fn(dst, src, n);
			return true;
		}
	}
	return false;
}

/* An integer goes to F16 by way of F32: what that would round is too large for F16 anyhow. */
static void cast_to_half(const struct heft_call *c, uint8_t *dst, const uint8_t *src, size_t n)
{
	const enum heft_dtype from = c->in[0].dtype;
	const unsigned bits = heft_element_bits(from);
	float wide[N_A_TILE];

	for (size_t at = 0; at < n; at += N_A_TILE) {
		const size_t n_now = n - at < N_A_TILE ? n - at : N_A_TILE;

		cast_common(HEFT_DTYPE_F32, wide, from, src + at * bits / 8, n_now);
		(void)heft_cast_by(c->cpu_bits, HEFT_DTYPE_F16, dst + 2 * at, HEFT_DTYPE_F32, wide,
		                   n_now, NULL);
	}
}

static void cast_low_bits(enum heft_dtype to, uint8_t *dst, enum heft_dtype from,
                          const uint8_t *src, size_t n)
{
	const unsigned from_bits = heft_element_bits(from);
	const unsigned to_bits = heft_element_bits(to);
	const uint64_t sign = is_signed(from) ? UINT64_C(1) << (from_bits - 1) : 0;
	const uint64_t mask = UINT64_MAX >> (64 - to_bits);
	uint64_t codes[N_A_TILE];

	for (size_t at = 0; at < n; at += N_A_TILE) {
		const size_t n_now = n - at < N_A_TILE ? n - at : N_A_TILE;

		heft_unpack_codes(from_bits, src + at * from_bits / 8, n_now, codes);
		for (size_t i = 0; i < n_now; i++)
			codes[i] = ((codes[i] ^ sign) - sign) & mask;
		heft_pack_codes(to_bits, codes, n_now, dst + at * to_bits / 8);
	}
}

/* What is too large becomes infinite, or a NaN where there is no infinity. Every integer that is
 * not exact in F32 is too large. */
static void cast_wide(const struct heft_call *c, uint8_t *dst, const uint8_t *src, size_t n)
{
	const struct heft_array *x = &c->in[0];
	struct heft_float_format format = *heft_float_format(c->out[0].dtype);
	uint64_t wide[N_A_TILE];
	const unsigned bits = heft_element_bits(x->dtype);

	format.too_large = format.inf != 0 ? format.inf : format.nan;
	for (size_t at = 0; at < n; at += N_A_TILE) {
		const size_t n_now = n - at < N_A_TILE ? n - at : N_A_TILE;

		(void)heft_cast_by(c->cpu_bits, HEFT_DTYPE_F64, wide, x->dtype, src + at * bits / 8,
		                   n_now, NULL);
		for (size_t i = 0; i < n_now; i++)
			dst[at + i] = (uint8_t)heft_narrow_f64(&format, wide[i]);
	}
}

/* To a power of two, which is the exponent; 2^-127 is a subnormal F32. */
static uint8_t power_of_two(uint32_t code, bool up)
{
	const uint32_t exponent = code >> 23 & 255;
	const uint32_t rest = code & 0x7fffff;
	const bool is_between = exponent == 0 ? rest > 0x400000 : rest > 0;
	uint32_t y = exponent + (up && is_between ? 1 : 0);

	if (exponent == 255 && rest != 0)
		return 255;
	if (code >> 31 != 0)
		y = 0;
	return (uint8_t)(y > 254 ? 254 : y);
}

static void cast_to_power(const struct heft_call *c, bool up, uint8_t *dst, const uint8_t *src,
                          size_t n)
{
	const struct heft_array *x = &c->in[0];
	const unsigned bits = heft_element_bits(x->dtype);
	uint32_t codes[N_A_TILE];

	for (size_t at = 0; at < n; at += N_A_TILE) {
		const size_t n_now = n - at < N_A_TILE ? n - at : N_A_TILE;

		(void)heft_cast_by(c->cpu_bits, HEFT_DTYPE_F32, codes, x->dtype,
		                   src + at * bits / 8, n_now, NULL);
		for (size_t i = 0; i < n_now; i++)
			dst[at + i] = power_of_two(codes[i], up);
	}
}

static void cast_span(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n_tiles,
                      uint32_t worker)
{
	const struct heft_array *x = &c->in[0];
	const struct heft_array *y = &c->out[0];
	const uint64_t at = first * N_A_TILE;
	const uint64_t left = x->n_elements - at;
	const size_t n = (size_t)(left < n_tiles * N_A_TILE ? left : n_tiles * N_A_TILE);
	const uint8_t *src = (const uint8_t *)x->bytes +
	                     at / N_A_TILE * (N_A_TILE / 8 * heft_element_bits(x->dtype));
	uint8_t *dst = (uint8_t *)y->bytes +
	               at / N_A_TILE * (N_A_TILE / 8 * heft_element_bits(y->dtype));
	const enum how how = *(const enum how *)ctx;

	(void)worker;
	if (how == LOW_BITS)
		cast_low_bits(y->dtype, dst, x->dtype, src, n);
	else if (how == WIDE)
		cast_wide(c, dst, src, n);
	else if (how == BY_F32)
		cast_to_half(c, dst, src, n);
	else if (how == UP || how == DOWN)
		cast_to_power(c, how == UP, dst, src, n);
	else if (!cast_common(y->dtype, dst, x->dtype, src, n))
		(void)heft_cast_by(c->cpu_bits, y->dtype, dst, x->dtype, src, n, NULL);
}

void heft_cast_forward(const struct heft_call *c)
{
	enum how how;

	memcpy(&how, c->state, sizeof how);
	if (c->out[0].dtype == c->in[0].dtype) {
		if (c->out[0].n_bytes > 0 && c->out[0].bytes != c->in[0].bytes)
			memcpy(c->out[0].bytes, c->in[0].bytes, (size_t)c->out[0].n_bytes);
		return;
	}
	heft_spans_run(c, c->in[0].n_elements / N_A_TILE + (c->in[0].n_elements % N_A_TILE != 0),
	               N_A_TILE, cast_span, &how);
}
