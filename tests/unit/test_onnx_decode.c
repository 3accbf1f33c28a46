/* SPDX-License-Identifier: Apache-2.0 */
/* test_onnx_decode.c - weights in typed fields: every part of one is what it is as a whole, however
 * the numbers lie (spec O3-3). */
#include <pthread.h>
#include <stdlib.h>

#include "alloc_fail.h"
#include "onnx/model.h"
#include "onnx_made.h"
#include "unit.h"

static struct heft_error err;
static const struct heft_limits usual = { .max_tensors = INT32_MAX,
	                                  .max_name_size = 4096,
	                                  .max_metadata_size = 1 << 20,
	                                  .max_logical_bytes = INT64_MAX };

/* A model of one weight, scanned, and the bytes that it must have. */
struct one {
	struct heft_buffer file;
	struct heft_buffer logical;
	struct heft_onnx_model model;
	struct heft_wire_input in;
};

static uint64_t noise(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

enum how {
	PACKED,
	SINGLE,
	MIXED,
	N_HOWS
};

/* How the numbers of a type lie, and what of each is in the weight. */
static const struct kind {
	unsigned data_type;
	unsigned bits;
	unsigned field;
	unsigned per_element; /* numbers, of complex ones */
} kinds[] = {
	{ 1, 32, 4, 1 },   { 2, 8, 5, 1 },    { 3, 8, 5, 1 },   { 5, 16, 5, 1 },
	{ 6, 32, 5, 1 },   { 7, 64, 7, 1 },   { 10, 16, 5, 1 }, { 11, 64, 10, 1 },
	{ 12, 32, 11, 1 }, { 13, 64, 11, 1 }, { 14, 32, 4, 2 }, { 15, 64, 10, 2 },
	{ 27, 6, 5, 1 },
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

static bool is_fixed(const struct kind *k)
{
	return k->field == 4 || k->field == 10;
}

static void add_number(struct heft_buffer *b, const struct kind *k, uint64_t v)
{
	if (!is_fixed(k))
		heft_wire_add_varint(b, v);
	else if (k->bits == 32)
		heft_buffer_add_le32(b, (uint32_t)v);
	else
		heft_buffer_add_le64(b, v);
}

static void add_single(struct heft_buffer *t, const struct kind *k, uint64_t v)
{
	heft_wire_add_tag(t, k->field,
	                  !is_fixed(k)    ? HEFT_WIRE_VARINT
	                  : k->bits == 32 ? HEFT_WIRE_FIXED32
	                                  : HEFT_WIRE_FIXED64);
	add_number(t, k, v);
}

/* Puts numbers into the tensor; mixed ones in runs of any length, between other fields. */
static void add_numbers(struct heft_buffer *t, const struct kind *k, enum how how,
                        const uint64_t *values, size_t n)
{
	uint64_t state = 5;

	for (size_t i = 0; i < n;) {
		size_t run = how == PACKED ? n : how == SINGLE ? 1 : noise(&state) % 3000;
		struct heft_buffer b = made_empty();

		run = run < n - i ? run : n - i;
		if (how == SINGLE || (how == MIXED && run % 7 == 1)) {
			add_single(t, k, values[i]);
			run = 1;
		} else {
			for (size_t j = 0; j < run; j++)
				add_number(&b, k, values[i + j]);
			made_bytes(t, k->field, b.bytes, b.size);
		}
		if (how == MIXED && run % 5 == 0)
			made_text(t, 12, "a note");
		heft_buffer_done(&b);
		i += run;
	}
}

static void add_logical(struct heft_buffer *b, const struct kind *k, const uint64_t *values,
                        size_t n)
{
	uint32_t held = 0; /* of 6-bit elements */
	unsigned n_held = 0;

	for (size_t i = 0; i < n; i++) {
		for (unsigned at = 0; k->bits != 6 && at < k->bits; at += 8)
			heft_buffer_add_u8(b, (uint8_t)(values[i] >> at));
		if (k->bits != 6)
			continue;
		held |= (uint32_t)(values[i] & 63) << n_held;
		for (n_held += 6; n_held >= 8; n_held -= 8, held >>= 8)
			heft_buffer_add_u8(b, (uint8_t)held);
	}
	if (n_held > 0)
		heft_buffer_add_u8(b, (uint8_t)held);
}

static void scan_one(struct one *o, struct heft_buffer *t)
{
	struct heft_buffer graph = made_empty();

	made_message(&graph, 5, t);
	o->file = made_model(&graph);
	heft_wire_input_memory(&o->in, o->file.bytes, o->file.size);
	ck_assert_msg(heft_onnx_scan(&o->in, &usual, false, &o->model, &err) == HEFT_OK, "%s",
	              err.msg);
}

/* n numbers, small and large, negative ones sign-extended as protobuf does. */
static void make(struct one *o, const struct kind *k, enum how how, size_t n)
{
	uint64_t *values = calloc(n, sizeof *values);
	struct heft_buffer t = made_tensor("w", k->data_type, n / k->per_element, 0);
	uint64_t state = 1;

	ck_assert_ptr_nonnull(values);
	for (size_t i = 0; i < n; i++) {
		const unsigned shift = (unsigned)(noise(&state) % 64);

		values[i] = (noise(&state) << 33 | noise(&state)) >> shift;
		if (noise(&state) % 8 == 0)
			values[i] = ~values[i];
		if (k->bits == 32 && is_fixed(k))
			values[i] &= UINT32_MAX;
	}
	add_numbers(&t, k, how, values, n);
	o->logical = made_empty();
	add_logical(&o->logical, k, values, n);
	scan_one(o, &t);
	free(values);
}

static void done(struct one *o)
{
	heft_onnx_model_done(&o->model);
	heft_wire_input_done(&o->in);
	heft_buffer_done(&o->file);
	heft_buffer_done(&o->logical);
}

static void check_part(struct one *o, uint64_t off, size_t n)
{
	uint8_t *got = malloc(n + 1);

	ck_assert_ptr_nonnull(got);
	got[n] = 0xa5;
	ck_assert_msg(heft_onnx_decode(&o->in, &o->model, 0, off, got, n, &err) == HEFT_OK, "%s",
	              err.msg);
	ck_assert_mem_eq(got, o->logical.bytes + off, n);
	ck_assert_uint_eq(got[n], 0xa5);
	free(got);
}

START_TEST(every_part_of_a_small_weight_is_that_of_the_whole)
{
	for (unsigned how = 0; how < N_HOWS; how++) {
		struct one o;

		make(&o, &kinds[_i], (enum how)how, 10);
		ck_assert_uint_eq(o.logical.size, heft_listing_row(o.model.tensors, 0)->n_bytes);
		for (size_t off = 0; off <= o.logical.size; off++)
			for (size_t n = 0; n <= o.logical.size - off; n++)
				check_part(&o, off, n);
		done(&o);
	}
}
END_TEST

START_TEST(any_part_of_a_large_weight_is_that_of_the_whole)
{
	for (unsigned how = 0; how < N_HOWS; how++) {
		uint64_t state = 3;
		struct one o;

		make(&o, &kinds[_i], (enum how)how, 30002);
		check_part(&o, 0, o.logical.size);
		for (unsigned i = 0; i < 300; i++) {
			const uint64_t off = noise(&state) % o.logical.size;
			const uint64_t left = o.logical.size - off;
			const uint64_t n = noise(&state) % (i % 2 ? 20 : 9000);

			check_part(&o, off, (size_t)(n < left ? n : left));
		}
		done(&o);
	}
}
END_TEST

/* 4-bit and 2-bit elements: two and four to a number, in its low byte. */
START_TEST(elements_within_a_byte_are_in_the_low_byte_of_a_number)
{
	struct heft_buffer t = made_tensor("w", 21, 5, 0);
	uint8_t got[3];
	struct one o;

	made_bytes(&t, 5, "\x21\xc3\x80\x80\x08\x05", 6); /* 0x21, 0x2000043, 5 */
	o.logical = made_empty();
	scan_one(&o, &t);
	ck_assert_int_eq(heft_onnx_decode(&o.in, &o.model, 0, 0, got, 3, &err), HEFT_OK);
	ck_assert_mem_eq(got, "\x21\x43\x05", 3);
	done(&o);
}
END_TEST

/* A packed field of as many bytes as would do, more than are looked at when a file is opened, of
 * another number of numbers: told when the last one is read. */
static void check_wrong(const char *packed, size_t size, size_t n_elements, const char *what)
{
	struct heft_buffer t = made_tensor("w", 6, n_elements, 0);
	uint8_t *got = malloc(4 * n_elements);
	struct one o;

	ck_assert_ptr_nonnull(got);
	made_bytes(&t, 5, packed, size);
	o.logical = made_empty();
	scan_one(&o, &t);
	ck_assert_int_eq(heft_onnx_decode(&o.in, &o.model, 0, 0, got, 4 * n_elements, &err),
	                 HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, what) != NULL, "%s", err.msg);
	free(got);
	done(&o);
}

START_TEST(a_wrong_number_of_packed_numbers_is_told_when_they_are_read)
{
	static char many[20000];

	memset(many, 1, sizeof many);
	many[4096] = many[17] = (char)0x81;
	check_wrong(many, 4099, 4096, "more elements");
	check_wrong(many, 4098, 4097, "fewer elements");
	check_wrong(many, 4097, 4096, "past the end");
	memset(many + 20, 0xff, 9);
	check_wrong(many, 4099, 4090, "fewer elements");
	many[29] = 2;
	check_wrong(many, 4099, 4088, "64 bits");
	memset(many, 1, sizeof many);
	check_wrong(many, sizeof many, sizeof many - 1, "more elements");
	many[5000] = (char)0x80;
	check_wrong(many, sizeof many, sizeof many, "fewer elements");
}
END_TEST

/* --- threads --- */

#define N_THREADS 4

static void *read_parts(void *arg)
{
	struct one *o = arg;
	struct one own = *o;
	uint64_t state = (uint64_t)(uintptr_t)&state;

	heft_wire_input_memory(&own.in, o->file.bytes, o->file.size);
	for (unsigned i = 0; i < 200; i++) {
		const uint64_t off = noise(&state) % o->logical.size;
		const uint64_t left = o->logical.size - off;

		check_part(&own, off, (size_t)(left < 500 ? left : 500));
	}
	return NULL;
}

START_TEST(many_threads_may_read_a_weight_for_the_first_time)
{
	pthread_t threads[N_THREADS];
	struct one o;

	make(&o, &kinds[6], MIXED, 50000);
	for (unsigned i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_parts, &o), 0);
	for (unsigned i = 0; i < N_THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	done(&o);
}
END_TEST

START_TEST(a_read_without_memory_says_so)
{
	uint8_t got[10];
	struct one o;

	make(&o, &kinds[6], PACKED, 20000);
	alloc_fail_at(1);
	ck_assert_int_eq(heft_onnx_decode(&o.in, &o.model, 0, 77, got, 10, &err), HEFT_E_NOMEM);
	ck_assert(alloc_fail_done());
	check_part(&o, 77, 10);
	done(&o);
}
END_TEST

static Suite *decode_suite(void)
{
	Suite *s = suite_create("onnx_decode");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_part_of_a_small_weight_is_that_of_the_whole, 0, N_KINDS);
	tcase_add_loop_test(t, any_part_of_a_large_weight_is_that_of_the_whole, 0, N_KINDS);
	tcase_add_test(t, elements_within_a_byte_are_in_the_low_byte_of_a_number);
	tcase_add_test(t, a_wrong_number_of_packed_numbers_is_told_when_they_are_read);
	tcase_add_test(t, many_threads_may_read_a_weight_for_the_first_time);
	tcase_add_test(t, a_read_without_memory_says_so);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(decode_suite());
}
