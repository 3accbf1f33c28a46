/* SPDX-License-Identifier: Apache-2.0 */
/* format/gzip.h - bytes that gzip packed (RFC 1952), unpacked from the first one on. */
#ifndef FORMAT_GZIP_H
#define FORMAT_GZIP_H

#include "base/source.h"

struct heft_gzip;

/* Whether a file begins so; n may be less than 3. */
bool heft_gzip_is(const uint8_t *head, size_t n);
/* `src` is borrowed and outlives the reader. Nothing is read yet. */
enum heft_status heft_gzip_new(struct heft_source *src, struct heft_gzip **out,
                               struct heft_error *err);
void heft_gzip_free(struct heft_gzip *g); /* takes NULL */
/* The next bytes: *n_got of them, fewer than n only at the end. Members follow one another, and
 * zeros may follow the last; each member's CRC-32 and size are compared. Whatever else is CORRUPT
 * with the offset in the packed file. One thread at a time. */
enum heft_status heft_gzip_read(struct heft_gzip *g, void *dst, size_t n, size_t *n_got,
                                struct heft_error *err);
/* No more bytes than these come of a file of so many: deflate makes at most 1,032 of one. */
uint64_t heft_gzip_bound(uint64_t packed_size);

#endif
