/* SPDX-License-Identifier: Apache-2.0 */
/* base/real_text.h - a binary64 number as a short decimal that reads back as the same: of 15, 16 or
 * 17 digits, without zeros at the end; the shortest one there is, but for subnormal numbers. */
#ifndef BASE_REAL_TEXT_H
#define BASE_REAL_TEXT_H

#include <stddef.h>

#define HEFT_REAL_TEXT_SIZE 32

/* As JSON has it, "0.1" or "1e-05", NUL behind it, whatever the program's locale is; 0 and -0 are
 * "0". How long it is. `value` is finite. */
size_t heft_real_text(double value, char text[HEFT_REAL_TEXT_SIZE]);

#endif
