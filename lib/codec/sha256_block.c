/* SPDX-License-Identifier: Apache-2.0 */
/* sha256_block.c - SHA-256 in portable C. Written from FIPS 180-4, sections 4.1.2, 5 and 6.2. */
#include "codec/sha256_block.h"

#include <string.h>

#define BLOCK 64u

/* FIPS 180-4, 4.2.2: from the cube roots of the first 64 primes. */
const uint32_t heft_sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* FIPS 180-4, 5.3.3: from the square roots of the first 8 primes. */
const uint32_t heft_sha256_start[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void schedule(uint32_t w[64], const uint8_t *block)
{
	for (unsigned t = 0; t < 16; t++)
		w[t] = get_be32(block + 4 * (size_t)t);
	for (unsigned t = 16; t < 64; t++) {
		const uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
		const uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
}

/* FIPS 180-4, 6.2.2; v holds a to h. */
static void compress(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64];
	uint32_t v[8];

	schedule(w, block);
	memcpy(v, state, sizeof v);
	for (unsigned t = 0; t < 64; t++) {
		const uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		const uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
		const uint32_t t1 = v[7] + s1 + ch + heft_sha256_k[t] + w[t];
		const uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		const uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + s0 + maj;
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += v[i];
}

void heft_sha256_portable(const uint8_t *bytes, size_t n, uint8_t *digest)
{
	uint32_t state[8];
	const uint64_t n_bits = (uint64_t)n * 8;
	uint8_t end[2 * BLOCK] = { 0 };
	size_t left = n;
	size_t end_size;

	memcpy(state, heft_sha256_start, sizeof state);
	for (; left >= BLOCK; left -= BLOCK, bytes += BLOCK)
		compress(state, bytes);
	if (left > 0)
		memcpy(end, bytes, left);
	end[left] = 0x80;
	end_size = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	put_be32(end + end_size - 8, (uint32_t)(n_bits >> 32));
	put_be32(end + end_size - 4, (uint32_t)n_bits);
	for (size_t at = 0; at < end_size; at += BLOCK)
		compress(state, end + at);
	for (size_t i = 0; i < 8; i++)
		put_be32(digest + 4 * i, state[i]);
}
