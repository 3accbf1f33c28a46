/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_verify.c - what a verification finds, where, and in which order; dead bytes; and
 * the digests that it computes. */
#include <stdio.h>

#include "alloc_fail.h"
#include "container_file.h"
#include "heft/edit.h"
#include "tensor/dtype.h"
#include "unit.h"

/* Rows of TENSORS: 0 a.coded, 1 b.weight, 2 empty, 3 shared, 4 step. In the file b.weight comes
 * first. */
static const struct make_tensor tensors[] = {
	{ "b.weight", HEFT_DTYPE_F32, 0, 2, { 3, 500 }, .seed = 1 },
	{ "a.coded", HEFT_DTYPE_BF16, 0, 1, { 700000 }, .fill = MAKE_PATTERN, .is_coded = true },
	{ "shared", HEFT_DTYPE_F32, 0, 2, { 3, 500 }, .shares = true, .of = 0 },
	{ "empty", HEFT_DTYPE_F16, 0, 2, { 0, 4 }, .seed = 0 },
	{ "step", HEFT_DTYPE_I64, 1, 0, { 0 }, .seed = 3 },
};
#define N_TENSORS (sizeof tensors / sizeof *tensors)

static const struct make_heft model = {
	.tensors = tensors,
	.n = N_TENSORS,
	.options = { .compress = HEFT_COMPRESS_FAST, .no_sync = true },
	.metadata = "{\"license\": \"MIT\"}",
	.mixed = true,
};

/* The file, with as many updates of its metadata. */
static void make_updated(struct container_file *f, int n_updates)
{
	const struct heft_edit_options options = { .no_sync = true };
	struct heft_edit *edit;
	struct scratch s;
	char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	make_heft(&model, path);
	for (int i = 0; i < n_updates; i++) {
		char value[32];

		snprintf(value, sizeof value, "\"me, %d\"", i);
		ck_assert_int_eq(heft_edit_open(path, &options, &edit, NULL), HEFT_OK);
		ck_assert_int_eq(heft_edit_set_metadata(edit, "author", value, NULL), HEFT_OK);
		ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	}
	file_load(f, path);
	scratch_done(&s);
}

static uint64_t row_u64(struct container_file *f, uint32_t row_i, uint32_t field)
{
	return heft_get_le64(file_row(f, row_i) + field);
}

static void grow(struct container_file *f, size_t n_more)
{
	f->bytes = realloc(f->bytes, f->size + n_more);
	ck_assert_ptr_nonnull(f->bytes);
	memset(f->bytes + f->size, 0, n_more);
	f->size += n_more;
}

START_TEST(a_whole_file_has_no_fault)
{
	uint8_t stated[HEFT_SHA256_SIZE];
	struct container_file f;
	struct found found;

	make_updated(&f, _i);
	file_must_open(&f, NULL);
	verify_index(f.ix, 2, _i == 0, &found);
	ck_assert_msg(found.report.ok, "%s", found.lines);
	ck_assert_int_eq(heft_index_weights_digest(f.ix, stated, NULL), HEFT_OK);
	ck_assert_mem_eq(found.report.weights_digest, stated, sizeof stated);
	ck_assert(found.report.has_artifact_digest);
	ck_assert_int_eq(heft_index_artifact_digest(f.ix, stated, NULL), HEFT_OK);
	ck_assert_mem_eq(found.report.artifact_digest, stated, sizeof stated);
	ck_assert((found.report.n_dead_bytes > 0) == (_i > 0));
	found_done(&found);
	file_done(&f);
}
END_TEST

/* R2.2-4, R2.2-5 */
START_TEST(a_bad_page_and_a_tail_are_faults)
{
	struct container_file f;
	size_t size;

	make_updated(&f, 0);
	size = f.size;
	f.bytes[HEFT_PAGE_SIZE + 4000] = 1;
	ck_assert_file_fault(&f, "page - 4096", "slot page 1 is not empty");
	f.bytes[HEFT_PAGE_SIZE + 4000] = 0;
	grow(&f, 7);
	ck_assert_file_fault(&f, "tail", "7 bytes follow");
	f.size = size;
	ck_assert_file_whole(&f);
	file_done(&f);
	make_updated(&f, 1);
	f.bytes[50] ^= 1;
	ck_assert_file_fault(&f, "page - 0", "slot page 0 is not that of the generation before");
	file_done(&f);
}
END_TEST

/* --- sections ------------------------------------------------------------------------------- */

/* R3-8, for those that do not keep a file from opening. */
START_TEST(every_section_is_compared_with_its_digest)
{
	static const uint32_t types[] = { HEFT_SECTION_META, HEFT_SECTION_LEAVES,
		                          HEFT_SECTION_EXTENTS };
	static const char *const names[] = { "section META", "section LEAVES", "section EXTENTS" };
	struct container_file f;

	make_updated(&f, 0);
	heft_put_le32(file_dir_row(&f, types[_i]) + HEFT_DIR_CRC, 1);
	seal_directory(&f);
	ck_assert_file_fault(&f, names[_i], "does not match its CRC");
	seal_section(&f, types[_i]);
	file_dir_row(&f, types[_i])[HEFT_DIR_DIGEST] ^= 1;
	seal_directory(&f);
	ck_assert_file_fault(&f, names[_i], "does not match its digest");
	file_done(&f);
}
END_TEST

/* R7.1-1, R7.1-3 */
START_TEST(metadata_is_one_json_object)
{
	static const char *const texts[] = { "[\"license\": \"MIT\"]", "{\"license\": \"MIT\",",
		                             "{\"a\":0,\"\\u0061\":1}", "{\"license\": \"M\xffT\"}",
		                             "{\"license\":\"MIT\"}x" };
	struct container_file f;

	make_updated(&f, 0);
	ck_assert_uint_eq(heft_get_le64(file_dir_row(&f, HEFT_SECTION_META) + HEFT_DIR_SIZE), 18);
	memset(file_section(&f, HEFT_SECTION_META), ' ', 18);
	memcpy(file_section(&f, HEFT_SECTION_META), texts[_i], strlen(texts[_i]));
	seal_section(&f, HEFT_SECTION_META);
	ck_assert_file_fault(&f, "section META", "");
	file_done(&f);
}
END_TEST

/* R6.2: a section that states to be a frame, of more bytes than it can hold. */
START_TEST(a_frame_is_checked_before_memory_is_taken)
{
	static const struct {
		uint64_t size;
		const char *says;
	} cases[] = {
		{ 19, "zstd" },
		{ UINT64_C(1) << 40, "limit" },
		{ 200 << 20, "cannot give" },
	};
	struct container_file f;

	make_updated(&f, 0);
	heft_put_le64(file_dir_row(&f, HEFT_SECTION_META) + HEFT_DIR_SIZE, cases[_i].size);
	seal_directory(&f);
	ck_assert_file_fault(&f, "section META", cases[_i].says);
	file_done(&f);
}
END_TEST

/* R7.2-1 */
START_TEST(a_recipe_that_is_none_is_a_fault)
{
	static const uint8_t bytes[100] = { 0 };
	static const struct heft_section_out origin = { HEFT_SECTION_ORIGIN, bytes, sizeof bytes };
	struct make_heft m = model;
	struct container_file f;

	m.sections = &origin;
	m.n_sections = 1;
	file_make(&f, &m);
	ck_assert_file_fault(&f, "section ORIGIN", "");
	file_done(&f);
}
END_TEST

/* --- space ---------------------------------------------------------------------------------- */

/* R5-1 */
START_TEST(bytes_that_serve_two_are_a_fault)
{
	struct container_file f;

	make_updated(&f, 0);
	heft_put_le64(file_row(&f, 4) + HEFT_ROW_PLACE, row_u64(&f, 1, HEFT_ROW_PLACE) + 64);
	seal_section(&f, HEFT_SECTION_TENSORS);
	ck_assert_file_fault(&f, "chunk step 8256", "overlap step 8256");
	file_done(&f);
}
END_TEST

/* R5-2 */
START_TEST(a_gap_is_zero)
{
	struct container_file f;
	uint64_t meta;

	make_updated(&f, 0);
	meta = heft_get_le64(file_dir_row(&f, HEFT_SECTION_META) + HEFT_DIR_OFF);
	f.bytes[meta + 20] = 1; /* META has 18 bytes, and TENSORS follows at a multiple of 8 */
	ck_assert_file_fault(&f, "gap -", "belongs to nothing");
	file_done(&f);
}
END_TEST

/* The file with n bytes that are not 0 behind its first generation, and then updated. */
static void make_with_tail(struct container_file *f, size_t n)
{
	const struct heft_edit_options options = { .no_sync = true };
	struct heft_edit *edit;
	struct scratch s;
	char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	make_updated(f, 0);
	grow(f, n);
	memset(f->bytes + f->size - n, 0xaa, n);
	scratch_write(path, f->bytes, f->size);
	file_done(f);
	ck_assert_int_eq(heft_edit_open(path, &options, &edit, NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	file_load(f, path);
	scratch_done(&s);
}

START_TEST(an_abandoned_tail_may_hold_anything)
{
	struct container_file f;

	make_with_tail(&f, _i == 0 ? 1 : 5000);
	ck_assert_file_whole(&f);
	file_must_open(&f, NULL);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, 2);
	file_done(&f);
}
END_TEST

/* R5-3: gaps of the first generation, in a file that was updated once. */
START_TEST(gaps_of_the_generation_before_are_zero)
{
	struct container_file f;
	uint64_t old_meta;

	make_updated(&f, 0);
	old_meta = heft_get_le64(file_dir_row(&f, HEFT_SECTION_META) + HEFT_DIR_OFF);
	file_done(&f);
	make_updated(&f, 1);
	f.bytes[old_meta + 20] = 1;
	ck_assert_file_fault(&f, "gap -", "belongs to nothing");
	file_done(&f);
}
END_TEST

/* R5-4 */
START_TEST(the_generation_before_is_verified_too)
{
	struct container_file f;
	uint64_t old_meta;
	uint64_t old_dir;

	make_updated(&f, 0);
	old_meta = heft_get_le64(file_dir_row(&f, HEFT_SECTION_META) + HEFT_DIR_OFF);
	old_dir = heft_get_le64(file_page(&f) + HEFT_PAGE_DIR_OFF);
	file_done(&f);
	make_updated(&f, 1);
	f.bytes[old_meta] ^= 1;
	ck_assert_file_fault(&f, "previous META", "does not match its CRC");
	f.bytes[old_meta] ^= 1;
	f.bytes[old_dir + 20] ^= 1;
	ck_assert_file_fault(&f, "previous -", "directory does not match");
	file_done(&f);
}
END_TEST

/* What both generations hold is read and told once. */
START_TEST(shared_bytes_are_told_once)
{
	struct container_file f;
	struct found found;

	make_updated(&f, 1);
	f.bytes[row_u64(&f, 1, HEFT_ROW_PLACE) + 9] ^= 1;
	f.bytes[heft_get_le64(file_section(&f, HEFT_SECTION_EXTENTS)) + 9] ^= 1;
	file_verify(&f, &found);
	ck_assert_uint_eq(found.n, 2);
	ck_assert(strncmp(found.lines, "chunk b.weight", 14) == 0);
	ck_assert_ptr_nonnull(strstr(found.lines, "chunk a.coded"));
	found_done(&found);
	file_done(&f);
}
END_TEST

START_TEST(the_previous_generation_can_be_verified_itself)
{
	const struct heft_index_options previous = { .previous = true };
	struct container_file f;
	struct found found;

	make_updated(&f, 1);
	file_must_open(&f, &previous);
	verify_index(f.ix, 1, false, &found);
	ck_assert_msg(found.report.ok, "%s", found.lines);
	ck_assert_uint_eq(found.report.n_dead_bytes, 0);
	found_done(&found);
	file_done(&f);
}
END_TEST

/* R5-5 */
START_TEST(dead_bytes_are_what_a_compact_file_lacks)
{
	const struct heft_index_options trusted = { .trust = true };
	struct container_file f;
	struct found found;
	uint64_t compact_size;
	uint64_t n;

	make_updated(&f, 0);
	file_must_open(&f, NULL);
	ck_assert_int_eq(heft_index_dead_bytes(f.ix, &n, NULL), HEFT_OK);
	ck_assert_uint_eq(n, 0);
	compact_size = f.size;
	file_done(&f);
	make_updated(&f, 1);
	file_must_open(&f, &trusted);
	ck_assert_int_eq(heft_index_dead_bytes(f.ix, &n, NULL), HEFT_OK);
	/* The new META is longer by the member and its comma, within the same multiple of 8. */
	ck_assert_uint_ge(n, f.size - compact_size - 40);
	ck_assert_uint_lt(n, f.size - compact_size);
	verify_index(f.ix, 1, true, &found);
	ck_assert_msg(found.n == 1 && strstr(found.lines, "not compact: generation 2"), "%s",
	              found.lines);
	ck_assert_uint_eq(found.report.n_dead_bytes, n);
	found_done(&found);
	file_done(&f);
}
END_TEST

/* --- the answer ----------------------------------------------------------------------------- */

/* Many faults, told by one thread and by several. */
START_TEST(faults_come_in_the_order_of_the_file_whatever_the_threads)
{
	struct container_file f;
	struct found one;
	struct found many;
	long long before = -1;

	make_updated(&f, 1);
	for (size_t at = HEFT_DATA_START + 50; at < HEFT_DATA_START + 6000; at += 1000)
		f.bytes[at] ^= 0x10;
	for (uint64_t i = 0; i < 2; i++)
		f.bytes[heft_get_le64(file_section(&f, HEFT_SECTION_EXTENTS) + i * 24) + 7] ^= 1;
	file_section(&f, HEFT_SECTION_LEAVES)[40] ^= 1;
	f.bytes[row_u64(&f, 4, HEFT_ROW_PLACE)] ^= 1;
	grow(&f, 1);
	file_must_open(&f, NULL);
	verify_index(f.ix, 1, true, &one);
	ck_assert_uint_ge(one.n, 7);
	for (char *line = one.lines; *line; line = strchr(line, '\n') + 1) {
		char what[32];
		char name[32];
		long long off;

		ck_assert_int_eq(sscanf(line, "%31s %31s %lld", what, name, &off), 3);
		ck_assert_msg(off >= before, "%s", one.lines);
		before = off;
	}
	for (uint32_t n = 2; n <= 7; n += 5) {
		verify_index(f.ix, n, true, &many);
		ck_assert_str_eq(one.lines, many.lines);
		ck_assert_mem_eq(&one.report, &many.report, sizeof one.report);
		found_done(&many);
	}
	found_done(&one);
	file_done(&f);
}
END_TEST

/* Chunks are hashed together, and each is told by itself. */
START_TEST(each_damaged_chunk_is_one_fault)
{
	static const struct make_tensor five = {
		"w", HEFT_DTYPE_U8, 0, 1, { 4 * HEFT_CHUNK_MAX + 1000 }, .seed = 5
	};
	static const struct make_heft m = { .tensors = &five,
		                            .n = 1,
		                            .options = { .no_sync = true } };
	char wanted[64];
	struct container_file f;
	struct found found;
	const char *line;
	uint64_t place;

	file_make(&f, &m);
	place = row_u64(&f, 0, HEFT_ROW_PLACE);
	for (unsigned set = 1; set < 32; set++) {
		for (unsigned i = 0; i < 5; i++)
			f.bytes[place + i * HEFT_CHUNK_MAX + 77] ^= (set ^ (set - 1)) >> i & 1;
		file_must_open(&f, NULL);
		verify_index(f.ix, _i == 0 ? 1 : 3, true, &found);
		line = found.lines;
		for (unsigned i = 0; i < 5; i++) {
			snprintf(wanted, sizeof wanted, "chunk %u of tensor 'w' does not", i);
			ck_assert_int_eq(strstr(line, wanted) != NULL, set >> i & 1);
			line = set >> i & 1 ? strstr(line, wanted) : line;
		}
		ck_assert(found.n == (unsigned)__builtin_popcount(set) && !found.report.ok);
		found_done(&found);
	}
	file_done(&f);
}
END_TEST

/* The digest is that of the bytes that are there, and not what the file states. */
START_TEST(the_weights_digest_is_that_of_the_data)
{
	struct make_tensor changed[N_TENSORS];
	struct make_heft m = model;
	uint8_t want[HEFT_SHA256_SIZE];
	struct container_file f;
	struct container_file other;
	struct found found;
	uint64_t place;

	memcpy(changed, tensors, sizeof tensors);
	changed[0].seed = 77;
	m.tensors = changed;
	file_make(&other, &m);
	file_must_open(&other, NULL);
	ck_assert_int_eq(heft_index_weights_digest(other.ix, want, NULL), HEFT_OK);
	make_updated(&f, 0);
	place = row_u64(&f, 1, HEFT_ROW_PLACE);
	memcpy(f.bytes + place, other.bytes + place, 6000);
	file_verify(&f, &found);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_mem_eq(found.report.weights_digest, want, sizeof want);
	ck_assert(found.report.has_artifact_digest);
	found_done(&found);
	file_done(&other);
	file_done(&f);
}
END_TEST

START_TEST(a_chunk_that_cannot_be_read_leaves_no_digest)
{
	static const uint8_t zeros[HEFT_SHA256_SIZE];
	struct container_file f;
	struct found found;

	make_updated(&f, 0);
	f.bytes[heft_get_le64(file_section(&f, HEFT_SECTION_EXTENTS)) + 9] ^= 1;
	file_verify(&f, &found);
	ck_assert(!found.report.ok && !found.report.has_artifact_digest);
	ck_assert_mem_eq(found.report.weights_digest, zeros, sizeof zeros);
	found_done(&found);
	file_done(&f);
}
END_TEST

/* A trusted index is not trusted here. */
START_TEST(the_tables_of_a_trusted_index_are_verified)
{
	const struct heft_index_options trusted = { .trust = true };
	struct container_file f;
	struct found found;

	make_updated(&f, 0);
	file_section(&f, HEFT_SECTION_STRINGS)[0] ^= 1;
	file_must_open(&f, &trusted);
	verify_index(f.ix, 1, false, &found);
	ck_assert_msg(strncmp(found.lines, "index", 5) == 0 && strstr(found.lines, "STRINGS"), "%s",
	              found.lines);
	found_done(&found);
	file_done(&f);
}
END_TEST

struct progress {
	uint64_t n_done;
	uint64_t n_total;
	uint64_t stop_at;
};

static bool note_progress(void *user, uint64_t n_done, uint64_t n_total)
{
	struct progress *p = user;

	ck_assert_uint_ge(n_done, p->n_done);
	p->n_done = n_done;
	p->n_total = n_total;
	return n_done >= p->stop_at;
}

START_TEST(progress_counts_logical_bytes_and_may_stop)
{
	struct progress p = { .stop_at = UINT64_MAX };
	struct heft_verify_options o = {
		.run = { .n_threads = 2, .progress = note_progress, .user = &p }
	};
	struct heft_verify_report report;
	struct container_file f;

	make_updated(&f, 1);
	file_must_open(&f, NULL);
	ck_assert_int_eq(heft_index_verify(f.ix, &o, NULL, NULL, &report, NULL), HEFT_OK);
	ck_assert_uint_eq(p.n_total, 6000 + 1400000 + 8);
	ck_assert_uint_eq(p.n_done, p.n_total);
	p = (struct progress){ .stop_at = 1 };
	ck_assert_int_eq(heft_index_verify(f.ix, &o, NULL, NULL, &report, NULL), HEFT_E_CANCELLED);
	file_done(&f);
}
END_TEST

/* Opens and verifies a file with faults; the n-th allocation fails. */
static enum heft_status try_without_memory(struct heft_source *src, size_t n, bool *has_failed)
{
	const struct heft_verify_options o = { .run = { .n_threads = 1 } };
	struct heft_verify_report report;
	struct heft_index *ix = NULL;
	enum heft_status st;

	alloc_fail_at(n);
	st = heft_index_open(src, NULL, &ix, NULL);
	if (st == HEFT_OK)
		st = heft_index_verify(ix, &o, NULL, NULL, &report, NULL);
	*has_failed = alloc_fail_done();
	heft_index_close(ix);
	return st;
}

START_TEST(every_lack_of_memory_is_told)
{
	struct container_file f;
	struct heft_source *src;
	bool has_failed = true;

	make_updated(&f, 1);
	f.bytes[row_u64(&f, 1, HEFT_ROW_PLACE) + 9] ^= 1;
	f.bytes[HEFT_DATA_START + 5000] ^= 1;
	src = source_of(f.bytes, f.size, false);
	for (size_t n = 1; has_failed; n++) {
		const enum heft_status st = try_without_memory(src, n, &has_failed);

		ck_assert_msg(st == (has_failed ? HEFT_E_NOMEM : HEFT_OK), "allocation %zu: %s", n,
		              heft_status_name(st));
	}
	heft_source_close(src);
	file_done(&f);
}
END_TEST

static Suite *verify_suite(void)
{
	Suite *s = suite_create("container/verify");
	TCase *tc = tcase_create("verify");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_whole_file_has_no_fault, 0, 4);
	tcase_add_test(tc, a_bad_page_and_a_tail_are_faults);
	tcase_add_loop_test(tc, every_section_is_compared_with_its_digest, 0, 3);
	tcase_add_loop_test(tc, metadata_is_one_json_object, 0, 5);
	tcase_add_loop_test(tc, a_frame_is_checked_before_memory_is_taken, 0, 3);
	tcase_add_test(tc, a_recipe_that_is_none_is_a_fault);
	tcase_add_test(tc, bytes_that_serve_two_are_a_fault);
	tcase_add_test(tc, a_gap_is_zero);
	tcase_add_loop_test(tc, an_abandoned_tail_may_hold_anything, 0, 2);
	tcase_add_test(tc, gaps_of_the_generation_before_are_zero);
	tcase_add_test(tc, the_generation_before_is_verified_too);
	tcase_add_test(tc, shared_bytes_are_told_once);
	tcase_add_test(tc, the_previous_generation_can_be_verified_itself);
	tcase_add_test(tc, dead_bytes_are_what_a_compact_file_lacks);
	tcase_add_test(tc, faults_come_in_the_order_of_the_file_whatever_the_threads);
	tcase_add_loop_test(tc, each_damaged_chunk_is_one_fault, 0, 2);
	tcase_add_test(tc, the_weights_digest_is_that_of_the_data);
	tcase_add_test(tc, a_chunk_that_cannot_be_read_leaves_no_digest);
	tcase_add_test(tc, the_tables_of_a_trusted_index_are_verified);
	tcase_add_test(tc, progress_counts_logical_bytes_and_may_stop);
	tcase_add_test(tc, every_lack_of_memory_is_told);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(verify_suite());
}
