/* SPDX-License-Identifier: Apache-2.0 */
/* base/utf8.h - well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, no surrogates,
 * nothing past U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Position of the first byte that is not part of a well-formed sequence; n when all are. NUL is
 * well-formed. */
size_t heft_utf8_span(const void *bytes, size_t n);
static inline bool heft_utf8_ok(const void *bytes, size_t n)
{
	return heft_utf8_span(bytes, n) == n;
}

#endif
