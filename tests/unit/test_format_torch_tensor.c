/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_torch_tensor.c - the calls that make tensors, and what is wrong with them. */
#include "torch_values.h"

static const struct listed rebuilt[] = {
	{ VECTOR("0") ".", "tensor F32[2]" },
	{ DICT(TEXT("w") REBUILD("_rebuild_tensor", STORAGE("Float", "0", "4"), "0",
	                         INT("2") INT("2"), INT("2") INT("1"), "")) ".",
	  "w F32[2,2]" },
	{ DICT(TEXT("w") REBUILD("_rebuild_tensor_v3", STORAGE("Untyped", "0", "6"), "0", INT("3"),
	                         INT("1"), NO HOOKS GLOBAL("torch", "uint16"))) ".",
	  "w U16[3]" },
	{ DICT(TEXT("w") CALL("torch._utils", "_rebuild_parameter", VECTOR("0") YES HOOKS)) ".",
	  "w F32[2]" },
	{ DICT(TEXT("w") CALL("torch.nn.parameter", "Parameter", VECTOR("0") YES)) ".",
	  "w F32[2]" },
	{ DICT(TEXT("w") CALL("torch._utils", "_rebuild_parameter_with_state",
	                      VECTOR("0") YES HOOKS DICT(TEXT("by") VECTOR("1")))) ".",
	  "w F32[2] state:w.by F32[2]" },
	{ DICT(TEXT("w") CALL("torch._tensor", "_rebuild_from_type_v2",
	                      GLOBAL("torch._utils", "_rebuild_tensor_v2") GLOBAL("own", "Tensor")
	                              TUPLE(STORAGE("Half", "0", "3") INT("1") TUPLE(INT("2"))
	                                            TUPLE(INT("1")) NO HOOKS) NONE)) ".",
	  "w F16[2]" },
	{ DICT(TEXT("w") CALL("torch._tensor", "_rebuild_from_type_v2",
	                      GLOBAL("torch._utils", "_rebuild_wrapper_subclass")
	                              GLOBAL("own", "Int4") TUPLE(NONE) DICT(TEXT("data") VECTOR(
					      "0") TEXT("scale") VECTOR("1")))) ".",
	  "w.data F32[2] w.scale F32[2]" },
	{ ONE(CALL("torch._utils", "_rebuild_device_tensor_from_cpu_tensor",
	           VECTOR("0") GLOBAL("torch", "float32") TEXT("xla:0") NO)),
	  "w F32[2]" },
	{ DICT(TEXT("w") STORAGE("Float", "0", "3") TEXT("b") STORAGE("Untyped", "1", "5")) ".",
	  "w F32[3] b U8[5]" },
	{ DICT(TEXT("w") CALL("torch._utils", "_rebuild_meta_tensor_no_storage",
	                      GLOBAL("torch", "float32") TUPLE(INT("0")) TUPLE(INT("1")) NO)) ".",
	  "w F32[0]" },
	{ LIST(TUPLE(TEXT("storage") GLOBAL("torch.cuda", "LongStorage") TEXT("a/b") TEXT("cuda:0")
	                     INT("9") NONE) "Q0" VECTOR("0")) ".",
	  "0 F32[2]" },
};

START_TEST(Y2_1_every_call_that_makes_a_tensor_is_known)
{
	check(rebuilt[_i].pickle, NULL, rebuilt[_i].tensors, "{}");
}
END_TEST

struct refused {
	const char *pickle;
	enum heft_status status;
	const char *what;
};

#define V2(storage, offset, size, stride) ONE(VIEW(storage, offset, size, stride))

static const struct refused refusals[] = {
	/* Y2-1 */
	{ ONE(CALL("torch._utils", "_rebuild_meta_tensor_no_storage",
	           GLOBAL("torch", "float32") TUPLE(INT("3")) TUPLE(INT("1")) NO)),
	  HEFT_E_UNSUPPORTED, "meta device" },
	{ ONE(CALL("torch._utils", "_rebuild_nested_tensor", VECTOR("0"))), HEFT_E_UNSUPPORTED,
	  "_rebuild_nested_tensor" },
	{ ONE(CALL("torch._utils", "_rebuild_parameter", INT("1"))), HEFT_E_UNSUPPORTED,
	  "_rebuild_parameter" },
	{ V2(INT("5"), "0", INT("2"), INT("1")), HEFT_E_CORRUPT, "no storage" },
	{ TUPLE(TEXT("other") INT("1")) "Q.", HEFT_E_UNSUPPORTED, "names no storage" },
	{ TUPLE(TEXT("storage") INT("1")) "Q.", HEFT_E_CORRUPT, "five or six" },
	{ TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") INT("1") NONE INT("1")) "Q.",
	  HEFT_E_CORRUPT, "key" },
	{ TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") TEXT("") NONE INT("1")) "Q.",
	  HEFT_E_CORRUPT, "key" },
	{ TUPLE(TEXT("storage") TEXT("Float") TEXT("0") NONE INT("1")) "Q.", HEFT_E_CORRUPT,
	  "class" },
	{ STORAGE("Float", "0", "-1") ".", HEFT_E_CORRUPT, "number of elements" },
	{ STORAGE("Double", "0", "1152921504606846976") ".", HEFT_E_CORRUPT, "number of elements" },
	{ LIST(F6 STORAGE("Float", "0", "5")) ".", HEFT_E_CORRUPT, "another type or size" },
	{ LIST(F6 STORAGE("Int", "0", "6")) ".", HEFT_E_CORRUPT, "another type or size" },
	{ TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") TEXT("0") NONE INT("6")
	                TUPLE(TEXT("1") INT("3") INT("4"))) "Q.",
	  HEFT_E_CORRUPT, "past its storage" },
	{ TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") TEXT("0") NONE INT("6")
	                TUPLE(TEXT("1") INT("3"))) "Q.",
	  HEFT_E_CORRUPT, "a part" },
	/* Y2-2 */
	{ V2(F6, "0", INT("7"), INT("1")), HEFT_E_CORRUPT, "past its storage" },
	{ V2(F6, "1", INT("6"), INT("1")), HEFT_E_CORRUPT, "past its storage" },
	{ V2(F6, "6", "", ""), HEFT_E_CORRUPT, "past its storage" },
	{ V2(F6, "0", INT("2") INT("3"), INT("4") INT("1")), HEFT_E_CORRUPT, "past its storage" },
	{ V2(F6, "9223372036854775807", INT("2"), INT("9223372036854775807")), HEFT_E_CORRUPT,
	  "past its storage" },
	{ V2(F6, "0", INT("5") INT("2"), INT("9223372036854775807") INT("1")), HEFT_E_CORRUPT,
	  "past its storage" },
	{ V2(F6, "4611686018427387904", "", ""), HEFT_E_CORRUPT, "past its storage" },
	{ V2(F6, "-1", INT("2"), INT("1")), HEFT_E_CORRUPT, "offset" },
	{ V2(F6, "0", INT("-2"), INT("1")), HEFT_E_CORRUPT, "size" },
	{ V2(F6, "0", INT("2"), INT("-1")), HEFT_E_CORRUPT, "stride" },
	{ V2(F6, "0", INT("2"), ""), HEFT_E_CORRUPT, "one length" },
	{ V2(F6, "0", TEXT("2"), INT("1")), HEFT_E_CORRUPT, "size" },
	{ V2(F6, "0", INT("3037000500") INT("3037000500"), INT("0") INT("0")), HEFT_E_CORRUPT,
	  "2^63" },
	{ V2(STORAGE("ComplexDouble", "0", "1"), "0", INT("576460752303423488"), INT("0")),
	  HEFT_E_CORRUPT, "2^63" },
#define ONES INT("1") INT("1") INT("1") INT("1") INT("1") INT("1") INT("1") INT("1")
	{ V2(F6, "0", ONES ONES ONES ONES INT("1"), ONES ONES ONES ONES INT("1")), HEFT_E_LIMIT,
	  "rank" },
	{ ONE(CALL("torch._utils", "_rebuild_tensor_v2", F6 INT("0") INT("2") INT("1"))),
	  HEFT_E_CORRUPT, "no tuple" },
	/* Y2-3 */
	{ STORAGE("QUInt4x2", "0", "2") ".", HEFT_E_UNSUPPORTED, "torch.QUInt4x2Storage" },
	{ TUPLE(TEXT("storage") GLOBAL("own", "FloatStorage") TEXT("0") NONE INT("1")) "Q.",
	  HEFT_E_UNSUPPORTED, "own.FloatStorage" },
	{ V2(STORAGE("Untyped", "0", "6"), "0", INT("6"), INT("1")), HEFT_E_CORRUPT, "no dtype" },
	{ ONE(REBUILD("_rebuild_tensor_v3", STORAGE("Untyped", "0", "6"), "0", INT("1"), INT("1"),
	              NO HOOKS GLOBAL("torch", "complex32"))),
	  HEFT_E_UNSUPPORTED, "complex32" },
	{ ONE(REBUILD("_rebuild_tensor_v3", STORAGE("Untyped", "0", "6"), "0", INT("1"), INT("1"),
	              NO HOOKS INT("5"))),
	  HEFT_E_CORRUPT, "dtype" },
	{ ONE(REBUILD("_rebuild_tensor_v3", STORAGE("Untyped", "0", "6"), "0", "", "",
	              NO HOOKS GLOBAL("torch", "float4_e2m1fn_x2"))),
	  HEFT_E_UNSUPPORTED, "pair" },
	{ ONE(REBUILD("_rebuild_tensor_v2", F6, "0", INT("1"), INT("1"),
	              NO HOOKS DICT(TEXT("conj") YES))),
	  HEFT_E_UNSUPPORTED, "conjugated" },
	{ ONE(REBUILD("_rebuild_tensor_v3", F6, "0", INT("1"), INT("1"),
	              NO HOOKS GLOBAL("torch", "float32") DICT(TEXT("neg") YES))),
	  HEFT_E_UNSUPPORTED, "negated" },
	{ ONE(CALL("torch._utils", "_rebuild_device_tensor_from_cpu_tensor",
	           VECTOR("0") GLOBAL("torch", "float64") TEXT("xla:0") NO)),
	  HEFT_E_UNSUPPORTED, "another dtype" },
	{ ONE(CALL("torch._utils", "_rebuild_device_tensor_from_numpy", INT("1"))),
	  HEFT_E_UNSUPPORTED, "_rebuild_device_tensor_from_numpy" },
	{ ONE(CALL("torch.jit._pickle", "build_tensor_from_id", INT("1"))), HEFT_E_UNSUPPORTED,
	  "build_tensor_from_id" },
	/* Y2-4 */
	{ V2(STORAGE("QInt8", "0", "6"), "0", INT("1"), INT("1")), HEFT_E_UNSUPPORTED, "scale" },
	{ ONE(REBUILD("_rebuild_qtensor", F6, "0", INT("1"), INT("1"),
	              TUPLE(GLOBAL("torch", "per_tensor_affine") FLOAT("0.5") INT("3")))),
	  HEFT_E_UNSUPPORTED, "scale" },
	{ ONE(REBUILD("_rebuild_qtensor", STORAGE("QInt8", "0", "6"), "0", INT("1"), INT("1"),
	              TUPLE(GLOBAL("torch", "per_tensor_symmetric") FLOAT("0.5") INT("3")))),
	  HEFT_E_UNSUPPORTED, "quantised" },
	{ ONE(REBUILD("_rebuild_qtensor", STORAGE("QInt8", "0", "6"), "0", INT("1"), INT("1"),
	              TUPLE(GLOBAL("torch", "per_tensor_affine") INT("1") INT("3")))),
	  HEFT_E_CORRUPT, "scale" },
	{ ONE(REBUILD("_rebuild_qtensor", STORAGE("QInt8", "0", "6"), "0", INT("1"), INT("1"),
	              TUPLE(GLOBAL("torch", "per_channel_affine") VECTOR("1") INT("3") INT("0")))),
	  HEFT_E_CORRUPT, "zero_points" },
	{ ONE(REBUILD("_rebuild_qtensor", STORAGE("QInt8", "0", "6"), "0", INT("1"), INT("1"),
	              TUPLE(GLOBAL("torch", "per_channel_affine") VECTOR("1") VECTOR("2")))),
	  HEFT_E_CORRUPT, "axis" },
	/* Y2-5 */
	{ ONE(CALL("torch._utils", "_rebuild_sparse_tensor", GLOBAL("torch", "strided") TUPLE(""))),
	  HEFT_E_UNSUPPORTED, "sparse" },
	{ ONE(CALL("torch._utils", "_rebuild_sparse_tensor",
	           GLOBAL("torch", "sparse_coo") TUPLE(VECTOR("0") VECTOR("1")))),
	  HEFT_E_CORRUPT, "parts" },
	{ ONE(CALL("torch._utils", "_rebuild_sparse_tensor",
	           GLOBAL("torch", "sparse_coo") TUPLE(VECTOR("0") INT("1") TUPLE(INT("9"))))),
	  HEFT_E_CORRUPT, "values" },
	{ ONE(CALL("torch._utils", "_rebuild_sparse_tensor",
	           GLOBAL("torch", "sparse_coo") TUPLE(VECTOR("0") VECTOR("1") INT("9")))),
	  HEFT_E_CORRUPT, "size" },
	/* Y3-7 */
	{ DICT(TEXT("a\\ud800") VECTOR("0")) ".", HEFT_E_UNSUPPORTED, "UTF-8" },
	{ DICT(TEXT("a\\u0000") VECTOR("0")) ".", HEFT_E_UNSUPPORTED, "NUL" },
};

START_TEST(Y2_what_is_malformed_or_unknown_is_refused_at_its_place)
{
	refuse(refusals[_i].pickle, refusals[_i].status, refusals[_i].what);
}
END_TEST

START_TEST(Y2_2_a_view_keeps_its_offset_and_strides)
{
	static const char pickle[] = TUPLE(
		VIEW(STORAGE("Half", "x", "12"), "1", INT("2") INT("3"), INT("1") INT("4"))
			VIEW(STORAGE("Half", "x", "12"), "0", INT("3") INT("4"), INT("4") INT("1"))
				VIEW(STORAGE("Half", "x", "12"), "3", INT("5") INT("1"),
	                             INT("0") INT("9"))
					VIEW(STORAGE("Half", "x", "12"), "11", "", "")
						VIEW(STORAGE("Half", "x", "12"), "99",
	                                             INT("0") INT("7"), INT("7") INT("1"))) ".";
	struct heft_torch_model m;
	struct heft_error err;

	ck_assert_int_eq(collect(pickle, NULL, NULL, &m, &err), HEFT_OK);
	ck_assert_uint_eq(m.n_storages, 1);
	ck_assert_str_eq(m.storages[0].key, "x");
	ck_assert_uint_eq(m.storages[0].n_bytes, 24);
	ck_assert_uint_eq(m.storages[0].dtype, HEFT_DTYPE_F16);
	ck_assert_uint_eq(m.views[0].offset, 2);
	ck_assert_uint_eq(m.strides[m.views[0].strides_at], 1);
	ck_assert_uint_eq(m.strides[m.views[0].strides_at + 1], 4);
	ck_assert(!m.views[0].is_contiguous);
	ck_assert(m.views[1].is_contiguous);
	ck_assert(!m.views[2].is_contiguous);
	ck_assert(m.views[3].is_contiguous);
	ck_assert_uint_eq(m.views[3].offset, 22);
	ck_assert_uint_eq(m.views[4].storage, HEFT_TORCH_NO_STORAGE);
	heft_torch_model_done(&m);
}
END_TEST

START_TEST(Y2_1_a_part_of_a_storage_of_an_old_file_counts_from_the_root)
{
	static const char pickle[] = LIST(
		VIEW(TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") TEXT("root") TEXT("cpu")
	                           INT("9") TUPLE(TEXT("part") INT("4") INT("3"))) "Q",
	             "1", INT("2"), INT("1"))) ".";
	static const char past[] = LIST(
		VIEW(TUPLE(TEXT("storage") GLOBAL("torch", "FloatStorage") TEXT("root") TEXT("cpu")
	                           INT("9") TUPLE(TEXT("part") INT("4") INT("3"))) "Q",
	             "2", INT("2"), INT("1"))) ".";
	struct heft_torch_model m;
	struct heft_error err;

	ck_assert_int_eq(collect(pickle, NULL, NULL, &m, &err), HEFT_OK);
	ck_assert_str_eq(m.storages[0].key, "root");
	ck_assert_uint_eq(m.storages[0].n_bytes, 36);
	ck_assert_uint_eq(m.views[0].offset, 20);
	heft_torch_model_done(&m);
	refuse(past, HEFT_E_CORRUPT, "past its storage");
}
END_TEST

struct dtype_row {
	const char *storage;
	const char *name; /* torch's, for _v3; NULL: the class says it */
	const char *told;
};

static const struct dtype_row dtypes[] = {
	{ "Float", NULL, "F32[2]" },
	{ "Double", NULL, "F64[2]" },
	{ "Half", NULL, "F16[2]" },
	{ "BFloat16", NULL, "BF16[2]" },
	{ "Long", NULL, "I64[2]" },
	{ "Int", NULL, "I32[2]" },
	{ "Short", NULL, "I16[2]" },
	{ "Char", NULL, "I8[2]" },
	{ "Byte", NULL, "U8[2]" },
	{ "Bool", NULL, "BOOL[2]" },
	{ "ComplexFloat", NULL, "C64[2]" },
	{ "ComplexDouble", NULL, "C128[2]" },
	{ "Untyped", "uint16", "U16[2]" },
	{ "Untyped", "uint32", "U32[2]" },
	{ "Untyped", "uint64", "U64[2]" },
	{ "Untyped", "float8_e4m3fn", "F8_E4M3[2]" },
	{ "Untyped", "float8_e5m2", "F8_E5M2[2]" },
	{ "Untyped", "float8_e4m3fnuz", "F8_E4M3FNUZ[2]" },
	{ "Untyped", "float8_e5m2fnuz", "F8_E5M2FNUZ[2]" },
	{ "Untyped", "float8_e8m0fnu", "F8_E8M0[2]" },
	{ "Untyped", "float4_e2m1fn_x2", "F4[4]" },
	{ "_Untyped", "bfloat16", "BF16[2]" },
	{ "Float", "float", "F32[2]" },
};

START_TEST(Y2_3_every_dtype_has_its_name)
{
	const struct dtype_row *row = &dtypes[_i];
	char pickle[512];
	char told[64];

	snprintf(pickle, sizeof pickle,
	         GLOBAL("torch._utils", "%s") "(" TUPLE(TEXT("storage") GLOBAL("torch", "%sStorage")
	                                                        TEXT("0") TEXT("cpu")
	                                                                INT("64")) "Q" INT("0")
	                 TUPLE(INT("2")) TUPLE(INT("1")) NO HOOKS "%s%s%stR.",
	         row->name ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2", row->storage,
	         row->name ? "ctorch\n" : "", row->name ? row->name : "", row->name ? "\n" : "");
	snprintf(told, sizeof told, "tensor %s", row->told);
	check(pickle, NULL, told, "{}");
}
END_TEST

#define Q(params) \
	REBUILD("_rebuild_qtensor", STORAGE("QInt8", "0", "6"), "0", INT("2"), INT("1"), params)

START_TEST(Y2_4_a_quantised_tensor_has_its_scales_beside_it)
{
	check(ONE(Q(TUPLE(GLOBAL("torch", "per_tensor_affine") FLOAT("0.1") INT("3")))), NULL,
	      "w I8[2]",
	      "{\"heft.quantized\":{\"w\":{\"scheme\":\"per_tensor_affine\",\"dtype\":\"qint8\","
	      "\"scale\":0.1,\"zero_point\":3}}}");
	check(ONE(Q(TUPLE(GLOBAL("torch", "per_channel_affine") VECTOR("1") VECTOR("2") INT("0")))),
	      NULL, "w I8[2] w.scales F32[2] w.zero_points F32[2]",
	      "{\"heft.quantized\":{\"w\":{\"scheme\":\"per_channel_affine\",\"dtype\":\"qint8\","
	      "\"axis\":0}}}");
}
END_TEST

START_TEST(Y2_5_a_sparse_tensor_is_its_parts)
{
	check(ONE(SPARSE("sparse_coo", VECTOR("0") VECTOR("1") SIZE YES)), NULL,
	      "w.indices F32[2] w.values F32[2]",
	      "{\"heft.sparse\":{\"w\":{\"layout\":\"sparse_coo\",\"dims\":[4,5],"
	      "\"coalesced\":true}}}");
	check(ONE(SPARSE("sparse_csr", VECTOR("0") VECTOR("1") VECTOR("2") SIZE)), NULL,
	      "w.crow_indices F32[2] w.col_indices F32[2] w.values F32[2]",
	      "{\"heft.sparse\":{\"w\":{\"layout\":\"sparse_csr\",\"dims\":[4,5]}}}");
	check(ONE(SPARSE("sparse_bsc", VECTOR("0") VECTOR("1") VECTOR("2") SIZE)), NULL,
	      "w.ccol_indices F32[2] w.row_indices F32[2] w.values F32[2]",
	      "{\"heft.sparse\":{\"w\":{\"layout\":\"sparse_bsc\",\"dims\":[4,5]}}}");
}
END_TEST

START_TEST(Y2_6_the_same_look_into_a_storage_is_a_tie)
{
	check(TUPLE(VIEW(F6, "0", INT("2") INT("3"),
	                 INT("3") INT("1")) VIEW(F6, "0", INT("3") INT("2"), INT("2") INT("1"))
	                    VIEW(F6, "0", INT("2") INT("3"),
	                         INT("3") INT("1")) VIEW(F6, "0", INT("2") INT("3"),
	                                                 INT("1") INT("2")) VIEW(F6, "1",
	                                                                         INT("1") INT("3"),
	                                                                         INT("3") INT("1"))
	                            VIEW(F6, "1", INT("1") INT("3"), INT("9") INT("1"))
	                                    VIEW(F6, "1", INT("1") INT("2"), INT("3") INT("1"))
	                                            VIEW(F6, "0", INT("0"), INT("1"))
	                                                    VIEW(F6, "0", INT("0"), INT("1"))) ".",
	      NULL,
	      "0 F32[2,3] 1 F32[3,2] 2 F32[2,3]=0 3 F32[2,3] 4 F32[1,3] 5 F32[1,3]=4 6 F32[1,2] "
	      "7 F32[0] 8 F32[0]",
	      "{}");
}
END_TEST

static Suite *torch_tensor_suite(void)
{
	Suite *s = suite_create("format_torch_tensor");
	TCase *tc = tcase_create("values");

	tcase_add_loop_test(tc, Y2_1_every_call_that_makes_a_tensor_is_known, 0, N_ROWS(rebuilt));
	tcase_add_loop_test(tc, Y2_what_is_malformed_or_unknown_is_refused_at_its_place, 0,
	                    N_ROWS(refusals));
	tcase_add_test(tc, Y2_2_a_view_keeps_its_offset_and_strides);
	tcase_add_test(tc, Y2_1_a_part_of_a_storage_of_an_old_file_counts_from_the_root);
	tcase_add_loop_test(tc, Y2_3_every_dtype_has_its_name, 0, N_ROWS(dtypes));
	tcase_add_test(tc, Y2_4_a_quantised_tensor_has_its_scales_beside_it);
	tcase_add_test(tc, Y2_5_a_sparse_tensor_is_its_parts);
	tcase_add_test(tc, Y2_6_the_same_look_into_a_storage_is_a_tie);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(torch_tensor_suite());
}
