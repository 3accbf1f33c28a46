/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_pack.c - the text form is read as spec/text.md says, and its errors name their
 * line. */
#include "container/pack.h"

#include "alloc_fail.h"
#include "base/bytes.h"
#include "container/layout.h"
#include "scratch.h"
#include "unit.h"

#define MAX_SIZE (UINT64_C(64) << 20)

static enum heft_status pack(const char *text, struct heft_buffer *file, struct heft_error *err)
{
	heft_buffer_init(file);
	return heft_pack_bytes(text, strlen(text), MAX_SIZE, file, err);
}

/* The data of the first tensor, raw, stated by these lines, is these bytes. */
static void check_data(const char *dtype, const char *lines, const void *bytes, size_t n)
{
	struct heft_buffer file;
	struct heft_error err = { .msg = "" };
	char text[512];

	snprintf(text, sizeof text, "heft-text 1\ntensor \"a\" %s\n%s\n", dtype, lines);
	ck_assert_msg(pack(text, &file, &err) == HEFT_OK, "%s: %s", lines, err.msg);
	ck_assert_uint_ge(file.size, HEFT_DATA_START + n);
	ck_assert_mem_eq(file.bytes + HEFT_DATA_START, bytes, n);
	heft_buffer_done(&file);
}

/* --- data --- */

START_TEST(hex_takes_blanks_between_bytes)
{
	check_data("U8 [4]", "hex 00ff 1A 2b # and a comment", "\x00\xff\x1a\x2b", 4);
}
END_TEST

START_TEST(text_takes_the_escapes_of_json_and_any_byte)
{
	check_data("U8 [9]", "text \"\\\"\\\\\\n\\u00e9\\xff\\u20ac\"",
	           "\"\\\n\xc3\xa9\xff\xe2\x82\xac", 9);
}
END_TEST

START_TEST(lines_of_data_go_behind_one_another)
{
	check_data("U8 [7]", "fill aa x2\nramp x3\nhex 07\ntext \"z\"", "\xaa\xaa\x00\x01\x02\x07z",
	           7);
}
END_TEST

START_TEST(random_is_splitmix64)
{
	/* The first outputs of the published generator with seed 0: e220a8397b1dcdaf,
	 * 6e789e6aa1b965f4. */
	check_data("U8 [12]", "random 0 x12", "\xaf\xcd\x1d\x7b\x39\xa8\x20\xe2\xf4\x65\xb9\xa1",
	           12);
}
END_TEST

START_TEST(values_are_elements_of_the_dtype)
{
	check_data("F32 [3]", "values 1 -0 inf", "\x00\x00\x80\x3f\x00\x00\x00\x80\x00\x00\x80\x7f",
	           12);
	check_data("I16 [2]", "values -2 300", "\xfe\xff\x2c\x01", 4);
	check_data("U64 [1]", "values 18446744073709551615", "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	check_data("I64 [1]", "values -9223372036854775808", "\x00\x00\x00\x00\x00\x00\x00\x80", 8);
	check_data("I4 [3]", "values 1 -1 7", "\xf1\x07", 2);
	check_data("BF16 [2]", "values 3.140625 1e-3", "\x49\x40\x83\x3a", 4);
}
END_TEST

/* --- structure --- */

START_TEST(a_text_without_statements_is_a_file_without_rows)
{
	struct heft_buffer file;

	ck_assert_int_eq(pack("heft-text 1", &file, NULL), HEFT_OK);
	ck_assert_uint_eq(file.size, HEFT_DATA_START + HEFT_DIR_HEAD_SIZE);
	ck_assert_mem_eq(file.bytes, HEFT_MAGIC, HEFT_MAGIC_SIZE);
	heft_buffer_done(&file);
}
END_TEST

START_TEST(a_set_field_is_covered_by_what_is_computed_from_it)
{
	struct heft_buffer plain;
	struct heft_buffer set;

	/* Root, table, directory and page change with the leaf; nothing else does. */
	ck_assert_int_eq(pack("heft-text 1\ntensor \"a\" U8 [1]\nhex 07\n", &plain, NULL), HEFT_OK);
	ck_assert_int_eq(pack("heft-text 1\ntensor \"a\" U8 [1]\nhex 07\nset leaves[0] = hex 00\n",
	                      &set, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(plain.size, set.size);
	ck_assert_mem_ne(plain.bytes + HEFT_PAGE_DIR_DIGEST, set.bytes + HEFT_PAGE_DIR_DIGEST, 32);
	ck_assert_mem_ne(plain.bytes + HEFT_PAGE_CHECK, set.bytes + HEFT_PAGE_CHECK, 32);
	ck_assert_mem_ne(plain.bytes + HEFT_DATA_START + 8 + HEFT_ROW_ROOT,
	                 set.bytes + HEFT_DATA_START + 8 + HEFT_ROW_ROOT, 32);
	heft_buffer_done(&plain);
	heft_buffer_done(&set);
}
END_TEST

START_TEST(damage_is_done_last)
{
	struct heft_buffer file;
	const char *text =
		"heft-text 1\nappend hex 0102\npoke end-1 hex ff\npoke 0 hex 00\nmeta {}\n";

	ck_assert_int_eq(pack(text, &file, NULL), HEFT_OK);
	ck_assert_uint_eq(file.bytes[0], 0);
	ck_assert_uint_eq(file.bytes[file.size - 1], 0xff);
	ck_assert_uint_eq(file.bytes[file.size - 2], 0x01);
	heft_buffer_done(&file);
}
END_TEST

START_TEST(a_later_generation_points_to_what_it_did_not_change)
{
	struct heft_buffer once;
	struct heft_buffer twice;
	const char *text = "heft-text 1\ntensor \"a\" U8 [1]\nhex 07\ngeneration\nmeta {}\n";

	ck_assert_int_eq(pack("heft-text 1\ntensor \"a\" U8 [1]\nhex 07\n", &once, NULL), HEFT_OK);
	ck_assert_int_eq(pack(text, &twice, NULL), HEFT_OK);
	/* META, and a directory of six rows. */
	ck_assert_uint_eq(twice.size, once.size + 8 + HEFT_DIR_HEAD_SIZE + 6 * HEFT_DIR_ROW_SIZE);
	ck_assert_mem_eq(once.bytes + HEFT_DATA_START, twice.bytes + HEFT_DATA_START,
	                 once.size - HEFT_DATA_START);
	ck_assert_uint_eq(heft_get_le64(twice.bytes + HEFT_PAGE_SIZE + HEFT_PAGE_GENERATION), 2);
	heft_buffer_done(&once);
	heft_buffer_done(&twice);
}
END_TEST

/* Found by libFuzzer: an empty section that a later generation kept was compared by its bytes. */
START_TEST(an_empty_section_may_be_kept)
{
	struct heft_buffer file;
	struct heft_error err = { .msg = "" };

	ck_assert_msg(pack("heft-text 1\ntensor \"a\" F32 [1]\n  values 1\nmeta \n"
	                   "generation\nmeta \n",
	                   &file, &err) == HEFT_OK,
	              "%s", err.msg);
	heft_buffer_done(&file);
}
END_TEST

START_TEST(lines_may_end_with_a_carriage_return)
{
	struct heft_buffer a;
	struct heft_buffer b;

	ck_assert_int_eq(pack("heft-text 1\r\nmeta {}\r\n", &a, NULL), HEFT_OK);
	ck_assert_int_eq(pack("heft-text 1\nmeta {}\n", &b, NULL), HEFT_OK);
	ck_assert_uint_eq(a.size, b.size);
	ck_assert_mem_eq(a.bytes, b.bytes, a.size);
	heft_buffer_done(&a);
	heft_buffer_done(&b);
}
END_TEST

/* --- errors --- */

static const struct {
	uint64_t line;
	const char *text; /* behind "heft-text 1" and a newline */
} bad_texts[] = {
	{ 2, "nonsense" },
	{ 2, "\"a\"" },
	{ 3, "\nheft-text 2" },
	{ 2, "align 63" },
	{ 2, "align 4194304" },
	{ 2, "align 64 64" },
	{ 2, "generation x" },
	{ 2, "slot 2" },
	{ 2, "uncommitted 1" },
	{ 2, "skip" },
	{ 2, "hex 00" },
	{ 2, "tensor" },
	{ 2, "tensor a F32 [1]" },
	{ 2, "tensor \"a" },
	{ 2, "tensor \"\\q\" F32 [1]" },
	{ 2, "tensor \"\\u00g0\" F32 [1]" },
	{ 2, "tensor \"a\"" },
	{ 2, "tensor \"a\" F31 [1]" },
	{ 2, "tensor \"a\" 65536 [1]" },
	{ 2, "tensor \"a\" F32 1" },
	{ 2, "tensor \"a\" F32 [1" },
	{ 2, "tensor \"a\" F32 [x]" },
	{ 2, "tensor \"a\" F32 [18446744073709551616]" },
	{ 2, "tensor \"a\" F32 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
	     "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]" },
	{ 2, "tensor \"a\" F32 [1] colour=1" },
	{ 2, "tensor \"a\" F32 [1] space=256" },
	{ 2, "tensor \"a\" F32 [1] space=attic" },
	{ 2, "tensor \"a\" 0x900 [1] unit=0" },
	{ 2, "tensor \"a\" F32 [1] tie=\"a\" tie=\"a\"" },
	{ 2, "tensor \"a\" F32 [1] tie=\"b\"" },
	{ 2, "tensor \"a\" F32 [1] share=7" },
	{ 2, "tensor \"a\" F32 [1] share=\"b\"\ntensor \"b\" F32 [1] share=\"a\"" },
	{ 2, "tensor \"a\" F32 [2]\nhex 00000000" },
	{ 3, "tensor \"a\" U8 [1]\nhex 0" },
	{ 3, "tensor \"a\" U8 [1]\nhex 0g" },
	{ 3, "tensor \"a\" U8 [1]\nfill 0 x1" },
	{ 3, "tensor \"a\" U8 [1]\nfill zz x1" },
	{ 3, "tensor \"a\" U8 [1]\nfill 00 1" },
	{ 3, "tensor \"a\" U8 [1]\nramp x" },
	{ 3, "tensor \"a\" U8 [1]\nrandom x1" },
	{ 3, "tensor \"a\" U8 [1]\ntext a" },
	{ 3, "tensor \"a\" U8 [1]\nvalues 256" },
	{ 3, "tensor \"a\" U8 [1]\nvalues 1.5" },
	{ 3, "tensor \"a\" U8 [1]\nvalues one" },
	{ 3, "tensor \"a\" U64 [1]\nvalues -1" },
	{ 3, "tensor \"a\" U64 [1]\nvalues 18446744073709551616" },
	{ 3, "tensor \"a\" F32 [1]\nvalues nan" },
	{ 3, "tensor \"a\" F8_E4M3 [1]\nvalues 1000" },
	{ 3, "tensor \"a\" F4 [1]\nvalues inf" },
	{ 3, "tensor \"a\" C64 [1]\nvalues 1" },
	{ 3, "tensor \"a\" Q4_0 [32]\nvalues 1" },
	{ 3, "tensor \"a\" 0x900 [1]\nvalues 1" },
	{ 3, "section 0x123\nvalues 1" },
	{ 3, "tensor \"a\" U8 [1]\nchunk raw" },
	{ 2, "chunk raw" },
	{ 3, "tensor \"a\" U8 [1] coded\nchunk gzip" },
	{ 3, "tensor \"a\" U8 [1] coded\nchunk 256" },
	{ 5, "tensor \"a\" U8 [1] coded\nhex 07\nchunk raw\nchunk raw" },
	{ 4, "tensor \"a\" U8 [1] coded\nhex 07\nchunk planes" },
	{ 4, "tensor \"a\" U8 [1] coded\nhex 07\nchunk zstd" },
	{ 2, "stored hex 00" },
	{ 3, "section 0x123 hex 00\nstored" },
	{ 2, "section" },
	{ 2, "section ATTIC" },
	{ 2, "section 0x100000000" },
	{ 2, "drop META" },
	{ 2, "resize META" },
	{ 2, "delete \"a\"" },
	{ 2, "set" },
	{ 2, "set tensors" },
	{ 2, "set tensors[0]" },
	{ 2, "set tensors[0].colour = 1" },
	{ 2, "set tensors[META].tie = 1" },
	{ 2, "set tensors[0.tie = 1" },
	{ 2, "set page.minor 1" },
	{ 2, "set page.minor = 65536" },
	{ 2, "set page.minor = hex 000000" },
	{ 2, "set page.minor = x" },
	{ 2, "set tensors[0].tie = 1" },
	{ 4, "tensor \"a\" U8 [1]\nhex 07\nset tensors[1].tie = 1" },
	{ 3, "meta {}\nset directory[ORDER].crc = 1" },
	{ 2, "file \"a\"" },
	{ 3, "origin \"x\"\npiece 0 0 1" },
	{ 3, "origin \"x\"\nhex 00" },
	{ 4, "origin \"x\"\nfile \"m\"\nmore hex 00" },
	{ 2, "origin \"x\" list=00" },
	{ 2, "poke x hex 00" },
	{ 2, "poke 100000 hex 00" },
	{ 2, "poke end-100000 hex 00" },
	{ 2, "poke end-0 hex 00" },
	{ 2, "truncate 100000" },
	{ 2, "append" },
	{ 2, "swap ends" },
	{ 3, "truncate 100\nswap pages" },
};

START_TEST(a_text_that_breaks_the_grammar_names_its_line)
{
	struct heft_buffer file;
	struct heft_error err = { .msg = "" };
	char text[1024];

	snprintf(text, sizeof text, "heft-text 1\n%s\n", bad_texts[_i].text);
	ck_assert_msg(pack(text, &file, &err) == HEFT_E_CORRUPT, "%s", bad_texts[_i].text);
	ck_assert_msg(err.offset == bad_texts[_i].line, "%s: line %llu: %s", bad_texts[_i].text,
	              (unsigned long long)err.offset, err.msg);
	ck_assert_uint_gt(strlen(err.msg), 10);
	ck_assert_ptr_null(file.bytes);
}
END_TEST

START_TEST(a_text_begins_with_its_version)
{
	struct heft_buffer file;
	struct heft_error err;

	ck_assert_int_eq(pack("", &file, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(pack("# nothing\nmeta {}\n", &file, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 2);
}
END_TEST

/* A few bytes of text may state terabytes; none of them is allocated. */
START_TEST(more_than_allowed_is_refused_before_it_is_allocated)
{
	static const char *const texts[] = {
		"heft-text 1\ntensor \"a\" U8 [1]\nfill 00 x1000000000000\n",
		"heft-text 1\ntensor \"a\" U8 [1]\nfill 00 x67108865\n",
		"heft-text 1\ntensor \"a\" U8 [67108864]\nfill 00 x67108864\n",
		"heft-text 1\nmeta {}\nresize META 67108863\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct heft_buffer file;

		ck_assert_int_eq(pack(texts[i], &file, NULL), HEFT_E_LIMIT);
	}
}
END_TEST

/* --- the file --- */

static const char whole[] =
	"heft-text 1\n"
	"tensor \"a\" F32 [2]\n values 1 2\n"
	"tensor \"b\" F32 [2] tie=\"a\"\n"
	"tensor \"c\" U8 [4096] coded\n fill 00 x4095\n hex 01\n chunk zstd\n"
	"meta {}\n"
	"origin \"x\"\n file \"m\"\n literal text \"abc\"\n more hex 00\n piece 0 0 8\n"
	"set page.minor = 3\n"
	"generation\n"
	"delete \"a\"\n"
	"append hex 00\n";

START_TEST(pack_replaces_a_file_only_when_told_to)
{
	struct scratch s;
	struct heft_error err;
	struct heft_buffer file;
	const char *path;

	scratch_init(&s);
	path = scratch_path(&s, "a.heft");
	ck_assert_int_eq(heft_pack("heft-text 1\n", 12, path, false, &err), HEFT_OK);
	ck_assert_int_eq(heft_pack("heft-text 1\n", 12, path, false, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_pack("heft-text 1\nx\n", 14, path, true, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(heft_pack("heft-text 1\n", 12, path, true, &err), HEFT_OK);
	ck_assert_int_eq(pack("heft-text 1\n", &file, &err), HEFT_OK);
	scratch_check(path, file.bytes, file.size);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	heft_buffer_done(&file);
	scratch_done(&s);
}
END_TEST

START_TEST(a_tie_of_a_deleted_tensor_is_named)
{
	struct heft_buffer file;
	struct heft_error err;

	ck_assert_int_eq(pack(whole, &file, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 4);
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
	struct heft_buffer file;
	char text[sizeof whole];
	char *at;

	/* The whole text but for the deletion, so that it packs. */
	memcpy(text, whole, sizeof text);
	at = strstr(text, "delete");
	ck_assert_ptr_nonnull(at);
	memcpy(at, "#", 1);
	for (size_t n = 1;; n++) {
		struct heft_error err;
		enum heft_status st;

		alloc_fail_at(n);
		st = pack(text, &file, &err);
		if (!alloc_fail_done()) {
			ck_assert_msg(st == HEFT_OK, "%s", err.msg);
			break;
		}
		if (st == HEFT_OK) {
			heft_buffer_done(&file); /* OpenSSL's own, which it can do without */
			continue;
		}
		ck_assert_msg(st == HEFT_E_NOMEM, "allocation %zu: %s", n, err.msg);
	}
	heft_buffer_done(&file);
}
END_TEST

static Suite *pack_suite(void)
{
	Suite *s = suite_create("container/pack");
	TCase *data = tcase_create("data");
	TCase *structure = tcase_create("structure");
	TCase *errors = tcase_create("errors");
	TCase *files = tcase_create("files");

	tcase_add_test(data, hex_takes_blanks_between_bytes);
	tcase_add_test(data, text_takes_the_escapes_of_json_and_any_byte);
	tcase_add_test(data, lines_of_data_go_behind_one_another);
	tcase_add_test(data, random_is_splitmix64);
	tcase_add_test(data, values_are_elements_of_the_dtype);
	suite_add_tcase(s, data);
	tcase_add_test(structure, a_text_without_statements_is_a_file_without_rows);
	tcase_add_test(structure, a_set_field_is_covered_by_what_is_computed_from_it);
	tcase_add_test(structure, damage_is_done_last);
	tcase_add_test(structure, a_later_generation_points_to_what_it_did_not_change);
	tcase_add_test(structure, an_empty_section_may_be_kept);
	tcase_add_test(structure, lines_may_end_with_a_carriage_return);
	suite_add_tcase(s, structure);
	tcase_add_loop_test(errors, a_text_that_breaks_the_grammar_names_its_line, 0,
	                    sizeof bad_texts / sizeof *bad_texts);
	tcase_add_test(errors, a_text_begins_with_its_version);
	tcase_add_test(errors, more_than_allowed_is_refused_before_it_is_allocated);
	suite_add_tcase(s, errors);
	tcase_add_test(files, pack_replaces_a_file_only_when_told_to);
	tcase_add_test(files, a_tie_of_a_deleted_tensor_is_named);
	tcase_add_test(files, without_memory_nothing_is_left);
	suite_add_tcase(s, files);
	return s;
}

int main(void)
{
	return heft_unit_run(pack_suite());
}
