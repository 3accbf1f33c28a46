/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sha256_block.h - SHA-256 of a few hundred bytes in portable C (FIPS 180-4), without the 0.8
 * ms that OpenSSL takes to set itself up. Slow beside it, so only for the first few small
 * digests. */
#ifndef CODEC_SHA256_BLOCK_H
#define CODEC_SHA256_BLOCK_H

#include <stddef.h>
#include <stdint.h>

extern const uint32_t heft_sha256_k[64];
extern const uint32_t heft_sha256_start[8];

void heft_sha256_portable(const uint8_t *bytes, size_t n, uint8_t *digest);

#endif
