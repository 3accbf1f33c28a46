/* SPDX-License-Identifier: Apache-2.0 */
/* format/decimal.h - numbers as decimal text, whatever the program's locale is. */
#ifndef FORMAT_DECIMAL_H
#define FORMAT_DECIMAL_H

#include "base/buffer.h"

/* Of an integer: what Python reads, since its time grows with the square. */
#define HEFT_DECIMAL_DIGITS_MAX 4300

/* Appends an integer, "-12" say, as two's complement, little-endian, in words of 32 bits, the last
 * of them its sign. False, and nothing is added: it is malformed or longer than the maximum. */
bool heft_decimal_add_whole(struct heft_buffer *b, const char *text, size_t n);
/* Bytes of such a number without those that only repeat its sign; at least 1 where n is. */
size_t heft_decimal_n_needed(const uint8_t *bytes, size_t n);
/* A float as Python's repr and JSON have it, nan and inf among them. False: it is malformed. */
bool heft_decimal_real(const char *text, size_t n, double *real);

#endif
