/* SPDX-License-Identifier: Apache-2.0 */
/* lineage_json.c - writes and reads the values of which LINEAGE and RUN are made. */
#include "artifact/lineage_json.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/real_text.h"
#include "format/decimal.h"

/* --- writing --- */

void heft_lineage_add_real(struct heft_buffer *b, double value)
{
	char text[HEFT_REAL_TEXT_SIZE];

	if (isnan(value)) {
		heft_buffer_addf(b, "null");
		return;
	}
	if (isinf(value)) {
		heft_buffer_addf(b, value > 0 ? "\"inf\"" : "\"-inf\"");
		return;
	}
	heft_buffer_add(b, text, heft_real_text(value, text));
}

void heft_lineage_add_text(struct heft_buffer *b, const char *text)
{
	heft_buffer_add_json_string(b, text ? text : "", text ? strlen(text) : 0);
}

void heft_lineage_add_digest(struct heft_buffer *b, const uint8_t *digest)
{
	char hex[2 * HEFT_DIGEST_SIZE + 1];

	heft_buffer_addf(b, "\"%s\"", heft_hex(digest, HEFT_DIGEST_SIZE, hex));
}

/* --- reading --- */

enum heft_status heft_lineage_reader_init(struct heft_lineage_reader *r, const char *text,
                                          size_t size, uint64_t off, void **blocks,
                                          struct heft_error *err)
{
	*r = (struct heft_lineage_reader){ .text = text, .blocks = blocks, .err = err };
	return heft_json_new(text, size, off, NULL, &r->json, err);
}

void heft_lineage_reader_done(struct heft_lineage_reader *r)
{
	heft_json_free(r->json);
}

/* Small pieces share a block; what it says of itself stands at its begin. */
struct block {
	struct block *next;
	size_t n_used;
	size_t size;
};

#define BLOCK_SIZE ((size_t)16 << 10)
#define ALIGNMENT 16u /* as the heap's */
#define BLOCK_HEAD ((sizeof(struct block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

void heft_lineage_free_blocks(void *blocks)
{
	struct block *block = blocks;

	while (block) {
		struct block *next = block->next;

		heft_free(block);
		block = next;
	}
}

static struct block *add_block(struct heft_lineage_reader *r, size_t size)
{
	const size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct block *block = room < SIZE_MAX - BLOCK_HEAD ? heft_alloc(BLOCK_HEAD + room) : NULL;

	if (!block) {
		heft_lineage_fault(r, HEFT_E_NOMEM, "no memory for a lineage");
		return NULL;
	}
	*block = (struct block){ .next = *r->blocks, .size = room };
	*r->blocks = block;
	return block;
}

/* Aligned for anything where `is_text` is false. */
static void *piece_new(struct heft_lineage_reader *r, size_t size, bool is_text)
{
	struct block *block = *r->blocks;
	size_t at = block ? block->n_used : 0;

	if (!is_text)
		at = (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!block || at > block->size || size > block->size - at) {
		block = add_block(r, size);
		at = 0;
	}
	if (!block)
		return NULL;
	block->n_used = at + size;
	return (uint8_t *)block + BLOCK_HEAD + at;
}

void heft_lineage_fault(struct heft_lineage_reader *r, enum heft_status code, const char *msg)
{
	if (r->st == HEFT_OK)
		r->st = heft_fail(r->err, code, r->token.off, "%s", msg);
}

static void next(struct heft_lineage_reader *r)
{
	if (r->st == HEFT_OK)
		r->st = heft_json_next(r->json, &r->token, r->err);
}

void heft_lineage_take(struct heft_lineage_reader *r, enum heft_json_kind kind)
{
	next(r);
	if (r->st == HEFT_OK && r->token.kind != kind)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "something else stands here than expected");
}

void heft_lineage_take_key(struct heft_lineage_reader *r, const char *key)
{
	next(r);
	if (r->st != HEFT_OK)
		return;
	if (r->token.kind != HEFT_JSON_KEY || r->token.text_size != strlen(key) ||
	    memcmp(r->token.text, key, r->token.text_size) != 0)
		r->st = heft_fail(r->err, HEFT_E_CORRUPT, r->token.off,
		                  "the member '%s' was expected here", key);
}

const char *heft_lineage_last_text(struct heft_lineage_reader *r)
{
	const size_t n = r->st == HEFT_OK ? r->token.text_size : 0;
	char *copy;

	if (n > 0 && memchr(r->token.text, '\0', n))
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a text holds a NUL");
	copy = r->st == HEFT_OK ? piece_new(r, n + 1, true) : NULL;
	if (!copy)
		return "";
	if (n > 0)
		memcpy(copy, r->token.text, n);
	copy[n] = '\0';
	return copy;
}

const char *heft_lineage_take_text(struct heft_lineage_reader *r)
{
	heft_lineage_take(r, HEFT_JSON_STRING);
	return heft_lineage_last_text(r);
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void heft_lineage_take_digest(struct heft_lineage_reader *r, uint8_t *digest)
{
	bool is_digest;

	heft_lineage_take(r, HEFT_JSON_STRING);
	if (r->st != HEFT_OK)
		return;
	is_digest = r->token.text_size == 2 * (size_t)HEFT_DIGEST_SIZE;
	for (size_t i = 0; is_digest && i < HEFT_DIGEST_SIZE; i++) {
		const int high = digit_of(r->token.text[2 * i]);
		const int low = digit_of(r->token.text[2 * i + 1]);

		is_digest = high >= 0 && low >= 0;
		if (is_digest)
			digest[i] = (uint8_t)(high * 16 + low);
	}
	if (!is_digest)
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a digest is no 64 hexadecimal digits");
}

uint64_t heft_lineage_take_u64(struct heft_lineage_reader *r)
{
	uint64_t value = 0;

	heft_lineage_take(r, HEFT_JSON_NUMBER);
	if (r->st == HEFT_OK && !heft_json_u64(&r->token, &value))
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a count is no whole number");
	return value;
}

static bool is_text(const struct heft_json_token *t, const char *text)
{
	return t->kind == HEFT_JSON_STRING && t->text_size == strlen(text) &&
	       memcmp(t->text, text, t->text_size) == 0;
}

double heft_lineage_last_real(struct heft_lineage_reader *r)
{
	double value = (double)NAN;

	if (r->st != HEFT_OK || r->token.kind == HEFT_JSON_NULL)
		return value;
	if (is_text(&r->token, "inf"))
		return (double)INFINITY;
	if (is_text(&r->token, "-inf"))
		return -(double)INFINITY;
	if (r->token.kind != HEFT_JSON_NUMBER ||
	    !heft_decimal_real(r->token.text, r->token.text_size, &value))
		heft_lineage_fault(r, HEFT_E_CORRUPT, "a number was expected here");
	return value;
}

double heft_lineage_take_real(struct heft_lineage_reader *r)
{
	next(r);
	return heft_lineage_last_real(r);
}

const char *heft_lineage_take_object(struct heft_lineage_reader *r)
{
	size_t begin;
	size_t n;
	uint32_t depth = 1;
	char *copy;

	heft_lineage_take(r, HEFT_JSON_OBJECT);
	begin = r->token.pos;
	while (r->st == HEFT_OK && depth > 0) {
		next(r);
		depth += r->token.kind == HEFT_JSON_OBJECT || r->token.kind == HEFT_JSON_ARRAY;
		depth -= r->token.kind == HEFT_JSON_OBJECT_END ||
		         r->token.kind == HEFT_JSON_ARRAY_END;
	}
	n = r->st == HEFT_OK ? r->token.pos + r->token.raw_size - begin : 0;
	copy = r->st == HEFT_OK ? piece_new(r, n + 1, true) : NULL;
	if (!copy)
		return "";
	memcpy(copy, r->text + begin, n);
	copy[n] = '\0';
	return copy;
}

bool heft_lineage_take_end(struct heft_lineage_reader *r)
{
	next(r);
	return r->st != HEFT_OK || r->token.kind == HEFT_JSON_ARRAY_END ||
	       r->token.kind == HEFT_JSON_OBJECT_END;
}

const void *heft_lineage_take_items(struct heft_lineage_reader *r, struct heft_buffer *b,
                                    size_t item_size, uint32_t *n)
{
	void *items = NULL;

	*n = 0;
	if (!b->ok)
		heft_lineage_fault(r, HEFT_E_NOMEM, "no memory for a lineage");
	if (b->size / item_size > UINT32_MAX)
		heft_lineage_fault(r, HEFT_E_LIMIT, "a list has 2^32 items or more");
	if (r->st == HEFT_OK)
		items = piece_new(r, b->size, false);
	if (items && b->size > 0)
		memcpy(items, b->bytes, b->size);
	if (items)
		*n = (uint32_t)(b->size / item_size);
	heft_buffer_done(b);
	return items;
}
