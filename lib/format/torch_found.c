/* SPDX-License-Identifier: Apache-2.0 */
/* torch_found.c - a tensor that the walk met: a dense one is listed as it is, a quantised or sparse
 * one as its parts, and the metadata say what they make (Y2-4, Y2-5, Y3-6). */
#include <string.h>

#include "base/error.h"
#include "format/torch_walk.h"
#include "tensor/dtype.h"

static const char *text_of(struct heft_buffer *b)
{
	b->bytes[b->size] = 0; /* a walker's buffers have room for it */
	return (const char *)b->bytes;
}

static enum heft_status fault(struct heft_torch_walker *w, enum heft_status code, heft_pickle_ref v,
                              const char *what, struct heft_error *err)
{
	return heft_fail(err, code, heft_pickle_at(w->p, v), "tensor '%.80s': %s",
	                 text_of(&w->name), what);
}

/* Y3-6: what a network multiplies by, and not a number that it needs at some place. */
static uint8_t constant_space(const struct heft_torch_tensor *t)
{
	const struct heft_dtype_info *info = heft_dtype_describe((enum heft_dtype)t->dtype);
	const bool is_weight = info->is_float || (t->is_quantised && info->n_bytes == 1);

	return is_weight && t->rank > 0 ? HEFT_SPACE_WEIGHTS : HEFT_SPACE_STATE;
}

/* Adds what the call makes under the walker's name. */
static enum heft_status add(struct heft_torch_walker *w, enum heft_torch_what what,
                            const struct heft_torch_call *call, uint8_t space,
                            struct heft_error *err)
{
	struct heft_torch_tensor t;

	HEFT_TRY(heft_torch_read_tensor(w->storages, w->p, w->is_constant, what, call,
	                                text_of(&w->name), &t, err));
	if (w->is_constant)
		space = constant_space(&t);
	if (space != HEFT_SPACE_WEIGHTS)
		w->notes->has_other_spaces = true;
	return heft_torch_add(w->adder, &w->name, space, &t, err);
}

/* A dense tensor that is a part of this one. */
static enum heft_status add_part(struct heft_torch_walker *w, heft_pickle_ref v, const char *part,
                                 uint8_t space, struct heft_error *err)
{
	const size_t size = w->name.size;
	struct heft_torch_call call;
	enum heft_status st;

	if (v == HEFT_PICKLE_NONE || heft_torch_look(w->p, v, &call) != HEFT_TORCH_TENSOR)
		return heft_fail(err, HEFT_E_CORRUPT,
		                 v == HEFT_PICKLE_NONE ? HEFT_NO_OFFSET : heft_pickle_at(w->p, v),
		                 "tensor '%.80s': its %s are no tensor", text_of(&w->name), part);
	heft_buffer_addf(&w->name, ".%s", part);
	st = w->name.ok ? add(w, HEFT_TORCH_TENSOR, &call, space, err)
	                : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	w->name.size = size;
	return st;
}

/* Begins a member of a note, which has the tensor's name. */
static void begin_note(struct heft_torch_walker *w, struct heft_buffer *note)
{
	if (note->size > 0)
		heft_buffer_add(note, ",", 1);
	heft_torch_add_text(note, w->name.bytes, w->name.size);
	heft_buffer_add(note, ":", 1);
}

static enum heft_status end_note(const struct heft_buffer *note, struct heft_error *err)
{
	return note->ok ? HEFT_OK
	                : heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for metadata");
}

/* --- quantised (Y2-4) --- */

static void note_scheme(struct heft_torch_walker *w, const struct heft_torch_call *call,
                        const char *scheme)
{
	const heft_pickle_ref id = heft_pickle_argument(w->p, heft_torch_argument(w->p, call, 0));
	const struct heft_torch_type *type = heft_torch_storage_type(w->p,
	                                                             heft_pickle_item(w->p, id, 1));

	begin_note(w, &w->notes->quantised);
	heft_buffer_addf(&w->notes->quantised, "{\"scheme\":\"%s\",\"dtype\":\"%s\"", scheme,
	                 type->name);
}

/* (per_tensor_affine, SCALE, ZERO_POINT) */
static enum heft_status add_per_tensor(struct heft_torch_walker *w,
                                       const struct heft_torch_call *call, heft_pickle_ref params,
                                       struct heft_error *err)
{
	const heft_pickle_ref scale = heft_torch_item(w->p, params, 1, HEFT_PICKLE_FLOAT);
	const heft_pickle_ref zero = heft_torch_item(w->p, params, 2, HEFT_PICKLE_INT);
	struct heft_buffer *note = &w->notes->quantised;

	if (scale == HEFT_PICKLE_NONE || zero == HEFT_PICKLE_NONE)
		return fault(w, HEFT_E_CORRUPT, call->value, "it has no scale or zero point", err);
	note_scheme(w, call, "per_tensor_affine");
	heft_buffer_addf(note, ",\"scale\":");
	heft_torch_add_float(note, heft_pickle_float(w->p, scale));
	heft_buffer_addf(note, ",\"zero_point\":");
	heft_torch_add_int(note, heft_pickle_int(w->p, zero));
	heft_buffer_add(note, "}", 1);
	return end_note(note, err);
}

/* (per_channel_affine, SCALES, ZERO_POINTS, AXIS) */
static enum heft_status add_per_channel(struct heft_torch_walker *w,
                                        const struct heft_torch_call *call, heft_pickle_ref params,
                                        const char *scheme, uint8_t space, struct heft_error *err)
{
	const heft_pickle_ref axis = heft_torch_item(w->p, params, 3, HEFT_PICKLE_INT);
	struct heft_buffer *note = &w->notes->quantised;

	if (axis == HEFT_PICKLE_NONE)
		return fault(w, HEFT_E_CORRUPT, call->value, "it has no axis", err);
	HEFT_TRY(add_part(w, heft_pickle_item(w->p, params, 1), "scales", space, err));
	HEFT_TRY(add_part(w, heft_pickle_item(w->p, params, 2), "zero_points", space, err));
	note_scheme(w, call, scheme);
	heft_buffer_addf(note, ",\"axis\":");
	heft_torch_add_int(note, heft_pickle_int(w->p, axis));
	heft_buffer_add(note, "}", 1);
	return end_note(note, err);
}

static enum heft_status add_quantised(struct heft_torch_walker *w,
                                      const struct heft_torch_call *call, uint8_t space,
                                      struct heft_error *err)
{
	const heft_pickle_ref params = heft_torch_argument(w->p, call, 4);
	const heft_pickle_ref scheme = heft_torch_item(w->p, params, 0, HEFT_PICKLE_GLOBAL);
	const char *name = scheme == HEFT_PICKLE_NONE ? "" : heft_pickle_name(w->p, scheme);
	const bool is_per_tensor = strcmp(name, "per_tensor_affine") == 0;

	if (!is_per_tensor && strcmp(name, "per_channel_affine") != 0 &&
	    strcmp(name, "per_channel_affine_float_qparams") != 0)
		return fault(w, HEFT_E_UNSUPPORTED, call->value,
		             "it is quantised in a way that is not supported", err);
	HEFT_TRY(heft_torch_number(w->adder, &w->name, space, true,
	                           heft_pickle_at(w->p, call->value), err));
	HEFT_TRY(add(w, HEFT_TORCH_QUANTISED, call, space, err));
	return is_per_tensor ? add_per_tensor(w, call, params, err)
	                     : add_per_channel(w, call, params, name, space, err);
}

/* --- sparse (Y2-5) --- */

struct layout {
	const char *name; /* behind "torch." */
	const char *parts[3];
	uint32_t n_parts;
};

static const struct layout layouts[] = {
	{ "sparse_coo", { "indices", "values" }, 2 },
	{ "sparse_csr", { "crow_indices", "col_indices", "values" }, 3 },
	{ "sparse_csc", { "ccol_indices", "row_indices", "values" }, 3 },
	{ "sparse_bsr", { "crow_indices", "col_indices", "values" }, 3 },
	{ "sparse_bsc", { "ccol_indices", "row_indices", "values" }, 3 },
};

/* The global torch.sparse_coo, or the call of _get_layout with that text. */
static bool is_layout(const struct heft_pickle *p, heft_pickle_ref v, const char *name)
{
	heft_pickle_ref text;
	const uint8_t *bytes;
	size_t n;

	if (v == HEFT_PICKLE_NONE)
		return false;
	if (heft_pickle_kind(p, v) == HEFT_PICKLE_GLOBAL)
		return strcmp(heft_pickle_module(p, v), "torch") == 0 &&
		       strcmp(heft_pickle_name(p, v), name) == 0;
	if (!heft_pickle_is_of(p, v, "torch.serialization", "_get_layout"))
		return false;
	text = heft_torch_item(p, heft_pickle_argument(p, v), 0, HEFT_PICKLE_TEXT);
	if (text == HEFT_PICKLE_NONE)
		return false;
	bytes = heft_pickle_bytes(p, text, &n);
	return n == 6 + strlen(name) && memcmp(bytes, "torch.", 6) == 0 &&
	       memcmp(bytes + 6, name, n - 6) == 0;
}

static const struct layout *layout_of(const struct heft_pickle *p, heft_pickle_ref v)
{
	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
		if (is_layout(p, v, layouts[i].name))
			return &layouts[i];
	}
	return NULL;
}

static enum heft_status note_sparse(struct heft_torch_walker *w, const struct layout *layout,
                                    heft_pickle_ref data, struct heft_error *err)
{
	const heft_pickle_ref coalesced = heft_torch_item(w->p, data, layout->n_parts + 1,
	                                                  HEFT_PICKLE_BOOL);
	struct heft_buffer *note = &w->notes->sparse;
	uint64_t dims[HEFT_MAX_RANK];
	uint32_t rank;

	HEFT_TRY(heft_torch_read_dims(w->p, heft_pickle_item(w->p, data, layout->n_parts),
	                              text_of(&w->name), "size", &rank, dims, err));
	begin_note(w, note);
	heft_buffer_addf(note, "{\"layout\":\"%s\",\"dims\":[", layout->name);
	for (uint32_t i = 0; i < rank; i++) {
		heft_buffer_add(note, ",", i > 0);
		heft_torch_add_int(note, (int64_t)dims[i]); /* it was an int64_t in the pickle */
	}
	heft_buffer_add(note, "]", 1);
	if (coalesced != HEFT_PICKLE_NONE)
		heft_buffer_addf(note, ",\"coalesced\":%s",
		                 heft_pickle_bool(w->p, coalesced) ? "true" : "false");
	heft_buffer_add(note, "}", 1);
	return end_note(note, err);
}

/* (LAYOUT, (INDICES, VALUES, SIZE, COALESCED)), or (LAYOUT, (INDICES, INDICES, VALUES, SIZE)) */
static enum heft_status add_sparse(struct heft_torch_walker *w, const struct heft_torch_call *call,
                                   uint8_t space, struct heft_error *err)
{
	const struct layout *layout = layout_of(w->p, heft_torch_argument(w->p, call, 0));
	const heft_pickle_ref data = heft_torch_argument(w->p, call, 1);

	if (!layout)
		return fault(w, HEFT_E_UNSUPPORTED, call->value,
		             "it is sparse in a way that is not supported", err);
	if (data == HEFT_PICKLE_NONE || heft_pickle_kind(w->p, data) != HEFT_PICKLE_TUPLE ||
	    heft_pickle_n_items(w->p, data) <= layout->n_parts)
		return fault(w, HEFT_E_CORRUPT, call->value, "it has not the parts of its layout",
		             err);
	HEFT_TRY(heft_torch_number(w->adder, &w->name, space, true,
	                           heft_pickle_at(w->p, call->value), err));
	for (uint32_t i = 0; i < layout->n_parts; i++)
		HEFT_TRY(
			add_part(w, heft_pickle_item(w->p, data, i), layout->parts[i], space, err));
	return note_sparse(w, layout, data, err);
}

/* --- any tensor --- */

/* Y3-3, Y3-7 */
static void name_it(struct heft_torch_walker *w, uint8_t space)
{
	const size_t skip = space == HEFT_SPACE_WEIGHTS ? w->n_left_out : 0;

	w->name.size = 0;
	if (w->n_parts == 0)
		heft_buffer_add(&w->name, "tensor", 6);
	else
		heft_buffer_add(&w->name, w->path.bytes + skip, w->path.size - skip);
}

enum heft_status heft_torch_found(struct heft_torch_walker *w, enum heft_torch_what what,
                                  const struct heft_torch_call *call, uint8_t space,
                                  struct heft_error *err)
{
	if (w->is_counting) {
		w->n_weights += space == HEFT_SPACE_WEIGHTS;
		return HEFT_OK;
	}
	name_it(w, space);
	if (w->is_too_long)
		return heft_fail(err, HEFT_E_LIMIT, heft_pickle_at(w->p, call->value),
		                 "a name of more than %u bytes is too long", HEFT_MAX_NAME);
	if (what == HEFT_TORCH_UNKNOWN)
		return heft_fail(err, HEFT_E_UNSUPPORTED, heft_pickle_at(w->p, call->value),
		                 "tensor '%.80s': a tensor that %.80s makes is not supported",
		                 text_of(&w->name), call->name);
	if (what == HEFT_TORCH_QUANTISED)
		return add_quantised(w, call, space, err);
	if (what == HEFT_TORCH_SPARSE)
		return add_sparse(w, call, space, err);
	return add(w, what, call, space, err);
}
