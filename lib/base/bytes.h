/* SPDX-License-Identifier: Apache-2.0 */
/* base/bytes.h - little-endian numbers in bytes, read and written byte by byte (compilers make one
 * load of it). */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>

static inline uint16_t heft_get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t heft_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t heft_get_le64(const uint8_t *p)
{
	return (uint64_t)heft_get_le32(p) | (uint64_t)heft_get_le32(p + 4) << 32;
}

static inline void heft_put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void heft_put_le32(uint8_t *p, uint32_t v)
{
	heft_put_le16(p, (uint16_t)v);
	heft_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void heft_put_le64(uint8_t *p, uint64_t v)
{
	heft_put_le32(p, (uint32_t)v);
	heft_put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
