/* SPDX-License-Identifier: Apache-2.0 */
/* scan_weight.c - which tensors are weights, and which name each has: initializers, Constants and
 * sparse ones (spec/foreign/onnx.md, O2-1 to O2-3). */
#include "base/error.h"
#include "onnx/fields.h"
#include "onnx/scan.h"

#define STRING_TYPE 8u

/* A tensor that stays in the graph cannot leave its bytes in another file. */
static enum heft_status check_inside(const struct heft_onnx_tensor *t, struct heft_error *err)
{
	if (t->location == 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_UNSUPPORTED, t->field.at,
	                 "a constant that is no weight lies in external data");
}

/* Adds the tensor under what stands in front here, its name, and `suffix`. */
static enum heft_status take_named(struct heft_onnx_walk *w, const struct heft_onnx_tensor *t,
                                   struct heft_onnx_span name, const char *suffix,
                                   bool is_initializer, struct heft_error *err)
{
	const size_t before = w->name.size;

	HEFT_TRY(heft_onnx_name_span(w, name, err));
	heft_onnx_name_text(w, suffix);
	HEFT_TRY(heft_onnx_take_tensor(w, t, is_initializer, err));
	w->name.size = before;
	return HEFT_OK;
}

enum heft_status heft_onnx_scan_initializer(struct heft_onnx_walk *w,
                                            const struct heft_wire_field *field,
                                            struct heft_error *err)
{
	struct heft_onnx_tensor t;

	HEFT_TRY(heft_onnx_parse_tensor(w, field, &t, err));
	if (t.data_type == STRING_TYPE)
		return check_inside(&t, err);
	return take_named(w, &t, t.name, "", w->is_main, err);
}

/* O2-1 */
enum heft_status heft_onnx_scan_value(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_onnx_span name, struct heft_error *err)
{
	const struct heft_onnx_type *type;
	struct heft_onnx_tensor t;

	HEFT_TRY(heft_onnx_parse_tensor(w, field, &t, err));
	type = heft_onnx_type(t.data_type);
	if (t.data_type == STRING_TYPE || (type && (!type->is_weight || t.rank == 0)))
		return check_inside(&t, err);
	return take_named(w, &t, name, "", false, err);
}

struct sparse {
	struct heft_wire_field values;
	struct heft_wire_field indices;
};

static enum heft_status find_parts(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                   struct sparse *s, struct heft_error *err)
{
	static const uint8_t types[32] = {
		[HEFT_SPARSE_VALUES] = HEFT_ONNX_BYTES, [HEFT_SPARSE_INDICES] = HEFT_ONNX_BYTES
	};
	struct heft_wire_message message = heft_wire_inner(field);
	struct heft_wire_field f;
	bool has;

	*s = (struct sparse){ .values = { .number = 0 } };
	for (;;) {
		HEFT_TRY(heft_onnx_next(w, &message, types, &f, &has, err));
		if (!has)
			break;
		HEFT_TRY(heft_onnx_once(f.number == HEFT_SPARSE_VALUES ? &s->values : &s->indices,
		                        &f, err));
	}
	if (s->values.number == 0 || s->indices.number == 0)
		return heft_fail(err, HEFT_E_CORRUPT, field->at,
		                 "a sparse tensor lacks its values or its indices");
	return HEFT_OK;
}

/* O2-2. `name` is a Constant's; NULL: that of the values. In the order of the file. */
enum heft_status heft_onnx_scan_sparse(struct heft_onnx_walk *w,
                                       const struct heft_wire_field *field,
                                       const struct heft_onnx_span *name, struct heft_error *err)
{
	const struct heft_onnx_type *type;
	struct heft_onnx_tensor t[2];
	struct sparse s;

	HEFT_TRY(find_parts(w, field, &s, err));
	HEFT_TRY(heft_onnx_parse_tensor(w, &s.values, &t[0], err));
	HEFT_TRY(heft_onnx_parse_tensor(w, &s.indices, &t[1], err));
	type = heft_onnx_type(t[0].data_type);
	if (t[0].data_type == STRING_TYPE || (name && type && !type->is_weight)) {
		HEFT_TRY(check_inside(&t[0], err));
		return check_inside(&t[1], err);
	}
	heft_onnx_enter(w, field);
	for (unsigned k = 0; k < 2; k++) {
		const unsigned which = s.values.at < s.indices.at ? k : 1 - k;

		HEFT_TRY(take_named(w, &t[which], name ? *name : t[0].name,
		                    which == 0 ? ".values" : ".indices", false, err));
	}
	heft_onnx_leave(w);
	return HEFT_OK;
}
