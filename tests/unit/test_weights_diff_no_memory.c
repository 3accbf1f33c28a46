/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_diff_no_memory.c - heft_diff when each allocation in turn fails. */
#include "alloc_fail.h"
#include "heft/diff.h"
#include "made.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static void make_shared(const char *path, const char *other)
{
	struct made m;

	made_init(&m);
	made_add(&m, "a", HEFT_DTYPE_F32, 1, 100, 0);
	made_add(&m, other, HEFT_DTYPE_F32, 1, 100, 0);
	made_add(&m, "c", HEFT_DTYPE_F32, 1, 100, 0);
	heft_listing_row_mut(m.tensors, 2)->share = 0;
	made_write(&m, "heft", path);
	made_done(&m);
}

/* The status must not be asserted while allocations fail: Check allocates. */
START_TEST(each_allocation_may_fail)
{
	static const char *const second[] = { "packed", "plain", "shared2", "packed" };
	const struct heft_write_options packed = { .compress = HEFT_COMPRESS_FAST };
	const struct heft_diff_options options = { .by_content = true,
		                                   .trust_stated = _i == 3,
		                                   .run = { .n_threads = 1 + (_i == 1) } };
	const char *path_a = scratch_path(&s, _i == 2 ? "shared" : "tied");
	const char *path_b = scratch_path(&s, second[_i]);
	struct heft_file *a;
	struct heft_file *b;
	bool has_failed = true;
	size_t n;

	model_write(scratch_path(&s, "tied"), "heft", NULL, true, NULL);
	model_write(scratch_path(&s, "packed"), "heft", &packed, false, NULL);
	model_write(scratch_path(&s, "plain"), "safetensors", NULL, false, NULL);
	make_shared(scratch_path(&s, "shared"), "b");
	make_shared(scratch_path(&s, "shared2"), "b2");
	for (n = 1; has_failed; n++) {
		struct heft_diff_summary summary = { .failed_file = 9 };
		enum heft_status st;

		a = model_open(path_a);
		b = model_open(path_b);
		alloc_fail_at(n);
		st = heft_diff(a, b, &options, NULL, NULL, &summary, &err);
		has_failed = alloc_fail_done();
		heft_close(a);
		heft_close(b);
		if (!has_failed || st != HEFT_OK)
			ck_assert_msg(st == (has_failed ? HEFT_E_NOMEM : HEFT_OK),
			              "allocation %zu: %d, %s", n, (int)st, err.msg);
		if (st != HEFT_OK)
			ck_assert_uint_le(summary.failed_file, 2);
		if (st == HEFT_OK && _i != 2)
			ck_assert_uint_eq(summary.n_equal, MODEL_N);
		if (st == HEFT_OK && _i == 2)
			ck_assert_uint_eq(summary.n_renamed, 1);
	}
	ck_assert_uint_gt(n, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights diff no memory");
	TCase *tc = tcase_create("no memory");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, each_allocation_may_fail, 0, 4);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
