/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_cost.c - what a run of the model would take. */
#include "inspect_cost.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* What was asked for, else 1. */
static uint64_t free_size(struct inspect_cost *c, const char *symbol)
{
	for (uint32_t i = 0; i < c->sizes->n; i++) {
		const char *equals = strrchr(c->sizes->items[i].value, '=');
		const size_t n = (size_t)(equals - c->sizes->items[i].value);

		if (strlen(symbol) == n && memcmp(c->sizes->items[i].value, symbol, n) == 0)
			return strtoull(equals + 1, NULL, 10);
	}
	c->n_free++;
	return 1;
}

/* False where the file does not say enough of an input. */
static bool choose_input(struct inspect_cost *c, uint32_t i, struct heft_value *v)
{
	struct heft_model_value declared;

	if (heft_model_input(c->model, i, &declared, NULL) != HEFT_OK || !declared.has_shape ||
	    declared.dtype == HEFT_DTYPE_NONE)
		return false;
	*v = (struct heft_value){ .name = declared.name,
		                  .dtype = declared.dtype,
		                  .rank = declared.rank };
	for (uint32_t d = 0; d < v->rank; d++)
		v->dims[d] = !declared.symbols[d] ? declared.dims[d]
		             : d == 0             ? c->batch
		                                  : free_size(c, declared.symbols[d]);
	return heft_tensor_size(v->dtype, v->rank, v->dims, NULL, &v->n_bytes, NULL) == HEFT_OK;
}

static bool plan(struct inspect_cost *c)
{
	/* The numbers are the same on every machine. */
	const struct heft_session_options options = { .n_threads = 1,
		                                      .cpu_mask = HEFT_RUN_SCALAR,
		                                      .plan_only = true };
	const uint32_t n = heft_model_n_inputs(c->model);
	struct heft_value *inputs = memory_new(n, sizeof *inputs);
	bool is_planned = true;

	for (uint32_t i = 0; i < n && is_planned; i++)
		is_planned = choose_input(c, i, &inputs[i]);
	is_planned = is_planned &&
	             heft_session_new(c->model, &options, &c->session, NULL) == HEFT_OK &&
	             heft_session_plan(c->session, inputs, n, NULL) == HEFT_OK;
	free(inputs);
	return is_planned;
}

static int by_value(const void *pa, const void *pb)
{
	const struct node_cost *a = pa;
	const struct node_cost *b = pb;

	return strcmp(a->value, b->value);
}

/* One row a value. */
static void unite(struct inspect_cost *c)
{
	uint32_t n = 0;

	qsort(c->nodes, c->n_nodes, sizeof *c->nodes, by_value);
	for (uint32_t i = 0; i < c->n_nodes; i++) {
		if (n > 0 && strcmp(c->nodes[n - 1].value, c->nodes[i].value) == 0) {
			c->nodes[n - 1].n_multiply_adds += c->nodes[i].n_multiply_adds;
			c->nodes[n - 1].n_output_bytes += c->nodes[i].n_output_bytes;
		} else {
			c->nodes[n++] = c->nodes[i];
		}
	}
	c->n_nodes = n;
}

static void collect(struct inspect_cost *c)
{
	struct heft_session_step step;

	heft_session_facts(c->session, &c->facts);
	c->nodes = memory_new(c->facts.n_steps, sizeof *c->nodes);
	for (uint32_t i = 0; i < c->facts.n_steps; i++) {
		if (heft_session_step(c->session, i, &step, NULL) != HEFT_OK || !*step.value)
			continue;
		c->nodes[c->n_nodes++] = (struct node_cost){
			.value = step.value,
			.n_multiply_adds = step.n_multiply_adds,
			.n_output_bytes = step.n_output_bytes
		};
		c->n_multiply_adds += step.n_multiply_adds;
		c->n_output_bytes += step.n_output_bytes;
	}
	unite(c);
}

void inspect_cost_init(struct inspect_cost *c, struct heft_file *file, uint32_t batch,
                       const struct opt_list *sizes)
{
	*c = (struct inspect_cost){ .batch = batch, .sizes = sizes };
	if (heft_model_import(file, NULL, &c->model, NULL) == HEFT_OK && plan(c))
		collect(c);
}

void inspect_cost_done(struct inspect_cost *c)
{
	free(c->nodes);
	heft_session_free(c->session);
	heft_model_free(c->model);
}

const struct node_cost *inspect_cost_of(const struct inspect_cost *c, const char *value)
{
	const struct node_cost key = { .value = value };

	return c->n_nodes > 0 && *value
	               ? bsearch(&key, c->nodes, c->n_nodes, sizeof *c->nodes, by_value)
	               : NULL;
}
