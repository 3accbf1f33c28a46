/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_parse.c - the statements of the text form, one a line (spec/text.md,
 * Statements). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "container/layout.h"
#include "container/pack_model.h"

typedef enum heft_status (*statement_fn)(struct heft_packer *p, struct heft_pack_line *line,
                                         struct heft_error *err);

static enum heft_status wrong(const struct heft_pack_line *line, struct heft_error *err,
                              const char *what)
{
	return heft_fail(err, HEFT_E_CORRUPT, line->number, "%s", what);
}

static enum heft_status no_memory(const struct heft_pack_line *line, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a statement");
}

bool heft_pack_grow(void *items, size_t n, size_t item_size)
{
	void *old;
	void *grown;

	memcpy(&old, items, sizeof old);
	if ((n & (n - 1)) == 0) {
		grown = heft_realloc_array(old, n > 0 ? 2 * n : 1, item_size);
		if (!grown)
			return false;
		memcpy(items, &grown, sizeof grown);
		old = grown;
	}
	memset((uint8_t *)old + n * item_size, 0, item_size);
	return true;
}

enum heft_status heft_pack_spend(struct heft_packer *p, uint64_t n, struct heft_error *err)
{
	if (n > p->bytes_left)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the file is larger than allowed");
	p->bytes_left -= n;
	return HEFT_OK;
}

/* --- the file --- */

static enum heft_status state_version(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err)
{
	uint64_t version;

	HEFT_TRY(heft_pack_number(line, "the version", UINT64_MAX, &version, err));
	if (version != 1)
		return wrong(line, err, "only version 1 of the text form is known");
	p->has_version = true;
	return heft_pack_need_end(line, err);
}

static enum heft_status state_generation(struct heft_packer *p, struct heft_pack_line *line,
                                         struct heft_error *err)
{
	if (p->has_begun) {
		HEFT_TRY(heft_pack_build(p, err));
		p->number++;
	}
	if (!heft_pack_at_end(line))
		HEFT_TRY(heft_pack_number(line, "the generation", UINT64_MAX, &p->number, err));
	p->target = HEFT_PACK_TO_NOTHING;
	return heft_pack_need_end(line, err);
}

static enum heft_status state_align(struct heft_packer *p, struct heft_pack_line *line,
                                    struct heft_error *err)
{
	uint64_t alignment;
	uint8_t log2 = 6;

	HEFT_TRY(heft_pack_number(line, "the alignment", UINT64_C(1) << 21, &alignment, err));
	while (log2 < 21 && UINT64_C(1) << log2 < alignment)
		log2++;
	if (UINT64_C(1) << log2 != alignment)
		return wrong(line, err, "the alignment is a power of two from 64 to 2,097,152");
	p->log2_alignment = log2;
	return heft_pack_need_end(line, err);
}

static enum heft_status state_slot(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	HEFT_TRY(heft_pack_number(line, "the page", 1, &p->slot, err));
	return heft_pack_need_end(line, err);
}

static enum heft_status state_uncommitted(struct heft_packer *p, struct heft_pack_line *line,
                                          struct heft_error *err)
{
	p->is_uncommitted = true;
	return heft_pack_need_end(line, err);
}

static enum heft_status state_skip(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	const char *word;
	size_t size;

	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "skip takes the bytes that are left behind");
	return heft_pack_data(line, word, size, HEFT_DTYPE_NONE, &p->bytes_left, &p->skip, err);
}

/* --- sections --- */

static void free_section(struct heft_pack_section *s)
{
	heft_buffer_done(&s->plain);
	heft_buffer_done(&s->stored);
}

enum heft_status heft_pack_add_section(struct heft_packer *p, uint32_t type, uint64_t line,
                                       struct heft_pack_section **section, struct heft_error *err)
{
	size_t i = 0;

	while (i < p->n_sections &&
	       (p->sections[i].type != type || p->sections[i].generation == p->n_built))
		i++;
	if (i < p->n_sections) {
		/* The new one goes to the end of the list, where the lines of data look for it. */
		free_section(&p->sections[i]);
		memmove(&p->sections[i], &p->sections[i + 1],
		        (p->n_sections - i - 1) * sizeof *p->sections);
		p->n_sections--;
	}
	if (!heft_pack_grow(&p->sections, p->n_sections, sizeof *p->sections))
		return heft_fail(err, HEFT_E_NOMEM, line, "no memory for a section");
	*section = &p->sections[p->n_sections++];
	(*section)->line = line;
	(*section)->generation = p->n_built;
	(*section)->type = type;
	heft_buffer_init(&(*section)->plain);
	heft_buffer_init(&(*section)->stored);
	p->target = HEFT_PACK_TO_SECTION;
	return HEFT_OK;
}

static enum heft_status add_data(struct heft_packer *p, struct heft_pack_line *line,
                                 const char *word, size_t size, struct heft_error *err);

static enum heft_status state_section(struct heft_packer *p, struct heft_pack_line *line,
                                      struct heft_error *err)
{
	struct heft_pack_section *s;
	const char *word;
	size_t size;
	uint32_t type;

	if (!heft_pack_word(line, &word, &size) || !heft_pack_section_type(word, size, &type))
		return wrong(line, err, "a section's name or number is missing");
	HEFT_TRY(heft_pack_add_section(p, type, line->number, &s, err));
	if (heft_pack_at_end(line))
		return HEFT_OK;
	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "a section's bytes are stated by hex, text or fill");
	return add_data(p, line, word, size, err);
}

/* The JSON text is all that stands behind the first blank, a '#' too. */
static enum heft_status state_meta(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	struct heft_pack_section *s;
	size_t size;

	if (line->at < line->end)
		line->at++;
	size = (size_t)(line->end - line->at);
	if (size > p->bytes_left)
		return heft_fail(err, HEFT_E_LIMIT, line->number,
		                 "the text states more bytes than allowed");
	p->bytes_left -= size;
	HEFT_TRY(heft_pack_add_section(p, HEFT_SECTION_META, line->number, &s, err));
	heft_buffer_add(&s->plain, line->at, size);
	return s->plain.ok ? HEFT_OK : no_memory(line, err);
}

static enum heft_status state_resize(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err)
{
	return heft_pack_state_resize(p, line, false, err);
}

static enum heft_status state_drop(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	return heft_pack_state_resize(p, line, true, err);
}

/* --- data --- */

static enum heft_status add_data(struct heft_packer *p, struct heft_pack_line *line,
                                 const char *word, size_t size, struct heft_error *err)
{
	enum heft_dtype dtype = HEFT_DTYPE_NONE;
	struct heft_buffer *out = NULL;

	if (p->target == HEFT_PACK_TO_TENSOR || p->target == HEFT_PACK_TO_CHUNK) {
		size_t i = p->n_tensors;

		while (i > 0 && p->tensors[i - 1].own_run != p->n_runs - 1)
			i--;
		if (i > 0)
			dtype = (enum heft_dtype)p->tensors[i - 1].dtype;
		out = &p->runs[p->n_runs - 1].logical;
	} else if ((p->target == HEFT_PACK_TO_SECTION || p->target == HEFT_PACK_TO_FRAME) &&
	           !p->sections[p->n_sections - 1].is_recipe) {
		out = &p->sections[p->n_sections - 1].plain;
	}
	if (!out)
		return wrong(line, err,
		             "data stands behind a tensor or a section, and there is none");
	return heft_pack_data(line, word, size, dtype, &p->bytes_left, out, err);
}

/* The stored bytes of the chunk or the section that was stated last. */
static enum heft_status state_stored(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err)
{
	struct heft_buffer *out;
	const char *word;
	size_t size;

	if (p->target == HEFT_PACK_TO_CHUNK) {
		struct heft_pack_run *run = &p->runs[p->n_runs - 1];

		run->chunks[run->n_chunks - 1].has_stored = true;
		out = &run->chunks[run->n_chunks - 1].stored;
	} else if (p->target == HEFT_PACK_TO_SECTION || p->target == HEFT_PACK_TO_FRAME) {
		p->target = HEFT_PACK_TO_FRAME;
		p->sections[p->n_sections - 1].has_stored = true;
		out = &p->sections[p->n_sections - 1].stored;
	} else {
		return wrong(line, err,
		             "stored stands behind a chunk or a section, and there is none");
	}
	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "stored takes bytes, as in stored hex 28b52ffd");
	return heft_pack_data(line, word, size, HEFT_DTYPE_NONE, &p->bytes_left, out, err);
}

static enum heft_status state_poke(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	return heft_pack_state_damage(p, HEFT_PACK_POKE, line, err);
}

static enum heft_status state_truncate(struct heft_packer *p, struct heft_pack_line *line,
                                       struct heft_error *err)
{
	return heft_pack_state_damage(p, HEFT_PACK_TRUNCATE, line, err);
}

static enum heft_status state_append(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err)
{
	return heft_pack_state_damage(p, HEFT_PACK_APPEND, line, err);
}

static enum heft_status state_swap(struct heft_packer *p, struct heft_pack_line *line,
                                   struct heft_error *err)
{
	return heft_pack_state_damage(p, HEFT_PACK_SWAP, line, err);
}

static const struct {
	const char *word;
	statement_fn fn;
} statements[] = {
	{ "heft-text", state_version },
	{ "generation", state_generation },
	{ "align", state_align },
	{ "slot", state_slot },
	{ "uncommitted", state_uncommitted },
	{ "skip", state_skip },
	{ "tensor", heft_pack_state_tensor },
	{ "delete", heft_pack_state_delete },
	{ "chunk", heft_pack_state_chunk },
	{ "stored", state_stored },
	{ "section", state_section },
	{ "meta", state_meta },
	{ "origin", heft_pack_state_origin },
	{ "file", heft_pack_state_file },
	{ "literal", heft_pack_state_literal },
	{ "more", heft_pack_state_more },
	{ "piece", heft_pack_state_piece },
	{ "set", heft_pack_state_set },
	{ "resize", state_resize },
	{ "drop", state_drop },
	{ "poke", state_poke },
	{ "truncate", state_truncate },
	{ "append", state_append },
	{ "swap", state_swap },
};

enum heft_status heft_pack_statement(struct heft_packer *p, struct heft_pack_line *line,
                                     struct heft_error *err)
{
	const char *word;
	size_t size;

	if (heft_pack_at_end(line))
		return HEFT_OK;
	if (!heft_pack_word(line, &word, &size))
		return wrong(line, err, "a line begins with a word");
	if (!p->has_version && !heft_pack_word_is(word, size, "heft-text"))
		return wrong(line, err, "a text begins with the line 'heft-text 1'");
	if (heft_pack_is_data(word, size))
		return add_data(p, line, word, size, err);
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
		if (!heft_pack_word_is(word, size, statements[i].word))
			continue;
		HEFT_TRY(statements[i].fn(p, line, err));
		p->has_begun = p->has_begun || statements[i].fn != state_version;
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_CORRUPT, line->number, "there is no statement '%.*s'",
	                 (int)(size < 40 ? size : 40), word);
}
