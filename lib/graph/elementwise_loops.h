/* SPDX-License-Identifier: Apache-2.0 */
/* graph/elementwise_loops.h - loops over runs of elements, for the tables of operators. */
#ifndef GRAPH_ELEMENTWISE_LOOPS_H
#define GRAPH_ELEMENTWISE_LOOPS_H

#include "graph/elementwise.h"
#include "kernel/arithmetic.h"

/* `which` is an enum heft_arithmetic; of one operand or two. */
heft_elements_fn heft_run_f32;
heft_elements_fn heft_run_f64;
/* `which` is an enum heft_comparison. */
heft_elements_fn heft_compare_f32;
heft_elements_fn heft_compare_f64;

/* Elu, Selu and, with `which` 1, Celu (spec F6-4). */
heft_elements_fn heft_run_elu_f32;
heft_elements_fn heft_run_elu_f64;
/* x × sigmoid(p × x) (spec F6-7). */
heft_elements_fn heft_run_swish_f32;
heft_elements_fn heft_run_swish_f64;

/* x × tanh(softplus(x)) (spec F6-7). */
heft_elements_fn heft_run_mish_f32;
heft_elements_fn heft_run_mish_f64;
/* Gelu (spec F4-9) of x, or of x0 + x1 where there are two operands. */
enum heft_gelu {
	HEFT_GELU_EXACT,
	HEFT_GELU_TANH
};
heft_elements_fn heft_run_gelu_f32;
heft_elements_fn heft_run_gelu_f64;
/* As F64, and back as Cast does it; of one operand, and any dtype. */
heft_elements_fn heft_run_by_f64;

/* Of integers, modulo 2^bits (spec F6-2). */
enum heft_integer_function {
	HEFT_INTEGER_ADD,
	HEFT_INTEGER_SUB,
	HEFT_INTEGER_MUL,
	HEFT_INTEGER_DIV,
	HEFT_INTEGER_MOD,       /* the sign of b */
	HEFT_INTEGER_REMAINDER, /* the sign of a */
	HEFT_INTEGER_MAX,
	HEFT_INTEGER_MIN,
	HEFT_INTEGER_AND,
	HEFT_INTEGER_OR,
	HEFT_INTEGER_XOR,
	HEFT_INTEGER_LEFT, /* shifts, of unsigned ones */
	HEFT_INTEGER_RIGHT,
	HEFT_INTEGER_PRELU,
	HEFT_INTEGER_CLIP, /* of three operands */
	/* of one: */
	HEFT_INTEGER_NOT,
	HEFT_INTEGER_ABS,
	HEFT_INTEGER_NEG,
	HEFT_INTEGER_SIGN,
	HEFT_INTEGER_RELU,
	/* y is BOOL: */
	HEFT_INTEGER_EQUAL,
	HEFT_INTEGER_LESS,
	HEFT_INTEGER_LESS_OR_EQUAL
};

heft_elements_fn heft_run_i8;
heft_elements_fn heft_run_i16;
heft_elements_fn heft_run_i32;
heft_elements_fn heft_run_i64;
heft_elements_fn heft_run_u8;
heft_elements_fn heft_run_u16;
heft_elements_fn heft_run_u32;
heft_elements_fn heft_run_u64;
/* AND, OR, XOR, NOT, EQUAL; any byte but 0 is true. */
heft_elements_fn heft_run_bool;

#define HEFT_LOOPS_FLOAT(f)                                       \
	{ HEFT_DTYPE_F32, heft_run_f32, HEFT_ARITHMETIC_##f },    \
	{                                                         \
		HEFT_DTYPE_F64, heft_run_f64, HEFT_ARITHMETIC_##f \
	}
#define HEFT_LOOPS_COMPARE(f)                                      \
	{ HEFT_DTYPE_F32, heft_compare_f32, HEFT_COMPARE_##f },    \
	{                                                          \
		HEFT_DTYPE_F64, heft_compare_f64, HEFT_COMPARE_##f \
	}
#define HEFT_LOOPS_SIGNED(f)                                        \
	{ HEFT_DTYPE_I8, heft_run_i8, HEFT_INTEGER_##f },           \
		{ HEFT_DTYPE_I16, heft_run_i16, HEFT_INTEGER_##f }, \
		{ HEFT_DTYPE_I32, heft_run_i32, HEFT_INTEGER_##f }, \
	{                                                           \
		HEFT_DTYPE_I64, heft_run_i64, HEFT_INTEGER_##f      \
	}
#define HEFT_LOOPS_UNSIGNED(f)                                      \
	{ HEFT_DTYPE_U8, heft_run_u8, HEFT_INTEGER_##f },           \
		{ HEFT_DTYPE_U16, heft_run_u16, HEFT_INTEGER_##f }, \
		{ HEFT_DTYPE_U32, heft_run_u32, HEFT_INTEGER_##f }, \
	{                                                           \
		HEFT_DTYPE_U64, heft_run_u64, HEFT_INTEGER_##f      \
	}
#define HEFT_LOOPS_INTEGER(f) HEFT_LOOPS_SIGNED(f), HEFT_LOOPS_UNSIGNED(f)
#define HEFT_LOOPS_BY_F64(f)                                              \
	{ HEFT_DTYPE_I8, heft_run_by_f64, HEFT_ARITHMETIC_##f },          \
		{ HEFT_DTYPE_I16, heft_run_by_f64, HEFT_ARITHMETIC_##f }, \
		{ HEFT_DTYPE_I32, heft_run_by_f64, HEFT_ARITHMETIC_##f }, \
		{ HEFT_DTYPE_I64, heft_run_by_f64, HEFT_ARITHMETIC_##f }, \
		{ HEFT_DTYPE_U8, heft_run_by_f64, HEFT_ARITHMETIC_##f },  \
		{ HEFT_DTYPE_U16, heft_run_by_f64, HEFT_ARITHMETIC_##f }, \
		{ HEFT_DTYPE_U32, heft_run_by_f64, HEFT_ARITHMETIC_##f }, \
	{                                                                 \
		HEFT_DTYPE_U64, heft_run_by_f64, HEFT_ARITHMETIC_##f      \
	}
#define HEFT_LOOPS_END                   \
	{                                \
		HEFT_DTYPE_NONE, NULL, 0 \
	}

#endif
