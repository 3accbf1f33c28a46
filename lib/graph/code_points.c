/* SPDX-License-Identifier: Apache-2.0 */
/* code_points.c - UTF-8, read and written. */
#include "graph/code_points.h"

#include "base/utf8.h"

/* Foreign bytes lie behind all characters. */
#define FOREIGN (HEFT_CODE_POINT_MAX + 1)

static size_t length_of(uint8_t first)
{
	return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

uint32_t heft_code_point_next(const char **at, const char *end)
{
	const uint8_t *p = (const uint8_t *)*at;
	const size_t n = length_of(p[0]);
	uint32_t c;

	if (n > (size_t)(end - *at) || !heft_utf8_ok(p, n)) {
		++*at;
		return FOREIGN + p[0];
	}
	*at += n;
	if (n == 1)
		return p[0];
	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

size_t heft_code_point_put(char *to, uint32_t c)
{
	const size_t n = c < 0x80 || c >= FOREIGN ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		to[0] = (char)(c >= FOREIGN ? c - FOREIGN : c);
		return 1;
	}
	for (size_t i = n; i-- > 1; c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)((0xf00u >> n & 0xf0) | c);
	return n;
}
