/* SPDX-License-Identifier: Apache-2.0 */
/* test_tensor_cast.c - tests of lib/tensor/cast*.c against a slow reference in long double, which
 * holds every value of every dtype: the nearest code is searched in the list of all of the target's
 * values. */
#include "tensor/cast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "tensor/dtype.h"
#include "unit.h"

enum nans {
	PAYLOADS,   /* as IEEE 754, with infinity */
	ONE_EITHER, /* all ones, of either sign; no infinity */
	ONE,        /* where negative zero would be */
	NONE
};

struct layout {
	enum heft_dtype dtype;
	int n_exponent;
	int n_mantissa;
	int bias;
	enum nans nans;
	bool saturates;
};

static const struct layout layouts[] = {
	{ HEFT_DTYPE_F64, 11, 52, 1023, PAYLOADS, false },
	{ HEFT_DTYPE_F32, 8, 23, 127, PAYLOADS, false },
	{ HEFT_DTYPE_F16, 5, 10, 15, PAYLOADS, false },
	{ HEFT_DTYPE_BF16, 8, 7, 127, PAYLOADS, false },
	{ HEFT_DTYPE_F8_E4M3, 4, 3, 7, ONE_EITHER, true },
	{ HEFT_DTYPE_F8_E5M2, 5, 2, 15, PAYLOADS, true },
	{ HEFT_DTYPE_F8_E4M3FNUZ, 4, 3, 8, ONE, true },
	{ HEFT_DTYPE_F8_E5M2FNUZ, 5, 2, 16, ONE, true },
	{ HEFT_DTYPE_F6_E2M3, 2, 3, 1, NONE, true },
	{ HEFT_DTYPE_F6_E3M2, 3, 2, 3, NONE, true },
	{ HEFT_DTYPE_F4, 2, 1, 1, NONE, true },
};

static const enum heft_dtype reals[] = {
	HEFT_DTYPE_BOOL,        HEFT_DTYPE_U8,      HEFT_DTYPE_I8,      HEFT_DTYPE_U16,
	HEFT_DTYPE_I16,         HEFT_DTYPE_U32,     HEFT_DTYPE_I32,     HEFT_DTYPE_U64,
	HEFT_DTYPE_I64,         HEFT_DTYPE_F16,     HEFT_DTYPE_BF16,    HEFT_DTYPE_F32,
	HEFT_DTYPE_F64,         HEFT_DTYPE_F8_E4M3, HEFT_DTYPE_F8_E5M2, HEFT_DTYPE_F8_E4M3FNUZ,
	HEFT_DTYPE_F8_E5M2FNUZ, HEFT_DTYPE_F8_E8M0, HEFT_DTYPE_F6_E2M3, HEFT_DTYPE_F6_E3M2,
	HEFT_DTYPE_F4,          HEFT_DTYPE_U4,      HEFT_DTYPE_I4,      HEFT_DTYPE_U2,
	HEFT_DTYPE_I2,
};

#define N_REALS (sizeof reals / sizeof *reals)

/* Where long double is no more than double (some CPUs, valgrind) the reference would be wrong, not
 * the casts. */
static bool has_reference(void)
{
	volatile long double one = 1;

	return one + ldexpl(1, -63) != 1;
}

static const struct layout *layout_of(enum heft_dtype dtype)
{
	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
		if (layouts[i].dtype == dtype)
			return &layouts[i];
	}
	return NULL;
}

static int bits_of(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return (int)(info->n_bytes * 8 / info->n_elements);
}

/* A value as the reference sees it; of a NaN the sign, and its fraction in front of 64 bits. */
struct value {
	long double number;
	bool is_negative;
	uint64_t payload;
};

static struct value float_value(const struct layout *l, uint64_t code)
{
	const uint64_t one = 1;
	const bool is_negative = code >> (l->n_exponent + l->n_mantissa) & 1;
	const uint64_t exponent = code >> l->n_mantissa & ((one << l->n_exponent) - 1);
	const uint64_t fraction = code & ((one << l->n_mantissa) - 1);
	const bool is_top = exponent == (one << l->n_exponent) - 1;
	struct value v = { 0, is_negative, 0 };

	if (l->nans == PAYLOADS && is_top && fraction == 0) {
		v.number = HUGE_VALL;
	} else if (l->nans == PAYLOADS && is_top) {
		v.number = (long double)NAN;
		v.payload = fraction << (64 - l->n_mantissa);
	} else if (l->nans == ONE_EITHER && is_top && fraction == (one << l->n_mantissa) - 1) {
		v.number = (long double)NAN;
	} else if (l->nans == ONE && is_negative && exponent == 0 && fraction == 0) {
		return (struct value){ (long double)NAN, false, 0 };
	} else if (exponent == 0) {
		v.number = ldexpl((long double)fraction, 1 - l->bias - l->n_mantissa);
	} else {
		v.number = ldexpl(1 + ldexpl((long double)fraction, -l->n_mantissa),
		                  (int)exponent - l->bias);
	}
	if (is_negative)
		v.number = -v.number;
	return v;
}

static struct value value_of(enum heft_dtype dtype, uint64_t code)
{
	const struct layout *l = layout_of(dtype);
	const int n_bits = bits_of(dtype);
	struct value v = { (long double)code, false, 0 };

	if (l)
		return float_value(l, code);
	if (dtype == HEFT_DTYPE_F8_E8M0)
		v.number = code == 255 ? (long double)NAN : ldexpl(1, (int)code - 127);
	else if (dtype == HEFT_DTYPE_BOOL)
		v.number = code != 0;
	else if (*heft_dtype_name(dtype) == 'I' && code >> (n_bits - 1))
		v.number = (long double)code - ldexpl(1, n_bits);
	v.is_negative = v.number < 0;
	return v;
}

/* All numbers of a format of up to 16 bits that are not negative, in order; the last is the
 * largest. */
struct list {
	size_t n;
	long double numbers[1 << 15];
};

static struct list *list_of(const struct layout *l)
{
	struct list *list = malloc(sizeof *list);

	for (list->n = 0; list->n < (size_t)1 << (l->n_exponent + l->n_mantissa); list->n++) {
		list->numbers[list->n] = float_value(l, list->n).number;
		if (!isfinite(list->numbers[list->n]))
			break;
	}
	return list;
}

/* The code nearest to x >= 0, of two the even one; list->n where x is beyond the largest. */
static uint64_t nearest(const struct list *list, long double x)
{
	const long double *numbers = list->numbers;
	size_t low = 0;
	size_t high = list->n;
	long double next;
	long double middle;

	while (high - low > 1) {
		const size_t at = (low + high) / 2;

		if (numbers[at] <= x)
			low = at;
		else
			high = at;
	}
	next = high < list->n ? numbers[high] : 2 * numbers[low] - numbers[low - 1];
	middle = (numbers[low] + next) / 2;
	if (x > middle || (x == middle && low % 2 == 1))
		return low + 1;
	return low;
}

static uint64_t nan_code(const struct layout *l, const struct value *v)
{
	const uint64_t exponent = ((UINT64_C(1) << l->n_exponent) - 1) << l->n_mantissa;
	const uint64_t sign = (uint64_t)v->is_negative << (l->n_exponent + l->n_mantissa);

	switch (l->nans) {
	case PAYLOADS:
		return sign | exponent | (v->payload | UINT64_C(1) << 63) >> (64 - l->n_mantissa);
	case ONE_EITHER:
		return sign | exponent | ((UINT64_C(1) << l->n_mantissa) - 1);
	case ONE:
		return UINT64_C(1) << (l->n_exponent + l->n_mantissa);
	default:
		return exponent | ((UINT64_C(1) << l->n_mantissa) - 1);
	}
}

static uint64_t wide_code(enum heft_dtype dtype, long double x)
{
	const double f64 = (double)x;
	const float f32 = (float)x;
	uint32_t code32;
	uint64_t code64;

	memcpy(&code64, &f64, sizeof code64);
	memcpy(&code32, &f32, sizeof code32);
	return dtype == HEFT_DTYPE_F64 ? code64 : code32;
}

static uint64_t float_code(const struct layout *l, const struct list *list, const struct value *v)
{
	const long double x = fabsl(v->number);
	const uint64_t sign = (uint64_t)v->is_negative << (l->n_exponent + l->n_mantissa);
	uint64_t code;

	if (isnan(v->number))
		return nan_code(l, v);
	if (!list)
		return wide_code(l->dtype, v->number);
	code = isinf(x) ? list->n : nearest(list, x);
	if (code >= list->n)
		code = l->saturates ? list->n - 1 : list->n;
	return code == 0 && l->nans == ONE ? 0 : code | sign;
}

static uint64_t e8m0_code(const struct value *v)
{
	int code = 0;

	if (isnan(v->number))
		return 255;
	while (code < 254 && v->number >= 1.5L * ldexpl(1, code - 127))
		code++;
	return (uint64_t)code;
}

static uint64_t integer_code(enum heft_dtype dtype, const struct value *v)
{
	const int n_bits = bits_of(dtype);
	const bool is_signed = *heft_dtype_name(dtype) == 'I';
	const long double min = is_signed ? -ldexpl(1, n_bits - 1) : 0;
	const long double max = ldexpl(1, is_signed ? n_bits - 1 : n_bits) - 1;
	long double x = truncl(v->number);

	if (dtype == HEFT_DTYPE_BOOL)
		return isnan(v->number) || v->number != 0;
	if (isnan(v->number))
		return 0;
	x = x < min ? min : x > max ? max : x;
	if (x >= 0)
		return (uint64_t)x;
	return (UINT64_C(0) - (uint64_t)-x) & (UINT64_MAX >> (64 - n_bits));
}

static uint64_t reference(enum heft_dtype dst, const struct list *list, enum heft_dtype src,
                          uint64_t code)
{
	const struct value v = value_of(src, code);
	const struct layout *l = layout_of(dst);

	if (l)
		return float_code(l, list, &v);
	return dst == HEFT_DTYPE_F8_E8M0 ? e8m0_code(&v) : integer_code(dst, &v);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Codes of n_bits: every one of up to 16 bits; of more, powers of two and their neighbours, numbers
 * of few bits (which make ties), short and long ones, and noise. */
static uint64_t *make_codes(enum heft_dtype dtype, size_t *n)
{
	const int n_bits = bits_of(dtype);
	const uint64_t mask = UINT64_MAX >> (64 - n_bits);
	uint64_t state = 88172645463325252;
	uint64_t *codes;

	*n = n_bits <= 16 ? (size_t)1 << n_bits : 60000;
	codes = malloc(*n * sizeof *codes);
	for (size_t i = 0; i < *n; i++) {
		const uint64_t random = next_random(&state);
		const int a = (int)(random >> 8 & 63);
		const int b = (int)(random >> 16 & 63);
		const uint64_t lone = UINT64_C(1) << a;

		if (n_bits <= 16)
			codes[i] = i;
		else if (i % 4 == 0)
			codes[i] = lone + (UINT64_C(1) << b) + (random & 3) - 1;
		else if (i % 4 == 1)
			codes[i] = next_random(&state) & ~(lone - 1);
		else if (i % 4 == 2)
			codes[i] = (next_random(&state) & ~(lone - 1)) + (random >> 24 & 3) - 1;
		else
			codes[i] = next_random(&state);
		codes[i] &= mask;
	}
	return codes;
}

/* Codes of a wide float whose value lies at, just below and just above the middle between two of
 * the target's. */
static size_t make_ties(enum heft_dtype src, const struct list *list, uint64_t *codes, size_t n_max)
{
	const size_t step = list->n * 6 / n_max + 1;
	size_t n = 0;

	for (size_t i = 0; i < list->n && n + 6 <= n_max; i += step) {
		const long double next = i + 1 < list->n
		                                 ? list->numbers[i + 1]
		                                 : 2 * list->numbers[i] - list->numbers[i - 1];
		const uint64_t tie = wide_code(src, (list->numbers[i] + next) / 2);
		const uint64_t sign = UINT64_C(1) << (bits_of(src) - 1);

		for (uint64_t j = 0; j < 3; j++) {
			codes[n++] = tie + j - 1;
			codes[n++] = (tie + j - 1) | sign;
		}
	}
	return n;
}

static void assert_codes(enum heft_dtype dst, enum heft_dtype src, const uint64_t *codes,
                         const uint64_t *got, size_t n, const char *way, const struct list *list)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t want = dst == src ? codes[i] : reference(dst, list, src, codes[i]);

		if (got[i] != want)
			ck_abort_msg("%s to %s (%s): %#llx gives %#llx, not %#llx",
			             heft_dtype_name(src), heft_dtype_name(dst), way,
			             (unsigned long long)codes[i], (unsigned long long)got[i],
			             (unsigned long long)want);
	}
}

/* By the exact way, by the loops of this CPU and by the plain ones. */
static void check_codes(enum heft_dtype dst, enum heft_dtype src, const uint64_t *codes, size_t n,
                        const struct list *list)
{
	uint8_t *from = malloc(n * 8 + 1);
	uint8_t *to = malloc(n * 8 + 1);
	uint64_t *got = malloc(n * sizeof *got);

	heft_pack_codes(heft_element_bits(src), codes, n, from);
	if (dst != src) {
		heft_cast_exact(dst, to, src, from, n);
		heft_unpack_codes(heft_element_bits(dst), to, n, got);
		assert_codes(dst, src, codes, got, n, "exact", list);
	}
	ck_assert_int_eq(heft_cast_elements(dst, to, src, from, n, NULL), HEFT_OK);
	heft_unpack_codes(heft_element_bits(dst), to, n, got);
	assert_codes(dst, src, codes, got, n, "this CPU", list);
	ck_assert_int_eq(heft_cast_by(0, dst, to, src, from, n, NULL), HEFT_OK);
	heft_unpack_codes(heft_element_bits(dst), to, n, got);
	assert_codes(dst, src, codes, got, n, "scalar", list);
	free(from);
	free(to);
	free(got);
}

START_TEST(every_pair_equals_the_reference)
{
	const enum heft_dtype dst = reals[_i];
	const struct layout *l = layout_of(dst);
	struct list *list = l && bits_of(dst) <= 16 ? list_of(l) : NULL;

	for (size_t i = 0; has_reference() && i < N_REALS; i++) {
		size_t n;
		uint64_t *codes = make_codes(reals[i], &n);

		check_codes(dst, reals[i], codes, n, list);
		if (list && (reals[i] == HEFT_DTYPE_F32 || reals[i] == HEFT_DTYPE_F64)) {
			n = make_ties(reals[i], list, codes, n);
			check_codes(dst, reals[i], codes, n, list);
		}
		free(codes);
	}
	free(list);
}
END_TEST

START_TEST(special_values_of_f32_become_what_is_promised)
{
	static const uint32_t inputs[] = { 0x00000000, 0x80000000, 0x7f800000, 0xff800000,
		                           0x7fc00000, 0xffc00000, 0x7f800001, 0x7f7fffff,
		                           0x00000001, 0x3f800000 };
	static const struct {
		enum heft_dtype dtype;
		uint64_t codes[10];
	} cases[] = {
		{ HEFT_DTYPE_F64,
		  { 0, UINT64_C(1) << 63, UINT64_C(0x7ff0000000000000),
		    UINT64_C(0xfff0000000000000), UINT64_C(0x7ff8000000000000),
		    UINT64_C(0xfff8000000000000), UINT64_C(0x7ff8000020000000),
		    UINT64_C(0x47efffffe0000000), UINT64_C(0x36a0000000000000),
		    UINT64_C(0x3ff0000000000000) } },
		{ HEFT_DTYPE_BF16,
		  { 0, 0x8000, 0x7f80, 0xff80, 0x7fc0, 0xffc0, 0x7fc0, 0x7f80, 0, 0x3f80 } },
		{ HEFT_DTYPE_F16,
		  { 0, 0x8000, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7e00, 0x7c00, 0, 0x3c00 } },
		{ HEFT_DTYPE_F8_E4M3, { 0, 0x80, 0x7e, 0xfe, 0x7f, 0xff, 0x7f, 0x7e, 0, 0x38 } },
		{ HEFT_DTYPE_F8_E5M2, { 0, 0x80, 0x7b, 0xfb, 0x7e, 0xfe, 0x7e, 0x7b, 0, 0x3c } },
		{ HEFT_DTYPE_F8_E4M3FNUZ, { 0, 0, 0x7f, 0xff, 0x80, 0x80, 0x80, 0x7f, 0, 0x40 } },
		{ HEFT_DTYPE_F8_E5M2FNUZ, { 0, 0, 0x7f, 0xff, 0x80, 0x80, 0x80, 0x7f, 0, 0x40 } },
		{ HEFT_DTYPE_F8_E8M0, { 0, 0, 254, 0, 255, 255, 255, 254, 0, 127 } },
		{ HEFT_DTYPE_F6_E2M3, { 0, 0x20, 0x1f, 0x3f, 0x1f, 0x1f, 0x1f, 0x1f, 0, 0x08 } },
		{ HEFT_DTYPE_F6_E3M2, { 0, 0x20, 0x1f, 0x3f, 0x1f, 0x1f, 0x1f, 0x1f, 0, 0x0c } },
		{ HEFT_DTYPE_F4, { 0, 8, 7, 15, 7, 7, 7, 7, 0, 2 } },
		{ HEFT_DTYPE_I8, { 0, 0, 127, 128, 0, 0, 0, 127, 0, 1 } },
		{ HEFT_DTYPE_U64, { 0, 0, UINT64_MAX, 0, 0, 0, 0, UINT64_MAX, 0, 1 } },
		{ HEFT_DTYPE_I2, { 0, 0, 1, 2, 0, 0, 0, 1, 0, 1 } },
		{ HEFT_DTYPE_BOOL, { 0, 0, 1, 1, 1, 1, 1, 1, 1, 1 } },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t j = 0; j < 10; j++)
			ck_assert_uint_eq(heft_cast_code(cases[i].dtype, HEFT_DTYPE_F32, inputs[j]),
			                  cases[i].codes[j]);
	}
}
END_TEST

START_TEST(large_integers_round_once)
{
	/* 2^24 + 1 plus a little: by way of f64 or f32 the little would be lost before the tie is
	 * broken */
	const uint64_t above_tie = (UINT64_C(1) << 60) + (UINT64_C(1) << 36) + 1;

	ck_assert_uint_eq(heft_cast_code(HEFT_DTYPE_F32, HEFT_DTYPE_I64, above_tie), 0x5d800001);
	ck_assert_uint_eq(heft_cast_code(HEFT_DTYPE_F32, HEFT_DTYPE_I64, above_tie - 1),
	                  0x5d800000);
	ck_assert_uint_eq(heft_cast_code(HEFT_DTYPE_BF16, HEFT_DTYPE_U32, 0x01010001), 0x4b81);
	ck_assert_uint_eq(heft_cast_code(HEFT_DTYPE_BF16, HEFT_DTYPE_U32, 0x01010000), 0x4b80);
}
END_TEST

START_TEST(f4_fills_bytes_from_the_low_bits_up)
{
	static const uint8_t f32[] = { 0, 0, 0x00, 0x3f, 0, 0, 0xc0, 0xc0, 0, 0, 0x80, 0x3f };
	uint8_t f4[3] = { 0xee, 0xee, 0xee };

	/* 0.5, -6, 1: codes 1, 15, 2 */
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F4, f4, HEFT_DTYPE_F32, f32, 3, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(f4[0], 0xf1);
	ck_assert_uint_eq(f4[1], 0x02);
	ck_assert_uint_eq(f4[2], 0xee);
}
END_TEST

START_TEST(f6_packs_four_into_three_bytes)
{
	static const uint8_t i8[] = { 1, 2, 3, 4, 5 };
	uint8_t f6[5] = { 0xee, 0xee, 0xee, 0xee, 0xee };

	/* E2M3: 1, 2, 3, 4, 5 are 001000 010000 010100 011000 011010 */
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F6_E2M3, f6, HEFT_DTYPE_I8, i8, 5, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(f6[0], 0x08);
	ck_assert_uint_eq(f6[1], 0x44);
	ck_assert_uint_eq(f6[2], 0x61);
	ck_assert_uint_eq(f6[3], 0x1a);
	ck_assert_uint_eq(f6[4], 0xee);
}
END_TEST

START_TEST(the_same_dtype_is_copied_and_unused_bits_cleared)
{
	static const uint8_t signalling_nan[] = { 1, 0, 0x80, 0x7f };
	static const uint8_t twos[] = { 0xff, 0xff };
	static const uint8_t not_one[] = { 7 };
	uint8_t out[4] = { 0 };

	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F32, out, HEFT_DTYPE_F32, signalling_nan, 1,
	                                    NULL),
	                 HEFT_OK);
	ck_assert_mem_eq(out, signalling_nan, 4);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_U2, out, HEFT_DTYPE_U2, twos, 5, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(out[0], 0xff);
	ck_assert_uint_eq(out[1], 0x03);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F6_E2M3, out, HEFT_DTYPE_F6_E2M3, twos, 2,
	                                    NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(out[1], 0x0f);
	ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_BOOL, out, HEFT_DTYPE_BOOL, not_one, 1,
	                                    NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(out[0], 7);
}
END_TEST

START_TEST(any_count_at_any_address_stays_within_its_bytes)
{
	const enum heft_dtype dst = reals[_i];
	static uint8_t from[9 * 2100];
	static uint8_t want[9 * 2100];
	static uint8_t got[9 * 2100];
	uint64_t state = 5;

	for (size_t i = 0; i < sizeof from; i++)
		from[i] = (uint8_t)next_random(&state);
	for (size_t s = 0; s < N_REALS; s++) {
		for (size_t n = 0; n < 2100; n += n < 70 ? 1 : 337) {
			const size_t size = (n * heft_element_bits(dst) + 7) / 8;

			if (dst == reals[s])
				continue;
			memset(got, 0xa5, sizeof got);
			heft_cast_exact(dst, want, reals[s], from + 1, n);
			ck_assert_int_eq(heft_cast_elements(dst, got + 3, reals[s], from + 1, n,
			                                    NULL),
			                 HEFT_OK);
			ck_assert(memcmp(got + 3, want, size) == 0);
			ck_assert(got[2] == 0xa5 && got[3 + size] == 0xa5 &&
			          got[3 + size + 31] == 0xa5);
		}
	}
}
END_TEST

START_TEST(what_is_not_real_is_unsupported)
{
	static const enum heft_dtype others[] = { HEFT_DTYPE_NONE, HEFT_DTYPE_C64, HEFT_DTYPE_C128,
		                                  HEFT_DTYPE_GGML + 2, 0x99 };
	uint8_t bytes[64] = { 0 };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct heft_error err;

		ck_assert_int_eq(heft_cast_elements(others[i], bytes, HEFT_DTYPE_F32, bytes + 32, 1,
		                                    &err),
		                 HEFT_E_UNSUPPORTED);
		ck_assert_int_eq(heft_cast_elements(HEFT_DTYPE_F32, bytes, others[i], bytes + 32, 1,
		                                    &err),
		                 HEFT_E_UNSUPPORTED);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tensor_cast");
	TCase *tcase = tcase_create("cast");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, every_pair_equals_the_reference, 0, N_REALS);
	tcase_add_test(tcase, special_values_of_f32_become_what_is_promised);
	tcase_add_test(tcase, large_integers_round_once);
	tcase_add_test(tcase, f4_fills_bytes_from_the_low_bits_up);
	tcase_add_test(tcase, f6_packs_four_into_three_bytes);
	tcase_add_test(tcase, the_same_dtype_is_copied_and_unused_bits_cleared);
	tcase_add_loop_test(tcase, any_count_at_any_address_stays_within_its_bytes, 0, N_REALS);
	tcase_add_test(tcase, what_is_not_real_is_unsupported);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
