/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_index.c - opening a heft file: what is refused (spec/container.md 2 to 4), with
 * the digests made right again after each change; and what an open index tells. */
#include "container/index.h"

#include <stdio.h>

#include "container_file.h"
#include "unit.h"

/* Rows of TENSORS: 0 a.coded, 1 b.weight, 2 empty, 3 odd, 4 tied, 5 step. */
static const struct make_tensor tensors[] = {
	{ "b.weight", HEFT_DTYPE_F32, 0, 2, { 3, 5 }, .seed = 1 },
	{ "a.coded", HEFT_DTYPE_BF16, 0, 1, { 700 }, .fill = MAKE_PATTERN, .is_coded = true },
	{ "tied", HEFT_DTYPE_F32, 0, 2, { 3, 5 }, .is_tied = true, .of = 0 },
	{ "empty", HEFT_DTYPE_F16, 0, 2, { 0, 4 }, .seed = 0 },
	{ "odd", 0x7777, 0, 1, { 5 }, .n_bytes = 35, .unit = 7, .seed = 2 },
	{ "step", HEFT_DTYPE_I64, 1, 0, { 0 }, .seed = 3 },
};
#define N_TENSORS (sizeof tensors / sizeof *tensors)
static const uint32_t row_order[N_TENSORS] = { 1, 0, 3, 4, 2, 5 };

static const uint8_t unknown_bytes[] = "content";

static void make(struct container_file *f)
{
	static const struct heft_section_out unknown = {
		.type = 0x10000001,
		.bytes = unknown_bytes,
		.size = sizeof unknown_bytes,
	};
	static const struct make_heft m = {
		.tensors = tensors,
		.n = N_TENSORS,
		.options = { .compress = HEFT_COMPRESS_FAST, .no_sync = true },
		.metadata = "{}",
		.sections = &unknown,
		.n_sections = 1,
		.mixed = true,
	};

	file_make(f, &m);
}

/* --- what is refused ------------------------------------------------------------------------ */

#define PAGE 1u /* in the place of a section's type */
#define DIRECTORY 2u
#define T HEFT_SECTION_TENSORS
#define ROW(i, field) (i) * HEFT_ROW_SIZE + HEFT_ROW_##field
#define DIR(i, field) HEFT_DIR_HEAD_SIZE + (i)*HEFT_DIR_ROW_SIZE + HEFT_DIR_##field
#define BAD HEFT_E_CORRUPT

/* A number written into a section. Sections of the directory: 0 META, 1 the unknown one, 2 TENSORS,
 * 3 DIMS, 4 STRINGS, 5 ORDER, 6 LEAVES, 7 EXTENTS. */
struct change {
	const char *rule;
	uint32_t type;
	uint32_t at;
	uint32_t size;
	uint64_t value;
	enum heft_status want;
	const char *says;
};

static const struct change refused[] = {
	{ "R2.1-1", PAGE, 0, 1, 0x88, HEFT_E_NOT_FORMAT, "not a heft file" },
	{ "R2.1-2", PAGE, HEFT_PAGE_NUMBER, 1, 1, BAD, "neither slot page" },
	{ "R2.1-3", PAGE, HEFT_PAGE_CHECK, 1, 0x55, BAD, "neither slot page" },
	{ "R2.1-4 none", PAGE, HEFT_PAGE_GENERATION, 8, 0, BAD, "neither slot page" },
	{ "R2.1-4 parity", PAGE, HEFT_PAGE_GENERATION, 8, 2, BAD, "neither slot page" },
	{ "R2.1-5 low", PAGE, HEFT_PAGE_ALIGN, 1, 5, BAD, "neither slot page" },
	{ "R2.1-5 high", PAGE, HEFT_PAGE_ALIGN, 1, 22, BAD, "neither slot page" },
	{ "R2.1-5 zero", PAGE, HEFT_PAGE_ZERO, 1, 1, BAD, "neither slot page" },
	{ "R2.1-5 rest", PAGE, HEFT_PAGE_SIZE - 1, 1, 1, BAD, "neither slot page" },
	{ "R2.1-6", PAGE, HEFT_PAGE_MAJOR, 2, 2, HEFT_E_UNSUPPORTED, "version 2" },
	{ "R3-1 multiple", PAGE, HEFT_PAGE_DIR_OFF, 8, 8193, BAD, "cannot lie at 8193" },
	{ "R3-1 pages", PAGE, HEFT_PAGE_DIR_OFF, 8, 4096, BAD, "cannot lie at 4096" },
	{ "R3-1 end", PAGE, HEFT_PAGE_DIR_OFF, 8, 1 << 20, BAD, "before its directory" },
	{ "R3-1 wrap", PAGE, HEFT_PAGE_DIR_OFF, 8, UINT64_MAX - 7, BAD, "before its directory" },
	{ "R3-2", PAGE, HEFT_PAGE_DIR_DIGEST, 1, 0x55, BAD, "directory does not match" },
	{ "R3-3 size", PAGE, HEFT_PAGE_DIR_SIZE, 8, 8 + 64 * 8 - 1, BAD, "cannot have" },
	{ "R3-3 none", PAGE, HEFT_PAGE_DIR_SIZE, 8, 0, BAD, "cannot have" },
	{ "R3-3 count", DIRECTORY, 0, 4, 7, BAD, "head" },
	{ "R3-3 zero", DIRECTORY, 4, 4, 1, BAD, "head" },
	{ "R3-4 twice", DIRECTORY, DIR(1, TYPE), 4, HEFT_SECTION_META, BAD, "do not ascend" },
	{ "R3-4 order", DIRECTORY, DIR(1, TYPE), 4, 2, BAD, "do not ascend" },
	{ "R3-4 number", DIRECTORY, DIR(1, TYPE), 4, HEFT_TYPE_BOUND, BAD, "has no number" },
	{ "R3-5 multiple", DIRECTORY, DIR(0, OFF), 8, 8204, BAD, "multiple of 8" },
	{ "R3-5 pages", DIRECTORY, DIR(0, OFF), 8, 8184, BAD, "does not lie between" },
	{ "R3-5 end", DIRECTORY, DIR(0, OFF), 8, 1 << 20, BAD, "does not lie between" },
	{ "R3-5 wrap", DIRECTORY, DIR(0, OFF), 8, UINT64_MAX - 7, BAD, "does not lie between" },
	{ "R3-6 empty", DIRECTORY, DIR(1, SIZE), 8, 0, BAD, "is empty" },
	{ "R3-6 stored none", DIRECTORY, DIR(1, STORED), 8, 0, BAD, "is empty" },
	{ "R3-6 grown", DIRECTORY, DIR(1, SIZE), 8, 3, BAD, "in more bytes" },
	{ "R3-6 table", DIRECTORY, DIR(2, STORED), 8, 3, BAD, "compressed table" },
	{ "R3-7", DIRECTORY, DIR(7, TYPE), 4, HEFT_SECTION_BASES, HEFT_E_UNSUPPORTED, "unknown" },
	{ "R3-8 crc", DIRECTORY, DIR(2, CRC), 4, 5, BAD, "TENSORS does not match its CRC" },
	{ "R3-8 digest", DIRECTORY, DIR(3, DIGEST), 1, 5, BAD, "DIMS does not match its digest" },
	{ "R3-8 strings", DIRECTORY, DIR(4, CRC), 4, 5, BAD, "STRINGS does not match its CRC" },
	{ "R3-8 order", DIRECTORY, DIR(5, DIGEST), 1, 5, BAD, "ORDER does not match its digest" },
	{ "R4.1-1 order", HEFT_SECTION_STRINGS, 0, 1, 'z', BAD, "does not come after" },
	{ "R4.1-1 space", T, ROW(1, SPACE), 1, 3, BAD, "does not come after" },
	{ "R4.1-2 falls", T, ROW(1, NAME_END), 4, 3, BAD, "outside STRINGS" },
	{ "R4.1-2 past", T, ROW(5, NAME_END), 4, 999, BAD, "outside STRINGS" },
	{ "R4.1-2 short", T, ROW(5, NAME_END), 4, 30, BAD, "does not end with STRINGS" },
	{ "R4.1-3 nul", HEFT_SECTION_STRINGS, 3, 1, 0, BAD, "NUL" },
	{ "R4.1-3 utf8", HEFT_SECTION_STRINGS, 3, 1, 0xff, BAD, "UTF-8" },
	{ "R4.1-3 cut", HEFT_SECTION_STRINGS, 6, 2, 0xa9c3, BAD, "UTF-8" },
	{ "R4.1-4 falls", T, ROW(1, DIMS_END), 4, 0, BAD, "outside DIMS" },
	{ "R4.1-4 past", T, ROW(5, DIMS_END), 4, 99, BAD, "outside DIMS" },
	{ "R4.1-5 product", HEFT_SECTION_DIMS, 40, 8, UINT64_C(1) << 63, BAD, "2^63" },
	{ "R4.1-5 length", T, ROW(3, N_BYTES), 8, UINT64_C(1) << 63, BAD, "2^63" },
	{ "R4.1-6 none", T, ROW(3, DTYPE), 2, 0, BAD, "none that a file may hold" },
	{ "R4.1-6 plain", T, ROW(3, DTYPE), 2, 0x101, BAD, "none that a file may hold" },
	{ "R4.1-7 unit", T, ROW(1, UNIT), 4, 2, BAD, "unit is not the dtype's" },
	{ "R4.1-7 length", T, ROW(1, N_BYTES), 8, 64, BAD, "byte length is not" },
	{ "R4.1-7 shape", HEFT_SECTION_DIMS, 8, 8, 4, BAD, "byte length is not" },
	{ "R4.1-7 block", T, ROW(3, DTYPE), 2, 0x102, BAD, "unit is not the dtype's" },
	{ "R4.1-7 unit 0", T, ROW(3, UNIT), 4, 0, BAD, "1 to 2^20" },
	{ "R4.1-7 large", T, ROW(3, UNIT), 4, (1 << 20) + 1, BAD, "1 to 2^20" },
	{ "R4.1-7 odd", T, ROW(3, UNIT), 4, 6, BAD, "no multiple of the unit" },
	{ "R4.1-8", T, ROW(1, FLAGS), 1, 2, BAD, "unknown flags" },
	{ "R4.1-9 leaf", T, ROW(2, FIRST_LEAF), 8, 1, BAD, "empty tensor has a place" },
	{ "R4.1-9 place", T, ROW(2, PLACE), 8, 8192, BAD, "empty tensor has a place" },
	{ "R4.1-9 flags", T, ROW(2, FLAGS), 1, 1, BAD, "empty tensor has a place" },
	{ "R4.1-9 root", T, ROW(2, ROOT), 1, 0, BAD, "empty tensor's root" },
	{ "R4.1-10 gap", T, ROW(3, FIRST_LEAF), 8, 7, BAD, "neither follows" },
	{ "R4.1-10 extents", T, ROW(0, PLACE), 8, 1, BAD, "extents do not follow" },
	{ "R4.1-10 differs", T, ROW(4, ROOT), 1, 0x55, BAD, "with a tensor that differs" },
	{ "R4.1-10 elsewhere", T, ROW(4, PLACE), 8, 8256, BAD, "with a tensor that differs" },
	{ "R4.1-10 other", T, ROW(3, FIRST_LEAF), 8, 1, BAD, "with a tensor that differs" },
	{ "R4.1-11 multiple", T, ROW(1, PLACE), 8, 8193, BAD, "multiple of the alignment" },
	{ "R4.1-11 pages", T, ROW(1, PLACE), 8, 4096, BAD, "between the slot pages" },
	{ "R4.1-11 end", T, ROW(1, PLACE), 8, 1 << 20, BAD, "between the slot pages" },
	{ "R4.1-11 wrap", T, ROW(1, PLACE), 8, UINT64_MAX - 63, BAD, "between the slot pages" },
	{ "R4.1-12 later", T, ROW(1, TIE), 4, 4, BAD, "later row" },
	{ "R4.1-12 dtype", T, ROW(3, TIE), 4, 1, BAD, "another dtype or shape" },
	{ "R4.1-12 chain", T, ROW(5, TIE), 4, 4, BAD, "first of a group" },
	{ "R4.1-13", T, ROW(1, BASE), 4, 1, BAD, "base is not 0" },
	{ "R4.2-1 twice", HEFT_SECTION_ORDER, 4, 4, 1, BAD, "named before" },
	{ "R4.2-1 none", HEFT_SECTION_ORDER, 4, 4, 6, BAD, "is none" },
};

static void put(uint8_t *at, uint32_t size, uint64_t value)
{
	for (uint32_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void apply(struct container_file *f, const struct change *c)
{
	if (c->type == PAGE) {
		put(f->bytes + c->at, c->size, c->value);
		if (c->at < HEFT_PAGE_CHECK)
			seal_page(f->bytes);
	} else if (c->type == DIRECTORY) {
		put(file_dir(f) + c->at, c->size, c->value);
		seal_directory(f);
	} else {
		put(file_section(f, c->type) + c->at, c->size, c->value);
		seal_section(f, c->type);
	}
}

START_TEST(a_file_that_breaks_a_rule_is_refused)
{
	const struct change *c = &refused[_i];
	struct heft_error err = { .code = HEFT_OK };
	struct container_file f;
	enum heft_status st;

	make(&f);
	file_must_open(&f, NULL);
	apply(&f, c);
	st = file_open(&f, NULL, &err);
	ck_assert_msg(st == c->want, "%s: %s: %s", c->rule, heft_status_name(st), err.msg);
	ck_assert_msg(strstr(err.msg, c->says), "%s: %s", c->rule, err.msg);
	ck_assert(err.code == st && err.offset != HEFT_NO_OFFSET);
	file_done(&f);
}
END_TEST

/* Cuts a section's size in the directory; the rest stays where it is. */
static void resize(struct container_file *f, uint32_t type, uint64_t size)
{
	uint8_t *row = file_dir_row(f, type);

	heft_put_le64(row + HEFT_DIR_STORED, size);
	heft_put_le64(row + HEFT_DIR_SIZE, size);
	seal_section(f, type);
}

/* R4-1 */
START_TEST(tables_have_whole_rows_that_fit_one_another)
{
	static const struct {
		uint32_t type;
		uint64_t size;
		const char *says;
	} cases[] = {
		{ HEFT_SECTION_TENSORS, 479, "whole rows" },
		{ HEFT_SECTION_DIMS, 55, "whole rows" },
		{ HEFT_SECTION_DIMS, 48, "outside DIMS" },
		{ HEFT_SECTION_DIMS, 72, "do not end with DIMS" },
		{ HEFT_SECTION_STRINGS, 20, "outside STRINGS" },
		{ HEFT_SECTION_ORDER, 20, "one entry a tensor" },
		{ HEFT_SECTION_LEAVES, 31, "whole rows" },
		{ HEFT_SECTION_LEAVES, 96, "LEAVES has 3 rows" },
		{ HEFT_SECTION_EXTENTS, 23, "whole rows" },
		{ HEFT_SECTION_TENSORS, 400, "one entry a tensor" },
	};
	struct heft_error err;
	struct container_file f;

	make(&f);
	resize(&f, cases[_i].type, cases[_i].size);
	ck_assert_int_eq(file_open(&f, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, cases[_i].says), "%s", err.msg);
	file_done(&f);
}
END_TEST

/* Takes a section out of the directory, which gets shorter. */
static void remove_section(struct container_file *f, uint32_t type)
{
	uint8_t *row = file_dir_row(f, type);
	uint8_t *page = file_page(f);
	const uint64_t size = heft_get_le64(page + HEFT_PAGE_DIR_SIZE);
	uint8_t *end = file_dir(f) + size;

	memmove(row, row + HEFT_DIR_ROW_SIZE, (size_t)(end - row) - HEFT_DIR_ROW_SIZE);
	heft_put_le32(file_dir(f), heft_get_le32(file_dir(f)) - 1);
	heft_put_le64(page + HEFT_PAGE_DIR_SIZE, size - HEFT_DIR_ROW_SIZE);
	seal_directory(f);
}

/* R4-2 */
START_TEST(tables_are_there_with_tensors_and_only_so)
{
	static const struct {
		uint32_t type;
		const char *says;
	} cases[] = {
		{ HEFT_SECTION_TENSORS, "without TENSORS" },
		{ HEFT_SECTION_ORDER, "without ORDER" },
		{ HEFT_SECTION_DIMS, "outside DIMS" },
		{ HEFT_SECTION_STRINGS, "outside STRINGS" },
		{ HEFT_SECTION_LEAVES, "LEAVES has 0 rows" },
		{ HEFT_SECTION_EXTENTS, "EXTENTS has 0 rows" },
	};
	struct heft_error err;
	struct container_file f;

	make(&f);
	remove_section(&f, cases[_i].type);
	ck_assert_int_eq(file_open(&f, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, cases[_i].says), "%s", err.msg);
	file_done(&f);
}
END_TEST

/* R2.2-1 */
START_TEST(what_is_no_heft_file_is_told_from_a_damaged_one)
{
	struct heft_error err;
	struct container_file f;

	make(&f);
	for (size_t size = 0; size < HEFT_MAGIC_SIZE; size++) {
		struct heft_source *src = source_of(f.bytes, size, true);

		ck_assert_int_eq(heft_index_open(src, NULL, &f.ix, &err), HEFT_E_NOT_FORMAT);
		heft_source_close(src);
	}
	memset(f.bytes, 0, HEFT_PAGE_SIZE);
	ck_assert_int_eq(file_open(&f, NULL, &err), HEFT_E_NOT_FORMAT);
	memcpy(f.bytes + HEFT_PAGE_SIZE, HEFT_MAGIC, HEFT_MAGIC_SIZE);
	ck_assert_int_eq(file_open(&f, NULL, &err), HEFT_E_CORRUPT);
	file_done(&f);
}
END_TEST

/* R2.1-6: a higher minor version is read as this one. R3-7: unknown content is passed over. */
START_TEST(what_a_later_version_adds_is_passed_over)
{
	struct heft_section s;
	struct container_file f;
	uint8_t *bytes;

	make(&f);
	heft_put_le16(f.bytes + HEFT_PAGE_MINOR, 7);
	seal_page(f.bytes);
	file_must_open(&f, NULL);
	ck_assert_uint_eq(heft_index_page(f.ix)->minor, 7);
	ck_assert(heft_index_find_section(f.ix, 0x10000001, &s));
	ck_assert_int_eq(heft_index_read_section(f.ix, &s, 99, &bytes, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, unknown_bytes, sizeof unknown_bytes);
	heft_free(bytes);
	ck_assert_int_eq(heft_index_read_section(f.ix, &s, 3, &bytes, NULL), HEFT_E_LIMIT);
	ck_assert(!heft_index_find_section(f.ix, 0x10000002, &s));
	file_done(&f);
}
END_TEST

/* --- limits --------------------------------------------------------------------------------- */

START_TEST(a_caller_may_set_limits)
{
	static const struct heft_limits cases[] = {
		{ .max_tensors = 5 },
		{ .max_name_size = 7 },
		{ .max_logical_bytes = 1000 },
	};
	struct heft_index_options o = { .limits = cases[_i] };
	struct heft_error err;
	struct container_file f;

	make(&f);
	ck_assert_int_eq(file_open(&f, &o, &err), HEFT_E_LIMIT);
	o.limits = (struct heft_limits){ .max_tensors = 6,
		                         .max_name_size = 8,
		                         .max_logical_bytes = 1400 + 60 + 60 + 35 + 8 };
	file_must_open(&f, &o);
	file_done(&f);
}
END_TEST

/* --- what an index tells -------------------------------------------------------------------- */

static void check_row(struct heft_index *ix, uint32_t i)
{
	const struct make_tensor *t = &tensors[i];
	uint64_t dims[HEFT_MAX_RANK];
	struct heft_row row;
	uint32_t row_i;
	uint32_t at;

	ck_assert_int_eq(heft_index_row_at(ix, i, &row_i, NULL), HEFT_OK);
	ck_assert_uint_eq(row_order[row_i], i);
	ck_assert_int_eq(heft_index_position(ix, row_i, &at, NULL), HEFT_OK);
	ck_assert_uint_eq(at, i);
	ck_assert_int_eq(heft_index_find(ix, t->space, t->name, strlen(t->name), &at, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(at, row_i);
	ck_assert_int_eq(heft_index_row(ix, row_i, &row, NULL), HEFT_OK);
	ck_assert_uint_eq(row.name_size, strlen(t->name));
	ck_assert_mem_eq(row.name, t->name, row.name_size);
	ck_assert_uint_eq(row.dtype, t->dtype);
	ck_assert_uint_eq(row.space, t->space);
	ck_assert_uint_eq(row.rank, t->rank);
	ck_assert_uint_eq(row.tie, t->is_tied ? 1 : row_i);
	ck_assert(row.is_coded == t->is_coded);
	ck_assert_uint_eq(row.n_chunks, row.n_bytes > 0);
	heft_index_dims(ix, &row, dims);
	for (uint32_t k = 0; k < row.rank; k++)
		ck_assert_uint_eq(dims[k], t->dims[k]);
}

/* Verified, trusted in a map, trusted and read. */
START_TEST(rows_are_found_by_order_and_by_name)
{
	const struct heft_index_options o = { .trust = _i > 0 };
	struct container_file f;
	uint32_t row_i;

	make(&f);
	f.src = source_of(f.bytes, f.size, _i == 1);
	ck_assert_int_eq(heft_index_open(f.src, &o, &f.ix, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), N_TENSORS);
	for (uint32_t i = 0; i < N_TENSORS; i++)
		check_row(f.ix, i);
	ck_assert_int_eq(heft_index_find(f.ix, 0, "step", 4, &row_i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_index_find(f.ix, 0, "", 0, &row_i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_index_find(f.ix, 0, "tie", 3, &row_i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_index_find(f.ix, 0, "tied.", 5, &row_i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_index_find(f.ix, 9, "zzz", 3, &row_i, NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_index_row_at(f.ix, N_TENSORS, &row_i, NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_index_position(f.ix, N_TENSORS, &row_i, NULL), HEFT_E_USAGE);
	file_done(&f);
}
END_TEST

START_TEST(a_file_without_tensors_opens)
{
	static const struct make_heft m = { .options = { .no_sync = true } };
	struct container_file f;
	uint32_t row_i;

	file_make(&f, &m);
	file_must_open(&f, NULL);
	ck_assert_uint_eq(heft_index_n_tensors(f.ix), 0);
	ck_assert_uint_eq(heft_index_n_sections(f.ix), 0);
	ck_assert_int_eq(heft_index_find(f.ix, 0, "w", 1, &row_i, NULL), HEFT_E_NOT_FOUND);
	file_done(&f);
}
END_TEST

/* --- a trusted index ------------------------------------------------------------------------ */

/* Uses all of it; what it answers does not matter, only that it answers. */
static void use_all(struct heft_index *ix)
{
	const uint32_t n = heft_index_n_tensors(ix);
	static uint8_t chunk[1 << 20];
	struct heft_chunk_reader *r;
	uint8_t digest[32];
	uint64_t n_dead;
	uint32_t at;
	size_t size;

	ck_assert_int_eq(heft_chunk_reader_new(ix, &r, NULL), HEFT_OK);
	for (uint32_t i = 0; i < n; i++) {
		struct heft_row row;

		heft_index_row_at(ix, i, &at, NULL);
		heft_index_position(ix, i, &at, NULL);
		heft_index_find(ix, 0, "b.weight", 8, &at, NULL);
		if (heft_index_row(ix, i, &row, NULL) == HEFT_OK && row.n_chunks > 0) {
			heft_chunk_read_hashed(r, i, &row, 0, true, chunk, &size, NULL, NULL);
			heft_chunk_read_hashed(r, i, &row, row.n_chunks - 1, true, chunk, &size,
			                       NULL, NULL);
		}
	}
	heft_chunk_reader_free(r);
	heft_index_artifact_digest(ix, digest, NULL);
	heft_index_dead_bytes(ix, &n_dead, NULL);
}

/* R9-1: nothing of the tables is hashed, so any byte of them may be anything. */
START_TEST(a_trusted_index_never_reads_outside_its_tables)
{
	static const uint32_t types[] = { HEFT_SECTION_TENSORS, HEFT_SECTION_DIMS,
		                          HEFT_SECTION_STRINGS, HEFT_SECTION_ORDER,
		                          HEFT_SECTION_LEAVES,  HEFT_SECTION_EXTENTS };
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	const struct heft_index_options o = { .trust = true };
	struct container_file f;

	make(&f);
	for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
		uint8_t *at = file_section(&f, types[t]);
		const uint64_t size = heft_get_le64(file_dir_row(&f, types[t]) + HEFT_DIR_SIZE);

		for (uint64_t i = 0; i < size; i++) {
			const uint8_t old = at[i];

			at[i] = values[(i + (uint64_t)_i) % sizeof values];
			file_must_open(&f, &o);
			use_all(f.ix);
			at[i] = old;
		}
	}
	file_done(&f);
}
END_TEST

START_TEST(a_trusted_row_is_checked_when_it_is_used)
{
	const struct change *c = &refused[_i];
	const struct heft_index_options o = { .trust = true };
	bool is_refused = false;
	struct container_file f;
	struct heft_row row;
	uint32_t at;

	make(&f);
	if (c->type == T && c->want == BAD && !strstr(c->rule, "R4.1-1 ") &&
	    !strstr(c->rule, "R4.1-2 short") && !strstr(c->rule, "R4.1-10")) {
		apply(&f, c);
		file_must_open(&f, &o);
		for (uint32_t i = 0; i < N_TENSORS; i++)
			is_refused |= heft_index_row(f.ix, i, &row, NULL) == HEFT_E_CORRUPT;
		ck_assert_msg(is_refused, "%s", c->rule);
	} else if (c->type == HEFT_SECTION_ORDER) {
		apply(&f, c);
		file_must_open(&f, &o);
		ck_assert_int_eq(heft_index_position(f.ix, 0, &at, NULL), HEFT_E_CORRUPT);
	}
	file_done(&f);
}
END_TEST

/* --- pages ---------------------------------------------------------------------------------- */

/* R2.2-4 */
START_TEST(the_other_page_is_judged_by_the_current_one)
{
	struct container_file f;

	make(&f);
	file_must_open(&f, NULL);
	ck_assert_int_eq(heft_index_pages(f.ix)->page[1].kind, HEFT_PAGE_EMPTY);
	f.bytes[HEFT_PAGE_SIZE + 77] = 1;
	file_must_open(&f, NULL);
	ck_assert_int_eq(heft_index_pages(f.ix)->page[1].kind, HEFT_PAGE_BAD);
	/* Generation 4 in page 1, and 1 where 3 should be: the same directory serves both. */
	memcpy(f.bytes + HEFT_PAGE_SIZE, f.bytes, HEFT_PAGE_SIZE);
	f.bytes[HEFT_PAGE_SIZE + HEFT_PAGE_NUMBER] = 1;
	f.bytes[HEFT_PAGE_SIZE + HEFT_PAGE_GENERATION] = 4;
	seal_page(f.bytes + HEFT_PAGE_SIZE);
	file_must_open(&f, NULL);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, 4);
	ck_assert_int_eq(heft_index_pages(f.ix)->page[0].kind, HEFT_PAGE_BAD);
	f.bytes[HEFT_PAGE_GENERATION] = 3;
	seal_page(f.bytes);
	file_must_open(&f, NULL);
	ck_assert_int_eq(heft_index_pages(f.ix)->page[0].kind, HEFT_PAGE_VALID);
	file_done(&f);
}
END_TEST

/* R2.2-3 */
START_TEST(the_previous_generation_opens_only_when_asked_for)
{
	const struct heft_index_options previous = { .previous = true };
	struct heft_error err;
	struct container_file f;

	make(&f);
	ck_assert_int_eq(file_open(&f, &previous, &err), HEFT_E_NOT_FOUND);
	memcpy(f.bytes + HEFT_PAGE_SIZE, f.bytes, HEFT_PAGE_SIZE);
	f.bytes[HEFT_PAGE_SIZE + HEFT_PAGE_NUMBER] = 1;
	f.bytes[HEFT_PAGE_SIZE + HEFT_PAGE_GENERATION] = 2;
	f.bytes[HEFT_PAGE_SIZE + HEFT_PAGE_DIR_DIGEST] ^= 1;
	seal_page(f.bytes + HEFT_PAGE_SIZE);
	ck_assert_int_eq(file_open(&f, NULL, &err), HEFT_E_CORRUPT);
	file_must_open(&f, &previous);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, 1);
	file_done(&f);
}
END_TEST

static Suite *index_suite(void)
{
	Suite *s = suite_create("container/index");
	TCase *tc = tcase_create("index");

	tcase_add_loop_test(tc, a_file_that_breaks_a_rule_is_refused, 0,
	                    sizeof refused / sizeof *refused);
	tcase_add_loop_test(tc, tables_have_whole_rows_that_fit_one_another, 0, 10);
	tcase_add_loop_test(tc, tables_are_there_with_tensors_and_only_so, 0, 6);
	tcase_add_test(tc, what_is_no_heft_file_is_told_from_a_damaged_one);
	tcase_add_test(tc, what_a_later_version_adds_is_passed_over);
	tcase_add_loop_test(tc, a_caller_may_set_limits, 0, 3);
	tcase_add_loop_test(tc, rows_are_found_by_order_and_by_name, 0, 3);
	tcase_add_test(tc, a_file_without_tensors_opens);
	tcase_add_loop_test(tc, a_trusted_index_never_reads_outside_its_tables, 0, 5);
	tcase_add_loop_test(tc, a_trusted_row_is_checked_when_it_is_used, 0,
	                    sizeof refused / sizeof *refused);
	tcase_add_test(tc, the_other_page_is_judged_by_the_current_one);
	tcase_add_test(tc, the_previous_generation_opens_only_when_asked_for);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(index_suite());
}
