/* SPDX-License-Identifier: Apache-2.0 */
/* codec/crc32c.h - CRC-32C (Castagnoli, reflected, as in RFC 3720), with the CPU's instruction
 * where it has one. */
#ifndef CODEC_CRC32C_H
#define CODEC_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t heft_crc32c(const void *bytes, size_t n); /* of "123456789": 0xE3069283 */
/* Of bytes that follow those that `crc` is of; heft_crc32c_add(0, bytes, n) begins. */
uint32_t heft_crc32c_add(uint32_t crc, const void *bytes, size_t n);
/* The same by the variant for these CPU bits, for tests. */
uint32_t heft_crc32c_by(uint32_t cpu_bits, const void *bytes, size_t n);

#endif
