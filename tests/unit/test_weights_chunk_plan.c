/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_chunk_plan.c - the cutting of tensors into groups of chunks. */
#include "weights/chunk_plan.h"

#include "tensor/dtype.h"
#include "unit.h"

static struct heft_chunk_plan p;
static bool has_pairs; /* of the next plan */

static void plan(const struct heft_plan_tensor *tensors, uint32_t n)
{
	ck_assert_int_eq(heft_chunk_plan_init(&p, n, NULL), HEFT_OK);
	for (uint32_t i = 0; i < n; i++)
		p.tensors[i] = tensors[i];
	p.has_pairs = has_pairs;
	ck_assert_int_eq(heft_chunk_plan_cut(&p, NULL), HEFT_OK);
}

/* Walks through all groups and checks that every byte of every tensor comes once and in order. */
static void check_walk(void)
{
	uint64_t n_chunks = 0;
	uint64_t n_bytes = 0;
	uint32_t tensor = 0;
	uint64_t at = 0;

	for (uint64_t g = 0; g < p.n_groups; g++) {
		struct heft_group_walk walk;
		struct heft_plan_chunk c;
		uint64_t group_bytes = 0;
		uint32_t group_chunks = 0;

		heft_group_begin(&walk, &p, g);
		while (heft_group_next(&walk, &c)) {
			while (at == p.tensors[tensor].n_bytes) {
				tensor++;
				at = 0;
			}
			ck_assert_uint_eq(c.tensor, tensor);
			ck_assert_uint_eq(c.off, at);
			ck_assert_uint_eq(c.off,
			                  c.chunk_i * heft_chunk_size(p.tensors[tensor].unit));
			at += c.n;
			group_bytes += c.n;
			group_chunks++;
		}
		ck_assert_uint_le(group_bytes, has_pairs ? HEFT_PAIR_BYTES : HEFT_GROUP_BYTES);
		ck_assert_uint_le(group_chunks, HEFT_GROUP_CHUNKS);
		ck_assert_uint_gt(group_chunks, 0);
		n_chunks += group_chunks;
		n_bytes += group_bytes;
	}
	ck_assert_uint_eq(n_chunks, p.n_chunks);
	ck_assert_uint_eq(n_bytes, p.n_bytes);
	heft_chunk_plan_done(&p);
}

START_TEST(nothing_makes_no_groups)
{
	const struct heft_plan_tensor empty[] = { { .unit = 4 }, { .unit = 1 } };

	has_pairs = false;
	plan(NULL, 0);
	ck_assert_uint_eq(p.n_groups, 0);
	heft_chunk_plan_done(&p);
	plan(empty, 2);
	ck_assert_uint_eq(p.n_groups, 0);
	ck_assert_uint_eq(p.n_chunks, 0);
	heft_chunk_plan_done(&p);
}
END_TEST

START_TEST(full_chunks_stand_alone)
{
	const struct heft_plan_tensor t[] = { { .unit = 4, .n_bytes = UINT64_C(3) << 20 } };

	has_pairs = false;
	plan(t, 1);
	ck_assert_uint_eq(p.n_groups, 3);
	check_walk();
}
END_TEST

START_TEST(full_chunks_come_in_twos)
{
	const struct heft_plan_tensor five[] = { { .unit = 4, .n_bytes = (UINT64_C(5) << 20) + 4 },
		                                 { .unit = 4, .n_bytes = 1000 } };
	const struct heft_plan_tensor ones[] = { { .unit = 4, .n_bytes = 1 << 20 },
		                                 { .unit = 4, .n_bytes = 1 << 20 },
		                                 { .unit = 4 },
		                                 { .unit = 4, .n_bytes = 1 << 20 },
		                                 { .unit = 4, .n_bytes = 1000 } };
	struct heft_group_walk walk;
	struct heft_plan_chunk c;

	has_pairs = true;
	plan(five, 2);
	ck_assert_uint_eq(p.n_groups, 3); /* the last has one full chunk, and both small ones */
	heft_group_begin(&walk, &p, 1);
	ck_assert(heft_group_next(&walk, &c));
	ck_assert_uint_eq(c.chunk_i, 2);
	ck_assert(heft_group_next(&walk, &c));
	ck_assert_uint_eq(c.chunk_i, 3);
	ck_assert(!heft_group_next(&walk, &c));
	check_walk();
	plan(ones, 5);
	ck_assert_uint_eq(p.n_groups, 2); /* those of two tensors make one too */
	check_walk();
}
END_TEST

START_TEST(small_tensors_are_grouped)
{
	struct heft_plan_tensor t[1000];

	for (uint32_t i = 0; i < 1000; i++)
		t[i] = (struct heft_plan_tensor){ .id = i, .unit = 4, .n_bytes = 10240 };
	has_pairs = _i == 1;
	plan(t, 1000);
	ck_assert_uint_eq(p.n_groups, 10); /* 102 fit */
	check_walk();
}
END_TEST

START_TEST(tiny_tensors_are_grouped_by_count)
{
	struct heft_plan_tensor t[1000];

	for (uint32_t i = 0; i < 1000; i++)
		t[i] = (struct heft_plan_tensor){ .id = i, .unit = 4, .n_bytes = 4 };
	has_pairs = false;
	plan(t, 1000);
	ck_assert_uint_eq(p.n_groups, 4);
	check_walk();
}
END_TEST

START_TEST(chunks_of_odd_units_and_empty_tensors_mix)
{
	const struct heft_plan_tensor t[] = {
		{ .unit = 3, .n_bytes = 3 * 700000 },
		{ .unit = 4 },
		{ .unit = 210, .n_bytes = 210 * 15000 },
		{ .unit = 1, .n_bytes = 1 },
		{ .unit = 1 },
		{ .unit = 16, .n_bytes = 1 << 20 },
		{ .unit = 1 << 20, .n_bytes = 5 << 20 },
		{ .unit = 2 },
	};

	has_pairs = _i == 1;
	plan(t, 8);
	check_walk();
}
END_TEST

/* What a small file may state, whatever its bytes: a plan's memory goes by the tensors. */
START_TEST(huge_tensors_take_no_memory)
{
	const struct heft_plan_tensor t[] = {
		{ .unit = 3, .n_bytes = UINT64_C(3) << 60 },
		{ .unit = 1, .n_bytes = 7 },
		{ .unit = 1, .n_bytes = UINT64_C(1) << 62 },
	};
	struct heft_group_walk walk;
	struct heft_plan_chunk c;

	has_pairs = _i == 1;
	plan(t, 3);
	ck_assert_uint_le(p.n_stretches, 6);
	heft_group_begin(&walk, &p, p.n_groups - 1);
	for (int i = 0; i < 1 + _i; i++)
		ck_assert(heft_group_next(&walk, &c));
	ck_assert_uint_eq(c.tensor, 2);
	ck_assert_uint_eq(c.off + c.n, UINT64_C(1) << 62);
	ck_assert(!heft_group_next(&walk, &c));
	heft_chunk_plan_done(&p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights chunk plan");
	TCase *tc = tcase_create("chunk plan");

	tcase_add_test(tc, nothing_makes_no_groups);
	tcase_add_test(tc, full_chunks_stand_alone);
	tcase_add_test(tc, full_chunks_come_in_twos);
	tcase_add_loop_test(tc, small_tensors_are_grouped, 0, 2);
	tcase_add_test(tc, tiny_tensors_are_grouped_by_count);
	tcase_add_loop_test(tc, chunks_of_odd_units_and_empty_tensors_mix, 0, 2);
	tcase_add_loop_test(tc, huge_tensors_take_no_memory, 0, 2);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
