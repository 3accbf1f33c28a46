/* SPDX-License-Identifier: Apache-2.0 */
/* container_file.h - a heft file held in memory under a test's hands: made, changed byte by byte,
 * opened and verified. */
#ifndef HEFT_CONTAINER_FILE_H
#define HEFT_CONTAINER_FILE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "codec/crc32c.h"
#include "codec/digest_tree.h"
#include "container/generation.h"
#include "container/verify.h"
#include "make_heft.h"
#include "scratch.h"

struct container_file {
	uint8_t *bytes;
	size_t size;
	struct heft_source *src;
	struct heft_index *ix;
};

static inline void file_load(struct container_file *f, const char *path)
{
	memset(f, 0, sizeof *f);
	f->bytes = (uint8_t *)scratch_read(path, &f->size);
}

/* Makes a file by the writer. */
static inline void file_make(struct container_file *f, const struct make_heft *m)
{
	struct scratch s;
	char *path;

	scratch_init(&s);
	path = scratch_path(&s, "made.heft");
	make_heft(m, path);
	file_load(f, path);
	scratch_done(&s);
}

static inline struct heft_source *source_of(const void *bytes, size_t size, bool may_map)
{
	const int fd = memfd_create("heft", MFD_CLOEXEC);
	struct heft_source *src;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
	ck_assert_int_eq(heft_source_open_fd(fd, may_map, &src, NULL), HEFT_OK);
	return src;
}

static inline void file_close(struct container_file *f)
{
	heft_index_close(f->ix);
	heft_source_close(f->src);
	f->ix = NULL;
	f->src = NULL;
}

static inline void file_done(struct container_file *f)
{
	file_close(f);
	free(f->bytes);
}

static inline enum heft_status file_open(struct container_file *f,
                                         const struct heft_index_options *o, struct heft_error *err)
{
	file_close(f);
	f->src = source_of(f->bytes, f->size, true);
	return heft_index_open(f->src, o, &f->ix, err);
}

static inline void file_must_open(struct container_file *f, const struct heft_index_options *o)
{
	struct heft_error err;

	ck_assert_msg(file_open(f, o, &err) == HEFT_OK, "%s", err.msg);
}

/* --- changing what was made, so that only one rule is broken --- */

static inline uint8_t *file_page(struct container_file *f)
{
	const uint64_t g0 = heft_get_le64(f->bytes + HEFT_PAGE_GENERATION);
	const uint64_t g1 = heft_get_le64(f->bytes + HEFT_PAGE_SIZE + HEFT_PAGE_GENERATION);

	return f->bytes + (g1 > g0 ? HEFT_PAGE_SIZE : 0);
}

static inline uint8_t *file_dir(struct container_file *f)
{
	return f->bytes + heft_get_le64(file_page(f) + HEFT_PAGE_DIR_OFF);
}

/* The section's row of the directory. */
static inline uint8_t *file_dir_row(struct container_file *f, uint32_t type)
{
	uint8_t *row = file_dir(f) + HEFT_DIR_HEAD_SIZE;

	for (uint32_t i = 0; i < heft_get_le32(file_dir(f)); i++, row += HEFT_DIR_ROW_SIZE) {
		if (heft_get_le32(row + HEFT_DIR_TYPE) == type)
			return row;
	}
	ck_abort_msg("there is no section 0x%08x", (unsigned)type);
	return NULL;
}

static inline uint8_t *file_section(struct container_file *f, uint32_t type)
{
	return f->bytes + heft_get_le64(file_dir_row(f, type) + HEFT_DIR_OFF);
}

static inline uint8_t *file_row(struct container_file *f, uint32_t row_i)
{
	return file_section(f, HEFT_SECTION_TENSORS) + (size_t)row_i * HEFT_ROW_SIZE;
}

static inline void seal_page(uint8_t *page)
{
	struct heft_sha256 *h;

	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
	heft_digest_bytes(h, HEFT_DOMAIN_PAGE, page, HEFT_PAGE_CHECK, page + HEFT_PAGE_CHECK);
	heft_sha256_free(h);
}

/* Makes the digests of the directory and the page right again. */
static inline void seal_directory(struct container_file *f)
{
	uint8_t *page = file_page(f);
	struct heft_sha256 *h;

	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
	heft_digest_bytes(h, HEFT_DOMAIN_DIRECTORY, file_dir(f),
	                  heft_get_le64(page + HEFT_PAGE_DIR_SIZE), page + HEFT_PAGE_DIR_DIGEST);
	heft_sha256_free(h);
	seal_page(page);
}

/* Makes a section's CRC and digest right again, and all above it. */
static inline void seal_section(struct container_file *f, uint32_t type)
{
	uint8_t *row = file_dir_row(f, type);
	const uint64_t stored = heft_get_le64(row + HEFT_DIR_STORED);
	struct heft_sha256 *h;

	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
	heft_put_le32(row + HEFT_DIR_CRC, heft_crc32c(file_section(f, type), stored));
	if (stored == heft_get_le64(row + HEFT_DIR_SIZE))
		heft_digest_section(h, type, file_section(f, type), stored, row + HEFT_DIR_DIGEST);
	heft_sha256_free(h);
	seal_directory(f);
}

/* --- verifying --- */

/* What a verification found: the faults as lines "what name offset msg". */
struct found {
	char *lines;
	size_t size;
	size_t n;
	struct heft_verify_report report;
};

static inline void note_fault(void *user, const struct heft_fault *fault)
{
	struct found *found = user;
	char *line;
	int n;

	n = asprintf(&line, "%s %s %lld %s\n", fault->what, fault->name ? fault->name : "-",
	             (long long)fault->offset, fault->msg);
	ck_assert_int_gt(n, 0);
	found->lines = realloc(found->lines, found->size + (size_t)n + 1);
	ck_assert_ptr_nonnull(found->lines);
	memcpy(found->lines + found->size, line, (size_t)n + 1);
	found->size += (size_t)n;
	found->n++;
	free(line);
}

static inline void found_done(struct found *found)
{
	free(found->lines);
	memset(found, 0, sizeof *found);
}

static inline void verify_index(struct heft_index *ix, uint32_t n_threads, bool strict,
                                struct found *found)
{
	const struct heft_verify_options o = { .strict = strict,
		                               .run = { .n_threads = n_threads } };
	struct heft_error err;

	memset(found, 0, sizeof *found);
	ck_assert_msg(heft_index_verify(ix, &o, note_fault, found, &found->report, &err) == HEFT_OK,
	              "%s", err.msg);
	ck_assert_uint_eq(found->n, found->report.n_faults);
	ck_assert(found->report.ok == (found->n == 0));
	if (!found->lines)
		found->lines = calloc(1, 1);
	ck_assert_ptr_nonnull(found->lines);
}

/* The faults of the file as it is now; a file that does not open gives "refused MSG". */
static inline void file_verify(struct container_file *f, struct found *found)
{
	struct heft_error err;

	memset(found, 0, sizeof *found);
	if (file_open(f, NULL, &err) == HEFT_OK)
		verify_index(f->ix, 1, false, found);
	else
		ck_assert_int_gt(asprintf(&found->lines, "refused %s", err.msg), 0);
}

static inline void ck_assert_file_whole(struct container_file *f)
{
	struct found found;

	file_verify(f, &found);
	ck_assert_ptr_nonnull(found.lines);
	ck_assert_str_eq(found.lines, "");
	ck_assert(found.report.ok);
	found_done(&found);
}

static inline void ck_assert_file_fault(struct container_file *f, const char *begins,
                                        const char *holds)
{
	struct found found;

	file_verify(f, &found);
	ck_assert_ptr_nonnull(found.lines);
	ck_assert_msg(found.n > 0 && strncmp(found.lines, begins, strlen(begins)) == 0 &&
	                      strstr(found.lines, holds),
	              "want %s … %s; found %s", begins, holds, found.lines);
	found_done(&found);
}

#endif
