/* SPDX-License-Identifier: Apache-2.0 */
/* graph/cast_array.h - Cast and CastLike: all elements of an array in another dtype, as ONNX says
 * it: spec F6-13. */
#ifndef GRAPH_CAST_ARRAY_H
#define GRAPH_CAST_ARRAY_H

#include "graph/op.h"

/* Sets output 0 to input 0's shape. UNSUPPORTED for dtypes that are not real. Reads the attributes
 * `saturate` and `round_mode`. */
enum heft_status heft_cast_infer(struct heft_call *c, enum heft_dtype to, struct heft_error *err);
void heft_cast_forward(const struct heft_call *c);

#endif
