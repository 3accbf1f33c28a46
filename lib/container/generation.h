/* SPDX-License-Identifier: Apache-2.0 */
/* container/generation.h - what makes a generation, as bytes: a section as it is stored, the
 * directory, and the slot page that names it (spec/container.md 2.1 and 3). */
#ifndef CONTAINER_GENERATION_H
#define CONTAINER_GENERATION_H

#include "base/buffer.h"
#include "codec/codec.h"
#include "codec/sha256.h"
#include "container/index.h"

/* A section that is no table, ready to be stored. */
struct heft_packed_section {
	struct heft_section row; /* all but the offset */
	const uint8_t *stored;   /* the plain bytes, or `frame` */
	uint8_t *frame;          /* owned; NULL when the bytes are stored plain */
};

/* Makes one zstd frame of the bytes where that is smaller and they are more than 256. `bytes` is
 * borrowed; size is at least 1. */
enum heft_status heft_section_pack(uint32_t type, const uint8_t *bytes, size_t size,
                                   struct heft_coder *coder, struct heft_sha256 *h,
                                   struct heft_packed_section *out, struct heft_error *err);
void heft_packed_section_done(struct heft_packed_section *s);

/* A directory in the making: rows in ascending type. */
struct heft_directory {
	struct heft_buffer bytes;
	uint32_t n;
	uint32_t last_type;
};

void heft_directory_init(struct heft_directory *d);
void heft_directory_done(struct heft_directory *d);
void heft_directory_add(struct heft_directory *d, const struct heft_section *s); /* sticky */
/* Completes the bytes, which lie in d->bytes, and their digest. */
enum heft_status heft_directory_end(struct heft_directory *d, struct heft_sha256 *h,
                                    uint8_t *digest, struct heft_error *err);

/* Fills HEFT_PAGE_SIZE bytes. Of `page`, kind and minor are not looked at. */
void heft_page_encode(const struct heft_page *page, struct heft_sha256 *h, uint8_t *bytes);

#endif
