/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/weight_use.h - what a graph does with each tensor of a file, as far as first values go
 * by it (spec/lineage.md, L5-1): which numbers meet in one sum, or that it is a bias, a scale, a
 * statistic. */
#ifndef ARTIFACT_WEIGHT_USE_H
#define ARTIFACT_WEIGHT_USE_H

#include "artifact/graph_look.h"

/* Of several uses the later kind counts. */
enum heft_use_kind {
	HEFT_USE_NONE,    /* the graph does not use it */
	HEFT_USE_UNKNOWN, /* it does, and that tells nothing */
	HEFT_USE_KEPT,    /* a setting, no parameter */
	HEFT_USE_ZERO,    /* a bias, a shift, a running mean */
	HEFT_USE_QUARTER, /* a slope */
	HEFT_USE_ONE,     /* a scale, a running variance */
	HEFT_USE_WEIGHT,
	HEFT_USE_EMBEDDING
};

struct heft_weight_use {
	enum heft_use_kind kind;
	uint64_t fan_in; /* of a weight */
	uint64_t fan_out;
	uint32_t node; /* that uses it; HEFT_ONNX_NONE */
};

/* *uses: one a tensor of the file (heft_free), roles given as of heft_roles. */
enum heft_status heft_weight_uses(const struct heft_graph_list *list, struct heft_file *file,
                                  struct heft_weight_use **uses, struct heft_error *err);

#endif
