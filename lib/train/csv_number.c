/* SPDX-License-Identifier: Apache-2.0 */
/* csv_number.c - reads decimal numbers, the usual ones quickly. */
#include "train/csv_number.h"

#include <math.h>

#include "format/decimal.h"

#define EXACT_MAX (UINT64_C(1) << 53) /* whole numbers up to here are binary64 */
#define EXACT_POWER 22                /* and so are powers of ten up to this one */

static const double powers[EXACT_POWER + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* Digits with or without a point, as m / 10^n_behind with both exact: then one division rounds
 * once. False: it is anything else. */
static bool read_plain(const char *s, size_t n, uint64_t *m, unsigned *n_behind)
{
	bool has_point = false;
	bool has_digit = false;

	*m = 0;
	*n_behind = 0;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (s[i] < '0' || s[i] > '9' || *m > EXACT_MAX / 10)
			return false;
		*m = *m * 10 + (uint64_t)(s[i] - '0');
		*n_behind += has_point;
		has_digit = true;
	}
	return has_digit && *m <= EXACT_MAX && *n_behind <= EXACT_POWER;
}

bool heft_csv_real(const char *text, size_t n, double *value)
{
	const bool has_sign = n > 0 && (text[0] == '-' || text[0] == '+');
	unsigned n_behind;
	uint64_t m;
	double v;

	if (read_plain(text + has_sign, n - has_sign, &m, &n_behind)) {
		v = (double)m / powers[n_behind];
		*value = has_sign && text[0] == '-' ? -v : v;
		return true;
	}
	return heft_decimal_real(text, n, value) && isfinite(*value);
}

bool heft_csv_whole(const char *text, size_t n, int64_t *value)
{
	const bool has_sign = n > 0 && (text[0] == '-' || text[0] == '+');
	const bool is_negative = has_sign && text[0] == '-';
	const uint64_t most = (uint64_t)INT64_MAX + is_negative;
	uint64_t m = 0;

	if (n == has_sign)
		return false;
	for (size_t i = has_sign; i < n; i++) {
		const uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';

		if (digit > 9 || m > (most - digit) / 10)
			return false;
		m = m * 10 + digit;
	}
	*value = is_negative ? (int64_t)(0 - m) : (int64_t)m;
	return true;
}
