/* SPDX-License-Identifier: Apache-2.0 */
/* graph/lines.h - an array of indices, and the lines along an axis of the array that they choose
 * from: what GatherElements and ScatterElements share. */
#ifndef GRAPH_LINES_H
#define GRAPH_LINES_H

#include "graph/op.h"

struct heft_lines {
	uint32_t rank; /* without the axis */
	uint64_t dims[HEFT_GRAPH_MAX_RANK];
	uint64_t data_steps[HEFT_GRAPH_MAX_RANK];
	uint64_t index_steps[HEFT_GRAPH_MAX_RANK];
	uint64_t n_lines;
	/* along the axis */
	uint64_t n;
	uint64_t n_indices;
	uint64_t data_step;
	uint64_t index_step;
};

/* USAGE where the indices reach past `data` in a dimension that is not the axis. */
enum heft_status heft_lines_set(struct heft_lines *l, const struct heft_array *data,
                                const struct heft_array *indices, uint32_t axis,
                                struct heft_error *err);

/* Where a line begins, in elements. */
struct heft_line {
	uint64_t data;
	uint64_t index;
};
struct heft_line heft_line_at(const struct heft_lines *l, uint64_t line);

#endif
