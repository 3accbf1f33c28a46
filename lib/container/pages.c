/* SPDX-License-Identifier: Apache-2.0 */
/* pages.c - the two slot pages, and which of them is current (spec/container.md 2). */
#include "container/index.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "codec/digest_tree.h"
#include "heft/version.h"

#define MIN_LOG2_ALIGNMENT 6
#define MAX_LOG2_ALIGNMENT 21

static bool all_zero(const uint8_t *bytes, size_t n)
{
	return n == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, n - 1) == 0);
}

static bool has_magic(const uint8_t *bytes)
{
	return memcmp(bytes, HEFT_MAGIC, HEFT_MAGIC_SIZE) == 0;
}

/* R2.1-1 to R2.1-3: what holds for a page of any major version. */
static bool is_ours(const uint8_t *bytes, int number, struct heft_sha256 *h)
{
	uint8_t check[HEFT_SHA256_SIZE];

	if (!has_magic(bytes) || bytes[HEFT_PAGE_NUMBER] != number)
		return false;
	heft_digest_bytes(h, HEFT_DOMAIN_PAGE, bytes, HEFT_PAGE_CHECK, check);
	return memcmp(check, bytes + HEFT_PAGE_CHECK, sizeof check) == 0;
}

/* R2.1-4 and R2.1-5. */
static bool is_sound(const uint8_t *bytes, int number)
{
	const uint64_t generation = heft_get_le64(bytes + HEFT_PAGE_GENERATION);
	const uint8_t log2_alignment = bytes[HEFT_PAGE_ALIGN];

	return generation >= 1 && (generation - 1) % 2 == (uint64_t)number &&
	       log2_alignment >= MIN_LOG2_ALIGNMENT && log2_alignment <= MAX_LOG2_ALIGNMENT &&
	       bytes[HEFT_PAGE_ZERO] == 0 &&
	       all_zero(bytes + HEFT_PAGE_END, HEFT_PAGE_SIZE - HEFT_PAGE_END);
}

static void fill_page(const uint8_t *bytes, struct heft_page *page)
{
	page->kind = HEFT_PAGE_VALID;
	page->minor = heft_get_le16(bytes + HEFT_PAGE_MINOR);
	page->log2_alignment = bytes[HEFT_PAGE_ALIGN];
	page->generation = heft_get_le64(bytes + HEFT_PAGE_GENERATION);
	page->dir_off = heft_get_le64(bytes + HEFT_PAGE_DIR_OFF);
	page->dir_size = heft_get_le64(bytes + HEFT_PAGE_DIR_SIZE);
	memcpy(page->dir_digest, bytes + HEFT_PAGE_DIR_DIGEST, HEFT_SHA256_SIZE);
}

static enum heft_status parse_page(const uint8_t *bytes, int number, struct heft_sha256 *h,
                                   struct heft_page *page, struct heft_error *err)
{
	*page = (struct heft_page){ .kind = HEFT_PAGE_BAD };
	if (all_zero(bytes, HEFT_PAGE_SIZE)) {
		page->kind = HEFT_PAGE_EMPTY;
		return HEFT_OK;
	}
	if (!is_ours(bytes, number, h))
		return HEFT_OK;
	if (heft_get_le16(bytes + HEFT_PAGE_MAJOR) != HEFT_CONTAINER_MAJOR)
		return heft_fail(err, HEFT_E_UNSUPPORTED,
		                 (uint64_t)number * HEFT_PAGE_SIZE + HEFT_PAGE_MAJOR,
		                 "heft container version %u is not supported",
		                 (unsigned)heft_get_le16(bytes + HEFT_PAGE_MAJOR));
	if (is_sound(bytes, number))
		fill_page(bytes, page);
	return HEFT_OK;
}

/* What a file too short for the page lacks reads as zeros: such a file is refused all the same, as
 * its directory cannot lie within it. */
static enum heft_status read_page(struct heft_source *src, int number, uint8_t *bytes,
                                  struct heft_error *err)
{
	const uint64_t off = (uint64_t)number * HEFT_PAGE_SIZE;
	const uint64_t size = heft_source_size(src);
	const uint64_t n_there = size > off ? size - off : 0;

	memset(bytes, 0, HEFT_PAGE_SIZE);
	return heft_source_read(src, off, bytes,
	                        n_there < HEFT_PAGE_SIZE ? (size_t)n_there : HEFT_PAGE_SIZE, err);
}

/* R2.2-4: the page that is not current, judged by the one that is. */
static void judge_other(struct heft_pages *pages)
{
	const struct heft_page *current = &pages->page[pages->current];
	struct heft_page *other = &pages->page[1 - pages->current];
	const bool is_right = current->generation == 1
	                              ? other->kind == HEFT_PAGE_EMPTY
	                              : other->kind == HEFT_PAGE_VALID &&
	                                        other->generation == current->generation - 1;

	if (!is_right)
		other->kind = HEFT_PAGE_BAD;
}

static enum heft_status choose(struct heft_pages *pages, const struct heft_error *io,
                               struct heft_error *err)
{
	const struct heft_page *p = pages->page;
	const bool is_valid[2] = { p[0].kind == HEFT_PAGE_VALID, p[1].kind == HEFT_PAGE_VALID };

	if (!is_valid[0] && !is_valid[1]) {
		if (io->code != HEFT_OK) {
			if (err)
				*err = *io;
			return io->code;
		}
		return heft_fail(err, HEFT_E_CORRUPT, 0, "neither slot page is valid");
	}
	pages->current = is_valid[1] && (!is_valid[0] || p[1].generation > p[0].generation);
	judge_other(pages);
	return HEFT_OK;
}

static enum heft_status read_both(struct heft_source *src, struct heft_sha256 *h,
                                  struct heft_pages *pages, struct heft_error *err)
{
	struct heft_error io = { .code = HEFT_OK };
	uint8_t bytes[HEFT_PAGE_SIZE];
	bool is_heft = false;

	for (int i = 0; i < 2; i++) {
		struct heft_error page_err;

		pages->page[i] = (struct heft_page){ .kind = HEFT_PAGE_BAD };
		if (read_page(src, i, bytes, &page_err) != HEFT_OK) {
			io = page_err;
			continue;
		}
		is_heft = is_heft || has_magic(bytes);
		HEFT_TRY(parse_page(bytes, i, h, &pages->page[i], err));
	}
	HEFT_TRY(heft_sha256_check(h, err));
	if (!is_heft && io.code == HEFT_OK)
		return heft_fail(err, HEFT_E_NOT_FORMAT, 0, "not a heft file");
	return choose(pages, &io, err);
}

enum heft_status heft_pages_read(struct heft_source *src, struct heft_pages *pages,
                                 struct heft_error *err)
{
	struct heft_pages found = { .file_size = heft_source_size(src) };
	struct heft_sha256 *h;
	enum heft_status st;

	HEFT_TRY(heft_sha256_new(&h, err));
	st = read_both(src, h, &found, err);
	heft_sha256_free(h);
	if (st == HEFT_OK)
		*pages = found;
	return st;
}
