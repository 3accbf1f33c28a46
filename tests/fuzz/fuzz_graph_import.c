/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_graph_import.c - bytes as an ONNX model that is to be run: what is imported hangs together,
 * and a plan of it for small inputs is made or refused. */
#include "fuzz.h"
#include "graph/ir.h"
#include "heft/run.h"

#define MAX_INPUTS 16u
#define MAX_BYTES (UINT64_C(1) << 24) /* of an input, and of a session */
#define FREE_SIZE 3u                  /* of a dimension that the model leaves open */

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* --- what is imported --- */

static void check_values(const struct heft_model *m, const bool *is_made, uint32_t at, uint32_t n)
{
	must(n <= m->n_refs && at <= m->n_refs - n);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t value = m->refs[at + i];

		must(value == HEFT_IR_NONE || value < m->n_values);
		must(value == HEFT_IR_NONE || is_made[value] || heft_ir_constant(m, value));
	}
}

static void make_values(const struct heft_model *m, bool *is_made, uint32_t at, uint32_t n)
{
	must(n <= m->n_refs && at <= m->n_refs - n);
	for (uint32_t i = 0; i < n; i++) {
		must(m->refs[at + i] == HEFT_IR_NONE || m->refs[at + i] < m->n_values);
		if (m->refs[at + i] != HEFT_IR_NONE)
			is_made[m->refs[at + i]] = true;
	}
}

/* Each node reads what was made before it. */
static void check_block(const struct heft_model *m, bool *is_made, uint32_t b)
{
	const struct heft_ir_block *block = &m->blocks[b];

	must(b < m->n_blocks && block->order_at + block->n_nodes <= m->n_order);
	make_values(m, is_made, block->inputs_at, block->n_inputs);
	for (uint32_t k = 0; k < block->n_nodes; k++) {
		const struct heft_ir_node *n = &m->nodes[m->order[block->order_at + k]];

		must(n->block == b && !n->is_dead);
		must(b > 0 || n->op || n->control != HEFT_CONTROL_NONE);
		check_values(m, is_made, n->refs_at, n->n_in);
		for (uint32_t i = 0; i < n->attrs.n; i++) {
			if (n->attrs.rows[i].kind == HEFT_ATTR_GRAPH)
				check_block(m, is_made, n->attrs.rows[i].graph);
		}
		make_values(m, is_made, n->refs_at + n->n_in, n->n_out);
	}
	check_values(m, is_made, block->outputs_at, block->n_outputs);
}

static void check_constants(const struct heft_model *m)
{
	for (uint32_t i = 0; i < m->n_constants; i++) {
		const struct heft_array *a = &m->constants[i].array;
		struct heft_array sized = { .dtype = HEFT_DTYPE_NONE };

		if (a->dtype == HEFT_DTYPE_NONE)
			continue;
		must(heft_array_set(&sized, a->dtype, a->rank, a->dims, NULL) == HEFT_OK);
		must(a->n_bytes == sized.n_bytes);
	}
}

static void check(const struct heft_model *m)
{
	bool *is_made = calloc((size_t)m->n_values + 1, sizeof *is_made);

	must(is_made != NULL);
	check_block(m, is_made, 0);
	check_constants(m);
	free(is_made);
}

/* --- what is planned --- */

/* False: it is too large to try. */
static bool make_input(const struct heft_model *m, uint32_t i, struct heft_value *v)
{
	struct heft_model_value told;

	must(heft_model_input(m, i, &told, NULL) == HEFT_OK);
	*v = (struct heft_value){ .name = told.name,
		                  .dtype = told.dtype != HEFT_DTYPE_NONE ? told.dtype
		                                                         : HEFT_DTYPE_F32,
		                  .rank = told.has_shape ? told.rank : 2 };
	for (uint32_t d = 0; d < v->rank; d++)
		v->dims[d] = told.has_shape && !told.symbols[d] ? told.dims[d] : FREE_SIZE;
	return heft_tensor_size(v->dtype, v->rank, v->dims, NULL, &v->n_bytes, NULL) == HEFT_OK &&
	       v->n_bytes <= MAX_BYTES;
}

static void plan(const struct heft_model *m)
{
	const struct heft_session_options options = { .n_threads = 1, .max_bytes = MAX_BYTES };
	const uint32_t n = heft_model_n_inputs(m);
	struct heft_value inputs[MAX_INPUTS];
	struct heft_session *session;

	if (n > MAX_INPUTS)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (!make_input(m, i, &inputs[i]))
			return;
	}
	if (heft_session_new(m, &options, &session, NULL) != HEFT_OK)
		return;
	(void)heft_session_plan(session, inputs, n, NULL);
	heft_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct heft_open_options options = { .format = "onnx" };
	const int fd = fuzz_file_open(bytes, n);
	struct heft_file *file;
	struct heft_model *m;
	char path[64];

	fuzz_file_path(fd, path, sizeof path);
	if (heft_open(path, &options, &file, NULL) == HEFT_OK) {
		if (heft_model_import(file, NULL, &m, NULL) == HEFT_OK) {
			check(m);
			plan(m);
			heft_model_free(m);
		}
		heft_close(file);
	}
	fuzz_file_close(fd);
	return 0;
}
