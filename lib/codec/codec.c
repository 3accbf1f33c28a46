/* SPDX-License-Identifier: Apache-2.0 */
/* codec.c - the table of codecs, what they keep between chunks, and the choice of one for a
 * chunk. */
#include "codec/codec.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "codec/coder.h"

#define HEFT_CODEC(word) extern const struct heft_codec heft_codec_##word;
#include "codec/codec_list.inc"
#undef HEFT_CODEC

#define HEFT_CODEC(word) &heft_codec_##word,
static const struct heft_codec *const codecs[] = {
#include "codec/codec_list.inc"
};
#undef HEFT_CODEC

#define N_CODECS (sizeof codecs / sizeof *codecs)

const struct heft_codec *heft_codec_find(uint8_t id)
{
	for (size_t i = 0; i < N_CODECS; i++) {
		if (codecs[i]->id == id)
			return codecs[i];
	}
	return NULL;
}

const struct heft_codec *heft_codec_by_name(const char *name)
{
	for (size_t i = 0; i < N_CODECS; i++) {
		if (strcmp(codecs[i]->name, name) == 0)
			return codecs[i];
	}
	return NULL;
}

enum heft_status heft_coder_new(struct heft_coder **out, struct heft_error *err)
{
	struct heft_coder *c = heft_zalloc(sizeof *c);

	if (!c)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a coder");
	*out = c;
	return HEFT_OK;
}

void heft_coder_free(struct heft_coder *c)
{
	if (!c)
		return;
	heft_zstd_free(c->zstd);
	heft_free(c);
}

enum heft_status heft_coder_check(const struct heft_coder *c, struct heft_error *err)
{
	if (!c->lacked_memory)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to compress");
}

struct attempt {
	uint8_t effort;
	uint8_t codec;
	int level;
};

/* Best first. Measured on one core of an AMD EPYC with zstd 1.5.4, stored / raw and speed, on f32
 * weights (textgenrnn) and on bf16 of N(0, 0.02): level 1 0.918 and 0.780 at 0.7 to 0.9 GB/s, 3 the
 * same, 12 0.916 and 0.778 at 0.15 GB/s, 19 0.916 and 0.781 at 0.01 GB/s: what matches there are in
 * weights, level 12 has found. */
static const struct attempt attempts[] = {
	{ 1, HEFT_CODEC_ZERO, 0 },
	{ 1, HEFT_CODEC_ZSTD, 1 },
	{ 2, HEFT_CODEC_ZERO, 0 },
	{ 2, HEFT_CODEC_ZSTD, 12 },
};

uint8_t heft_encode_chunk(struct heft_coder *c, int effort, const void *src, size_t n, void *dst,
                          size_t capacity, size_t *stored)
{
	/* Less than 1/64 saved is not worth decoding it ever after. */
	const size_t worth = n - n / 64;

	if (capacity > worth)
		capacity = worth;
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
		const struct attempt *a = &attempts[i];
		const struct heft_codec *codec;

		if (a->effort != effort)
			continue;
		codec = heft_codec_find(a->codec);
		if (codec && codec->encode(c, a->level, src, n, dst, capacity, stored))
			return a->codec;
	}
	*stored = n;
	return HEFT_CODEC_RAW;
}
