/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - a file's graph becomes a model's: what is needed for that, step by step, and the
 * arrays of the model when all is known. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/import_state.h"

/* 10^6 nodes with names of usual lengths take some 200 MiB. */
#define MAX_SIZE ((size_t)512 << 20)
#define MAX_ROOM ((size_t)256 << 20)
#define SMALL_SIZE ((size_t)8 << 10)
/* What functions may make of a file: so much in any case, and so many times what it has. */
#define WORK_FREE (UINT64_C(1) << 18)
#define WORK_TIMES 256u
#define MAX_WORK (UINT64_C(1) << 28)

enum heft_status heft_import_no_memory(struct heft_importer *imp)
{
	return heft_fail(imp->err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
}

enum heft_status heft_import_take(struct heft_importer *imp, size_t n, size_t item_size, void *p)
{
	const uint64_t size = ((uint64_t)n * item_size + 8) & ~(uint64_t)7;
	void *taken;

	if (size > SMALL_SIZE / 4) {
		taken = heft_ir_alloc(imp->m, size);
	} else {
		if (imp->small_size < size) {
			imp->small = heft_ir_alloc(imp->m, SMALL_SIZE);
			imp->small_size = imp->small ? SMALL_SIZE : 0;
		}
		taken = imp->small;
		if (taken) {
			imp->small += size;
			imp->small_size -= (size_t)size;
		}
	}
	memcpy(p, &taken, sizeof taken);
	return taken ? HEFT_OK : heft_import_no_memory(imp);
}

enum heft_status heft_import_add(struct heft_importer *imp, struct heft_buffer *b, const void *item,
                                 size_t size)
{
	heft_buffer_add(b, item, size);
	return b->ok ? HEFT_OK : heft_import_no_memory(imp);
}

enum heft_status heft_import_charge(struct heft_importer *imp, uint64_t work)
{
	imp->work += work;
	if (imp->work <= imp->max_work)
		return HEFT_OK;
	return heft_fail(imp->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
	                 "the model's functions make too many nodes where they are called");
}

/* --- before the walk --- */

static void init(struct heft_importer *imp)
{
	heft_buffer_init(&imp->callees);
	heft_buffer_init(&imp->ir_values);
	heft_buffer_init(&imp->ir_nodes);
	heft_buffer_init(&imp->ir_blocks);
	heft_buffer_init(&imp->ir_constants);
	heft_buffer_init(&imp->ir_refs);
	heft_buffer_init(&imp->sources);
	heft_buffer_init(&imp->rows);
	heft_buffer_init(&imp->numbers);
}

static void done(struct heft_importer *imp)
{
	heft_buffer_done(&imp->callees);
	heft_buffer_done(&imp->ir_values);
	heft_buffer_done(&imp->ir_nodes);
	heft_buffer_done(&imp->ir_blocks);
	heft_buffer_done(&imp->ir_constants);
	heft_buffer_done(&imp->ir_refs);
	heft_buffer_done(&imp->sources);
	heft_buffer_done(&imp->rows);
	heft_buffer_done(&imp->numbers);
	heft_free(imp->kinds);
	heft_free(imp->values);
	heft_free(imp->constants);
	heft_free(imp->attrs);
	heft_free(imp->first_scope);
	heft_free(imp->next_scope);
	heft_free(imp->scope_blocks);
	heft_free(imp->is_training);
	heft_free(imp->seen);
	heft_free(imp->functions);
	heft_free(imp->callee_slots);
	heft_graph_list_close(imp->list);
}

/* n numbers that are NONE. */
static uint32_t *nones(size_t n)
{
	uint32_t *numbers = heft_alloc_array(n, sizeof *numbers);

	for (size_t i = 0; numbers && i < n; i++)
		numbers[i] = HEFT_IR_NONE;
	return numbers;
}

static enum heft_status take_arrays(struct heft_importer *imp)
{
	const struct heft_onnx_graph *g = imp->g;
	const size_t n_values = heft_onnx_n_values(g);
	const size_t n_nodes = heft_onnx_n_nodes(g);
	const size_t n_scopes = heft_onnx_n_scopes(g);

	imp->kinds = heft_zalloc_array(n_values, sizeof *imp->kinds);
	imp->values = nones(n_values);
	imp->constants = nones(n_values);
	imp->attrs = heft_zalloc_array(n_nodes, sizeof *imp->attrs);
	imp->first_scope = nones(n_nodes);
	imp->next_scope = nones(n_scopes);
	imp->scope_blocks = heft_zalloc_array(n_scopes, sizeof *imp->scope_blocks);
	imp->is_training = heft_zalloc_array(n_scopes, sizeof *imp->is_training);
	imp->seen = heft_zalloc_array(g->texts.size / 8 + 1, sizeof *imp->seen);
	if (!imp->kinds || !imp->values || !imp->constants || !imp->attrs || !imp->first_scope ||
	    !imp->next_scope || !imp->scope_blocks || !imp->is_training || !imp->seen)
		return heft_import_no_memory(imp);
	return HEFT_OK;
}

static void link_scopes(struct heft_importer *imp)
{
	for (uint32_t i = heft_onnx_n_scopes(imp->g); i-- > 0;) {
		const uint32_t owner = heft_onnx_scope(imp->g, i)->owner;

		if (owner == HEFT_ONNX_NONE)
			continue;
		imp->next_scope[i] = imp->first_scope[owner];
		imp->first_scope[owner] = i;
	}
}

/* Names and declared shapes are the model's from here on. */
static enum heft_status copy_texts(struct heft_importer *imp)
{
	const struct heft_buffer *texts = &imp->g->texts;
	const struct heft_buffer *symbols = &imp->list->symbols;
	const struct heft_graph_dim *dims = (const void *)imp->list->dims.bytes;
	const size_t n_dims = imp->list->dims.size / sizeof *dims;
	struct heft_model *m = imp->m;
	char *text_copy;
	char *symbol_copy;

	HEFT_TRY(heft_import_take(imp, texts->size, 1, &text_copy));
	HEFT_TRY(heft_import_take(imp, symbols->size, 1, &symbol_copy));
	HEFT_TRY(heft_import_take(imp, n_dims, sizeof *m->dims, &m->dims));
	memcpy(text_copy, texts->bytes, texts->size);
	memcpy(symbol_copy, symbols->bytes, symbols->size);
	for (size_t i = 0; i < n_dims; i++) {
		m->dims[i].size = dims[i].size;
		if (dims[i].symbol)
			m->dims[i].symbol = symbol_copy +
			                    (dims[i].symbol - (const char *)symbols->bytes);
	}
	m->n_dims = (uint32_t)n_dims;
	imp->texts = text_copy;
	return HEFT_OK;
}

static enum heft_status add_opset(struct heft_importer *imp, const char *domain, uint64_t version)
{
	struct heft_model *m = imp->m;

	if (version == 0 || version > INT32_MAX)
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "operator set '%.60s' has the version %llu", domain,
		                 (unsigned long long)version);
	for (uint32_t i = 0; i < m->n_opsets; i++) {
		if (strcmp(m->opsets[i].domain, domain) != 0)
			continue;
		if (m->opsets[i].version == version)
			return HEFT_OK;
		return heft_fail(imp->err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                 "operator set '%.60s' is there in two versions", domain);
	}
	m->opsets[m->n_opsets++] = (struct heft_ir_opset){ domain, (uint32_t)version };
	return HEFT_OK;
}

/* Before IR version 3 models did not say it, and there was but one. */
static enum heft_status copy_opsets(struct heft_importer *imp)
{
	const uint32_t n = heft_onnx_n_opsets(imp->g);

	if (n > HEFT_IMPORT_MAX_OPSETS)
		return heft_fail(imp->err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "the model imports more than %u operator sets",
		                 HEFT_IMPORT_MAX_OPSETS);
	HEFT_TRY(heft_import_take(imp, (size_t)n + 1, sizeof *imp->m->opsets, &imp->m->opsets));
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_onnx_opset *opset = heft_onnx_opset(imp->g, i);

		HEFT_TRY(add_opset(imp, heft_import_domain(heft_import_text(imp, opset->domain)),
		                   opset->version));
	}
	if (n == 0 && imp->list->model.ir_version < 3)
		return add_opset(imp, "", 1);
	return HEFT_OK;
}

static enum heft_status prepare(struct heft_importer *imp)
{
	const struct heft_onnx_graph *g = imp->g;

	imp->max_work = WORK_FREE +
	                WORK_TIMES * ((uint64_t)heft_onnx_n_nodes(g) + heft_onnx_n_refs(g) +
	                              heft_onnx_n_values(g) + heft_onnx_n_attributes(g));
	if (imp->max_work > MAX_WORK)
		imp->max_work = MAX_WORK;
	heft_sip_seed_init(&imp->seed, imp);
	HEFT_TRY(take_arrays(imp));
	link_scopes(imp);
	HEFT_TRY(copy_texts(imp));
	HEFT_TRY(copy_opsets(imp));
	HEFT_TRY(heft_import_check(imp));
	HEFT_TRY(heft_import_find_functions(imp));
	imp->at = (struct heft_import_place){ .opsets = imp->m->opsets,
		                              .n_opsets = imp->m->n_opsets,
		                              .call = HEFT_ONNX_NONE };
	return heft_import_pins(imp);
}

/* --- behind it --- */

/* An array of the model, and no longer a buffer. */
static enum heft_status settle(struct heft_importer *imp, struct heft_buffer *b, size_t item_size,
                               void *array, uint32_t *n)
{
	void *copy;

	HEFT_TRY(heft_import_take(imp, b->size, 1, &copy));
	if (b->size > 0)
		memcpy(copy, b->bytes, b->size);
	memcpy(array, &copy, sizeof copy);
	*n = (uint32_t)(b->size / item_size);
	heft_buffer_done(b);
	heft_buffer_init(b);
	return HEFT_OK;
}

/* Nodes of a block behind each other. A node was made before those of its graphs were. */
static enum heft_status sort_nodes(struct heft_importer *imp)
{
	struct heft_model *m = imp->m;
	uint32_t at = 0;

	HEFT_TRY(heft_import_take(imp, m->n_nodes, sizeof *m->order, &m->order));
	for (uint32_t i = 0; i < m->n_nodes; i++)
		m->blocks[m->nodes[i].block].n_nodes++;
	for (uint32_t b = 0; b < m->n_blocks; b++) {
		m->blocks[b].order_at = at;
		at += m->blocks[b].n_nodes;
		m->blocks[b].n_nodes = 0;
	}
	for (uint32_t i = 0; i < m->n_nodes; i++) {
		struct heft_ir_block *block = &m->blocks[m->nodes[i].block];

		m->order[block->order_at + block->n_nodes++] = i;
	}
	m->n_order = m->n_nodes;
	return HEFT_OK;
}

static enum heft_status list_ends(struct heft_importer *imp)
{
	struct heft_model *m = imp->m;
	const struct heft_ir_block *main = &m->blocks[0];

	HEFT_TRY(heft_import_take(imp, main->n_inputs, sizeof *m->inputs, &m->inputs));
	m->outputs = m->refs + main->outputs_at;
	m->n_outputs = main->n_outputs;
	for (uint32_t i = 0; i < main->n_inputs; i++) {
		const uint32_t value = m->refs[main->inputs_at + i];

		if (m->values[value].constant == HEFT_IR_NONE)
			m->inputs[m->n_inputs++] = value;
	}
	return HEFT_OK;
}

static enum heft_status finish(struct heft_importer *imp)
{
	struct heft_model *m = imp->m;

	HEFT_TRY(settle(imp, &imp->ir_values, sizeof *m->values, &m->values, &m->n_values));
	HEFT_TRY(settle(imp, &imp->ir_nodes, sizeof *m->nodes, &m->nodes, &m->n_nodes));
	HEFT_TRY(settle(imp, &imp->ir_blocks, sizeof *m->blocks, &m->blocks, &m->n_blocks));
	HEFT_TRY(settle(imp, &imp->ir_constants, sizeof *m->constants, &m->constants,
	                &m->n_constants));
	HEFT_TRY(settle(imp, &imp->ir_refs, sizeof *m->refs, &m->refs, &m->n_refs));
	HEFT_TRY(sort_nodes(imp));
	HEFT_TRY(list_ends(imp));
	HEFT_TRY(heft_ir_drop_dead(m, imp->err));
	HEFT_TRY(heft_import_problems(imp));
	HEFT_TRY(heft_import_load(imp));
	return heft_import_weights(imp);
}

static enum heft_status import_list(struct heft_importer *imp)
{
	HEFT_TRY(heft_graph_list_read(imp->file, MAX_SIZE, MAX_ROOM, &imp->list, imp->err));
	imp->g = &imp->list->graph;
	imp->in = imp->list->in;
	HEFT_TRY(prepare(imp));
	HEFT_TRY(heft_import_graph(imp));
	return finish(imp);
}

enum heft_status heft_ir_import(struct heft_model *m, struct heft_file *file,
                                const struct heft_import_options *options, struct heft_error *err)
{
	struct heft_importer imp = { .m = m, .file = file, .options = options, .err = err };
	enum heft_status st;

	init(&imp);
	st = import_list(&imp);
	done(&imp);
	return st;
}
