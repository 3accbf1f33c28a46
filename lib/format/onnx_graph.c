/* SPDX-License-Identifier: Apache-2.0 */
/* onnx_graph.c - makes the graph of an open ONNX file. */
#include "format/onnx_graph.h"

#include "base/alloc.h"
#include "base/error.h"
#include "onnx/strip.h"

/* Larger ones do not belong on the heap: a model may have a gibibyte of constants that are no
 * weights. */
#define HEAP_MAX (UINT64_C(16) << 20)

static bool map_scratch(struct heft_stripped_graph *g, const char *folder)
{
	uint64_t off;

	if (heft_scratch_new(folder, &g->scratch, NULL) != HEFT_OK)
		return false;
	if (heft_scratch_add(g->scratch, g->size, &off, NULL) == HEFT_OK &&
	    heft_scratch_map(g->scratch, off, g->size, &g->bytes, NULL) == HEFT_OK)
		return true;
	heft_scratch_free(g->scratch);
	g->scratch = NULL;
	return false;
}

/* On the heap as well where there is no room for a temporary file. */
static enum heft_status reserve(struct heft_stripped_graph *g, const char *folder,
                                struct heft_error *err)
{
	if (g->size > HEAP_MAX && map_scratch(g, folder))
		return HEFT_OK;
	g->bytes = heft_alloc((size_t)g->size);
	if (!g->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a graph");
	return HEFT_OK;
}

enum heft_status heft_stripped_graph_make(struct heft_stripped_graph *g, struct heft_wire_input *in,
                                          const struct heft_onnx_model *model,
                                          const char *scratch_folder, struct heft_error *err)
{
	struct heft_stripped_graph made = { .size = 0 };
	struct heft_onnx_stripper s;
	enum heft_status st = heft_onnx_stripper_init(&s, in, model, err);

	made.size = s.splice.size;
	if (st == HEFT_OK)
		st = reserve(&made, scratch_folder, err);
	if (st == HEFT_OK)
		st = heft_onnx_stripper_write(&s, made.bytes, err);
	heft_onnx_stripper_done(&s);
	if (st == HEFT_OK)
		*g = made;
	else
		heft_stripped_graph_done(&made);
	return st;
}

void heft_stripped_graph_done(struct heft_stripped_graph *g)
{
	if (g->scratch && g->bytes)
		heft_scratch_unmap(g->bytes, g->size);
	else
		heft_free(g->bytes);
	heft_scratch_free(g->scratch);
	*g = (struct heft_stripped_graph){ .bytes = NULL };
}
