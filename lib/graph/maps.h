/* SPDX-License-Identifier: Apache-2.0 */
/* graph/maps.h - an output whose every dimension says, index by index, which index of the input
 * lies there, or that a fill does: padding, cropping, nearest neighbours. */
#ifndef GRAPH_MAPS_H
#define GRAPH_MAPS_H

#include "graph/op.h"

/* Dimensions as they lie in memory, outermost first; those at the end that are not mapped are one
 * with the elements. Lies in the call's state; the maps in its scratch. */
struct heft_maps {
	uint32_t rank;
	bool is_empty;
	uint64_t unit;                      /* bytes */
	uint32_t dims[HEFT_GRAPH_MAX_RANK]; /* their numbers in the arrays */
	uint64_t n[HEFT_GRAPH_MAX_RANK];    /* of the output */
	int64_t steps[HEFT_GRAPH_MAX_RANK]; /* of the input, in bytes */
	uint64_t at[HEFT_GRAPH_MAX_RANK];   /* of the map, in the scratch */
};

/* For input 0 and output 0, whose shape is set; bit d of `mapped`: dimension d is. Adds to
 * scratch_size. */
void heft_maps_set(struct heft_call *c, struct heft_maps *m, uint64_t element, uint32_t mapped);
/* The map of dims[i], for forward to fill: an index of the input, or -1. */
int64_t *heft_maps_of(const struct heft_call *c, const struct heft_maps *m, uint32_t i);
/* Once all are filled, which it changes. `fill`: an element of `element` bytes. */
void heft_maps_run(const struct heft_call *c, const struct heft_maps *m, const void *fill,
                   uint64_t element);

#endif
