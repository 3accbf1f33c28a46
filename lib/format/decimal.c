/* SPDX-License-Identifier: Apache-2.0 */
/* decimal.c - numbers as decimal text. */
#include "format/decimal.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define REAL_SIZE_MAX 511u /* characters of a float */
#define LIMBS_MAX \
	(HEFT_DECIMAL_DIGITS_MAX * 10 / 3 / 32 + 2) /* of 32 bits; log2(10) is below 10 / 3 */

#define DIGITS_AT_ONCE 9

static void multiply_add(uint32_t *limbs, size_t *n_limbs, uint32_t factor, uint64_t carry)
{
	for (size_t k = 0; k < *n_limbs; k++) {
		carry += (uint64_t)limbs[k] * factor;
		limbs[k] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry > 0)
		limbs[(*n_limbs)++] = (uint32_t)carry;
}

static bool read_digits(const char *s, size_t n, uint32_t *limbs, size_t *n_limbs)
{
	uint32_t factor = 1;
	uint32_t digits = 0;

	*n_limbs = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		digits = digits * 10 + (uint32_t)(s[i] - '0');
		factor *= 10;
		if ((i + 1) % DIGITS_AT_ONCE == 0 || i + 1 == n) {
			multiply_add(limbs, n_limbs, factor, digits);
			factor = 1;
			digits = 0;
		}
	}
	return n > 0;
}

/* Two's complement, with a word for the sign. */
static void add_limbs(struct heft_buffer *b, const uint32_t *limbs, size_t n_limbs,
                      bool is_negative)
{
	uint64_t carry = is_negative;

	for (size_t k = 0; k <= n_limbs; k++) {
		const uint32_t limb = k < n_limbs ? limbs[k] : 0;

		carry += is_negative ? (uint32_t)~limb : limb;
		heft_buffer_add_le32(b, (uint32_t)carry);
		carry >>= 32;
	}
}

bool heft_decimal_add_whole(struct heft_buffer *b, const char *text, size_t n)
{
	const bool is_negative = n > 0 && text[0] == '-';
	const size_t n_sign = is_negative || (n > 0 && text[0] == '+');
	uint32_t limbs[LIMBS_MAX];
	size_t n_limbs;

	if (n - n_sign > HEFT_DECIMAL_DIGITS_MAX)
		return false;
	if (!read_digits(text + n_sign, n - n_sign, limbs, &n_limbs))
		return false;
	add_limbs(b, limbs, n_limbs, is_negative);
	return true;
}

size_t heft_decimal_n_needed(const uint8_t *bytes, size_t n)
{
	const uint8_t sign = n > 0 && bytes[n - 1] >= 0x80 ? 0xff : 0;

	while (n > 1 && bytes[n - 1] == sign && (bytes[n - 2] >= 0x80) == (sign == 0xff))
		n--;
	return n;
}

static bool is_real(const char *text)
{
	const char *word = text[0] == '-' || text[0] == '+' ? text + 1 : text;

	return strspn(word, "0123456789.eE+-") == strlen(word) || strcmp(word, "nan") == 0 ||
	       strcmp(word, "inf") == 0;
}

bool heft_decimal_real(const char *text, size_t n, double *real)
{
	char copy[REAL_SIZE_MAX + 1];
	locale_t plain;
	locale_t old;
	char *end;

	if (n > REAL_SIZE_MAX || memchr(text, '\0', n))
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!is_real(copy))
		return false;
	/* strtod reads "1.5" whatever the program's locale is. */
	plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (plain == (locale_t)0)
		return false;
	old = uselocale(plain);
	*real = strtod(copy, &end);
	uselocale(old);
	freelocale(plain);
	return end != copy && *end == '\0';
}
