/* SPDX-License-Identifier: Apache-2.0 */
/* codec/codec.h - how the bytes of a chunk are stored: one vtable a codec, found by the id that
 * stands in the file.
 *
 * A new codec is one file here and one word in lib/codec/meson.build; its id is in spec/ids.md for
 * ever. */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

#include "heft/error.h"

enum heft_codec_id {
	HEFT_CODEC_RAW = 0,
	HEFT_CODEC_ZERO = 1,
	HEFT_CODEC_ZSTD = 2,
	HEFT_CODEC_PLANES = 3, /* a later version */
	HEFT_CODEC_DELTA = 4   /* a later version */
};

/* What coding needs and keeps between chunks (zstd's contexts, made when first used). One thread at
 * a time. */
struct heft_coder;

struct heft_codec {
	const char *name;
	uint8_t id;
	/* The most that encode may store for n logical bytes; decoders use it to refuse before they
	 * allocate. */
	size_t (*max_stored)(size_t n);
	/* Codes n bytes into dst (room for `capacity`), *stored < n. False: it does not shrink, or
	 * not by this codec; *stored is untouched. The same bytes, level and library version give
	 * the same result. */
	bool (*encode)(struct heft_coder *c, int level, const void *src, size_t n, void *dst,
	               size_t capacity, size_t *stored);
	/* Decodes exactly `stored` bytes into exactly n; anything else is HEFT_E_CORRUPT at
	 * file_off. Never writes past dst + n, whatever the bytes say. */
	enum heft_status (*decode)(struct heft_coder *c, const void *src, size_t stored, void *dst,
	                           size_t n, uint64_t file_off, struct heft_error *err);
};

const struct heft_codec *heft_codec_find(uint8_t id); /* NULL: unknown */
const struct heft_codec *heft_codec_by_name(const char *name);

enum heft_status heft_coder_new(struct heft_coder **out, struct heft_error *err);
void heft_coder_free(struct heft_coder *c);
/* HEFT_E_NOMEM when an encoder ever lacked memory: the chunk was then stored another way, so what
 * was written is right but not what the same input gives elsewhere. A writer asks once, before it
 * commits. */
enum heft_status heft_coder_check(const struct heft_coder *c, struct heft_error *err);

/* Which codecs a compression level of heft/write.h tries, best first, and at which level of each:
 * chooses for this chunk and codes it. HEFT_CODEC_RAW with *stored = n when nothing shrinks by 1/64
 * (dst then holds nothing of use, src is what to store). effort: 1 fast, 2 best. */
uint8_t heft_encode_chunk(struct heft_coder *c, int effort, const void *src, size_t n, void *dst,
                          size_t capacity, size_t *stored);

/* A section stored as one zstd frame: the same rules as a chunk of codec zstd (spec/container.md,
 * Frames). */
bool heft_zstd_encode(struct heft_coder *c, int level, const void *src, size_t n, void *dst,
                      size_t capacity, size_t *stored);
enum heft_status heft_zstd_decode(struct heft_coder *c, const void *src, size_t stored, void *dst,
                                  size_t n, uint64_t file_off, struct heft_error *err);

const char *heft_zstd_version(void); /* of the library that is loaded */

#endif
