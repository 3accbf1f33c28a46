/* SPDX-License-Identifier: Apache-2.0 */
/* zip_end.c - finds a zip archive's directory from the records at the end of the file
 * (spec/foreign/zip.md, section 2). */
#include "base/alloc.h"
#include "base/bytes.h"
#include "base/checked.h"
#include "base/cursor.h"
#include "base/error.h"
#include "format/zip_parts.h"

#define MAX_COMMENT UINT16_MAX

/* The last bytes of the file: all that an end record can lie in, and the locator before it. */
struct tail {
	uint8_t *bytes;
	size_t size;
	uint64_t off;
};

/* As they stand in one of the two records. */
struct stated {
	uint32_t disk;
	uint32_t dir_disk;
	uint64_t n_here; /* entries on this disk */
	uint64_t n_entries;
	uint64_t dir_size;
	uint64_t dir_off;
};

static enum heft_status read_tail(struct heft_source *src, struct tail *t, struct heft_error *err)
{
	const uint64_t file_size = heft_source_size(src);
	const size_t most = HEFT_ZIP_LOCATOR_SIZE + HEFT_ZIP_END_SIZE + MAX_COMMENT;

	if (file_size < HEFT_ZIP_END_SIZE)
		return heft_fail(err, HEFT_E_CORRUPT, file_size,
		                 "the file ends before a zip archive's directory");
	t->size = file_size < most ? (size_t)file_size : most;
	t->off = file_size - t->size;
	t->bytes = heft_alloc(t->size);
	if (!t->bytes)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a directory");
	return heft_source_read(src, t->off, t->bytes, t->size, err);
}

/* Z2-1: the last signature is the record, or the file is refused: a reader that searches another
 * way must not find another archive. */
static enum heft_status find_record(const struct tail *t, size_t *at, struct heft_error *err)
{
	const size_t last = t->size - HEFT_ZIP_END_SIZE;
	const size_t first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;

	for (size_t i = last + 1; i-- > first;) {
		if (heft_get_le32(t->bytes + i) != HEFT_ZIP_END_MAGIC)
			continue;
		if (heft_get_le16(t->bytes + i + 20) != last - i)
			return heft_fail(err, HEFT_E_CORRUPT, t->off + i,
			                 "the archive's comment does not end with the file");
		*at = i;
		return HEFT_OK;
	}
	return heft_fail(err, HEFT_E_CORRUPT, t->off + t->size,
	                 "no zip archive ends here: the file was cut short, or is none");
}

static struct stated parse_record(const struct tail *t, size_t at)
{
	struct heft_cursor c;
	struct stated s;

	heft_cursor_init(&c, t->bytes + at + 4, HEFT_ZIP_END_SIZE - 4, t->off + at + 4);
	s.disk = heft_cursor_u16(&c);
	s.dir_disk = heft_cursor_u16(&c);
	s.n_here = heft_cursor_u16(&c);
	s.n_entries = heft_cursor_u16(&c);
	s.dir_size = heft_cursor_u32(&c);
	s.dir_off = heft_cursor_u32(&c);
	return s;
}

static struct stated parse_record64(const uint8_t *record, uint64_t at)
{
	struct heft_cursor c;
	struct stated s;

	heft_cursor_init(&c, record + 16, HEFT_ZIP_END64_SIZE - 16, at + 16);
	s.disk = heft_cursor_u32(&c);
	s.dir_disk = heft_cursor_u32(&c);
	s.n_here = heft_cursor_u64(&c);
	s.n_entries = heft_cursor_u64(&c);
	s.dir_size = heft_cursor_u64(&c);
	s.dir_off = heft_cursor_u64(&c);
	return s;
}

static enum heft_status several_disks(uint64_t off, struct heft_error *err)
{
	return heft_fail(err, HEFT_E_UNSUPPORTED, off, "the archive lies on several disks");
}

/* Whether a record begins at `at` that ends where the locator begins. */
static enum heft_status try_record64(struct heft_source *src, uint64_t at, uint64_t locator_at,
                                     uint8_t *record, bool *is_it, struct heft_error *err)
{
	*is_it = false;
	if (at > locator_at || locator_at - at < HEFT_ZIP_END64_SIZE)
		return HEFT_OK;
	HEFT_TRY(heft_source_read(src, at, record, HEFT_ZIP_END64_SIZE, err));
	*is_it = heft_get_le32(record) == HEFT_ZIP_END64_MAGIC &&
	         heft_get_le64(record + 4) == locator_at - at - 12;
	return HEFT_OK;
}

/* Z2-4: a field of the short record is that of the long one, or all ones. */
static bool agrees(uint64_t field, uint64_t all_ones, uint64_t field64)
{
	return field == all_ones || field == field64;
}

static bool all_agree(const struct stated *s, const struct stated *s64)
{
	return agrees(s->disk, UINT16_MAX, s64->disk) &&
	       agrees(s->dir_disk, UINT16_MAX, s64->dir_disk) &&
	       agrees(s->n_here, UINT16_MAX, s64->n_here) &&
	       agrees(s->n_entries, UINT16_MAX, s64->n_entries) &&
	       agrees(s->dir_size, UINT32_MAX, s64->dir_size) &&
	       agrees(s->dir_off, UINT32_MAX, s64->dir_off);
}

/* Z2-3: the locator states where the zip64 record is, counted from the begin of the archive, which
 * is not known yet. So the record is either there or, with something in front of the archive,
 * right before the locator. */
static enum heft_status take_record64(struct heft_source *src, const uint8_t *locator,
                                      uint64_t locator_at, struct stated *s, uint64_t *at,
                                      uint64_t *stated_at, struct heft_error *err)
{
	uint8_t record[HEFT_ZIP_END64_SIZE];
	struct stated s64;
	bool is_it;

	if (heft_get_le32(locator + 4) != 0 || heft_get_le32(locator + 16) > 1)
		return several_disks(locator_at, err);
	*stated_at = heft_get_le64(locator + 8);
	*at = *stated_at;
	HEFT_TRY(try_record64(src, *at, locator_at, record, &is_it, err));
	if (!is_it && locator_at >= HEFT_ZIP_END64_SIZE) {
		*at = locator_at - HEFT_ZIP_END64_SIZE;
		HEFT_TRY(try_record64(src, *at, locator_at, record, &is_it, err));
	}
	if (!is_it)
		return heft_fail(err, HEFT_E_CORRUPT, locator_at,
		                 "the archive's zip64 record is not where it should be");
	s64 = parse_record64(record, *at);
	if (!all_agree(s, &s64))
		return heft_fail(err, HEFT_E_CORRUPT, *at,
		                 "the archive's two end records contradict each other");
	*s = s64;
	return HEFT_OK;
}

/* Z2-5: the directory ends where `end_at`, the first of the end records, begins. */
static enum heft_status place_directory(const struct stated *s, uint64_t end_at,
                                        struct heft_zip_end *end, struct heft_error *err)
{
	if (s->disk != 0 || s->dir_disk != 0 || s->n_here != s->n_entries)
		return several_disks(end_at, err);
	if (s->dir_size > end_at || s->dir_off > end_at - s->dir_size)
		return heft_fail(err, HEFT_E_CORRUPT, end_at,
		                 "the archive's directory does not fit before its end record");
	if (s->n_entries > s->dir_size / HEFT_ZIP_ENTRY_SIZE)
		return heft_fail(err, HEFT_E_CORRUPT, end_at,
		                 "the archive's directory is too short for its members");
	*end = (struct heft_zip_end){
		.n_entries = s->n_entries,
		.dir_off = end_at - s->dir_size,
		.dir_size = s->dir_size,
		.base = end_at - s->dir_size - s->dir_off,
	};
	return HEFT_OK;
}

static enum heft_status find_end(struct heft_source *src, const struct tail *t,
                                 struct heft_zip_end *end, struct heft_error *err)
{
	struct stated s;
	uint64_t end_at;
	uint64_t stated_at = 0;
	size_t at = 0;

	HEFT_TRY(find_record(t, &at, err));
	s = parse_record(t, at);
	end_at = t->off + at;
	if (at < HEFT_ZIP_LOCATOR_SIZE ||
	    heft_get_le32(t->bytes + at - HEFT_ZIP_LOCATOR_SIZE) != HEFT_ZIP_LOCATOR_MAGIC)
		return place_directory(&s, end_at, end, err);
	HEFT_TRY(take_record64(src, t->bytes + at - HEFT_ZIP_LOCATOR_SIZE,
	                       end_at - HEFT_ZIP_LOCATOR_SIZE, &s, &end_at, &stated_at, err));
	HEFT_TRY(place_directory(&s, end_at, end, err));
	if (end_at - stated_at != end->base)
		return heft_fail(err, HEFT_E_CORRUPT, end_at,
		                 "the archive's zip64 record is not where it should be");
	return HEFT_OK;
}

enum heft_status heft_zip_find_end(struct heft_source *src, struct heft_zip_end *end,
                                   struct heft_error *err)
{
	struct tail t = { .bytes = NULL };
	enum heft_status st = read_tail(src, &t, err);

	if (st == HEFT_OK)
		st = find_end(src, &t, end, err);
	heft_free(t.bytes);
	return st;
}
