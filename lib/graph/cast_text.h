/* SPDX-License-Identifier: Apache-2.0 */
/* graph/cast_text.h - Cast and CastLike to strings and from them. */
#ifndef GRAPH_CAST_TEXT_H
#define GRAPH_CAST_TEXT_H

#include "graph/kinds.h"

/* In place of heft_cast_infer where it is to strings. */
enum heft_status heft_cast_text_infer(struct heft_call *c, struct heft_error *err);
/* `to` is a dtype, or HEFT_KIND_TEXTS. */
enum heft_status heft_cast_text_run(struct heft_call *c, enum heft_dtype to,
                                    struct heft_memory *memory, struct heft_error *err);

#endif
