/* SPDX-License-Identifier: Apache-2.0 */
/* container/origin.h - the recipe that gives a source file back byte for byte (spec/container.md
 * 7.2). */
#ifndef CONTAINER_ORIGIN_H
#define CONTAINER_ORIGIN_H

#include "base/buffer.h"
#include "heft/error.h"

/* How a file's bytes of a tensor differ from its logical ones: bits. */
enum heft_transform {
	HEFT_TRANSFORM_SWAPPED = 1 << 0,     /* each number's bytes come last to first */
	HEFT_TRANSFORM_COLUMN_MAJOR = 1 << 1 /* the first dimension runs fastest */
};
#define HEFT_TRANSFORMS 3u /* all of them */

struct heft_origin_piece {
	const uint8_t *literal; /* NULL: a piece of a tensor */
	uint64_t size;          /* of the literal, or of the piece */
	/* while writing, index of the plan's tensors; after parsing, row of TENSORS */
	uint32_t tensor;
	uint8_t transform; /* enum heft_transform; 0: the logical bytes as they are */
	uint64_t first;    /* byte of the tensor */
};

struct heft_origin_file {
	char *name; /* owned */
	uint64_t size;
	struct heft_origin_piece *pieces; /* owned array; literals are borrowed */
	uint64_t n_pieces;
};

struct heft_origin {
	char format[256];
	uint8_t list_digest[32]; /* filled by parsing */
	uint8_t meta_digest[32];
	struct heft_origin_file *files; /* owned */
	uint32_t n_files;
	uint8_t *
		bytes; /* owned: what the literals point into; NULL when they are somebody else's */
};

/* Whether a file of a recipe may be called so: 1 to 255 bytes that lead nowhere (R7.2-1). */
bool heft_origin_is_plain_name(const char *name, size_t size);
/* The last part of the path where a recipe can name it so, else the usual name. */
const char *heft_origin_name(const char *path, const char *usual);
void heft_origin_init(struct heft_origin *o);
void heft_origin_done(struct heft_origin *o);
/* Appends a file, for the writer of a recipe; its pieces array has room for n_pieces and is filled
 * by the caller. */
enum heft_status heft_origin_add_file(struct heft_origin *o, const char *name, uint64_t size,
                                      uint64_t n_pieces, struct heft_origin_file **file,
                                      struct heft_error *err);
/* Encodes: `row_of` maps the plan's tensors to rows of TENSORS. Sticky failure in the buffer. */
void heft_origin_encode(const struct heft_origin *o, const uint32_t *row_of,
                        const uint8_t *list_digest, const uint8_t *meta_digest,
                        struct heft_buffer *b);
/* Whether a piece of such a tensor may have a transform: it is the whole of it, and the elements
 * are whole bytes. */
bool heft_origin_may_transform(const struct heft_origin_piece *p, uint16_t dtype, uint64_t n_bytes);
/* Parses and checks by itself (R7.2-1) all but the ranges of tensors. Takes `bytes` (heft_alloc'd)
 * over on success. Memory: not more than a small multiple of `size`. */
enum heft_status heft_origin_parse(uint8_t *bytes, size_t size, uint64_t file_off,
                                   struct heft_origin *o, struct heft_error *err);

#endif
