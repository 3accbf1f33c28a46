/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.c - bytes as hexadecimal digits. */
#include "base/hex.h"

const char *heft_hex(const uint8_t *bytes, size_t n, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * n] = '\0';
	return text;
}
