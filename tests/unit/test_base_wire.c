/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_wire.c - protobuf's wire format: fields in memory and through a window, malformed ones,
 * and what is written. */
#include "base/wire.h"

#include "scratch.h"
#include "unit.h"

static struct heft_error err;

/* Reads the only message there is up to its n-th field, from 1; gives the status of the last. */
static enum heft_status nth(const void *bytes, size_t size, unsigned n, struct heft_wire_field *f)
{
	struct heft_wire_message message = { 0, size };
	struct heft_wire_input in;
	enum heft_status st = HEFT_OK;
	bool has = true;

	heft_wire_input_memory(&in, bytes, size);
	while (st == HEFT_OK && has && n-- > 0)
		st = heft_wire_next(&in, &message, f, &has, &err);
	ck_assert(st != HEFT_OK || has);
	heft_wire_input_done(&in);
	return st;
}

START_TEST(every_kind_of_field_says_where_it_is_and_what_is_in_it)
{
	static const uint8_t bytes[] = "\x08\x96\x01" /* 1: 150 */
				       "\x12\x03"
				       "abc"                                  /* 2: bytes */
				       "\x1d\x01\x02\x03\x04"                 /* 3: fixed32 */
				       "\x21\x01\x02\x03\x04\x05\x06\x07\x08" /* 4: fixed64 */
				       "\xf8\xff\xff\xff\x0f\x00"; /* the largest number */
	struct heft_wire_field f;

	ck_assert_int_eq(nth(bytes, sizeof bytes - 1, 1, &f), HEFT_OK);
	ck_assert_uint_eq(f.number, 1);
	ck_assert_uint_eq(f.type, HEFT_WIRE_VARINT);
	ck_assert_uint_eq(f.value, 150);
	ck_assert_uint_eq(f.at, 0);
	ck_assert_uint_eq(f.off + f.size, 3);
	ck_assert_int_eq(nth(bytes, sizeof bytes - 1, 2, &f), HEFT_OK);
	ck_assert_uint_eq(f.number, 2);
	ck_assert_uint_eq(f.type, HEFT_WIRE_BYTES);
	ck_assert_uint_eq(f.at, 3);
	ck_assert_uint_eq(f.len_off, 4);
	ck_assert_uint_eq(f.off, 5);
	ck_assert_uint_eq(f.size, 3);
	ck_assert_uint_eq(heft_wire_inner(&f).end, 8);
	ck_assert_int_eq(nth(bytes, sizeof bytes - 1, 3, &f), HEFT_OK);
	ck_assert_uint_eq(f.value, 0x04030201);
	ck_assert_uint_eq(f.size, 4);
	ck_assert_int_eq(nth(bytes, sizeof bytes - 1, 4, &f), HEFT_OK);
	ck_assert_uint_eq(f.value, UINT64_C(0x0807060504030201));
	ck_assert_int_eq(nth(bytes, sizeof bytes - 1, 5, &f), HEFT_OK);
	ck_assert_uint_eq(f.number, (UINT32_C(1) << 29) - 1);
}
END_TEST

START_TEST(a_message_ends_where_it_ends)
{
	struct heft_wire_message message = { 0, 0 };
	struct heft_wire_input in;
	struct heft_wire_field f;
	bool has = true;

	heft_wire_input_memory(&in, NULL, 0);
	ck_assert_int_eq(heft_wire_next(&in, &message, &f, &has, &err), HEFT_OK);
	ck_assert(!has);
	heft_wire_input_done(&in);
}
END_TEST

/* spec O1-2 */
static const struct {
	const char *bytes;
	size_t size;
	uint64_t off;
} faults[] = {
#define FAULT(bytes, off)                         \
	{                                         \
		(bytes), sizeof(bytes) - 1, (off) \
	}
	FAULT("\x0a\x05"
	      "abcd",
	      0),                                                         /* past the end */
	FAULT("\x08\x01\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 2), /* 2^64 - 1 bytes */
	FAULT("\x00\x01", 0),                                             /* number 0 */
	FAULT("\x80\x80\x80\x80\x10\x01", 0),                             /* number 2^29 */
	FAULT("\x0b\x0c", 0),                                             /* a group */
	FAULT("\x0c", 0),                                                 /* its end */
	FAULT("\x0e\x01", 0),                                             /* wire type 6 */
	FAULT("\x0f\x01", 0),                                             /* 7 */
	FAULT("\x08", 1),                                                 /* no value */
	FAULT("\x08\x80", 1),                                             /* half of one */
	FAULT("\x80", 0),                                                 /* half a tag */
	FAULT("\x0d\x01\x02\x03", 0),                                     /* 3 of 4 bytes */
	FAULT("\x09\x01\x02\x03\x04\x05\x06\x07", 0),                     /* 7 of 8 */
	FAULT("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 1),         /* 65 bits */
	FAULT("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 1),     /* 11 bytes */
};

START_TEST(a_malformed_field_is_corrupt_at_its_place)
{
	struct heft_wire_field f = { .number = 77 };
	const unsigned n = faults[_i].off == 2 ? 2 : 1;

	ck_assert_int_eq(nth(faults[_i].bytes, faults[_i].size, n, &f), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, faults[_i].off);
	ck_assert_uint_eq(f.number, n == 1 ? 77 : 1);
}
END_TEST

START_TEST(a_field_may_not_leave_the_message_even_if_the_file_goes_on)
{
	static const uint8_t bytes[] = "\x0a\x03"
				       "abcdef";
	struct heft_wire_message message = { 0, 4 };
	struct heft_wire_input in;
	struct heft_wire_field f;
	bool has;

	heft_wire_input_memory(&in, bytes, sizeof bytes - 1);
	ck_assert_int_eq(heft_wire_next(&in, &message, &f, &has, &err), HEFT_E_CORRUPT);
	message = (struct heft_wire_message){ 0, 5 };
	ck_assert_int_eq(heft_wire_next(&in, &message, &f, &has, &err), HEFT_OK);
	ck_assert_uint_eq(message.at, 5);
	/* and a message may not leave the file */
	message = (struct heft_wire_message){ 0, 100 };
	ck_assert_int_eq(heft_wire_next(&in, &message, &f, &has, &err), HEFT_E_CORRUPT);
	heft_wire_input_done(&in);
}
END_TEST

static const uint64_t numbers[] = {
	0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX
};

START_TEST(a_number_is_read_as_it_was_written)
{
	const uint64_t v = numbers[_i];
	uint8_t bytes[HEFT_WIRE_VARINT_MAX];
	const unsigned n = heft_wire_put_varint(bytes, v);
	struct heft_wire_message message = { 0, n };
	struct heft_wire_input in;
	uint64_t back = 77;

	ck_assert_uint_eq(n, heft_wire_varint_size(v));
	heft_wire_input_memory(&in, bytes, n);
	ck_assert_int_eq(heft_wire_varint(&in, &message, &back, &err), HEFT_OK);
	ck_assert_uint_eq(back, v);
	ck_assert_uint_eq(message.at, n);
	ck_assert_int_eq(heft_wire_varint(&in, &message, &back, &err), HEFT_E_CORRUPT);
	back = 77;
	ck_assert_uint_eq(heft_wire_get_varint(bytes, n, &back), n);
	ck_assert_uint_eq(back, v);
	ck_assert_uint_eq(heft_wire_get_varint(bytes, n - 1, &back), 0);
	heft_wire_input_done(&in);
}
END_TEST

START_TEST(a_number_may_be_longer_than_it_need_be)
{
	uint64_t v;

	ck_assert_uint_eq(heft_wire_get_varint((const uint8_t *)"\x81\x80\x00", 3, &v), 3);
	ck_assert_uint_eq(v, 1);
}
END_TEST

START_TEST(what_is_written_is_what_is_read)
{
	struct heft_wire_field f;
	struct heft_buffer b;

	heft_buffer_init(&b);
	heft_wire_add_uint(&b, 3, 300);
	heft_wire_add_bytes(&b, 16, "ab", 2);
	heft_wire_add_tag(&b, 2, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&b, 0);
	ck_assert(b.ok);
	ck_assert_uint_eq(b.size, 3 + 5 + 2);
	ck_assert_mem_eq(b.bytes,
	                 "\x18\xac\x02\x82\x01\x02"
	                 "ab\x12\x00",
	                 10);
	ck_assert_int_eq(nth(b.bytes, b.size, 3, &f), HEFT_OK);
	ck_assert_uint_eq(f.number, 2);
	ck_assert_uint_eq(f.size, 0);
	heft_buffer_done(&b);
}
END_TEST

/* --- through a window --- */

#define N_FIELDS 3000u
#define GAP 200000u

/* Many small fields, a large one of bytes k % 251, and small ones again. */
static void make_file(struct scratch *s)
{
	struct heft_buffer b;

	heft_buffer_init(&b);
	for (unsigned part = 0; part < 2; part++) {
		for (unsigned i = 0; i < N_FIELDS; i++) {
			heft_wire_add_uint(&b, 1, i);
			heft_wire_add_bytes(&b, 2, "some bytes that fill the window", 31);
		}
		if (part == 0) {
			heft_wire_add_tag(&b, 3, HEFT_WIRE_BYTES);
			heft_wire_add_varint(&b, GAP);
			for (unsigned k = 0; k < GAP; k++)
				heft_buffer_add_u8(&b, (uint8_t)(k % 251));
		}
	}
	ck_assert(b.ok);
	scratch_write(scratch_path(s, "file"), b.bytes, b.size);
	heft_buffer_done(&b);
}

static void check_field(struct heft_wire_input *in, const struct heft_wire_field *f, unsigned i)
{
	const uint8_t *bytes;
	uint8_t copy[1000];

	if (f->number == 1) {
		ck_assert_uint_eq(f->value, i / 2 % N_FIELDS);
	} else if (f->number == 2) {
		ck_assert_int_eq(heft_wire_peek(in, f->off, 31, &bytes, &err), HEFT_OK);
		ck_assert_mem_eq(bytes, "some bytes that fill the window", 31);
	} else {
		ck_assert_uint_eq(f->size, GAP);
		ck_assert_int_eq(heft_wire_peek(in, f->off + 7, HEFT_WIRE_PEEK, &bytes, &err),
		                 HEFT_OK);
		ck_assert_uint_eq(bytes[4095], (7 + 4095) % 251);
		ck_assert_int_eq(heft_wire_copy(in, f->off + GAP - 1000, copy, 1000, &err),
		                 HEFT_OK);
		ck_assert_uint_eq(copy[999], (GAP - 1) % 251);
	}
}

START_TEST(a_file_is_read_through_a_window)
{
	struct heft_wire_message message;
	struct heft_wire_input in;
	struct heft_wire_field f;
	struct heft_source *src;
	struct scratch s;
	unsigned i = 0;
	bool has = true;

	scratch_init(&s);
	make_file(&s);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_input_source(&in, src, &err), HEFT_OK);
	ck_assert_ptr_null(in.bytes); /* no map: a file that is cut short must be no signal */
	message = (struct heft_wire_message){ 0, in.size };
	for (;;) {
		ck_assert_int_eq(heft_wire_next(&in, &message, &f, &has, &err), HEFT_OK);
		if (!has)
			break;
		check_field(&in, &f, i);
		i += f.number != 3;
	}
	ck_assert_uint_eq(i, 4 * N_FIELDS);
	heft_wire_input_done(&in);
	heft_source_close(src);
	scratch_done(&s);
}
END_TEST

START_TEST(a_file_that_was_cut_short_is_corrupt)
{
	struct heft_wire_message message;
	struct heft_wire_input in;
	struct heft_wire_field f;
	struct heft_source *src;
	struct scratch s;
	enum heft_status st = HEFT_OK;
	bool has = true;

	scratch_init(&s);
	make_file(&s);
	ck_assert_int_eq(heft_source_open(s.paths[0], true, &src, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_input_source(&in, src, &err), HEFT_OK);
	ck_assert_int_eq(truncate(s.paths[0], 70000), 0);
	message = (struct heft_wire_message){ 0, in.size };
	while (st == HEFT_OK && has)
		st = heft_wire_next(&in, &message, &f, &has, &err);
	ck_assert_int_eq(st, HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, 70000);
	heft_wire_input_done(&in);
	heft_source_close(src);
	scratch_done(&s);
}
END_TEST

START_TEST(nothing_is_read_past_the_end)
{
	struct heft_wire_input in;
	const uint8_t *bytes;
	uint8_t room[4];

	heft_wire_input_memory(&in, "abc", 3);
	ck_assert_int_eq(heft_wire_peek(&in, 1, 2, &bytes, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_peek(&in, 3, 0, &bytes, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_peek(&in, 2, 2, &bytes, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(heft_wire_copy(&in, UINT64_MAX, room, 2, &err), HEFT_E_CORRUPT);
	ck_assert_int_eq(heft_wire_copy(&in, 3, room, 0, &err), HEFT_OK);
	ck_assert_int_eq(heft_wire_peek(&in, 0, HEFT_WIRE_PEEK + 1, &bytes, &err), HEFT_E_LIMIT);
	heft_wire_input_done(&in);
}
END_TEST

static Suite *wire_suite(void)
{
	Suite *s = suite_create("base_wire");
	TCase *t = tcase_create("all");

	tcase_add_test(t, every_kind_of_field_says_where_it_is_and_what_is_in_it);
	tcase_add_test(t, a_message_ends_where_it_ends);
	tcase_add_loop_test(t, a_malformed_field_is_corrupt_at_its_place, 0,
	                    sizeof faults / sizeof *faults);
	tcase_add_test(t, a_field_may_not_leave_the_message_even_if_the_file_goes_on);
	tcase_add_loop_test(t, a_number_is_read_as_it_was_written, 0,
	                    sizeof numbers / sizeof *numbers);
	tcase_add_test(t, a_number_may_be_longer_than_it_need_be);
	tcase_add_test(t, what_is_written_is_what_is_read);
	tcase_add_test(t, a_file_is_read_through_a_window);
	tcase_add_test(t, a_file_that_was_cut_short_is_corrupt);
	tcase_add_test(t, nothing_is_read_past_the_end);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(wire_suite());
}
