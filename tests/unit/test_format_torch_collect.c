/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_torch_collect.c - the names and spaces of the tensors that the values of a PyTorch
 * pickle stand for (Y3-1 to Y3-7), and what could go on for ever. */
#include "alloc_fail.h"
#include "torch_values.h"

/* --- names and spaces --- */

#define ADAM(key)                                                                                \
	DICT(TEXT("state") DICT(INT("0") DICT(TEXT("exp_avg") VECTOR(key))) TEXT("param_groups") \
	             LIST(DICT(TEXT("lr") FLOAT("0.5"))))

static const struct listed named[] = {
	/* Y3-1 */
	{ DICT(TEXT("a") DICT(INT("7") LIST(VECTOR("0") TUPLE(VECTOR("1"))))) ".",
	  "a.7.0 F32[2] a.7.1.0 F32[2]" },
	{ DICT(TUPLE(INT("1")) VECTOR("0") NONE VECTOR("1")) ".", "0 F32[2] 1 F32[2]" },
	{ DICT(TEXT("") DICT(TEXT("x") VECTOR("0"))) ".", ".x F32[2]" },
	{ DICT(TEXT("o") OBJECT("own", "Thing", DICT(TEXT("w") VECTOR("0")))) ".", "o.w F32[2]" },
	{ DICT(TEXT("o") OBJECT("own", "Slots", TUPLE(NONE DICT(TEXT("w") VECTOR("0"))))) ".",
	  "o.w F32[2]" },
	{ DICT(TEXT("o") OBJECT("own", "Pair", TUPLE(VECTOR("0") VECTOR("1")))) ".",
	  "o.0 F32[2] o.1 F32[2]" },
	{ DICT(TEXT("l") CALL("torch.jit._pickle", "build_tensorlist", LIST(VECTOR("0")))) ".",
	  "l.0 F32[2]" },
	/* Y3-2 */
	{ MODULE_OF("Net", TEXT("w") VECTOR("0") TEXT("none") NONE, TEXT("mean") VECTOR("1"),
	            TEXT("inner") MODULE_OF("Inner", TEXT("w") VECTOR("2"), "", "", "") TEXT("gone")
	                    NONE,
	            "") ".",
	  "w F32[2] mean F32[2] inner.w F32[2]" },
	{ OBJECT("__torch__.Net", "Net",
	         DICT(TEXT("w") VECTOR("0") TEXT("inner")
	                      OBJECT("__torch__", "Inner", DICT(TEXT("b") VECTOR("1"))))) ".",
	  "w F32[2] inner.b F32[2]" },
	{ MODULE_OF("Net", "", "",
	            TEXT("a") MODULE_OF("I", TEXT("w") VECTOR("0"), "", "", "") PUT("1") TEXT("b")
	                    GET("1"),
	            "") ".",
	  "a.w F32[2] b.w F32[2]=a.w" },
	/* Y3-3 */
	{ DICT(TEXT("state_dict") DICT(TEXT("module.a") VECTOR("0")) TEXT("epoch") INT("3")) ".",
	  "module.a F32[2]" },
	{ DICT(TEXT("model") DICT(TEXT("model") DICT(TEXT("a") VECTOR("0")))) ".",
	  "model.a F32[2]" },
	{ DICT(TEXT("model") DICT(TEXT("a") VECTOR("0")) TEXT("ema")
	               DICT(TEXT("a") VECTOR("1"))) ".",
	  "model.a F32[2] ema.a F32[2]" },
	{ DICT(TEXT("net") DICT(TEXT("a") VECTOR("0"))) ".", "net.a F32[2]" },
	{ DICT(TEXT("weights") VECTOR("0")) ".", "weights F32[2]" },
	{ DICT(TEXT("weights") LIST(VECTOR("0"))) ".", "0 F32[2]" },
	{ DICT(TEXT("module") MODULE_OF("Net", TEXT("w") VECTOR("0"), "", "",
	                                TEXT("stride") VECTOR("1"))) ".",
	  "w F32[2] state:module.stride F32[2]" },
	/* Y3-4 */
	{ ADAM("0") ".", "optimizer:state.0.exp_avg F32[2]" },
	{ DICT(TEXT("module") DICT(TEXT("w") VECTOR("1")) TEXT("opt") ADAM("0")) ".",
	  "w F32[2] optimizer:opt.state.0.exp_avg F32[2]" },
	{ DICT(TEXT("optimizer_states") LIST(ADAM("0")) TEXT("lr_schedulers") LIST(VECTOR("1"))
	               TEXT("state_dict") DICT(TEXT("w") VECTOR("2"))) ".",
	  "optimizer:optimizer_states.0.state.0.exp_avg F32[2] optimizer:lr_schedulers.0 F32[2] "
	  "w F32[2]" },
	{ DICT(TEXT("x") DICT(TEXT("optimizer") VECTOR("0"))) ".", "x.optimizer F32[2]" },
	/* Y3-5 */
	{ MODULE_OF("Net", "", TEXT("p") VECTOR("0") TEXT("q") VECTOR("1"), "",
	            TEXT("_non_persistent_buffers_set") SET(TEXT("q")) TEXT("_flat_weights")
	                    LIST(VECTOR("0")) TEXT("plain") LIST(VECTOR("2"))) ".",
	  "p F32[2] state:q F32[2] state:plain.0 F32[2]" },
	{ DICT(TEXT("callbacks") DICT(TEXT("best") VECTOR("0")) TEXT("rng_state") VECTOR("1") TEXT(
		  "state_dict") DICT(TEXT("w") VECTOR("2")) TEXT("score") VECTOR("3")) ".",
	  "state:callbacks.best F32[2] state:rng_state F32[2] w F32[2] state:score F32[2]" },
	{ DICT(TEXT("loops") LIST(LIST(VECTOR("0")) PUT("1") GET("1"))) ".",
	  "state:loops.0.0 F32[2]" },
	/* Y3-7 */
	{ DICT(INT("1") VECTOR("0") TEXT("1") VECTOR("1") TEXT("1#2") VECTOR("2")) ".",
	  "1 F32[2] 1#2 F32[2] 1#2#2 F32[2]" },
	{ DICT(INT("1") SPARSE("sparse_coo", VECTOR("0") VECTOR("1") SIZE) TEXT("1")
	               SPARSE("sparse_coo", VECTOR("2") VECTOR("3") SIZE)) ".",
	  "1.indices F32[2] 1.values F32[2] 1#2.indices F32[2] 1#2.values F32[2]" },
	{ "].", "" },
};

START_TEST(Y3_tensors_are_named_by_their_path)
{
	check(named[_i].pickle, NULL, named[_i].tensors, NULL);
}
END_TEST

/* Y3-6 */
START_TEST(Y3_6_constants_that_a_network_multiplies_by_are_weights)
{
	check(OBJECT("__torch__", "Net", DICT(TEXT("w") VECTOR("0"))) ".",
	      TUPLE(VECTOR("0") VIEW(STORAGE("Long", "1", "2"), "0", INT("2"),
	                             INT("1")) VIEW(STORAGE("Float", "2", "1"), "0", "", "")
	                    REBUILD("_rebuild_qtensor", STORAGE("QInt8", "3", "1"), "0", INT("1"),
	                            INT("1"),
	                            TUPLE(GLOBAL("torch", "per_tensor_affine") FLOAT("0.5")
	                                          INT("3")))
	                            REBUILD("_rebuild_qtensor", STORAGE("QInt32", "4", "1"), "0",
	                                    INT("1"), INT("1"),
	                                    TUPLE(GLOBAL("torch", "per_tensor_affine") FLOAT("0.5")
	                                                  INT("3"))) INT("5")) ".",
	      "w F32[2] constants.0 F32[2] state:constants.1 I64[2] state:constants.2 F32[] "
	      "constants.3 I8[1] state:constants.4 I32[1]",
	      NULL);
}
END_TEST

/* --- what could go on for ever --- */

START_TEST(Y3_1_values_nested_deeper_than_512_are_refused)
{
	struct heft_error err;

	ck_assert_int_eq(collect_nested(512, "(", VECTOR("0"), "t", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(513, "(", VECTOR("0"), "t", &err), HEFT_E_LIMIT);
	ck_assert_int_eq(collect_nested(100000, "(", "", "t", &err), HEFT_E_LIMIT);
}
END_TEST

/* Each list has the one before twice. */
START_TEST(Y3_1_lists_that_share_lists_end)
{
	struct heft_error err;

	ck_assert_int_eq(collect_nested(40, "(", INT("1"), "l2\206", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(40, "", INT("1"), "2\206", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(40, "", VECTOR("0"), "2\206", &err), HEFT_E_LIMIT);
}
END_TEST

START_TEST(Y3_1_a_value_that_contains_itself_ends)
{
	check("(lp1\n(" VECTOR("0") GET("1") "e.", NULL, "0 F32[2]",
	      "{\"heft.root\":[{\"t\":\"cut\"}]}");
	check(OBJECT("own", "Node", PUT("1") DICT(TEXT("w") VECTOR("0") TEXT("self") GET("1"))) ".",
	      NULL, "w F32[2]",
	      "{\"self\":{\"t\":\"object\",\"v\":\"own.Node\","
	      "\"state\":{\"self\":{\"t\":\"cut\"}}},"
	      "\"heft.class\":\"own.Node\"}");
}
END_TEST

START_TEST(limits_are_kept)
{
	static const char two[] = DICT(TEXT("long name") VECTOR("0") TEXT("b") VECTOR("1") TEXT("c")
	                                       TEXT("some text")) ".";
	struct heft_limits limits = heft_format_limits(NULL);
	struct heft_torch_model m;
	struct heft_error err;

	limits.max_tensors = 1;
	ck_assert_int_eq(collect(two, NULL, &limits, &m, &err), HEFT_E_LIMIT);
	limits = heft_format_limits(NULL);
	limits.max_name_size = 8;
	ck_assert_int_eq(collect(two, NULL, &limits, &m, &err), HEFT_E_LIMIT);
	limits = heft_format_limits(NULL);
	limits.max_logical_bytes = 15;
	ck_assert_int_eq(collect(two, NULL, &limits, &m, &err), HEFT_E_LIMIT);
	limits = heft_format_limits(NULL);
	limits.max_metadata_size = 16;
	ck_assert_int_eq(collect(two, NULL, &limits, &m, &err), HEFT_E_LIMIT);
}
END_TEST

START_TEST(a_name_of_more_than_4096_bytes_is_refused)
{
	char *key = nest(4097, "k", "", "");
	char *pickle = heft_alloc(8192);
	struct heft_torch_model m;
	struct heft_error err;

	for (int n = 4096; n <= 4097; n++) {
		snprintf(pickle, 8192, "}V%.*s\n" VECTOR("0") "s.", n, key);
		ck_assert_int_eq(collect(pickle, NULL, NULL, &m, &err),
		                 n == 4096 ? HEFT_OK : HEFT_E_LIMIT);
		if (n == 4096)
			heft_torch_model_done(&m);
	}
	heft_free(pickle);
	heft_free(key);
}
END_TEST

/* --- failing allocation --- */

START_TEST(it_says_so_when_there_is_no_memory_and_leaks_nothing)
{
	static const char main_text[] = DICT(
		TEXT("model") MODULE_OF("Net", TEXT("w") VECTOR("0"), TEXT("m") VECTOR("1"), "",
	                                TEXT("x") LIST(TEXT("text") FLOAT("0.5") VECTOR("2")))
			TEXT("q") REBUILD("_rebuild_qtensor", STORAGE("QInt8", "3", "6"), "0",
	                                  INT("2"), INT("1"),
	                                  TUPLE(GLOBAL("torch", "per_channel_affine") VECTOR("4")
	                                                VECTOR("5") INT("0"))) TEXT("s")
				SPARSE("sparse_coo", VECTOR("6") VECTOR("7") SIZE YES)) ".";
	static const char constants_text[] = TUPLE(VECTOR("0") INT("1")) ".";
	const struct heft_limits limits = heft_format_limits(NULL);
	struct heft_pickle *p = parse(main_text);
	struct heft_pickle *c = parse(constants_text);
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_torch_model m;
	struct heft_error err;

	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = heft_torch_collect(p, c, &limits, &m, &err);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	ck_assert_uint_eq(heft_listing_n(m.tensors), 9);
	heft_torch_model_done(&m);
	heft_pickle_free(c);
	heft_pickle_free(p);
}
END_TEST

static Suite *torch_collect_suite(void)
{
	Suite *s = suite_create("format_torch_collect");
	TCase *tc = tcase_create("values");

	tcase_set_timeout(tc, 60); /* under sanitizers */
	tcase_add_loop_test(tc, Y3_tensors_are_named_by_their_path, 0, N_ROWS(named));
	tcase_add_test(tc, Y3_6_constants_that_a_network_multiplies_by_are_weights);
	tcase_add_test(tc, Y3_1_values_nested_deeper_than_512_are_refused);
	tcase_add_test(tc, Y3_1_lists_that_share_lists_end);
	tcase_add_test(tc, Y3_1_a_value_that_contains_itself_ends);
	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, a_name_of_more_than_4096_bytes_is_refused);
	tcase_add_test(tc, it_says_so_when_there_is_no_memory_and_leaks_nothing);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(torch_collect_suite());
}
