/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_data.c - the ways in which the text form states bytes (spec/text.md, Data). */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "container/pack_text.h"

/* One way to state bytes: appends what the rest of the line says, n_max bytes at most. */
typedef enum heft_status (*data_fn)(struct heft_pack_line *line, enum heft_dtype dtype,
                                    uint64_t n_max, struct heft_buffer *out,
                                    struct heft_error *err);

static enum heft_status too_much(const struct heft_pack_line *line, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_LIMIT, line->number,
	                 "the text states more bytes than allowed");
}

static enum heft_status data_hex(struct heft_pack_line *line, enum heft_dtype dtype, uint64_t n_max,
                                 struct heft_buffer *out, struct heft_error *err)
{
	const char *word;
	size_t size;

	(void)dtype;
	while (heft_pack_word(line, &word, &size)) {
		if (size / 2 > n_max)
			return too_much(line, err);
		n_max -= size / 2;
		for (size_t i = 0; i + 1 < size; i += 2) {
			const char digits[5] = { '0', 'x', word[i], word[i + 1], 0 };
			uint64_t byte;

			if (!heft_pack_word_number(digits, 4, &byte))
				return heft_fail(err, HEFT_E_CORRUPT, line->number,
				                 "'%c%c' is no byte in hex", word[i], word[i + 1]);
			heft_buffer_add_u8(out, (uint8_t)byte);
		}
		if (size % 2 != 0)
			return heft_fail(
				err, HEFT_E_CORRUPT, line->number,
				"hex has two digits for each byte; here is an odd number of them");
	}
	return HEFT_OK;
}

static enum heft_status data_text(struct heft_pack_line *line, enum heft_dtype dtype,
                                  uint64_t n_max, struct heft_buffer *out, struct heft_error *err)
{
	(void)dtype;
	/* A string has no more bytes than its text. */
	if ((uint64_t)(line->end - line->at) > n_max)
		return too_much(line, err);
	return heft_pack_string(line, out, err);
}

/* xN: how many bytes follow. */
static enum heft_status take_count(struct heft_pack_line *line, uint64_t n_max,
                                   struct heft_buffer *out, size_t *n, struct heft_error *err)
{
	const char *word;
	size_t size;
	uint64_t value;

	if (!heft_pack_word(line, &word, &size) || size < 2 || word[0] != 'x' ||
	    !heft_pack_word_number(word + 1, size - 1, &value))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "how many bytes is missing: xN stands here");
	if (value > n_max || value > SIZE_MAX / 2)
		return too_much(line, err);
	*n = (size_t)value;
	if (!heft_buffer_reserve(out, *n))
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for %llu bytes",
		                 (unsigned long long)value);
	return HEFT_OK;
}

static enum heft_status data_fill(struct heft_pack_line *line, enum heft_dtype dtype,
                                  uint64_t n_max, struct heft_buffer *out, struct heft_error *err)
{
	const char *word;
	size_t size;
	uint64_t byte;
	char digits[5] = "0x";
	size_t n;

	(void)dtype;
	if (!heft_pack_word(line, &word, &size) || size != 2)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "fill takes a byte as two hex digits, then xN");
	memcpy(digits + 2, word, 2);
	if (!heft_pack_word_number(digits, 4, &byte))
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "'%.2s' is no byte in hex",
		                 word);
	HEFT_TRY(take_count(line, n_max, out, &n, err));
	if (n > 0)
		memset(out->bytes + out->size, (int)byte, n);
	out->size += n;
	return HEFT_OK;
}

static enum heft_status data_ramp(struct heft_pack_line *line, enum heft_dtype dtype,
                                  uint64_t n_max, struct heft_buffer *out, struct heft_error *err)
{
	size_t n;

	(void)dtype;
	HEFT_TRY(take_count(line, n_max, out, &n, err));
	for (size_t i = 0; i < n; i++)
		heft_buffer_add_u8(out, (uint8_t)i);
	return HEFT_OK;
}

/* splitmix64, eight bytes a step, as spec/text.md says. */
static enum heft_status data_random(struct heft_pack_line *line, enum heft_dtype dtype,
                                    uint64_t n_max, struct heft_buffer *out, struct heft_error *err)
{
	uint64_t state;
	size_t n;

	(void)dtype;
	HEFT_TRY(heft_pack_number(line, "the seed", UINT64_MAX, &state, err));
	HEFT_TRY(take_count(line, n_max, out, &n, err));
	while (n > 0) {
		const size_t step = n < 8 ? n : 8;
		uint8_t bytes[8];
		uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		heft_put_le64(bytes, z ^ z >> 31);
		heft_buffer_add(out, bytes, step);
		n -= step;
	}
	return HEFT_OK;
}

#define MAX_VALUE_SIZE 63 /* characters of one value */

/* Whole numbers go through 64 bits, since binary64 cannot hold them all. */
static bool add_integer(const char *text, enum heft_dtype dtype, const struct heft_dtype_info *info,
                        struct heft_buffer *elements)
{
	const bool is_signed = dtype == HEFT_DTYPE_I64;
	uint8_t bytes[8];
	char *end;

	if (!info->is_integer || info->n_bytes != 8)
		return false;
	errno = 0;
	heft_put_le64(bytes,
	              is_signed ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10));
	if (errno != 0 || *end != '\0' || (!is_signed && *text == '-'))
		return false;
	heft_buffer_add(elements, bytes, 8);
	return true;
}

static bool add_float(const char *text, struct heft_buffer *elements)
{
	uint8_t bytes[8];
	uint64_t bits;
	double value;
	char *end;

	value = strtod(text, &end);
	if (*end != '\0' || end == text || value != value)
		return false;
	memcpy(&bits, &value, sizeof bits);
	heft_put_le64(bytes, bits);
	heft_buffer_add(elements, bytes, 8);
	return true;
}

/* The line's values as 64-bit elements of `dtype` itself (8-byte integers) or of binary64. */
static enum heft_status parse_values(struct heft_pack_line *line, enum heft_dtype dtype,
                                     const struct heft_dtype_info *info,
                                     struct heft_buffer *elements, struct heft_error *err)
{
	const bool is_wide = info->is_integer && info->n_bytes == 8;
	char text[MAX_VALUE_SIZE + 1];
	const char *word;
	size_t size;

	while (heft_pack_word(line, &word, &size)) {
		const size_t n = size < MAX_VALUE_SIZE ? size : MAX_VALUE_SIZE;

		memcpy(text, word, n);
		text[n] = '\0';
		if (size > MAX_VALUE_SIZE || !(is_wide ? add_integer(text, dtype, info, elements)
		                                       : add_float(text, elements)))
			return heft_fail(err, HEFT_E_CORRUPT, line->number,
			                 "'%s' is no value of %s", text, info->name);
	}
	return HEFT_OK;
}

static double get_double(const uint8_t *bytes)
{
	const uint64_t bits = heft_get_le64(bytes);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

/* An integer type holds the value as it is; a floating one may round, but not saturate. */
static bool holds_value(const struct heft_dtype_info *info, double value, double held)
{
	if (info->is_integer)
		return value == held;
	return (isinf(value) != 0) == (isinf(held) != 0) &&
	       (fabs(held) < 1 || fabs(value) <= 1.5 * fabs(held));
}

static enum heft_status check_held(const struct heft_pack_line *line, enum heft_dtype dtype,
                                   const struct heft_dtype_info *info, const uint8_t *bytes,
                                   const struct heft_buffer *elements, struct heft_error *err)
{
	const size_t n = elements->size / 8;
	struct heft_buffer back;
	enum heft_status st = HEFT_OK;

	if ((!info->is_integer && !info->is_float) || (info->is_integer && info->n_bytes == 8))
		return HEFT_OK;
	heft_buffer_init(&back);
	if (heft_buffer_reserve(&back, elements->size))
		st = heft_cast_elements(HEFT_DTYPE_F64, back.bytes, dtype, bytes, n, err);
	else
		st = heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for the values");
	for (size_t i = 0; st == HEFT_OK && i < n; i++) {
		if (!holds_value(info, get_double(elements->bytes + 8 * i),
		                 get_double(back.bytes + 8 * i)))
			st = heft_fail(err, HEFT_E_CORRUPT, line->number,
			               "value %zu does not fit %s", i + 1, info->name);
	}
	heft_buffer_done(&back);
	return st;
}

static enum heft_status cast_values(const struct heft_pack_line *line, enum heft_dtype dtype,
                                    const struct heft_dtype_info *info,
                                    const struct heft_buffer *elements, uint64_t n_max,
                                    struct heft_buffer *out, struct heft_error *err)
{
	const bool is_wide = info->is_integer && info->n_bytes == 8;
	const size_t n = elements->size / 8;
	const size_t size = (n * info->n_bytes + info->n_elements - 1) / info->n_elements;

	if (!elements->ok || !heft_buffer_reserve(out, size))
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for the values");
	if (size > n_max)
		return too_much(line, err);
	if (n > 0) {
		HEFT_TRY(heft_cast_elements(dtype, out->bytes + out->size,
		                            is_wide ? dtype : HEFT_DTYPE_F64, elements->bytes, n,
		                            err));
		HEFT_TRY(check_held(line, dtype, info, out->bytes + out->size, elements, err));
	}
	out->size += size;
	return HEFT_OK;
}

static enum heft_status data_values(struct heft_pack_line *line, enum heft_dtype dtype,
                                    uint64_t n_max, struct heft_buffer *out, struct heft_error *err)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	struct heft_buffer elements;
	locale_t plain;
	locale_t old;
	enum heft_status st;

	if (!info || info->is_complex || info->is_block)
		return heft_fail(
			err, HEFT_E_CORRUPT, line->number,
			"values are for tensors of a real dtype; others are stated in hex");
	/* strtod reads "1.5" whatever the program's locale is. */
	plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (plain == (locale_t)0)
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a locale");
	old = uselocale(plain);
	heft_buffer_init(&elements);
	st = parse_values(line, dtype, info, &elements, err);
	if (st == HEFT_OK)
		st = cast_values(line, dtype, info, &elements, n_max, out, err);
	heft_buffer_done(&elements);
	uselocale(old);
	freelocale(plain);
	return st;
}

static const struct {
	const char *word;
	data_fn fn;
} forms[] = {
	{ "hex", data_hex },   { "text", data_text },     { "fill", data_fill },
	{ "ramp", data_ramp }, { "random", data_random }, { "values", data_values },
};

#define N_FORMS (sizeof forms / sizeof *forms)

static size_t find_form(const char *form, size_t form_size)
{
	size_t i = 0;

	while (i < N_FORMS && !heft_pack_word_is(form, form_size, forms[i].word))
		i++;
	return i;
}

bool heft_pack_is_data(const char *form, size_t form_size)
{
	return find_form(form, form_size) < N_FORMS;
}

enum heft_status heft_pack_data(struct heft_pack_line *line, const char *form, size_t form_size,
                                enum heft_dtype dtype, uint64_t *left, struct heft_buffer *out,
                                struct heft_error *err)
{
	const size_t i = find_form(form, form_size);
	const size_t before = out->size;

	if (i == N_FORMS)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "bytes are stated by hex, text, fill, ramp, random or values");
	HEFT_TRY(forms[i].fn(line, dtype, *left, out, err));
	if (!out->ok)
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for the data");
	*left -= out->size - before;
	return heft_pack_need_end(line, err);
}
