/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_pickle_call.c - which globals a pickle may name and call, and what calls and objects
 * become. Pickles that want something run are fixtures (tests/vectors/make_pickle.py). */
#include "unit.h"

#include "format/pickle_globals.h"
#include "pickle_bytes.h"

/* K3-1 */
START_TEST(bytes_come_from_their_opcodes_and_from_calls)
{
	ASSERT_BYTES("C\x02\x00\xff.", HEFT_PICKLE_BYTES, "\x00\xff");
	ASSERT_BYTES("B\x01\x00\x00\x00\xff.", HEFT_PICKLE_BYTES, "\xff");
	ASSERT_BYTES("\x8e\x01\x00\x00\x00\x00\x00\x00\x00\xff.", HEFT_PICKLE_BYTES, "\xff");
	ASSERT_BYTES("\x96\x01\x00\x00\x00\x00\x00\x00\x00\xff.", HEFT_PICKLE_BYTES, "\xff");
	ASSERT_BYTES("c_codecs\nencode\nX\x03\x00\x00\x00\xc3\xbf"
	             "aX\x06\x00\x00\x00latin1\x86R.",
	             HEFT_PICKLE_BYTES,
	             "\xff"
	             "a");
	ASSERT_BYTES("c_codecs\nencode\nX\x01\x00\x00\x00"
	             "aX\x06\x00\x00\x00latin1\x86R.",
	             HEFT_PICKLE_BYTES, "a");
	ASSERT_BYTES("c__builtin__\nbytes\n)R.", HEFT_PICKLE_BYTES, "");
	ASSERT_BYTES("cbuiltins\nbytearray\nC\x01\xfe\x85R.", HEFT_PICKLE_BYTES, "\xfe");
	ASSERT_BYTES("cbuiltins\nbytearray\nV\xfe\nVlatin-1\n\x86R.", HEFT_PICKLE_BYTES, "\xfe");
	REFUSE("c_codecs\nencode\nV\\u0100\nVlatin1\n\x86R.", HEFT_E_CORRUPT, 33);
}
END_TEST

/* K3-1 */
START_TEST(calls_of_containers_are_containers)
{
	struct heft_pickle *p = PARSE("(ccollections\nOrderedDict\n)R"
	                              "ccollections\nOrderedDict\n](](\x8c\x01"
	                              "aK\x01"
	                              "e](\x8c\x01"
	                              "bK\x02"
	                              "ee\x85R"
	                              "ccollections\nCounter\n}\x8c\x01"
	                              "aK\x03s\x85R"
	                              "ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R\x8c\x01"
	                              "aK\x04s"
	                              "c__builtin__\nset\n]K\x05"
	                              "a\x85R"
	                              "c__builtin__\nfrozenset\n]K\x05"
	                              "a\x85R"
	                              "c__builtin__\ntuple\n]K\x05"
	                              "a\x85Rt.");
	const heft_pickle_ref t = heft_pickle_root(p);
	static const enum heft_pickle_kind kinds[] = {
		HEFT_PICKLE_DICT, HEFT_PICKLE_DICT, HEFT_PICKLE_DICT,  HEFT_PICKLE_DICT,
		HEFT_PICKLE_SET,  HEFT_PICKLE_SET,  HEFT_PICKLE_TUPLE,
	};

	for (uint32_t i = 0; i < 7; i++)
		ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_item(p, t, i)), kinds[i]);
	ck_assert_uint_eq(heft_pickle_n_pairs(p, heft_pickle_item(p, t, 0)), 0);
	assert_pair(p, heft_pickle_item(p, t, 1), 1, 2);
	assert_pair(p, heft_pickle_item(p, t, 2), 0, 3);
	assert_pair(p, heft_pickle_item(p, t, 3), 0, 4);
	heft_pickle_free(p);
}
END_TEST

/* --- globals, calls, objects: K2-1 to K2-5 --- */

static void assert_global(const struct heft_pickle *p, heft_pickle_ref v, const char *module,
                          const char *name)
{
	ck_assert_int_eq(heft_pickle_kind(p, v), HEFT_PICKLE_GLOBAL);
	ck_assert_str_eq(heft_pickle_module(p, v), module);
	ck_assert_str_eq(heft_pickle_name(p, v), name);
}

START_TEST(a_global_is_named_and_nothing_more)
{
	struct heft_pickle *p = PARSE("(cmodels.yolo\nModel\n\x8c\x0bmodels.yolo\x8c\x05Model\x93"
	                              "c__builtin__\nunicode\nc__main__\nNet\nctorch\nfloat32\nt.");
	const heft_pickle_ref t = heft_pickle_root(p);

	assert_global(p, heft_pickle_item(p, t, 0), "models.yolo", "Model");
	ck_assert_uint_eq(heft_pickle_item(p, t, 0), heft_pickle_item(p, t, 1));
	assert_global(p, heft_pickle_item(p, t, 2), "builtins", "str");
	assert_global(p, heft_pickle_item(p, t, 3), "__main__", "Net");
	assert_global(p, heft_pickle_item(p, t, 4), "torch", "float32");
	heft_pickle_free(p);
}
END_TEST

START_TEST(a_class_that_nobody_knows_makes_inert_objects)
{
	struct heft_pickle *p = PARSE(
		"(cm\nC\n)\x81}\x8c\x01"
		"aK\x01sb"
		"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR}b"
		"ccopy_reg\n_reconstructor\n(cm\nL\nc__builtin__\nlist\n]K\x01"
		"atR"
		"ccopyreg\n__newobj__\n(cm\nC\nK\x05tR"
		"cm\nC\nK\x05\x85}\x8c\x01kK\x06s\x92"
		"(\x8c\x06modulecm\nC\n\x8c\x01"
		"f\x8c\x01stQ)\x81t.");
	const heft_pickle_ref t = heft_pickle_root(p);
	heft_pickle_ref v = heft_pickle_item(p, t, 0);

	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_item(p, t, i)),
		                 HEFT_PICKLE_OBJECT);
		ck_assert(heft_pickle_is_of(p, heft_pickle_item(p, t, i), "m", i == 2 ? "L" : "C"));
	}
	ck_assert_uint_eq(heft_pickle_n_items(p, heft_pickle_argument(p, v)), 0);
	ck_assert_int_eq(heft_pickle_int(p, heft_pickle_get(p, heft_pickle_state(p, v), "a")), 1);
	v = heft_pickle_item(p, t, 1);
	ck_assert_uint_ne(heft_pickle_state(p, v), HEFT_PICKLE_NONE);
	ck_assert_uint_eq(heft_pickle_n_items(p, heft_pickle_argument(p, v)), 0);
	v = heft_pickle_argument(p, heft_pickle_item(p, t, 2));
	ck_assert_int_eq(heft_pickle_kind(p, heft_pickle_item(p, v, 0)), HEFT_PICKLE_LIST);
	v = heft_pickle_argument(p, heft_pickle_item(p, t, 3));
	ck_assert_uint_eq(heft_pickle_n_items(p, v), 1);
	ck_assert_int_eq(heft_pickle_int(p, heft_pickle_item(p, v, 0)), 5);
	v = heft_pickle_item(p, t, 4);
	ck_assert_int_eq(heft_pickle_int(p, heft_pickle_get(p, v, "k")), 6);
	ck_assert_uint_eq(heft_pickle_state(p, v), HEFT_PICKLE_NONE);
	heft_pickle_free(p);
}
END_TEST

START_TEST(calls_of_the_list_stay_calls)
{
	struct heft_pickle *p = PARSE("(ctorch\nSize\n(K\x02K\x03t\x85R"
	                              "(itorch\ndevice\n0(\x8c\x03"
	                              "cpuitorch\ndevice\n"
	                              "(ctorch\ndevice\n\x8c\x03"
	                              "cpuo"
	                              "ccollections\ndeque\n)R(K\x01K\x02"
	                              "e"
	                              "\x8c\x01xQPy\nt.");
	const heft_pickle_ref t = heft_pickle_root(p);
	heft_pickle_ref v = heft_pickle_item(p, t, 0);

	ck_assert(heft_pickle_is_of(p, v, "torch", "Size"));
	ck_assert(!heft_pickle_is_of(p, v, "torch", "device"));
	ck_assert_uint_eq(heft_pickle_n_items(p,
	                                      heft_pickle_item(p, heft_pickle_argument(p, v), 0)),
	                  2);
	ck_assert(heft_pickle_is_of(p, heft_pickle_item(p, t, 1), "torch", "device"));
	v = heft_pickle_item(p, t, 2);
	ck_assert(
		heft_pickle_is_text(p, heft_pickle_item(p, heft_pickle_argument(p, v), 0), "cpu"));
	v = heft_pickle_item(p, t, 3);
	ck_assert_int_eq(heft_pickle_kind(p, v), HEFT_PICKLE_CALL);
	ck_assert_uint_eq(heft_pickle_n_items(p, v), 2);
	v = heft_pickle_item(p, t, 4);
	ck_assert_int_eq(heft_pickle_kind(p, v), HEFT_PICKLE_PERSISTENT);
	ck_assert(heft_pickle_is_text(p, heft_pickle_argument(p, v), "x"));
	ck_assert_uint_eq(heft_pickle_callee(p, v), HEFT_PICKLE_NONE);
	v = heft_pickle_item(p, t, 5);
	ck_assert(heft_pickle_is_text(p, heft_pickle_argument(p, v), "y"));
	heft_pickle_free(p);
}
END_TEST

START_TEST(states_are_for_what_can_have_one)
{
	REFUSE("]}b.", HEFT_E_CORRUPT, 2);
	REFUSE("cm\nC\n}b.", HEFT_E_CORRUPT, 6);
	REFUSE("cm\nC\n)\x81}b}b.", HEFT_E_UNSUPPORTED, 10);
	REFUSE("cm\nC\nN\x81.", HEFT_E_CORRUPT, 6);
	REFUSE("N)\x81.", HEFT_E_CORRUPT, 2);
	REFUSE("ccopyreg\n__newobj__\n)R.", HEFT_E_CORRUPT, 21);
	REFUSE("c\nC\n.", HEFT_E_CORRUPT, 0);
	REFUSE("NN\x93.", HEFT_E_CORRUPT, 2);
}
END_TEST

START_TEST(the_lists_of_names_are_in_order_and_leave_out_what_runs)
{
	static const char *const refused[][2] = {
		{ "os", "system" },           { "os.path", "join" },
		{ "builtins", "eval" },       { "builtins", "getattr" },
		{ "builtins", "type" },       { "operator", "attrgetter" },
		{ "_frozen_importlib", "x" }, { "zoneinfo", "ZoneInfo" },
		{ "commands", "getoutput" },  { "nt", "system" },
		{ "test.support", "x" },      { "collections", "namedtuple" },
	};
	static const char *const called[][2] = {
		{ "_codecs", "encode" },
		{ "builtins", "bytearray" },
		{ "collections", "OrderedDict" },
		{ "numpy._core.multiarray", "_reconstruct" },
		{ "numpy.core.multiarray", "scalar" },
		{ "numpy", "dtype" },
		{ "torch._utils", "_rebuild_tensor_v2" },
		{ "torch._utils", "_rebuild_tensor_v3" },
		{ "torch.nn.parameter", "Parameter" },
		{ "ultralytics.utils", "IterableSimpleNamespace" },
		{ "uuid", "UUID" },
	};
	enum heft_pickle_action action;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		ck_assert_msg(!heft_pickle_find_global(refused[i][0], refused[i][1], &action),
		              "%s.%s", refused[i][0], refused[i][1]);
	for (size_t i = 0; i < sizeof called / sizeof *called; i++) {
		ck_assert_msg(heft_pickle_find_global(called[i][0], called[i][1], &action), "%s.%s",
		              called[i][0], called[i][1]);
		ck_assert(action != HEFT_PICKLE_NAMED || strcmp(called[i][0], "uuid") == 0);
	}
	ck_assert(heft_pickle_find_global("osmium", "system", &action));
	ck_assert_int_eq(action, HEFT_PICKLE_NAMED);
	ck_assert(heft_pickle_is_stdlib("os") && heft_pickle_is_stdlib("xml.dom"));
	ck_assert(!heft_pickle_is_stdlib("o") && !heft_pickle_is_stdlib("") &&
	          !heft_pickle_is_stdlib("__main__"));
}
END_TEST

static Suite *pickle_call_suite(void)
{
	Suite *s = suite_create("format_pickle_call");
	TCase *tc = tcase_create("pickle_call");

	tcase_add_test(tc, bytes_come_from_their_opcodes_and_from_calls);
	tcase_add_test(tc, calls_of_containers_are_containers);
	tcase_add_test(tc, a_global_is_named_and_nothing_more);
	tcase_add_test(tc, a_class_that_nobody_knows_makes_inert_objects);
	tcase_add_test(tc, calls_of_the_list_stay_calls);
	tcase_add_test(tc, states_are_for_what_can_have_one);
	tcase_add_test(tc, the_lists_of_names_are_in_order_and_leave_out_what_runs);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(pickle_call_suite());
}
