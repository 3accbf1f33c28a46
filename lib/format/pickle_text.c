/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_text.c - numbers and text of a pickle: the opcodes whose arguments are lines of text (of
 * protocol 0), and what strings and long integers of all protocols become. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/decimal.h"
#include "format/pickle_machine.h"

/* --- text --- */

/* Well-formed UTF-8 but for surrogates, which Python lets into text. */
static bool is_python_text(const uint8_t *s, size_t n)
{
	size_t i = 0;

	for (;;) {
		i += heft_utf8_span(s + i, n - i);
		if (i == n)
			return true;
		if (n - i < 3 || s[i] != 0xed || s[i + 1] < 0xa0 || s[i + 1] > 0xbf ||
		    s[i + 2] < 0x80 || s[i + 2] > 0xbf)
			return false;
		i += 3;
	}
}

enum heft_status heft_pickle_push_text(struct heft_pickle_machine *m, bool in_arena, size_t first,
                                       size_t n, bool may_be_bytes)
{
	const uint8_t *bytes = in_arena ? m->p->text.bytes : m->p->bytes;
	enum heft_pickle_kind kind = HEFT_PICKLE_TEXT;
	heft_pickle_ref v;

	if (n > 0 && !is_python_text(bytes + first, n)) {
		if (!may_be_bytes)
			return heft_pickle_fail(m, HEFT_E_CORRUPT, "text is not UTF-8");
		kind = HEFT_PICKLE_BYTES;
	}
	HEFT_TRY(heft_pickle_add_bytes(m->p, m->at, kind, in_arena, first, n, &v, m->err));
	return heft_pickle_push(m, v);
}

/* What was added to the arena since it had `first` bytes. */
static enum heft_status push_added(struct heft_pickle_machine *m, size_t first, bool may_be_bytes)
{
	if (!m->p->text.ok)
		return heft_pickle_fail(m, HEFT_E_NOMEM, "no memory for text");
	return heft_pickle_push_text(m, true, first, m->p->text.size - first, may_be_bytes);
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* Up to n_max digits of a base. */
static size_t take_code(const uint8_t *s, size_t n, size_t n_max, int base, uint32_t *code)
{
	size_t i = 0;

	*code = 0;
	for (; i < n && i < n_max && digit_of(s[i]) < base; i++)
		*code = *code * (uint32_t)base + (uint32_t)digit_of(s[i]);
	return i;
}

/* The escape behind a backslash, as in a literal of Python 2; how many bytes it has, 0: malformed.
 * One that means nothing stands for itself. */
static size_t unescape(struct heft_buffer *b, const uint8_t *s, size_t n)
{
	static const char names[] = "abfnrtv\\'\"";
	static const char codes[] = "\a\b\f\n\r\t\v\\'\"";
	const char *name = s[0] != '\0' ? strchr(names, s[0]) : NULL;
	uint32_t code;
	size_t n_digits;

	if (name) {
		heft_buffer_add_u8(b, (uint8_t)codes[name - names]);
		return 1;
	}
	if (s[0] == 'x') {
		if (take_code(s + 1, n - 1, 2, 16, &code) != 2)
			return 0;
		heft_buffer_add_u8(b, (uint8_t)code);
		return 3;
	}
	n_digits = take_code(s, n, 3, 8, &code);
	if (n_digits > 0) {
		heft_buffer_add_u8(b, (uint8_t)code);
		return n_digits;
	}
	heft_buffer_add_u8(b, '\\');
	heft_buffer_add_u8(b, s[0]);
	return 1;
}

/* STRING: Python 2's str as a literal. */
enum heft_status heft_pickle_op_string(struct heft_pickle_machine *m)
{
	struct heft_buffer *b = &m->p->text;
	const size_t first = b->size;
	const uint8_t *s;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &s, &n));
	if (n < 2 || (s[0] != '\'' && s[0] != '"') || s[n - 1] != s[0])
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a string is not in quotes");
	s++;
	n -= 2;
	while (n > 0) {
		size_t used = 1;

		if (*s != '\\') {
			heft_buffer_add_u8(b, *s);
		} else {
			used = n > 1 ? unescape(b, s + 1, n - 1) : 0;
			if (used == 0)
				return heft_pickle_fail(m, HEFT_E_CORRUPT,
				                        "a string has a malformed escape");
			used++;
		}
		s += used;
		n -= used;
	}
	return push_added(m, first, true);
}

static void add_code_point(struct heft_buffer *b, uint32_t c)
{
	if (c < 0x80) {
		heft_buffer_add_u8(b, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		heft_buffer_add_u8(b, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			heft_buffer_add_u8(b, (uint8_t)(0xe0 | c >> 12));
		} else {
			heft_buffer_add_u8(b, (uint8_t)(0xf0 | c >> 18));
			heft_buffer_add_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		heft_buffer_add_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	heft_buffer_add_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}

/* UNICODE: Latin-1 with \uXXXX and \UXXXXXXXX; any other backslash stands for itself, and so does
 * what follows it. */
enum heft_status heft_pickle_op_unicode(struct heft_pickle_machine *m)
{
	struct heft_buffer *b = &m->p->text;
	const size_t first = b->size;
	const uint8_t *s;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &s, &n));
	for (size_t i = 0; i < n; i++) {
		const bool is_escape = s[i] == '\\' && n - i > 1;
		const size_t n_digits = is_escape && s[i + 1] == 'u'   ? 4
		                        : is_escape && s[i + 1] == 'U' ? 8
		                                                       : 0;
		uint32_t code = s[i];

		if (n_digits > 0) {
			if (take_code(s + i + 2, n - i - 2, n_digits, 16, &code) != n_digits ||
			    code > 0x10ffff)
				return heft_pickle_fail(m, HEFT_E_CORRUPT,
				                        "text has a malformed escape");
			i += n_digits + 1;
		} else if (is_escape) {
			heft_buffer_add_u8(b, '\\');
			code = s[++i];
		}
		add_code_point(b, code);
	}
	return push_added(m, first, false);
}

/* --- numbers --- */

enum heft_status heft_pickle_push_number(struct heft_pickle_machine *m, bool in_arena, size_t first,
                                         size_t n)
{
	static const uint8_t zero[1];
	const uint8_t *bytes = in_arena ? m->p->text.bytes : m->p->bytes;
	uint8_t wide[8];
	heft_pickle_ref v;

	bytes = n > 0 ? bytes + first : zero;
	n = heft_decimal_n_needed(bytes, n);
	if (n > sizeof wide) {
		HEFT_TRY(heft_pickle_add_bytes(m->p, m->at, HEFT_PICKLE_BIG, in_arena, first, n, &v,
		                               m->err));
		return heft_pickle_push(m, v);
	}
	memset(wide, n > 0 && bytes[n - 1] >= 0x80 ? 0xff : 0, sizeof wide);
	memcpy(wide, bytes, n);
	HEFT_TRY(heft_pickle_add(m->p, m->at, HEFT_PICKLE_INT, &v, m->err));
	m->p->values[v].u.integer = (int64_t)heft_get_le64(wide);
	return heft_pickle_push(m, v);
}

static enum heft_status push_decimal(struct heft_pickle_machine *m, const uint8_t *s, size_t n)
{
	const size_t first = m->p->text.size;

	if (n > HEFT_DECIMAL_DIGITS_MAX + 1)
		return heft_pickle_fail(m, HEFT_E_LIMIT, "an integer has more than 4300 digits");
	if (!heft_decimal_add_whole(&m->p->text, (const char *)s, n))
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "an integer is malformed");
	if (!m->p->text.ok)
		return heft_pickle_fail(m, HEFT_E_NOMEM, "no memory for an integer");
	HEFT_TRY(heft_pickle_push_number(m, true, first, m->p->text.size - first));
	if (m->p->values[m->p->n_values - 1].kind == HEFT_PICKLE_INT)
		m->p->text.size = first;
	return HEFT_OK;
}

/* INT: also how protocols 0 and 1 write True and False. */
enum heft_status heft_pickle_op_int(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;
	const uint8_t *s;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &s, &n));
	if (n != 2 || s[0] != '0' || (s[1] != '0' && s[1] != '1'))
		return push_decimal(m, s, n);
	HEFT_TRY(heft_pickle_add(m->p, m->at, HEFT_PICKLE_BOOL, &v, m->err));
	m->p->values[v].u.integer = s[1] == '1';
	return heft_pickle_push(m, v);
}

enum heft_status heft_pickle_op_long(struct heft_pickle_machine *m)
{
	const uint8_t *s;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &s, &n));
	if (n > 0 && s[n - 1] == 'L')
		n--;
	return push_decimal(m, s, n);
}

enum heft_status heft_pickle_op_float(struct heft_pickle_machine *m)
{
	heft_pickle_ref v;
	const uint8_t *s;
	double real;
	size_t n;

	HEFT_TRY(heft_pickle_take_line(m, &s, &n));
	if (!heft_decimal_real((const char *)s, n, &real))
		return heft_pickle_fail(m, HEFT_E_CORRUPT, "a float is malformed");
	HEFT_TRY(heft_pickle_add(m->p, m->at, HEFT_PICKLE_FLOAT, &v, m->err));
	m->p->values[v].u.real = real;
	return heft_pickle_push(m, v);
}
