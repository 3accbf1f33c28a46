/* SPDX-License-Identifier: Apache-2.0 */
/* import_constants.c - constants: weights, which are tensors of the file, what stays in the graph,
 * and inputs that are given when the model is read. Weights are read last, when it is known which
 * of them some node wants. */
#include <string.h>

#include "base/error.h"
#include "graph/import_state.h"
#include "graph/kinds.h"

/* --- what a value is --- */

static enum heft_status set_array(struct heft_importer *imp, struct heft_array *array,
                                  enum heft_dtype dtype, uint32_t rank, uint64_t n,
                                  const void *bytes)
{
	HEFT_TRY(heft_array_set(array, dtype, rank, &n, imp->err));
	if (array->n_bytes == 0)
		return HEFT_OK;
	HEFT_TRY(heft_import_take(imp, (size_t)array->n_bytes, 1, &array->bytes));
	memcpy(array->bytes, bytes, (size_t)array->n_bytes);
	return HEFT_OK;
}

/* Texts of an attribute, which are the model's already. */
static enum heft_status set_texts(struct heft_importer *imp, struct heft_array *array,
                                  uint32_t rank, uint64_t n, const char *const *texts)
{
	struct heft_text *to;

	HEFT_TRY(heft_array_set(array, HEFT_KIND_TEXTS, rank, &n, imp->err));
	HEFT_TRY(heft_import_take(imp, (size_t)array->n_elements, sizeof *to, &to));
	for (uint64_t i = 0; i < array->n_elements; i++) {
		to[i].bytes = texts[i];
		to[i].n_bytes = strlen(texts[i]);
	}
	array->bytes = to;
	return HEFT_OK;
}

static enum heft_status take_attr(struct heft_importer *imp, const struct heft_attr *attr,
                                  struct heft_array *array, enum heft_import_fault *fault)
{
	*fault = HEFT_IMPORT_NO_FAULT;
	switch (attr->kind) {
	case HEFT_ATTR_FLOAT:
		return set_array(imp, array, HEFT_DTYPE_F32, 0, 0, &attr->f);
	case HEFT_ATTR_INT:
		return set_array(imp, array, HEFT_DTYPE_I64, 0, 0, &attr->i);
	case HEFT_ATTR_FLOATS:
		return set_array(imp, array, HEFT_DTYPE_F32, 1, attr->n, attr->floats);
	case HEFT_ATTR_INTS:
		return set_array(imp, array, HEFT_DTYPE_I64, 1, attr->n, attr->ints);
	case HEFT_ATTR_TENSOR:
		*array = *attr->tensor;
		if (array->dtype == HEFT_DTYPE_NONE)
			*fault = HEFT_IMPORT_IS_FOREIGN;
		if (array->dtype == HEFT_KIND_TEXTS)
			*fault = HEFT_IMPORT_IS_STRINGS;
		return HEFT_OK;
	case HEFT_ATTR_TEXT:
		*fault = HEFT_IMPORT_IS_STRINGS;
		return set_texts(imp, array, 0, 1, &attr->text);
	case HEFT_ATTR_TEXTS:
		*fault = HEFT_IMPORT_IS_STRINGS;
		return set_texts(imp, array, 1, attr->n, attr->texts);
	case HEFT_ATTR_GRAPH:
		break;
	}
	*fault = HEFT_IMPORT_IS_NOTHING;
	return HEFT_OK;
}

/* Of a Constant, whose attribute may stand for one of its function's: *is_given. */
static enum heft_status read_attr(struct heft_importer *imp, struct heft_wire_message m,
                                  struct heft_array *array, enum heft_import_fault *fault,
                                  bool *is_given)
{
	struct heft_import_attr a = { .attr = { .name = "value" } };
	const struct heft_attr *attr = &a.attr;
	bool has;

	HEFT_TRY(heft_import_attr(imp, m, &a, &has));
	*is_given = a.ref != NULL;
	if (a.ref) {
		HEFT_TRY(heft_import_charge(imp, imp->at.given.n));
		attr = heft_import_given(imp, a.ref);
	}
	*fault = HEFT_IMPORT_IS_NOTHING;
	return attr && has ? take_attr(imp, attr, array, fault) : HEFT_OK;
}

static enum heft_status take_weight(struct heft_importer *imp, uint32_t weight,
                                    struct heft_ir_constant *c, enum heft_import_fault *fault)
{
	const struct heft_listing *tensors = imp->list->model.tensors;
	const struct heft_listed *row = heft_listing_row(tensors, weight);

	if (row->rank > HEFT_GRAPH_MAX_RANK) {
		*fault = HEFT_IMPORT_IS_DEEP;
		return HEFT_OK;
	}
	c->tensor = imp->list->tensors[weight];
	return heft_array_set(&c->array, (enum heft_dtype)row->dtype, row->rank,
	                      heft_listing_dims(tensors, weight), imp->err);
}

enum heft_status heft_import_constant_of(struct heft_importer *imp, uint32_t value,
                                         uint32_t *constant)
{
	const struct heft_onnx_value *v = heft_onnx_value(imp->g, value);
	const struct heft_wire_message m = { v->off, v->off + v->size };
	struct heft_import_source source = { .weight = HEFT_ONNX_NONE };
	struct heft_ir_constant c = { .tensor = HEFT_IR_NONE };
	bool is_given = false;

	*constant = imp->constants[value];
	if (*constant != HEFT_IR_NONE)
		return HEFT_OK;
	if (v->is_sparse) {
		source.fault = HEFT_IMPORT_IS_SPARSE;
	} else if (v->tensor != HEFT_ONNX_NONE) {
		source.weight = v->tensor;
		HEFT_TRY(take_weight(imp, v->tensor, &c, &source.fault));
	} else if (v->at == HEFT_ONNX_AT_TENSOR) {
		HEFT_TRY(heft_import_tensor(imp, m, &c.array, &source.fault));
	} else if (v->at == HEFT_ONNX_AT_ATTRIBUTE) {
		HEFT_TRY(read_attr(imp, m, &c.array, &source.fault, &is_given));
	} else {
		source.fault = HEFT_IMPORT_IS_NOTHING;
	}
	*constant = heft_import_n_constant(imp);
	if (!is_given)
		imp->constants[value] = *constant;
	HEFT_TRY(heft_import_add(imp, &imp->sources, &source, sizeof source));
	return heft_import_add(imp, &imp->ir_constants, &c, sizeof c);
}

/* --- inputs that are given --- */

static const char *input_name(const struct heft_importer *imp, uint32_t ref)
{
	return heft_import_text(imp, heft_onnx_value(imp->g, ref)->name);
}

static enum heft_status fail_no_input(struct heft_importer *imp, const char *name)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, 0);
	struct heft_buffer names;
	enum heft_status st;

	heft_buffer_init(&names);
	for (uint32_t k = 0; k < s->n_inputs && names.size < sizeof imp->err->msg; k++)
		heft_buffer_addf(&names, "%s'%s'", k > 0 ? ", " : "",
		                 input_name(imp, *heft_onnx_ref(imp->g, s->inputs_at + k)));
	st = heft_fail(imp->err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
	               "the model has no input '%.80s'; it has %.*s", name, (int)names.size,
	               names.size > 0 ? (const char *)names.bytes : "none");
	heft_buffer_done(&names);
	return st;
}

static enum heft_status find_input(struct heft_importer *imp, const char *name, uint32_t *ref)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, 0);

	for (uint32_t k = 0; k < s->n_inputs; k++) {
		*ref = *heft_onnx_ref(imp->g, s->inputs_at + k);
		if (strcmp(input_name(imp, *ref), name) == 0)
			return HEFT_OK;
	}
	return fail_no_input(imp, name);
}

static enum heft_status fail_pin(const struct heft_importer *imp, const struct heft_value *pin,
                                 const char *what)
{
	return heft_fail(imp->err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the value for input '%.80s' %s",
	                 pin->name, what);
}

static enum heft_status check_pin(struct heft_importer *imp, const struct heft_value *pin,
                                  uint32_t ref)
{
	const struct heft_graph_type *type = &imp->list->types[ref];
	const struct heft_ir_dim *dims = imp->m->dims + type->dims_at;

	if (imp->constants[ref] != HEFT_IR_NONE)
		return fail_pin(imp, pin, "is given twice");
	if (type->dtype != HEFT_DTYPE_NONE && (enum heft_dtype)type->dtype != pin->dtype)
		return heft_fail(imp->err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the value for input '%.80s' is %s and not %s", pin->name,
		                 heft_dtype_name(pin->dtype),
		                 heft_dtype_name((enum heft_dtype)type->dtype));
	if (!type->has_shape)
		return HEFT_OK;
	if (type->rank != pin->rank)
		return heft_fail(imp->err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the value for input '%.80s' has %u dimensions and not %u",
		                 pin->name, pin->rank, type->rank);
	for (uint32_t d = 0; d < pin->rank; d++) {
		if (!dims[d].symbol && dims[d].size != pin->dims[d])
			return heft_fail(imp->err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the value for input '%.80s' has %llu in dimension %u and "
			                 "not %llu",
			                 pin->name, (unsigned long long)pin->dims[d], d,
			                 (unsigned long long)dims[d].size);
	}
	return HEFT_OK;
}

static enum heft_status pin_input(struct heft_importer *imp, const struct heft_value *pin)
{
	const struct heft_import_source source = { .weight = HEFT_ONNX_NONE };
	struct heft_ir_constant c = { .tensor = HEFT_IR_NONE };
	uint32_t ref = HEFT_ONNX_NONE;

	if (!heft_dtype_describe(pin->dtype))
		return fail_pin(imp, pin, "is no array of numbers");
	HEFT_TRY(find_input(imp, pin->name, &ref));
	HEFT_TRY(check_pin(imp, pin, ref));
	HEFT_TRY(heft_array_set(&c.array, pin->dtype, pin->rank, pin->dims, imp->err));
	if (c.array.n_bytes != pin->n_bytes)
		return fail_pin(imp, pin, "has another number of bytes than its shape");
	if (pin->n_bytes > 0) {
		HEFT_TRY(heft_import_take(imp, (size_t)pin->n_bytes, 1, &c.array.bytes));
		memcpy(c.array.bytes, pin->bytes, (size_t)pin->n_bytes);
	}
	imp->constants[ref] = heft_import_n_constant(imp);
	HEFT_TRY(heft_import_add(imp, &imp->sources, &source, sizeof source));
	return heft_import_add(imp, &imp->ir_constants, &c, sizeof c);
}

enum heft_status heft_import_pins(struct heft_importer *imp)
{
	for (uint32_t i = 0; i < imp->options->n_pins; i++)
		HEFT_TRY(pin_input(imp, &imp->options->pins[i]));
	return HEFT_OK;
}

/* --- the bytes of weights --- */

/* What kernels want: elements of up to eight bytes lie at multiples of their size. */
bool heft_import_is_aligned(const void *bytes, enum heft_dtype dtype)
{
	const struct heft_dtype_info *info = heft_dtype_describe(dtype);
	const uint32_t size = !info || info->n_elements != 1 ? 1 : info->n_bytes;

	return (uintptr_t)bytes % (size > 8 ? 8 : size) == 0;
}

static enum heft_status check_tensor(const struct heft_importer *imp, const struct heft_array *a,
                                     const struct heft_tensor *t)
{
	bool is_same = t->dtype == a->dtype && t->rank == a->rank;

	for (uint32_t d = 0; is_same && d < a->rank; d++)
		is_same = t->dims[d] == a->dims[d];
	if (is_same)
		return HEFT_OK;
	return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "tensor '%.80s' has another dtype or shape than the graph says", t->name);
}

/* Borrowed from the file where it lies there as it is wanted. */
static enum heft_status load(struct heft_importer *imp, uint32_t constant)
{
	const struct heft_import_source *source = heft_import_source(imp, constant);
	struct heft_ir_constant *c = &imp->m->constants[constant];
	const void *mapped;
	struct heft_tensor t;

	if (source->weight == HEFT_ONNX_NONE || c->array.bytes || c->array.n_bytes == 0)
		return HEFT_OK;
	if (c->tensor == HEFT_IR_NONE)
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "the graph wants tensor '%.80s', which the file has not",
		                 heft_listing_name(imp->list->model.tensors, source->weight));
	HEFT_TRY(heft_tensor_at(imp->file, c->tensor, &t, imp->err));
	HEFT_TRY(check_tensor(imp, &c->array, &t));
	if (heft_map(imp->file, &t, &mapped, NULL) == HEFT_OK &&
	    heft_import_is_aligned(mapped, t.dtype)) {
		c->array.bytes = (void *)(uintptr_t)mapped; /* nobody writes to a constant */
		return HEFT_OK;
	}
	c->array.bytes = heft_ir_alloc(imp->m, t.n_bytes);
	if (!c->array.bytes)
		return heft_fail(imp->err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for tensor '%.80s'", t.name);
	return heft_read(imp->file, &t, 0, c->array.bytes, (size_t)t.n_bytes, imp->err);
}

static enum heft_status load_values(struct heft_importer *imp, uint32_t refs_at, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		const uint32_t value = imp->m->refs[refs_at + k];

		if (heft_ir_constant(imp->m, value))
			HEFT_TRY(load(imp, imp->m->values[value].constant));
	}
	return HEFT_OK;
}

enum heft_status heft_import_load(struct heft_importer *imp)
{
	const struct heft_model *m = imp->m;

	for (uint32_t b = 0; b < m->n_blocks; b++) {
		const struct heft_ir_block *block = &m->blocks[b];

		if (block->node != HEFT_IR_NONE && m->nodes[block->node].is_dead)
			continue;
		for (uint32_t k = 0; k < block->n_nodes; k++) {
			const struct heft_ir_node *node = &m->nodes[m->order[block->order_at + k]];

			HEFT_TRY(load_values(imp, node->refs_at, node->n_in));
		}
		HEFT_TRY(load_values(imp, block->outputs_at, block->n_outputs));
	}
	return HEFT_OK;
}
