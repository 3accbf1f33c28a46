/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_json_keys.c - tests of lib/base/json_keys.c below the JSON reader. */
#include "base/json_keys.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

#define N_KEYS 5000

static char text[N_KEYS * 8];

static bool add(struct heft_json_keys *keys, const struct heft_json_object *o, size_t i)
{
	bool is_new;
	struct heft_error err;

	ck_assert_int_eq(heft_json_keys_add(keys, o, i * 8, false, text + i * 8, 7, &is_new, &err),
	                 HEFT_OK);
	return is_new;
}

static void init(struct heft_json_keys *keys)
{
	for (size_t i = 0; i < N_KEYS; i++)
		snprintf(text + i * 8, 8, "k%06u", (unsigned)i);
	heft_json_keys_init(keys, text, sizeof text);
}

START_TEST(an_object_that_closes_gives_its_keys_free_and_no_others)
{
	struct heft_json_keys keys;
	struct heft_json_object outer;
	struct heft_json_object inner;

	init(&keys);
	heft_json_object_init(&outer, &keys, 1);
	for (size_t i = 0; i < 1000; i++)
		ck_assert(add(&keys, &outer, i));
	for (unsigned round = 0; round < 5; round++) {
		heft_json_object_init(&inner, &keys, 2);
		for (size_t i = 0; i < N_KEYS; i++) /* grows the table on the way */
			ck_assert(add(&keys, &inner, i));
		for (size_t i = 0; i < N_KEYS; i++)
			ck_assert(!add(&keys, &inner, i));
		heft_json_keys_drop(&keys, &inner);
		ck_assert_uint_eq(keys.n_keys, 1000);
		for (size_t i = 0; i < 1000; i++)
			ck_assert(!add(&keys, &outer, i));
	}
	for (size_t i = 1000; i < N_KEYS; i++)
		ck_assert(add(&keys, &outer, i));
	heft_json_keys_drop(&keys, &outer);
	ck_assert_uint_eq(keys.n_keys, 0);
	ck_assert_uint_eq(keys.n_used, 0);
	for (size_t i = 0; i < keys.n_slots; i++)
		ck_assert_uint_eq(keys.slots[i], 0);
	heft_json_keys_done(&keys);
}
END_TEST

START_TEST(memory_is_a_small_multiple_of_the_keys)
{
	struct heft_json_keys keys;
	struct heft_json_object o;

	init(&keys);
	heft_json_object_init(&o, &keys, 1);
	for (size_t i = 0; i < N_KEYS; i++)
		add(&keys, &o, i);
	ck_assert_uint_le(keys.capacity * sizeof keys.keys[0] + keys.n_slots * sizeof keys.slots[0],
	                  (size_t)N_KEYS * 48);
	heft_json_keys_done(&keys);
	heft_json_keys_done(&keys);
}
END_TEST

START_TEST(two_readers_put_the_same_keys_in_other_slots)
{
	struct heft_json_keys a;
	struct heft_json_keys b;
	struct heft_json_object o;

	init(&a);
	init(&b);
	heft_json_object_init(&o, &a, 1);
	for (size_t i = 0; i < 200; i++) {
		add(&a, &o, i);
		add(&b, &o, i);
	}
	ck_assert_uint_eq(a.n_slots, b.n_slots);
	ck_assert_int_ne(memcmp(a.slots, b.slots, a.n_slots * sizeof a.slots[0]), 0);
	heft_json_keys_done(&a);
	heft_json_keys_done(&b);
}
END_TEST

static Suite *json_keys_suite(void)
{
	Suite *s = suite_create("base_json_keys");
	TCase *t = tcase_create("all");

	tcase_add_test(t, an_object_that_closes_gives_its_keys_free_and_no_others);
	tcase_add_test(t, memory_is_a_small_multiple_of_the_keys);
	tcase_add_test(t, two_readers_put_the_same_keys_in_other_slots);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(json_keys_suite());
}
