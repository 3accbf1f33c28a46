/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_zip_read.c - a member's bytes, in any pieces, any order and by any thread; and those
 * that are not what the archive says. */
#include "base/pool.h"
#include "format/zip.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

#define MIB ((size_t)1 << 20)

/* An archive that is open. */
struct opened {
	struct scratch scratch;
	struct heft_source *src;
	struct heft_zip *zip;
	struct heft_error err;
};

static void open_zip(struct opened *o, const struct zip_bytes *z)
{
	memset(o, 0, sizeof *o);
	scratch_init(&o->scratch);
	scratch_write(scratch_path(&o->scratch, "a.zip"), z->b.bytes, z->b.size);
	ck_assert_int_eq(heft_source_open(o->scratch.paths[0], true, &o->src, NULL), HEFT_OK);
	ck_assert_msg(heft_zip_open(o->src, NULL, &o->zip, &o->err) == HEFT_OK, "%s", o->err.msg);
}

static void close_zip(struct opened *o)
{
	heft_zip_close(o->zip);
	heft_source_close(o->src);
	scratch_done(&o->scratch);
}

/* Bytes that shrink, and tell where they lie. */
static uint8_t *made_bytes(size_t n)
{
	uint8_t *bytes = malloc(n);

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i / 251 + i % 7);
	return bytes;
}

static void make(struct zip_bytes *z, const uint8_t *bytes, size_t n, bool is_deflated)
{
	zip_begin(z);
	zip_add(z, &(struct zip_part){
			   .name = "m", .bytes = bytes, .size = n, .is_deflated = is_deflated });
	zip_finish(z);
}

static void check_read(struct opened *o, const uint8_t *bytes, uint64_t off, size_t n)
{
	uint8_t *found = malloc(n + 1);

	ck_assert_ptr_nonnull(found);
	ck_assert_msg(heft_zip_read(o->zip, 0, off, found, n, &o->err) == HEFT_OK, "%s",
	              o->err.msg);
	ck_assert_mem_eq(found, bytes + off, n);
	free(found);
}

START_TEST(a_member_is_read_in_any_order)
{
	const size_t n = 3 * MIB + 12345;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;
	struct opened o;

	make(&z, bytes, n, _i == 1);
	open_zip(&o, &z);
	check_read(&o, bytes, 0, n);
	check_read(&o, bytes, 0, n);
	check_read(&o, bytes, n, 0);
	for (size_t at = n; at > 0;) {
		const size_t part = at < 100000 ? at : 100000;

		at -= part;
		check_read(&o, bytes, at, part);
	}
	for (size_t at = 0, part = 1; at < n; part += 777) {
		const size_t left = n - at < part ? n - at : part;

		check_read(&o, bytes, at, left);
		at += left;
	}
	close_zip(&o);
	zip_done(&z);
	free(bytes);
}
END_TEST

/* zlib takes all of a small member at once and gives it piece by piece. */
START_TEST(a_small_member_is_read_byte_by_byte)
{
	uint8_t *bytes = calloc(1, 300);
	struct zip_bytes z;
	struct opened o;

	ck_assert_ptr_nonnull(bytes);
	make(&z, bytes, 300, true);
	open_zip(&o, &z);
	check_read(&o, bytes, 0, 300);
	check_read(&o, bytes, 0, 1);
	check_read(&o, bytes, 1, 7);
	for (size_t at = 8; at < 300; at++)
		check_read(&o, bytes, at, 1);
	close_zip(&o);
	zip_done(&z);
	free(bytes);
}
END_TEST

/* Z5-1: further back than what is kept, so the member begins again. */
START_TEST(a_member_larger_than_what_is_kept_is_read_backwards)
{
	const size_t n = 20 * MIB + 1;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;
	struct opened o;

	make(&z, bytes, n, true);
	open_zip(&o, &z);
	check_read(&o, bytes, n - 10, 10);
	check_read(&o, bytes, 0, 10);
	check_read(&o, bytes, 15 * MIB, MIB);
	check_read(&o, bytes, 2 * MIB, MIB);
	close_zip(&o);
	zip_done(&z);
	free(bytes);
}
END_TEST

/* --- threads --- */

struct job {
	struct heft_zip *zip;
	const uint8_t *bytes;
	size_t n;
	size_t piece;
};

static enum heft_status read_piece(void *ctx, uint64_t i, uint32_t worker_i, struct heft_error *err)
{
	const struct job *job = ctx;
	const size_t at = (size_t)i * job->piece;
	const size_t n = job->n - at < job->piece ? job->n - at : job->piece;
	uint8_t *found = malloc(n);
	enum heft_status st;

	(void)worker_i;
	ck_assert_ptr_nonnull(found);
	st = heft_zip_read(job->zip, 0, at, found, n, err);
	if (st == HEFT_OK && memcmp(found, job->bytes + at, n) != 0)
		st = HEFT_E_USAGE;
	free(found);
	return st;
}

static enum heft_status read_all(struct opened *o, const uint8_t *bytes, size_t n, size_t piece,
                                 uint32_t n_threads)
{
	struct job job = { .zip = o->zip, .bytes = bytes, .n = n, .piece = piece };
	struct heft_pool *pool;
	enum heft_status st;

	ck_assert_int_eq(heft_pool_new(n_threads, &pool, NULL), HEFT_OK);
	st = heft_pool_run(pool, (n + piece - 1) / piece, read_piece, &job, &o->err);
	heft_pool_free(pool);
	return st;
}

START_TEST(threads_read_a_member_together)
{
	static const uint32_t n_threads[] = { 1, 2, 3, 7, 24 };
	const size_t n = 24 * MIB + 99;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;

	make(&z, bytes, n, true);
	for (size_t i = 0; i < sizeof n_threads / sizeof *n_threads; i++) {
		struct opened o;

		open_zip(&o, &z);
		ck_assert_int_eq(read_all(&o, bytes, n, MIB, n_threads[i]), HEFT_OK);
		ck_assert_int_eq(read_all(&o, bytes, n, 3 * MIB / 2, n_threads[i]), HEFT_OK);
		close_zip(&o);
	}
	zip_done(&z);
	free(bytes);
}
END_TEST

/* Z5-2: whichever thread reads the last missing piece. */
START_TEST(a_crc_is_compared_once_all_bytes_were_read)
{
	const bool is_deflated = _i == 1;
	const size_t n = 3 * MIB;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;
	struct opened o;
	uint8_t byte;

	make(&z, bytes, n, is_deflated);
	z.b.bytes[z.local[0] + 14] ^= 1;
	z.b.bytes[z.entry[0] + 16] ^= 1;
	open_zip(&o, &z);
	check_read(&o, bytes, 1, n - 2);
	check_read(&o, bytes, 5, 100);
	check_read(&o, bytes, n - 1, 1);
	ck_assert_int_eq(heft_zip_read(o.zip, 0, 0, &byte, 1, &o.err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(o.err.offset, z.data[0]);
	ck_assert_ptr_nonnull(strstr(o.err.msg, "'m'"));
	/* From now on. */
	ck_assert_int_eq(heft_zip_read(o.zip, 0, 9, &byte, 1, &o.err), HEFT_E_CORRUPT);
	close_zip(&o);

	open_zip(&o, &z);
	ck_assert_int_eq(read_all(&o, bytes, n, MIB / 2, 4), HEFT_E_CORRUPT);
	close_zip(&o);
	zip_done(&z);
	free(bytes);
}
END_TEST

/* Z5-2: pieces are put together whatever their order; too many that lie apart are not. */
START_TEST(pieces_are_put_together_in_any_order)
{
	const size_t n = 1000;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;
	struct opened o;
	uint8_t byte;

	make(&z, bytes, n, false);
	z.b.bytes[z.data[0] + 500] ^= 1;
	bytes[500] ^= 1;
	open_zip(&o, &z);
	for (size_t at = 0; at < n; at += 200)
		check_read(&o, bytes, at, 100);
	for (size_t at = 900; at > 200; at -= 200)
		check_read(&o, bytes, at, 100);
	ck_assert_int_eq(heft_zip_read(o.zip, 0, 100, bytes, 100, &o.err), HEFT_E_CORRUPT);
	close_zip(&o);
	open_zip(&o, &z);
	for (size_t at = 0; at < n; at += 2)
		ck_assert_int_eq(heft_zip_read(o.zip, 0, at, &byte, 1, &o.err), HEFT_OK);
	for (size_t at = 1; at < n; at += 2)
		ck_assert_int_eq(heft_zip_read(o.zip, 0, at, &byte, 1, &o.err), HEFT_OK);
	close_zip(&o);
	zip_done(&z);
	free(bytes);
}
END_TEST

/* --- deflate streams that are not what they should be --- */

static void expect_damaged(const struct zip_bytes *z, size_t n, const char *what)
{
	uint8_t *found = malloc(n);
	struct opened o;

	ck_assert_ptr_nonnull(found);
	open_zip(&o, z);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(heft_zip_read(o.zip, 0, 0, found, n, &o.err), HEFT_E_CORRUPT);
		ck_assert_msg(strstr(o.err.msg, what) != NULL, "%s", o.err.msg);
		ck_assert_uint_eq(o.err.offset, z->data[0]);
	}
	close_zip(&o);
	free(found);
}

static void set_sizes(struct zip_bytes *z, size_t off, uint32_t size)
{
	heft_put_le32(z->b.bytes + z->local[0] + 18 + off, size);
	heft_put_le32(z->b.bytes + z->entry[0] + 20 + off, size);
}

/* Z5-1 */
START_TEST(a_stream_that_gives_fewer_or_more_bytes_is_corrupt)
{
	const size_t n = 100000;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;

	make(&z, bytes, n, true);
	set_sizes(&z, 4, (uint32_t)n + 1);
	expect_damaged(&z, n + 1, "fewer");
	set_sizes(&z, 4, (uint32_t)n - 1);
	expect_damaged(&z, n - 1, "more");
	zip_done(&z);
	free(bytes);
}
END_TEST

/* Z5-1 */
START_TEST(a_stream_takes_all_of_the_stored_bytes)
{
	const size_t n = 100000;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;

	make(&z, bytes, n, true);
	set_sizes(&z, 0, z.stored_size[0] - 1);
	expect_damaged(&z, n, "too early");
	zip_done(&z);

	/* One byte more: it was in front of the directory. */
	zip_begin(&z);
	zip_add(&z,
	        &(struct zip_part){ .name = "m", .bytes = bytes, .size = n, .is_deflated = true });
	heft_buffer_add_u8(&z.b, 0);
	zip_finish(&z);
	set_sizes(&z, 0, z.stored_size[0] + 1);
	expect_damaged(&z, n, "follow");
	zip_done(&z);
	free(bytes);
}
END_TEST

START_TEST(a_stream_that_is_none_is_corrupt)
{
	const size_t n = 100000;
	uint8_t *bytes = made_bytes(n);
	struct zip_bytes z;

	make(&z, bytes, n, true);
	z.b.bytes[z.data[0]] = 7; /* a block of no kind */
	expect_damaged(&z, n, "damaged");
	zip_done(&z);
	free(bytes);
}
END_TEST

/* Streams that wait to be read on are given up when there are many, and begin again. */
START_TEST(many_members_are_read_a_piece_at_a_time)
{
	uint8_t *bytes = made_bytes(300000);
	struct heft_zip_packer *packer;
	struct heft_zip_writer *w;
	struct heft_sink *sink;
	struct scratch s;
	struct heft_source *src;
	struct heft_zip *zip;

	scratch_init(&s);
	ck_assert_int_eq(heft_sink_open(scratch_path(&s, "a.zip"), NULL, &sink, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_packer_new(1, &packer, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_writer_new(sink, &w, NULL), HEFT_OK);
	for (uint32_t i = 0; i < 40; i++) {
		const char name[] = { (char)('0' + i), '\0' };
		const struct heft_zip_new m = { .name = name,
			                        .name_size = 1,
			                        .packer = packer,
			                        .head = bytes + i,
			                        .head_size = 200000,
			                        .alignment = 1 };

		ck_assert_int_eq(heft_zip_writer_begin(w, &m, NULL), HEFT_OK);
		ck_assert_int_eq(heft_zip_writer_end(w, i, NULL), HEFT_OK);
	}
	ck_assert_int_eq(heft_zip_writer_finish(w, NULL), HEFT_OK);
	heft_zip_writer_free(w);
	heft_zip_packer_free(packer);
	ck_assert_int_eq(heft_sink_commit(sink, NULL), HEFT_OK);

	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, NULL), HEFT_OK);
	ck_assert_int_eq(heft_zip_open(src, NULL, &zip, NULL), HEFT_OK);
	for (size_t at = 0; at < 200000; at += 50000)
		for (uint32_t i = 0; i < 40; i++) {
			uint8_t found[50000];

			ck_assert_int_eq(heft_zip_read(zip, i, at, found, 50000, NULL), HEFT_OK);
			ck_assert_mem_eq(found, bytes + i + at, 50000);
		}
	heft_zip_close(zip);
	heft_source_close(src);
	scratch_done(&s);
	free(bytes);
}
END_TEST

static Suite *zip_read_suite(void)
{
	Suite *s = suite_create("format_zip_read");
	TCase *tc = tcase_create("read");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_member_is_read_in_any_order, 0, 2);
	tcase_add_test(tc, a_small_member_is_read_byte_by_byte);
	tcase_add_test(tc, a_member_larger_than_what_is_kept_is_read_backwards);
	tcase_add_test(tc, threads_read_a_member_together);
	tcase_add_loop_test(tc, a_crc_is_compared_once_all_bytes_were_read, 0, 2);
	tcase_add_test(tc, pieces_are_put_together_in_any_order);
	tcase_add_test(tc, a_stream_that_gives_fewer_or_more_bytes_is_corrupt);
	tcase_add_test(tc, a_stream_takes_all_of_the_stored_bytes);
	tcase_add_test(tc, a_stream_that_is_none_is_corrupt);
	tcase_add_test(tc, many_members_are_read_a_piece_at_a_time);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(zip_read_suite());
}
