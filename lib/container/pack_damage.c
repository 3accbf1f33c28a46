/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_damage.c - what a text does to the assembled file: bytes overwritten, cut off,
 * added, pages swapped (spec/text.md, Damage). */
#include <string.h>

#include "base/error.h"
#include "container/layout.h"
#include "container/pack_model.h"

/* "8200", "0x2008", or "end-5". */
static enum heft_status take_offset(struct heft_pack_line *line, struct heft_pack_damage *d,
                                    struct heft_error *err)
{
	const char *word;
	size_t size;

	if (!heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "an offset is missing, as in 8200 or end-5");
	d->from_end = size > 4 && memcmp(word, "end-", 4) == 0;
	if (d->from_end) {
		word += 4;
		size -= 4;
	}
	if (!heft_pack_word_number(word, size, &d->at))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "'%.*s' is no offset, as in 8200 or end-5",
		                 (int)(size < 40 ? size : 40), word);
	return HEFT_OK;
}

static enum heft_status take_damage(struct heft_packer *p, struct heft_pack_damage *d,
                                    struct heft_pack_line *line, struct heft_error *err)
{
	const char *word;
	size_t size;

	if (d->kind == HEFT_PACK_POKE || d->kind == HEFT_PACK_TRUNCATE)
		HEFT_TRY(take_offset(line, d, err));
	if (d->kind == HEFT_PACK_TRUNCATE)
		return heft_pack_need_end(line, err);
	if (!heft_pack_word(line, &word, &size))
		return heft_fail(err, HEFT_E_CORRUPT, line->number, "the statement ends too early");
	if (d->kind != HEFT_PACK_SWAP)
		return heft_pack_data(line, word, size, HEFT_DTYPE_NONE, &p->bytes_left, &d->bytes,
		                      err);
	if (!heft_pack_word_is(word, size, "pages"))
		return heft_fail(err, HEFT_E_CORRUPT, line->number,
		                 "only pages can be swapped: swap pages");
	return heft_pack_need_end(line, err);
}

enum heft_status heft_pack_state_damage(struct heft_packer *p, enum heft_pack_damage_kind kind,
                                        struct heft_pack_line *line, struct heft_error *err)
{
	struct heft_pack_damage d = { .line = line->number, .kind = kind };
	enum heft_status st;

	heft_buffer_init(&d.bytes);
	st = take_damage(p, &d, line, err);
	if (st == HEFT_OK && !heft_pack_grow(&p->damages, p->n_damages, sizeof d))
		st = heft_fail(err, HEFT_E_NOMEM, line->number, "no memory for a statement");
	if (st == HEFT_OK)
		p->damages[p->n_damages++] = d;
	else
		heft_buffer_done(&d.bytes);
	return st;
}

static void swap_pages(uint8_t *file)
{
	uint8_t page[HEFT_PAGE_SIZE];

	memcpy(page, file, sizeof page);
	memcpy(file, file + HEFT_PAGE_SIZE, HEFT_PAGE_SIZE);
	memcpy(file + HEFT_PAGE_SIZE, page, sizeof page);
}

static enum heft_status apply(struct heft_buffer *file, const struct heft_pack_damage *d,
                              struct heft_error *err)
{
	const uint64_t at = !d->from_end          ? d->at
	                    : d->at <= file->size ? file->size - d->at
	                                          : UINT64_MAX;

	if (d->kind == HEFT_PACK_APPEND) {
		heft_buffer_add(file, d->bytes.bytes, d->bytes.size);
		return file->ok ? HEFT_OK
		                : heft_fail(err, HEFT_E_NOMEM, d->line, "no memory for the file");
	}
	if (d->kind == HEFT_PACK_SWAP ? file->size < HEFT_DATA_START
	                              : at > file->size || d->bytes.size > file->size - at)
		return heft_fail(err, HEFT_E_CORRUPT, d->line, "the file has only %llu bytes",
		                 (unsigned long long)file->size);
	if (d->kind == HEFT_PACK_SWAP)
		swap_pages(file->bytes);
	else if (d->kind == HEFT_PACK_TRUNCATE)
		file->size = (size_t)at;
	else if (d->bytes.size > 0)
		memcpy(file->bytes + at, d->bytes.bytes, d->bytes.size);
	return HEFT_OK;
}

enum heft_status heft_pack_damage(struct heft_packer *p, struct heft_error *err)
{
	for (size_t i = 0; i < p->n_damages; i++)
		HEFT_TRY(apply(&p->file, &p->damages[i], err));
	return HEFT_OK;
}
