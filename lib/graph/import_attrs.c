/* SPDX-License-Identifier: Apache-2.0 */
/* import_attrs.c - attributes of nodes. Each node's are read once; in a function they are then what
 * they are for each call. */
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "graph/import_state.h"
#include "onnx/fields.h"

/* An AttributeProto. Lists are gone through again for what is in them. */
struct found {
	uint64_t type; /* 0: the file does not say it, as old ones do not */
	uint32_t seen; /* fields below 32 that are there, a bit each */
	uint64_t i;
	uint32_t f;
	struct heft_wire_field s;
	struct heft_wire_field t;
	struct heft_wire_field name;
	struct heft_wire_field ref;
};

static enum heft_status note_field(struct heft_importer *imp, const struct heft_wire_field *f,
                                   struct found *found)
{
	static const uint8_t types[32] = {
		[HEFT_ATTRIBUTE_NAME] = 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_F] = 1 << HEFT_WIRE_FIXED32,
		[HEFT_ATTRIBUTE_I] = 1 << HEFT_WIRE_VARINT,
		[HEFT_ATTRIBUTE_S] = 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_T] = 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_FLOATS] = 1 << HEFT_WIRE_FIXED32 | 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_INTS] = 1 << HEFT_WIRE_VARINT | 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_STRINGS] = 1 << HEFT_WIRE_BYTES,
		[HEFT_ATTRIBUTE_TYPE] = 1 << HEFT_WIRE_VARINT,
		[HEFT_ATTRIBUTE_REF_NAME] = 1 << HEFT_WIRE_BYTES,
	};

	if (f->number >= 32)
		return HEFT_OK;
	if (types[f->number] != 0 && !(types[f->number] >> f->type & 1))
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "field %u of an attribute is of another type than it should be",
		                 f->number);
	found->seen |= UINT32_C(1) << f->number;
	if (f->number == HEFT_ATTRIBUTE_NAME)
		found->name = *f;
	else if (f->number == HEFT_ATTRIBUTE_F)
		found->f = (uint32_t)f->value;
	else if (f->number == HEFT_ATTRIBUTE_I)
		found->i = f->value;
	else if (f->number == HEFT_ATTRIBUTE_S)
		found->s = *f;
	else if (f->number == HEFT_ATTRIBUTE_T)
		found->t = *f;
	else if (f->number == HEFT_ATTRIBUTE_TYPE)
		found->type = f->value;
	else if (f->number == HEFT_ATTRIBUTE_REF_NAME)
		found->ref = *f;
	return HEFT_OK;
}

static enum heft_status look_over(struct heft_importer *imp, struct heft_wire_message m,
                                  struct found *found)
{
	struct heft_wire_field f;
	bool has;

	*found = (struct found){ .type = 0 };
	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			return HEFT_OK;
		HEFT_TRY(note_field(imp, &f, found));
	}
}

/* --- values --- */

static enum heft_status copy_text(struct heft_importer *imp, const struct heft_wire_field *f,
                                  const char **text)
{
	char *copy;

	HEFT_TRY(heft_import_take(imp, (size_t)f->size + 1, 1, &copy));
	*text = copy;
	return heft_wire_copy(&imp->in, f->off, copy, (size_t)f->size, imp->err);
}

/* One number, or a run of them: as they are in an array of int64_t or float. */
static enum heft_status add_run(struct heft_importer *imp, const struct heft_wire_field *f)
{
	struct heft_wire_message run = heft_wire_inner(f);
	uint8_t bytes[4];
	uint64_t value;
	uint32_t bits;

	if (f->type == HEFT_WIRE_VARINT)
		return heft_import_add(imp, &imp->numbers, &f->value, sizeof f->value);
	if (f->number == HEFT_ATTRIBUTE_INTS) {
		while (run.at < run.end) {
			HEFT_TRY(heft_wire_varint(&imp->in, &run, &value, imp->err));
			HEFT_TRY(heft_import_add(imp, &imp->numbers, &value, sizeof value));
		}
		return HEFT_OK;
	}
	if ((run.end - run.at) % sizeof bytes != 0)
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "an attribute has a float that is cut short");
	for (; run.at < run.end; run.at += sizeof bytes) {
		HEFT_TRY(heft_wire_copy(&imp->in, run.at, bytes, sizeof bytes, imp->err));
		bits = heft_get_le32(bytes);
		HEFT_TRY(heft_import_add(imp, &imp->numbers, &bits, sizeof bits));
	}
	return HEFT_OK;
}

/* All that fields of that number have, as an array of the model. */
static enum heft_status read_list(struct heft_importer *imp, struct heft_wire_message m,
                                  uint32_t number, size_t item_size, void *list, uint32_t *n)
{
	struct heft_wire_field f;
	const char *text;
	void *copy;
	bool has;

	imp->numbers.size = 0;
	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			break;
		if (f.number != number)
			continue;
		if (number != HEFT_ATTRIBUTE_STRINGS) {
			HEFT_TRY(add_run(imp, &f));
			continue;
		}
		HEFT_TRY(copy_text(imp, &f, &text));
		HEFT_TRY(heft_import_add(imp, &imp->numbers, &text, sizeof text));
	}
	*n = (uint32_t)(imp->numbers.size / item_size);
	HEFT_TRY(heft_import_take(imp, imp->numbers.size, 1, &copy));
	if (imp->numbers.size > 0)
		memcpy(copy, imp->numbers.bytes, imp->numbers.size);
	memcpy(list, &copy, sizeof copy);
	return HEFT_OK;
}

/* The type that the file says, or that of the field that is there. */
static uint64_t kind_of(const struct found *found)
{
	static const uint8_t fields[] = { HEFT_ATTRIBUTE_F,    HEFT_ATTRIBUTE_I,
		                          HEFT_ATTRIBUTE_S,    HEFT_ATTRIBUTE_T,
		                          HEFT_ATTRIBUTE_G,    HEFT_ATTRIBUTE_FLOATS,
		                          HEFT_ATTRIBUTE_INTS, HEFT_ATTRIBUTE_STRINGS };

	if (found->type != 0)
		return found->type;
	for (uint32_t k = 0; k < sizeof fields; k++) {
		if (found->seen >> fields[k] & 1)
			return k + 1; /* the kinds are numbered so */
	}
	return 0;
}

static enum heft_status read_tensor(struct heft_importer *imp, const struct found *found,
                                    struct heft_attr *attr)
{
	enum heft_import_fault fault;
	struct heft_array *tensor;

	HEFT_TRY(heft_import_take(imp, 1, sizeof *tensor, &tensor));
	attr->tensor = tensor;
	return heft_import_tensor(imp, heft_wire_inner(&found->t), tensor, &fault);
}

static enum heft_status read_value(struct heft_importer *imp, struct heft_wire_message m,
                                   const struct found *found, struct heft_attr *attr, bool *has)
{
	const uint64_t kind = kind_of(found);

	*has = kind >= HEFT_ATTR_FLOAT && kind <= HEFT_ATTR_TEXTS;
	if (!*has)
		return HEFT_OK;
	attr->kind = (enum heft_attr_kind)kind;
	switch (attr->kind) {
	case HEFT_ATTR_FLOAT:
		memcpy(&attr->f, &found->f, sizeof attr->f);
		return HEFT_OK;
	case HEFT_ATTR_INT:
		attr->i = (int64_t)found->i;
		return HEFT_OK;
	case HEFT_ATTR_TEXT:
		return copy_text(imp, &found->s, &attr->text);
	case HEFT_ATTR_TENSOR:
		return read_tensor(imp, found, attr);
	case HEFT_ATTR_FLOATS:
		return read_list(imp, m, HEFT_ATTRIBUTE_FLOATS, sizeof(float), &attr->floats,
		                 &attr->n);
	case HEFT_ATTR_INTS:
		return read_list(imp, m, HEFT_ATTRIBUTE_INTS, sizeof(int64_t), &attr->ints,
		                 &attr->n);
	case HEFT_ATTR_TEXTS:
		return read_list(imp, m, HEFT_ATTRIBUTE_STRINGS, sizeof(char *), &attr->texts,
		                 &attr->n);
	case HEFT_ATTR_GRAPH:
		break;
	}
	return HEFT_OK;
}

enum heft_status heft_import_attr(struct heft_importer *imp, struct heft_wire_message m,
                                  struct heft_import_attr *a, bool *has)
{
	struct found found;

	HEFT_TRY(look_over(imp, m, &found));
	if (!a->attr.name)
		HEFT_TRY(copy_text(imp, &found.name, &a->attr.name));
	*has = true;
	if (found.ref.size > 0)
		return copy_text(imp, &found.ref, &a->ref);
	return read_value(imp, m, &found, &a->attr, has);
}

/* --- those of a node --- */

/* The graph that attribute `name` of the node has; those of a node come in the order of its
 * attributes. `scope` is the first that may be it, and then the first of the next attribute. */
static uint32_t take_scope(const struct heft_importer *imp, uint32_t name, uint32_t *scope)
{
	uint32_t found = HEFT_ONNX_NONE;

	while (*scope != HEFT_ONNX_NONE && heft_onnx_scope(imp->g, *scope)->attribute == name) {
		if (heft_onnx_scope(imp->g, *scope)->ordinal == HEFT_ONNX_NONE)
			found = *scope;
		*scope = imp->next_scope[*scope];
	}
	return found;
}

static enum heft_status fail_attr(const struct heft_importer *imp, uint32_t node, uint32_t name,
                                  const char *what)
{
	return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "node '%.60s' %s '%.60s'",
	                 heft_import_text(imp, heft_onnx_node(imp->g, node)->name), what,
	                 heft_import_text(imp, name));
}

static enum heft_status read_row(struct heft_importer *imp, uint32_t node, uint32_t attribute,
                                 uint32_t *scope)
{
	const struct heft_onnx_attribute *at = heft_onnx_attribute(imp->g, attribute);
	const struct heft_wire_message m = { at->off, at->off + at->size };
	struct heft_import_attr a = { .attr = { .name = heft_import_text(imp, at->name) } };
	uint32_t *seen = &imp->seen[heft_import_slot(at->name)];
	bool has;

	if (*seen == node + 1)
		return fail_attr(imp, node, at->name, "has twice the attribute");
	*seen = node + 1;
	HEFT_TRY(heft_import_attr(imp, m, &a, &has));
	a.scope = take_scope(imp, at->name, scope);
	if (!has)
		return HEFT_OK;
	if (a.attr.kind == HEFT_ATTR_GRAPH && a.scope == HEFT_ONNX_NONE)
		return fail_attr(imp, node, at->name, "has no graph in the attribute");
	return heft_import_add(imp, &imp->rows, &a, sizeof a);
}

static enum heft_status keep_rows(struct heft_importer *imp, struct heft_import_attrs *attrs)
{
	const uint32_t n = heft_import_n_row(imp);
	struct heft_import_attr *rows;
	struct heft_attr *plain;
	bool is_plain = true;

	for (uint32_t k = 0; k < n; k++) {
		const struct heft_import_attr *a = heft_import_row(imp, k);

		is_plain = is_plain && !a->ref && a->attr.kind != HEFT_ATTR_GRAPH;
	}
	attrs->is_read = true;
	if (n == 0)
		return HEFT_OK;
	if (is_plain) {
		HEFT_TRY(heft_import_take(imp, n, sizeof *plain, &plain));
		for (uint32_t k = 0; k < n; k++)
			plain[k] = heft_import_row(imp, k)->attr;
		attrs->plain = (struct heft_attrs){ plain, n };
		return HEFT_OK;
	}
	HEFT_TRY(heft_import_take(imp, n, sizeof *rows, &rows));
	memcpy(rows, imp->rows.bytes, imp->rows.size);
	attrs->rows = rows;
	attrs->n = n;
	return HEFT_OK;
}

static enum heft_status read_attrs(struct heft_importer *imp, uint32_t node)
{
	const struct heft_onnx_node *n = heft_onnx_node(imp->g, node);
	uint32_t scope = imp->first_scope[node];

	imp->rows.size = 0;
	for (uint32_t k = 0; k < n->n_attributes; k++)
		HEFT_TRY(read_row(imp, node, n->attributes_at + k, &scope));
	return keep_rows(imp, &imp->attrs[node]);
}

/* --- where the walk is --- */

const struct heft_attr *heft_import_given(const struct heft_importer *imp, const char *name)
{
	for (uint32_t k = 0; k < imp->at.given.n; k++) {
		if (strcmp(imp->at.given.rows[k].name, name) == 0)
			return &imp->at.given.rows[k];
	}
	return NULL;
}

/* An attribute that stands for one of the function's which is not given is not there. */
enum heft_status heft_import_node_attrs(struct heft_importer *imp, uint32_t node,
                                        struct heft_attrs *attrs, bool *has_graphs)
{
	const struct heft_import_attrs *own = &imp->attrs[node];
	struct heft_attr *rows;
	uint32_t n = 0;

	*has_graphs = false;
	if (!own->is_read)
		HEFT_TRY(read_attrs(imp, node));
	*attrs = own->plain;
	if (own->n == 0)
		return HEFT_OK;
	HEFT_TRY(heft_import_charge(imp, (uint64_t)own->n * (1 + imp->at.given.n)));
	HEFT_TRY(heft_import_take(imp, own->n, sizeof *rows, &rows));
	for (uint32_t k = 0; k < own->n; k++) {
		const struct heft_import_attr *a = &own->rows[k];
		const struct heft_attr *given = a->ref ? heft_import_given(imp, a->ref) : &a->attr;

		if (!given)
			continue;
		rows[n] = *given;
		rows[n].name = a->attr.name;
		if (rows[n].kind == HEFT_ATTR_GRAPH) {
			*has_graphs = true;
			rows[n].graph = a->scope;
		}
		n++;
	}
	*attrs = (struct heft_attrs){ rows, n };
	return HEFT_OK;
}
