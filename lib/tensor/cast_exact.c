/* SPDX-License-Identifier: Apache-2.0 */
/* cast_exact.c - converts a number between any two real dtypes by way of sign, 64-bit mantissa and
 * exponent, which holds every value of every dtype; rounding happens once, where the result is
 * made. */
#include <string.h>

#include "base/bytes.h"
#include "tensor/cast.h"
#include "tensor/dtype.h"

#define N_AT_ONCE 256 /* elements; a multiple of 4, so that packed ones begin at a whole byte */

enum kind {
	FINITE,
	INFINITE,
	NOT_A_NUMBER
};

/* (-1)^is_negative * mantissa * 2^exponent. A NaN's mantissa is its fraction, moved up to the top
 * bit. */
struct number {
	enum kind kind;
	bool is_negative;
	uint64_t mantissa;
	int exponent;
};

/* nan: F6 and F4 have none, and ONNX's Cast makes their largest number of one, whatever its
 * sign. */
static const struct heft_float_format f64_format = {
	.n_bits = 64,
	.n_mantissa = 52,
	.bias = 1023,
	.has_negative_zero = true,
	.sign = UINT64_C(1) << 63,
	.inf = UINT64_C(0x7ff) << 52,
	.max_finite = (UINT64_C(0x7ff) << 52) - 1,
	.too_large = UINT64_C(0x7ff) << 52,
	.nan = UINT64_C(0xfff) << 51,
	.nan_payload = (UINT64_C(1) << 52) - 1,
	.nan_sign = UINT64_C(1) << 63,
};
static const struct heft_float_format f32_format = {
	.n_bits = 32,
	.n_mantissa = 23,
	.bias = 127,
	.has_negative_zero = true,
	.sign = 0x80000000,
	.inf = 0x7f800000,
	.max_finite = 0x7f7fffff,
	.too_large = 0x7f800000,
	.nan = 0x7fc00000,
	.nan_payload = 0x7fffff,
	.nan_sign = 0x80000000,
};
static const struct heft_float_format f16_format = {
	.n_bits = 16,
	.n_mantissa = 10,
	.bias = 15,
	.has_negative_zero = true,
	.sign = 0x8000,
	.inf = 0x7c00,
	.max_finite = 0x7bff,
	.too_large = 0x7c00,
	.nan = 0x7e00,
	.nan_payload = 0x3ff,
	.nan_sign = 0x8000,
};
static const struct heft_float_format bf16_format = {
	.n_bits = 16,
	.n_mantissa = 7,
	.bias = 127,
	.has_negative_zero = true,
	.sign = 0x8000,
	.inf = 0x7f80,
	.max_finite = 0x7f7f,
	.too_large = 0x7f80,
	.nan = 0x7fc0,
	.nan_payload = 0x7f,
	.nan_sign = 0x8000,
};
static const struct heft_float_format f8_e4m3_format = {
	.n_bits = 8,
	.n_mantissa = 3,
	.bias = 7,
	.has_negative_zero = true,
	.sign = 0x80,
	.max_finite = 0x7e,
	.too_large = 0x7e,
	.nan = 0x7f,
	.nan_sign = 0x80,
};
static const struct heft_float_format f8_e5m2_format = {
	.n_bits = 8,
	.n_mantissa = 2,
	.bias = 15,
	.has_negative_zero = true,
	.sign = 0x80,
	.inf = 0x7c,
	.max_finite = 0x7b,
	.too_large = 0x7b,
	.nan = 0x7e,
	.nan_payload = 0x03,
	.nan_sign = 0x80,
};
static const struct heft_float_format f8_e4m3fnuz_format = {
	.n_bits = 8,
	.n_mantissa = 3,
	.bias = 8,
	.sign = 0x80,
	.max_finite = 0x7f,
	.too_large = 0x7f,
	.nan = 0x80,
};
static const struct heft_float_format f8_e5m2fnuz_format = {
	.n_bits = 8,
	.n_mantissa = 2,
	.bias = 16,
	.sign = 0x80,
	.max_finite = 0x7f,
	.too_large = 0x7f,
	.nan = 0x80,
};
static const struct heft_float_format f6_e2m3_format = {
	.n_bits = 6,
	.n_mantissa = 3,
	.bias = 1,
	.has_negative_zero = true,
	.sign = 0x20,
	.max_finite = 0x1f,
	.too_large = 0x1f,
	.nan = 0x1f,
};
static const struct heft_float_format f6_e3m2_format = {
	.n_bits = 6,
	.n_mantissa = 2,
	.bias = 3,
	.has_negative_zero = true,
	.sign = 0x20,
	.max_finite = 0x1f,
	.too_large = 0x1f,
	.nan = 0x1f,
};
static const struct heft_float_format f4_format = {
	.n_bits = 4,
	.n_mantissa = 1,
	.bias = 1,
	.has_negative_zero = true,
	.sign = 0x08,
	.max_finite = 0x07,
	.too_large = 0x07,
	.nan = 0x07,
};

const struct heft_float_format *heft_float_format(enum heft_dtype dtype)
{
	static const struct heft_float_format *const formats[] = {
		[HEFT_DTYPE_F16] = &f16_format,
		[HEFT_DTYPE_BF16] = &bf16_format,
		[HEFT_DTYPE_F32] = &f32_format,
		[HEFT_DTYPE_F64] = &f64_format,
		[HEFT_DTYPE_F8_E4M3] = &f8_e4m3_format,
		[HEFT_DTYPE_F8_E5M2] = &f8_e5m2_format,
		[HEFT_DTYPE_F8_E4M3FNUZ] = &f8_e4m3fnuz_format,
		[HEFT_DTYPE_F8_E5M2FNUZ] = &f8_e5m2fnuz_format,
		[HEFT_DTYPE_F6_E2M3] = &f6_e2m3_format,
		[HEFT_DTYPE_F6_E3M2] = &f6_e3m2_format,
		[HEFT_DTYPE_F4] = &f4_format,
	};

	return (unsigned)dtype < sizeof formats / sizeof *formats ? formats[dtype] : NULL;
}

unsigned heft_element_bits(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info->n_bytes * 8 / info->n_elements;
}

static bool is_signed(enum heft_dtype dtype)
{
	return *heft_dtype_name(dtype) == 'I';
}

static struct number decode_float(const struct heft_float_format *f, uint64_t code)
{
	const uint64_t magnitude = code & ~f->sign;
	const uint64_t fraction = magnitude & ((UINT64_C(1) << f->n_mantissa) - 1);
	const int exponent = (int)(magnitude >> f->n_mantissa);
	struct number v = { FINITE, (code & f->sign) != 0, fraction, 0 };

	if (f->inf && magnitude == f->inf) {
		v.kind = INFINITE;
	} else if (magnitude > f->max_finite) {
		v.kind = NOT_A_NUMBER;
		v.mantissa = (fraction & f->nan_payload) << (64 - f->n_mantissa);
	} else if (!f->has_negative_zero && code == f->sign) {
		v = (struct number){ NOT_A_NUMBER, false, 0, 0 };
	} else if (exponent > 0) {
		v.mantissa |= UINT64_C(1) << f->n_mantissa;
		v.exponent = exponent - f->bias - f->n_mantissa;
	} else {
		v.exponent = 1 - f->bias - f->n_mantissa;
	}
	return v;
}

/* v * 2^-shift, to nearest, ties to even; shift is at least 1. */
static uint64_t shift_right_rounded(uint64_t v, int shift)
{
	uint64_t rest;
	uint64_t half;

	if (shift > 64)
		return 0;
	if (shift == 64)
		return v > UINT64_C(1) << 63;
	rest = v & ((UINT64_C(1) << shift) - 1);
	half = UINT64_C(1) << (shift - 1);
	v >>= shift;
	return v + (rest > half || (rest == half && (v & 1)));
}

/* A carry out of the fraction makes the exponent one larger, as it should. */
static uint64_t encode_magnitude(const struct heft_float_format *f, const struct number *v)
{
	const int least = 1 - f->bias; /* exponent of the least normal number, and of all below */
	const int top = v->exponent + 63 - __builtin_clzll(v->mantissa);
	const int exponent = top > least ? top : least;
	const int shift = exponent - f->n_mantissa - v->exponent;
	const uint64_t rounded = shift > 0 ? shift_right_rounded(v->mantissa, shift)
	                                   : v->mantissa << -shift;
	const uint64_t code = rounded + ((uint64_t)(exponent - least) << f->n_mantissa);

	return code > f->max_finite ? f->too_large : code;
}

static uint64_t encode_float(const struct heft_float_format *f, const struct number *v)
{
	uint64_t code = 0;

	if (v->kind == NOT_A_NUMBER)
		return f->nan | (v->mantissa >> (64 - f->n_mantissa) & f->nan_payload) |
		       (v->is_negative ? f->nan_sign : 0);
	if (v->kind == INFINITE)
		code = f->too_large;
	else if (v->mantissa != 0)
		code = encode_magnitude(f, v);
	if (v->is_negative && (code != 0 || f->has_negative_zero))
		code |= f->sign;
	return code;
}

#define E8M0_BIAS 127
#define E8M0_MAX 254
#define E8M0_NAN 255

static struct number decode_e8m0(uint64_t code)
{
	if (code == E8M0_NAN)
		return (struct number){ NOT_A_NUMBER, false, 0, 0 };
	return (struct number){ FINITE, false, 1, (int)code - E8M0_BIAS };
}

/* To the nearest power of two, ties up: as ONNX's round_mode "nearest". */
static uint64_t encode_e8m0(const struct number *v)
{
	int code;
	int top;

	if (v->kind == NOT_A_NUMBER)
		return E8M0_NAN;
	if (v->is_negative || (v->kind == FINITE && v->mantissa == 0))
		return 0;
	if (v->kind == INFINITE)
		return E8M0_MAX;
	top = 63 - __builtin_clzll(v->mantissa);
	code = v->exponent + top + E8M0_BIAS;
	if (top > 0 && (v->mantissa >> (top - 1) & 1))
		code++;
	if (code > E8M0_MAX)
		code = E8M0_MAX;
	return code > 0 ? (uint64_t)code : 0;
}

static struct number decode_integer(unsigned n_bits, bool has_sign, uint64_t code)
{
	const uint64_t sign = UINT64_C(1) << (n_bits - 1);
	struct number v = { FINITE, has_sign && (code & sign) != 0, code, 0 };

	if (v.is_negative)
		v.mantissa = sign - (code & (sign - 1));
	return v;
}

/* Truncates towards zero; UINT64_MAX stands for all that is too large for any integer. */
static uint64_t whole_part(const struct number *v)
{
	if (v->kind == NOT_A_NUMBER || (v->kind == FINITE && v->mantissa == 0))
		return 0;
	if (v->kind == INFINITE || v->exponent > __builtin_clzll(v->mantissa))
		return UINT64_MAX;
	if (v->exponent >= 0)
		return v->mantissa << v->exponent;
	return v->exponent > -64 ? v->mantissa >> -v->exponent : 0;
}

static uint64_t encode_integer(unsigned n_bits, bool has_sign, const struct number *v)
{
	const uint64_t mask = UINT64_MAX >> (64 - n_bits);
	const uint64_t max = has_sign ? mask >> 1 : mask;
	uint64_t whole = whole_part(v);

	if (!v->is_negative)
		return whole < max ? whole : max;
	if (!has_sign)
		return 0;
	if (whole > max)
		whole = max + 1;
	return (UINT64_C(0) - whole) & mask;
}

static struct number decode(enum heft_dtype dtype, uint64_t code)
{
	const struct heft_float_format *format = heft_float_format(dtype);

	if (format)
		return decode_float(format, code);
	if (dtype == HEFT_DTYPE_F8_E8M0)
		return decode_e8m0(code);
	if (dtype == HEFT_DTYPE_BOOL)
		return (struct number){ FINITE, false, code != 0, 0 };
	return decode_integer(heft_element_bits(dtype), is_signed(dtype), code);
}

static uint64_t encode(enum heft_dtype dtype, const struct number *v)
{
	const struct heft_float_format *format = heft_float_format(dtype);

	if (format)
		return encode_float(format, v);
	if (dtype == HEFT_DTYPE_F8_E8M0)
		return encode_e8m0(v);
	if (dtype == HEFT_DTYPE_BOOL)
		return v->kind != FINITE || v->mantissa != 0;
	return encode_integer(heft_element_bits(dtype), is_signed(dtype), v);
}

uint64_t heft_cast_code(enum heft_dtype dst_dtype, enum heft_dtype src_dtype, uint64_t code)
{
	const struct number v = decode(src_dtype, code);

	return encode(dst_dtype, &v);
}

/* Elements of less than a byte; one of 6 bits may reach into the next byte. */
static uint64_t unpack_bits(unsigned n_bits, const uint8_t *src, size_t i)
{
	const size_t at = i * n_bits / 8;
	const unsigned shift = (unsigned)(i * n_bits % 8);
	unsigned v = src[at];

	if (shift + n_bits > 8)
		v |= (unsigned)src[at + 1] << 8;
	return v >> shift & ((1u << n_bits) - 1);
}

void heft_unpack_codes(unsigned n_bits, const uint8_t *src, size_t n, uint64_t *codes)
{
	for (size_t i = 0; i < n; i++) {
		if (n_bits == 8)
			codes[i] = src[i];
		else if (n_bits == 16)
			codes[i] = heft_get_le16(src + 2 * i);
		else if (n_bits == 32)
			codes[i] = heft_get_le32(src + 4 * i);
		else if (n_bits == 64)
			codes[i] = heft_get_le64(src + 8 * i);
		else
			codes[i] = unpack_bits(n_bits, src, i);
	}
}

static void pack_bits(unsigned n_bits, const uint64_t *codes, size_t n, uint8_t *dst)
{
	memset(dst, 0, (n * n_bits + 7) / 8);
	for (size_t i = 0; i < n; i++) {
		const size_t at = i * n_bits / 8;
		const unsigned v = (unsigned)codes[i] << i * n_bits % 8;

		dst[at] = (uint8_t)(dst[at] | v);
		if (v > 255)
			dst[at + 1] = (uint8_t)(v >> 8);
	}
}

void heft_pack_codes(unsigned n_bits, const uint64_t *codes, size_t n, uint8_t *dst)
{
	if (n_bits < 8) {
		pack_bits(n_bits, codes, n, dst);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (n_bits == 8)
			dst[i] = (uint8_t)codes[i];
		else if (n_bits == 16)
			heft_put_le16(dst + 2 * i, (uint16_t)codes[i]);
		else if (n_bits == 32)
			heft_put_le32(dst + 4 * i, (uint32_t)codes[i]);
		else
			heft_put_le64(dst + 8 * i, codes[i]);
	}
}

void heft_cast_exact(enum heft_dtype dst_dtype, void *dst, enum heft_dtype src_dtype,
                     const void *src, size_t n)
{
	const unsigned dst_bits = heft_element_bits(dst_dtype);
	const unsigned src_bits = heft_element_bits(src_dtype);
	uint64_t codes[N_AT_ONCE];
	uint8_t *to = dst;
	const uint8_t *from = src;

	while (n > 0) {
		const size_t n_now = n < N_AT_ONCE ? n : N_AT_ONCE;

		heft_unpack_codes(src_bits, from, n_now, codes);
		for (size_t i = 0; i < n_now; i++)
			codes[i] = heft_cast_code(dst_dtype, src_dtype, codes[i]);
		heft_pack_codes(dst_bits, codes, n_now, to);
		from += n_now * src_bits / 8;
		to += n_now * dst_bits / 8;
		n -= n_now;
	}
}
