/* SPDX-License-Identifier: Apache-2.0 */
/* graph/tuples.h - tuples of indices, each naming a slice of an array: what GatherND and ScatterND
 * share. */
#ifndef GRAPH_TUPLES_H
#define GRAPH_TUPLES_H

#include "graph/op.h"

struct heft_tuples {
	uint64_t n_tuples;
	uint32_t n_batch; /* dimensions in front that both have */
	uint32_t n;       /* indices of a tuple */
	uint64_t each;    /* tuples of one batch index */
	uint64_t batch_step;
	uint64_t slice;                      /* elements */
	uint64_t dims[HEFT_GRAPH_MAX_RANK];  /* that the indices choose from */
	uint64_t steps[HEFT_GRAPH_MAX_RANK]; /* elements */
};

/* USAGE where the indices do not go with the data. */
enum heft_status heft_tuples_set(struct heft_tuples *t, const struct heft_array *data,
                                 const struct heft_array *indices, int64_t n_batch,
                                 struct heft_error *err);

#endif
