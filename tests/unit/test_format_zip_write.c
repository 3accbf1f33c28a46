/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_zip_write.c - the archives that are written. */
#include "format/zip.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

struct written {
	struct scratch scratch;
	struct heft_sink *sink;
	struct heft_zip_writer *w;
	struct heft_source *src;
	struct heft_zip *zip;
};

static void begin(struct written *o)
{
	memset(o, 0, sizeof *o);
	scratch_init(&o->scratch);
	ck_assert_int_eq(heft_sink_open(scratch_path(&o->scratch, "a.zip"), NULL, &o->sink, NULL),
	                 HEFT_OK);
	ck_assert_int_eq(heft_zip_writer_new(o->sink, &o->w, NULL), HEFT_OK);
}

static void finish(struct written *o)
{
	struct heft_error err;

	ck_assert_int_eq(heft_zip_writer_finish(o->w, NULL), HEFT_OK);
	heft_zip_writer_free(o->w);
	ck_assert_int_eq(heft_sink_commit(o->sink, NULL), HEFT_OK);
	ck_assert_int_eq(heft_source_open(o->scratch.paths[0], true, &o->src, NULL), HEFT_OK);
	ck_assert_msg(heft_zip_open(o->src, NULL, &o->zip, &err) == HEFT_OK, "%s", err.msg);
}

static void done(struct written *o)
{
	heft_zip_close(o->zip);
	heft_source_close(o->src);
	scratch_done(&o->scratch);
}

static void put(struct written *o, uint32_t i, struct heft_zip_packer *packer, const char *text)
{
	const size_t n = strlen(text);
	uint8_t packed[256];
	const void *stored = text;
	size_t stored_size = n;
	uint64_t off;

	if (packer) {
		ck_assert_int_eq(heft_zip_pack(packer, text, n, packed, &stored_size, NULL),
		                 HEFT_OK);
		stored = packed;
	}
	heft_zip_writer_piece(o->w, i, heft_zip_crc(0, text, n), n, stored_size, &off);
	ck_assert_int_eq(heft_sink_pwrite(o->sink, off, stored, stored_size, NULL), HEFT_OK);
}

static void check(struct written *o, uint32_t i, const char *name, const char *text)
{
	const struct heft_zip_member *m = heft_zip_member(o->zip, i);
	char found[256];

	ck_assert_str_eq(m->name, name);
	ck_assert_uint_eq(m->size, strlen(text));
	ck_assert_int_eq(heft_zip_read(o->zip, i, 0, found, (size_t)m->size, NULL), HEFT_OK);
	ck_assert_mem_eq(found, text, (size_t)m->size);
}

/* Z6-1, Z6-4: stored members know their places at once, whatever is written first. */
START_TEST(stored_members_are_aligned)
{
	static const uint32_t alignments[] = { 1, 2, 8, 64, 4096 };
	struct written o;

	begin(&o);
	for (uint32_t i = 0; i < 5; i++) {
		const struct heft_zip_new m = { .name = &"a\0bb\0ccc\0dddd\0eeeee"[i * (i + 3) / 2],
			                        .name_size = i + 1,
			                        .head = "head",
			                        .head_size = 4,
			                        .size = 10,
			                        .alignment = alignments[i] };

		ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
	}
	for (uint32_t i = 5; i-- > 0;) {
		put(&o, i, NULL, "abc");
		put(&o, i, NULL, "def");
		ck_assert_int_eq(heft_zip_writer_end(o.w, i, NULL), HEFT_OK);
	}
	finish(&o);
	for (uint32_t i = 0; i < 5; i++) {
		const struct heft_zip_member *m = heft_zip_member(o.zip, i);

		check(&o, i, &"a\0bb\0ccc\0dddd\0eeeee"[i * (i + 3) / 2], "headabcdef");
		ck_assert(!m->is_deflated);
		ck_assert_uint_eq((m->data_off + 4) % alignments[i], 0);
	}
	done(&o);
}
END_TEST

/* Z6-5: each piece by itself, and an empty one. */
START_TEST(packed_members_are_made_of_pieces)
{
	struct heft_zip_packer *packer;
	struct written o;

	begin(&o);
	ck_assert_int_eq(heft_zip_packer_new(9, &packer, NULL), HEFT_OK);
	for (uint32_t i = 0; i < 3; i++) {
		const struct heft_zip_new m = { .name = &"a\0b\0c"[2 * i],
			                        .name_size = 1,
			                        .packer = packer,
			                        .head = "head",
			                        .head_size = i == 2 ? 0 : 4,
			                        .alignment = 64 };

		ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
		if (i == 0) {
			put(&o, i, packer, "abcabcabcabcabc");
			put(&o, i, packer, "");
			put(&o, i, packer, "abcabc");
		}
		ck_assert_int_eq(heft_zip_writer_end(o.w, i, NULL), HEFT_OK);
	}
	finish(&o);
	check(&o, 0, "a", "headabcabcabcabcabcabcabc");
	check(&o, 1, "b", "head");
	check(&o, 2, "c", "");
	ck_assert(heft_zip_member(o.zip, 0)->is_deflated);
	heft_zip_packer_free(packer);
	done(&o);
}
END_TEST

/* Z6-2, Z6-3: what numpy.savez writes: FFFFFFFF in place, true sizes in a zip64 field, 1980. */
START_TEST(the_headers_are_as_numpy_writes_them)
{
	static const char local[] = "PK\3\4\55\0\0\10\0\0\0\0\41\0";
	struct heft_zip_new m = { .name = "\xc3\xbc",
		                  .name_size = 2,
		                  .head = "x",
		                  .head_size = 1,
		                  .size = 1,
		                  .alignment = 1 };
	struct written o;
	char *bytes;
	size_t size;

	begin(&o);
	ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_writer_end(o.w, 0, NULL), HEFT_OK);
	finish(&o);
	bytes = scratch_read(o.scratch.paths[0], &size);
	ck_assert_uint_eq(size, 30 + 2 + 20 + 1 + 46 + 2 + 22);
	ck_assert_mem_eq(bytes, local, 14);
	ck_assert_mem_eq(bytes + 18, "\xff\xff\xff\xff\xff\xff\xff\xff\2\0\24\0\xc3\xbc", 14);
	ck_assert_mem_eq(bytes + 32, "\1\0\20\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0x", 21);
	ck_assert_mem_eq(bytes + 53 + 20, "\1\0\0\0\1\0\0\0\2\0\0\0", 12);
	free(bytes);
	done(&o);
}
END_TEST

START_TEST(a_writer_says_what_is_missing)
{
	struct heft_zip_new m = { .name = "a", .name_size = 1, .size = 3, .alignment = 1 };
	struct written o;

	begin(&o);
	m.head = "";
	ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_writer_finish(o.w, NULL), HEFT_E_USAGE);
	put(&o, 0, NULL, "ab");
	ck_assert_int_eq(heft_zip_writer_end(o.w, 0, NULL), HEFT_E_USAGE);
	m.name_size = 65536;
	ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_E_USAGE);
	heft_zip_writer_free(o.w);
	heft_sink_discard(o.sink);
	scratch_done(&o.scratch);
}
END_TEST

/* Z6-2: a directory past 4 GiB, in a file that is mostly a hole. */
START_TEST(what_does_not_fit_32_bits_is_zip64)
{
	const uint64_t size = UINT64_C(5) << 30;
	struct heft_zip_new m = {
		.name = "large", .name_size = 5, .head = "", .size = size, .alignment = 4096
	};
	struct written o;
	uint64_t off;

	begin(&o);
	ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
	heft_zip_writer_piece(o.w, 0, 0, size, size, &off);
	ck_assert_int_eq(heft_zip_writer_end(o.w, 0, NULL), HEFT_OK);
	m.name = "far";
	m.name_size = 3;
	m.size = 3;
	ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
	put(&o, 1, NULL, "xyz");
	ck_assert_int_eq(heft_zip_writer_end(o.w, 1, NULL), HEFT_OK);
	finish(&o);
	ck_assert_uint_eq(heft_zip_member(o.zip, 0)->size, size);
	ck_assert_uint_eq(heft_zip_member(o.zip, 0)->data_off, 4096);
	ck_assert_uint_gt(heft_zip_member(o.zip, 1)->header_off, size);
	check(&o, 1, "far", "xyz");
	done(&o);
}
END_TEST

/* More than the end record can count. */
START_TEST(many_members_are_zip64)
{
	const uint32_t n = 70000;
	struct written o;
	char name[16];

	begin(&o);
	for (uint32_t i = 0; i < n; i++) {
		const struct heft_zip_new m = { .name = name,
			                        .name_size = (size_t)snprintf(name, sizeof name,
			                                                      "%u", i),
			                        .head = "x",
			                        .head_size = 1,
			                        .size = 1,
			                        .alignment = 1 };

		ck_assert_int_eq(heft_zip_writer_begin(o.w, &m, NULL), HEFT_OK);
		ck_assert_int_eq(heft_zip_writer_end(o.w, i, NULL), HEFT_OK);
	}
	finish(&o);
	ck_assert_uint_eq(heft_zip_n_members(o.zip), n);
	check(&o, n - 1, "69999", "x");
	done(&o);
}
END_TEST

/* Whatever a piece holds, its bound holds. */
START_TEST(a_piece_of_any_kind_is_packed)
{
	const size_t n = 300000;
	uint8_t *bytes = malloc(n);
	uint8_t *packed = malloc(heft_zip_pack_bound(n));
	uint8_t *found = malloc(n);
	struct heft_zip_packer *packer;
	uint32_t random = 1;
	size_t size;

	ck_assert(bytes && packed && found);
	for (size_t i = 0; i < n; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = _i == 0 ? 0 : _i == 1 ? (uint8_t)(random >> 24) : (uint8_t)(i % 1000);
	}
	ck_assert_int_eq(heft_zip_packer_new(4, &packer, NULL), HEFT_OK);
	for (size_t part = n; part > 0; part /= 3) {
		z_stream s = { .avail_out = (unsigned)part, .next_out = found };

		ck_assert_int_eq(heft_zip_pack(packer, bytes, part, packed, &size, NULL), HEFT_OK);
		ck_assert_uint_le(size, heft_zip_pack_bound(part));
		s.next_in = packed;
		s.avail_in = (unsigned)size;
		ck_assert_int_eq(inflateInit2(&s, -15), Z_OK);
		ck_assert_int_eq(inflate(&s, Z_SYNC_FLUSH), Z_OK);
		ck_assert_uint_eq(s.avail_out, 0);
		inflateEnd(&s);
		ck_assert_mem_eq(found, bytes, part);
	}
	heft_zip_packer_free(packer);
	free(found);
	free(packed);
	free(bytes);
}
END_TEST

static Suite *zip_write_suite(void)
{
	Suite *s = suite_create("format_zip_write");
	TCase *tc = tcase_create("write");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, stored_members_are_aligned);
	tcase_add_test(tc, packed_members_are_made_of_pieces);
	tcase_add_test(tc, the_headers_are_as_numpy_writes_them);
	tcase_add_test(tc, a_writer_says_what_is_missing);
	tcase_add_test(tc, what_does_not_fit_32_bits_is_zip64);
	tcase_add_test(tc, many_members_are_zip64);
	tcase_add_loop_test(tc, a_piece_of_any_kind_is_packed, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(zip_write_suite());
}
