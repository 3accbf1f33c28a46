/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.h - digests as people read them. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Two lower-case digits a byte, and NUL: 2 n + 1 bytes at `text`, which is given back. */
const char *heft_hex(const uint8_t *bytes, size_t n, char *text);

#endif
