/* SPDX-License-Identifier: Apache-2.0 */
/* graph_weights.c - lists the weights that a graph names, and compares them with tensors. */
#include "format/graph_weights.h"

#include <string.h>

#include "base/error.h"
#include "format/shared.h"
#include "onnx/model.h"

enum heft_status heft_graph_weights(const void *graph, uint64_t size, struct heft_listing **weights,
                                    struct heft_error *err)
{
	const struct heft_limits limits = heft_format_limits(NULL);
	struct heft_onnx_model model = { .tensors = NULL };
	struct heft_wire_input in;
	enum heft_status st;

	heft_wire_input_memory(&in, graph, size);
	st = heft_onnx_scan(&in, &limits, true, &model, err);
	heft_wire_input_done(&in);
	if (st != HEFT_OK)
		return st;
	*weights = model.tensors;
	model.tensors = NULL;
	heft_onnx_model_done(&model);
	return HEFT_OK;
}

static bool is_same(const struct heft_listing *a, uint32_t i, const struct heft_listing *b,
                    uint32_t k)
{
	const struct heft_listed *x = heft_listing_row(a, i);
	const struct heft_listed *y = heft_listing_row(b, k);

	return x->dtype == y->dtype && x->rank == y->rank &&
	       memcmp(heft_listing_dims(a, i), heft_listing_dims(b, k),
	              x->rank * sizeof(uint64_t)) == 0;
}

bool heft_graph_fits(const struct heft_listing *weights, const struct heft_listing *tensors,
                     uint32_t *missing)
{
	for (uint32_t i = 0; i < heft_listing_n(weights); i++) {
		const struct heft_listed *row = heft_listing_row(weights, i);
		uint32_t k;

		if (heft_listing_find(tensors, row->space, heft_listing_name(weights, i),
		                      row->name_size, &k) &&
		    is_same(weights, i, tensors, k))
			continue;
		*missing = i;
		return false;
	}
	return true;
}
