/* SPDX-License-Identifier: Apache-2.0 */
/* siphash.c - SipHash-1-3, and a seed for it. */
#include "base/siphash.h"

#include <string.h>
#include <time.h>

#include "base/bytes.h"

static inline uint64_t rotate(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static inline void sip_add(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

void heft_sip_seed_init(struct heft_sip_seed *seed, const void *object)
{
	struct timespec now = { 0, 0 };
	uint64_t v[4] = { (uint64_t)(uintptr_t)object, (uint64_t)(uintptr_t)&now, 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	v[2] = (uint64_t)now.tv_sec;
	v[3] = (uint64_t)now.tv_nsec;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	seed->word[0] = v[0] ^ v[1];
	seed->word[1] = v[2] ^ v[3];
}

uint64_t heft_siphash(const struct heft_sip_seed *seed, uint64_t tweak, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	const uint64_t k0 = seed->word[0];
	const uint64_t k1 = seed->word[1] ^ tweak;
	uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		          k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
	uint8_t last[8] = { 0 };
	size_t i = 0;

	for (; n - i >= 8; i += 8)
		sip_add(v, heft_get_le64(p + i));
	if (n > i)
		memcpy(last, p + i, n - i);
	last[7] = (uint8_t)n;
	sip_add(v, heft_get_le64(last));
	v[2] ^= 0xff;
	for (int r = 0; r < 3; r++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
