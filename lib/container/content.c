/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - checks what the known content sections hold (spec/container.md 7). */
#include "container/content.h"

#include "base/checked.h"
#include "base/error.h"
#include "container/meta.h"
#include "container/origin.h"

/* R7.2-1, the ranges: what the recipe's parser cannot know. */
static enum heft_status check_pieces(struct heft_index *ix, const struct heft_origin_file *file,
                                     uint64_t file_off, struct heft_error *err)
{
	for (uint64_t i = 0; i < file->n_pieces; i++) {
		const struct heft_origin_piece *piece = &file->pieces[i];
		struct heft_row row;

		if (piece->literal)
			continue;
		if (piece->tensor >= heft_index_n_tensors(ix))
			return heft_fail(err, HEFT_E_CORRUPT, file_off,
			                 "the recipe names row %u of TENSORS, which is none",
			                 (unsigned)piece->tensor);
		HEFT_TRY(heft_index_row(ix, piece->tensor, &row, err));
		if (!heft_in_range(piece->first, piece->size, row.n_bytes))
			return heft_fail(err, HEFT_E_CORRUPT, file_off,
			                 "the recipe names bytes that tensor '%.*s' has not",
			                 (int)row.name_size, row.name);
		if (piece->transform && !heft_origin_may_transform(piece, row.dtype, row.n_bytes))
			return heft_fail(
				err, HEFT_E_CORRUPT, file_off,
				"the recipe transforms tensor '%.*s', and cannot: a part, or "
				"elements that are no whole bytes",
				(int)row.name_size, row.name);
	}
	return HEFT_OK;
}

static enum heft_status check_origin(struct heft_index *ix, const struct heft_section *s,
                                     uint8_t *bytes, struct heft_error *err)
{
	struct heft_origin origin;
	enum heft_status st = HEFT_OK;

	HEFT_TRY(heft_origin_parse(bytes, (size_t)s->size, s->off, &origin, err));
	for (uint32_t i = 0; i < origin.n_files && st == HEFT_OK; i++)
		st = check_pieces(ix, &origin.files[i], s->off, err);
	origin.bytes = NULL; /* still the caller's */
	heft_origin_done(&origin);
	return st;
}

enum heft_status heft_content_check(struct heft_index *ix, const struct heft_section *s,
                                    uint8_t *bytes, struct heft_error *err)
{
	if (s->type == HEFT_SECTION_META)
		return heft_meta_check((const char *)bytes, (size_t)s->size, HEFT_E_CORRUPT, s->off,
		                       err);
	if (s->type == HEFT_SECTION_ORIGIN)
		return check_origin(ix, s, bytes, err);
	return HEFT_OK;
}
