/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_flips.c - no bit of a heft file can change without being noticed: every one is
 * flipped, in fresh and updated files, raw and coded. */
#include <stdio.h>

#include "container_file.h"
#include "heft/edit.h"
#include "unit.h"

static const struct make_tensor tensors[] = {
	{ .name = "b.weight", .dtype = HEFT_DTYPE_F32, .rank = 2, .dims = { 3, 5 } },
	{ .name = "a.weight",
	  .dtype = HEFT_DTYPE_BF16,
	  .rank = 1,
	  .dims = { 70 },
	  .fill = MAKE_PATTERN },
	{ .name = "zeros", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 90 }, .fill = MAKE_ZEROS },
	{ .name = "nibbles",
	  .dtype = HEFT_DTYPE_U4,
	  .rank = 1,
	  .dims = { 7 },
	  .fill = MAKE_PATTERN,
	  .seed = 5 },
	{ .name = "empty", .dtype = HEFT_DTYPE_F16, .rank = 2, .dims = { 0, 4 } },
	{ .name = "tied",
	  .dtype = HEFT_DTYPE_F32,
	  .rank = 2,
	  .dims = { 3, 5 },
	  .is_tied = true,
	  .of = 0 },
	{ .name = "step", .dtype = HEFT_DTYPE_I64, .space = HEFT_SPACE_OPTIMIZER },
};

static const uint8_t lineage[] = "more than it takes to be compressed .........................."
				 "..............................................................."
				 "..............................................................."
				 "..............................................................."
				 "...............................................................";

static void make(struct container_file *f, bool is_coded, bool is_updated)
{
	const struct heft_section_out section = { .type = 0x00000abcu,
		                                  .bytes = lineage,
		                                  .size = sizeof lineage };
	const struct make_heft m = {
		.tensors = tensors,
		.n = sizeof tensors / sizeof *tensors,
		.options = { .compress = is_coded ? HEFT_COMPRESS_FAST : HEFT_COMPRESS_NONE,
		             .no_sync = true },
		.metadata = "{\"license\": \"MIT\"}",
		.sections = &section,
		.n_sections = 1,
	};
	const struct heft_edit_options options = { .no_sync = true };
	struct heft_edit *edit;
	struct scratch s;
	char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	make_heft(&m, path);
	if (is_updated) {
		ck_assert_int_eq(heft_edit_open(path, &options, &edit, NULL), HEFT_OK);
		ck_assert_int_eq(heft_edit_set_metadata(edit, "author", "\"me\"", NULL), HEFT_OK);
		ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	}
	file_load(f, path);
	scratch_done(&s);
}

/* The zeros of the slot pages are half of such a file: there one bit a byte will do. */
static bool is_flipped(size_t at, int bit)
{
	const size_t in_page = at % HEFT_PAGE_SIZE;

	return at >= HEFT_DATA_START || in_page < HEFT_PAGE_END || (size_t)bit == at % 8;
}

/* Whether the file as it lies in the descriptor opens and verifies. */
static bool is_whole(int fd)
{
	const struct heft_verify_options options = { .run = { .n_threads = 1 } };
	struct heft_verify_report report = { .ok = false };
	struct heft_source *src;
	struct heft_index *ix;

	ck_assert_int_eq(heft_source_open_fd(dup(fd), false, &src, NULL), HEFT_OK);
	if (heft_index_open(src, NULL, &ix, NULL) == HEFT_OK) {
		ck_assert_int_eq(heft_index_verify(ix, &options, NULL, NULL, &report, NULL),
		                 HEFT_OK);
		heft_index_close(ix);
	}
	heft_source_close(src);
	return report.ok;
}

START_TEST(every_flipped_bit_is_noticed)
{
	const bool is_coded = _i & 1;
	const bool is_updated = _i & 2;
	struct container_file f;
	int fd;

	make(&f, is_coded, is_updated);
	fd = memfd_create("flips", MFD_CLOEXEC);
	ck_assert_int_eq(write(fd, f.bytes, f.size), (ssize_t)f.size);
	ck_assert(is_whole(fd));
	for (size_t at = 0; at < f.size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			const uint8_t flipped = (uint8_t)(f.bytes[at] ^ 1u << bit);

			if (!is_flipped(at, bit))
				continue;
			ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)at), 1);
			ck_assert_msg(!is_whole(fd),
			              "bit %d of byte %zu of %zu, coded %d, updated %d", bit, at,
			              f.size, is_coded, is_updated);
		}
		ck_assert_int_eq(pwrite(fd, f.bytes + at, 1, (off_t)at), 1);
	}
	close(fd);
	file_done(&f);
}
END_TEST

START_TEST(every_cut_is_noticed)
{
	struct container_file f;

	make(&f, _i & 1, _i & 2);
	for (size_t size = 0; size < f.size; size += size < HEFT_DATA_START ? 61 : 1) {
		struct heft_source *src = source_of(f.bytes, size, false);
		struct heft_index *ix;

		ck_assert_int_ne(heft_index_open(src, NULL, &ix, NULL), HEFT_OK);
		heft_source_close(src);
	}
	file_done(&f);
}
END_TEST

static Suite *flips_suite(void)
{
	Suite *s = suite_create("container/flips");
	TCase *tc = tcase_create("flips");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_flipped_bit_is_noticed, 0, 4);
	tcase_add_loop_test(tc, every_cut_is_noticed, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(flips_suite());
}
