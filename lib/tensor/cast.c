/* SPDX-License-Identifier: Apache-2.0 */
/* cast.c - converts elements from one real dtype to another, by the fastest way there is for the
 * pair. */
#include <string.h>

#include "base/bytes.h"
#include "base/cpu.h"
#include "base/error.h"
#include "tensor/cast.h"
#include "tensor/dtype.h"

#define N_AT_ONCE 1024 /* elements; a multiple of 4, so that packed ones begin at a whole byte */

static bool is_real(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && !info->is_complex && !info->is_block;
}

/* The same dtype: all bits stay, a NaN's and a BOOL's too. */
static void copy(unsigned n_bits, uint8_t *dst, const uint8_t *src, size_t n)
{
	const size_t n_used = n % 8 * n_bits % 8; /* bits of the last byte, when it is not full */
	const size_t size = n / 8 * n_bits + (n % 8 * n_bits + 7) / 8;

	if (size == 0)
		return;
	memcpy(dst, src, size);
	if (n_used > 0)
		dst[size - 1] = (uint8_t)(dst[size - 1] & ((1u << n_used) - 1));
}

/* A source of at most 256 codes: each is converted once. */
static void cast_by_table(enum heft_dtype dst_dtype, uint8_t *dst, enum heft_dtype src_dtype,
                          const uint8_t *src, size_t n)
{
	const unsigned dst_bits = heft_element_bits(dst_dtype);
	const unsigned src_bits = heft_element_bits(src_dtype);
	uint64_t table[256];
	uint64_t codes[N_AT_ONCE];

	for (size_t code = 0; code < (size_t)1 << src_bits; code++)
		table[code] = heft_cast_code(dst_dtype, src_dtype, code);
	while (n > 0) {
		const size_t n_now = n < N_AT_ONCE ? n : N_AT_ONCE;

		heft_unpack_codes(src_bits, src, n_now, codes);
		for (size_t i = 0; i < n_now; i++)
			codes[i] = table[codes[i]];
		heft_pack_codes(dst_bits, codes, n_now, dst);
		src += n_now * src_bits / 8;
		dst += n_now * dst_bits / 8;
		n -= n_now;
	}
}

static void cast_from_f64(enum heft_dtype dst_dtype, uint8_t *dst, const uint8_t *src, size_t n)
{
	const struct heft_float_format *to = heft_float_format(dst_dtype);
	uint64_t codes[N_AT_ONCE];

	while (n > 0) {
		const size_t n_now = n < N_AT_ONCE ? n : N_AT_ONCE;

		for (size_t i = 0; i < n_now; i++)
			codes[i] = heft_narrow_f64(to, heft_get_le64(src + 8 * i));
		heft_pack_codes(to->n_bits, codes, n_now, dst);
		src += n_now * 8;
		dst += n_now * to->n_bits / 8;
		n -= n_now;
	}
}

static void f32_to_f64(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		heft_put_le64(dst + 8 * i, heft_widen_f32(heft_get_le32(src + 4 * i)));
}

/* To 6 and 4 bits: the codes are made in bytes first. */
static void f32_to_packed(const struct heft_cast_loops *loops, const struct heft_float_format *to,
                          uint8_t *dst, const uint8_t *src, size_t n)
{
	uint8_t bytes[N_AT_ONCE];
	uint64_t codes[N_AT_ONCE];

	while (n > 0) {
		const size_t n_now = n < N_AT_ONCE ? n : N_AT_ONCE;

		loops->f32_to_codes(to, bytes, src, n_now);
		heft_unpack_codes(8, bytes, n_now, codes);
		heft_pack_codes(to->n_bits, codes, n_now, dst);
		src += n_now * 4;
		dst += n_now * to->n_bits / 8;
		n -= n_now;
	}
}

/* dst_dtype has a float format. */
static void cast_from_f32(const struct heft_cast_loops *loops, enum heft_dtype dst_dtype,
                          uint8_t *dst, const uint8_t *src, size_t n)
{
	const struct heft_float_format *to = heft_float_format(dst_dtype);

	if (dst_dtype == HEFT_DTYPE_F64)
		f32_to_f64(dst, src, n);
	else if (dst_dtype == HEFT_DTYPE_F16)
		loops->f32_to_f16(dst, src, n);
	else if (dst_dtype == HEFT_DTYPE_BF16)
		loops->f32_to_bf16(dst, src, n);
	else if (to->n_bits == 8)
		loops->f32_to_codes(to, dst, src, n);
	else
		f32_to_packed(loops, to, dst, src, n);
}

/* F32 holds every F16 and BF16, so going through it rounds only once. */
static void cast_from_half(const struct heft_cast_loops *loops, enum heft_dtype dst_dtype,
                           uint8_t *dst, enum heft_dtype src_dtype, const uint8_t *src, size_t n)
{
	const unsigned dst_bits = heft_element_bits(dst_dtype);
	void (*const widen)(uint8_t *, const uint8_t *, size_t) = src_dtype == HEFT_DTYPE_F16
	                                                                  ? loops->f16_to_f32
	                                                                  : loops->bf16_to_f32;
	uint8_t wide[N_AT_ONCE * 4];

	if (dst_dtype == HEFT_DTYPE_F32) {
		widen(dst, src, n);
		return;
	}
	while (n > 0) {
		const size_t n_now = n < N_AT_ONCE ? n : N_AT_ONCE;

		widen(wide, src, n_now);
		cast_from_f32(loops, dst_dtype, dst, wide, n_now);
		src += n_now * 2;
		dst += n_now * dst_bits / 8;
		n -= n_now;
	}
}

static void cast(uint32_t cpu_bits, enum heft_dtype dst_dtype, uint8_t *dst,
                 enum heft_dtype src_dtype, const uint8_t *src, size_t n)
{
	const struct heft_cast_loops *loops = heft_cast_loops(cpu_bits);
	const unsigned src_bits = heft_element_bits(src_dtype);

	if (dst_dtype == src_dtype)
		copy(src_bits, dst, src, n);
	else if (src_bits <= 8 && n >= 256)
		cast_by_table(dst_dtype, dst, src_dtype, src, n);
	else if (!heft_float_format(dst_dtype))
		heft_cast_exact(dst_dtype, dst, src_dtype, src, n);
	else if (src_dtype == HEFT_DTYPE_F64)
		cast_from_f64(dst_dtype, dst, src, n);
	else if (src_dtype == HEFT_DTYPE_F32)
		cast_from_f32(loops, dst_dtype, dst, src, n);
	else if (src_dtype == HEFT_DTYPE_F16 || src_dtype == HEFT_DTYPE_BF16)
		cast_from_half(loops, dst_dtype, dst, src_dtype, src, n);
	else
		heft_cast_exact(dst_dtype, dst, src_dtype, src, n);
}

enum heft_status heft_cast_by(uint32_t cpu_bits, enum heft_dtype dst_dtype, void *dst,
                              enum heft_dtype src_dtype, const void *src, size_t n,
                              struct heft_error *err)
{
	if (!is_real(dst_dtype) || !is_real(src_dtype))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "elements of %s cannot be converted to %s",
		                 heft_dtype_name(src_dtype), heft_dtype_name(dst_dtype));
	cast(cpu_bits, dst_dtype, dst, src_dtype, src, n);
	return HEFT_OK;
}

enum heft_status heft_cast_elements(enum heft_dtype dst_dtype, void *dst, enum heft_dtype src_dtype,
                                    const void *src, size_t n, struct heft_error *err)
{
	return heft_cast_by(heft_cpu_bits(), dst_dtype, dst, src_dtype, src, n, err);
}
