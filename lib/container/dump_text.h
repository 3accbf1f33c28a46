/* SPDX-License-Identifier: Apache-2.0 */
/* container/dump_text.h - writes the words of the text form (spec/text.md): strings, bytes, values.
 * Everything goes into a buffer, whose failure sticks. */
#ifndef CONTAINER_DUMP_TEXT_H
#define CONTAINER_DUMP_TEXT_H

#include "base/buffer.h"
#include "heft/tensor.h"

/* "…", with what could deceive a reader escaped: quotes, control and format characters, bytes that
 * are no UTF-8. */
void heft_dump_string(struct heft_buffer *out, const void *bytes, size_t n);
/* Whether heft_dump_string would escape nothing. */
bool heft_dump_is_plain(const void *bytes, size_t n);
/* n bytes as lines, each behind `lead`: hex, and fill for runs of one byte. */
void heft_dump_bytes(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n);
/* The same, and as text where there is text. */
void heft_dump_text(struct heft_buffer *out, const char *lead, const uint8_t *bytes, size_t n);
/* n_elements of a tensor as values where they are values, else as heft_dump_bytes. Numbers are
 * written in the C locale if that is the thread's. */
void heft_dump_values(struct heft_buffer *out, enum heft_dtype dtype, const uint8_t *bytes,
                      size_t n, uint64_t n_elements);

#endif
