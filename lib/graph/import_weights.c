/* SPDX-License-Identifier: Apache-2.0 */
/* import_weights.c - another file's weights in place of the model's own, bound as a conversion into
 * the model binds them. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/import_state.h"
#include "tensor/strided.h"
#include "weights/bind.h"
#include "weights/transfer.h"

/* What all floating tensors of the model are; NONE: they differ. */
static enum heft_status find_dtype(struct heft_file *file, enum heft_dtype *dtype,
                                   struct heft_error *err)
{
	struct heft_tensor t;

	*dtype = HEFT_DTYPE_NONE;
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		const struct heft_dtype_info *info;

		HEFT_TRY(heft_tensor_at(file, i, &t, err));
		info = heft_dtype_describe(t.dtype);
		if (!info || !info->is_float || t.dtype == *dtype)
			continue;
		if (*dtype != HEFT_DTYPE_NONE) {
			*dtype = HEFT_DTYPE_NONE;
			return HEFT_OK;
		}
		*dtype = t.dtype;
	}
	return HEFT_OK;
}

/* `bytes` of a tensor of another dtype, or transposed, or both, become those of the constant. */
static enum heft_status change(const struct heft_tensor *t, const void *bytes, bool is_transposed,
                               struct heft_array *a, struct heft_error *err)
{
	const size_t n = (size_t)t->n_elements;
	struct heft_strided view;
	enum heft_status st;
	void *cast;

	if (!is_transposed)
		return heft_cast_elements(a->dtype, a->bytes, t->dtype, bytes, n, err);
	cast = heft_alloc((size_t)a->n_bytes);
	if (!cast)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a matrix");
	st = heft_cast_elements(a->dtype, cast, t->dtype, bytes, n, err);
	heft_strided_init_transposed(&view, t->dims[0], t->dims[1],
	                             heft_dtype_describe(a->dtype)->n_bytes);
	if (st == HEFT_OK)
		heft_strided_gather(&view, cast, 0, a->bytes, (size_t)a->n_bytes);
	heft_free(cast);
	return st;
}

static enum heft_status read_changed(struct heft_file *file, const struct heft_tensor *t,
                                     bool is_transposed, struct heft_array *a,
                                     struct heft_error *err)
{
	void *bytes = heft_alloc((size_t)t->n_bytes);
	enum heft_status st;

	if (!bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for tensor '%.80s'",
		                 t->name);
	st = heft_read(file, t, 0, bytes, (size_t)t->n_bytes, err);
	if (st == HEFT_OK)
		st = change(t, bytes, is_transposed, a, err);
	heft_free(bytes);
	return st;
}

/* Borrowed from the file where it lies there as it is wanted. */
static enum heft_status take(struct heft_importer *imp, const struct heft_tensor *t,
                             bool is_transposed, struct heft_array *a)
{
	struct heft_file *file = imp->options->weights;
	const bool is_same = !is_transposed && t->dtype == a->dtype;
	const void *mapped;

	if (is_same && heft_map(file, t, &mapped, NULL) == HEFT_OK &&
	    heft_import_is_aligned(mapped, t->dtype)) {
		a->bytes = (void *)(uintptr_t)mapped; /* nobody writes to a constant */
		return HEFT_OK;
	}
	a->bytes = heft_ir_alloc(imp->m, a->n_bytes);
	if (!a->bytes)
		return heft_fail(imp->err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for tensor '%.80s'", t->name);
	return is_same ? heft_read(file, t, 0, a->bytes, (size_t)t->n_bytes, imp->err)
	               : read_changed(file, t, is_transposed, a, imp->err);
}

static enum heft_status take_all(struct heft_importer *imp, const struct heft_binding *b)
{
	for (uint32_t i = 0; i < imp->m->n_constants; i++) {
		struct heft_ir_constant *c = &imp->m->constants[i];
		struct heft_tensor t;

		if (c->tensor == HEFT_IR_NONE || c->tensor >= b->n || !c->array.bytes ||
		    b->ways[c->tensor] == HEFT_WAY_OTHER)
			continue;
		HEFT_TRY(heft_tensor_at(imp->options->weights, b->source[c->tensor], &t, imp->err));
		HEFT_TRY(take(imp, &t, b->ways[c->tensor] == HEFT_WAY_TRANSPOSED, &c->array));
	}
	return HEFT_OK;
}

enum heft_status heft_import_weights(struct heft_importer *imp)
{
	const struct heft_import_options *o = imp->options;
	struct heft_convert_plan plan = { .into = imp->file,
		                          .keep = o->keep,
		                          .n_keep = o->n_keep,
		                          .allow_transpose = o->allow_transpose };
	struct heft_binding binding = { .source = NULL };
	struct heft_listing *tensors = NULL;
	char note[HEFT_IMPORT_NOTE_SIZE];
	enum heft_status st;

	if (!o->weights)
		return HEFT_OK;
	HEFT_TRY(find_dtype(imp->file, &plan.float_dtype, imp->err));
	st = heft_listing_new(&tensors, imp->err);
	if (st == HEFT_OK)
		st = heft_bind(&binding, o->weights, &plan, tensors, note, sizeof note, imp->err);
	if (st == HEFT_OK)
		st = take_all(imp, &binding);
	if (st == HEFT_OK && o->note)
		memcpy(o->note, note, sizeof note);
	heft_binding_done(&binding);
	heft_listing_free(tensors);
	return st;
}
