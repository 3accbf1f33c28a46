/* SPDX-License-Identifier: Apache-2.0 */
/* graph/spans.h - work on many equal items (rows, planes, lines) cut into tasks for the team, and
 * arrays seen as rows along one axis. What the tasks are never depends on the threads. */
#ifndef GRAPH_SPANS_H
#define GRAPH_SPANS_H

#include "graph/op.h"

/* Items first to first + n - 1, by `worker`. */
typedef void heft_span_fn(const struct heft_call *c, const void *ctx, uint64_t first, uint64_t n,
                          uint32_t worker);
/* All of n_items, an item being worth `cost` elements that are read or written. */
void heft_spans_run(const struct heft_call *c, uint64_t n_items, uint64_t cost, heft_span_fn *fn,
                    const void *ctx);

/* An array along an axis: element j of row (o, i) is number (o n + j) n_inner + i. */
struct heft_axis {
	uint64_t n_outer;
	uint64_t n;
	uint64_t n_inner;
};
void heft_axis_set(struct heft_axis *a, const struct heft_array *x, uint32_t axis);
/* All of the dimensions from `axis` on as one row. */
void heft_axis_set_tail(struct heft_axis *a, const struct heft_array *x, uint32_t axis);

/* Rows side by side, for kernels that go down columns: `first` to first + n - 1 of those that an
 * outer index has. */
typedef void heft_columns_fn(const struct heft_call *c, const void *ctx, uint64_t outer,
                             uint64_t first, uint64_t n);
/* Cut so that a task has about as much work as in heft_spans_run; columns in sixteens. */
void heft_columns_run(const struct heft_call *c, uint64_t n_outer, uint64_t n_columns,
                      uint64_t cost, heft_columns_fn *fn, const void *ctx);

/* The element n_steps on; sizes are those of a dtype that fills whole bytes. */
uint64_t heft_element_size(enum heft_dtype dtype);
/* An element of any integer type, or BOOL, as 64 bits; and back, modulo the type's range. */
int64_t heft_load_integer(enum heft_dtype dtype, const void *at);
void heft_store_integer(enum heft_dtype dtype, void *at, int64_t value);
bool heft_is_integer(enum heft_dtype dtype);
bool heft_is_unsigned(enum heft_dtype dtype);

#endif
