/* SPDX-License-Identifier: Apache-2.0 */
/* cast_fast.c - the loops of the common casts, in integer arithmetic and with AVX2; each equals
 * cast_exact.c bit by bit. */
#include "base/bytes.h"
#include "base/cpu.h"
#include "tensor/cast.h"

#define F32_INF 0x7f800000
#define F32_QUIET 0x400000
#define F32_HIDDEN 0x800000 /* the bit that a normal number's fraction leaves out */

#define F64_HIDDEN (UINT64_C(1) << 52)
#define F64_INF (UINT64_C(0x7ff) << 52)
#define F64_SIGN (UINT64_C(1) << 63)
#define F64_BIAS 1023

/* The mantissa and exponent are moved to the target's as in cast_exact.c; the shift is never 0,
 * since every target has a shorter mantissa. A shift of 63 leaves nothing of 53 bits. */
uint64_t heft_narrow_f64(const struct heft_float_format *to, uint64_t code)
{
	const uint64_t magnitude = code & ~F64_SIGN;
	const uint64_t fraction = magnitude & (F64_HIDDEN - 1);
	const uint64_t sign = (code >> 63) * to->sign;
	const int least = F64_BIAS + 1 - to->bias;
	int exponent = (int)(magnitude >> 52);
	uint64_t mantissa = fraction;
	uint64_t result;
	int target;
	int shift;

	if (magnitude > F64_INF)
		return to->nan | (fraction >> (52 - to->n_mantissa) & to->nan_payload) |
		       (sign & to->nan_sign);
	if (exponent > 0)
		mantissa |= F64_HIDDEN;
	else
		exponent = 1;
	target = exponent > least ? exponent : least;
	shift = 52 - to->n_mantissa + target - exponent;
	if (shift > 63)
		shift = 63;
	mantissa += (UINT64_C(1) << (shift - 1)) - 1 + (mantissa >> shift & 1);
	result = (mantissa >> shift) + ((uint64_t)(target - least) << to->n_mantissa);
	if (result > to->max_finite)
		result = to->too_large;
	return result == 0 && !to->has_negative_zero ? 0 : result | sign;
}

uint64_t heft_widen_f32(uint32_t code)
{
	const uint64_t sign = (uint64_t)(code >> 31) << 63;
	const uint32_t magnitude = code & INT32_MAX;
	uint64_t fraction = magnitude & (F32_HIDDEN - 1);
	uint64_t exponent = magnitude >> 23;

	if (exponent == 0) {
		unsigned shift;

		if (fraction == 0)
			return sign;
		shift = (unsigned)__builtin_clz((uint32_t)fraction) - 8;
		fraction = fraction << shift & (F32_HIDDEN - 1);
		exponent = 1 - (uint64_t)shift;
	} else if (magnitude >= F32_INF) {
		exponent = 2047 - (F64_BIAS - 127);
		if (fraction != 0)
			fraction |= F32_QUIET;
	}
	return sign | (exponent + F64_BIAS - 127) << 52 | fraction << 29;
}

static inline uint32_t widen_bf16(uint16_t code)
{
	const uint32_t wide = (uint32_t)code << 16;

	return (wide & INT32_MAX) > F32_INF ? wide | F32_QUIET : wide;
}

static inline uint32_t widen_f16_subnormal(uint32_t fraction)
{
	const unsigned shift = (unsigned)__builtin_clz(fraction) - 21;

	return (127 - 14 - shift) << 23 | (fraction << shift & 0x3ff) << 13;
}

static inline uint32_t widen_f16(uint16_t code)
{
	const uint32_t sign = (uint32_t)(code & 0x8000) << 16;
	const uint32_t magnitude = code & 0x7fff;

	if (magnitude > 0x7c00)
		return sign | F32_INF | F32_QUIET | (magnitude & 0x3ff) << 13;
	if (magnitude == 0x7c00)
		return sign | F32_INF;
	if (magnitude >= 0x400)
		return sign | (magnitude + ((127 - 15) << 10)) << 13;
	return sign | (magnitude > 0 ? widen_f16_subnormal(magnitude) : 0);
}

static inline uint16_t narrow_bf16(uint32_t code)
{
	if ((code & INT32_MAX) > F32_INF)
		return (uint16_t)(code >> 16 | 0x40);
	return (uint16_t)((code + 0x7fff + (code >> 16 & 1)) >> 16);
}

/* To a format whose least normal number is above the subnormals of F32, so those become 0 with the
 * hidden bit as without it: a shift of 31 leaves nothing of 24 bits. */
static inline uint32_t narrow_f32(const struct heft_float_format *to, uint32_t code)
{
	const uint32_t magnitude = code & INT32_MAX;
	const uint32_t sign = (code >> 31) * (uint32_t)to->sign;
	const int least = 127 + 1 - to->bias;
	const int exponent = (int)(magnitude >> 23);
	const int target = exponent > least ? exponent : least;
	uint32_t mantissa = (magnitude & (F32_HIDDEN - 1)) | F32_HIDDEN;
	int shift = 23 - to->n_mantissa + target - exponent;
	uint32_t result;

	if (magnitude > F32_INF)
		return (uint32_t)(to->nan |
		                  ((magnitude & (F32_HIDDEN - 1)) >> (23 - to->n_mantissa) &
		                   to->nan_payload) |
		                  (sign & to->nan_sign));
	if (shift > 31)
		shift = 31;
	mantissa += (1u << (shift - 1)) - 1 + (mantissa >> shift & 1);
	result = (mantissa >> shift) + ((uint32_t)(target - least) << to->n_mantissa);
	if (result > to->max_finite)
		result = (uint32_t)to->too_large;
	return result == 0 && !to->has_negative_zero ? 0 : result | sign;
}

static void f16_to_f32(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heft_put_le32(dst + 4 * i, widen_f16(heft_get_le16(src + 2 * i)));
}

static void bf16_to_f32(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heft_put_le32(dst + 4 * i, widen_bf16(heft_get_le16(src + 2 * i)));
}

/* The formats are copied: a store to dst could change the original, as far as compilers know. */
static void f32_to_f16(uint8_t *dst, const uint8_t *src, size_t n)
{
	const struct heft_float_format f16 = *heft_float_format(HEFT_DTYPE_F16);

	for (size_t i = 0; i < n; i++)
		heft_put_le16(dst + 2 * i, (uint16_t)narrow_f32(&f16, heft_get_le32(src + 4 * i)));
}

static void f32_to_bf16(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heft_put_le16(dst + 2 * i, narrow_bf16(heft_get_le32(src + 4 * i)));
}

static void f32_to_codes(const struct heft_float_format *to, uint8_t *dst, const uint8_t *src,
                         size_t n)
{
	const struct heft_float_format format = *to;

	for (size_t i = 0; i < n; i++)
		dst[i] = (uint8_t)narrow_f32(&format, heft_get_le32(src + 4 * i));
}

static const struct heft_cast_loops scalar_loops = {
	.f16_to_f32 = f16_to_f32,
	.bf16_to_f32 = bf16_to_f32,
	.f32_to_f16 = f32_to_f16,
	.f32_to_bf16 = f32_to_bf16,
	.f32_to_codes = f32_to_codes,
};

#ifdef HEFT_TARGET_AVX2
#include <immintrin.h>

static inline HEFT_TARGET_AVX2 __m256i load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static inline HEFT_TARGET_AVX2 __m128i load_half(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static inline HEFT_TARGET_AVX2 void store(uint8_t *p, __m256i v)
{
	_mm256_storeu_si256((__m256i *)p, v);
}

static inline HEFT_TARGET_AVX2 __m256i all(uint32_t v)
{
	return _mm256_set1_epi32((int)v);
}

/* The conversion instructions make NaN quiet and round as told here, whatever MXCSR says. */
HEFT_TARGET_AVX2 static void f16_to_f32_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		store(dst + 4 * i, _mm256_castps_si256(_mm256_cvtph_ps(load_half(src + 2 * i))));
	f16_to_f32(dst + 4 * i, src + 2 * i, n - i);
}

HEFT_TARGET_AVX2 static void f32_to_f16_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		const __m256 wide = _mm256_castsi256_ps(load(src + 4 * i));

		_mm_storeu_si128((__m128i *)(dst + 2 * i),
		                 _mm256_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT));
	}
	f32_to_f16(dst + 2 * i, src + 4 * i, n - i);
}

HEFT_TARGET_AVX2 static void bf16_to_f32_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		const __m256i wide =
			_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_half(src + 2 * i)), 16);
		const __m256i is_nan = _mm256_cmpgt_epi32(_mm256_and_si256(wide, all(INT32_MAX)),
		                                          all(F32_INF));

		store(dst + 4 * i, _mm256_or_si256(wide, _mm256_and_si256(is_nan, all(F32_QUIET))));
	}
	bf16_to_f32(dst + 4 * i, src + 2 * i, n - i);
}

/* Eight results, each in 32 bits. */
static inline HEFT_TARGET_AVX2 __m256i eight_bf16(__m256i code)
{
	const __m256i high = _mm256_srli_epi32(code, 16);
	const __m256i is_odd = _mm256_and_si256(high, all(1));
	const __m256i rounded = _mm256_srli_epi32(
		_mm256_add_epi32(code, _mm256_add_epi32(is_odd, all(0x7fff))), 16);
	const __m256i is_nan = _mm256_cmpgt_epi32(_mm256_and_si256(code, all(INT32_MAX)),
	                                          all(F32_INF));

	return _mm256_blendv_epi8(rounded, _mm256_or_si256(high, all(0x40)), is_nan);
}

HEFT_TARGET_AVX2 static void f32_to_bf16_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		const __m256i low = eight_bf16(load(src + 4 * i));
		const __m256i high = eight_bf16(load(src + 4 * i + 32));

		store(dst + 2 * i, _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xd8));
	}
	f32_to_bf16(dst + 2 * i, src + 4 * i, n - i);
}

/* narrow_f32 for eight, to a format whose too_large is max_finite. */
static inline HEFT_TARGET_AVX2 __m256i eight_codes(const struct heft_float_format *to, __m256i code)
{
	const __m256i magnitude = _mm256_and_si256(code, all(INT32_MAX));
	const __m256i fraction = _mm256_and_si256(code, all(F32_HIDDEN - 1));
	const __m256i least = all((uint32_t)(127 + 1 - to->bias));
	const __m256i exponent = _mm256_srli_epi32(magnitude, 23);
	const __m256i target = _mm256_max_epi32(exponent, least);
	const __m256i steps = _mm256_sub_epi32(target, exponent);
	const __m256i shift = _mm256_min_epi32(_mm256_add_epi32(steps, all(23u - to->n_mantissa)),
	                                       all(31));
	const __m256i mantissa = _mm256_or_si256(fraction, all(F32_HIDDEN));
	const __m256i is_odd = _mm256_and_si256(_mm256_srlv_epi32(mantissa, shift), all(1));
	const __m256i half = _mm256_srli_epi32(_mm256_sllv_epi32(all(1), shift), 1);
	const __m256i bias = _mm256_add_epi32(_mm256_sub_epi32(half, all(1)), is_odd);
	const __m256i rounded = _mm256_srlv_epi32(_mm256_add_epi32(mantissa, bias), shift);
	const __m128i n_mantissa = _mm_cvtsi32_si128(to->n_mantissa);
	const __m256i above = _mm256_sll_epi32(_mm256_sub_epi32(target, least), n_mantissa);
	const __m256i finite = _mm256_min_epu32(_mm256_add_epi32(rounded, above),
	                                        all((uint32_t)to->max_finite));
	const __m256i payload =
		_mm256_and_si256(_mm256_srl_epi32(fraction, _mm_cvtsi32_si128(23 - to->n_mantissa)),
	                         all((uint32_t)to->nan_payload));
	const __m256i is_nan = _mm256_cmpgt_epi32(magnitude, all(F32_INF));
	const __m256i is_negative = _mm256_srai_epi32(code, 31);
	const __m256i has_no_sign = to->has_negative_zero
	                                    ? _mm256_setzero_si256()
	                                    : _mm256_cmpeq_epi32(finite, _mm256_setzero_si256());
	const __m256i sign = _mm256_andnot_si256(has_no_sign, all((uint32_t)to->sign));
	const __m256i signed_finite = _mm256_or_si256(finite, _mm256_and_si256(is_negative, sign));
	const __m256i nan = _mm256_or_si256(_mm256_or_si256(payload, all((uint32_t)to->nan)),
	                                    _mm256_and_si256(is_negative,
	                                                     all((uint32_t)to->nan_sign)));

	return _mm256_blendv_epi8(signed_finite, nan, is_nan);
}

HEFT_TARGET_AVX2 static void f32_to_codes_avx2(const struct heft_float_format *to, uint8_t *dst,
                                               const uint8_t *src, size_t n)
{
	/* Packing works within halves of the register: puts the groups of four back in order. */
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		const uint8_t *from = src + 4 * i;
		const __m256i a = eight_codes(to, load(from));
		const __m256i b = eight_codes(to, load(from + 32));
		const __m256i c = eight_codes(to, load(from + 64));
		const __m256i d = eight_codes(to, load(from + 96));
		const __m256i bytes = _mm256_packus_epi16(_mm256_packus_epi32(a, b),
		                                          _mm256_packus_epi32(c, d));

		store(dst + i, _mm256_permutevar8x32_epi32(bytes, order));
	}
	f32_to_codes(to, dst + i, src + 4 * i, n - i);
}

static const struct heft_cast_loops avx2_loops = {
	.f16_to_f32 = f16_to_f32_avx2,
	.bf16_to_f32 = bf16_to_f32_avx2,
	.f32_to_f16 = f32_to_f16_avx2,
	.f32_to_bf16 = f32_to_bf16_avx2,
	.f32_to_codes = f32_to_codes_avx2,
};
#endif

const struct heft_cast_loops *heft_cast_loops(uint32_t cpu_bits)
{
#ifdef HEFT_TARGET_AVX2
	if (cpu_bits & HEFT_CPU_AVX2)
		return &avx2_loops;
#endif
	(void)cpu_bits;
	return &scalar_loops;
}
