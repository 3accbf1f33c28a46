/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gemm.h - Gemm and FusedGemm: alpha x A x B + beta x C (spec F6-21). */
#ifndef GRAPH_GEMM_H
#define GRAPH_GEMM_H

#include "graph/op.h"

enum heft_status heft_gemm_infer(struct heft_call *c, struct heft_error *err);
void heft_gemm_forward(const struct heft_call *c);
void heft_gemm_pack(const struct heft_call *c);

#endif
