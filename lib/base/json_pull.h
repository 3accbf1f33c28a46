/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_pull.h - reads JSON (RFC 8259) from memory token by token: bounded, no tree, the offset
 * of every token, whole u64 numbers, duplicate keys found at every depth, well-formed UTF-8 and
 * paired surrogates only. Memory: the stack of open containers and a hash set of the keys of open
 * objects. */
#ifndef BASE_JSON_PULL_H
#define BASE_JSON_PULL_H

#include "heft/error.h"

enum heft_json_kind {
	HEFT_JSON_END, /* of the text: only white space follows the one value */
	HEFT_JSON_OBJECT,
	HEFT_JSON_OBJECT_END,
	HEFT_JSON_ARRAY,
	HEFT_JSON_ARRAY_END,
	HEFT_JSON_KEY,
	HEFT_JSON_STRING,
	HEFT_JSON_NUMBER,
	HEFT_JSON_TRUE,
	HEFT_JSON_FALSE,
	HEFT_JSON_NULL
};

struct heft_json_token {
	enum heft_json_kind kind;
	uint64_t off;    /* of the token's first byte, in the file */
	size_t pos;      /* the same within the text */
	size_t raw_size; /* bytes of the token as written, quotes included */
	/* KEY, STRING: unescaped, not NUL-ended, valid until the next call; NUMBER: as written */
	const char *text;
	size_t text_size;
};

struct heft_json; /* the reader */

struct heft_json_limits {
	uint32_t max_depth;       /* 0: 64 */
	uint64_t max_string_size; /* 0: no limit but the text's own */
};

/* `text` stays the caller's and must outlive the reader. file_off is the file offset of text[0]. */
enum heft_status heft_json_new(const char *text, size_t size, uint64_t file_off,
                               const struct heft_json_limits *limits, struct heft_json **out,
                               struct heft_error *err);
void heft_json_free(struct heft_json *j);
/* The next token. Malformed text, a duplicate key: HEFT_E_CORRUPT with its offset; too deep:
 * HEFT_E_LIMIT. Keys and values alternate by themselves: a KEY is always followed by its value. */
enum heft_status heft_json_next(struct heft_json *j, struct heft_json_token *token,
                                struct heft_error *err);
/* Skips the value whose first token was just given (a scalar: nothing to do), checking it all the
 * same. */
enum heft_status heft_json_skip(struct heft_json *j, const struct heft_json_token *first,
                                struct heft_error *err);
/* A NUMBER token as u64: false unless it is digits only (no sign, point, exponent, leading zero)
 * and fits. */
bool heft_json_u64(const struct heft_json_token *token, uint64_t *value);

#endif
