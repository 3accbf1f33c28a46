/* SPDX-License-Identifier: Apache-2.0 */
/* import_callees.c - what a node's type means: an operator, what the executor does itself, or a
 * function of the model, which comes first. Types are looked up once each. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/import_state.h"
#include "onnx/fields.h"

#define FUNCTION_OPSET_IMPORT 9u
#define FUNCTION_ATTRIBUTE_PROTO 11u

const char *heft_import_domain(const char *domain)
{
	return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

uint32_t heft_import_opset(const struct heft_importer *imp, const char *domain)
{
	for (uint32_t i = 0; i < imp->at.n_opsets; i++) {
		if (strcmp(imp->at.opsets[i].domain, domain) == 0)
			return imp->at.opsets[i].version;
	}
	return 0;
}

/* --- the table --- */

static uint32_t find_slot(struct heft_importer *imp, const struct heft_import_callee *key)
{
	const uint32_t words[3] = { key->domain, key->type, key->overload };
	const uint32_t mask = imp->n_callee_slots - 1;
	uint32_t at = (uint32_t)heft_siphash(&imp->seed, 0, words, sizeof words) & mask;

	while (imp->callee_slots[at] != 0) {
		const struct heft_import_callee *c = heft_import_callee(imp,
		                                                        imp->callee_slots[at] - 1);

		if (c->domain == key->domain && c->type == key->type &&
		    c->overload == key->overload)
			break;
		at = (at + 1) & mask;
	}
	return at;
}

static enum heft_status grow(struct heft_importer *imp)
{
	const uint32_t n = imp->n_callee_slots == 0 ? 256 : imp->n_callee_slots * 2;
	uint32_t *old = imp->callee_slots;

	if (heft_import_n_callee(imp) < imp->n_callee_slots / 2)
		return HEFT_OK;
	imp->callee_slots = heft_zalloc_array(n, sizeof *imp->callee_slots);
	if (!imp->callee_slots) {
		imp->callee_slots = old;
		return heft_import_no_memory(imp);
	}
	heft_free(old);
	imp->n_callee_slots = n;
	for (uint32_t i = 0; i < heft_import_n_callee(imp); i++)
		imp->callee_slots[find_slot(imp, heft_import_callee(imp, i))] = i + 1;
	return HEFT_OK;
}

/* The text of a domain, ONNX's own 0. */
static uint32_t domain_text(const struct heft_importer *imp, uint32_t text)
{
	return *heft_import_domain(heft_import_text(imp, text)) == '\0' ? 0 : text;
}

/* Puts it into the slot that was found for it. */
static enum heft_status add_callee(struct heft_importer *imp, uint32_t slot,
                                   const struct heft_import_callee *callee)
{
	imp->callee_slots[slot] = heft_import_n_callee(imp) + 1;
	return heft_import_add(imp, &imp->callees, callee, sizeof *callee);
}

/* --- operators --- */

static enum heft_control control_of(const char *type)
{
	if (strcmp(type, "If") == 0)
		return HEFT_CONTROL_IF;
	if (strcmp(type, "Loop") == 0)
		return HEFT_CONTROL_LOOP;
	if (strcmp(type, "SequenceMap") == 0)
		return HEFT_CONTROL_SEQUENCE_MAP;
	return strcmp(type, "Scan") == 0 ? HEFT_CONTROL_SCAN : HEFT_CONTROL_NONE;
}

static void look_up(const struct heft_importer *imp, struct heft_import_callee *callee)
{
	const char *type = heft_import_text(imp, callee->type);
	const char *domain = heft_import_text(imp, callee->domain);

	callee->op = heft_op_find(domain, type);
	if (callee->domain != 0)
		return;
	callee->control = control_of(type);
	callee->is_constant = strcmp(type, "Constant") == 0;
}

enum heft_status heft_import_find_callee(struct heft_importer *imp,
                                         const struct heft_onnx_node *node,
                                         struct heft_import_callee *callee)
{
	struct heft_import_callee found = {
		.domain = domain_text(imp, node->domain),
		.type = node->op,
		.overload = node->overload,
		.function = HEFT_ONNX_NONE,
	};
	uint32_t slot;

	HEFT_TRY(grow(imp));
	slot = find_slot(imp, &found);
	if (imp->callee_slots[slot] != 0) {
		*callee = *heft_import_callee(imp, imp->callee_slots[slot] - 1);
		return HEFT_OK;
	}
	look_up(imp, &found);
	*callee = found;
	return add_callee(imp, slot, &found);
}

/* --- functions --- */

/* Where their messages are: they come in the order of their graphs. */
static enum heft_status find_messages(struct heft_importer *imp)
{
	struct heft_wire_message m = { 0, imp->in.size };
	struct heft_wire_field f;
	uint32_t i = 0;
	bool has;

	while (i < imp->n_functions) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			break;
		if (f.number == HEFT_MODEL_FUNCTIONS && f.type == HEFT_WIRE_BYTES)
			imp->functions[i++].message = heft_wire_inner(&f);
	}
	return HEFT_OK;
}

/* Values of a function come one behind the other, and between them those of no other graph. */
static enum heft_status find_values(struct heft_importer *imp)
{
	const uint32_t n_scopes = heft_onnx_n_scopes(imp->g);
	uint32_t *owners = heft_alloc_array(n_scopes, sizeof *owners); /* functions; NONE */
	uint32_t next = 0;

	if (!owners)
		return heft_import_no_memory(imp);
	for (uint32_t i = 0; i < n_scopes; i++) {
		const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, i);

		if (s->parent != HEFT_ONNX_NONE)
			owners[i] = owners[s->parent];
		else
			owners[i] = s->kind == HEFT_ONNX_GRAPH_FUNCTION ? next++ : HEFT_ONNX_NONE;
	}
	for (uint32_t i = 0; i < heft_onnx_n_values(imp->g); i++) {
		const uint32_t owner = owners[heft_onnx_value(imp->g, i)->graph];

		if (owner == HEFT_ONNX_NONE)
			continue;
		if (imp->functions[owner].end_value == 0)
			imp->functions[owner].first_value = i;
		imp->functions[owner].end_value = i + 1;
	}
	heft_free(owners);
	return HEFT_OK;
}

static enum heft_status add_function(struct heft_importer *imp, uint32_t i)
{
	const struct heft_onnx_scope *s = heft_onnx_scope(imp->g, imp->functions[i].scope);
	const struct heft_import_callee callee = {
		.domain = domain_text(imp, s->domain),
		.type = s->name,
		.overload = s->attribute,
		.function = i,
	};
	uint32_t slot;

	HEFT_TRY(grow(imp));
	slot = find_slot(imp, &callee);
	if (imp->callee_slots[slot] != 0)
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "function '%.60s::%.60s' is there twice",
		                 heft_import_text(imp, s->domain), heft_import_text(imp, s->name));
	return add_callee(imp, slot, &callee);
}

enum heft_status heft_import_find_functions(struct heft_importer *imp)
{
	const uint32_t n_scopes = heft_onnx_n_scopes(imp->g);
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_scopes; i++)
		n += heft_onnx_scope(imp->g, i)->kind == HEFT_ONNX_GRAPH_FUNCTION;
	imp->functions = heft_zalloc_array(n, sizeof *imp->functions);
	if (!imp->functions)
		return heft_import_no_memory(imp);
	for (uint32_t i = 0; i < n_scopes; i++) {
		if (heft_onnx_scope(imp->g, i)->kind == HEFT_ONNX_GRAPH_FUNCTION)
			imp->functions[imp->n_functions++].scope = i;
	}
	for (uint32_t i = 0; i < n; i++)
		HEFT_TRY(add_function(imp, i));
	HEFT_TRY(find_messages(imp));
	return find_values(imp);
}

static enum heft_status read_opset(struct heft_importer *imp, struct heft_wire_message m,
                                   struct heft_ir_opset *opset)
{
	struct heft_wire_field f;
	uint64_t version = 0;
	char *domain = NULL;
	bool has;

	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			break;
		if (f.number == HEFT_OPSET_VERSION && f.type == HEFT_WIRE_VARINT)
			version = f.value;
		if (f.number != HEFT_OPSET_DOMAIN || f.type != HEFT_WIRE_BYTES)
			continue;
		HEFT_TRY(heft_import_take(imp, (size_t)f.size + 1, 1, &domain));
		HEFT_TRY(heft_wire_copy(&imp->in, f.off, domain, (size_t)f.size, imp->err));
	}
	opset->domain = domain ? heft_import_domain(domain) : "";
	opset->version = (uint32_t)version;
	if (version > 0 && version <= INT32_MAX)
		return HEFT_OK;
	return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
	                 "operator set '%.60s' has the version %llu", opset->domain,
	                 (unsigned long long)version);
}

/* How many fields of that number a function has. */
static enum heft_status count(struct heft_importer *imp, struct heft_wire_message m,
                              uint32_t number, uint32_t *n)
{
	struct heft_wire_field f;
	bool has;

	for (*n = 0;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &f, &has, imp->err));
		if (!has)
			return HEFT_OK;
		*n += f.number == number && f.type == HEFT_WIRE_BYTES;
	}
}

static enum heft_status read_part(struct heft_importer *imp, struct heft_import_function *f,
                                  const struct heft_wire_field *field, struct heft_attr *absent)
{
	struct heft_import_attr a = { .ref = NULL };
	bool has;

	if (field->number == FUNCTION_OPSET_IMPORT)
		return read_opset(imp, heft_wire_inner(field), &f->opsets[f->n_opsets++]);
	HEFT_TRY(heft_import_attr(imp, heft_wire_inner(field), &a, &has));
	if (has && !a.ref && a.attr.kind != HEFT_ATTR_GRAPH)
		absent[f->absent.n++] = a.attr;
	return HEFT_OK;
}

enum heft_status heft_import_read_function(struct heft_importer *imp,
                                           struct heft_import_function *f)
{
	struct heft_wire_message m = f->message;
	struct heft_wire_field field;
	struct heft_attr *absent;
	uint32_t n_opsets;
	uint32_t n_absent;
	bool has;

	if (f->is_read)
		return HEFT_OK;
	f->is_read = true;
	HEFT_TRY(count(imp, m, FUNCTION_OPSET_IMPORT, &n_opsets));
	HEFT_TRY(count(imp, m, FUNCTION_ATTRIBUTE_PROTO, &n_absent));
	if (n_opsets > HEFT_IMPORT_MAX_OPSETS)
		return heft_fail(imp->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a function imports more than %u operator sets",
		                 HEFT_IMPORT_MAX_OPSETS);
	HEFT_TRY(heft_import_take(imp, n_opsets, sizeof *f->opsets, &f->opsets));
	HEFT_TRY(heft_import_take(imp, n_absent, sizeof *absent, &absent));
	f->absent.rows = absent;
	for (;;) {
		HEFT_TRY(heft_wire_next(&imp->in, &m, &field, &has, imp->err));
		if (!has)
			return HEFT_OK;
		if (field.type == HEFT_WIRE_BYTES && (field.number == FUNCTION_OPSET_IMPORT ||
		                                      field.number == FUNCTION_ATTRIBUTE_PROTO))
			HEFT_TRY(read_part(imp, f, &field, absent));
	}
}
