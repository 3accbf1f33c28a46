/* SPDX-License-Identifier: Apache-2.0 */
/* torch_number.c - how numbers, bytes and text of a pickle stand in metadata: as JSON has them, or
 * typed where it has none such (spec/container.md 7.1). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "format/torch_tree.h"

#define MAX_EXACT (INT64_C(1) << 53)
#define MAX_DIGITS 17   /* that a double needs */
#define FIRST_DIGITS 15 /* that every normal one keeps: fewer show as zeros behind them */

/* --- floats --- */

struct decimal {
	char digits[MAX_DIGITS + 1];
	int n;        /* without zeros behind */
	int exponent; /* of the first digit */
};

/* The digits of printf's text, whatever the locale's point between them is. */
static void read_digits(const char *text, struct decimal *d)
{
	const char *e = strchr(text, 'e');

	d->n = 0;
	for (const char *c = text; c < e && d->n < MAX_DIGITS; c++) {
		if (*c >= '0' && *c <= '9')
			d->digits[d->n++] = *c;
	}
	while (d->n > 1 && d->digits[d->n - 1] == '0')
		d->n--;
	d->exponent = (int)strtol(e + 1, NULL, 10);
}

/* The fewest digits that give v back. v > 0 */
static void shortest(double v, struct decimal *d)
{
	char text[40];

	/* A subnormal number has fewer bits, and so fewer digits. */
	for (int n = v < 2.3e-308 ? 1 : FIRST_DIGITS; n <= MAX_DIGITS; n++) {
		snprintf(text, sizeof text, "%.*e", n - 1, v);
		if (strtod(text, NULL) == v)
			break;
	}
	read_digits(text, d);
}

static void add_zeros(struct heft_buffer *b, int n)
{
	for (int i = 0; i < n; i++)
		heft_buffer_add(b, "0", 1);
}

static void add_digits(struct heft_buffer *b, const struct decimal *d, int from, int to)
{
	if (from < to)
		heft_buffer_add(b, d->digits + from, (size_t)(to - from));
}

/* As Python writes it: 0.001, 91.78, 1.0, 1e-05, 1.5e+16. */
static void add_decimal(struct heft_buffer *b, const struct decimal *d)
{
	const int n_whole = d->exponent + 1;

	if (d->exponent < -4 || d->exponent >= 16) {
		add_digits(b, d, 0, 1);
		if (d->n > 1)
			heft_buffer_add(b, ".", 1);
		add_digits(b, d, 1, d->n);
		heft_buffer_addf(b, "e%+03d", d->exponent);
	} else if (n_whole <= 0) {
		heft_buffer_add(b, "0.", 2);
		add_zeros(b, -n_whole);
		add_digits(b, d, 0, d->n);
	} else {
		add_digits(b, d, 0, n_whole < d->n ? n_whole : d->n);
		add_zeros(b, n_whole - d->n);
		heft_buffer_add(b, ".", 1);
		add_digits(b, d, n_whole, d->n);
		add_zeros(b, n_whole >= d->n);
	}
}

void heft_torch_add_float(struct heft_buffer *b, double v)
{
	struct decimal d;
	uint64_t bits;

	memcpy(&bits, &v, sizeof bits);
	if (!isfinite(v) || bits == UINT64_C(1) << 63) {
		heft_buffer_addf(b, "{\"t\":\"f64\",\"v\":\"%016llx\"}", (unsigned long long)bits);
		return;
	}
	if (v == 0) {
		heft_buffer_add(b, "0.0", 3);
		return;
	}
	if (v < 0)
		heft_buffer_add(b, "-", 1);
	shortest(fabs(v), &d);
	add_decimal(b, &d);
}

/* --- integers --- */

void heft_torch_add_int(struct heft_buffer *b, int64_t v)
{
	if (v >= -MAX_EXACT && v <= MAX_EXACT)
		heft_buffer_addf(b, "%lld", (long long)v);
	else
		heft_buffer_addf(b, "{\"t\":\"int\",\"v\":\"%lld\"}", (long long)v);
}

#define MAX_BIG 1024u /* bytes; longer ones would take a time that grows with its square */
#define N_LIMBS (MAX_BIG / 4)
#define GROUP UINT32_C(1000000000)
#define MAX_GROUPS (N_LIMBS * 32 / 29 + 1) /* a group takes 29.9 bits */

/* The magnitude. */
static void read_limbs(const uint8_t *bytes, size_t n, bool is_negative, uint32_t *limbs)
{
	uint8_t padded[MAX_BIG];
	uint64_t carry = is_negative;

	memset(padded, is_negative ? 0xff : 0, sizeof padded);
	memcpy(padded, bytes, n);
	for (size_t i = 0; i < N_LIMBS; i++) {
		const uint32_t limb = heft_get_le32(padded + 4 * i);
		const uint64_t sum = (is_negative ? ~limb : limb) + carry;

		limbs[i] = (uint32_t)sum;
		carry = sum >> 32;
	}
}

/* Divides by 10^9; the remainder. *n goes down past zeros. */
static uint32_t divide(uint32_t *limbs, size_t *n)
{
	uint64_t rest = 0;

	for (size_t i = *n; i-- > 0;) {
		rest = rest << 32 | limbs[i];
		limbs[i] = (uint32_t)(rest / GROUP);
		rest %= GROUP;
	}
	while (*n > 0 && limbs[*n - 1] == 0)
		(*n)--;
	return (uint32_t)rest;
}

bool heft_torch_add_big(struct heft_buffer *b, const uint8_t *bytes, size_t n)
{
	const bool is_negative = n > 0 && bytes[n - 1] >= 0x80;
	uint32_t limbs[N_LIMBS];
	uint32_t groups[MAX_GROUPS];
	size_t n_limbs = N_LIMBS;
	size_t n_groups = 0;

	if (n > MAX_BIG)
		return false;
	read_limbs(bytes, n, is_negative, limbs);
	while (n_limbs > 0)
		groups[n_groups++] = divide(limbs, &n_limbs);
	heft_buffer_addf(b, "{\"t\":\"int\",\"v\":\"%s%lu", is_negative ? "-" : "",
	                 (unsigned long)groups[n_groups - 1]);
	for (size_t i = n_groups - 1; i-- > 0;)
		heft_buffer_addf(b, "%09lu", (unsigned long)groups[i]);
	heft_buffer_addf(b, "\"}");
	return true;
}

/* --- bytes and text --- */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void heft_torch_add_base64(struct heft_buffer *b, const uint8_t *bytes, size_t n)
{
	uint8_t *to;

	if (!heft_buffer_reserve(b, n / 3 * 4 + 4))
		return;
	to = b->bytes + b->size;
	for (size_t i = 0; i < n; i += 3, to += 4) {
		const size_t left = n - i;
		const uint32_t v = (uint32_t)bytes[i] << 16 |
		                   (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
		                   (left > 2 ? (uint32_t)bytes[i + 2] : 0);

		to[0] = (uint8_t)base64_digits[v >> 18];
		to[1] = (uint8_t)base64_digits[v >> 12 & 63];
		to[2] = left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		to[3] = left > 2 ? (uint8_t)base64_digits[v & 63] : '=';
	}
	b->size = (size_t)(to - b->bytes);
}

void heft_torch_add_text(struct heft_buffer *b, const uint8_t *text, size_t n)
{
	if (heft_utf8_ok(text, n)) {
		heft_buffer_add_json_string(b, (const char *)text, n);
		return;
	}
	heft_buffer_addf(b, "{\"t\":\"text\",\"v\":\"");
	heft_torch_add_base64(b, text, n);
	heft_buffer_addf(b, "\"}");
}
