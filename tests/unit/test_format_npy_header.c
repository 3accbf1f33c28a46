/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_npy_header.c - which headers of arrays are refused and where, and what the types
 * become. */
#include <fcntl.h>
#include <unistd.h>

#include "npy_file.h"

#define MAX_TEXT 8192u

/* --- refused --- */

#define ONES_32 "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
#define FIELD(field) NPY_LIST("[" field "]", "False", "()")
/* Four levels each. */
#define TUPLES_4(t) "((((" t ",(1,)),(1,)),(1,)),(1,))"
#define LISTS_4(t) "[('a',[('a',[('a',[('a'," t ")])])])]"

/* In a header '^' stands before the byte whose offset is told. 16 bytes of data follow. */
static const struct refused {
	const char *rule;
	const char *text;
	enum heft_status code;
} refused[] = {
	{ "N3-1", "^[]", HEFT_E_CORRUPT },
	{ "N3-1", "^", HEFT_E_CORRUPT },
	{ "N3-1", "^None", HEFT_E_CORRUPT },
	{ "N3-1", "{^}", HEFT_E_CORRUPT },
	{ "N3-1", "{'fortran_order': False, 'shape': ()^}", HEFT_E_CORRUPT },
	{ "N3-1", "{'descr': '<f4', 'shape': ()^}", HEFT_E_CORRUPT },
	{ "N3-1", "{'descr': '<f4', 'fortran_order': False^}", HEFT_E_CORRUPT },
	{ "N3-1", "{'descr': '<f4',^ 'descr': '<f4'}", HEFT_E_CORRUPT },
	{ "N3-1", "{'descr': '<f4', 'shape': (),^ 'shape': ()}", HEFT_E_CORRUPT },
	{ "N3-1", "{^'other': 1, 'descr': '<f4'}", HEFT_E_CORRUPT },
	{ "N3-1", "{'descr'^ '<f4'}", HEFT_E_CORRUPT },
	{ "N3-1", "{^1: 2}", HEFT_E_CORRUPT },
	{ "N3-2", NPY_TEXT("<f4", "False", "()") " ^x", HEFT_E_CORRUPT },
	{ "N3-2", NPY_TEXT("<f4", "False", "()") "^{}", HEFT_E_CORRUPT },
	{ "N3-2", "{'descr': '<f4'^ 'shape': ()}", HEFT_E_CORRUPT },
	{ "N3-2", "{'descr': '<f4',^, 'shape': ()}", HEFT_E_CORRUPT },
	{ "N3-2", "{'descr': '<f4', 'shape': ()^", HEFT_E_CORRUPT },
	{ "N3-2", "^\f{'descr': '<f4'}", HEFT_E_CORRUPT },
	{ "N3-2", FIELD("('a','<f4')^ ('b','<f4')"), HEFT_E_CORRUPT },
	{ "N3-2", "{'descr': '<f4', 'fortran_order': False, 'shape': (2^ 2)}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr^", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4\\^q'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4\\x4^g'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4\\ud800^'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4\\U00110000^'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4^\n'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': ^b'<f4'}", HEFT_E_CORRUPT },
	{ "N3-3", "{'descr': '<f4'^ '<f4'}", HEFT_E_CORRUPT },
	{ "N3-5", NPY_TEXT("<f4", "^0", "()"), HEFT_E_CORRUPT },
	{ "N3-5", NPY_TEXT("<f4", "^false", "()"), HEFT_E_CORRUPT },
	{ "N3-5", NPY_TEXT("<f4", "^Falsehood", "()"), HEFT_E_CORRUPT },
	{ "N3-5", NPY_TEXT("<f4", "^None", "()"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "^1"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(1)^"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "^[1]"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(1,^,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^-1,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^+1,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^01,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^0x1,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^1_0,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^1LL,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(1^.0,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^True,)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^(1,),)"), HEFT_E_CORRUPT },
	{ "N3-6", NPY_TEXT("<f4", "False", "(^18446744073709551616,)"), HEFT_E_LIMIT },
	{ "N3-6", NPY_TEXT("<f4", "False", "^(18446744073709551615,)"), HEFT_E_LIMIT },
	{ "N3-6", NPY_TEXT("<f4", "False", "^(4294967296, 4294967296)"), HEFT_E_LIMIT },
	{ "N3-6", NPY_TEXT("<f4", "False", "^(4294967296, 0, 4294967296)"), HEFT_E_LIMIT },
	{ "N3-6", NPY_TEXT("<f8", "False", "^(4611686018427387904,)"), HEFT_E_LIMIT },
	{ "N3-6", NPY_TEXT("|u1", "False", "(" ONES_32 "^1)"), HEFT_E_LIMIT },
	{ "N3-6", "{'descr': ^1, 'shape': ()}", HEFT_E_CORRUPT },
	{ "N3-6", "{'descr': ^{}, 'shape': ()}", HEFT_E_CORRUPT },
	{ "N3-6", "{'descr': ^('<f4', (2,)), 'shape': ()}", HEFT_E_CORRUPT },
	{ "N4-3", NPY_LIST("^'V2147483648'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-3", NPY_LIST("^'S99999999999999999999'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-3", NPY_LIST("^'S01'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-5", NPY_LIST("^'|O'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-5", NPY_LIST("^'O8'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-5", FIELD("('a','<f4'),('b',^'|O')"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^''", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<<f4'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<f5'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<F4'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<f4 '", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'bfloat16'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'\\x00f4'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<M9[s]'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N4-7", NPY_LIST("^'<M8[s'", "False", "()"), HEFT_E_UNSUPPORTED },
	{ "N5-1", FIELD("^'a'"), HEFT_E_CORRUPT },
	{ "N5-1", FIELD("(^1,'<f4')"), HEFT_E_CORRUPT },
	{ "N5-1", FIELD("('a'^)"), HEFT_E_CORRUPT },
	{ "N5-1", FIELD("('a','<f4',^3)"), HEFT_E_CORRUPT },
	{ "N5-1", FIELD("('a','<f4',(3,),^4)"), HEFT_E_CORRUPT },
	{ "N5-1", FIELD("('a',('<f4'^))"), HEFT_E_CORRUPT },
	{ "N5-1", "{'descr': [('a','<f4'),^ 'shape': ()}", HEFT_E_CORRUPT },
	{ "N5-2", NPY_LIST("[('a',^'|u1',(2,))]", "False", "(" ONES_32 ")"), HEFT_E_LIMIT },
	{ "N5-3", FIELD("^('','<f4')"), HEFT_E_UNSUPPORTED },
	{ "N5-3", FIELD("(('t',^1),'<f4')"), HEFT_E_CORRUPT },
	{ "N5-4", FIELD("('a','<f4'),('a',^'<f4')"), HEFT_E_CORRUPT },
	{ "N5-4", FIELD("('a.b','<f4'),('a',[('b',^'<f4')])"), HEFT_E_CORRUPT },
	{ "N5-4", FIELD("('a\\x00',^'<f4')"), HEFT_E_UNSUPPORTED },
};

START_TEST(a_header_that_breaks_a_rule_is_refused_at_its_place)
{
	const struct refused *r = &refused[_i];
	const char *mark = strchr(r->text, '^');
	const uint64_t off = mark ? 10 + (uint64_t)(mark - r->text) : 0;
	char text[MAX_TEXT];
	struct npy_opened o;

	ck_assert_ptr_nonnull(mark);
	snprintf(text, sizeof text, "%.*s%s", (int)(mark - r->text), r->text, mark + 1);
	/* What stands behind the mark may be white space before the token at fault. */
	ck_assert_msg(npy_open(&o, 1, text, 16, NULL) == r->code, "%s: %s: %s", r->rule, text,
	              o.err.msg);
	ck_assert_int_eq(o.err.code, r->code);
	ck_assert_msg(o.err.offset == off + strspn(mark + 1, " \n") || o.err.offset == off,
	              "%s: %s: %s at %llu", r->rule, text, o.err.msg,
	              (unsigned long long)o.err.offset);
	ck_assert_ptr_null(o.st);
	npy_done(&o);
}
END_TEST

/* One level for each '[' of a record, '(' of a type with a shape, and the type inside. */
START_TEST(types_nest_sixteen_deep_and_no_deeper)
{
	static const char *const texts[] = {
		/* N5-1 */
		NPY_LIST(LISTS_4(LISTS_4(TUPLES_4(TUPLES_4("'<f4'")))), "False", "()"),
		NPY_LIST(LISTS_4(LISTS_4(LISTS_4(LISTS_4("'<f4'")))), "False", "()"),
		NPY_LIST(LISTS_4(LISTS_4(TUPLES_4(TUPLES_4("('<f4',(1,))")))), "False", "()"),
	};
	struct npy_opened o;

	ck_assert_int_eq(npy_open(&o, 1, texts[_i], 16, NULL), _i < 2 ? HEFT_OK : HEFT_E_LIMIT);
	npy_done(&o);
}
END_TEST

START_TEST(a_header_of_brackets_is_refused_without_going_deep)
{
	char *text = malloc(60001);
	struct npy_opened o;

	ck_assert_ptr_nonnull(text);
	memset(text, _i ? '(' : '[', 60000);
	text[60000] = '\0';
	memcpy(text, "{'descr':", 9);
	ck_assert_int_ne(npy_open(&o, 1, text, 0, NULL), HEFT_OK);
	npy_done(&o);
	free(text);
}
END_TEST

/* A prefix, how large the file is, and where it is at fault. */
static const struct prefix {
	const char *rule;
	const char *bytes;
	size_t n;
	off_t file_size;
	enum heft_status code;
	uint64_t off;
} prefixes[] = {
	{ "N2-1", "", 0, 0, HEFT_E_CORRUPT, 0 },
	{ "N2-1", "\x93NUMPY\1\0\0", 9, 9, HEFT_E_CORRUPT, 9 },
	{ "N2-1", "\x93NUMPY\2\0\0\0", 10, 11, HEFT_E_CORRUPT, 11 },
	{ "N2-1", "\x93NUMPX\1\0\0\0", 10, 10, HEFT_E_CORRUPT, 0 },
	{ "N2-2", "\x93NUMPY\0\0\0\0", 10, 10, HEFT_E_UNSUPPORTED, 6 },
	{ "N2-2", "\x93NUMPY\4\0\0\0", 10, 10, HEFT_E_UNSUPPORTED, 6 },
	{ "N2-2", "\x93NUMPY\1\1\0\0", 10, 10, HEFT_E_UNSUPPORTED, 6 },
	{ "N2-3", "\x93NUMPY\1\0\2\0{", 11, 11, HEFT_E_CORRUPT, 8 },
	{ "N2-3", "\x93NUMPY\2\0\xff\xff\xff\xff{", 13, 4096, HEFT_E_CORRUPT, 8 },
	{ "N2-3", "\x93NUMPY\3\0\1\0\x10\0{", 13, 1 << 21, HEFT_E_LIMIT, 8 },
	{ "N3-1", "\x93NUMPY\3\0\0\0\x10\0", 12, 1 << 21, HEFT_E_CORRUPT, 12 },
	{ "N3-1", "\x93NUMPY\1\0\0\0", 10, 10, HEFT_E_CORRUPT, 10 },
};

START_TEST(a_begin_that_cannot_be_is_refused)
{
	const struct prefix *p = &prefixes[_i];
	struct npy_opened o;
	int fd;

	memset(&o, 0, sizeof o);
	scratch_init(&o.scratch);
	scratch_write(scratch_path(&o.scratch, "a"), p->bytes, p->n);
	fd = open(o.scratch.paths[0], O_RDWR);
	ck_assert_int_eq(ftruncate(fd, p->file_size), 0);
	o.f = heft_format_by_name("npy");
	ck_assert_int_eq(heft_source_open_fd(fd, true, &o.src, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->open(o.src, "a", NULL, &o.st, &o.err), p->code);
	ck_assert_msg(o.err.offset == p->off, "%s: %s at %llu", p->rule, o.err.msg,
	              (unsigned long long)o.err.offset);
	npy_done(&o);
}
END_TEST

START_TEST(data_that_is_cut_short_is_refused_at_the_end)
{
	const char *text = NPY_TEXT("<f4", "False", "(2, 2)");
	struct npy_opened o;

	/* N2-4 */
	ck_assert_int_eq(npy_open(&o, 1, text, 15, NULL), HEFT_E_CORRUPT);
	ck_assert_uint_eq(o.err.offset, 10 + strlen(text) + 15);
	npy_done(&o);
	ck_assert_int_eq(npy_open(&o, 1, NPY_TEXT("<f4", "False", "(1152921504606846976,)"), 15,
	                          NULL),
	                 HEFT_E_CORRUPT);
	npy_done(&o);
}
END_TEST

/* --- taken --- */

static const struct taken {
	uint8_t version;
	const char *text;
	const char *name; /* of the first tensor */
} taken[] = {
	/* N3-1 N3-2 N3-3 N3-4 N3-6 */
	{ 1, NPY_TEXT("<f4", "False", "(1,)"), "arr_0" },
	{ 2, NPY_TEXT("<f4", "False", "(1,)"), "arr_0" },
	{ 3, NPY_TEXT("<f4", "False", "(1,)"), "arr_0" },
	{ 1, "{\"shape\":(1,),\"fortran_order\":True,\"descr\":\"f4\"}\n", "arr_0" },
	{ 1, " \t\n\r{ 'shape' : ( 1 , ) , 'descr' : '<f4' , 'fortran_order' : False } \n\n",
	  "arr_0" },
	{ 1, NPY_TEXT("<f4", "False", "(1L, 1L)"), "arr_0" },
	{ 1, NPY_TEXT("<f4", "False", "()"), "arr_0" },
	{ 1, NPY_LIST("u'<f4'", "False", "(1, 1)"), "arr_0" },
	{ 1, NPY_TEXT("<f4", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
	  "arr_0" },
	{ 1, FIELD("('a\\'\\\"\\\\\\n\\r\\t\\x7e\\u20ac\\U0001f600','<f4')"),
	  "arr_0.a'\"\\\n\r\t~\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ 1, FIELD("('\xe9','<f4')"), "arr_0.\xc3\xa9" },
	{ 2, FIELD("('\xe9','<f4')"), "arr_0.\xc3\xa9" },
	{ 3, FIELD("('\xc3\xa9','<f4')"), "arr_0.\xc3\xa9" },
	{ 1, FIELD("(u'a',u'<f4',),"), "arr_0.a" },
	{ 1, FIELD("(('a title', 'a'), '<f4')"), "arr_0.a" },
	{ 1, FIELD("('a', [('b', [('c', '<f4')])])"), "arr_0.a.b.c" },
	{ 1, FIELD("('', '|V3'), ('a', '|u1')"), "arr_0.a" },
	{ 1, FIELD("('', '|i1', (3,)), ('a', '|u1')"), "arr_0.a" },
};

START_TEST(a_header_in_any_of_its_forms_is_read)
{
	const struct taken *k = &taken[_i];
	struct npy_opened o;

	ck_assert_msg(npy_open(&o, k->version, k->text, 4, NULL) == HEFT_OK, "%s: %s", k->text,
	              o.err.msg);
	ck_assert_str_eq(npy_tensor(&o, 0).name, k->name);
	npy_done(&o);
}
END_TEST

START_TEST(a_header_of_version_3_is_utf8)
{
	struct npy_opened o;

	/* N3-4 */
	ck_assert_int_eq(npy_open(&o, 3, FIELD("('\xe9','<f4')"), 4, NULL), HEFT_E_CORRUPT);
	ck_assert_uint_eq(o.err.offset, 12 + (size_t)(strchr(FIELD("('\xe9','<f4')"), 0xe9) -
	                                              FIELD("('\xe9','<f4')")));
	npy_done(&o);
}
END_TEST

/* --- types --- */

static const struct type {
	const char *text;
	enum heft_dtype dtype;
	uint64_t size;
	uint8_t transform;
} types[] = {
	/* N4-1 N4-2 N4-4 */
	{ "|b1", HEFT_DTYPE_BOOL, 1, 0 },
	{ "|i1", HEFT_DTYPE_I8, 1, 0 },
	{ ">i1", HEFT_DTYPE_I8, 1, 0 },
	{ "<i2", HEFT_DTYPE_I16, 2, 0 },
	{ ">i2", HEFT_DTYPE_I16, 2, HEFT_TRANSFORM_SWAPPED },
	{ "=i4", HEFT_DTYPE_I32, 4, 0 },
	{ "|i4", HEFT_DTYPE_I32, 4, 0 },
	{ "i4", HEFT_DTYPE_I32, 4, 0 },
	{ ">i4", HEFT_DTYPE_I32, 4, HEFT_TRANSFORM_SWAPPED },
	{ "<i8", HEFT_DTYPE_I64, 8, 0 },
	{ "|u1", HEFT_DTYPE_U8, 1, 0 },
	{ "<u2", HEFT_DTYPE_U16, 2, 0 },
	{ "<u4", HEFT_DTYPE_U32, 4, 0 },
	{ "<u8", HEFT_DTYPE_U64, 8, 0 },
	{ "<f2", HEFT_DTYPE_F16, 2, 0 },
	{ ">f2", HEFT_DTYPE_F16, 2, HEFT_TRANSFORM_SWAPPED },
	{ "<f4", HEFT_DTYPE_F32, 4, 0 },
	{ "<f8", HEFT_DTYPE_F64, 8, 0 },
	{ ">f8", HEFT_DTYPE_F64, 8, HEFT_TRANSFORM_SWAPPED },
	{ "<c8", HEFT_DTYPE_C64, 8, 0 },
	{ ">c16", HEFT_DTYPE_C128, 16, HEFT_TRANSFORM_SWAPPED },
	{ "|S3", HEFT_DTYPE_STR, 3, 0 },
	{ ">S3", HEFT_DTYPE_STR, 3, 0 },
	{ "<U3", HEFT_DTYPE_UCS4, 12, 0 },
	{ ">U3", HEFT_DTYPE_UCS4, 12, HEFT_TRANSFORM_SWAPPED },
	{ "|V5", HEFT_DTYPE_VOID, 5, 0 },
	{ ">V2", HEFT_DTYPE_VOID, 2, 0 },
	{ "<M8[ns]", HEFT_DTYPE_VOID, 8, 0 },
	{ ">M8[25s]", HEFT_DTYPE_VOID, 8, 0 },
	{ "<m8", HEFT_DTYPE_VOID, 8, 0 },
	{ "<f16", HEFT_DTYPE_VOID, 16, 0 },
	{ ">f12", HEFT_DTYPE_VOID, 12, 0 },
	{ "<c32", HEFT_DTYPE_VOID, 32, 0 },
	{ "<c24", HEFT_DTYPE_VOID, 24, 0 },
};

START_TEST(every_type_has_its_dtype)
{
	const struct type *y = &types[_i];
	struct heft_place place;
	struct heft_tensor t;
	struct npy_opened o;
	char text[256];

	snprintf(text, sizeof text, NPY_TEXT("%s", "False", "(3,)"), y->text);
	ck_assert_int_eq(npy_open(&o, 1, text, 3 * y->size, NULL), HEFT_OK);
	t = npy_tensor(&o, 0);
	ck_assert_int_eq(t.dtype, y->dtype);
	ck_assert_uint_eq(t.n_bytes, 3 * y->size);
	ck_assert_uint_eq(t.n_elements, 3);
	ck_assert_int_eq(t.space, HEFT_SPACE_WEIGHTS);
	ck_assert_uint_eq(t.tie, t.index); /* N1-3 */
	ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL), HEFT_OK);
	ck_assert_uint_eq(place.transform, y->transform);
	ck_assert_uint_eq(place.off, 10 + strlen(text));
	npy_done(&o);
}
END_TEST

START_TEST(elements_of_no_bytes_make_a_tensor_of_no_bytes)
{
	static const char *const names[] = { "|S0", "<U0", "|V0", "S", "U", "V" };
	struct npy_opened o;
	struct heft_tensor t;
	char text[256];

	/* N4-3 */
	snprintf(text, sizeof text, NPY_TEXT("%s", "True", "(3, 2)"), names[_i]);
	ck_assert_int_eq(npy_open(&o, 1, text, 0, NULL), HEFT_OK);
	t = npy_tensor(&o, 0);
	ck_assert_uint_eq(t.n_elements, 6);
	ck_assert_uint_eq(t.n_bytes, 0);
	ck_assert_int_eq(o.f->read(o.st, 0, 0, text, 0, NULL), HEFT_OK);
	npy_done(&o);
}
END_TEST

/* --- assumptions (N4-6) --- */

static const struct assumed {
	const char *text;
	struct heft_assume assumes[2];
	enum heft_status code;
	enum heft_dtype dtype;
	uint8_t transform;
} assumed[] = {
	{ "|V2",
	  { { "V2", HEFT_DTYPE_BF16 }, { "V2", HEFT_DTYPE_F16 } },
	  HEFT_OK,
	  HEFT_DTYPE_BF16,
	  0 },
	{ "<V1",
	  { { "V2", HEFT_DTYPE_BF16 }, { "V1", HEFT_DTYPE_F8_E4M3 } },
	  HEFT_OK,
	  HEFT_DTYPE_F8_E4M3,
	  0 },
	{ "<f1", { { "f1", HEFT_DTYPE_F8_E5M2 }, { "", 0 } }, HEFT_OK, HEFT_DTYPE_F8_E5M2, 0 },
	{ ">u2",
	  { { "u2", HEFT_DTYPE_BF16 }, { "", 0 } },
	  HEFT_OK,
	  HEFT_DTYPE_BF16,
	  HEFT_TRANSFORM_SWAPPED },
	{ ">M8[s]",
	  { { "M8[s]", HEFT_DTYPE_I64 }, { "", 0 } },
	  HEFT_OK,
	  HEFT_DTYPE_I64,
	  HEFT_TRANSFORM_SWAPPED },
	{ "bfloat16", { { "bfloat16", HEFT_DTYPE_BF16 }, { "", 0 } }, HEFT_OK, HEFT_DTYPE_BF16, 0 },
	{ "|V2",
	  { { "V1", HEFT_DTYPE_U8 }, { "v2", HEFT_DTYPE_BF16 } },
	  HEFT_OK,
	  HEFT_DTYPE_VOID,
	  0 },
	{ "|V2", { { "V2", HEFT_DTYPE_F32 }, { "", 0 } }, HEFT_E_USAGE, 0, 0 },
	{ "|V1", { { "V1", HEFT_DTYPE_U4 }, { "", 0 } }, HEFT_E_USAGE, 0, 0 },
	{ "|V18", { { "V18", (enum heft_dtype)0x102 }, { "", 0 } }, HEFT_E_USAGE, 0, 0 },
	{ "x", { { "x", HEFT_DTYPE_NONE }, { "", 0 } }, HEFT_E_USAGE, 0, 0 },
	{ "|O", { { "O", HEFT_DTYPE_U64 }, { "", 0 } }, HEFT_E_UNSUPPORTED, 0, 0 },
};

START_TEST(a_type_is_taken_for_what_the_caller_says)
{
	const struct assumed *a = &assumed[_i];
	const struct heft_open_options options = { .assumes = a->assumes, .n_assumes = 2 };
	struct heft_place place;
	struct npy_opened o;
	char text[256];

	snprintf(text, sizeof text, NPY_TEXT("%s", "False", "(2,)"), a->text);
	ck_assert_msg(npy_open(&o, 1, text, 40, &options) == a->code, "%s", o.err.msg);
	if (a->code == HEFT_OK) {
		ck_assert_int_eq(npy_tensor(&o, 0).dtype, a->dtype);
		ck_assert_int_eq(o.f->locate(o.st, 0, &place, NULL), HEFT_OK);
		ck_assert_uint_eq(place.transform, a->transform);
	} else {
		ck_assert_uint_gt(strlen(o.err.msg), 0);
	}
	npy_done(&o);
}
END_TEST

START_TEST(what_is_refused_says_what_helps)
{
	struct npy_opened o;

	/* N4-5 N4-7 */
	npy_open(&o, 1, NPY_TEXT("|O", "False", "(2,)"), 16, NULL);
	ck_assert_ptr_nonnull(strstr(o.err.msg, "'arr_0'"));
	ck_assert_ptr_nonnull(strstr(o.err.msg, "Python objects"));
	npy_done(&o);
	npy_open(&o, 1, NPY_TEXT("<f1", "False", "(2,)"), 16, NULL);
	ck_assert_ptr_nonnull(strstr(o.err.msg, "--assume f1=DTYPE"));
	npy_done(&o);
}
END_TEST

/* --- fixtures: tests/vectors/make_npy.py --- */

/* Opens the fixture; compares with NAME.expect. */
static void check_fixture(const char *folder, const char *name)
{
	const size_t stem = strlen(name) - strlen(".npy");
	char path[1024];
	char told[64] = "ok ";
	struct npy_opened o;
	char *bytes;
	char *expected;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	bytes = scratch_read(path, &n);
	snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)stem, name);
	expected = scratch_read(path, NULL);
	if (npy_open_bytes(&o, bytes, n, NULL) != HEFT_OK)
		snprintf(told, sizeof told, "%s %llu\n", heft_status_name(o.err.code),
		         (unsigned long long)o.err.offset);
	ck_assert_msg(strncmp(expected, told, strlen(told)) == 0, "%s: %s not %s", name, told,
	              expected);
	npy_done(&o);
	free(expected);
	free(bytes);
}

START_TEST(every_fixture_gives_what_is_expected)
{
	static const char *const folders[] = { "valid", "invalid" };
	const char *fixtures = getenv("FIXTURES");
	unsigned n = 0;
	struct dirent *entry;
	char path[512];
	DIR *folder;

	snprintf(path, sizeof path, "%s/%s", fixtures ? fixtures : "fixtures", folders[_i]);
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		const char *ext = strrchr(entry->d_name, '.');

		if (ext && strcmp(ext, ".npy") == 0) {
			check_fixture(path, entry->d_name);
			n++;
		}
	}
	closedir(folder);
	ck_assert_uint_gt(n, 20);
}
END_TEST

static Suite *npy_header_suite(void)
{
	Suite *s = suite_create("format_npy_header");
	TCase *tc = tcase_create("header");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_header_that_breaks_a_rule_is_refused_at_its_place, 0,
	                    (int)(sizeof refused / sizeof *refused));
	tcase_add_loop_test(tc, types_nest_sixteen_deep_and_no_deeper, 0, 3);
	tcase_add_loop_test(tc, a_header_of_brackets_is_refused_without_going_deep, 0, 2);
	tcase_add_loop_test(tc, a_begin_that_cannot_be_is_refused, 0,
	                    (int)(sizeof prefixes / sizeof *prefixes));
	tcase_add_test(tc, data_that_is_cut_short_is_refused_at_the_end);
	tcase_add_loop_test(tc, a_header_in_any_of_its_forms_is_read, 0,
	                    (int)(sizeof taken / sizeof *taken));
	tcase_add_test(tc, a_header_of_version_3_is_utf8);
	tcase_add_loop_test(tc, every_type_has_its_dtype, 0, (int)(sizeof types / sizeof *types));
	tcase_add_loop_test(tc, elements_of_no_bytes_make_a_tensor_of_no_bytes, 0, 6);
	tcase_add_loop_test(tc, a_type_is_taken_for_what_the_caller_says, 0,
	                    (int)(sizeof assumed / sizeof *assumed));
	tcase_add_test(tc, what_is_refused_says_what_helps);
	tcase_add_loop_test(tc, every_fixture_gives_what_is_expected, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(npy_header_suite());
}
