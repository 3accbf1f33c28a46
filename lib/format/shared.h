/* SPDX-License-Identifier: Apache-2.0 */
/* format/shared.h - what formats have in common that list their tensors in a heft_listing: look
 * here before you write a reader or a writer. */
#ifndef FORMAT_SHARED_H
#define FORMAT_SHARED_H

#include "format/format.h"

/* --- reading --- */

/* The caller's limits, with the defaults where it said nothing, and never past what a heft file can
 * hold. `options` may be NULL. */
struct heft_limits heft_format_limits(const struct heft_open_options *options);
/* What a place in a file promises of the bytes there, whatever the page that a map begins with. */
uint32_t heft_format_alignment(uint64_t off);
/* Finds a name in a reader's listing, or says that it is not there. */
enum heft_status heft_format_find(const struct heft_listing *tensors, uint8_t space,
                                  const char *name, uint32_t *i, struct heft_error *err);
/* `metadata` of a format that has none. */
enum heft_status heft_format_no_metadata(void *st, const char **json, struct heft_error *err);

/* --- writing --- */

/* HEFT_E_USAGE for metadata that says something, where `format` has no place for it; keys that
 * begin with "heft." say nothing. The plan's text, which may be NULL, was checked. */
enum heft_status heft_format_refuse_metadata(const char *format, const char *text,
                                             struct heft_error *err);
/* `scratch_size` and `encode` of a format that stores bytes as they are. */
size_t heft_format_no_scratch(const void *w);
enum heft_status heft_format_encode_raw(void *w, struct heft_piece *p, struct heft_coder *coder,
                                        uint8_t *scratch, struct heft_error *err);

#endif
