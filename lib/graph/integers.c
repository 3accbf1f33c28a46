/* SPDX-License-Identifier: Apache-2.0 */
/* integers.c - runs of integers and of BOOL, element by element: everything is computed in 64 bits
 * and the low ones are kept, so that nothing overflows. Written from spec F6-2. */
#include <stdbool.h>

#include "graph/elementwise_loops.h"

/* By -1 as a subtraction, which the least number does not trap in. */
static inline uint64_t signed_quotient(int64_t a, int64_t b)
{
	return b == 0 ? 0 : b == -1 ? UINT64_C(0) - (uint64_t)a : (uint64_t)(a / b);
}

static inline int64_t signed_remainder(int64_t a, int64_t b)
{
	return b == 0 || b == -1 ? 0 : a % b;
}

static inline int64_t signed_modulus(int64_t a, int64_t b)
{
	const int64_t r = signed_remainder(a, b);

	return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static inline uint64_t unsigned_quotient(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a / b;
}

static inline uint64_t unsigned_remainder(uint64_t a, uint64_t b)
{
	return b == 0 ? 0 : a % b;
}

#define OF_ONE(f, type, wide, y_type, expression)                   \
	case f:                                                     \
		for (size_t i = 0; i < e->n; i++) {                 \
			const wide a = ((const type *)e->x[0])[i];  \
                                                                    \
			((y_type *)e->y)[i] = (y_type)(expression); \
		}                                                   \
		break;
#define OF_TWO(f, type, wide, y_type, expression)                               \
	case f:                                                                 \
		for (size_t i = 0; i < e->n; i++) {                             \
			const wide a = ((const type *)e->x[0])[i * e->step[0]]; \
			const wide b = ((const type *)e->x[1])[i * e->step[1]]; \
                                                                                \
			((y_type *)e->y)[i] = (y_type)(expression);             \
		}                                                               \
		break;
#define OF_THREE(f, type, wide, y_type, expression)                             \
	case f:                                                                 \
		for (size_t i = 0; i < e->n; i++) {                             \
			const wide a = ((const type *)e->x[0])[i * e->step[0]]; \
			const wide b = ((const type *)e->x[1])[i * e->step[1]]; \
			const wide c = ((const type *)e->x[2])[i * e->step[2]]; \
                                                                                \
			((y_type *)e->y)[i] = (y_type)(expression);             \
		}                                                               \
		break;

/* What signed and unsigned ones have in common. */
#define SHARED(type, wide)                                                                       \
	OF_TWO(HEFT_INTEGER_ADD, type, wide, type, (uint64_t)a + (uint64_t)b)                    \
	OF_TWO(HEFT_INTEGER_SUB, type, wide, type, (uint64_t)a - (uint64_t)b)                    \
	OF_TWO(HEFT_INTEGER_MUL, type, wide, type, (uint64_t)a *(uint64_t)b)                     \
	OF_TWO(HEFT_INTEGER_MAX, type, wide, type, b > a ? b : a)                                \
	OF_TWO(HEFT_INTEGER_MIN, type, wide, type, b < a ? b : a)                                \
	OF_TWO(HEFT_INTEGER_AND, type, wide, type, (uint64_t)a &(uint64_t)b)                     \
	OF_TWO(HEFT_INTEGER_OR, type, wide, type, (uint64_t)a | (uint64_t)b)                     \
	OF_TWO(HEFT_INTEGER_XOR, type, wide, type, (uint64_t)a ^ (uint64_t)b)                    \
	OF_THREE(HEFT_INTEGER_CLIP, type, wide, type, (a < b ? b : a) > c ? c : (a < b ? b : a)) \
	OF_ONE(HEFT_INTEGER_NOT, type, wide, type, ~(uint64_t)a)                                 \
	OF_TWO(HEFT_INTEGER_EQUAL, type, wide, uint8_t, a == b)                                  \
	OF_TWO(HEFT_INTEGER_LESS, type, wide, uint8_t, a < b)                                    \
	OF_TWO(HEFT_INTEGER_LESS_OR_EQUAL, type, wide, uint8_t, a <= b)

#define RUN_SIGNED(name, type)                                                                   \
	void heft_run_##name(const struct heft_elements *e)                                      \
	{                                                                                        \
		switch (e->which) {                                                              \
			SHARED(type, int64_t)                                                    \
			OF_TWO(HEFT_INTEGER_DIV, type, int64_t, type, signed_quotient(a, b))     \
			OF_TWO(HEFT_INTEGER_MOD, type, int64_t, type, signed_modulus(a, b))      \
			OF_TWO(HEFT_INTEGER_REMAINDER, type, int64_t, type,                      \
			       signed_remainder(a, b))                                           \
			OF_TWO(HEFT_INTEGER_PRELU, type, int64_t, type,                          \
			       a < 0 ? (uint64_t)a * (uint64_t)b : (uint64_t)a)                  \
			OF_ONE(HEFT_INTEGER_ABS, type, int64_t, type,                            \
			       a < 0 ? UINT64_C(0) - (uint64_t)a : (uint64_t)a)                  \
			OF_ONE(HEFT_INTEGER_NEG, type, int64_t, type, UINT64_C(0) - (uint64_t)a) \
			OF_ONE(HEFT_INTEGER_SIGN, type, int64_t, type, (a > 0) - (a < 0))        \
			OF_ONE(HEFT_INTEGER_RELU, type, int64_t, type, a < 0 ? 0 : a)            \
		}                                                                                \
	}

#define RUN_UNSIGNED(name, type)                                                                 \
	void heft_run_##name(const struct heft_elements *e)                                      \
	{                                                                                        \
		switch (e->which) {                                                              \
			SHARED(type, uint64_t)                                                   \
			OF_TWO(HEFT_INTEGER_DIV, type, uint64_t, type, unsigned_quotient(a, b))  \
			OF_TWO(HEFT_INTEGER_MOD, type, uint64_t, type, unsigned_remainder(a, b)) \
			OF_TWO(HEFT_INTEGER_REMAINDER, type, uint64_t, type,                     \
			       unsigned_remainder(a, b))                                         \
			OF_ONE(HEFT_INTEGER_PRELU, type, uint64_t, type, a)                      \
			OF_TWO(HEFT_INTEGER_LEFT, type, uint64_t, type, b > 63 ? 0 : a << b)     \
			OF_TWO(HEFT_INTEGER_RIGHT, type, uint64_t, type, b > 63 ? 0 : a >> b)    \
			OF_ONE(HEFT_INTEGER_ABS, type, uint64_t, type, a)                        \
			OF_ONE(HEFT_INTEGER_SIGN, type, uint64_t, type, a > 0)                   \
			OF_ONE(HEFT_INTEGER_RELU, type, uint64_t, type, a)                       \
		}                                                                                \
	}

RUN_SIGNED(i8, int8_t)
RUN_SIGNED(i16, int16_t)
RUN_SIGNED(i32, int32_t)
RUN_SIGNED(i64, int64_t)
RUN_UNSIGNED(u8, uint8_t)
RUN_UNSIGNED(u16, uint16_t)
RUN_UNSIGNED(u32, uint32_t)
RUN_UNSIGNED(u64, uint64_t)

void heft_run_bool(const struct heft_elements *e)
{
	switch (e->which) {
		OF_TWO(HEFT_INTEGER_AND, uint8_t, bool, uint8_t, a &&b)
		OF_TWO(HEFT_INTEGER_OR, uint8_t, bool, uint8_t, a || b)
		OF_TWO(HEFT_INTEGER_XOR, uint8_t, bool, uint8_t, a != b)
		OF_TWO(HEFT_INTEGER_EQUAL, uint8_t, bool, uint8_t, a == b)
		OF_ONE(HEFT_INTEGER_NOT, uint8_t, bool, uint8_t, !a)
	}
}
