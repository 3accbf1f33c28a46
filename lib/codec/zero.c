/* SPDX-License-Identifier: Apache-2.0 */
/* zero.c - the codec of chunks whose bytes are all zero: it stores nothing. */
#include "codec/codec.h"

#include <string.h>

#include "base/error.h"

static size_t max_stored(size_t n)
{
	(void)n;
	return 0;
}

/* Each byte equals its neighbour and the first is zero; memcmp stops at the first difference. */
static bool is_zero(const uint8_t *bytes, size_t n)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static bool encode(struct heft_coder *c, int level, const void *src, size_t n, void *dst,
                   size_t capacity, size_t *stored)
{
	(void)c, (void)level, (void)dst, (void)capacity;
	if (n == 0 || !is_zero(src, n))
		return false;
	*stored = 0;
	return true;
}

static enum heft_status decode(struct heft_coder *c, const void *src, size_t stored, void *dst,
                               size_t n, uint64_t file_off, struct heft_error *err)
{
	(void)c, (void)src;
	if (stored != 0)
		return heft_fail(err, HEFT_E_CORRUPT, file_off, "zero chunk stores %zu bytes",
		                 stored);
	if (n > 0)
		memset(dst, 0, n);
	return HEFT_OK;
}

const struct heft_codec heft_codec_zero = {
	.name = "zero",
	.id = HEFT_CODEC_ZERO,
	.max_stored = max_stored,
	.encode = encode,
	.decode = decode,
};
