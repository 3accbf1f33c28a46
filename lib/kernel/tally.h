/* SPDX-License-Identifier: Apache-2.0 */
/* kernel/tally.h - counts how often each code of 2 to 16 bits comes up. */
#ifndef KERNEL_TALLY_H
#define KERNEL_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Adds the n codes at p, of 2, 4, 6, 8 or 16 bits, to counts[2^n_bits], none of which may wrap.
 * Codes are packed from the low bits up, those of 16 bits little-endian, at any address. Bits
 * behind the last code count for nothing. */
void heft_tally(unsigned n_bits, uint32_t *counts, const uint8_t *p, size_t n);

#endif
