/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.c - finds where well-formed UTF-8 ends (Unicode 15, table 3-7). */
#include "base/utf8.h"

#include <string.h>

/* Bytes of plain ASCII at the start, counted in eights: names are nearly always nothing else. */
static size_t ascii_span(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t eight;

		memcpy(&eight, p + i, 8);
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

/* Bytes of the well-formed sequence at p[0] >= 0x80, or 0. Only the second byte's range depends on
 * the first. */
static size_t sequence_size(const uint8_t *p, size_t n)
{
	const uint8_t first = p[0];
	const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint8_t low = 0x80;
	uint8_t high = 0xbf;

	if (first < 0xc2 || first > 0xf4 || n < size)
		return 0;
	if (first == 0xe0)
		low = 0xa0; /* overlong below */
	else if (first == 0xed)
		high = 0x9f; /* surrogates above */
	else if (first == 0xf0)
		low = 0x90; /* overlong below */
	else if (first == 0xf4)
		high = 0x8f; /* past U+10FFFF above */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return size;
}

size_t heft_utf8_span(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t i = 0;

	while (i < n) {
		i += ascii_span(p + i, n - i);
		if (i < n) {
			const size_t size = sequence_size(p + i, n - i);

			if (size == 0)
				return i;
			i += size;
		}
	}
	return n;
}
