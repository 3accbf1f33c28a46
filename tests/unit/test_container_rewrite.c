/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_rewrite.c - tests of lib/container/rewrite.c, copy.c and copy_plan.c: compaction
 * and recovery. */
#include <stdlib.h>
#include <string.h>

#include "container/layout.h"
#include "container/origin.h"
#include "heft/edit.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *other;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true };

/* Raw and coded tensors beside one another, metadata, sections, a recipe. */
static void make_rich(enum heft_compress compress, bool mixed)
{
	static const uint8_t small[3] = "abc";
	static uint8_t large[5000];
	const struct heft_section_out sections[] = {
		{ 0x00000abcu, large, sizeof large },
		{ 0x3fffffff, small, sizeof small },
		{ 0x50000001, small, sizeof small },
	};
	struct heft_origin o;
	struct heft_origin_file *file;
	const struct make_heft m = { .tensors = make_all,
		                     .n = MAKE_ALL_N,
		                     .options = { .compress = compress, .alignment = 256 },
		                     .metadata = "{ \"a\" :1}",
		                     .sections = sections,
		                     .n_sections = 3,
		                     .origin = &o,
		                     .mixed = mixed };

	heft_origin_init(&o);
	memcpy(o.format, "npy", 4);
	ck_assert_int_eq(heft_origin_add_file(&o, "a.npy", 4, 1, &file, NULL), HEFT_OK);
	file->pieces[0] = (struct heft_origin_piece){ .tensor = 0, .size = 4 };
	make_heft(&m, path);
	heft_origin_done(&o);
}

static void set(const char *key, const char *value)
{
	struct heft_edit *edit;

	ck_assert_int_eq(heft_edit_open(path, &quick, &edit, NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, key, value, NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
}

static void compact(void)
{
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_compact(path, &quick, NULL, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}

static void artifact_digest(const char *file, uint8_t *digest)
{
	struct made f;

	made_open(&f, file);
	ck_assert_int_eq(heft_index_artifact_digest(f.ix, digest, NULL), HEFT_OK);
	made_close(&f);
}

/* How each chunk is stored: its codec and CRC. */
static void storage(const char *file, struct heft_extent *extents, uint32_t n)
{
	struct made f;
	uint32_t at = 0;

	memset(extents, 0, n * sizeof *extents);
	made_open(&f, file);
	for (uint32_t i = 0; i < heft_index_n_tensors(f.ix); i++) {
		struct heft_row row;

		ck_assert_int_eq(heft_index_row(f.ix, i, &row, NULL), HEFT_OK);
		for (uint64_t k = 0; k < row.n_chunks; k++, at++) {
			ck_assert_uint_lt(at, n);
			ck_assert_int_eq(heft_index_extent(f.ix, &row, k, &extents[at], NULL),
			                 HEFT_OK);
			extents[at].off = row.tie + row.first_leaf;
		}
	}
	made_close(&f);
}

/* [D1-7] [R5-5] [R8.2-3] */
START_TEST(compaction_changes_the_layout_and_nothing_else)
{
	static const enum heft_compress efforts[] = { HEFT_COMPRESS_NONE, HEFT_COMPRESS_FAST,
		                                      HEFT_COMPRESS_BEST, HEFT_COMPRESS_NONE };
	struct heft_extent stored_before[64];
	struct heft_extent stored_after[64];
	struct heft_rewrite_report report;
	struct heft_section s;
	uint8_t before[32];
	uint8_t after[32];
	struct made f;

	make_rich(efforts[_i], _i == 3);
	set("b", "[1, 2]");
	set("a", "{}");
	artifact_digest(path, before);
	storage(path, stored_before, 64);
	ck_assert_int_eq(heft_compact(path, &quick, &report, NULL), HEFT_OK);
	ck_assert_uint_eq(report.generation, 3);
	ck_assert_uint_eq(report.newest, 3);
	ck_assert_uint_lt(report.size_after, report.size_before);
	artifact_digest(path, after);
	storage(path, stored_after, 64);
	ck_assert_mem_eq(before, after, sizeof before);
	ck_assert_mem_eq(stored_before, stored_after, sizeof stored_before);

	made_open(&f, path);
	made_check(&f, make_all, MAKE_ALL_N);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, 1);
	ck_assert_uint_eq(heft_index_page(f.ix)->log2_alignment, 8);
	ck_assert_uint_eq(heft_source_size(f.src), report.size_after);
	ck_assert(heft_index_find_section(f.ix, 0x3fffffff, &s));
	ck_assert(!heft_index_find_section(f.ix, 0x50000001, &s));
	made_close(&f);
	made_verify(path, true);
}
END_TEST

/* [R5-6] whatever the number of threads */
START_TEST(a_compact_file_stays_byte_for_byte)
{
	struct heft_edit_options options = quick;
	size_t n;
	char *bytes;

	make_rich(HEFT_COMPRESS_FAST, false);
	compact();
	bytes = scratch_read(path, &n);
	for (uint32_t n_threads = 1; n_threads < 8; n_threads += 2) {
		options.run.n_threads = n_threads;
		ck_assert_int_eq(heft_compact(path, &options, NULL, NULL), HEFT_OK);
		scratch_check(path, bytes, n);
	}
	free(bytes);
}
END_TEST

START_TEST(a_file_without_tensors_is_compacted)
{
	const struct make_heft m = { .n = 0, .metadata = "{\"a\":1}" };

	make_heft(&m, path);
	set("a", "2");
	compact();
	made_verify(path, true);
}
END_TEST

START_TEST(many_small_tensors_are_compacted)
{
	enum {
		N = 2000
	};
	static char names[N][16];
	static struct make_tensor tensors[N];
	const struct make_heft m = { .tensors = tensors, .n = N };
	uint8_t before[32];
	uint8_t after[32];
	struct made f;

	for (uint32_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof names[i], "t%u", i * 7U % N);
		tensors[i] = (struct make_tensor){ .name = names[i],
			                           .dtype = HEFT_DTYPE_U8,
			                           .rank = 1,
			                           .dims = { i % 97 * (i % 50 == 0 ? 20000 : 1) },
			                           .seed = i };
	}
	make_heft(&m, path);
	set("a", "2");
	artifact_digest(path, before);
	compact();
	artifact_digest(path, after);
	ck_assert_mem_eq(before, after, sizeof before);
	made_open(&f, path);
	made_check(&f, tensors, N);
	made_close(&f);
	made_verify(path, true);
}
END_TEST

static bool stop_half_way(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user;
	return n_done > n_total / 2;
}

START_TEST(compaction_can_be_cancelled)
{
	struct heft_edit_options options = quick;
	size_t n;
	char *bytes;

	make_rich(HEFT_COMPRESS_NONE, false);
	bytes = scratch_read(path, &n);
	options.run.progress = stop_half_way;
	ck_assert_int_eq(heft_compact(path, &options, NULL, NULL), HEFT_E_CANCELLED);
	scratch_check(path, bytes, n);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	free(bytes);
}
END_TEST

/* Changes one byte of the file, or a run of bytes. */
static void damage(uint64_t at, size_t n)
{
	size_t size;
	char *bytes = scratch_read(path, &size);

	ck_assert_uint_le(at + n, size);
	for (size_t i = 0; i < n; i++)
		bytes[at + i] ^= 0x55;
	scratch_write(path, bytes, size);
	free(bytes);
}

/* Where the first chunk of the first row with chunks is stored. */
static uint64_t a_chunk(void)
{
	struct heft_extent e = { .stored_size = 0 };
	struct made f;

	made_open(&f, path);
	for (uint32_t i = 0; e.stored_size == 0; i++) {
		struct heft_row row;

		ck_assert_int_eq(heft_index_row(f.ix, i, &row, NULL), HEFT_OK);
		if (row.n_chunks > 0)
			ck_assert_int_eq(heft_index_extent(f.ix, &row, 0, &e, NULL), HEFT_OK);
	}
	made_close(&f);
	return e.off;
}

START_TEST(damage_is_never_copied)
{
	struct heft_error err;
	size_t n;
	char *bytes;

	make_rich(_i ? HEFT_COMPRESS_FAST : HEFT_COMPRESS_NONE, false);
	damage(a_chunk() + 1, 1);
	bytes = scratch_read(path, &n);
	ck_assert_int_eq(heft_compact(path, &quick, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_uint_ne(err.offset, HEFT_NO_OFFSET);
	scratch_check(path, bytes, n);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	free(bytes);
}
END_TEST

/* --- recovery --------------------------------------------------------------------------------- */

static void make_three(void)
{
	make_rich(HEFT_COMPRESS_FAST, true);
	set("a", "2");
	set("a", "3");
}

static struct heft_page page_of(bool previous)
{
	struct heft_page page;
	struct made f;

	made_open(&f, path);
	page = heft_index_pages(f.ix)->page[heft_index_pages(f.ix)->current ^ previous];
	made_close(&f);
	return page;
}

static void check_value(const char *file, const char *text)
{
	struct heft_section s;
	uint8_t *bytes;
	struct made f;

	made_open(&f, file);
	made_check(&f, make_all, MAKE_ALL_N);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, 1);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	ck_assert_int_eq(heft_index_read_section(f.ix, &s, 100, &bytes, NULL), HEFT_OK);
	ck_assert_str_eq((const char *)bytes, text);
	free(bytes);
	made_close(&f);
	made_verify(file, true);
}

static void recover(const char *out, uint32_t generation, uint32_t newest)
{
	struct heft_rewrite_report report;
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_recover(path, out, &quick, &report, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(report.generation, generation);
	ck_assert_uint_eq(report.newest, newest);
}

START_TEST(a_clean_file_is_left_alone)
{
	struct heft_rewrite_report report;
	size_t n;
	char *bytes;

	make_three();
	bytes = scratch_read(path, &n);
	ck_assert_int_eq(heft_recover(path, NULL, &quick, &report, NULL), HEFT_OK);
	ck_assert_uint_eq(report.generation, 3);
	ck_assert_uint_eq(report.size_before, n);
	ck_assert_uint_eq(report.size_after, n);
	ck_assert(report.is_untouched);
	scratch_check(path, bytes, n);
	recover(path, 3, 3); /* the same file under its own name */
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

START_TEST(a_clean_file_is_copied_elsewhere)
{
	size_t n;
	char *bytes;

	make_three();
	bytes = scratch_read(path, &n);
	recover(other, 3, 3);
	scratch_check(path, bytes, n);
	free(bytes);
	check_value(other, "{ \"a\" :3}");
	ck_assert_int_eq(heft_recover(path, other, &quick, NULL, NULL), HEFT_E_USAGE);
}
END_TEST

/* [R2.2-3]: the file does not open, and only recovery shows the older generation. */
START_TEST(a_damaged_generation_gives_way_to_the_one_before)
{
	struct heft_page page;
	struct heft_source *src;
	struct heft_index *ix;
	struct heft_section s;
	struct made f;

	make_three();
	page = page_of(false);
	if (_i == 0) {
		damage(page.dir_off + 20, 1);
		ck_assert_int_eq(heft_source_open(path, false, &src, NULL), HEFT_OK);
		ck_assert_int_eq(heft_index_open(src,
		                                 &(struct heft_index_options){ .trust = false },
		                                 &ix, NULL),
		                 HEFT_E_CORRUPT);
		heft_source_close(src);
	} else if (_i == 1) { /* its metadata */
		made_open(&f, path);
		ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
		made_close(&f);
		damage(s.off, 1);
	} else { /* the file is cut */
		ck_assert_int_eq(truncate(path, (off_t)(page.dir_off + page.dir_size - 1)), 0);
	}
	recover(_i == 1 ? other : NULL, 2, 3);
	check_value(_i == 1 ? other : path, "{ \"a\" :2}");
}
END_TEST

/* [R2.2-2] [R2.2-4] */
START_TEST(a_damaged_page_is_mended)
{
	const bool previous = _i == 1;
	struct heft_page page;

	make_three();
	page = page_of(previous);
	damage((page.generation - 1) % 2 * HEFT_PAGE_SIZE + 50, 7);
	recover(NULL, previous ? 3 : 2, previous ? 3 : 2);
	check_value(path, previous ? "{ \"a\" :3}" : "{ \"a\" :2}");
}
END_TEST

START_TEST(a_tail_is_dropped)
{
	FILE *f;

	make_three();
	f = fopen(path, "ab");
	ck_assert_ptr_nonnull(f);
	fputs("junk", f);
	fclose(f);
	recover(NULL, 3, 3);
	check_value(path, "{ \"a\" :3}");
}
END_TEST

/* The damage is in what both generations share, or in both pages. */
START_TEST(without_a_whole_generation_nothing_is_written)
{
	struct heft_error err;
	size_t n;
	char *bytes;

	make_three();
	if (_i == 0) {
		damage(a_chunk(), 1);
	} else {
		damage(20, 1);
		damage(HEFT_PAGE_SIZE + 20, 1);
	}
	bytes = scratch_read(path, &n);
	ck_assert_int_eq(heft_recover(path, NULL, &quick, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, "no generation is whole"));
	scratch_check(path, bytes, n);
	ck_assert_int_eq(heft_recover(path, other, &quick, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	free(bytes);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_rewrite");
	TCase *t = tcase_create("compact");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, compaction_changes_the_layout_and_nothing_else, 0, 4);
	tcase_add_test(t, a_compact_file_stays_byte_for_byte);
	tcase_add_test(t, a_file_without_tensors_is_compacted);
	tcase_add_test(t, many_small_tensors_are_compacted);
	tcase_add_test(t, compaction_can_be_cancelled);
	tcase_add_loop_test(t, damage_is_never_copied, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("recover");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_clean_file_is_left_alone);
	tcase_add_test(t, a_clean_file_is_copied_elsewhere);
	tcase_add_loop_test(t, a_damaged_generation_gives_way_to_the_one_before, 0, 3);
	tcase_add_loop_test(t, a_damaged_page_is_mended, 0, 2);
	tcase_add_test(t, a_tail_is_dropped);
	tcase_add_loop_test(t, without_a_whole_generation_nothing_is_written, 0, 2);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
