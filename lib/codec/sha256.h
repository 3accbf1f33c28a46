/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sha256.h - SHA-256 through OpenSSL's EVP; one hasher is reused for any number of digests,
 * by one thread. Its first few small digests it makes without OpenSSL. */
#ifndef CODEC_SHA256_H
#define CODEC_SHA256_H

#include "heft/error.h"

#define HEFT_SHA256_SIZE 32

struct heft_sha256;

enum heft_status heft_sha256_new(struct heft_sha256 **out, struct heft_error *err);
void heft_sha256_free(struct heft_sha256 *h);
void heft_sha256_begin(struct heft_sha256 *h);
void heft_sha256_add(struct heft_sha256 *h, const void *bytes, size_t n);
void heft_sha256_add_u8(struct heft_sha256 *h, uint8_t v);
void heft_sha256_add_le16(struct heft_sha256 *h, uint16_t v);
void heft_sha256_add_le32(struct heft_sha256 *h, uint32_t v);
void heft_sha256_add_le64(struct heft_sha256 *h, uint64_t v);
/* Small adds are gathered in the hasher, so a preimage of many fields costs one call of OpenSSL.
 * Should OpenSSL fail (no memory), the digest is all zero and heft_sha256_ok is false from then on;
 * callers check it once, before a digest is believed or stored. */
void heft_sha256_end(struct heft_sha256 *h, uint8_t *digest);
bool heft_sha256_ok(const struct heft_sha256 *h);
/* HEFT_E_NOMEM unless ok */
enum heft_status heft_sha256_check(const struct heft_sha256 *h, struct heft_error *err);

#endif
