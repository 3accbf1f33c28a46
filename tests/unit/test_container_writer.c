/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_writer.c - tests of lib/container/writer.c, writer_tables.c and generation.c. */
#include "container/writer.h"

#include <string.h>

#include "base/bytes.h"
#include "codec/digest_tree.h"
#include "container/layout.h"
#include "container/origin.h"
#include "container/writer_state.h"
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

static void check_same_files(void)
{
	size_t n;
	char *bytes = scratch_read(path, &n);

	scratch_check(other, bytes, n);
	free(bytes);
}

/* [R5-6] [R4-2] */
START_TEST(a_file_without_tensors_has_no_table)
{
	const struct make_heft m = { .n = 0 };
	size_t n;
	char *bytes;

	make_heft(&m, path);
	bytes = scratch_read(path, &n);
	ck_assert_uint_eq(n, HEFT_DATA_START + HEFT_DIR_HEAD_SIZE);
	free(bytes);
	made_verify(path, true);
}
END_TEST

/* [R5-6] */
START_TEST(every_kind_of_tensor_comes_back)
{
	static const enum heft_compress efforts[] = { HEFT_COMPRESS_NONE, HEFT_COMPRESS_FAST,
		                                      HEFT_COMPRESS_BEST, HEFT_COMPRESS_NONE };
	const struct make_heft m = { .tensors = make_all,
		                     .n = MAKE_ALL_N,
		                     .options.compress = efforts[_i],
		                     .options.alignment = _i == 0 ? 4096 : 0,
		                     .metadata = "{\"a\": 1}",
		                     .mixed = _i == 3 };
	struct made f;

	make_heft(&m, path);
	made_open(&f, path);
	made_check(&f, make_all, MAKE_ALL_N);
	made_close(&f);
	made_verify(path, true);
}
END_TEST

START_TEST(the_order_of_storing_changes_nothing)
{
	struct make_heft m = { .tensors = make_all,
		               .n = MAKE_ALL_N,
		               .options.compress = _i ? HEFT_COMPRESS_FAST : HEFT_COMPRESS_NONE };

	make_heft(&m, path);
	m.backwards = true;
	make_heft(&m, other);
	check_same_files();
}
END_TEST

/* [R4.1-12] [D1-5] a tie group is named by its first row, in whatever order it was declared */
START_TEST(ties_name_the_first_row)
{
	static const struct make_tensor tensors[] = {
		{ "m", HEFT_DTYPE_U8, 0, 1, { 4 }, .seed = 1 },
		{ "z", HEFT_DTYPE_U8, 0, 1, { 4 }, .is_tied = true, .of = 0 },
		{ "a", HEFT_DTYPE_U8, 0, 1, { 4 }, .is_tied = true, .of = 0 },
		{ "b", HEFT_DTYPE_U8, 0, 1, { 4 }, .shares = true, .of = 0 },
	};
	static const uint32_t tie_of[] = { 0, 1, 0, 0 }; /* rows a b m z */
	const struct make_heft m = { .tensors = tensors, .n = 4 };
	struct heft_row row;
	struct made f;

	make_heft(&m, path);
	made_open(&f, path);
	made_check(&f, tensors, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_int_eq(heft_index_row(f.ix, i, &row, NULL), HEFT_OK);
		ck_assert_uint_eq(row.tie, tie_of[i]);
		ck_assert_uint_eq(row.first_leaf, 0);
	}
	made_close(&f);
	made_verify(path, true);
}
END_TEST

/* [R4.1-11] */
START_TEST(raw_tensors_are_aligned)
{
	const uint32_t alignment = UINT32_C(1) << _i;
	const struct make_heft m = { .tensors = make_all,
		                     .n = MAKE_ALL_N,
		                     .options.alignment = alignment };
	struct heft_row row;
	struct made f;

	make_heft(&m, path);
	made_open(&f, path);
	for (uint32_t i = 0; i < MAKE_ALL_N; i++) {
		ck_assert_int_eq(heft_index_row(f.ix, i, &row, NULL), HEFT_OK);
		ck_assert_uint_eq(row.place % alignment, 0);
	}
	made_close(&f);
	made_verify(path, true);
}
END_TEST

START_TEST(sections_are_carried_and_packed)
{
	static uint8_t large[100000];
	static const uint8_t small[3] = { 1, 2, 3 };
	const struct heft_section_out sections[] = {
		{ 0x00000001, small, sizeof small },
		{ 0x00000abcu, large, sizeof large },
		{ 0x30000001, small, sizeof small },
	};
	const struct make_heft m = { .tensors = make_all,
		                     .n = MAKE_ALL_N,
		                     .metadata = "{}",
		                     .sections = sections,
		                     .n_sections = 3 };
	struct heft_section s;
	uint8_t *bytes;
	struct made f;

	make_heft(&m, path);
	made_open(&f, path);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	ck_assert_uint_eq(s.size, 2);
	ck_assert(heft_index_find_section(f.ix, 0x00000abcu, &s));
	ck_assert_uint_lt(s.stored_size, 1000);
	ck_assert_int_eq(heft_index_read_section(f.ix, &s, UINT64_MAX, &bytes, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, large, sizeof large);
	free(bytes);
	ck_assert(heft_index_find_section(f.ix, 0x30000001, &s));
	ck_assert_uint_eq(s.stored_size, 3);
	made_close(&f);
	made_verify(path, true);
}
END_TEST

/* [R7.2-2] the recipe names rows, and the digests of what it was made from */
START_TEST(the_recipe_is_bound_to_tensors_and_metadata)
{
	static const struct heft_section_out sections[] = {
		{ 0x00000001, (const uint8_t *)"first", 5 },
		{ 0x3fffffff, (const uint8_t *)"last", 4 },
	};
	struct heft_origin o;
	struct heft_origin_file *file;
	const struct make_heft m = { .tensors = make_all,
		                     .n = MAKE_ALL_N,
		                     .metadata = _i ? "{\"x\":[]}" : NULL,
		                     .sections = sections,
		                     .n_sections = 2,
		                     .origin = &o };
	uint8_t digest[HEFT_SHA256_SIZE] = { 0 };
	struct heft_section meta;
	struct heft_section s;
	uint8_t *bytes;
	struct made f;
	uint32_t row_i;

	heft_origin_init(&o);
	strncpy(o.format, "npy", sizeof o.format);
	ck_assert_int_eq(heft_origin_add_file(&o, "a.npy", 7, 2, &file, NULL), HEFT_OK);
	file->pieces[0] = (struct heft_origin_piece){ .literal = (const uint8_t *)"abc",
		                                      .size = 3 };
	file->pieces[1] = (struct heft_origin_piece){ .tensor = 0, .size = 4 };
	make_heft(&m, path);
	heft_origin_done(&o);
	made_verify(path, true);

	made_open(&f, path);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_ORIGIN, &s));
	ck_assert_int_eq(heft_index_read_section(f.ix, &s, 1 << 20, &bytes, NULL), HEFT_OK);
	ck_assert_int_eq(heft_origin_parse(bytes, (size_t)s.size, s.off, &o, NULL), HEFT_OK);
	ck_assert_int_eq(heft_index_row_at(f.ix, 0, &row_i, NULL), HEFT_OK);
	ck_assert_uint_eq(o.files[0].pieces[1].tensor, row_i);
	if (heft_index_find_section(f.ix, HEFT_SECTION_META, &meta))
		memcpy(digest, meta.digest, sizeof digest);
	ck_assert_mem_eq(o.meta_digest, digest, sizeof digest);
	ck_assert_int_eq(heft_index_list_digest(f.ix, digest, NULL), HEFT_OK);
	ck_assert_mem_eq(o.list_digest, digest, sizeof digest);
	heft_origin_done(&o);
	made_close(&f);
}
END_TEST

START_TEST(what_is_wrong_is_said_and_nothing_stays)
{
	static const struct make_tensor other_shape[] = {
		{ .name = "a", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 4 } },
		{ "b", HEFT_DTYPE_U8, 0, 1, { 5 }, .is_tied = true, .of = 0 },
	};
	static const struct make_tensor other_dtype[] = {
		{ .name = "a", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 4 } },
		{ "b", HEFT_DTYPE_I8, 0, 1, { 4 }, .shares = true, .of = 0 },
	};
	static const struct make_tensor unused_bits[] = {
		{ "a", HEFT_DTYPE_I4, 0, 1, { 3 }, .fill = MAKE_PATTERN, .seed = 0x15 },
	};
	static const struct make_heft cases[] = {
		{ .tensors = other_shape, .n = 2 },
		{ .tensors = other_dtype, .n = 2 },
		{ .tensors = unused_bits, .n = 1 },
		{ .tensors = unused_bits, .n = 1, .options.compress = HEFT_COMPRESS_FAST },
		{ .n = 0, .options.alignment = 32 },
		{ .n = 0, .options.alignment = 96 },
		{ .n = 0, .options.alignment = 4 << 20 },
	};
	struct heft_error err;

	ck_assert_int_eq(make_heft_try(&cases[_i], path, &err), HEFT_E_USAGE);
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
}
END_TEST

/* [R4.1-14] */
START_TEST(unused_bits_may_be_zero)
{
	static const struct make_tensor tensors[] = {
		{ "a", HEFT_DTYPE_I4, 0, 1, { 3 }, .fill = MAKE_PATTERN, .seed = 0x05 },
		{ "b", HEFT_DTYPE_F6_E2M3, 0, 1, { 5 }, .fill = MAKE_PATTERN, .seed = 0x3f },
		{ "c", HEFT_DTYPE_U2, 0, 1, { 7 }, .fill = MAKE_PATTERN, .seed = 0x2a },
	};
	const struct make_heft m = { .tensors = tensors, .n = 3 };

	make_heft(&m, path);
	made_verify(path, true);
}
END_TEST

START_TEST(missing_chunks_are_told)
{
	struct heft_listing *tensors;
	struct heft_write_plan plan = { .metadata = NULL };
	struct heft_container_writer *w;
	struct heft_sink *sink;
	const uint64_t dims[1] = { 4 };
	const uint64_t first_leaf[1] = { 0 };
	const uint8_t leaves[32] = { 0 };

	ck_assert_int_eq(heft_listing_new(&tensors, NULL), HEFT_OK);
	ck_assert_int_eq(heft_listing_add(tensors, "a", 1, dims,
	                                  &(struct heft_listed){ .dtype = HEFT_DTYPE_U8,
	                                                         .rank = 1 },
	                                  HEFT_E_USAGE, HEFT_NO_OFFSET, NULL),
	                 HEFT_OK);
	plan.tensors = tensors;
	ck_assert_int_eq(heft_sink_open(path, NULL, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(heft_container_begin(&plan, sink, &w, NULL), HEFT_OK);
	ck_assert_int_eq(heft_container_finish(w, leaves, first_leaf, NULL), HEFT_E_USAGE);
	heft_container_writer_free(w);
	heft_sink_discard(sink);
	heft_listing_free(tensors);
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
}
END_TEST

START_TEST(standard_output_is_refused)
{
	const struct make_heft m = { .n = 0 };

	ck_assert_int_eq(make_heft_try(&m, "-", NULL), HEFT_E_USAGE);
}
END_TEST

static struct make_tensor *many(uint32_t n, char (*names)[16])
{
	struct make_tensor *tensors = calloc(n, sizeof *tensors);

	ck_assert_ptr_nonnull(tensors);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof names[i], "t%u", i * 7919U % n);
		tensors[i] = (struct make_tensor){ .name = names[i],
			                           .dtype = HEFT_DTYPE_U8,
			                           .rank = 1,
			                           .dims = { i % 5 },
			                           .seed = i };
	}
	return tensors;
}

/* Beyond the listing, what the writer holds for a tensor is struct heft_written, a number for the
 * order, and an entry for each coded chunk. */
START_TEST(many_tensors_are_fine)
{
	enum {
		N = 50000
	};
	static char names[N][16];
	struct make_tensor *tensors = many(N, names);
	const struct make_heft m = { .tensors = tensors,
		                     .n = N,
		                     .options.compress = _i ? HEFT_COMPRESS_FAST
		                                            : HEFT_COMPRESS_NONE };
	struct made f;

	ck_assert_uint_le(sizeof(struct heft_written) + sizeof(struct heft_extent) + 4, 200);
	make_heft(&m, path);
	made_open(&f, path);
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), N);
	made_close(&f);
	made_verify(path, true);
	free(tensors);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_writer");
	TCase *t = tcase_create("writer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_file_without_tensors_has_no_table);
	tcase_add_loop_test(t, every_kind_of_tensor_comes_back, 0, 4);
	tcase_add_loop_test(t, the_order_of_storing_changes_nothing, 0, 2);
	tcase_add_test(t, ties_name_the_first_row);
	tcase_add_loop_test(t, raw_tensors_are_aligned, 6, 22);
	tcase_add_test(t, sections_are_carried_and_packed);
	tcase_add_loop_test(t, the_recipe_is_bound_to_tensors_and_metadata, 0, 2);
	tcase_add_loop_test(t, what_is_wrong_is_said_and_nothing_stays, 0, 7);
	tcase_add_test(t, unused_bits_may_be_zero);
	tcase_add_test(t, missing_chunks_are_told);
	tcase_add_test(t, standard_output_is_refused);
	tcase_add_loop_test(t, many_tensors_are_fine, 0, 2);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
