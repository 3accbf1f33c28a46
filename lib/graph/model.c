/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - a model: what owns an imported graph, and what it tells of its inputs and outputs. All
 * that its pointers lead to is in its chunks, but for the bytes of constants that lie in the mapped
 * file, which is why the file must stay open. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "graph/ir.h"
#include "heft/run.h"

#define CHUNK_SIZE ((size_t)64 << 10)
#define ALIGNMENT 64u

struct heft_ir_chunk {
	struct heft_ir_chunk *next;
	uint8_t *bytes; /* aligned */
	size_t size;
	size_t used;
};

/* --- memory --- */

static struct heft_ir_chunk *new_chunk(size_t size)
{
	struct heft_ir_chunk *c;
	size_t whole;

	if (!heft_add_size(size, sizeof *c + ALIGNMENT, &whole))
		return NULL;
	c = heft_zalloc(whole);
	if (!c)
		return NULL;
	c->bytes = (uint8_t *)(c + 1);
	c->bytes += (ALIGNMENT - (uintptr_t)c->bytes % ALIGNMENT) % ALIGNMENT;
	c->size = size;
	return c;
}

/* What is large has a chunk of its own, behind the first, which has room for what is small. */
static void *take_large(struct heft_model *m, size_t size)
{
	struct heft_ir_chunk *c = new_chunk(size);

	if (!c)
		return NULL;
	c->used = size;
	if (m->chunks) {
		c->next = m->chunks->next;
		m->chunks->next = c;
	} else {
		m->chunks = c;
	}
	return c->bytes;
}

void *heft_ir_alloc(struct heft_model *m, uint64_t size)
{
	struct heft_ir_chunk *c = m->chunks;
	void *bytes;
	size_t n;

	if (size > SIZE_MAX - ALIGNMENT)
		return NULL;
	n = (size_t)heft_align_up(size, ALIGNMENT);
	if (n > CHUNK_SIZE / 4)
		return take_large(m, n);
	if (!c || c->size - c->used < n) {
		c = new_chunk(CHUNK_SIZE);
		if (!c)
			return NULL;
		c->next = m->chunks;
		m->chunks = c;
	}
	bytes = c->bytes + c->used;
	c->used += n;
	return bytes;
}

/* --- life --- */

enum heft_status heft_model_import(struct heft_file *file,
                                   const struct heft_import_options *options,
                                   struct heft_model **model, struct heft_error *err)
{
	static const struct heft_import_options none;
	struct heft_model *m = heft_zalloc(sizeof *m);
	enum heft_status st;

	if (!m)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a model");
	m->keeps_dropout = options && options->keep_dropout;
	st = heft_ir_import(m, file, options ? options : &none, err);
	if (st == HEFT_OK) {
		heft_ir_skip_identities(m);
		st = heft_ir_rewrite(m, err);
	}
	if (st == HEFT_OK)
		st = heft_ir_drop_dead(m, err);
	if (st != HEFT_OK) {
		heft_model_free(m);
		return st;
	}
	*model = m;
	return HEFT_OK;
}

void heft_model_free(struct heft_model *model)
{
	struct heft_ir_chunk *next;

	if (!model)
		return;
	for (struct heft_ir_chunk *c = model->chunks; c; c = next) {
		next = c->next;
		heft_free(c);
	}
	heft_free(model);
}

/* --- inputs and outputs --- */

uint32_t heft_model_n_inputs(const struct heft_model *model)
{
	return model->n_inputs;
}

uint32_t heft_model_n_outputs(const struct heft_model *model)
{
	return model->n_outputs;
}

static void describe(const struct heft_model *m, uint32_t i, struct heft_model_value *value)
{
	const struct heft_ir_value *v = &m->values[i];

	*value = (struct heft_model_value){
		.name = v->name, .dtype = v->dtype, .has_shape = v->has_shape, .rank = v->rank
	};
	for (uint32_t d = 0; d < v->rank; d++) {
		const struct heft_ir_dim *dim = &m->dims[v->dims_at + d];

		value->symbols[d] = dim->symbol;
		value->dims[d] = dim->symbol ? 0 : dim->size;
	}
}

enum heft_status heft_model_input(const struct heft_model *model, uint32_t i,
                                  struct heft_model_value *value, struct heft_error *err)
{
	if (i >= model->n_inputs)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "input %u of %u", i,
		                 model->n_inputs);
	describe(model, model->inputs[i], value);
	return HEFT_OK;
}

enum heft_status heft_model_output(const struct heft_model *model, uint32_t i,
                                   struct heft_model_value *value, struct heft_error *err)
{
	if (i >= model->n_outputs)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "output %u of %u", i,
		                 model->n_outputs);
	describe(model, model->outputs[i], value);
	return HEFT_OK;
}
