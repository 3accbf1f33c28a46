/* SPDX-License-Identifier: Apache-2.0 */
/* float_mode.c - reads and sets a thread's rounding mode and its treatment of subnormals. */
#include "base/float_mode.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WRONG UINT32_C(0xe040) /* MXCSR: flush to zero, rounding, denormals are zero */
#define FLAGS UINT32_C(0x003f) /* what happened; nobody's to take back */

uint64_t heft_float_mode_set(void)
{
	const uint32_t before = _mm_getcsr();

	if ((before & WRONG) != 0)
		_mm_setcsr(before & ~WRONG);
	return before;
}

void heft_float_mode_restore(uint64_t before)
{
	if ((before & WRONG) != 0)
		_mm_setcsr(((uint32_t)before & ~FLAGS) | (_mm_getcsr() & FLAGS));
}
#elif defined(__aarch64__) && defined(__GNUC__)
/* FPCR: flush to zero (FZ, FZ16), rounding; and, of later processors, other subnormals (FIZ,
 * AH). */
#define WRONG UINT64_C(0x01c80003)

static uint64_t get_mode(void)
{
	uint64_t mode;

	__asm__ volatile("mrs %0, fpcr" : "=r"(mode));
	return mode;
}

static void set_mode(uint64_t mode)
{
	__asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}

uint64_t heft_float_mode_set(void)
{
	const uint64_t before = get_mode();

	if ((before & WRONG) != 0)
		set_mode(before & ~WRONG);
	return before;
}

void heft_float_mode_restore(uint64_t before)
{
	if ((before & WRONG) != 0)
		set_mode(before);
}
#else
/* Elsewhere only rounding can be changed at all, by fesetround. */
#include <fenv.h>

uint64_t heft_float_mode_set(void)
{
	const int before = fegetround();

	if (before != FE_TONEAREST)
		(void)fesetround(FE_TONEAREST);
	return (uint64_t)(unsigned)before;
}

void heft_float_mode_restore(uint64_t before)
{
	if ((int)before != FE_TONEAREST)
		(void)fesetround((int)before);
}
#endif
