/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c - what formats have in common that list their tensors in a heft_listing. */
#include "format/shared.h"

#include <string.h>

#include "base/error.h"
#include "container/layout.h"
#include "format/members.h"

static uint64_t limit(uint64_t given, uint64_t usual)
{
	return given == 0 || given > usual ? usual : given;
}

struct heft_limits heft_format_limits(const struct heft_open_options *options)
{
	const struct heft_limits given = options ? options->limits : (struct heft_limits){ 0 };

	return (struct heft_limits){
		.max_tensors = limit(given.max_tensors, INT32_MAX),
		.max_name_size = limit(given.max_name_size, HEFT_MAX_NAME),
		.max_metadata_size = limit(given.max_metadata_size, HEFT_META_MAX),
		.max_logical_bytes = limit(given.max_logical_bytes, INT64_MAX),
	};
}

uint32_t heft_format_alignment(uint64_t off)
{
	uint32_t alignment = 1;

	while (alignment < HEFT_PAGE_SIZE && off % (2 * (uint64_t)alignment) == 0)
		alignment *= 2;
	return alignment;
}

enum heft_status heft_format_find(const struct heft_listing *tensors, uint8_t space,
                                  const char *name, uint32_t *i, struct heft_error *err)
{
	if (heft_listing_find(tensors, space, name, strlen(name), i))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET, "no tensor is called '%s'", name);
}

enum heft_status heft_format_no_metadata(void *st, const char **json, struct heft_error *err)
{
	(void)st;
	(void)err;
	*json = "{}";
	return HEFT_OK;
}

/* An object without members says nothing, and neither does another format's bookkeeping. */
enum heft_status heft_format_refuse_metadata(const char *format, const char *text,
                                             struct heft_error *err)
{
	struct heft_members members;
	struct heft_error why;
	enum heft_status st = heft_members_read(&members, text, format, &why);

	if (st != HEFT_OK && st != HEFT_E_USAGE)
		st = heft_fail(err, st, why.offset, "%s", why.msg);
	else if (st == HEFT_E_USAGE || members.n > 0) /* one that is no string says something too */
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		               "%s has no place for metadata: --no-metadata leaves it out", format);
	heft_members_done(&members);
	return st;
}

size_t heft_format_no_scratch(const void *w)
{
	(void)w;
	return 0;
}

enum heft_status heft_format_encode_raw(void *w, struct heft_piece *p, struct heft_coder *coder,
                                        uint8_t *scratch, struct heft_error *err)
{
	(void)w;
	(void)coder;
	(void)scratch;
	(void)err;
	p->stored = p->bytes;
	p->stored_size = p->n;
	p->crc = 0;
	p->codec = HEFT_CODEC_RAW;
	return HEFT_OK;
}
