/* SPDX-License-Identifier: Apache-2.0 */
/* head_find.c - walks from a graph's output back to the last linear layer. */
#include "artifact/head_find.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

struct search {
	const struct heft_graph_list *list;
	struct heft_file *file;
	struct heft_head_layer *layer;
	bool has_pooling; /* behind the layer, which then must be a convolution */
	bool has_flatten;
	struct heft_error *err;
};

static enum heft_status refuse(const struct search *s, uint32_t node, const char *why)
{
	return heft_fail(s->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
	                 "no new head: node '%.100s' (%.40s) %s", heft_look_name(s->list, node),
	                 heft_look_op(s->list, node), why);
}

static const uint64_t *dims_of(const struct search *s, uint32_t tensor)
{
	return heft_listing_dims(s->list->model.tensors, tensor);
}

static const struct heft_listed *row_of(const struct search *s, uint32_t tensor)
{
	return heft_listing_row(s->list->model.tensors, tensor);
}

static bool is_word(const char *op, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(op, *words) == 0)
			return true;
	return false;
}

/* --- nodes between the layer and the output --- */

static bool is_elementwise(const char *op)
{
	static const char *const ops[] = { "Softmax",  "LogSoftmax",  "Sigmoid", "Relu",
		                           "Tanh",     "Identity",    "Dropout", "LeakyRelu",
		                           "Softplus", "HardSigmoid", "Elu",     "Cast",
		                           "Clip",     "HardSwish",   NULL };

	return is_word(op, ops);
}

static bool is_pooling(const char *op)
{
	static const char *const ops[] = { "GlobalAveragePool", "GlobalMaxPool", "AveragePool",
		                           "MaxPool", NULL };

	return is_word(op, ops);
}

static bool is_with_number(const char *op)
{
	static const char *const ops[] = { "Add", "Sub", "Mul", "Div", NULL };

	return is_word(op, ops);
}

/* The numbers of a weight of I64, as a Reshape reads them; *n 0: not so, or too many. */
static enum heft_status read_weight(const struct search *s, uint32_t tensor, int64_t *numbers,
                                    uint32_t *n)
{
	const struct heft_listed *row = row_of(s, tensor);
	uint8_t bytes[8 * HEFT_LOOK_NUMBERS_MAX];
	struct heft_tensor t;

	*n = 0;
	if (row->dtype != HEFT_DTYPE_I64 || row->n_bytes > sizeof bytes ||
	    s->list->tensors[tensor] == HEFT_GRAPH_NONE)
		return HEFT_OK;
	HEFT_TRY(heft_tensor_at(s->file, s->list->tensors[tensor], &t, s->err));
	HEFT_TRY(heft_read(s->file, &t, 0, bytes, (size_t)row->n_bytes, s->err));
	for (uint32_t i = 0; i < row->n_elements; i++)
		numbers[i] = (int64_t)heft_get_le64(bytes + 8 * (size_t)i);
	*n = (uint32_t)row->n_elements;
	return HEFT_OK;
}

/* A shape that is computed goes by what comes; a constant one must leave the classes open. */
static enum heft_status check_reshape(const struct search *s, uint32_t node)
{
	const struct heft_head_layer *l = s->layer;
	const uint32_t shape = heft_look_input(s->list, node, 1);
	const struct heft_onnx_value *v;
	int64_t numbers[HEFT_LOOK_NUMBERS_MAX];
	uint32_t n;
	uint32_t axis;

	if (shape == HEFT_ONNX_NONE) /* an attribute, before opset 5 */
		return refuse(s, node, "states its shape in an attribute");
	v = heft_onnx_value(&s->list->graph, shape);
	if (!v->is_constant)
		return HEFT_OK;
	if (v->tensor != HEFT_ONNX_NONE)
		HEFT_TRY(read_weight(s, v->tensor, numbers, &n));
	else
		n = heft_look_constant(s->list, shape, numbers);
	axis = l->class_axis == HEFT_HEAD_LAST ? n - 1 : l->class_axis;
	for (uint32_t i = 0; i < n; i++)
		if (numbers[i] > 0 && (i == axis || (uint64_t)numbers[i] == l->n_old) &&
		    (uint64_t)numbers[i] != 1)
			return refuse(s, node, "fixes the number of classes");
	if (n == 0 || n <= axis || numbers[axis] > 0)
		return refuse(s, node, "fixes the shape of what the layer gives");
	return HEFT_OK;
}

static enum heft_status check_path(const struct search *s)
{
	const struct heft_head_layer *l = s->layer;

	for (uint32_t i = 0; i < l->n_path; i++) {
		const uint32_t node = heft_onnx_value(&s->list->graph, l->path[i])->node;

		if (strcmp(heft_look_op(s->list, node), "Reshape") == 0)
			HEFT_TRY(check_reshape(s, node));
		if (heft_look_n_uses(s->list, l->path[i]) != 1)
			return refuse(s, node, "gives what several others use");
	}
	return HEFT_OK;
}

/* --- the layer --- */

static bool has_one_number(const struct search *s, uint32_t value)
{
	const uint32_t tensor = heft_onnx_value(&s->list->graph, value)->tensor;

	if (tensor != HEFT_ONNX_NONE)
		return row_of(s, tensor)->n_elements == 1;
	return s->list->types[value].has_shape && s->list->types[value].rank == 0;
}

/* A tensor that is to change must be this layer's alone, and a tensor message of its own. */
static enum heft_status check_own(const struct search *s, uint32_t node, uint32_t value,
                                  const struct heft_looked_weight *w)
{
	const struct heft_onnx_graph *g = &s->list->graph;
	uint32_t own = value;

	if (s->list->model.weights[w->tensor].is_floats)
		return refuse(s, node, "has its weight in an attribute of floats");
	while (own != HEFT_ONNX_NONE && heft_onnx_value(g, own)->tensor == HEFT_ONNX_NONE) {
		if (heft_look_n_uses(s->list, own) != 1)
			return refuse(s, node, "shares its weight with another node");
		own = heft_look_input(s->list, heft_onnx_value(g, own)->node, 0);
	}
	if (own == HEFT_ONNX_NONE || heft_onnx_value(g, own)->graph != 0)
		return refuse(s, node, "has its weight in another graph");
	return heft_look_n_uses(s->list, own) == 1
	               ? HEFT_OK
	               : refuse(s, node, "shares its weight with another node");
}

/* A bias of one number a class, along its last dimension with more than one; NONE where one number
 * is for all. */
static enum heft_status take_bias(const struct search *s, uint32_t node, uint32_t value)
{
	struct heft_head_layer *l = s->layer;
	struct heft_looked_weight w;
	const struct heft_listed *row;

	l->bias = HEFT_ONNX_NONE;
	if (value == HEFT_ONNX_NONE)
		return HEFT_OK;
	w = heft_look_weight(s->list, value);
	if (w.tensor == HEFT_ONNX_NONE || !w.is_direct)
		return refuse(s, node, "has a bias that is no tensor");
	row = row_of(s, w.tensor);
	if (row->n_elements == 1 && l->n_old != 1)
		return HEFT_OK;
	if (row->rank == 0 || row->n_elements != l->n_old)
		return refuse(s, node, "has a bias of more than a number a class");
	HEFT_TRY(check_own(s, node, value, &w));
	l->bias = w.tensor;
	l->bias_axis = row->rank - 1;
	/* of a bias [N, 1, 1] as an Add behind a convolution has */
	while (l->bias_axis > 0 && dims_of(s, w.tensor)[l->bias_axis] != l->n_old)
		l->bias_axis--;
	return HEFT_OK;
}

static enum heft_status take_weight(const struct search *s, uint32_t node, uint32_t k,
                                    struct heft_looked_weight *w)
{
	const uint32_t value = heft_look_input(s->list, node, k);

	*w = value == HEFT_ONNX_NONE ? (struct heft_looked_weight){ .tensor = HEFT_ONNX_NONE }
	                             : heft_look_weight(s->list, value);
	if (w->tensor == HEFT_ONNX_NONE)
		return refuse(s, node, "is the last linear layer, and its weight is no tensor");
	if (!heft_dtype_describe((enum heft_dtype)row_of(s, w->tensor)->dtype)->is_float)
		return refuse(s, node, "has a weight that is of no floating type");
	return check_own(s, node, value, w);
}

static enum heft_status take_matrix(const struct search *s, uint32_t node, bool is_gemm)
{
	struct heft_head_layer *l = s->layer;
	struct heft_looked_weight w;
	int64_t is_transposed[HEFT_LOOK_NUMBERS_MAX];
	const uint64_t *dims;
	bool rows_are_classes;

	if (s->has_pooling || (s->has_flatten && !is_gemm))
		return refuse(s, node, "is no convolution, and what it gives is pooled");
	HEFT_TRY(take_weight(s, node, 1, &w));
	if (row_of(s, w.tensor)->rank != 2)
		return refuse(s, node, "has a weight that is no matrix");
	rows_are_classes = w.is_transposed;
	if (is_gemm && heft_look_attribute(s->list, node, "transB", is_transposed) == 1)
		rows_are_classes = rows_are_classes != (is_transposed[0] != 0);
	dims = dims_of(s, w.tensor);
	l->weight = w.tensor;
	l->weight_axis = rows_are_classes ? 0 : 1;
	l->n_old = dims[l->weight_axis];
	l->fan_in = dims[1 - l->weight_axis];
	l->class_axis = is_gemm ? 1 : HEFT_HEAD_LAST;
	return is_gemm ? take_bias(s, node, heft_look_input(s->list, node, 2)) : HEFT_OK;
}

static enum heft_status take_conv(const struct search *s, uint32_t node)
{
	struct heft_head_layer *l = s->layer;
	int64_t group[HEFT_LOOK_NUMBERS_MAX] = { 1 };
	struct heft_looked_weight w;
	const uint64_t *dims;

	HEFT_TRY(take_weight(s, node, 1, &w));
	dims = dims_of(s, w.tensor);
	for (uint32_t d = 2; d < row_of(s, w.tensor)->rank; d++)
		if (dims[d] != 1)
			return refuse(s, node, "is the last linear layer, and no 1x1 convolution");
	if (!w.is_direct || row_of(s, w.tensor)->rank < 3 ||
	    (heft_look_attribute(s->list, node, "group", group) == 1 && group[0] != 1))
		return refuse(s, node, "is the last linear layer, and works in groups");
	l->weight = w.tensor;
	l->weight_axis = 0;
	l->n_old = dims[0];
	l->fan_in = dims[1];
	l->class_axis = 1;
	return take_bias(s, node, heft_look_input(s->list, node, 2));
}

static enum heft_status take_layer(struct search *s, uint32_t node, const char *op)
{
	s->layer->node = node;
	s->layer->bias = HEFT_ONNX_NONE;
	if (strcmp(op, "Conv") == 0)
		return take_conv(s, node);
	return take_matrix(s, node, strcmp(op, "Gemm") == 0);
}

/* --- the walk --- */

static bool is_layer(const char *op)
{
	static const char *const ops[] = { "Gemm", "MatMul", "Conv", NULL };

	return is_word(op, ops);
}

/* Of an Add, Mul, ... the operand that is no constant, and the other one. */
static bool take_operands(const struct search *s, uint32_t node, uint32_t *value, uint32_t *other)
{
	const struct heft_onnx_graph *g = &s->list->graph;
	const uint32_t a = heft_look_input(s->list, node, 0);
	const uint32_t b = heft_look_input(s->list, node, 1);

	if (a == HEFT_ONNX_NONE || b == HEFT_ONNX_NONE ||
	    heft_onnx_value(g, a)->is_constant == heft_onnx_value(g, b)->is_constant)
		return false;
	*value = heft_onnx_value(g, a)->is_constant ? b : a;
	*other = *value == a ? b : a;
	return true;
}

/* MatMul and Add are one layer. *is_found: they are, and the layer is told. */
static enum heft_status try_sum(struct search *s, uint32_t node, uint32_t *value, bool *is_found)
{
	uint32_t other;
	uint32_t product;

	*is_found = false;
	if (!take_operands(s, node, value, &other))
		return refuse(s, node, "joins two values behind the last linear layer");
	product = heft_onnx_value(&s->list->graph, *value)->node;
	if (strcmp(heft_look_op(s->list, node), "Add") == 0 && product != HEFT_ONNX_NONE &&
	    strcmp(heft_look_op(s->list, product), "MatMul") == 0) {
		HEFT_TRY(take_layer(s, product, "MatMul"));
		*is_found = true;
		return take_bias(s, node, other);
	}
	if (has_one_number(s, other))
		return HEFT_OK;
	return refuse(s, node, "has numbers for the old classes");
}

static enum heft_status add_path(struct search *s, uint32_t value)
{
	struct heft_head_layer *l = s->layer;

	if (l->n_path == HEFT_HEAD_PATH_MAX)
		return heft_fail(s->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no new head: no linear layer is near the output");
	memmove(l->path + 1, l->path, l->n_path * sizeof *l->path);
	l->path[0] = value;
	l->n_path++;
	return HEFT_OK;
}

/* One node back from *value. */
static enum heft_status step_back(struct search *s, uint32_t *value, bool *is_found)
{
	const uint32_t node = heft_onnx_value(&s->list->graph, *value)->node;
	const char *op;

	if (node == HEFT_ONNX_NONE)
		return heft_fail(s->err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no new head: no linear layer is before the output");
	op = heft_look_op(s->list, node);
	*is_found = is_layer(op);
	if (*is_found)
		return take_layer(s, node, op);
	if (is_with_number(op))
		return try_sum(s, node, value, is_found);
	s->has_pooling = s->has_pooling || is_pooling(op);
	s->has_flatten = s->has_flatten || strcmp(op, "Flatten") == 0;
	if (!is_elementwise(op) && !is_pooling(op) && strcmp(op, "Flatten") != 0 &&
	    strcmp(op, "Reshape") != 0 && strcmp(op, "Squeeze") != 0)
		return refuse(s, node, "stands between the output and the last linear layer");
	*value = heft_look_input(s->list, node, 0);
	if (*value == HEFT_ONNX_NONE)
		return refuse(s, node, "has no input");
	return HEFT_OK;
}

enum heft_status heft_head_find(const struct heft_graph_list *list, struct heft_file *file,
                                struct heft_head_layer *layer, struct heft_error *err)
{
	const struct heft_onnx_scope *main_graph = heft_onnx_scope(&list->graph, 0);
	struct search s = { .list = list, .file = file, .layer = layer, .err = err };
	bool is_found = false;
	uint32_t value;

	*layer = (struct heft_head_layer){ .bias = HEFT_ONNX_NONE };
	if (main_graph->n_outputs != 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no new head: the graph has %u outputs, and not one",
		                 (unsigned)main_graph->n_outputs);
	value = *heft_onnx_ref(&list->graph, main_graph->outputs_at);
	if (value == HEFT_ONNX_NONE)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "no new head: the graph's output has no name");
	while (!is_found) {
		HEFT_TRY(add_path(&s, value));
		HEFT_TRY(step_back(&s, &value, &is_found));
	}
	/* What a MatMul gives before its bias is added. */
	if (value != layer->path[0])
		HEFT_TRY(add_path(&s, value));
	return check_path(&s);
}
