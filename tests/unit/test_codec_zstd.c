/* SPDX-License-Identifier: Apache-2.0 */
/* test_codec_zstd.c - tests of lib/codec/codec.c and of the codecs raw, zero and zstd. */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define CHUNK (1 << 20)
#define FILE_OFF 8192

static struct heft_coder *coder;
static uint8_t *plain;
static uint8_t *stored;
static uint8_t *decoded;

static void set_up(void)
{
	ck_assert_int_eq(heft_coder_new(&coder, NULL), HEFT_OK);
	plain = malloc(CHUNK);
	stored = malloc(CHUNK);
	decoded = malloc(CHUNK);
	ck_assert(plain && stored && decoded);
}

static void tear_down(void)
{
	heft_coder_free(coder);
	free(plain);
	free(stored);
	free(decoded);
}

static bool is_filled(const uint8_t *bytes, size_t n, uint8_t with)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != with)
			return false;
	}
	return true;
}

static uint8_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (uint8_t)(*state >> 24);
}

/* Bytes as of bf16 weights: one of two is noise, the other one of a few values. */
static void fill_like_weights(uint8_t *bytes, size_t n)
{
	uint32_t state = 7;

	for (size_t i = 0; i < n; i++)
		bytes[i] = i % 2 ? 0x3c + next_random(&state) % 4 : next_random(&state);
}

static void fill_with_noise(uint8_t *bytes, size_t n)
{
	uint32_t state = 3;

	for (size_t i = 0; i < n; i++)
		bytes[i] = next_random(&state);
}

START_TEST(codecs_are_found_by_id_and_by_name)
{
	static const char *const names[] = { "raw", "zero", "zstd" };

	for (uint8_t id = 0; id < 3; id++) {
		ck_assert_ptr_nonnull(heft_codec_find(id));
		ck_assert_uint_eq(heft_codec_find(id)->id, id);
		ck_assert_str_eq(heft_codec_find(id)->name, names[id]);
		ck_assert_ptr_eq(heft_codec_by_name(names[id]), heft_codec_find(id));
	}
	ck_assert_ptr_null(heft_codec_find(HEFT_CODEC_DELTA));
	ck_assert_ptr_null(heft_codec_find(255));
	ck_assert_ptr_null(heft_codec_by_name("zst"));
}
END_TEST

static void assert_round_trip(int effort, size_t n, uint8_t want_codec)
{
	size_t size = 0;
	const uint8_t codec = heft_encode_chunk(coder, effort, plain, n, stored, CHUNK, &size);

	ck_assert_uint_eq(codec, want_codec);
	ck_assert_uint_le(size, heft_codec_find(codec)->max_stored(n));
	if (codec == HEFT_CODEC_RAW) {
		ck_assert_uint_eq(size, n);
		memcpy(stored, plain, n);
	}
	memset(decoded, 0xee, n);
	ck_assert_int_eq(heft_codec_find(codec)->decode(coder, stored, size, decoded, n, FILE_OFF,
	                                                NULL),
	                 HEFT_OK);
	ck_assert_mem_eq(decoded, plain, n);
}

START_TEST(chunks_come_back_whatever_they_hold)
{
	const int effort = _i;

	memset(plain, 0, CHUNK);
	assert_round_trip(effort, CHUNK, HEFT_CODEC_ZERO);
	assert_round_trip(effort, 1, HEFT_CODEC_ZERO);
	plain[CHUNK - 1] = 1;
	assert_round_trip(effort, CHUNK, HEFT_CODEC_ZSTD);
	fill_like_weights(plain, CHUNK);
	assert_round_trip(effort, CHUNK, HEFT_CODEC_ZSTD);
	assert_round_trip(effort, CHUNK - 7, HEFT_CODEC_ZSTD);
	fill_with_noise(plain, CHUNK);
	assert_round_trip(effort, CHUNK, HEFT_CODEC_RAW);
	assert_round_trip(effort, 3, HEFT_CODEC_RAW);
	ck_assert_int_eq(heft_coder_check(coder, NULL), HEFT_OK);
}
END_TEST

START_TEST(what_hardly_shrinks_is_raw)
{
	size_t size;

	fill_with_noise(plain, CHUNK);
	memset(plain, 'x', CHUNK / 100);
	ck_assert_uint_eq(heft_encode_chunk(coder, 1, plain, CHUNK, stored, CHUNK, &size),
	                  HEFT_CODEC_RAW);
	ck_assert_uint_eq(size, CHUNK);
	ck_assert(heft_zstd_encode(coder, 1, plain, CHUNK, stored, CHUNK, &size));
	ck_assert_uint_lt(size, CHUNK);
}
END_TEST

START_TEST(encoders_stay_within_the_room_given)
{
	size_t whole;
	size_t size = 77;

	fill_like_weights(plain, CHUNK);
	ck_assert(heft_zstd_encode(coder, 1, plain, CHUNK, stored, CHUNK, &whole));
	memset(stored, 0xee, CHUNK);
	ck_assert(!heft_zstd_encode(coder, 1, plain, CHUNK, stored, whole / 2, &size));
	ck_assert_uint_eq(size, 77);
	ck_assert(is_filled(stored + whole / 2, CHUNK - whole / 2, 0xee));
	ck_assert(!heft_zstd_encode(coder, 1, plain, CHUNK, stored, 0, &size));
	ck_assert(!heft_zstd_encode(coder, 1, plain, 0, stored, CHUNK, &size));
}
END_TEST

START_TEST(the_same_bytes_give_the_same_frame_in_any_coder)
{
	static const int levels[] = { 1, 19, 3, 1, 19 };
	struct heft_coder *fresh;
	size_t size;
	size_t fresh_size;

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		const size_t n = CHUNK / 4 * (i % 3 + 1) - i;

		fill_like_weights(plain, n);
		ck_assert_int_eq(heft_coder_new(&fresh, NULL), HEFT_OK);
		ck_assert(heft_zstd_encode(coder, levels[i], plain, n, stored, CHUNK, &size));
		ck_assert(
			heft_zstd_encode(fresh, levels[i], plain, n, decoded, CHUNK, &fresh_size));
		ck_assert_uint_eq(size, fresh_size);
		ck_assert_mem_eq(stored, decoded, size);
		heft_coder_free(fresh);
	}
}
END_TEST

/* A frame of 100 bytes 'a': one run-length block. */
#define MAGIC 0x28, 0xb5, 0x2f, 0xfd
#define RUN_OF_100 0x23, 0x03, 0x00, 'a'
#define GOOD MAGIC, 0x20, 100, RUN_OF_100

static const struct {
	const char *fault;
	size_t size;
	uint8_t bytes[40];
} bad_frames[] = {
	{ "frame is cut short", 0, { 0 } },
	{ "frame is cut short", 4, { MAGIC } },
	{ "frame is cut short", 9, { GOOD } },
	{ "bytes follow the frame", 11, { GOOD, 0 } },
	{ "bytes follow the frame", 20, { GOOD, GOOD } },
	/* an empty frame, a skippable one */
	{ "bytes follow the frame", 19, { GOOD, MAGIC, 0x20, 0, 0x01, 0x00, 0x00 } },
	{ "bytes follow the frame", 18, { GOOD, 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0 } },
	{ "not a zstd frame", 18, { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0, GOOD } },
	{ "not a zstd frame", 10, { 0x27, 0xb5, 0x2f, 0xfd, 0x20, 100, RUN_OF_100 } },
	{ "frame has a checksum", 14, { MAGIC, 0x24, 100, RUN_OF_100, 1, 2, 3, 4 } },
	{ "frame names a dictionary", 11, { MAGIC, 0x21, 0, 100, RUN_OF_100 } },
	/* the reserved bit; a window instead of the content's size; other sizes */
	{ "frame does not state the content's size", 10, { MAGIC, 0x28, 100, RUN_OF_100 } },
	{ "frame does not state the content's size", 10, { MAGIC, 0x00, 0x00, RUN_OF_100 } },
	{ "frame does not state the content's size", 10, { MAGIC, 0x20, 99, RUN_OF_100 } },
	{ "frame does not state the content's size", 10, { MAGIC, 0x20, 101, RUN_OF_100 } },
	/* a block of another size than the header says */
	{ NULL, 10, { MAGIC, 0x20, 100, 0x1b, 0x03, 0x00, 'a' } },
	{ NULL, 10, { MAGIC, 0x20, 100, 0x2b, 0x03, 0x00, 'a' } },
	/* a reserved block type */
	{ "frame is cut short", 10, { MAGIC, 0x20, 100, 0x27, 0x03, 0x00, 'a' } },
};

START_TEST(bad_frames_are_refused)
{
	struct heft_error err = { 0 };
	uint8_t *exact = malloc(bad_frames[_i].size);

	/* in a block of its own, so that a sanitizer sees reads past its end */
	memcpy(exact, bad_frames[_i].bytes, bad_frames[_i].size);
	memset(decoded, 0xee, 200);
	ck_assert_int_eq(heft_zstd_decode(coder, exact, bad_frames[_i].size, decoded, 100, FILE_OFF,
	                                  &err),
	                 HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, FILE_OFF);
	if (bad_frames[_i].fault)
		ck_assert_str_eq(err.msg + strlen("zstd: "), bad_frames[_i].fault);
	ck_assert(is_filled(decoded + 100, 100, 0xee));
	free(exact);
}
END_TEST

START_TEST(good_frames_are_read)
{
	/* with the content's size only, and with a window besides */
	static const uint8_t single[] = { GOOD };
	static const uint8_t windowed[] = { MAGIC, 0x80, 0x00, 100, 0, 0, 0, RUN_OF_100 };

	ck_assert_int_eq(heft_zstd_decode(coder, single, sizeof single, decoded, 100, 0, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(decoded[99], 'a');
	memset(decoded, 0, 100);
	ck_assert_int_eq(heft_zstd_decode(coder, windowed, sizeof windowed, decoded, 100, 0, NULL),
	                 HEFT_OK);
	ck_assert_uint_eq(decoded[99], 'a');
}
END_TEST

START_TEST(a_frame_as_large_as_its_content_is_refused)
{
	static const uint8_t raw_block[] = { MAGIC, 0x20, 2, 0x11, 0, 0, 'h', 'i' };

	ck_assert_int_eq(heft_zstd_decode(coder, raw_block, sizeof raw_block, decoded, 2, 0, NULL),
	                 HEFT_E_CORRUPT);
}
END_TEST

START_TEST(damaged_frames_never_write_past_the_end)
{
	size_t size;
	uint32_t state = 11;

	fill_like_weights(plain, 4096);
	ck_assert(heft_zstd_encode(coder, 1, plain, 4096, stored, CHUNK, &size));
	for (int round = 0; round < 20000; round++) {
		const size_t at = (next_random(&state) * 256u + next_random(&state)) % size;
		const uint8_t was = stored[at];

		stored[at] ^= (uint8_t)(1 << next_random(&state) % 8);
		memset(decoded + 4096, 0xee, 64);
		(void)heft_zstd_decode(coder, stored, size, decoded, 4096, 0, NULL);
		ck_assert(is_filled(decoded + 4096, 64, 0xee));
		stored[at] = was;
	}
}
END_TEST

START_TEST(raw_and_zero_chunks_have_one_size)
{
	ck_assert_int_eq(
		heft_codec_find(HEFT_CODEC_RAW)->decode(coder, plain, 9, decoded, 10, 0, NULL),
		HEFT_E_CORRUPT);
	ck_assert_int_eq(
		heft_codec_find(HEFT_CODEC_ZERO)->decode(coder, plain, 1, decoded, 10, 0, NULL),
		HEFT_E_CORRUPT);
	ck_assert_int_eq(
		heft_codec_find(HEFT_CODEC_ZERO)->decode(coder, NULL, 0, decoded, 0, 0, NULL),
		HEFT_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec_zstd");
	TCase *tcase = tcase_create("zstd");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, codecs_are_found_by_id_and_by_name);
	tcase_add_loop_test(tcase, chunks_come_back_whatever_they_hold, 1, 3);
	tcase_add_test(tcase, what_hardly_shrinks_is_raw);
	tcase_add_test(tcase, encoders_stay_within_the_room_given);
	tcase_add_test(tcase, the_same_bytes_give_the_same_frame_in_any_coder);
	tcase_add_loop_test(tcase, bad_frames_are_refused, 0,
	                    sizeof bad_frames / sizeof *bad_frames);
	tcase_add_test(tcase, good_frames_are_read);
	tcase_add_test(tcase, a_frame_as_large_as_its_content_is_refused);
	tcase_add_test(tcase, damaged_frames_never_write_past_the_end);
	tcase_add_test(tcase, raw_and_zero_chunks_have_one_size);
	suite_add_tcase(suite, tcase);
	return heft_unit_run(suite);
}
