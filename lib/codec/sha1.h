/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sha1.h - SHA-1 through OpenSSL's EVP, for formats that state it. It tells damage, and not
 * what somebody made on purpose. */
#ifndef CODEC_SHA1_H
#define CODEC_SHA1_H

#include "heft/error.h"

#define HEFT_SHA1_SIZE 20

struct heft_sha1;

enum heft_status heft_sha1_new(struct heft_sha1 **out, struct heft_error *err);
void heft_sha1_free(struct heft_sha1 *h); /* takes NULL */
enum heft_status heft_sha1_add(struct heft_sha1 *h, const void *bytes, size_t n,
                               struct heft_error *err);
/* Gives the digest of all that was added, once. */
enum heft_status heft_sha1_end(struct heft_sha1 *h, uint8_t digest[HEFT_SHA1_SIZE],
                               struct heft_error *err);

#endif
