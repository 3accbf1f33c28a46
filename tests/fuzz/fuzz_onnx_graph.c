/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_onnx_graph.c - bytes as an ONNX model and as a graph: what is stripped, filled and stripped
 * again is the same (spec/foreign/onnx.md, sections 4 and 5). */
#include <string.h>

#include "fuzz.h"
#include "onnx/fill.h"
#include "onnx/strip.h"

#define SIZE_MAX_FILLED (UINT64_C(1) << 20)

static const struct heft_limits limits = {
	.max_tensors = 1 << 16,
	.max_name_size = HEFT_MAX_NAME,
	.max_metadata_size = 1 << 20,
	.max_logical_bytes = INT64_MAX,
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What comes out, holes zero. */
struct filled {
	const struct heft_wire_input *graph;
	uint8_t *bytes;
	uint64_t size;
	const struct heft_onnx_model *model;
};

static void fill_floats(uint8_t *to, uint64_t n)
{
	for (uint64_t at = 0; at < n; at += HEFT_ONNX_FLOAT_SIZE)
		to[at] = HEFT_ONNX_FLOAT_TAG;
}

static enum heft_status take(void *ctx, const struct heft_splice_piece *p, struct heft_error *err)
{
	const struct filled *f = ctx;
	uint8_t *to = f->bytes + p->to;

	(void)err;
	must(p->to <= f->size && p->size <= f->size - p->to);
	if (p->bytes) {
		memcpy(to, p->bytes, (size_t)p->size);
	} else if (p->weight == HEFT_ONNX_NONE) {
		memcpy(to, f->graph->bytes + p->from, (size_t)p->size);
	} else {
		memset(to, 0, (size_t)p->size);
		if (f->model->weights[p->weight].is_floats)
			fill_floats(to, p->size);
	}
	return HEFT_OK;
}

/* The graph that a model has. */
static void strip(struct heft_buffer *graph, const void *bytes, size_t n, bool is_graph)
{
	struct heft_onnx_model model;
	struct heft_wire_input in;

	heft_buffer_init(graph);
	heft_wire_input_memory(&in, bytes, n);
	must(heft_onnx_scan(&in, &limits, is_graph, &model, NULL) == HEFT_OK);
	must(heft_onnx_strip(&in, &model, graph, NULL) == HEFT_OK);
	heft_onnx_model_done(&model);
}

static void check_same(const struct heft_listing *a, const struct heft_listing *b)
{
	must(heft_listing_n(a) == heft_listing_n(b));
	for (uint32_t i = 0; i < heft_listing_n(a); i++) {
		const struct heft_listed *x = heft_listing_row(a, i);
		const struct heft_listed *y = heft_listing_row(b, i);

		must(x->dtype == y->dtype && x->space == y->space && x->rank == y->rank);
		must(memcmp(heft_listing_dims(a, i), heft_listing_dims(b, i),
		            x->rank * sizeof(uint64_t)) == 0);
		must(strcmp(heft_listing_name(a, i), heft_listing_name(b, i)) == 0);
	}
}

static void fill_and_strip(const struct heft_buffer *graph, const struct heft_wire_input *in,
                           const struct heft_onnx_model *model, const uint64_t *external_off)
{
	struct heft_wire_input copy = *in;
	struct heft_onnx_fill fill = {
		.in = &copy, .model = model, .external_off = external_off, .location = "x.data"
	};
	struct filled filled = { .graph = in, .model = model };
	struct heft_buffer again;

	must(heft_onnx_fill_init(&fill, NULL) == HEFT_OK || fill.splice.sizes == NULL);
	filled.size = fill.splice.size;
	if (fill.splice.sizes && filled.size <= SIZE_MAX_FILLED) {
		filled.bytes = malloc((size_t)filled.size + 1);
		must(filled.bytes != NULL);
		must(heft_onnx_fill_walk(&fill, take, &filled, NULL) == HEFT_OK);
		strip(&again, filled.bytes, (size_t)filled.size, false);
		must(again.size == graph->size &&
		     (again.size == 0 || memcmp(again.bytes, graph->bytes, again.size) == 0));
		heft_buffer_done(&again);
		free(filled.bytes);
	}
	heft_onnx_fill_done(&fill);
}

static void fill_outside(const struct heft_buffer *graph, const struct heft_wire_input *in,
                         const struct heft_onnx_model *model)
{
	const uint32_t n = heft_listing_n(model->tensors);
	uint64_t *offs = malloc((n + 1) * sizeof *offs);

	must(offs != NULL);
	for (uint32_t i = 0; i < n; i++)
		offs[i] = model->weights[i].is_initializer ? i * UINT64_C(4096) : HEFT_ONNX_INSIDE;
	fill_and_strip(graph, in, model, offs);
	free(offs);
}

static void walk(const uint8_t *bytes, size_t n, bool is_graph)
{
	struct heft_onnx_model model;
	struct heft_onnx_model again;
	struct heft_wire_input in;
	struct heft_buffer graph;

	heft_wire_input_memory(&in, bytes, n);
	if (heft_onnx_scan(&in, &limits, is_graph, &model, NULL) != HEFT_OK)
		return;
	strip(&graph, bytes, n, is_graph);
	heft_wire_input_memory(&in, graph.bytes, graph.size);
	must(heft_onnx_scan(&in, &limits, true, &again, NULL) == HEFT_OK);
	check_same(model.tensors, again.tensors);
	fill_and_strip(&graph, &in, &again, NULL);
	fill_outside(&graph, &in, &again);
	heft_onnx_model_done(&again);
	heft_onnx_model_done(&model);
	heft_buffer_done(&graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	walk(bytes, n, false);
	walk(bytes, n, true);
	return 0;
}
