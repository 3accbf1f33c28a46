/* SPDX-License-Identifier: Apache-2.0 */
/* generation.c - encodes what makes a generation: sections, the directory, the slot page. */
#include "container/generation.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/error.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "heft/version.h"

/* Shorter sections gain nothing worth a frame. */
#define FRAME_WORTH 256
/* Longer ones, which are graphs with large constants, would take as much memory once more. */
#define FRAME_MAX ((size_t)16 << 20)
/* Metadata is small text: above 3 zstd takes several times as long for a few per cent. */
#define FRAME_LEVEL 3

static enum heft_status make_frame(const uint8_t *bytes, size_t size, struct heft_coder *coder,
                                   struct heft_packed_section *s, struct heft_error *err)
{
	size_t frame_size;

	s->frame = heft_alloc(size);
	if (!s->frame)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a section");
	if (heft_zstd_encode(coder, FRAME_LEVEL, bytes, size, s->frame, size, &frame_size)) {
		s->stored = s->frame;
		s->row.stored_size = frame_size;
	} else {
		heft_free(s->frame);
		s->frame = NULL;
	}
	return heft_coder_check(coder, err);
}

enum heft_status heft_section_pack(uint32_t type, const uint8_t *bytes, size_t size,
                                   struct heft_coder *coder, struct heft_sha256 *h,
                                   struct heft_packed_section *out, struct heft_error *err)
{
	struct heft_packed_section s = { .stored = bytes };
	enum heft_status st = HEFT_OK;

	assert(size > 0);
	s.row.type = type;
	s.row.size = size;
	s.row.stored_size = size;
	if (size > FRAME_WORTH && size <= FRAME_MAX)
		st = make_frame(bytes, size, coder, &s, err);
	if (st != HEFT_OK) {
		heft_packed_section_done(&s);
		return st;
	}
	s.row.crc = heft_crc32c(s.stored, (size_t)s.row.stored_size);
	heft_digest_section(h, type, bytes, size, s.row.digest);
	*out = s;
	return HEFT_OK;
}

void heft_packed_section_done(struct heft_packed_section *s)
{
	heft_free(s->frame);
	s->frame = NULL;
}

void heft_directory_init(struct heft_directory *d)
{
	heft_buffer_init(&d->bytes);
	d->n = 0;
	d->last_type = 0;
	heft_buffer_add_zeros(&d->bytes, HEFT_DIR_HEAD_SIZE);
}

void heft_directory_done(struct heft_directory *d)
{
	heft_buffer_done(&d->bytes);
}

void heft_directory_add(struct heft_directory *d, const struct heft_section *s)
{
	assert(s->type > d->last_type && s->off % 8 == 0);
	heft_buffer_add_le32(&d->bytes, s->type);
	heft_buffer_add_le32(&d->bytes, s->crc);
	heft_buffer_add_le64(&d->bytes, s->off);
	heft_buffer_add_le64(&d->bytes, s->stored_size);
	heft_buffer_add_le64(&d->bytes, s->size);
	heft_buffer_add(&d->bytes, s->digest, sizeof s->digest);
	d->last_type = s->type;
	d->n++;
}

enum heft_status heft_directory_end(struct heft_directory *d, struct heft_sha256 *h,
                                    uint8_t *digest, struct heft_error *err)
{
	if (!d->bytes.ok)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a directory");
	if (d->n > HEFT_MAX_SECTIONS)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "more than %u sections",
		                 HEFT_MAX_SECTIONS);
	heft_put_le32(d->bytes.bytes, d->n);
	heft_digest_bytes(h, HEFT_DOMAIN_DIRECTORY, d->bytes.bytes, d->bytes.size, digest);
	return HEFT_OK;
}

void heft_page_encode(const struct heft_page *page, struct heft_sha256 *h, uint8_t *bytes)
{
	memset(bytes, 0, HEFT_PAGE_SIZE);
	memcpy(bytes, HEFT_MAGIC, HEFT_MAGIC_SIZE);
	bytes[HEFT_PAGE_NUMBER] = (uint8_t)((page->generation - 1) % 2);
	heft_put_le16(bytes + HEFT_PAGE_MAJOR, HEFT_CONTAINER_MAJOR);
	heft_put_le16(bytes + HEFT_PAGE_MINOR, HEFT_CONTAINER_MINOR);
	bytes[HEFT_PAGE_ALIGN] = page->log2_alignment;
	heft_put_le64(bytes + HEFT_PAGE_GENERATION, page->generation);
	heft_put_le64(bytes + HEFT_PAGE_DIR_OFF, page->dir_off);
	heft_put_le64(bytes + HEFT_PAGE_DIR_SIZE, page->dir_size);
	memcpy(bytes + HEFT_PAGE_DIR_DIGEST, page->dir_digest, HEFT_SHA256_SIZE);
	heft_digest_bytes(h, HEFT_DOMAIN_PAGE, bytes, HEFT_PAGE_CHECK, bytes + HEFT_PAGE_CHECK);
}
