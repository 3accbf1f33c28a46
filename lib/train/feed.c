/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - makes a feed: arrays are bound to inputs, and their shapes and dtypes decided. */
#include "train/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "tensor/dtype.h"
#include "train/dataset.h"
#include "train/feed_parts.h"

#define NOTE_SIZE 240
#define SHAPE_SIZE 64 /* bytes of a shape in a message */

enum heft_status heft_feed_add_note(struct heft_feed *f, struct heft_error *err, const char *fmt,
                                    ...)
{
	char text[NOTE_SIZE];
	va_list args;

	if (f->n_notes == HEFT_FEED_MAX_NOTES)
		return HEFT_OK;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	f->notes[f->n_notes] = heft_strdup(text);
	if (!f->notes[f->n_notes])
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a note");
	f->n_notes++;
	return HEFT_OK;
}

/* --- what is asked for --- */

static enum heft_status read_model(struct heft_feed *f, struct heft_error *err)
{
	f->n_inputs = heft_model_n_inputs(f->model);
	f->wants = heft_zalloc_array(f->n_inputs, sizeof *f->wants);
	f->slots = heft_zalloc_array((size_t)f->n_inputs + 1, sizeof *f->slots);
	if (!f->wants || !f->slots)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to feed a model");
	for (uint32_t i = 0; i < f->n_inputs; i++) {
		HEFT_TRY(heft_model_input(f->model, i, &f->wants[i], err));
		f->slots[i].name = f->wants[i].name;
		f->slots[i].array = HEFT_FEED_NONE;
	}
	f->slots[f->n_inputs].name = "target";
	f->slots[f->n_inputs].array = HEFT_FEED_NONE;
	return f->options->target_as == HEFT_TARGET_NONE
	               ? HEFT_OK
	               : heft_model_output(f->model, f->options->output, &f->output, err);
}

/* --- a slot --- */

/* Whether a sample can become it. */
static bool is_number(enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);

	return info && info->n_elements == 1 &&
	       (info->is_float || info->is_integer || dtype == HEFT_DTYPE_BOOL);
}

static bool is_whole(enum heft_dtype dtype)
{
	return heft_dtype_describe(dtype)->is_integer || dtype == HEFT_DTYPE_BOOL;
}

static enum heft_status does_not_fit(const struct heft_feed_slot *s, const char *what,
                                     const struct heft_model_value *want, struct heft_error *err)
{
	struct heft_buffer have;
	struct heft_buffer asked;
	enum heft_status st;

	heft_buffer_init(&have);
	heft_buffer_init(&asked);
	heft_dataset_add_shape(&have, UINT64_MAX, s->from.rank, s->from.dims);
	heft_feed_list_value(&asked, want);
	st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
	               "a sample of array '%.60s' is %s %.*s, which does not fit the model's %s "
	               "%.*s",
	               s->from.name, heft_dtype_name(s->from.dtype),
	               have.size < SHAPE_SIZE ? (int)have.size : SHAPE_SIZE,
	               have.ok ? (const char *)have.bytes : "", what,
	               asked.size < SHAPE_SIZE ? (int)asked.size : SHAPE_SIZE,
	               asked.ok ? (const char *)asked.bytes : "");
	heft_buffer_done(&have);
	heft_buffer_done(&asked);
	return st;
}

/* The sizes that follow from dtype and shape. */
static enum heft_status set_sizes(struct heft_feed_slot *s, struct heft_error *err)
{
	return heft_tensor_size(s->dtype, s->rank, s->dims, &s->n_elements, &s->n_bytes, err);
}

static bool is_reshaped(const struct heft_feed_slot *s)
{
	return s->rank != s->from.rank ||
	       memcmp(s->dims, s->from.dims, s->rank * sizeof *s->dims) != 0;
}

static enum heft_status note_shape(struct heft_feed *f, const struct heft_feed_slot *s,
                                   struct heft_error *err)
{
	struct heft_buffer have;
	struct heft_buffer takes;
	enum heft_status st;

	if (!is_reshaped(s) || s->from.rank == 0)
		return HEFT_OK;
	heft_buffer_init(&have);
	heft_buffer_init(&takes);
	heft_dataset_add_shape(&have, UINT64_MAX, s->from.rank, s->from.dims);
	heft_dataset_add_shape(&takes, UINT64_MAX, s->rank, s->dims);
	heft_buffer_add_u8(&have, 0);
	heft_buffer_add_u8(&takes, 0);
	if (have.ok && takes.ok)
		st = heft_feed_add_note(f, err, "a sample of array '%.80s', %s, is taken as %s",
		                        s->from.name, (const char *)have.bytes,
		                        (const char *)takes.bytes);
	else
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a note");
	heft_buffer_done(&have);
	heft_buffer_done(&takes);
	return st;
}

static enum heft_status set_input(struct heft_feed *f, uint32_t i, struct heft_error *err)
{
	const struct heft_model_value *want = &f->wants[i];
	struct heft_feed_slot *s = &f->slots[i];

	HEFT_TRY(heft_dataset_array_at(f->ds, s->array, &s->from, err));
	if (!heft_feed_fit(&s->from, want, &s->rank, s->dims))
		return does_not_fit(s, "input", want, err);
	s->dtype = want->dtype == HEFT_DTYPE_NONE ? s->from.dtype : want->dtype;
	if (!is_number(s->dtype) || (is_whole(s->dtype) && !is_whole(s->from.dtype)))
		return does_not_fit(s, "input", want, err);
	HEFT_TRY(set_sizes(s, err));
	HEFT_TRY(note_shape(f, s, err));
	return heft_feed_set_conversion(f, s, true, err);
}

/* A class a sample, or one a place: the output without its classes, which are dimension 1. Where
 * that is not known the loss says what it thinks of the shape. */
static void fit_classes(const struct heft_feed *f, struct heft_feed_slot *s)
{
	struct heft_model_value want = f->output;
	uint64_t n;

	s->rank = s->from.rank;
	memcpy(s->dims, s->from.dims, sizeof s->dims);
	if (want.has_shape && want.rank >= 2) {
		want.rank--;
		for (uint32_t d = 1; d < want.rank; d++)
			want.dims[d] = want.dims[d + 1];
		if (heft_feed_fit(&s->from, &want, &s->rank, s->dims))
			return;
	}
	if (heft_dims_product(s->from.rank, s->from.dims, &n) && n == 1)
		s->rank = 0;
}

static enum heft_status set_target(struct heft_feed *f, struct heft_error *err)
{
	struct heft_feed_slot *s = &f->slots[f->n_inputs];

	f->target_kind = f->options->target_as;
	if (f->target_kind == HEFT_TARGET_NONE)
		return HEFT_OK;
	HEFT_TRY(heft_dataset_array_at(f->ds, s->array, &s->from, err));
	if (f->target_kind == HEFT_TARGET_BY_DTYPE)
		f->target_kind = is_whole(s->from.dtype) ? HEFT_TARGET_CLASSES : HEFT_TARGET_VALUES;
	if (f->target_kind == HEFT_TARGET_CLASSES) {
		fit_classes(f, s);
		s->dtype = HEFT_DTYPE_I64;
	} else {
		if (!heft_feed_fit(&s->from, &f->output, &s->rank, s->dims))
			return does_not_fit(s, "output", &f->output, err);
		s->dtype = f->output.dtype == HEFT_DTYPE_F64 ? HEFT_DTYPE_F64 : HEFT_DTYPE_F32;
	}
	HEFT_TRY(set_sizes(s, err));
	return heft_feed_set_conversion(f, s, false, err);
}

static enum heft_status make(struct heft_feed *f, struct heft_error *err)
{
	HEFT_TRY(read_model(f, err));
	HEFT_TRY(heft_feed_bind_arrays(f, err));
	for (uint32_t i = 0; i < f->n_inputs; i++)
		HEFT_TRY(set_input(f, i, err));
	return set_target(f, err);
}

/* --- the feed --- */

enum heft_status heft_feed_new(const struct heft_model *model, struct heft_dataset *ds,
                               const struct heft_feed_options *options, struct heft_feed **out,
                               struct heft_error *err)
{
	struct heft_feed *f = heft_zalloc(sizeof *f);
	enum heft_status st;

	if (!f)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to feed a model");
	f->model = model;
	f->ds = ds;
	f->options = options;
	st = make(f, err);
	if (st != HEFT_OK) {
		heft_feed_free(f);
		return st;
	}
	*out = f;
	return HEFT_OK;
}

void heft_feed_free(struct heft_feed *f)
{
	if (!f)
		return;
	for (uint32_t i = 0; f->slots && i <= f->n_inputs; i++)
		heft_free(f->slots[i].table);
	for (uint32_t i = 0; i < f->n_notes; i++)
		heft_free(f->notes[i]);
	heft_free(f->slots);
	heft_free(f->wants);
	heft_free(f);
}

struct heft_dataset *heft_feed_dataset(const struct heft_feed *f)
{
	return f->ds;
}

enum heft_feed_target heft_feed_target_kind(const struct heft_feed *f)
{
	return f->target_kind;
}

static void describe(const struct heft_feed_slot *s, uint64_t n, struct heft_value *value)
{
	*value = (struct heft_value){
		.name = s->name,
		.dtype = s->dtype,
		.rank = s->rank + 1,
		.dims = { n },
		.n_bytes = n * s->n_bytes,
	};
	memcpy(value->dims + 1, s->dims, s->rank * sizeof *s->dims);
}

void heft_feed_describe_input(const struct heft_feed *f, uint32_t i, uint64_t n,
                              struct heft_value *value)
{
	describe(&f->slots[i], n, value);
}

void heft_feed_describe_target(const struct heft_feed *f, uint64_t n, struct heft_value *value)
{
	if (f->target_kind == HEFT_TARGET_NONE)
		*value = (struct heft_value){ .name = "target" };
	else
		describe(&f->slots[f->n_inputs], n, value);
}

const char *heft_feed_input_array(const struct heft_feed *f, uint32_t i)
{
	return f->slots[i].from.name;
}

const char *heft_feed_target_array(const struct heft_feed *f)
{
	return f->slots[f->n_inputs].from.name;
}

const char *heft_feed_note(const struct heft_feed *f, uint32_t i)
{
	return i < f->n_notes ? f->notes[i] : NULL;
}
