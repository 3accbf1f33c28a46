/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - the codec that stores a chunk as it is; what nothing shrinks is stored so. */
#include "codec/codec.h"

#include <string.h>

#include "base/error.h"

static size_t max_stored(size_t n)
{
	return n;
}

/* Never shrinks, so it is never chosen: it is what is left. */
static bool encode(struct heft_coder *c, int level, const void *src, size_t n, void *dst,
                   size_t capacity, size_t *stored)
{
	(void)c, (void)level, (void)src, (void)n, (void)dst, (void)capacity, (void)stored;
	return false;
}

static enum heft_status decode(struct heft_coder *c, const void *src, size_t stored, void *dst,
                               size_t n, uint64_t file_off, struct heft_error *err)
{
	(void)c;
	if (stored != n)
		return heft_fail(err, HEFT_E_CORRUPT, file_off, "raw chunk of %zu bytes stores %zu",
		                 n, stored);
	if (n > 0)
		memcpy(dst, src, n);
	return HEFT_OK;
}

const struct heft_codec heft_codec_raw = {
	.name = "raw",
	.id = HEFT_CODEC_RAW,
	.max_stored = max_stored,
	.encode = encode,
	.decode = decode,
};
