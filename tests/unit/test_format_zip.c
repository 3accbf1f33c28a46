/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_zip.c - which zip archives open, which are refused, and where. */
#include "format/zip.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

#define TEXT "hello zip, hello zip"
#define TEXT_SIZE (sizeof TEXT - 1)

static uint8_t zeros[4000];

static enum heft_status try_open(const void *bytes, size_t n, const struct heft_zip_limits *limits,
                                 struct heft_error *err)
{
	struct heft_zip *z = NULL;
	struct heft_source *src;
	struct scratch s;
	enum heft_status st;

	scratch_init(&s);
	scratch_write(scratch_path(&s, "a.zip"), bytes, n);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	err->code = HEFT_OK;
	st = heft_zip_open(src, limits, &z, err);
	heft_zip_close(z);
	heft_source_close(src);
	scratch_done(&s);
	return st;
}

static void expect(const struct zip_bytes *z, enum heft_status code, uint64_t off)
{
	struct heft_error err;
	const enum heft_status st = try_open(z->b.bytes, z->b.size, NULL, &err);

	ck_assert_msg(st == code, "%s instead of %s: %s", heft_status_name(st),
	              heft_status_name(code), st == HEFT_OK ? "opens" : err.msg);
	if (code != HEFT_OK)
		ck_assert_msg(err.offset == off, "offset %llu instead of %llu: %s",
		              (unsigned long long)err.offset, (unsigned long long)off, err.msg);
}

static void expect_opens(const struct zip_bytes *z)
{
	expect(z, HEFT_OK, 0);
}

/* Two members: a.bin, stored, and zeros, deflated. */
static void make(struct zip_bytes *z)
{
	zip_begin(z);
	zip_add(z, &(struct zip_part){ .name = "a.bin", .bytes = TEXT, .size = TEXT_SIZE });
	zip_add(z, &(struct zip_part){ .name = "zeros",
	                               .bytes = zeros,
	                               .size = sizeof zeros,
	                               .is_deflated = true });
	zip_finish(z);
}

/* --- one number changed --- */

enum place {
	LOCAL_0,
	LOCAL_1,
	ENTRY_0,
	ENTRY_1,
	END,
	FILE_SIZE
};

static size_t at(const struct zip_bytes *z, enum place place)
{
	switch (place) {
	case LOCAL_0:
		return z->local[0];
	case LOCAL_1:
		return z->local[1];
	case ENTRY_0:
		return z->entry[0];
	case ENTRY_1:
		return z->entry[1];
	case END:
		return z->end;
	case FILE_SIZE:
		break;
	}
	return z->b.size;
}

static const struct changed {
	const char *rule;
	enum place place;
	size_t off; /* from there */
	size_t size;
	uint32_t value;
	enum heft_status code;
	enum place told;
	size_t told_off;
} changed[] = {
	{ "Z2-1", END, 0, 1, 'p', HEFT_E_CORRUPT, FILE_SIZE, 0 },
	{ "Z2-1", END, 20, 2, 1, HEFT_E_CORRUPT, END, 0 },
	{ "Z2-2", END, 4, 2, 1, HEFT_E_UNSUPPORTED, END, 0 },
	{ "Z2-2", END, 6, 2, 1, HEFT_E_UNSUPPORTED, END, 0 },
	{ "Z2-2", END, 8, 2, 1, HEFT_E_UNSUPPORTED, END, 0 },
	{ "Z2-5", END, 12, 4, 0x7fffffff, HEFT_E_CORRUPT, END, 0 },
	{ "Z2-5", END, 16, 4, 0x7fffffff, HEFT_E_CORRUPT, END, 0 },
	{ "Z2-5", END, 16, 4, 10, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z2-6", END, 8, 4, 0x00030003, HEFT_E_CORRUPT, END, 0 },
	{ "Z2-6", END, 8, 4, 0x00010001, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z3-1", ENTRY_0, 0, 1, 'p', HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-1", ENTRY_1, 3, 1, 1, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z3-1", ENTRY_1, 28, 2, 6, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z3-1", ENTRY_1, 30, 2, 0xffff, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z3-1", ENTRY_1, 32, 2, 1, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z3-2", ENTRY_0, 8, 2, 0x0001, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-2", ENTRY_0, 8, 2, 0x0040, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-2", ENTRY_0, 8, 2, 0x2000, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-2", ENTRY_0, 8, 2, 0x0020, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-2", ENTRY_0, 10, 2, 99, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-3", ENTRY_0, 10, 2, 12, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-3", ENTRY_1, 10, 2, 9, HEFT_E_UNSUPPORTED, ENTRY_1, 0 },
	{ "Z3-4", ENTRY_0, 34, 2, 1, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-5", ENTRY_0, 46, 1, 0, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-5", ENTRY_0, 46, 1, 0x81, HEFT_E_UNSUPPORTED, ENTRY_0, 0 },
	{ "Z3-7", ENTRY_0, 20, 4, UINT32_MAX, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-7", ENTRY_0, 24, 4, UINT32_MAX, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-7", ENTRY_0, 42, 4, UINT32_MAX, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-7", ENTRY_0, 34, 2, UINT16_MAX, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-8", ENTRY_0, 20, 4, 3, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-8", ENTRY_0, 24, 4, 0x7fffffff, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z3-8", ENTRY_1, 24, 4, 0x7fffffff, HEFT_E_CORRUPT, ENTRY_1, 0 },
	{ "Z4-1", LOCAL_0, 0, 1, 'p', HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-1", ENTRY_0, 42, 4, 1, HEFT_E_CORRUPT, LOCAL_0, 1 },
	{ "Z4-1", ENTRY_0, 42, 4, 0x7fffffff, HEFT_E_CORRUPT, ENTRY_0, 0 },
	{ "Z4-2", LOCAL_0, 30, 1, 'b', HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_0, 26, 2, 4, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_0, 8, 2, 8, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_1, 8, 2, 0, HEFT_E_CORRUPT, LOCAL_1, 0 },
	{ "Z4-2", LOCAL_0, 6, 2, 0x0001, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_0, 6, 2, 0x0008, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_0, 6, 2, 0x0800, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-2", LOCAL_0, 6, 2, 0x0040, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-3", LOCAL_0, 14, 4, 1, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-3", LOCAL_0, 18, 4, 0, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-3", LOCAL_0, 22, 4, 0, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-3", LOCAL_0, 22, 4, UINT32_MAX, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-4", LOCAL_1, 28, 2, 0x7fff, HEFT_E_CORRUPT, LOCAL_1, 0 },
	{ "Z4-4", LOCAL_1, 28, 2, 4, HEFT_E_CORRUPT, LOCAL_1, 0 },
	{ "Z4-5", ENTRY_1, 42, 4, 0, HEFT_E_CORRUPT, LOCAL_0, 0 },
	{ "Z4-5", ENTRY_1, 42, 4, 54, HEFT_E_CORRUPT, LOCAL_0, 54 },
};

START_TEST(a_number_that_is_wrong_is_refused_where_it_stands)
{
	const struct changed *c = &changed[_i];
	struct zip_bytes z;

	make(&z);
	for (size_t i = 0; i < c->size; i++)
		z.b.bytes[at(&z, c->place) + c->off + i] = (uint8_t)(c->value >> 8 * i);
	expect(&z, c->code, at(&z, c->told) + c->told_off);
	zip_done(&z);
}
END_TEST

START_TEST(an_archive_that_is_cut_short_anywhere_is_corrupt)
{
	struct heft_error err;
	struct zip_bytes z;

	make(&z);
	for (size_t n = 0; n < z.b.size; n++)
		ck_assert_int_eq(try_open(z.b.bytes, n, NULL, &err), HEFT_E_CORRUPT);
	expect_opens(&z);
	zip_done(&z);
}
END_TEST

/* --- the end --- */

START_TEST(an_archive_may_be_empty)
{
	struct zip_bytes z;

	zip_begin(&z);
	zip_finish(&z);
	expect_opens(&z);
	zip_done(&z);
}
END_TEST

/* Z2-1 */
START_TEST(a_comment_ends_with_the_file_and_hides_no_end)
{
	struct zip_bytes z;
	struct zip_bytes inner;

	make(&z);
	heft_buffer_add_zeros(&z.b, UINT16_MAX);
	heft_put_le16(z.b.bytes + z.end + 20, UINT16_MAX);
	expect_opens(&z);
	heft_buffer_add_u8(&z.b, 0);
	expect(&z, HEFT_E_CORRUPT, z.b.size);
	zip_done(&z);

	make(&z);
	make(&inner);
	heft_buffer_add(&z.b, inner.b.bytes, inner.b.size);
	heft_put_le16(z.b.bytes + z.end + 20, (uint16_t)(inner.b.size));
	/* The last end is the end: of the inner archive, with the outer one in front. */
	expect_opens(&z);
	heft_buffer_add_u8(&z.b, 0);
	heft_put_le16(z.b.bytes + z.end + 20, (uint16_t)(inner.b.size + 1));
	expect(&z, HEFT_E_CORRUPT, z.b.size - 23);
	zip_done(&inner);
	zip_done(&z);
}
END_TEST

/* Z2-5, Z1-2 */
START_TEST(something_may_lie_in_front_and_between)
{
	struct zip_bytes z;
	struct zip_bytes front;

	make(&z);
	zip_begin(&front);
	heft_buffer_add_zeros(&front.b, 1000);
	heft_buffer_add(&front.b, z.b.bytes, z.b.size);
	expect_opens(&front);
	zip_done(&front);
	zip_done(&z);

	zip_begin(&z);
	heft_buffer_add_zeros(&z.b, 100);
	zip_add(&z, &(struct zip_part){ .name = "a", .bytes = TEXT, .size = TEXT_SIZE });
	heft_buffer_add_zeros(&z.b, 100);
	zip_add(&z, &(struct zip_part){ .name = "b", .bytes = TEXT, .size = TEXT_SIZE });
	heft_buffer_add_zeros(&z.b, 100);
	zip_finish(&z);
	expect_opens(&z);
	zip_done(&z);
}
END_TEST

static void make64(struct zip_bytes *z)
{
	zip_begin(z);
	zip_add(z, &(struct zip_part){ .name = "a.bin", .bytes = TEXT, .size = TEXT_SIZE });
	zip_finish64(z);
}

/* Z2-3 */
START_TEST(a_zip64_record_is_found_with_and_without_something_in_front)
{
	struct zip_bytes z;
	struct zip_bytes front;

	make64(&z);
	expect_opens(&z);
	zip_begin(&front);
	heft_buffer_add_zeros(&front.b, 1000);
	heft_buffer_add(&front.b, z.b.bytes, z.b.size);
	expect_opens(&front);
	zip_done(&front);
	zip_done(&z);
}
END_TEST

/* Of the 98 bytes of the three records, from the zip64 one on. */
static const struct changed64 {
	const char *rule;
	size_t off;
	size_t size;
	uint64_t value;
	enum heft_status code;
	size_t told; /* of the three records */
} changed64[] = {
	{ "Z2-2", 16, 4, 1, HEFT_E_UNSUPPORTED, 0 },
	{ "Z2-2", 20, 4, 1, HEFT_E_UNSUPPORTED, 0 },
	{ "Z2-2", 24, 8, 7, HEFT_E_UNSUPPORTED, 0 },
	{ "Z2-2", 60, 4, 1, HEFT_E_UNSUPPORTED, 56 },
	{ "Z2-2", 72, 4, 2, HEFT_E_UNSUPPORTED, 56 },
	{ "Z2-3", 0, 1, 0, HEFT_E_CORRUPT, 56 },
	{ "Z2-3", 4, 8, 45, HEFT_E_CORRUPT, 56 },
	{ "Z2-3", 4, 8, UINT64_MAX, HEFT_E_CORRUPT, 56 },
	{ "Z2-3", 64, 8, 1, HEFT_E_CORRUPT, 0 },
	{ "Z2-3", 64, 8, UINT64_MAX, HEFT_E_CORRUPT, 0 },
	{ "Z2-4", 84, 4, 0x00020002, HEFT_E_CORRUPT, 0 },
	{ "Z2-4", 88, 4, 5, HEFT_E_CORRUPT, 0 },
	{ "Z2-4", 92, 4, 5, HEFT_E_CORRUPT, 0 },
	{ "Z2-5", 40, 8, UINT64_MAX, HEFT_E_CORRUPT, 0 },
	{ "Z2-5", 48, 8, UINT64_MAX, HEFT_E_CORRUPT, 0 },
	{ "Z2-5", 48, 8, 3, HEFT_E_CORRUPT, 0 },
};

START_TEST(a_zip64_record_that_is_wrong_is_refused)
{
	const struct changed64 *c = &changed64[_i];
	struct zip_bytes z;
	size_t record;

	make64(&z);
	record = z.b.size - 98;
	for (size_t i = 0; i < c->size; i++)
		z.b.bytes[record + c->off + i] = (uint8_t)(c->value >> 8 * i);
	expect(&z, c->code, record + c->told);
	zip_done(&z);
}
END_TEST

/* Z2-6: nothing is allocated for what the directory has no room for. */
START_TEST(more_members_than_the_directory_has_room_for_are_corrupt)
{
	struct zip_bytes z;
	size_t record;

	make64(&z);
	record = z.b.size - 98;
	heft_put_le64(z.b.bytes + record + 24, UINT64_C(1) << 40);
	heft_put_le64(z.b.bytes + record + 32, UINT64_C(1) << 40);
	expect(&z, HEFT_E_CORRUPT, record);
	zip_done(&z);
}
END_TEST

/* --- entries --- */

static void expect_part(const struct zip_part *part, enum heft_status code, bool in_entry)
{
	struct zip_bytes z;

	zip_begin(&z);
	zip_add(&z, part);
	zip_finish(&z);
	expect(&z, code, in_entry ? z.entry[0] : z.local[0]);
	zip_done(&z);
}

/* Z3-5 */
START_TEST(a_name_is_utf8_and_says_so)
{
	struct zip_part p = { .name = "\xc3\xbc", .bytes = TEXT, .size = TEXT_SIZE };

	expect_part(&p, HEFT_E_UNSUPPORTED, true);
	p.flags = 0x0800;
	expect_part(&p, HEFT_OK, true);
	p.name = "\xc3";
	expect_part(&p, HEFT_E_CORRUPT, true);
	p.name = "a\0b";
	p.name_size = 3;
	expect_part(&p, HEFT_E_UNSUPPORTED, true);
	p.name_size = 0;
	p.name = "";
	expect_part(&p, HEFT_OK, true);
	p.name = "/etc/../passwd";
	expect_part(&p, HEFT_OK, true);
}
END_TEST

/* Z3-5 */
START_TEST(a_second_name_in_the_extra_field_is_the_same)
{
	struct zip_part p = { .name = "ab", .bytes = TEXT, .size = TEXT_SIZE };

	p.entry_extra = "\x75\x70\7\0\1\0\0\0\0ab";
	p.entry_extra_size = 11;
	expect_part(&p, HEFT_OK, true);
	p.entry_extra = "\x75\x70\7\0\1\0\0\0\0ac";
	expect_part(&p, HEFT_E_CORRUPT, true);
	p.entry_extra = "\x75\x70\6\0\1\0\0\0\0a";
	p.entry_extra_size = 10;
	expect_part(&p, HEFT_E_CORRUPT, true);
}
END_TEST

/* Z3-6 */
START_TEST(a_name_twice_is_corrupt)
{
	struct zip_bytes z;

	zip_begin(&z);
	zip_add(&z, &(struct zip_part){ .name = "x", .bytes = TEXT, .size = TEXT_SIZE });
	zip_add(&z, &(struct zip_part){ .name = "X", .bytes = TEXT, .size = TEXT_SIZE });
	zip_add(&z, &(struct zip_part){ .name = "x", .bytes = TEXT, .size = TEXT_SIZE });
	zip_finish(&z);
	expect(&z, HEFT_E_CORRUPT, z.entry[2]);
	zip_done(&z);
}
END_TEST

/* Z3-7 */
START_TEST(an_extra_field_is_made_of_fields)
{
	struct zip_part p = { .name = "a", .bytes = TEXT, .size = TEXT_SIZE };
	static const struct {
		const char *bytes;
		size_t size;
		enum heft_status code;
	} extras[] = {
		{ "\5\0\0\0", 4, HEFT_OK },          { "\5\0\2\0xy\0\0\0", 9, HEFT_OK },
		{ "\5\0\3\0xy", 6, HEFT_E_CORRUPT }, { "\1\0\0\0\1\0\0\0", 8, HEFT_E_CORRUPT },
		{ "\1\0\0\0\2\0\0\0", 8, HEFT_OK },
	};

	for (size_t i = 0; i < sizeof extras / sizeof *extras; i++) {
		p.extra_size = 0;
		p.entry_extra = extras[i].bytes;
		p.entry_extra_size = extras[i].size;
		expect_part(&p, extras[i].code, true);
		p.entry_extra_size = 0;
		p.extra = extras[i].bytes;
		p.extra_size = extras[i].size;
		expect_part(&p, extras[i].code, false);
	}
}
END_TEST

/* Z3-8 */
START_TEST(an_empty_member_has_no_crc)
{
	struct zip_bytes z;

	zip_begin(&z);
	zip_add(&z, &(struct zip_part){ .name = "a", .bytes = "", .size = 0 });
	zip_finish(&z);
	expect_opens(&z);
	heft_put_le32(z.b.bytes + z.entry[0] + 16, 7);
	expect(&z, HEFT_E_CORRUPT, z.entry[0]);
	zip_done(&z);
}
END_TEST

/* Z3-9 */
START_TEST(limits_are_kept)
{
	struct heft_zip_limits limits = { .max_members = 2, .max_size = TEXT_SIZE + sizeof zeros };
	struct heft_error err;
	struct zip_bytes z;

	make(&z);
	ck_assert_int_eq(try_open(z.b.bytes, z.b.size, &limits, &err), HEFT_OK);
	limits.max_members = 1;
	ck_assert_int_eq(try_open(z.b.bytes, z.b.size, &limits, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, z.dir);
	limits.max_members = 0;
	limits.max_size--;
	ck_assert_int_eq(try_open(z.b.bytes, z.b.size, &limits, &err), HEFT_E_LIMIT);
	ck_assert_uint_eq(err.offset, z.entry[1]);
	zip_done(&z);
}
END_TEST

/* --- local headers --- */

/* Z4-3: sizes in place, in the zip64 field, or left to a descriptor. */
START_TEST(a_local_header_may_tell_its_sizes_in_several_ways)
{
#define SIZE "\24\0\0\0\0\0\0\0" /* TEXT_SIZE */
#define NONE "\0\0\0\0\0\0\0\0"
#define ZIP64 "\1\0\20\0"
	static const struct {
		uint32_t stored_size;
		uint32_t size;
		uint32_t crc; /* 1: the right one */
		uint16_t flags;
		const char *extra;
		size_t extra_size;
		enum heft_status code;
	} told[] = {
		{ 20, 20, 1, 0, "", 0, HEFT_OK },
		{ UINT32_MAX, UINT32_MAX, 1, 0, ZIP64 SIZE SIZE, 20, HEFT_OK },
		{ 20, 20, 1, 0, ZIP64 SIZE SIZE, 20, HEFT_OK },
		{ 20, 20, 1, 0, ZIP64 SIZE NONE, 20, HEFT_E_CORRUPT },
		{ 20, 20, 1, 0, ZIP64 NONE SIZE, 20, HEFT_E_CORRUPT },
		{ UINT32_MAX, 20, 1, 0, "\1\0\10\0" SIZE, 12, HEFT_OK },
		{ UINT32_MAX, 20, 1, 0, "\1\0\10\0" NONE, 12, HEFT_E_CORRUPT },
		{ UINT32_MAX, UINT32_MAX, 1, 0, "\1\0\10\0" SIZE, 12, HEFT_E_CORRUPT },
		{ UINT32_MAX, UINT32_MAX, 1, 0, ZIP64 SIZE NONE, 20, HEFT_E_CORRUPT },
		{ UINT32_MAX, UINT32_MAX, 1, 0, "", 0, HEFT_E_CORRUPT },
		{ 0, 0, 0, 8, "", 0, HEFT_OK },
		{ 20, 20, 1, 8, "", 0, HEFT_OK },
		{ 0, 0, 0, 8, ZIP64 NONE NONE, 20, HEFT_OK },
		{ UINT32_MAX, UINT32_MAX, 0, 8, ZIP64 NONE NONE, 20, HEFT_OK },
		{ UINT32_MAX, UINT32_MAX, 0, 8, ZIP64 SIZE SIZE, 20, HEFT_OK },
		{ UINT32_MAX, UINT32_MAX, 0, 8, "", 0, HEFT_OK },
		{ 0, 0, 2, 8, "", 0, HEFT_E_CORRUPT },
		{ 0, 19, 0, 8, "", 0, HEFT_E_CORRUPT },
		{ 0, 0, 0, 0, "", 0, HEFT_E_CORRUPT },
		{ 0, 0, 1, 0, ZIP64 SIZE SIZE, 20, HEFT_E_CORRUPT },
	};

	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		const struct zip_part p = {
			.name = "a",
			.bytes = TEXT,
			.size = TEXT_SIZE,
			.flags = told[i].flags,
			.extra = told[i].extra,
			.extra_size = told[i].extra_size,
			.has_local_sizes = true,
			.local_stored_size = told[i].stored_size,
			.local_size = told[i].size,
			.local_crc = told[i].crc == 1
			                     ? (uint32_t)crc32(0, (const void *)TEXT, TEXT_SIZE)
			                     : told[i].crc,
		};

		expect_part(&p, told[i].code, false);
	}
}
END_TEST

/* Z4-5, Z1-1 */
START_TEST(the_directory_may_have_another_order_than_the_file)
{
	struct heft_source *src;
	struct heft_zip *zip;
	struct zip_bytes z;
	struct scratch s;

	zip_begin(&z);
	for (size_t i = 0; i < 7; i++)
		zip_add(&z, &(struct zip_part){ .name = &"a\0b\0c\0d\0e\0f\0g"[2 * i],
		                                .bytes = TEXT,
		                                .size = i });
	z.dir = z.b.size;
	for (size_t i = 0; i < 7; i++)
		zip_add_entry(&z, i * 3 % 7);
	zip_add_end(&z, 7, (uint32_t)(z.b.size - z.dir), (uint32_t)z.dir);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "a.zip"), z.b.bytes, z.b.size);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_open(src, NULL, &zip, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_zip_n_members(zip), 7);
	ck_assert_uint_eq(heft_zip_directory_off(zip), z.dir);
	for (uint32_t k = 0; k < 7; k++) {
		const struct heft_zip_member *m = heft_zip_member(zip, k);
		const size_t i = k * 3 % 7;

		ck_assert_str_eq(m->name, &"a\0b\0c\0d\0e\0f\0g"[2 * i]);
		ck_assert_uint_eq(m->size, i);
		ck_assert_uint_eq(m->header_off, z.local[i]);
		ck_assert_uint_eq(m->data_off, z.data[i]);
		ck_assert_uint_eq(m->entry_off, z.entry[i]);
	}
	heft_zip_close(zip);
	heft_source_close(src);
	zip_done(&z);
	scratch_done(&s);
}
END_TEST

static Suite *zip_suite(void)
{
	Suite *s = suite_create("format_zip");
	TCase *tc = tcase_create("zip");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_number_that_is_wrong_is_refused_where_it_stands, 0,
	                    sizeof changed / sizeof *changed);
	tcase_add_test(tc, an_archive_that_is_cut_short_anywhere_is_corrupt);
	tcase_add_test(tc, an_archive_may_be_empty);
	tcase_add_test(tc, a_comment_ends_with_the_file_and_hides_no_end);
	tcase_add_test(tc, something_may_lie_in_front_and_between);
	tcase_add_test(tc, a_zip64_record_is_found_with_and_without_something_in_front);
	tcase_add_loop_test(tc, a_zip64_record_that_is_wrong_is_refused, 0,
	                    sizeof changed64 / sizeof *changed64);
	tcase_add_test(tc, more_members_than_the_directory_has_room_for_are_corrupt);
	tcase_add_test(tc, a_name_is_utf8_and_says_so);
	tcase_add_test(tc, a_second_name_in_the_extra_field_is_the_same);
	tcase_add_test(tc, a_name_twice_is_corrupt);
	tcase_add_test(tc, an_extra_field_is_made_of_fields);
	tcase_add_test(tc, an_empty_member_has_no_crc);
	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, a_local_header_may_tell_its_sizes_in_several_ways);
	tcase_add_test(tc, the_directory_may_have_another_order_than_the_file);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(zip_suite());
}
