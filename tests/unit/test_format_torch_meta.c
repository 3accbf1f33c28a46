/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_torch_meta.c - the values of a PyTorch pickle that are no tensors, as metadata. */
#include "torch_values.h"

/* The type of NumPy's numbers, in an order of bytes. */
#define NUMPY(type, order)                        \
	CALL("numpy", "dtype", TEXT(type) NO YES) \
	TUPLE(INT("3") TEXT(order) NONE NONE NONE INT("-1") INT("-1") INT("0")) "b"
#define LATIN(text) CALL("_codecs", "encode", TEXT(text) TEXT("latin1"))

struct told {
	const char *pickle;
	const char *meta;
};

#define OUT(value) DICT(TEXT("v") value) "."
#define IN(json) "{\"v\":" json "}"
#define TYPED(type, value) IN("{\"t\":\"" type "\",\"v\":" value "}")

static const struct told tellings[] = {
	/* Y4-1 */
	{ OUT(NONE), IN("null") },
	{ OUT(YES), IN("true") },
	{ OUT(INT("-3")), IN("-3") },
	{ OUT(INT("9007199254740992")), IN("9007199254740992") },
	{ OUT(INT("9007199254740993")), TYPED("int", "\"9007199254740993\"") },
	{ OUT("L-1180591620717411303424L\n"), TYPED("int", "\"-1180591620717411303424\"") },
	{ OUT("L1000000000000000000000000000000L\n"),
	  TYPED("int", "\"1000000000000000000000000000000\"") },
	{ OUT(FLOAT("1")), IN("1.0") },
	{ OUT(FLOAT("0.1")), IN("0.1") },
	{ OUT(FLOAT("91.78")), IN("91.78") },
	{ OUT(FLOAT("-1e-05")), IN("-1e-05") },
	{ OUT(FLOAT("0.0001")), IN("0.0001") },
	{ OUT(FLOAT("1.5e300")), IN("1.5e+300") },
	{ OUT(FLOAT("1e16")), IN("1e+16") },
	{ OUT(FLOAT("1234567890123456.0")), IN("1234567890123456.0") },
	{ OUT(FLOAT("100")), IN("100.0") },
	{ OUT(FLOAT("5e-324")), IN("5e-324") },
	{ OUT(FLOAT("0.30000000000000004")), IN("0.30000000000000004") },
	{ OUT(FLOAT("0")), IN("0.0") },
	{ OUT(FLOAT("-0.0")), TYPED("f64", "\"8000000000000000\"") },
	{ OUT(FLOAT("inf")), TYPED("f64", "\"7ff0000000000000\"") },
	{ OUT(TEXT("a\"\\u00e9")), IN("\"a\\\"\303\251\"") },
	{ OUT(TEXT("\\ud800")), TYPED("text", "\"7aCA\"") },
	{ OUT(CALL("_codecs", "encode", TEXT("abcd") TEXT("latin1"))),
	  TYPED("bytes", "\"YWJjZA==\"") },
	{ OUT(LIST(INT("1") TUPLE(INT("2")) SET(INT("3")))), IN("[1,[2],[3]]") },
	{ OUT("]"), IN("[]") },
	{ OUT(DICT(TEXT("a") INT("1"))), IN("{\"a\":1}") },
	{ OUT(DICT(INT("1") INT("2"))), TYPED("dict", "[[1,2]]") },
	{ OUT(DICT(TEXT("t") INT("2"))), TYPED("dict", "[[\"t\",2]]") },
	{ OUT(DICT(TEXT("t") TEXT("cut"))), IN("{\"t\":\"cut\"}") },
	{ OUT(DICT(VECTOR("0") INT("2") INT("1") VECTOR("1") INT("5") INT("6"))),
	  TYPED("dict", "[[5,6]]") },
	{ OUT(GLOBAL("torch", "float32")), TYPED("global", "\"torch.float32\"") },
	{ OUT(CALL("torch", "device", TEXT("cuda") INT("0"))),
	  IN("{\"t\":\"object\",\"v\":\"torch.device\",\"args\":[\"cuda\",0]}") },
	{ OUT(CALL("torch", "Size", TUPLE(INT("2") INT("3")))), IN("[2,3]") },
	{ OUT(OBJECT("own", "Thing", DICT(TEXT("a") INT("1") TEXT("w") VECTOR("0")))),
	  IN("{\"t\":\"object\",\"v\":\"own.Thing\",\"state\":{\"a\":1}}") },
	{ OUT(GLOBAL("own", "Bag") ")\201(" INT("1") "e(" TEXT("k") INT("2") "u"),
	  IN("{\"t\":\"object\",\"v\":\"own.Bag\",\"items\":[1],\"pairs\":{\"k\":2}}") },
	{ OUT(LIST(VECTOR("0") INT("1") LIST(VECTOR("1")))), IN("[1]") },
	{ OUT(LIST(VECTOR("0"))), "{}" },
	{ OUT(CALL("numpy.core.multiarray", "scalar",
	           NUMPY("f8", "<") LATIN("\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0008@"))),
	  IN("3.0") },
	{ OUT(CALL("numpy.core.multiarray", "scalar", NUMPY("u2", ">") LATIN("\\u0001\\u0002"))),
	  IN("258") },
	{ OUT(CALL("numpy._core.multiarray", "scalar", NUMPY("b1", "|") LATIN("\\u0001"))),
	  IN("true") },
	{ OUT(CALL("numpy._core.multiarray", "scalar",
	           NUMPY("u8", "<") LATIN("\\u00ff\\u00ff\\u00ff"
	                                  "\\u00ff\\u00ff\\u00ff\\u00ff\\u00ff"))),
	  TYPED("int", "\"18446744073709551615\"") },
	{ OUT(CALL("numpy.core.multiarray", "_reconstruct",
	           GLOBAL("numpy", "ndarray") TUPLE(INT("0")) TEXT("b"))
	              TUPLE(INT("1") TUPLE(INT("2") INT("2")) NUMPY("i2", ">")
	                            YES LATIN("\\u0000abcdefg")) "b"),
	  IN("{\"t\":\"array\",\"dtype\":\"I16\",\"dims\":[2,2],\"n\":4,\"v\":\"YQBlZGNiZ2Y=\"}") },
	/* Y4-2 */
	{ DICT(TEXT("model") DICT(TEXT("a") VECTOR("0")) TEXT("epoch") INT("3") TEXT("heft.wrapper")
	               INT("5")) ".",
	  "{\"epoch\":3,\"heft.wrapper\":\"model\"}" },
	{ DICT(TEXT("state_dict") DICT(TEXT("a") VECTOR("0")) TEXT("epoch") INT("3")) ".",
	  "{\"epoch\":3}" },
	{ DICT(TEXT("state_dict") DICT(TEXT("a") VECTOR("0")) TEXT("rng_state") VECTOR("1")) ".",
	  "{}" },
	{ DICT(TEXT("state_dict") DICT(TEXT("a") VECTOR("0"))) ".",
	  "{\"heft.wrapper\":\"state_dict\"}" },
	{ HOOKS "(" TEXT("a") VECTOR("0") "u" DICT(
		  TEXT("_metadata") DICT(TEXT("") DICT(TEXT("version") INT("1")))) "b.",
	  "{\"heft.versions\":{\"\":{\"version\":1}}}" },
	{ MODULE_OF("Net", TEXT("w") VECTOR("0"), "", TEXT("i") MODULE_OF("In", "", "", "", ""),
	            "") ".",
	  "{\"training\":true,\"_modules\":{\"i\":{\"t\":\"object\",\"v\":\"torch.nn.In\","
	  "\"state\":{\"training\":true}}},\"heft.class\":\"torch.nn.Net\"}" },
	{ LIST(INT("1")) ".", "{\"heft.root\":[1]}" },
	{ DICT(INT("1") INT("2")) ".", "{\"heft.root\":{\"t\":\"dict\",\"v\":[[1,2]]}}" },
	{ DICT(TEXT("t") INT("2")) ".", "{\"t\":2}" },
	{ VECTOR("0") ".", "{}" },
	/* Y4-3 */
	{ "(lp1\n(" INT("1") GET("1") "e.", "{\"heft.root\":[1,{\"t\":\"cut\"}]}" },
};

START_TEST(Y4_values_become_metadata)
{
	struct heft_torch_model m;
	struct heft_error err;

	ck_assert_msg(collect(tellings[_i].pickle, NULL, NULL, &m, &err) == HEFT_OK, "%s: %s",
	              tellings[_i].meta, err.msg);
	ck_assert_str_eq(m.metadata, tellings[_i].meta);
	ck_assert_int_eq(heft_meta_check(m.metadata, strlen(m.metadata), HEFT_E_CORRUPT, 0, &err),
	                 HEFT_OK);
	heft_torch_model_done(&m);
}
END_TEST

START_TEST(Y4_2_the_values_of_constants_stand_apart)
{
	check(OBJECT("__torch__", "Net", DICT(TEXT("a") INT("1"))) ".",
	      TUPLE(INT("5") VECTOR("0")) ".", "constants.1 F32[2]",
	      "{\"a\":1,\"heft.class\":\"__torch__.Net\",\"heft.constants\":[5]}");
}
END_TEST

START_TEST(Y4_3_what_is_nested_deeper_than_60_is_cut)
{
	struct heft_error err;

	ck_assert_int_eq(collect_nested(500, "(", INT("1"), "t", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(58, "(" INT("1"), "Vx\n", "d", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(200, "(" INT("1"), "Vx\n", "d", &err), HEFT_OK);
	ck_assert_int_eq(collect_nested(200, GLOBAL("own", "O") "(", "", "t\201", &err), HEFT_OK);
}
END_TEST

/* Each dict has the one before twice; written out they were 2^30. */
START_TEST(Y4_3_what_is_shared_too_often_is_cut)
{
	struct heft_error err;

	ck_assert_int_eq(collect_nested(30, "", "}", "p1\n0}(Va long key\ng1\nVb\ng1\nu", &err),
	                 HEFT_OK);
}
END_TEST

static Suite *torch_meta_suite(void)
{
	Suite *s = suite_create("format_torch_meta");
	TCase *tc = tcase_create("values");

	tcase_set_timeout(tc, 60); /* under sanitizers */
	tcase_add_loop_test(tc, Y4_values_become_metadata, 0, N_ROWS(tellings));
	tcase_add_test(tc, Y4_2_the_values_of_constants_stand_apart);
	tcase_add_test(tc, Y4_3_what_is_nested_deeper_than_60_is_cut);
	tcase_add_test(tc, Y4_3_what_is_shared_too_often_is_cut);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(torch_meta_suite());
}
