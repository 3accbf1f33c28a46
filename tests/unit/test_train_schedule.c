/* SPDX-License-Identifier: Apache-2.0 */
/* test_train_schedule.c - tests of lib/train/schedule*.c beside PyTorch's schedulers. */
#include <math.h>
#include <string.h>

#include "train/schedule.h"
#include "unit.h"

#define MOST 12

/* What torch.optim.lr_scheduler has, lr 0.1: a step an epoch where it goes by epochs. */
static const struct row {
	const char *recipe;
	uint64_t n_steps;
	uint32_t n;
	double rates[MOST];
} rows[] = {
	{ "{\"lr\":0.1}", 3, 3, { 0.1, 0.1, 0.1 } },
	/* StepLR(3, 0.1) */
	{ "{\"lr\":0.1,\"schedule\":\"step\",\"step_size\":3}",
	  10,
	  10,
	  { 0.10000000000000001, 0.10000000000000001, 0.10000000000000001, 0.010000000000000002,
	    0.010000000000000002, 0.010000000000000002, 0.0010000000000000002,
	    0.0010000000000000002, 0.0010000000000000002, 0.00010000000000000003 } },
	/* ExponentialLR(0.9) */
	{ "{\"lr\":0.1,\"schedule\":\"exponential\",\"gamma\":0.9}",
	  8,
	  8,
	  { 0.10000000000000001, 0.090000000000000011, 0.081000000000000016, 0.07290000000000002,
	    0.065610000000000016, 0.059049000000000018, 0.05314410000000002,
	    0.047829690000000022 } },
	/* CosineAnnealingLR(10, eta_min=0.001) */
	{ "{\"lr\":0.1,\"schedule\":\"cosine\",\"min_lr\":0.001}",
	  10,
	  10,
	  { 0.10000000000000001, 0.097577297556610113, 0.090546341221559898, 0.079595369988477424,
	    0.065796341221559904, 0.050500000000000003, 0.03520365877844011, 0.021404630011522589,
	    0.010453658778440109, 0.0034227024433899004 } },
	/* LinearLR(1, 0.1, total_iters=10) */
	{ "{\"lr\":0.1,\"schedule\":\"linear\",\"min_lr\":0.01}",
	  10,
	  11,
	  { 0.10000000000000001, 0.091000000000000011, 0.082000000000000017, 0.073000000000000023,
	    0.064000000000000015, 0.055000000000000014, 0.046000000000000013, 0.037000000000000012,
	    0.028000000000000011, 0.01900000000000001, 0.010000000000000007 } },
	/* LinearLR(0.2, 1, total_iters=4) */
	{ "{\"lr\":0.1,\"warmup\":5}",
	  6,
	  6,
	  { 0.020000000000000004, 0.040000000000000008, 0.060000000000000012, 0.080000000000000016,
	    0.10000000000000002, 0.10000000000000002 } },
	/* the same, and CosineAnnealingLR(4) behind it */
	{ "{\"lr\":0.1,\"warmup\":2,\"schedule\":\"cosine\"}",
	  6,
	  7,
	  { 0.05, 0.1, 0.1, 0.085355339059327379, 0.05, 0.014644660940672627, 0 } },
	{ "{\"lr\":0.1,\"warmup\":9,\"schedule\":\"linear\"}",
	  3,
	  3,
	  { 0.1 / 9, 0.2 / 9, 0.3 / 9 } },
};
#define N_ROWS (int)(sizeof rows / sizeof *rows)

static struct heft_recipe *recipe_of(const char *json)
{
	struct heft_recipe *r;
	struct heft_error err = { 0 };

	ck_assert_int_eq(heft_recipe_new(&r, NULL), HEFT_OK);
	ck_assert_msg(heft_recipe_parse(r, json, strlen(json), &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_recipe_resolve(r, &err) == HEFT_OK, "%s", err.msg);
	return r;
}

/* F7-50, F7-51, F7-52, F7-53. */
START_TEST(rates_are_those_of_pytorch)
{
	const struct row *row = &rows[_i];
	struct heft_recipe *r = recipe_of(row->recipe);

	for (uint32_t i = 0; i < row->n; i++) {
		const struct heft_schedule_place at = { .step = i,
			                                .n_steps = row->n_steps,
			                                .epoch = i };
		const double rate = heft_schedule_rate(r, r->lr, &at);

		ck_assert_msg(fabs(rate - row->rates[i]) <= 1e-15, "%s: step %u: %.17g, not %.17g",
		              row->recipe, i, rate, row->rates[i]);
	}
	heft_recipe_free(r);
}
END_TEST

START_TEST(a_group_has_a_rate_of_its_own)
{
	struct heft_recipe *r = recipe_of("{\"lr\":0.1,\"schedule\":\"linear\",\"warmup\":1}");
	const struct heft_schedule_place at = { .step = 3, .n_steps = 5, .epoch = 0 };

	ck_assert(heft_schedule_rate(r, 0.25, &at) == 0.25 - 0.25 * 0.5);
	heft_recipe_free(r);
}
END_TEST

/* F7-51: bit for bit where products are exact. */
START_TEST(whole_powers_are_made_by_squares)
{
	const double x = 0.9;
	const double x2 = x * x;
	const double x4 = x2 * x2;
	const double x5 = x * x4;

	ck_assert(heft_whole_power(2, 40) == 0x1p40);
	ck_assert(heft_whole_power(0.5, 1000) == 0x1p-1000);
	ck_assert(heft_whole_power(3, 0) == 1);
	ck_assert(heft_whole_power(x, 5) == x5);
	ck_assert(heft_whole_power(0.1, UINT64_MAX) == 0);
}
END_TEST

START_TEST(every_schedule_is_found_by_its_name)
{
	const struct heft_schedule *s;
	uint32_t i;

	for (i = 0; (s = heft_schedule_at(i)) != NULL; i++)
		ck_assert_ptr_eq(heft_schedule_find(s->name), s);
	ck_assert_uint_eq(i, 5);
	ck_assert_ptr_null(heft_schedule_find("sawtooth"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("train_schedule");
	TCase *tc = tcase_create("all");

	tcase_add_loop_test(tc, rates_are_those_of_pytorch, 0, N_ROWS);
	tcase_add_test(tc, a_group_has_a_rate_of_its_own);
	tcase_add_test(tc, whole_powers_are_made_by_squares);
	tcase_add_test(tc, every_schedule_is_found_by_its_name);
	suite_add_tcase(s, tc);
	return heft_unit_run(s);
}
