/* SPDX-License-Identifier: Apache-2.0 */
/* codec/sha256_pair.h - SHA-256 of many messages, two at a time, by the CPU's own instructions:
 * those of one message wait for one another, so that another message costs no time beside it. */
#ifndef CODEC_SHA256_PAIR_H
#define CODEC_SHA256_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heft_sha256_input {
	const uint8_t *bytes;
	size_t n;
	uint8_t *digest; /* HEFT_SHA256_SIZE bytes */
};

/* Fills each digest with H(first || bytes). False, with nothing done, where these CPU bits lack the
 * instructions. Messages of one length are the fastest, as both lanes are full to their end. */
bool heft_sha256_pairs(uint32_t cpu_bits, uint8_t first, const struct heft_sha256_input *inputs,
                       size_t n);

#endif
