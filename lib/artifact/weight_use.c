/* SPDX-License-Identifier: Apache-2.0 */
/* weight_use.c - goes through a graph's nodes and notes what each does with weights. */
#include "artifact/weight_use.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

/* How a node's input is used; CONV and the like are weights whose fans lie in their shape. */
enum rule_use {
	KEPT = HEFT_USE_KEPT,
	ZERO = HEFT_USE_ZERO,
	QUARTER = HEFT_USE_QUARTER,
	ONE = HEFT_USE_ONE,
	EMBEDDING = HEFT_USE_EMBEDDING,
	CONV,
	CONV_TRANSPOSE,
	MATRIX, /* [in, out]; its last two dimensions */
	LEFT,   /* the left factor of a product: [out, in] */
	GEMM_A,
	GEMM_B,
	CELL /* of LSTM, GRU, RNN: [directions, gates x hidden, in] */
};

struct rule {
	const char *op;
	uint8_t input;
	uint8_t use; /* enum rule_use */
};

static const struct rule rules[] = {
	{ "Conv", 1, CONV },
	{ "Conv", 2, ZERO },
	{ "FusedConv", 1, CONV },
	{ "FusedConv", 2, ZERO },
	{ "ConvTranspose", 1, CONV_TRANSPOSE },
	{ "ConvTranspose", 2, ZERO },
	{ "Gemm", 0, GEMM_A },
	{ "Gemm", 1, GEMM_B },
	{ "Gemm", 2, ZERO },
	{ "FusedGemm", 0, GEMM_A },
	{ "FusedGemm", 1, GEMM_B },
	{ "FusedGemm", 2, ZERO },
	{ "MatMul", 0, LEFT },
	{ "MatMul", 1, MATRIX },
	{ "LSTM", 1, CELL },
	{ "LSTM", 2, CELL },
	{ "LSTM", 3, ZERO },
	{ "LSTM", 5, ZERO },
	{ "LSTM", 6, ZERO },
	{ "LSTM", 7, ZERO },
	{ "GRU", 1, CELL },
	{ "GRU", 2, CELL },
	{ "GRU", 3, ZERO },
	{ "GRU", 5, ZERO },
	{ "RNN", 1, CELL },
	{ "RNN", 2, CELL },
	{ "RNN", 3, ZERO },
	{ "RNN", 5, ZERO },
	{ "BatchNormalization", 1, ONE },
	{ "BatchNormalization", 2, ZERO },
	{ "BatchNormalization", 3, ZERO },
	{ "BatchNormalization", 4, ONE },
	{ "InstanceNormalization", 1, ONE },
	{ "InstanceNormalization", 2, ZERO },
	{ "LayerNormalization", 1, ONE },
	{ "LayerNormalization", 2, ZERO },
	{ "GroupNormalization", 1, ONE },
	{ "GroupNormalization", 2, ZERO },
	{ "RMSNormalization", 1, ONE },
	{ "SimplifiedLayerNormalization", 1, ONE },
	{ "SkipLayerNormalization", 2, ONE },
	{ "SkipLayerNormalization", 3, ZERO },
	{ "SkipLayerNormalization", 4, ZERO },
	{ "EmbedLayerNormalization", 2, EMBEDDING },
	{ "EmbedLayerNormalization", 3, EMBEDDING },
	{ "EmbedLayerNormalization", 4, EMBEDDING },
	{ "EmbedLayerNormalization", 5, ONE },
	{ "EmbedLayerNormalization", 6, ZERO },
	{ "Attention", 1, MATRIX },
	{ "Attention", 2, ZERO },
	{ "BiasGelu", 1, ZERO },
	{ "FastGelu", 1, ZERO },
	{ "PRelu", 1, QUARTER },
	{ "Resize", 1, KEPT },
	{ "Resize", 2, KEPT },
	{ "Upsample", 1, KEPT },
	{ "Clip", 1, KEPT },
	{ "Clip", 2, KEPT },
	{ "Pad", 2, KEPT },
};

struct look {
	const struct heft_graph_list *list;
	const enum heft_role *roles;
	struct heft_weight_use *uses; /* one a tensor of the file */
};

static const struct heft_listed *row_of(const struct look *k, uint32_t tensor)
{
	return heft_listing_row(k->list->model.tensors, tensor);
}

static uint64_t spread(const uint64_t *dims, uint32_t first, uint32_t rank)
{
	uint64_t n = 1;

	for (uint32_t d = first; d < rank; d++)
		n *= dims[d]; /* a listing's product is below 2^63 */
	return n;
}

static uint64_t attribute_or(const struct look *k, uint32_t node, const char *name, uint64_t usual)
{
	int64_t numbers[HEFT_LOOK_NUMBERS_MAX];

	return heft_look_attribute(k->list, node, name, numbers) == 1 && numbers[0] >= 0
	               ? (uint64_t)numbers[0]
	               : usual;
}

static uint64_t n_gates(const char *op)
{
	if (strcmp(op, "LSTM") == 0)
		return 4;
	return strcmp(op, "GRU") == 0 ? 3 : 1;
}

/* A matrix as it is used: rows are summed over. False: it is none. */
static bool matrix_fans(const struct look *k, const struct heft_looked_weight *w, bool is_swapped,
                        struct heft_weight_use *use)
{
	const uint64_t *dims = heft_listing_dims(k->list->model.tensors, w->tensor);
	const uint32_t rank = row_of(k, w->tensor)->rank;

	if (rank == 0)
		return false;
	use->fan_in = rank == 1 ? dims[0] : dims[rank - 2];
	use->fan_out = rank == 1 ? 1 : dims[rank - 1];
	if (rank > 1 && is_swapped != w->is_transposed) {
		use->fan_in = dims[rank - 1];
		use->fan_out = dims[rank - 2];
	}
	return true;
}

static bool conv_fans(const struct look *k, uint32_t node, const struct heft_looked_weight *w,
                      bool is_transposed, struct heft_weight_use *use)
{
	const uint64_t *dims = heft_listing_dims(k->list->model.tensors, w->tensor);
	const uint32_t rank = row_of(k, w->tensor)->rank;
	const uint64_t n_groups = attribute_or(k, node, "group", 1);
	uint64_t n_taps;

	if (rank < 3 || !w->is_direct || n_groups == 0)
		return false;
	n_taps = spread(dims, 2, rank);
	use->fan_in = (is_transposed ? dims[0] / n_groups : dims[1]) * n_taps;
	use->fan_out = (is_transposed ? dims[1] : dims[0] / n_groups) * n_taps;
	return true;
}

static bool weight_fans(const struct look *k, uint32_t node, const struct heft_looked_weight *w,
                        enum rule_use rule, struct heft_weight_use *use)
{
	const uint64_t *dims = heft_listing_dims(k->list->model.tensors, w->tensor);

	switch (rule) {
	case CONV:
	case CONV_TRANSPOSE:
		return conv_fans(k, node, w, rule == CONV_TRANSPOSE, use);
	case MATRIX:
		return matrix_fans(k, w, false, use);
	case LEFT:
		return matrix_fans(k, w, true, use);
	case GEMM_A:
		return matrix_fans(k, w, attribute_or(k, node, "transA", 0) == 0, use);
	case GEMM_B:
		return matrix_fans(k, w, attribute_or(k, node, "transB", 0) != 0, use);
	case CELL:
		if (row_of(k, w->tensor)->rank != 3)
			return false;
		use->fan_in = dims[2];
		use->fan_out = dims[1] / n_gates(heft_look_op(k->list, node));
		return true;
	default:
		return false;
	}
}

/* What a Gather reads by numbers that are computed is a table of rows to learn. */
static enum heft_use_kind gather_use(const struct look *k, uint32_t node, uint32_t tensor)
{
	const uint32_t indices = heft_look_input(k->list, node, 1);

	if (indices == HEFT_ONNX_NONE || heft_onnx_value(&k->list->graph, indices)->is_constant ||
	    row_of(k, tensor)->rank < 2)
		return HEFT_USE_UNKNOWN;
	return HEFT_USE_EMBEDDING;
}

/* Of an operand the role tells, which goes by what the other operand is. */
static enum heft_use_kind operand_use(const struct look *k, uint32_t node, uint32_t tensor)
{
	const char *op = heft_look_op(k->list, node);
	const enum heft_role role = k->roles[k->list->tensors[tensor]];
	const bool is_sum = strcmp(op, "Add") == 0;

	if (is_sum && (role == HEFT_ROLE_BIAS || role == HEFT_ROLE_NORM))
		return HEFT_USE_ZERO;
	if (strcmp(op, "Mul") == 0 && role == HEFT_ROLE_NORM)
		return HEFT_USE_ONE;
	return HEFT_USE_UNKNOWN;
}

static struct heft_weight_use use_of(const struct look *k, uint32_t node, uint32_t input,
                                     const struct heft_looked_weight *w)
{
	const char *op = heft_look_op(k->list, node);
	struct heft_weight_use use = { .kind = HEFT_USE_UNKNOWN, .node = node };

	if (strcmp(op, "Gather") == 0 && input == 0)
		use.kind = gather_use(k, node, w->tensor);
	else
		use.kind = operand_use(k, node, w->tensor);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (rules[i].input != input || strcmp(rules[i].op, op) != 0)
			continue;
		if (rules[i].use < CONV)
			use.kind = (enum heft_use_kind)rules[i].use;
		else if (weight_fans(k, node, w, (enum rule_use)rules[i].use, &use))
			use.kind = HEFT_USE_WEIGHT;
		break;
	}
	return use;
}

/* Only passes a weight on to where it is used. */
static bool passes(const char *op)
{
	return strcmp(op, "Identity") == 0 || strcmp(op, "Cast") == 0 ||
	       strcmp(op, "Transpose") == 0;
}

static void look_at_input(struct look *k, uint32_t node, uint32_t input)
{
	const uint32_t value = heft_look_input(k->list, node, input);
	struct heft_looked_weight w;
	struct heft_weight_use use;
	uint32_t tensor;

	if (value == HEFT_ONNX_NONE)
		return;
	w = heft_look_weight(k->list, value);
	if (w.tensor == HEFT_ONNX_NONE || k->list->tensors[w.tensor] == HEFT_GRAPH_NONE)
		return;
	tensor = k->list->tensors[w.tensor];
	use = passes(heft_look_op(k->list, node))
	              ? (struct heft_weight_use){ .kind = HEFT_USE_UNKNOWN, .node = node }
	              : use_of(k, node, input, &w);
	if (use.kind > k->uses[tensor].kind)
		k->uses[tensor] = use;
}

static enum heft_status take_roles(struct heft_file *file, enum heft_role **roles,
                                   struct heft_error *err)
{
	*roles = heft_alloc_array(heft_n_tensors(file), sizeof **roles);
	if (!*roles)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for roles");
	return heft_roles(file, *roles, err);
}

enum heft_status heft_weight_uses(const struct heft_graph_list *list, struct heft_file *file,
                                  struct heft_weight_use **uses, struct heft_error *err)
{
	const uint32_t n_nodes = heft_onnx_n_nodes(&list->graph);
	struct look k = { .list = list };
	enum heft_role *roles = NULL;
	enum heft_status st = take_roles(file, &roles, err);

	k.roles = roles;
	if (st == HEFT_OK) {
		k.uses = heft_zalloc_array(heft_n_tensors(file), sizeof *k.uses);
		if (!k.uses)
			st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for uses");
	}
	for (uint32_t i = 0; i < n_nodes && st == HEFT_OK; i++)
		for (uint32_t input = 0; input < heft_onnx_node(&list->graph, i)->n_inputs; input++)
			look_at_input(&k, i, input);
	heft_free(roles);
	if (st == HEFT_OK)
		*uses = k.uses;
	return st;
}
