/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_head.c - bytes as an ONNX model that is to get a new head and first values: what is found is
 * there, and a graph with another head is a graph again. */
#include <string.h>

#include "artifact/head_graph.h"
#include "artifact/weight_use.h"
#include "base/alloc.h"
#include "format/graph_weights.h"
#include "fuzz.h"

#define N_CLASSES 37u

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_dims(const struct heft_listing *old, const struct heft_listing *new, uint32_t i,
                       uint32_t axis)
{
	const uint32_t rank = heft_listing_row(old, i)->rank;

	must(axis < rank && heft_listing_row(new, i)->rank == rank);
	for (uint32_t d = 0; d < rank; d++)
		must(heft_listing_dims(new, i)[d] ==
		     (d == axis ? N_CLASSES : heft_listing_dims(old, i)[d]));
}

static void try_head(const struct heft_graph_list *list, struct heft_file *file)
{
	struct heft_head_layer layer;
	struct heft_listing *weights;
	struct heft_buffer graph;

	if (heft_head_find(list, file, &layer, NULL) != HEFT_OK)
		return;
	must(layer.n_path > 0 && layer.n_path <= HEFT_HEAD_PATH_MAX);
	heft_buffer_init(&graph);
	if (heft_head_graph(list, &layer, N_CLASSES, &graph, NULL) == HEFT_OK) {
		/* The new weight may be more than 2^63 bytes. */
		const enum heft_status st = heft_graph_weights(graph.bytes, graph.size, &weights,
		                                               NULL);

		must(st == HEFT_OK || st == HEFT_E_CORRUPT || st == HEFT_E_LIMIT);
		if (st == HEFT_OK) {
			must(heft_listing_n(weights) == heft_listing_n(list->model.tensors));
			check_dims(list->model.tensors, weights, layer.weight, layer.weight_axis);
			heft_listing_free(weights);
		}
	}
	heft_buffer_done(&graph);
}

static void try_uses(const struct heft_graph_list *list, struct heft_file *file)
{
	struct heft_weight_use *uses;

	if (heft_weight_uses(list, file, &uses, NULL) != HEFT_OK)
		return;
	for (uint32_t i = 0; i < heft_n_tensors(file); i++)
		must(uses[i].kind <= HEFT_USE_EMBEDDING &&
		     (uses[i].kind == HEFT_USE_NONE ||
		      uses[i].node < heft_onnx_n_nodes(&list->graph)));
	heft_free(uses);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const struct heft_open_options options = { .format = "onnx" };
	const int fd = fuzz_file_open(bytes, n);
	struct heft_graph_list *list;
	struct heft_file *file;
	char path[64];

	fuzz_file_path(fd, path, sizeof path);
	if (heft_open(path, &options, &file, NULL) == HEFT_OK) {
		if (heft_graph_list_open(file, &list, NULL) == HEFT_OK) {
			try_head(list, file);
			try_uses(list, file);
			heft_graph_list_close(list);
		}
		heft_close(file);
	}
	fuzz_file_close(fd);
	return 0;
}
