/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_chunk.c - extents, leaves, and chunks read back (spec/container.md 4.3, 4.4 and
 * 6). */
#include <stdio.h>

#include "base/pool.h"
#include "container_file.h"
#include "unit.h"

/* Rows of TENSORS: 0 large, 1 nibbles, 2 noise, 3 pattern, 4 zeros. */
enum {
	LARGE,
	NIBBLES,
	NOISE,
	PATTERN,
	ZEROS,
	N_TENSORS
};
static const struct make_tensor tensors[N_TENSORS] = {
	{ "large", HEFT_DTYPE_F32, 0, 2, { 3, 270000 }, .seed = 1 },
	{ "nibbles", HEFT_DTYPE_U4, 0, 1, { 7 }, .fill = MAKE_PATTERN, .seed = 5 },
	{ "noise", HEFT_DTYPE_U8, 0, 1, { 1000 }, .seed = 2, .is_coded = true },
	{ "pattern", HEFT_DTYPE_I32, 0, 1, { 600000 }, .fill = MAKE_PATTERN, .is_coded = true },
	{ "zeros", HEFT_DTYPE_F32, 0, 1, { 300 }, .fill = MAKE_ZEROS, .is_coded = true },
};
/* Rows of EXTENTS: 0 of noise, 1 to 3 of pattern, 4 of zeros. */
enum {
	EXTENT_NOISE = 0,
	EXTENT_PATTERN = 1,
	EXTENT_ZEROS = 4
};

static void make(struct container_file *f)
{
	static const struct make_heft m = {
		.tensors = tensors,
		.n = N_TENSORS,
		.options = { .compress = HEFT_COMPRESS_FAST, .no_sync = true },
		.mixed = true,
	};

	file_make(f, &m);
}

static void must_row(struct container_file *f, uint32_t row_i, struct heft_row *row)
{
	ck_assert_int_eq(heft_index_row(f->ix, row_i, row, NULL), HEFT_OK);
}

static enum heft_status read_chunk(struct container_file *f, uint32_t row_i, uint64_t chunk_i,
                                   bool verify, struct heft_error *err)
{
	static uint8_t bytes[1 << 20];
	static uint8_t want[1 << 20];
	struct heft_chunk_reader *r;
	struct heft_row row;
	enum heft_status st;
	size_t n;

	must_row(f, row_i, &row);
	ck_assert_int_eq(heft_chunk_reader_new(f->ix, &r, NULL), HEFT_OK);
	st = heft_chunk_read_hashed(r, row_i, &row, chunk_i, verify, bytes, &n, NULL, err);
	heft_chunk_reader_free(r);
	if (st == HEFT_OK) {
		make_bytes(&tensors[row_i], chunk_i * row.chunk_size, want, n);
		ck_assert_mem_eq(bytes, want, n);
	}
	return st;
}

START_TEST(every_chunk_is_read_back)
{
	const struct heft_index_options o = { .trust = _i == 1 };
	struct container_file f;
	struct heft_error err;

	make(&f);
	file_must_open(&f, &o);
	for (uint32_t i = 0; i < N_TENSORS; i++) {
		struct heft_row row;

		must_row(&f, i, &row);
		for (uint64_t c = 0; c < row.n_chunks; c++)
			ck_assert_msg(read_chunk(&f, i, c, true, &err) == HEFT_OK, "%s", err.msg);
		ck_assert_int_eq(read_chunk(&f, i, row.n_chunks, true, &err), HEFT_E_USAGE);
	}
	file_done(&f);
}
END_TEST

START_TEST(an_extent_says_how_a_chunk_is_stored)
{
	static const uint8_t codecs[N_TENSORS] = { HEFT_CODEC_RAW, HEFT_CODEC_RAW, HEFT_CODEC_RAW,
		                                   HEFT_CODEC_ZSTD, HEFT_CODEC_ZERO };
	struct container_file f;
	struct heft_extent e;
	struct heft_row row;

	make(&f);
	file_must_open(&f, NULL);
	for (uint32_t i = 0; i < N_TENSORS; i++) {
		must_row(&f, i, &row);
		ck_assert_int_eq(heft_index_extent(f.ix, &row, row.n_chunks - 1, &e, NULL),
		                 HEFT_OK);
		ck_assert_uint_eq(e.codec, codecs[i]);
		ck_assert_int_eq(heft_index_extent(f.ix, &row, row.n_chunks, &e, NULL),
		                 HEFT_E_USAGE);
	}
	must_row(&f, LARGE, &row);
	ck_assert_int_eq(heft_index_extent(f.ix, &row, 3, &e, NULL), HEFT_OK);
	ck_assert_uint_eq(e.off, row.place + 3 * (1 << 20));
	ck_assert_uint_eq(e.stored_size, 3 * 270000 * 4 - 3 * (1 << 20));
	file_done(&f);
}
END_TEST

/* --- what is wrong with an extent ----------------------------------------------------------- */

struct change {
	const char *rule;
	uint32_t extent;
	uint32_t at;
	uint32_t size;
	uint64_t value;
	uint32_t row;
	enum heft_status want;
	const char *says;
};

#define BAD HEFT_E_CORRUPT

static const struct change changes[] = {
	{ "R4.4-1", EXTENT_NOISE, HEFT_EXTENT_ZERO, 1, 1, NOISE, BAD, "reserved" },
	{ "R4.4-1", EXTENT_NOISE, HEFT_EXTENT_ZERO + 2, 1, 1, NOISE, BAD, "reserved" },
	{ "R4.4-1", EXTENT_NOISE, HEFT_EXTENT_ZERO2, 4, 1, NOISE, BAD, "reserved" },
	{ "R4.4-2", EXTENT_NOISE, HEFT_EXTENT_OFF, 8, 4096, NOISE, BAD, "does not lie" },
	{ "R4.4-2", EXTENT_NOISE, HEFT_EXTENT_OFF, 8, 1 << 30, NOISE, BAD, "does not lie" },
	{ "R4.4-2", EXTENT_NOISE, HEFT_EXTENT_OFF, 8, UINT64_MAX, NOISE, BAD, "does not lie" },
	{ "R4.4-2", EXTENT_ZEROS, HEFT_EXTENT_OFF, 8, 8192, ZEROS, BAD, "codec zero" },
	{ "R4.4-2", EXTENT_ZEROS, HEFT_EXTENT_STORED, 4, 1, ZEROS, BAD, "codec zero" },
	{ "R4.4-2", EXTENT_ZEROS, HEFT_EXTENT_CRC, 4, 1, ZEROS, BAD, "codec zero" },
	{ "R4.4-3", EXTENT_NOISE, HEFT_EXTENT_STORED, 4, 999, NOISE, BAD, "codec raw" },
	{ "R4.4-3", EXTENT_NOISE, HEFT_EXTENT_STORED, 4, 0, NOISE, BAD, "codec raw" },
	{ "R4.4-3", EXTENT_NOISE, HEFT_EXTENT_CODEC, 1, 2, NOISE, BAD, "no fewer" },
	{ "R4.4-3", EXTENT_PATTERN, HEFT_EXTENT_STORED, 4, 0, PATTERN, BAD, "no bytes" },
	{ "R4.4-4", EXTENT_NOISE, HEFT_EXTENT_CRC, 4, 1, NOISE, BAD, "CRC" },
	{ "R4.4-4", EXTENT_PATTERN, HEFT_EXTENT_CRC, 4, 1, PATTERN, BAD, "CRC" },
	{ "R4.4-4", EXTENT_PATTERN, HEFT_EXTENT_OFF, 8, 8192, PATTERN, BAD, "CRC" },
	{ "R4.4-5", EXTENT_PATTERN, HEFT_EXTENT_CODEC, 1, 3, PATTERN, HEFT_E_UNSUPPORTED, "codec" },
	{ "R4.4-5", EXTENT_PATTERN, HEFT_EXTENT_CODEC, 1, 99, PATTERN, HEFT_E_UNSUPPORTED,
	  "codec" },
};

START_TEST(an_extent_that_breaks_a_rule_is_a_fault_of_its_chunk)
{
	const struct change *c = &changes[_i];
	struct container_file f;
	struct heft_error err = { .code = HEFT_OK };
	struct found found;
	uint8_t *at;
	enum heft_status st;

	make(&f);
	at = file_section(&f, HEFT_SECTION_EXTENTS) + c->extent * HEFT_EXTENT_SIZE + c->at;
	for (uint32_t i = 0; i < c->size; i++)
		at[i] = (uint8_t)(c->value >> 8 * i);
	seal_section(&f, HEFT_SECTION_EXTENTS);
	file_must_open(&f, NULL);
	st = read_chunk(&f, c->row, 0, false, &err);
	ck_assert_msg(st == c->want, "%s: %s %s", c->rule, heft_status_name(st), err.msg);
	ck_assert_msg(strstr(err.msg, c->says), "%s: %s", c->rule, err.msg);
	for (uint32_t i = 0; i < N_TENSORS; i++)
		ck_assert_int_eq(read_chunk(&f, i, 0, true, &err) == HEFT_OK, i != c->row);
	verify_index(f.ix, 1, false, &found);
	ck_assert_msg((found.n == 1 || c->at == HEFT_EXTENT_OFF) && strstr(found.lines, c->says) &&
	                      strncmp(found.lines, "chunk ", 6) == 0,
	              "%s: %s", c->rule, found.lines);
	found_done(&found);
	file_done(&f);
}
END_TEST

/* --- leaves --------------------------------------------------------------------------------- */

/* R4.3-2: the bytes of a raw chunk. */
START_TEST(changed_bytes_are_found_when_they_are_verified)
{
	struct container_file f;
	struct heft_error err;
	struct heft_row row;

	make(&f);
	file_must_open(&f, NULL);
	must_row(&f, LARGE, &row);
	f.bytes[row.place + (2 << 20) + 5] ^= 1;
	file_must_open(&f, NULL);
	ck_assert_int_eq(read_chunk(&f, LARGE, 1, true, &err), HEFT_OK);
	ck_assert_int_eq(read_chunk(&f, LARGE, 2, true, &err), HEFT_E_CORRUPT);
	ck_assert_str_eq(err.msg, "chunk 2 of tensor 'large' does not match its digest");
	ck_assert_uint_eq(err.offset, row.place + (2 << 20));
	file_done(&f);
}
END_TEST

/* R4.3-1: no chunk of a tensor verifies whose leaves do not give its root; others do. */
START_TEST(leaves_must_give_the_root)
{
	struct container_file f;
	struct heft_error err;
	const uint32_t wrong = _i == 0 ? LARGE : NIBBLES;
	uint64_t leaf;

	make(&f);
	file_must_open(&f, NULL);
	leaf = heft_get_le64(file_row(&f, wrong) + HEFT_ROW_FIRST_LEAF);
	file_section(&f, HEFT_SECTION_LEAVES)[leaf * HEFT_LEAF_SIZE] ^= 1;
	seal_section(&f, HEFT_SECTION_LEAVES);
	file_must_open(&f, NULL);
	ck_assert_int_eq(read_chunk(&f, wrong, wrong == LARGE, true, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, "do not match its root"), "%s", err.msg);
	ck_assert_int_eq(read_chunk(&f, wrong, 0, true, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(read_chunk(&f, PATTERN, 2, true, &err), HEFT_OK);
	file_done(&f);
}
END_TEST

struct racing {
	struct container_file *f;
	struct heft_sha256 *h[8];
};

static enum heft_status ask_leaf(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	struct racing *r = ctx;
	const uint32_t row_i = i % 2 ? LARGE : PATTERN;
	uint8_t leaf[HEFT_LEAF_SIZE];
	struct heft_row row;
	enum heft_status st = heft_index_row(r->f->ix, row_i, &row, err);

	if (st == HEFT_OK)
		st = heft_index_leaf(r->f->ix, row_i, &row, i / 2 % row.n_chunks, r->h[worker_i],
		                     leaf, err);
	return st;
}

START_TEST(many_threads_may_ask_for_leaves)
{
	struct container_file f;
	struct racing r = { .f = &f };
	struct heft_pool *pool;

	make(&f);
	ck_assert_int_eq(heft_pool_new(8, &pool, NULL), HEFT_OK);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(heft_sha256_new(&r.h[i], NULL), HEFT_OK);
	for (int round = 0; round < 50; round++) {
		file_must_open(&f, NULL);
		ck_assert_int_eq(heft_pool_run(pool, 64, ask_leaf, &r, NULL), HEFT_OK);
	}
	for (int i = 0; i < 8; i++)
		heft_sha256_free(r.h[i]);
	heft_pool_free(pool);
	file_done(&f);
}
END_TEST

/* --- the last byte, and a file that gets shorter -------------------------------------------- */

/* R4.1-14 */
START_TEST(bits_behind_the_last_element_are_zero)
{
	struct container_file f;
	struct heft_error err;

	make(&f);
	f.bytes[heft_get_le64(file_row(&f, NIBBLES) + HEFT_ROW_PLACE) + 3] |= 0x10;
	file_must_open(&f, NULL);
	ck_assert_int_eq(read_chunk(&f, NIBBLES, 0, false, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, "behind its last element"), "%s", err.msg);
	file_done(&f);
}
END_TEST

START_TEST(a_file_that_is_cut_while_open_gives_errors)
{
	struct container_file f;
	struct heft_error err;
	struct found found;

	make(&f);
	file_must_open(&f, NULL);
	ck_assert_int_eq(ftruncate(heft_source_fd(f.src), _i == 0 ? 9000 : 0), 0);
	for (uint32_t i = 0; i < N_TENSORS; i++)
		ck_assert_int_eq(read_chunk(&f, i, 0, true, &err), HEFT_E_CORRUPT);
	verify_index(f.ix, 2, false, &found);
	ck_assert(!found.report.ok);
	found_done(&found);
	file_done(&f);
}
END_TEST

static Suite *chunk_suite(void)
{
	Suite *s = suite_create("container/chunk");
	TCase *tc = tcase_create("chunk");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_chunk_is_read_back, 0, 2);
	tcase_add_test(tc, an_extent_says_how_a_chunk_is_stored);
	tcase_add_loop_test(tc, an_extent_that_breaks_a_rule_is_a_fault_of_its_chunk, 0,
	                    sizeof changes / sizeof *changes);
	tcase_add_test(tc, changed_bytes_are_found_when_they_are_verified);
	tcase_add_loop_test(tc, leaves_must_give_the_root, 0, 2);
	tcase_add_test(tc, many_threads_may_ask_for_leaves);
	tcase_add_test(tc, bits_behind_the_last_element_are_zero);
	tcase_add_loop_test(tc, a_file_that_is_cut_while_open_gives_errors, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(chunk_suite());
}
