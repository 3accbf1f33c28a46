/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/head_find.h - the linear layer nearest to a graph's output, and whether what stands
 * behind it works with any number of classes. */
#ifndef ARTIFACT_HEAD_FIND_H
#define ARTIFACT_HEAD_FIND_H

#include "artifact/graph_look.h"

#define HEFT_HEAD_PATH_MAX 16u

struct heft_head_layer {
	uint32_t node;        /* Gemm, MatMul or Conv */
	uint32_t weight;      /* of the graph's model */
	uint32_t bias;        /* NONE: it has none, or one number for all classes */
	uint32_t weight_axis; /* of the classes */
	uint32_t bias_axis;
	uint64_t n_old;
	uint64_t fan_in;
	/* values from the layer's on, whose shapes have the classes; the last one is the output */
	uint32_t path[HEFT_HEAD_PATH_MAX];
	uint32_t n_path;
	uint32_t class_axis; /* of the output; LAST: the last one */
};
#define HEFT_HEAD_LAST UINT32_MAX

/* UNSUPPORTED: there is none, or a node behind it is made for the old classes. `file` has the
 * weights. */
enum heft_status heft_head_find(const struct heft_graph_list *list, struct heft_file *file,
                                struct heft_head_layer *layer, struct heft_error *err);

#endif
