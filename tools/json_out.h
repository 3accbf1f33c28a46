/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_out.h - writes JSON as it comes, without a tree. The outer object's members and the outer
 * arrays' items stand on lines of their own, what is deeper in one line: readable, and a diff shows
 * one tensor.
 */
#ifndef TOOLS_JSON_OUT_H
#define TOOLS_JSON_OUT_H

#include "output.h"

struct json_out {
	struct output *out;
	uint32_t depth;
	uint32_t line_depth; /* what is at most this deep begins a line */
	bool is_first;       /* nothing stands yet in the innermost object or array */
	bool has_key;        /* the next value belongs to the key just written */
};

void json_out_init(struct json_out *j, struct output *out);

/* Begins one value that json_out_raw is going to place `depth` brackets deep. */
void json_out_init_inner(struct json_out *j, struct output *out, uint32_t depth);

void json_out_begin(struct json_out *j, char bracket); /* '{' or '[' */
void json_out_end(struct json_out *j,
                  char bracket); /* '}' or ']'; the outermost one ends the line */

void json_out_key(struct json_out *j, const char *key);

void json_out_text(struct json_out *j,
                   const char *text); /* NULL: null; ill-formed UTF-8 becomes U+FFFD */
void json_out_u64(struct json_out *j, uint64_t value);
void json_out_bool(struct json_out *j, bool value);
void json_out_real(struct json_out *j, double value);         /* not finite: "nan", "inf", "-inf" */
void json_out_real_or_null(struct json_out *j, double value); /* null for NaN */
void json_out_raw(struct json_out *j, const char *json);
void json_out_hex(struct json_out *j, const uint8_t *bytes, size_t n);

#endif
