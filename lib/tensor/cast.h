/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/cast.h - the parts of heft_cast_elements: how formats of numbers are made, the exact way
 * that is right for every pair, and the fast ways that equal it bit by bit.
 *
 * No way uses floating-point arithmetic, so neither the rounding mode of the host nor its flushing
 * of subnormals to zero changes a result. */
#ifndef TENSOR_CAST_H
#define TENSOR_CAST_H

#include "heft/tensor.h"

/* A binary floating format: a sign, an exponent and n_mantissa bits, in `n_bits`. A code is an
 * element's bits as a number. */
struct heft_float_format {
	uint8_t n_bits;
	uint8_t n_mantissa;
	int16_t bias;
	bool has_negative_zero; /* else its code is the only NaN */
	uint64_t sign;          /* the sign bit */
	uint64_t inf;           /* code of infinity; 0: there is none */
	uint64_t max_finite;    /* code of the largest number */
	uint64_t
		/* code that rounds from beyond: inf, or max_finite where a cast saturates */
		too_large;
	uint64_t nan; /* code of a positive quiet NaN; where there is no NaN, what becomes of one */
	uint64_t nan_payload; /* bits of a NaN that are kept from one format to another */
	uint64_t nan_sign;    /* the sign bit if a NaN keeps its sign, else 0 */
};

/* NULL unless dtype is a floating format with a sign (F8_E8M0 is none). */
const struct heft_float_format *heft_float_format(enum heft_dtype dtype);

/* How many bits an element takes; the dtype is real. */
unsigned heft_element_bits(enum heft_dtype dtype);
/* Codes of n elements, 64 bits each, from packed bytes and back. The unused bits of the last byte
 * become 0. */
void heft_unpack_codes(unsigned n_bits, const uint8_t *src, size_t n, uint64_t *codes);
void heft_pack_codes(unsigned n_bits, const uint64_t *codes, size_t n, uint8_t *dst);
/* One element, exactly. */
uint64_t heft_cast_code(enum heft_dtype dst_dtype, enum heft_dtype src_dtype, uint64_t code);

/* The exact way, element by element. */
void heft_cast_exact(enum heft_dtype dst_dtype, void *dst, enum heft_dtype src_dtype,
                     const void *src, size_t n);

/* Loops that the CPU's instructions make fast. Formats are those of n_bits 8; the bytes may lie at
 * any address. */
struct heft_cast_loops {
	void (*f16_to_f32)(uint8_t *dst, const uint8_t *src, size_t n);
	void (*bf16_to_f32)(uint8_t *dst, const uint8_t *src, size_t n);
	void (*f32_to_f16)(uint8_t *dst, const uint8_t *src, size_t n);
	void (*f32_to_bf16)(uint8_t *dst, const uint8_t *src, size_t n);
	/* To a format of at most 8 bits, one code a byte. */
	void (*f32_to_codes)(const struct heft_float_format *to, uint8_t *dst, const uint8_t *src,
	                     size_t n);
};

const struct heft_cast_loops *heft_cast_loops(uint32_t cpu_bits);

/* To any format with a sign but F64, from F64; one rounding. */
uint64_t heft_narrow_f64(const struct heft_float_format *to, uint64_t code);
uint64_t heft_widen_f32(uint32_t code); /* to F64 */

/* heft_cast_elements by the loops for these CPU bits, for tests. */
enum heft_status heft_cast_by(uint32_t cpu_bits, enum heft_dtype dst_dtype, void *dst,
                              enum heft_dtype src_dtype, const void *src, size_t n,
                              struct heft_error *err);

#endif
