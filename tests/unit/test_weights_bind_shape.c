/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_bind_shape.c - conversions into a model whose tensors have other names: what is
 * found by its shape, transposed, and what is not. */
#include "alloc_fail.h"
#include "bind_files.h"

START_TEST(the_only_one_of_a_shape_is_found)
{
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, VECTOR("p", 2, 10), MATRIX("q", 2, 2, 20),
	     VECTOR("same", 2, 30));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1), MATRIX("b", 2, 2, 2),
	     VECTOR("same", 2, 3));
	out = bind(NULL);
	check(out, "a", 10);
	check(out, "b", 20);
	check(out, "same", 30);
	ck_assert_str_eq(report.note, "2 found by shape alone");
}
END_TEST

static unsigned n_told;
static char told[200];

static void tell(void *user, const struct heft_unbound *u)
{
	ck_assert_ptr_eq(user, &n_told);
	n_told++;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%s:", u->tensor.name);
	for (uint32_t i = 0; i < u->n_candidates; i++)
		snprintf(told + strlen(told), sizeof told - strlen(told), "%s,",
		         u->candidates[i].name);
}

START_TEST(several_of_a_shape_are_listed_and_not_guessed)
{
	const struct heft_convert_plan plan = { .unbound = tell, .unbound_user = &n_told };

	n_told = 0;
	told[0] = '\0';
	MAKE(scratch_path(&s, "w"), NULL, VECTOR_OF("h", 2, 0, HEFT_DTYPE_F16), VECTOR("p", 2, 10),
	     VECTOR("q", 2, 20));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1), VECTOR("b", 5, 1));
	refuse(&plan, "2 tensors of the model find none here, 'a' F32 [2]: --rename one of 'p', "
	              "'q', 'h'");
	ck_assert_uint_eq(n_told, 2);
	ck_assert_str_eq(told, "a:p,q,h,b:");
}
END_TEST

/* One source for two tensors is as little a pair as two sources for one. */
START_TEST(a_counterpart_must_be_the_only_one_both_ways)
{
	MAKE(scratch_path(&s, "w"), NULL, VECTOR("p", 2, 10));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1), VECTOR("b", 2, 1));
	refuse(NULL, "'p' has its shape");
}
END_TEST

START_TEST(another_dtype_is_no_counterpart)
{
	MAKE(scratch_path(&s, "w"), NULL, VECTOR_OF("p", 2, 10, HEFT_DTYPE_F16));
	MAKE(scratch_path(&s, "model"), NULL, VECTOR("a", 2, 1));
	refuse(NULL, "1 tensor of the model finds none here, 'a' F32 [2]: 'p' has its shape: "
	             "--dtype F32");
}
END_TEST

/* --- transposed --- */

START_TEST(a_matrix_is_taken_transposed_where_that_is_allowed)
{
	const struct maker makers[] = {
		{ .format = "heft" },
		{ .format = "heft", .options = { .compress = HEFT_COMPRESS_FAST } },
		{ .format = "safetensors" },
	};
	const struct heft_convert_plan plan = { .allow_transpose = true };
	char *out;

	MAKE(scratch_path(&s, "w"), &makers[_i], MATRIX("a", 2, 3, 10), MATRIX("x", 700, 900, 1000),
	     MATRIX("empty", 0, 4, 0));
	MAKE(scratch_path(&s, "model"), NULL, MATRIX("a", 3, 2, 1), MATRIX("b", 900, 700, 2),
	     MATRIX("empty", 4, 0, 0));
	out = bind(&plan);
	check_turned(out, "a", 3, 2, 10);
	check_turned(out, "b", 900, 700, 1000);
	ck_assert_str_eq(report.note, "1 found by shape alone; 3 transposed");
}
END_TEST

START_TEST(a_matrix_is_transposed_and_cast)
{
	const struct heft_convert_plan plan = { .allow_transpose = true,
		                                .float_dtype = HEFT_DTYPE_F64 };
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, MATRIX("a", 700, 900, 5));
	MAKE(scratch_path(&s, "model"), NULL, MATRIX_OF("a", 900, 700, 1, HEFT_DTYPE_F64));
	out = bind(&plan);
	check_turned(out, "a", 900, 700, 5);
	ck_assert_uint_eq(report.n_cast, 1);
}
END_TEST

START_TEST(a_square_matrix_is_never_transposed)
{
	const struct heft_convert_plan plan = { .allow_transpose = true };
	char *out;

	MAKE(scratch_path(&s, "w"), NULL, MATRIX("p", 2, 2, 10));
	MAKE(scratch_path(&s, "model"), NULL, MATRIX("a", 2, 2, 1));
	out = bind(&plan);
	check(out, "a", 10);
	ck_assert_str_eq(report.note, "1 found by shape alone");
}
END_TEST

/* Two layers that are each other's reverse could be either. */
START_TEST(reversed_shapes_are_one_where_transposing_is_allowed)
{
	const struct heft_convert_plan plan = { .allow_transpose = true };

	MAKE(scratch_path(&s, "w"), NULL, MATRIX("p", 2, 3, 10), MATRIX("q", 3, 2, 20));
	MAKE(scratch_path(&s, "model"), NULL, MATRIX("a", 3, 2, 1), MATRIX("b", 2, 3, 2));
	check(bind(NULL), "a", 20);
	unlink(scratch_path(&s, "out"));
	refuse(&plan, "--rename one of 'p', 'q'");
}
END_TEST

/* --- without memory --- */

static enum heft_status bind_fallibly(const char *w, const char *model, const char *to)
{
	const char *const keep[] = { "k" };
	const struct heft_convert_plan plan = {
		.format = "heft",
		.write = { .overwrite = true, .no_sync = true },
		.dtype_rules = &(struct heft_dtype_rule){ "a", HEFT_DTYPE_F32 },
		.n_dtype_rules = 1,
		.allow_transpose = true,
		.keep = keep,
		.n_keep = 1,
		.run = { .n_threads = 1 },
	};
	struct heft_convert_plan p = plan;
	struct heft_file *file;
	enum heft_status st = heft_open(w, NULL, &file, &err);

	if (st != HEFT_OK)
		return st;
	st = heft_open(model, NULL, &p.into, &err);
	if (st == HEFT_OK)
		st = heft_convert(file, to, &p, &report, &err);
	heft_close(p.into);
	heft_close(file);
	return st;
}

START_TEST(without_memory_nothing_is_written)
{
	char *w = scratch_path(&s, "w");
	char *model = scratch_path(&s, "model");
	char *to = scratch_path(&s, "out");
	bool has_failed = true;

	MAKE(w, NULL, MATRIX_OF("b", 2, 3, 5, HEFT_DTYPE_F16), VECTOR("p", 2, 7),
	     VECTOR_OF("c", 3, 6, HEFT_DTYPE_F16), MATRIX_OF("a", 3, 2, 1, HEFT_DTYPE_F16));
	MAKE(model, NULL, MATRIX_OF("b", 3, 2, 1, HEFT_DTYPE_F16), VECTOR("q", 2, 1),
	     VECTOR("k", 1, 9), MATRIX("a", 2, 3, 0), VECTOR_OF("ids", 2, 0, HEFT_DTYPE_I64));
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = bind_fallibly(w, model, to);
		has_failed = alloc_fail_done();
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
		ck_assert_uint_eq(scratch_n_files(&s), has_failed ? 2 : 3);
	}
	check_turned(to, "a", 2, 3, 1);
	check_turned(to, "b", 3, 2, 5);
	check(to, "q", 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights bind shape");
	TCase *tc = tcase_create("bind shape");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_only_one_of_a_shape_is_found);
	tcase_add_test(tc, several_of_a_shape_are_listed_and_not_guessed);
	tcase_add_test(tc, a_counterpart_must_be_the_only_one_both_ways);
	tcase_add_test(tc, another_dtype_is_no_counterpart);
	tcase_add_loop_test(tc, a_matrix_is_taken_transposed_where_that_is_allowed, 0, 3);
	tcase_add_test(tc, a_matrix_is_transposed_and_cast);
	tcase_add_test(tc, a_square_matrix_is_never_transposed);
	tcase_add_test(tc, reversed_shapes_are_one_where_transposing_is_allowed);
	tcase_add_test(tc, without_memory_nothing_is_written);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
