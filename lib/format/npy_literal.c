/* SPDX-License-Identifier: Apache-2.0 */
/* npy_literal.c - reads the Python literal that an array's header is: no more of Python than what
 * NumPy writes, and nothing is ever evaluated (spec/foreign/npy.md, section 3). */
#include "format/npy_literal.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"

enum heft_status heft_npy_literal_fault(const struct heft_npy_literal *l, enum heft_status code,
                                        size_t at, const char *what, struct heft_error *err)
{
	return heft_fail(err, code, l->is_exact ? l->off + at : l->off, "%s", what);
}

static enum heft_status corrupt(const struct heft_npy_literal *l, const char *what,
                                struct heft_error *err)
{
	return heft_npy_literal_fault(l, HEFT_E_CORRUPT, l->pos, what, err);
}

int heft_npy_literal_peek(struct heft_npy_literal *l)
{
	while (l->pos < l->size && (l->bytes[l->pos] == ' ' || l->bytes[l->pos] == '\n' ||
	                            l->bytes[l->pos] == '\t' || l->bytes[l->pos] == '\r'))
		l->pos++;
	return l->pos < l->size ? l->bytes[l->pos] : -1;
}

bool heft_npy_literal_take(struct heft_npy_literal *l, char c)
{
	if (heft_npy_literal_peek(l) != c)
		return false;
	l->pos++;
	return true;
}

enum heft_status heft_npy_literal_expect(struct heft_npy_literal *l, char c, struct heft_error *err)
{
	if (heft_npy_literal_take(l, c))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, l->is_exact ? l->off + l->pos : l->off,
	                 "the header is not NumPy's: '%c' is missing", c);
}

/* --- strings --- */

/* Python 2 marked some of its strings so. */
static size_t prefix_size(const struct heft_npy_literal *l)
{
	return l->bytes[l->pos] == 'u' || l->bytes[l->pos] == 'U';
}

bool heft_npy_literal_is_string(struct heft_npy_literal *l)
{
	size_t at;

	if (heft_npy_literal_peek(l) < 0)
		return false;
	at = l->pos + prefix_size(l);
	return at < l->size && (l->bytes[at] == '\'' || l->bytes[at] == '"');
}

static enum heft_status add_bytes(struct heft_npy_literal *l, const uint8_t *bytes, size_t n,
                                  struct heft_error *err)
{
	if (n > sizeof l->string - l->string_size)
		return heft_npy_literal_fault(l, HEFT_E_LIMIT, l->pos,
		                              "a string of the header is longer than 4096 bytes",
		                              err);
	memcpy(l->string + l->string_size, bytes, n);
	l->string_size += n;
	return HEFT_OK;
}

/* A code point as UTF-8; half of a surrogate pair is none. */
static enum heft_status add_point(struct heft_npy_literal *l, uint32_t point,
                                  struct heft_error *err)
{
	const uint8_t last = (uint8_t)(0x80 | (point & 0x3f));
	const uint8_t third = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	const uint8_t second = (uint8_t)(0x80 | (point >> 12 & 0x3f));

	if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return corrupt(l, "a string of the header holds what is no character", err);
	if (point < 0x80)
		return add_bytes(l, (const uint8_t[]){ (uint8_t)point }, 1, err);
	if (point < 0x800)
		return add_bytes(l, (const uint8_t[]){ (uint8_t)(0xc0 | point >> 6), last }, 2,
		                 err);
	if (point < 0x10000)
		return add_bytes(l, (const uint8_t[]){ (uint8_t)(0xe0 | point >> 12), third, last },
		                 3, err);
	return add_bytes(l, (const uint8_t[]){ (uint8_t)(0xf0 | point >> 18), second, third, last },
	                 4, err);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum heft_status read_hex(struct heft_npy_literal *l, size_t n, struct heft_error *err)
{
	uint32_t point = 0;

	for (size_t i = 0; i < n; i++) {
		const int digit = l->pos < l->size ? hex_digit(l->bytes[l->pos]) : -1;

		if (digit < 0)
			return corrupt(l, "an escape of the header is not a hexadecimal number",
			               err);
		point = point << 4 | (uint32_t)digit;
		l->pos++;
	}
	return add_point(l, point, err);
}

/* Behind the backslash: what Python's repr writes. */
static enum heft_status read_escape(struct heft_npy_literal *l, struct heft_error *err)
{
	const uint8_t c = l->pos < l->size ? l->bytes[l->pos] : 0;

	l->pos++;
	switch (c) {
	case '\\':
	case '\'':
	case '"':
		return add_bytes(l, &c, 1, err);
	case 'n':
		return add_bytes(l, (const uint8_t *)"\n", 1, err);
	case 'r':
		return add_bytes(l, (const uint8_t *)"\r", 1, err);
	case 't':
		return add_bytes(l, (const uint8_t *)"\t", 1, err);
	case 'x':
		return read_hex(l, 2, err);
	case 'u':
		return read_hex(l, 4, err);
	case 'U':
		return read_hex(l, 8, err);
	default:
		l->pos--;
		return corrupt(l, "an escape of the header is not known", err);
	}
}

/* One character, which is no quote. */
static enum heft_status read_character(struct heft_npy_literal *l, struct heft_error *err)
{
	const uint8_t c = l->bytes[l->pos];

	if (c < 0x20)
		return corrupt(l, "a string of the header holds a control character", err);
	l->pos++;
	if (c == '\\')
		return read_escape(l, err);
	if (c < 0x80 || l->is_utf8)
		return add_bytes(l, &c, 1, err);
	return add_point(l, c, err);
}

enum heft_status heft_npy_literal_string(struct heft_npy_literal *l, struct heft_error *err)
{
	uint8_t quote;

	if (!heft_npy_literal_is_string(l))
		return corrupt(l, "the header is not NumPy's: a string is missing", err);
	l->pos += prefix_size(l);
	quote = l->bytes[l->pos++];
	l->string_size = 0;
	while (l->pos < l->size && l->bytes[l->pos] != quote)
		HEFT_TRY(read_character(l, err));
	if (l->pos == l->size)
		return corrupt(l, "a string of the header does not end", err);
	l->pos++;
	return HEFT_OK;
}

/* --- other items --- */

static bool is_word_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || c >= 0x80;
}

/* Whether the byte at `at` belongs to the word or number before it. */
static bool goes_on(const struct heft_npy_literal *l, size_t at)
{
	return at < l->size && is_word_byte(l->bytes[at]);
}

static bool take_word(struct heft_npy_literal *l, const char *word)
{
	const size_t n = strlen(word);

	if (l->size - l->pos < n || memcmp(l->bytes + l->pos, word, n) != 0 ||
	    goes_on(l, l->pos + n))
		return false;
	l->pos += n;
	return true;
}

enum heft_status heft_npy_literal_bool(struct heft_npy_literal *l, bool *value,
                                       struct heft_error *err)
{
	heft_npy_literal_peek(l);
	if (take_word(l, "True"))
		*value = true;
	else if (take_word(l, "False"))
		*value = false;
	else
		return corrupt(l, "the header is not NumPy's: neither True nor False", err);
	return HEFT_OK;
}

/* Python 2 wrote L behind a long number. */
static enum heft_status read_count(struct heft_npy_literal *l, uint64_t *value,
                                   struct heft_error *err)
{
	uint64_t n = 0;
	size_t at;

	heft_npy_literal_peek(l);
	for (at = l->pos; at < l->size && l->bytes[at] >= '0' && l->bytes[at] <= '9'; at++) {
		if (!heft_mul_u64(n, 10, &n) || !heft_add_u64(n, l->bytes[at] - 48u, &n))
			return heft_npy_literal_fault(l, HEFT_E_LIMIT, l->pos,
			                              "a dimension is 2^64 or more", err);
	}
	if (at == l->pos || (l->bytes[l->pos] == '0' && at - l->pos > 1))
		return corrupt(l, "a dimension is not a whole number", err);
	if (at < l->size && l->bytes[at] == 'L')
		at++;
	if (goes_on(l, at))
		return corrupt(l, "a dimension is not a whole number", err);
	l->pos = at;
	*value = n;
	return HEFT_OK;
}

enum heft_status heft_npy_literal_shape(struct heft_npy_literal *l, uint64_t *dims, uint32_t *rank,
                                        struct heft_error *err)
{
	uint32_t n = 0;
	bool has_comma = false;

	if (heft_npy_literal_peek(l) != '(')
		return corrupt(l, "a shape is not a tuple", err);
	l->pos++;
	while (!heft_npy_literal_take(l, ')')) {
		if (n > 0 && !has_comma)
			return corrupt(l, "the dimensions of a shape are not separated", err);
		if (n == HEFT_MAX_RANK)
			return heft_npy_literal_fault(l, HEFT_E_LIMIT, l->pos,
			                              "the rank is above 32", err);
		HEFT_TRY(read_count(l, &dims[n], err));
		n++;
		has_comma = heft_npy_literal_take(l, ',');
	}
	if (n == 1 && !has_comma) /* (3) is the number 3 */
		return corrupt(l, "a shape is not a tuple", err);
	*rank = n;
	return HEFT_OK;
}
