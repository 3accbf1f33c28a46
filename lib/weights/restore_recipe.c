/* SPDX-License-Identifier: Apache-2.0 */
/* restore_recipe.c - finds the recipe of an open file, and whether it still holds. */
#include "weights/restore_recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "container/index.h"
#include "weights/unit.h"

void heft_restore_recipe_init(struct heft_restore_recipe *r)
{
	r->files = NULL;
	heft_origin_init(&r->origin);
}

void heft_restore_recipe_done(struct heft_restore_recipe *r)
{
	for (uint32_t i = 0; r->files && i < r->origin.n_files; i++) {
		heft_free(r->files[i].pieces);
		heft_chunk_plan_done(&r->files[i].plan);
	}
	heft_free(r->files);
	heft_origin_done(&r->origin);
}

void heft_restore_say(const struct heft_restore_request *request, const char *why)
{
	if (request->note)
		snprintf(request->note, request->note_size, "not restored byte for byte: %s", why);
}

/* --- where it comes from --- */

/* Whether the tensors and the metadata are those that the recipe was made from. */
static enum heft_status recipe_holds(struct heft_index *ix, const struct heft_origin *o,
                                     const char **why, struct heft_error *err)
{
	uint8_t digest[HEFT_DIGEST_SIZE] = { 0 };
	struct heft_section meta;

	*why = NULL;
	if (heft_index_find_section(ix, HEFT_SECTION_META, &meta))
		memcpy(digest, meta.digest, sizeof digest);
	if (memcmp(digest, o->meta_digest, sizeof digest) != 0)
		*why = "the metadata has changed since";
	HEFT_TRY(heft_index_list_digest(ix, digest, err));
	if (memcmp(digest, o->list_digest, sizeof digest) != 0)
		*why = "the tensors have changed since";
	return HEFT_OK;
}

static enum heft_status find_stated(struct heft_restore_recipe *r,
                                    const struct heft_restore_request *request,
                                    struct heft_index *ix, bool *is_found, struct heft_error *err)
{
	struct heft_section s;
	const char *why;
	uint8_t *bytes;
	enum heft_status st;

	*is_found = false;
	if (!heft_index_find_section(ix, HEFT_SECTION_ORIGIN, &s))
		return HEFT_OK;
	HEFT_TRY(heft_index_read_section(ix, &s, UINT64_MAX, &bytes, err));
	st = heft_origin_parse(bytes, (size_t)s.size, s.off, &r->origin, err);
	if (st != HEFT_OK)
		heft_free(bytes);
	if (st == HEFT_E_CORRUPT)
		heft_restore_say(request, "the recipe is damaged");
	if (st != HEFT_OK)
		return st == HEFT_E_CORRUPT ? HEFT_OK : st;
	if (strcmp(r->origin.format, request->format->name) != 0)
		return HEFT_OK;
	HEFT_TRY(recipe_holds(ix, &r->origin, &why, err));
	if (!why && r->origin.n_files != 1 && !request->files)
		why = "the source was several files";
	if (why)
		heft_restore_say(request, why);
	*is_found = !why;
	return HEFT_OK;
}

/* A heft file's recipe is in its ORIGIN; a file of the target's own format knows one for itself.
 * None is used for a format whose reader makes none (spec R7.2-4): its writer would have to vouch
 * for bytes that a stranger chose. */
static enum heft_status find_origin(struct heft_restore_recipe *r,
                                    const struct heft_restore_request *request, bool *is_found,
                                    struct heft_error *err)
{
	struct heft_file *file = request->file;
	struct heft_index *ix = heft_file_index(file);

	*is_found = false;
	if (!request->format->origin)
		return HEFT_OK;
	if (ix)
		return find_stated(r, request, ix, is_found, err);
	if (file->format != request->format)
		return HEFT_OK;
	HEFT_TRY(file->format->origin(file->st, file->path, &r->origin, err));
	*is_found = r->origin.n_files == 1 || (r->origin.n_files > 1 && request->files);
	return HEFT_OK;
}

/* --- its pieces --- */

static enum heft_status sum_tensors(struct heft_file *file, uint64_t *n_bytes,
                                    struct heft_error *err)
{
	struct heft_tensor t;

	*n_bytes = 0;
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		HEFT_TRY(heft_tensor_at(file, i, &t, err));
		if (!heft_add_u64(*n_bytes, t.n_bytes, n_bytes))
			*n_bytes = UINT64_MAX;
	}
	return HEFT_OK;
}

/* *fits: whether the piece lies within a tensor of the file, which it then knows. */
static enum heft_status find_tensor(struct heft_file *file, const struct heft_origin_piece *from,
                                    struct heft_restore_piece *p, bool *fits,
                                    struct heft_error *err)
{
	struct heft_index *ix = heft_file_index(file);
	struct heft_tensor t;

	*fits = from->tensor < heft_n_tensors(file);
	if (!*fits)
		return HEFT_OK;
	p->tensor = from->tensor;
	if (ix)
		HEFT_TRY(heft_index_position(ix, from->tensor, &p->tensor, err));
	HEFT_TRY(heft_tensor_at(file, p->tensor, &t, err));
	p->tensor_size = t.n_bytes;
	*fits = heft_in_range(from->first, from->size, t.n_bytes) &&
	        (!from->transform || heft_origin_may_transform(from, (uint16_t)t.dtype, t.n_bytes));
	return heft_tensor_unit(file, &t, &p->unit, err);
}

/* *is_sound false: a piece reaches past its tensor (spec R7.2-1), or the new files would have more
 * bytes of tensors than there are, as none have that a recipe is made for. */
static enum heft_status resolve_file(struct heft_restore_file *f, struct heft_file *file,
                                     uint64_t *n_left, bool *is_sound, struct heft_error *err)
{
	uint64_t off = 0;

	for (uint32_t k = 0; *is_sound && k < f->plan.n_tensors; k++) {
		const struct heft_origin_piece *from = &f->recipe->pieces[k];
		struct heft_restore_piece *p = &f->pieces[k];

		*p = (struct heft_restore_piece){ .off = off, .tensor = UINT32_MAX, .unit = 1 };
		off += from->size;
		if (!from->literal) {
			HEFT_TRY(find_tensor(file, from, p, is_sound, err));
			*is_sound = *is_sound && from->size <= *n_left;
			*n_left -= from->size;
		}
		f->plan.tensors[k] = (struct heft_plan_tensor){ .id = k,
			                                        .unit = p->unit,
			                                        .n_bytes = from->size };
	}
	return HEFT_OK;
}

static enum heft_status prepare_file(struct heft_restore_file *f, struct heft_file *file,
                                     uint64_t *n_left, bool *is_sound, struct heft_error *err)
{
	const uint64_t n = f->recipe->n_pieces;

	*is_sound = n < UINT32_MAX;
	if (!*is_sound)
		return HEFT_OK;
	HEFT_TRY(heft_chunk_plan_init(&f->plan, (uint32_t)n, err));
	f->pieces = heft_alloc_array((size_t)n, sizeof *f->pieces);
	if (!f->pieces)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	HEFT_TRY(resolve_file(f, file, n_left, is_sound, err));
	return *is_sound ? heft_chunk_plan_cut(&f->plan, err) : HEFT_OK;
}

static enum heft_status prepare(struct heft_restore_recipe *r, struct heft_file *file,
                                bool *is_sound, struct heft_error *err)
{
	uint64_t n_left;

	HEFT_TRY(sum_tensors(file, &n_left, err));
	r->files = heft_zalloc_array(r->origin.n_files, sizeof *r->files);
	if (!r->files)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a recipe");
	for (uint32_t i = 0; *is_sound && i < r->origin.n_files; i++) {
		r->files[i].recipe = &r->origin.files[i];
		HEFT_TRY(prepare_file(&r->files[i], file, &n_left, is_sound, err));
	}
	return HEFT_OK;
}

enum heft_status heft_restore_recipe_find(struct heft_restore_recipe *r,
                                          const struct heft_restore_request *request,
                                          bool *is_found, struct heft_error *err)
{
	HEFT_TRY(find_origin(r, request, is_found, err));
	if (!*is_found)
		return HEFT_OK;
	HEFT_TRY(prepare(r, request->file, is_found, err));
	if (!*is_found)
		heft_restore_say(request, "the recipe is damaged");
	return HEFT_OK;
}
