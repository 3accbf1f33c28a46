/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_origin.c - the statements of a recipe, from which the section ORIGIN is made
 * (spec/text.md, Recipes). */
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "container/layout.h"
#include "container/pack_model.h"

#define DIGESTS_SIZE 64u

/* Adds a string behind its size, as one byte or as four. */
static enum heft_status add_string(struct heft_pack_line *line, bool is_short,
                                   struct heft_buffer *out, struct heft_error *err)
{
	struct heft_buffer text;
	enum heft_status st;

	heft_buffer_init(&text);
	st = heft_pack_string(line, &text, err);
	if (st == HEFT_OK && text.size > (is_short ? UINT8_MAX : UINT32_MAX))
		st = heft_fail(err, HEFT_E_CORRUPT, line->number, "the name is too long");
	if (st == HEFT_OK) {
		if (is_short)
			heft_buffer_add_u8(out, (uint8_t)text.size);
		else
			heft_buffer_add_le32(out, (uint32_t)text.size);
		heft_buffer_add(out, text.bytes, text.size);
		if (!text.ok || !out->ok)
			st = heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a recipe");
	}
	heft_buffer_done(&text);
	return st;
}

/* "list=<64 digits>" and "meta=<64 digits>" state what is computed otherwise. */
static enum heft_status take_digest(struct heft_packer *p, struct heft_pack_line *line,
                                    struct heft_pack_section *s, struct heft_error *err)
{
	const char *word;
	size_t size;
	bool is_list;
	struct heft_buffer digest;
	enum heft_status st;

	if (!heft_pack_word(line, &word, &size) || !heft_pack_take(line, '='))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "list=DIGEST or meta=DIGEST stands here");
	is_list = heft_pack_word_is(word, size, "list");
	if (!is_list && !heft_pack_word_is(word, size, "meta"))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "list=DIGEST or meta=DIGEST stands here");
	if (!heft_pack_word(line, &word, &size) || size != 64)
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "a digest has 64 hex digits");
	heft_buffer_init(&digest);
	st = heft_pack_data(&(struct heft_pack_line){ .at = word,
	                                              .end = word + size,
	                                              .number = line->number },
	                    "hex", 3, HEFT_DTYPE_NONE, &p->bytes_left, &digest, err);
	if (st == HEFT_OK)
		memcpy(s->plain.bytes + (is_list ? 0 : HEFT_SHA256_SIZE), digest.bytes,
		       HEFT_SHA256_SIZE);
	heft_buffer_done(&digest);
	if (is_list)
		s->has_list_digest = true;
	else
		s->has_meta_digest = true;
	return st;
}

enum heft_status heft_pack_state_origin(struct heft_packer *p, struct heft_pack_line *line,
                                        struct heft_error *err)
{
	struct heft_pack_section *s;

	HEFT_TRY(heft_pack_add_section(p, HEFT_SECTION_ORIGIN, line->number, &s, err));
	s->is_recipe = true;
	heft_buffer_add_zeros(&s->plain, DIGESTS_SIZE);
	HEFT_TRY(add_string(line, true, &s->plain, err));
	while (!heft_pack_at_end(line))
		HEFT_TRY(take_digest(p, line, s, err));
	p->recipe_files_at = s->plain.size;
	p->recipe_size_at = 0;
	p->recipe_literal_at = 0;
	heft_buffer_add_le32(&s->plain, 0);
	return s->plain.ok ? HEFT_OK
	                   : heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a recipe");
}

/* The recipe that is being stated. */
static enum heft_status find_recipe(struct heft_packer *p, const struct heft_pack_line *line,
                                    bool in_file, struct heft_pack_section **s,
                                    struct heft_error *err)
{
	*s = p->n_sections > 0 ? &p->sections[p->n_sections - 1] : NULL;
	if (p->target != HEFT_PACK_TO_SECTION || !*s || !(*s)->is_recipe)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "this belongs to an origin, and none stands before it");
	if (in_file && p->recipe_size_at == 0)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "this belongs to a file, and none stands before it");
	return HEFT_OK;
}

enum heft_status heft_pack_state_file(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err)
{
	struct heft_pack_section *s;
	uint8_t *n_files;

	HEFT_TRY(find_recipe(p, line, false, &s, err));
	HEFT_TRY(add_string(line, false, &s->plain, err));
	HEFT_TRY(heft_pack_need_end(line, err));
	p->recipe_size_at = s->plain.size;
	p->recipe_literal_at = 0;
	heft_buffer_add_zeros(&s->plain, 16);
	if (!s->plain.ok)
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a recipe");
	n_files = s->plain.bytes + p->recipe_files_at;
	heft_put_le32(n_files, heft_get_le32(n_files) + 1);
	return HEFT_OK;
}

static void add_to_field(struct heft_pack_section *s, size_t at, uint64_t n)
{
	uint8_t *field = s->plain.bytes + at;

	heft_put_le64(field, heft_get_le64(field) + n);
}

/* One more piece of n bytes in the current file. */
static void count_piece(struct heft_packer *p, struct heft_pack_section *s, uint64_t n)
{
	add_to_field(s, p->recipe_size_at, n);
	add_to_field(s, p->recipe_size_at + 8, 1);
}

/* Data behind the literal that was begun last. */
static enum heft_status add_literal(struct heft_packer *p, struct heft_pack_section *s,
                                    struct heft_pack_line *line, struct heft_error *err)
{
	const size_t before = s->plain.size;
	const char *word;
	size_t size;

	if (!heft_pack_word(line, &word, &size))
		return heft_pack_need_end(line, err);
	HEFT_TRY(heft_pack_data(line, word, size, HEFT_DTYPE_NONE, &p->bytes_left, &s->plain, err));
	add_to_field(s, p->recipe_literal_at, s->plain.size - before);
	add_to_field(s, p->recipe_size_at, s->plain.size - before);
	return HEFT_OK;
}

enum heft_status heft_pack_state_literal(struct heft_packer *p, struct heft_pack_line *line,
                                         struct heft_error *err)
{
	struct heft_pack_section *s;

	HEFT_TRY(find_recipe(p, line, true, &s, err));
	heft_buffer_add_u8(&s->plain, 0);
	p->recipe_literal_at = s->plain.size;
	heft_buffer_add_le64(&s->plain, 0);
	if (!s->plain.ok)
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a recipe");
	count_piece(p, s, 0);
	return add_literal(p, s, line, err);
}

enum heft_status heft_pack_state_more(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err)
{
	struct heft_pack_section *s;

	HEFT_TRY(find_recipe(p, line, true, &s, err));
	if (p->recipe_literal_at == 0)
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "more goes on with a literal, and none stands before it");
	return add_literal(p, s, line, err);
}

/* How a tensor's bytes lie in the file: a word or a number; 0 where nothing is said. */
static enum heft_status take_transform(struct heft_pack_line *line, uint8_t *transform,
                                       struct heft_error *err)
{
	static const char *const names[] = { "plain", "swapped", "column-major",
		                             "column-major-swapped" };
	const char *word;
	size_t size;
	uint64_t number = 0;

	if (heft_pack_at_end(line) || !heft_pack_word(line, &word, &size)) {
		*transform = 0;
		return heft_pack_need_end(line, err);
	}
	while (number < sizeof names / sizeof *names &&
	       !heft_pack_word_is(word, size, names[number]))
		number++;
	if (number == sizeof names / sizeof *names &&
	    (!heft_pack_word_number(word, size, &number) || number > UINT8_MAX))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "a transform is swapped, column-major, column-major-swapped or a "
		                 "number below 256");
	*transform = (uint8_t)number;
	return heft_pack_need_end(line, err);
}

enum heft_status heft_pack_state_piece(struct heft_packer *p, struct heft_pack_line *line,
                                       struct heft_error *err)
{
	struct heft_pack_section *s;
	uint64_t row;
	uint64_t first;
	uint64_t n;
	uint8_t transform = 0;

	HEFT_TRY(find_recipe(p, line, true, &s, err));
	HEFT_TRY(heft_pack_number(line, "the row", UINT32_MAX, &row, err));
	HEFT_TRY(heft_pack_number(line, "the first byte", UINT64_MAX, &first, err));
	HEFT_TRY(heft_pack_number(line, "the length", UINT64_MAX, &n, err));
	HEFT_TRY(take_transform(line, &transform, err));
	heft_buffer_add_u8(&s->plain, 1);
	heft_buffer_add_le32(&s->plain, (uint32_t)row);
	heft_buffer_add_le64(&s->plain, first);
	heft_buffer_add_le64(&s->plain, n);
	heft_buffer_add_u8(&s->plain, transform);
	if (!s->plain.ok)
		return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a recipe");
	p->recipe_literal_at = 0;
	count_piece(p, s, n);
	return HEFT_OK;
}
