/* SPDX-License-Identifier: Apache-2.0 */
/* recurrent_cells.c - what LSTM, GRU and RNN do at the gates of one row, in F32 and in F64. */
#include <math.h>
#include <string.h>

#include "graph/recurrent.h"
#include "kernel/elementary.h"
#include "kernel/elementary_rare.h"

#define REAL float
#define F(name) name##_f32
#define ABS fabsf
#define SIGMOID heft_sigmoid_f32_by
#define TANH heft_tanh_f32_by
#define SOFTPLUS heft_softplus_f32_by
#define EXPM1 heft_expm1_f32_by
#include "graph/recurrent_cells.inc"
#undef REAL
#undef F
#undef ABS
#undef SIGMOID
#undef TANH
#undef SOFTPLUS
#undef EXPM1

#define REAL double
#define F(name) name##_f64
#define ABS fabs
#define SIGMOID heft_sigmoid_f64_by
#define TANH heft_tanh_f64_by
#define SOFTPLUS heft_softplus_f64_by
#define EXPM1 heft_expm1_f64_by
#include "graph/recurrent_cells.inc"

void heft_gate_apply(const struct heft_gate *gate, uint32_t cpu_bits, float *x, size_t n)
{
	apply_f32(gate, cpu_bits, x, n);
}
