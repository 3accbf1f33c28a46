/* SPDX-License-Identifier: Apache-2.0 */
/* graph/code_points.h - the characters of a string. A byte that is no part of UTF-8 is one of its
 * own, which stays what it is. */
#ifndef GRAPH_CODE_POINTS_H
#define GRAPH_CODE_POINTS_H

#include <stddef.h>
#include <stdint.h>

#define HEFT_CODE_POINT_MAX 0x10FFFFu
#define HEFT_CODE_POINT_BYTES 4 /* that one fills at most */

/* The one at *at, before `end`; *at goes behind it. A foreign byte is past HEFT_CODE_POINT_MAX. */
uint32_t heft_code_point_next(const char **at, const char *end);
/* Writes it; gives how many bytes. */
size_t heft_code_point_put(char *to, uint32_t c);

/* letter_case.c: Unicode's simple case mappings, of one character to one. */
uint32_t heft_code_point_lower(uint32_t c);
uint32_t heft_code_point_upper(uint32_t c);

#endif
