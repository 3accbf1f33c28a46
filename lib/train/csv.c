/* SPDX-License-Identifier: Apache-2.0 */
/* csv.c - splits CSV into fields. */
#include "train/csv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/gzip.h"

#define IN_SIZE ((size_t)64 << 10)
#define MAX_COLUMNS (UINT32_C(1) << 20)
#define AT_END (-1)

struct heft_csv {
	struct heft_source *src;
	struct heft_gzip *gzip; /* NULL: it is not packed */
	uint64_t in_off;        /* of in[0], unpacked */
	size_t in_size;
	size_t in_pos;
	uint64_t line; /* of the next byte */
	uint32_t column;
	bool in_record; /* a separator came last: a field follows, if an empty one */
	bool is_bad;    /* reading failed: `why` */
	struct heft_error why;
	char separator;
	struct heft_buffer field;
	uint8_t in[IN_SIZE];
};

/* --- bytes --- */

static enum heft_status fill(struct heft_csv *c, struct heft_error *err)
{
	const uint64_t at = c->in_off + c->in_size;
	uint64_t left;
	size_t n;

	c->in_off = at;
	c->in_pos = 0;
	c->in_size = 0;
	if (c->gzip)
		return heft_gzip_read(c->gzip, c->in, IN_SIZE, &c->in_size, err);
	left = heft_source_size(c->src) - at;
	n = left < IN_SIZE ? (size_t)left : IN_SIZE;
	HEFT_TRY(heft_source_read(c->src, at, c->in, n, err));
	c->in_size = n;
	return HEFT_OK;
}

/* The next byte, which stays; AT_END at the end, and after a failure, which `is_bad` tells. */
static int peek(struct heft_csv *c)
{
	if (c->in_pos == c->in_size && !c->is_bad)
		c->is_bad = fill(c, &c->why) != HEFT_OK;
	return c->is_bad || c->in_pos == c->in_size ? AT_END : c->in[c->in_pos];
}

static uint64_t here(const struct heft_csv *c)
{
	return c->in_off + c->in_pos;
}

/* Passes over the byte that was looked at. */
static void take(struct heft_csv *c)
{
	c->line += c->in[c->in_pos] == '\n';
	c->in_pos++;
}

static enum heft_status read_failed(const struct heft_csv *c, struct heft_error *err)
{
	if (err)
		*err = c->why;
	return c->why.code;
}

/* --- open --- */

/* The separator that the first line has outside of quotes; what is looked at is what is read at
 * once. */
static char find_separator(const struct heft_csv *c)
{
	bool in_quotes = false;
	bool has_semicolon = false;
	bool has_tab = false;

	for (size_t i = c->in_pos; i < c->in_size; i++) {
		const uint8_t b = c->in[i];

		in_quotes ^= b == '"';
		if (in_quotes)
			continue;
		if (b == ',' || b == '\n')
			return b == ',' ? ',' : has_semicolon ? ';' : has_tab ? '\t' : ',';
		has_semicolon |= b == ';';
		has_tab |= b == '\t';
	}
	return has_semicolon ? ';' : has_tab ? '\t' : ',';
}

static enum heft_status begin(struct heft_csv *c, char separator, struct heft_error *err)
{
	uint8_t head[3];
	const size_t n = heft_source_size(c->src) < sizeof head ? 0 : sizeof head;

	HEFT_TRY(heft_source_read(c->src, 0, head, n, err));
	if (heft_gzip_is(head, n))
		HEFT_TRY(heft_gzip_new(c->src, &c->gzip, err));
	HEFT_TRY(fill(c, err));
	if (c->in_size >= 3 && memcmp(c->in, "\xef\xbb\xbf", 3) == 0)
		c->in_pos = 3; /* the mark that Windows writes in front of UTF-8 */
	c->separator = separator ? separator : find_separator(c);
	return HEFT_OK;
}

enum heft_status heft_csv_new(struct heft_source *src, char separator, struct heft_csv **out,
                              struct heft_error *err)
{
	struct heft_csv *c = heft_zalloc(sizeof *c);
	enum heft_status st;

	if (!c)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to read CSV");
	c->src = src;
	c->line = 1;
	heft_buffer_init(&c->field);
	st = begin(c, separator, err);
	if (st != HEFT_OK) {
		heft_csv_free(c);
		return st;
	}
	*out = c;
	return HEFT_OK;
}

void heft_csv_free(struct heft_csv *c)
{
	if (!c)
		return;
	heft_buffer_done(&c->field);
	heft_gzip_free(c->gzip);
	heft_free(c);
}

/* --- fields --- */

static bool is_blank(const struct heft_csv *c, int b)
{
	return b == ' ' || (b == '\t' && c->separator != '\t');
}

static void skip_blanks(struct heft_csv *c)
{
	while (is_blank(c, peek(c)))
		take(c);
}

/* Whether a field ends in front of this byte; a CR only where LF follows, or the end. */
static bool is_end(const struct heft_csv *c, int b)
{
	return b == AT_END || b == '\n' || b == '\r' || b == (uint8_t)c->separator;
}

/* Passes over what ends a field. */
static enum heft_status end_field(struct heft_csv *c, struct heft_csv_field *f,
                                  struct heft_error *err)
{
	const uint64_t at = here(c);
	const int b = peek(c);

	c->in_record = b == (uint8_t)c->separator && b != AT_END;
	f->is_last = !c->in_record;
	if (b != AT_END)
		take(c);
	if (b == '\r' && peek(c) != '\n' && peek(c) != AT_END)
		return heft_fail(err, HEFT_E_CORRUPT, at,
		                 "line %llu, column %u: a carriage return that ends no line",
		                 (unsigned long long)c->line, f->column);
	if (b == '\r' && peek(c) == '\n')
		take(c);
	return HEFT_OK;
}

static enum heft_status add_byte(struct heft_csv *c, const struct heft_csv_field *f, int b,
                                 struct heft_error *err)
{
	if (b == 0)
		return heft_fail(err, HEFT_E_CORRUPT, here(c),
		                 "line %llu, column %u: a byte 0, which text has not",
		                 (unsigned long long)c->line, f->column);
	if (c->field.size == HEFT_CSV_MAX_FIELD)
		return heft_fail(err, HEFT_E_LIMIT, f->off,
		                 "line %llu, column %u: a field of more than %zu bytes",
		                 (unsigned long long)f->line, f->column, HEFT_CSV_MAX_FIELD);
	heft_buffer_add_u8(&c->field, (uint8_t)b);
	take(c);
	return HEFT_OK;
}

static enum heft_status read_quoted(struct heft_csv *c, struct heft_csv_field *f,
                                    struct heft_error *err)
{
	int b;

	f->is_quoted = true;
	take(c);
	for (;;) {
		b = peek(c);
		if (c->is_bad)
			return read_failed(c, err);
		if (b == AT_END)
			return heft_fail(err, HEFT_E_CORRUPT, f->off,
			                 "line %llu, column %u: a quote that is never closed",
			                 (unsigned long long)f->line, f->column);
		if (b == '"') {
			take(c);
			if (peek(c) != '"')
				break;
		}
		HEFT_TRY(add_byte(c, f, b, err));
	}
	skip_blanks(c);
	if (is_end(c, peek(c)))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_CORRUPT, here(c),
	                 "line %llu, column %u: text behind the closing quote",
	                 (unsigned long long)c->line, f->column);
}

static enum heft_status read_plain(struct heft_csv *c, struct heft_csv_field *f,
                                   struct heft_error *err)
{
	for (int b = peek(c); !is_end(c, b); b = peek(c)) {
		if (b == '"')
			return heft_fail(err, HEFT_E_CORRUPT, here(c),
			                 "line %llu, column %u: a quote within a field without "
			                 "quotes",
			                 (unsigned long long)c->line, f->column);
		HEFT_TRY(add_byte(c, f, b, err));
	}
	while (c->field.size > 0 && is_blank(c, c->field.bytes[c->field.size - 1]))
		c->field.size--;
	return HEFT_OK;
}

/* The field's text, complete. */
static enum heft_status give(struct heft_csv *c, struct heft_csv_field *f, struct heft_error *err)
{
	f->size = c->field.size;
	heft_buffer_add_u8(&c->field, 0);
	if (!c->field.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a field");
	f->text = (const char *)c->field.bytes;
	if (!heft_utf8_ok(f->text, f->size))
		return heft_fail(err, HEFT_E_CORRUPT, f->off,
		                 "line %llu, column %u: text that is not UTF-8",
		                 (unsigned long long)f->line, f->column);
	return HEFT_OK;
}

/* Lines of nothing between records; false at the end of the file. */
static bool find_record(struct heft_csv *c)
{
	skip_blanks(c);
	while (peek(c) == '\n' || peek(c) == '\r') {
		take(c);
		skip_blanks(c);
	}
	c->column = 0;
	return peek(c) != AT_END;
}

enum heft_status heft_csv_next(struct heft_csv *c, struct heft_csv_field *field,
                               struct heft_error *err)
{
	struct heft_csv_field f = { .text = NULL };

	if (!c->in_record && !find_record(c)) {
		*field = f;
		return c->is_bad ? read_failed(c, err) : HEFT_OK;
	}
	skip_blanks(c);
	f.off = here(c);
	f.line = c->line;
	f.column = ++c->column;
	if (f.column > MAX_COLUMNS)
		return heft_fail(err, HEFT_E_LIMIT, f.off, "line %llu has more than %u columns",
		                 (unsigned long long)f.line, MAX_COLUMNS);
	c->field.size = 0;
	HEFT_TRY(peek(c) == '"' ? read_quoted(c, &f, err) : read_plain(c, &f, err));
	HEFT_TRY(end_field(c, &f, err));
	if (c->is_bad)
		return read_failed(c, err);
	HEFT_TRY(give(c, &f, err));
	*field = f;
	return HEFT_OK;
}
