/* SPDX-License-Identifier: Apache-2.0 */
/* large_angle.c - an angle of many turns as quarter turns and what is left, by integers alone.
 *
 * Payne and Hanek: of 2 / pi only the bits count that are neither whole turns of the product nor
 * below its last ones: 192 of them, wherever the angle's exponent says. */
#include "kernel/large_angle.h"

#define N_WORDS 6

/* 2 / pi in binary, behind the point. */
static const uint32_t two_over_pi[] = {
	0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab,
	0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e,
	0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b,
	0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7,
	0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1,
	0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d,
};

/* 32 bits from bit `first` behind the point; those before it are 0. */
static uint32_t bits_from(int first)
{
	const int word = (first + 32) / 32 - 1; /* rounds down, as first >= -32 */
	const int shift = first - 32 * word;
	const uint64_t high = word < 0 ? 0 : two_over_pi[word];

	return (uint32_t)(((high << 32) | two_over_pi[word + 1]) >> (32 - shift));
}

/* product = m times the words, the highest first, modulo 2^192. */
static void multiply(uint32_t *product, uint64_t m, int first)
{
	const uint64_t low = m & 0xffffffff;
	const uint64_t high = m >> 32;
	uint64_t carry = 0;
	uint32_t behind = 0; /* the word below, for the high half of m */

	for (int i = N_WORDS - 1; i >= 0; i--) {
		const uint32_t word = bits_from(first + 32 * i);
		const uint64_t a = low * word;
		const uint64_t b = high * behind;
		const uint64_t sum = (a & 0xffffffff) + (b & 0xffffffff) + (carry & 0xffffffff);

		product[i] = (uint32_t)sum;
		carry = (carry >> 32) + (a >> 32) + (b >> 32) + (sum >> 32);
		behind = word;
	}
}

/* Takes the quarters out of the product, whose highest two bits they are, so that at most half a
 * quarter is left: its magnitude stays, the sign is told. */
static bool take_quarters(uint32_t *product, uint64_t *quarters)
{
	const bool is_negative = (product[0] & UINT32_C(0x20000000)) != 0;

	*quarters = (product[0] >> 30) + (is_negative ? 1u : 0u);
	product[0] &= UINT32_C(0x3fffffff);
	if (is_negative) {
		uint64_t carry = 1;

		for (int i = N_WORDS - 1; i >= 0; i--) {
			const uint64_t word = (uint64_t)(uint32_t)~product[i] + carry;

			product[i] = (uint32_t)word;
			carry = word >> 32;
		}
		product[0] &= UINT32_C(0x3fffffff);
	}
	return is_negative;
}

struct heft_f64_angle heft_large_angle(double a)
{
	const uint64_t bits = heft_f64_bits(a);
	const int exponent = (int)(bits >> 52) - 1075; /* a = m 2^exponent */
	const uint64_t m = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x10000000000000);
	struct heft_f64_angle g;
	uint32_t p[N_WORDS];
	double high;
	double middle;
	double sum;
	bool is_negative;

	if (bits >= UINT64_C(0x7ff0000000000000))
		return (struct heft_f64_angle){ (double)NAN, 0.0, 0 };
	/* a bit of 2 / pi at place i behind the point is 2^(exponent - i - 1) quarters times m */
	multiply(p, m, exponent - 2);
	is_negative = take_quarters(p, &g.quarters);
	/* the quarter's fraction as high + middle, from 2^-2 on; three parts of 48 bits are
	 * exact */
	high = (double)(((uint64_t)p[0] << 16) | (p[1] >> 16)) * 0x1p-46;
	middle = (double)(((uint64_t)(p[1] & 0xffff) << 32) | p[2]) * 0x1p-94;
	sum = high + middle;
	middle = (middle - (sum - high)) +
	         (double)(((uint64_t)p[3] << 16) | (p[4] >> 16)) * 0x1p-142;
	g.r = sum * HEFT_HALF_PI;
	g.rest = fma(sum, HEFT_HALF_PI, -g.r) + fma(sum, HEFT_HALF_PI_LOW, middle * HEFT_HALF_PI);
	if (is_negative) {
		g.r = -g.r;
		g.rest = -g.rest;
	}
	return g;
}
