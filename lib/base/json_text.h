/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_text.h - how JSON writes strings and numbers (RFC 8259, sections 6 and 7). */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define HEFT_JSON_ESCAPE_SIZE_MAX 4 /* bytes of UTF-8 that one escape gives */

/* Unescapes the escape whose backslash is text[*pos], a pair of surrogates being one, and moves
 * *pos behind it. Returns the number of bytes, or 0 for a malformed one, where *pos stays. */
size_t heft_json_unescape(const char *text, size_t size, size_t *pos,
                          char out[HEFT_JSON_ESCAPE_SIZE_MAX]);

/* Bytes from text[0] on that stand for themselves in a string: no quote, backslash or control
 * character, and well-formed UTF-8. */
size_t heft_json_plain_span(const char *text, size_t size);

/* Bytes of the number at text[0]; 0 where it is malformed. */
size_t heft_json_number_span(const char *text, size_t size);

#endif
