/* SPDX-License-Identifier: Apache-2.0 */
/* container/pack_text.h - the words of the text form (spec/text.md): lines, strings, numbers and
 * the ways to state bytes. A failure names the line: err->offset is its number, counted from 1. */
#ifndef CONTAINER_PACK_TEXT_H
#define CONTAINER_PACK_TEXT_H

#include "base/buffer.h"
#include "heft/tensor.h"

/* What is left of a line. */
struct heft_pack_line {
	const char *at;
	const char *end;
	uint64_t number;
};

/* Takes the next line off a text; false at its end. */
bool heft_pack_next_line(const char **at, const char *end, struct heft_pack_line *line);
/* Skips blanks; true when only a comment or nothing is left. */
bool heft_pack_at_end(struct heft_pack_line *line);
/* Takes that character if it comes next. */
bool heft_pack_take(struct heft_pack_line *line, char c);
/* The next word: letters, digits and _ . + - ; false when something else comes. It is borrowed from
 * the text. */
bool heft_pack_word(struct heft_pack_line *line, const char **word, size_t *size);
bool heft_pack_word_is(const char *word, size_t size, const char *text);
enum heft_status heft_pack_need_end(struct heft_pack_line *line, struct heft_error *err);
/* A number, decimal or 0x…, at most max; `what` names it in the message. */
enum heft_status heft_pack_number(struct heft_pack_line *line, const char *what, uint64_t max,
                                  uint64_t *value, struct heft_error *err);
/* The same from a word that was taken already; false when it is no number, or too large. */
bool heft_pack_word_number(const char *word, size_t size, uint64_t *value);
/* "…" with the escapes of JSON, and \xHH for any byte; appended to `out`. */
enum heft_status heft_pack_string(struct heft_pack_line *line, struct heft_buffer *out,
                                  struct heft_error *err);
/* A statement of bytes: hex, text, fill, ramp, random, or values of `dtype` (HEFT_DTYPE_NONE: not
 * here). At most *left bytes, which are taken off it. */
enum heft_status heft_pack_data(struct heft_pack_line *line, const char *form, size_t form_size,
                                enum heft_dtype dtype, uint64_t *left, struct heft_buffer *out,
                                struct heft_error *err);
bool heft_pack_is_data(const char *form, size_t form_size);

#endif
