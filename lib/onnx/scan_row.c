/* SPDX-License-Identifier: Apache-2.0 */
/* scan_row.c - a tensor that the scan found becomes a row of the model, under a name of its own and
 * with the messages around it (spec/foreign/onnx.md, O2-6 and O2-7). */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/scan.h"

/* What stands in front of many names stands in the file once: how much more they may take
 * together. */
#define NAMES_MAX (UINT64_C(64) << 20)

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the list of weights");
}

/* Room for one more item of an array that has n; grows by half. */
static bool reserve(void **array, size_t *capacity, size_t n, size_t item_size)
{
	const size_t more = n + n / 2 + 16;
	void *grown;

	if (n < *capacity)
		return true;
	grown = heft_realloc_array(*array, more, item_size);
	if (!grown)
		return false;
	*array = grown;
	*capacity = more;
	return true;
}

/* --- the name --- */

static enum heft_status check_name(const struct heft_onnx_walk *w, uint64_t at,
                                   struct heft_error *err)
{
	if (!w->name.ok)
		return no_memory(err);
	if (w->name.size == 0)
		return heft_fail(err, HEFT_E_CORRUPT, at, "a tensor has no name");
	if (w->name.size > w->limits->max_name_size)
		return heft_fail(err, HEFT_E_LIMIT, at, "a tensor's name is longer than %llu bytes",
		                 (unsigned long long)w->limits->max_name_size);
	if (w->names_size + w->name.size > NAMES_MAX + w->in->size)
		return heft_fail(err, HEFT_E_LIMIT, at,
		                 "the tensors' names have 64 MiB more than the file together");
	return HEFT_OK;
}

static bool is_taken(const struct heft_onnx_walk *w, uint32_t *i)
{
	return heft_listing_find(w->model->tensors, w->space, (const char *)w->name.bytes,
	                         w->name.size, i);
}

/* Where the name was there before, the first number that is free is put behind it. Each name keeps
 * the number that comes next, so that many tensors of one name cost no more than others. */
static enum heft_status make_unique(struct heft_onnx_walk *w, uint64_t at, struct heft_error *err)
{
	const size_t plain_size = w->name.size;
	uint32_t first;
	uint32_t other;

	HEFT_TRY(check_name(w, at, err));
	if (!is_taken(w, &first))
		return HEFT_OK;
	if (w->n_same[first] == 0)
		w->n_same[first] = 2;
	do {
		w->name.size = plain_size;
		heft_onnx_name_text(w, "#");
		heft_onnx_name_number(w, w->n_same[first]++);
		HEFT_TRY(check_name(w, at, err));
	} while (is_taken(w, &other));
	return HEFT_OK;
}

/* --- the messages around it --- */

static bool add_frame(struct heft_onnx_walk *w, struct heft_onnx_open *o, uint32_t parent)
{
	struct heft_onnx_model *model = w->model;
	void *frames = model->frames;
	const bool ok = reserve(&frames, &w->frames_capacity, model->n_frames,
	                        sizeof *model->frames);

	model->frames = frames;
	if (!ok || model->n_frames == HEFT_ONNX_NONE)
		return false;
	o->frame = model->n_frames++;
	model->frames[o->frame] = (struct heft_onnx_frame){
		.len_off = o->len_off, .off = o->off, .size = o->size, .parent = parent
	};
	return true;
}

static bool add_frames(struct heft_onnx_walk *w, uint32_t *innermost)
{
	*innermost = HEFT_ONNX_NONE;
	for (unsigned k = 0; k < w->n_open; k++) {
		if (w->open[k].frame == HEFT_ONNX_NONE && !add_frame(w, &w->open[k], *innermost))
			return false;
		*innermost = w->open[k].frame;
	}
	return true;
}

/* --- the row --- */

static bool reserve_weight(struct heft_onnx_walk *w, uint32_t n)
{
	size_t capacity = w->weights_capacity;
	void *weights = w->model->weights;
	void *n_same = w->n_same;
	bool ok = reserve(&n_same, &capacity, n, sizeof *w->n_same);

	w->n_same = n_same;
	if (ok)
		ok = reserve(&weights, &w->weights_capacity, n, sizeof *w->model->weights);
	w->model->weights = weights;
	return ok;
}

static enum heft_status check_limits(const struct heft_onnx_walk *w, uint64_t at,
                                     struct heft_error *err)
{
	if (heft_listing_n(w->model->tensors) > w->limits->max_tensors)
		return heft_fail(err, HEFT_E_LIMIT, at, "the model has more than %llu tensors",
		                 (unsigned long long)w->limits->max_tensors);
	if (heft_listing_n_bytes(w->model->tensors) > w->limits->max_logical_bytes)
		return heft_fail(err, HEFT_E_LIMIT, at,
		                 "the tensors have more than %llu bytes together",
		                 (unsigned long long)w->limits->max_logical_bytes);
	return HEFT_OK;
}

enum heft_status heft_onnx_add_row(struct heft_onnx_walk *w, enum heft_dtype dtype, uint32_t rank,
                                   const uint64_t *dims, uint64_t at, uint32_t *i,
                                   struct heft_error *err)
{
	const struct heft_listed row = { .dtype = (uint16_t)dtype,
		                         .space = w->space,
		                         .rank = (uint8_t)rank };
	const uint32_t n = heft_listing_n(w->model->tensors);
	uint32_t frame;

	if (!reserve_weight(w, n) || !add_frames(w, &frame))
		return no_memory(err);
	HEFT_TRY(make_unique(w, at, err));
	HEFT_TRY(heft_listing_add(w->model->tensors, (const char *)w->name.bytes, w->name.size,
	                          dims, &row, HEFT_E_CORRUPT, at, err));
	w->n_same[n] = 0;
	w->names_size += w->name.size;
	w->model->weights[n] = (struct heft_onnx_weight){ .frame = frame,
		                                          .external = HEFT_ONNX_NONE,
		                                          .store = HEFT_ONNX_EMPTY };
	*i = n;
	return check_limits(w, at, err);
}

enum heft_status heft_onnx_add_external(struct heft_onnx_walk *w, struct heft_onnx_external *e,
                                        uint32_t *i, struct heft_error *err)
{
	struct heft_onnx_model *model = w->model;
	void *externals = model->externals;
	const bool ok = reserve(&externals, &w->externals_capacity, model->n_externals,
	                        sizeof *model->externals);

	model->externals = externals;
	if (!ok)
		return no_memory(err);
	*i = model->n_externals++;
	model->externals[*i] = *e;
	return HEFT_OK;
}
