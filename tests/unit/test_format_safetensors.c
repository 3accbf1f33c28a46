/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_safetensors.c - what is read from safetensors files, and what is refused in them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "format/format.h"
#include "scratch.h"
#include "unit.h"

#define MAX_FILE 8192u

/* A file that is being tested: its bytes, and the format's state over them. */
struct opened {
	struct scratch scratch;
	struct heft_source *src;
	const struct heft_format *f;
	void *st;
	struct heft_error err;
};

static void opened_done(struct opened *o)
{
	o->f->close(o->st);
	heft_source_close(o->src);
	scratch_done(&o->scratch);
}

static enum heft_status open_bytes(struct opened *o, const void *bytes, size_t n,
                                   const struct heft_open_options *options)
{
	const char *path;

	memset(o, 0, sizeof *o);
	scratch_init(&o->scratch);
	path = scratch_path(&o->scratch, "m.safetensors");
	scratch_write(path, bytes, n);
	o->f = heft_format_by_name("safetensors");
	ck_assert_int_eq(heft_source_open(path, true, &o->src, NULL), HEFT_OK);
	return o->f->open(o->src, path, options, &o->st, &o->err);
}

/* Prefix, header and n_data zeros. */
static size_t build(uint8_t *bytes, const char *header, size_t n_data)
{
	const size_t n = strlen(header);

	ck_assert_uint_le(8 + n + n_data, MAX_FILE);
	heft_put_le64(bytes, n);
	memcpy(bytes + 8, header, n);
	for (size_t i = 0; i < n_data; i++)
		bytes[8 + n + i] = (uint8_t)i;
	return 8 + n + n_data;
}

static enum heft_status open_header(struct opened *o, const char *header, size_t n_data,
                                    const struct heft_open_options *options)
{
	uint8_t bytes[MAX_FILE];

	return open_bytes(o, bytes, build(bytes, header, n_data), options);
}

/* --- refused --- */

#define F32_1 "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"
#define ENTRY(dtype, shape, offsets) \
	"{\"a\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* In a header '^' stands before the byte whose offset is told. */
static const struct refused {
	const char *rule;
	const char *header;
	size_t n_data;
	enum heft_status code;
} refused[] = {
	{ "S2-4", "^ {}", 0, HEFT_E_CORRUPT },
	{ "S2-4", "^[]", 0, HEFT_E_CORRUPT },
	{ "S2-5", "{}^\n", 0, HEFT_E_CORRUPT },
	{ "S2-5", "{}  ^{}", 0, HEFT_E_CORRUPT },
	{ "S2-5", "{\"a\":" F32_1 "}   ^x", 4, HEFT_E_CORRUPT },
	{ "S2-6", "{\"a\":" F32_1 "^", 4, HEFT_E_CORRUPT },
	{ "S2-6", "{\"a\":" F32_1 ",^}", 4, HEFT_E_CORRUPT },
	{ "S2-6", "{^'a':" F32_1 "}", 4, HEFT_E_CORRUPT },
	{ "S2-7", "{\"a\":" F32_1 ",^\"a\":" F32_1 "}", 4, HEFT_E_CORRUPT },
	{ "S2-7", "{\"a\":" F32_1 ",^\"\\u0061\":" F32_1 "}", 4, HEFT_E_CORRUPT },
	{ "S2-7", "{\"a\":{\"dtype\":\"F32\",^\"dtype\":\"F32\"}}", 0, HEFT_E_CORRUPT },
	{ "S2-7", "{\"__metadata__\":{\"k\":\"1\",^\"k\":\"1\"}}", 0, HEFT_E_CORRUPT },
	{ "S2-7", "{\"__metadata__\":{},^\"__metadata__\":{}}", 0, HEFT_E_CORRUPT },
	{ "S3-1", "{\"a\":^[\"F32\",[1],[0,4]]}", 4, HEFT_E_CORRUPT },
	{ "S3-1", "{\"a\":^null}", 0, HEFT_E_CORRUPT },
	{ "S3-1", "{\"a\":^\"F32\"}", 0, HEFT_E_CORRUPT },
	{ "S3-2", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]^}}", 4, HEFT_E_CORRUPT },
	{ "S3-2", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]^}}", 4, HEFT_E_CORRUPT },
	{ "S3-2", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]^}}", 4, HEFT_E_CORRUPT },
	{ "S3-3", ENTRY("^32", "[1]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-3", ENTRY("^\"f32\"", "[1]", "[0,4]"), 4, HEFT_E_UNSUPPORTED },
	{ "S3-3", ENTRY("^\"\"", "[1]", "[0,4]"), 4, HEFT_E_UNSUPPORTED },
	{ "S5-1", ENTRY("^\"C128\"", "[1]", "[0,16]"), 16, HEFT_E_UNSUPPORTED },
	{ "S5-1", ENTRY("^\"I4\"", "[2]", "[0,1]"), 1, HEFT_E_UNSUPPORTED },
	{ "S5-1", ENTRY("^\"Q4_0\"", "[32]", "[0,18]"), 18, HEFT_E_UNSUPPORTED },
	{ "S3-4", ENTRY("\"F32\"", "^1", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "^{}", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[1,^-1]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[^1.0]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[^1e0]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[^\"1\"]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[^18446744073709551616]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4", ENTRY("\"F32\"", "[^[1]]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-4",
	  ENTRY("\"U8\"", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,^1]",
	        "[0,1]"),
	  1, HEFT_E_LIMIT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "^4"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[0^]"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[^]"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[0,4,^8]"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[^-4,0]"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[0,^4.0]"), 4, HEFT_E_CORRUPT },
	{ "S3-5", ENTRY("\"F32\"", "[1]", "[0,^null]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "^[4294967296,4294967296]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"U8\"", "^[9223372036854775808]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F64\"", "^[4611686018427387904]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "^[0,4294967296,4294967296]", "[0,0]"), 0, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F4\"", "^[7]", "[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F6_E2M3\"", "^[2]", "[0,2]"), 2, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[1]", "^[0,5]"), 5, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[2]", "^[0,4]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[1]", "^[4,0]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[1]", "^[18446744073709551612,0]"), 4, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[1]", "^[0,4]"), 3, HEFT_E_CORRUPT },
	{ "S3-6", ENTRY("\"F32\"", "[1]", "^[18446744073709551611,18446744073709551615]"), 4,
	  HEFT_E_CORRUPT },
	{ "S3-7", ENTRY("\"F32\"", "[1]", "^[4,8]"), 8, HEFT_E_CORRUPT },
	{ "S3-7", ENTRY("\"F32\"", "[0]", "[0,0]") "^", 5, HEFT_E_CORRUPT },
	{ "S3-7", "{}^", 1, HEFT_E_CORRUPT },
	{ "S3-7",
	  "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":^[1,3]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
	  3, HEFT_E_CORRUPT },
	{ "S3-7",
	  "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":^[3,5]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
	  5, HEFT_E_CORRUPT },
	{ "S3-7",
	  "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
	  "\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":^[1,1]}}",
	  2, HEFT_E_CORRUPT },
	{ "S3-7",
	  "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
	  "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":^[0,2]}}",
	  2, HEFT_E_CORRUPT },
	{ "S3-8", "{^\"a\\u0000\":" F32_1 "}", 4, HEFT_E_UNSUPPORTED },
	{ "S4-1", "{\"__metadata__\":^[]}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":^\"x\"}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":{\"k\":^1}}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":{\"k\":^null}}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":{\"k\":^{}}}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":{\"j\":\"1\",\"k\":^true}}", 0, HEFT_E_CORRUPT },
	{ "S4-1", "{\"__metadata__\":^" F32_1 "}", 0, HEFT_OK }, /* an object of other kinds */
};

START_TEST(a_header_that_breaks_a_rule_is_refused_at_its_place)
{
	const struct refused *r = &refused[_i];
	const char *mark = strchr(r->header, '^');
	uint64_t off = 8 + (uint64_t)(mark - r->header);
	enum heft_status code = r->code;
	char header[MAX_FILE];
	struct opened o;

	snprintf(header, sizeof header, "%.*s%s", (int)(mark - r->header), r->header, mark + 1);
	if (code == HEFT_OK) { /* the shape is the value that is no string */
		code = HEFT_E_CORRUPT;
		off = 8 + (uint64_t)(strstr(header, "[1]") - header);
	}
	ck_assert_msg(open_header(&o, header, r->n_data, NULL) == code, "%s: %s: %s", r->rule,
	              header, o.err.msg);
	ck_assert_int_eq(o.err.code, code);
	ck_assert_msg(o.err.offset == off, "%s: %s: %s at %llu", r->rule, header, o.err.msg,
	              (unsigned long long)o.err.offset);
	ck_assert_uint_gt(strlen(o.err.msg), 0);
	ck_assert_ptr_null(o.st);
	opened_done(&o);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused)
{
	static const char *const headers[] = { "{\"\xff\":1}", "{\"\xc0\xaf\":1}",
		                               "{\"\xed\xa0\x80\":1}", "{\"\\ud800\":1}" };
	struct opened o;

	/* S2-6 */
	ck_assert_int_eq(open_header(&o, headers[_i], 0, NULL), HEFT_E_CORRUPT);
	ck_assert_uint_ge(o.err.offset, 9);
	ck_assert_uint_le(o.err.offset, 12);
	opened_done(&o);
}
END_TEST

START_TEST(a_header_that_nests_too_deep_is_a_limit)
{
	char header[512] = "{\"a\":{\"x\":";
	struct opened o;

	/* S2-6 */
	memset(header + strlen(header), '[', 200);
	ck_assert_int_eq(open_header(&o, header, 0, NULL), HEFT_E_LIMIT);
	opened_done(&o);
}
END_TEST

/* A prefix and how large the file is; nothing but the first bytes is there. */
static const struct prefix {
	const char *rule;
	uint64_t size;
	off_t file_size;
	enum heft_status code;
	uint64_t off;
} prefixes[] = {
	{ "S2-1", 0, 0, HEFT_E_CORRUPT, 0 },
	{ "S2-1", 0, 7, HEFT_E_CORRUPT, 7 },
	{ "S2-4", 0, 8, HEFT_E_CORRUPT, 8 },
	{ "S2-2", 1, 8, HEFT_E_CORRUPT, 0 },
	{ "S2-2", 3, 10, HEFT_E_CORRUPT, 0 },
	{ "S2-2", UINT64_MAX, 64, HEFT_E_CORRUPT, 0 },
	{ "S2-2", UINT64_MAX - 7, 64, HEFT_E_CORRUPT, 0 },
	{ "S2-3", 100000001, 100000009, HEFT_E_LIMIT, 0 },
	{ "S2-4", 100000000, 100000008, HEFT_E_CORRUPT, 8 },
};

START_TEST(a_size_that_cannot_be_is_refused)
{
	const struct prefix *p = &prefixes[_i];
	uint8_t bytes[8];
	struct opened o;
	int fd;

	memset(&o, 0, sizeof o);
	scratch_init(&o.scratch);
	heft_put_le64(bytes, p->size);
	scratch_write(scratch_path(&o.scratch, "m"), bytes, sizeof bytes);
	fd = open(o.scratch.paths[0], O_RDWR);
	ck_assert_int_eq(ftruncate(fd, p->file_size), 0);
	o.f = heft_format_by_name("safetensors");
	ck_assert_int_eq(heft_source_open_fd(fd, true, &o.src, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->open(o.src, "m", NULL, &o.st, &o.err), p->code);
	ck_assert_uint_eq(o.err.offset, p->off);
	opened_done(&o);
}
END_TEST

START_TEST(a_name_may_have_4096_bytes)
{
	struct opened o;
	char header[MAX_FILE];
	char name[4098];

	/* S3-8 */
	memset(name, 'n', sizeof name);
	snprintf(header, sizeof header, "{\"%.4096s\":" F32_1 "}", name);
	ck_assert_int_eq(open_header(&o, header, 4, NULL), HEFT_OK);
	opened_done(&o);
	snprintf(header, sizeof header, "{\"%.4097s\":" F32_1 "}", name);
	ck_assert_int_eq(open_header(&o, header, 4, NULL), HEFT_E_LIMIT);
	ck_assert_uint_eq(o.err.offset, 9);
	opened_done(&o);
}
END_TEST

#define TWO                                                               \
	"{\"__metadata__\":{\"k\":\"v\"},"                                \
	"\"aa\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}," \
	"\"bbb\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}"

static const struct limited {
	struct heft_limits limits;
	const char *at; /* NULL: it opens */
} limited[] = {
	{ { .max_tensors = 2, .max_name_size = 3, .max_metadata_size = 9, .max_logical_bytes = 4 },
	  NULL },
	{ { .max_tensors = 1 }, "\"bbb\"" },
	{ { .max_name_size = 2 }, "\"bbb\"" },
	{ { .max_metadata_size = 8 }, "\"v\"" },
	{ { .max_logical_bytes = 3 }, "\"bbb\"" },
};

START_TEST(limits_hold_at_the_first_key_past_them)
{
	const struct limited *l = &limited[_i];
	const struct heft_open_options options = { .limits = l->limits };
	struct opened o;

	ck_assert_int_eq(open_header(&o, TWO, 4, &options), l->at ? HEFT_E_LIMIT : HEFT_OK);
	if (l->at)
		ck_assert_uint_eq(o.err.offset, 8 + (uint64_t)(strstr(TWO, l->at) - TWO));
	opened_done(&o);
}
END_TEST

/* --- fixtures: tests/vectors/make_safetensors.py --- */

/* Opens the fixture as heft_open would with its format named; compares with NAME.expect. */
static void check_fixture(const char *folder, const char *name)
{
	const size_t stem = strlen(name) - strlen(".safetensors");
	char path[1024];
	char told[64] = "";
	struct opened o;
	char *bytes;
	char *expected;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	bytes = scratch_read(path, &n);
	snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)stem, name);
	expected = scratch_read(path, NULL);
	if (open_bytes(&o, bytes, n, NULL) == HEFT_OK)
		snprintf(told, sizeof told, "ok ");
	else
		snprintf(told, sizeof told, "%s %llu\n", heft_status_name(o.err.code),
		         (unsigned long long)o.err.offset);
	ck_assert_msg(strncmp(expected, told, strlen(told)) == 0, "%s: %s not %s", name, told,
	              expected);
	opened_done(&o);
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

		if (ext && strcmp(ext, ".safetensors") == 0) {
			check_fixture(path, entry->d_name);
			n++;
		}
	}
	closedir(folder);
	ck_assert_uint_gt(n, 5);
}
END_TEST

/* --- read --- */

START_TEST(tensors_come_in_the_order_of_the_header)
{
	struct opened o;
	struct heft_tensor t;
	uint8_t bytes[4];
	struct heft_place place;
	uint32_t i;

	/* S1-1 S1-2 S1-3 S1-4 S3-2: data in another order, an unknown member, an empty name */
	ck_assert_int_eq(
		open_header(&o,
	                    "{\"z\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[4,6]},"
	                    " \"\" : {\"data_offsets\":[0,4],\"x\":[{}],\"shape\":[],"
	                    "\"dtype\":\"\\u00463\\u0032\"},\"e\":{\"dtype\":\"I64\",\"shape\":"
	                    "[3,0],\"data_offsets\":[4,4]}}    ",
	                    6, NULL),
		HEFT_OK);
	ck_assert_uint_eq(o.f->n_tensors(o.st), 3);
	ck_assert_int_eq(o.f->tensor_at(o.st, 0, &t, NULL), HEFT_OK);
	ck_assert_str_eq(t.name, "z");
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_F4);
	ck_assert_uint_eq(t.n_elements, 4);
	ck_assert_uint_eq(t.n_bytes, 2);
	ck_assert_int_eq(o.f->read(o.st, 0, 1, bytes, 1, NULL), HEFT_OK);
	ck_assert_uint_eq(bytes[0], 5);
	ck_assert_int_eq(o.f->tensor_at(o.st, 1, &t, NULL), HEFT_OK);
	ck_assert_str_eq(t.name, "");
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_F32);
	ck_assert_int_eq(t.space, HEFT_SPACE_WEIGHTS);
	ck_assert_uint_eq(t.rank, 0);
	ck_assert_uint_eq(t.tie, 1);
	ck_assert_int_eq(o.f->locate(o.st, 1, &place, NULL), HEFT_OK);
	ck_assert_uint_eq(place.off, heft_source_size(o.src) - 6);
	ck_assert_uint_eq(place.off % t.alignment, 0);
	ck_assert_uint_ne(place.off % (2 * t.alignment), 0);
	ck_assert_int_eq(o.f->tensor_at(o.st, 2, &t, NULL), HEFT_OK);
	ck_assert_uint_eq(t.n_bytes, 0);
	ck_assert_uint_eq(t.dims[0], 3);
	ck_assert_int_eq(o.f->find(o.st, 0, "e", &i, NULL), HEFT_OK);
	ck_assert_uint_eq(i, 2);
	ck_assert_int_eq(o.f->find(o.st, 1, "e", &i, NULL), HEFT_E_NOT_FOUND);
	opened_done(&o);
}
END_TEST

START_TEST(metadata_is_text_to_text)
{
	static const char *const cases[][2] = {
		/* S1-5 S4-2 S4-3 */
		{ "{}", "{}" },
		{ "{\"__metadata__\":null}", "{}" },
		{ "{\"__metadata__\":{ }}", "{}" },
		{ "{ \"__metadata__\" : { \"b\" : \"\\u0041\\/\\u0001\\u007f\" , "
		  "\"a\":\"\\\"\\\\\\n\\u000A\\ud83d\\ude00\"}}",
		  "{\"b\":\"A/\\u0001\x7f\",\"a\":\"\\\"\\\\\\n\\n\xf0\x9f\x98\x80\"}" },
	};
	struct opened o;
	const char *json;

	ck_assert_int_eq(open_header(&o, cases[_i][0], 0, NULL), HEFT_OK);
	ck_assert_int_eq(o.f->metadata(o.st, &json, NULL), HEFT_OK);
	ck_assert_str_eq(json, cases[_i][1]);
	opened_done(&o);
}
END_TEST

START_TEST(every_dtype_is_read)
{
	static const struct {
		const char *name;
		unsigned bits;
	} dtypes[] = {
		/* S5-1 */
		{ "BOOL", 8 },        { "U8", 8 },          { "I8", 8 },      { "U16", 16 },
		{ "I16", 16 },        { "U32", 32 },        { "I32", 32 },    { "U64", 64 },
		{ "I64", 64 },        { "F16", 16 },        { "BF16", 16 },   { "F32", 32 },
		{ "F64", 64 },        { "C64", 64 },        { "F8_E4M3", 8 }, { "F8_E5M2", 8 },
		{ "F8_E4M3FNUZ", 8 }, { "F8_E5M2FNUZ", 8 }, { "F8_E8M0", 8 }, { "F6_E2M3", 6 },
		{ "F6_E3M2", 6 },     { "F4", 4 },
	};
	struct heft_tensor t;
	char header[256];
	struct opened o;

	for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
		snprintf(header, sizeof header, ENTRY("\"%s\"", "[2,4]", "[0,%u]"), dtypes[i].name,
		         dtypes[i].bits);
		ck_assert_int_eq(open_header(&o, header, dtypes[i].bits, NULL), HEFT_OK);
		ck_assert_int_eq(o.f->tensor_at(o.st, 0, &t, NULL), HEFT_OK);
		ck_assert_str_eq(heft_dtype_name(t.dtype), dtypes[i].name);
		opened_done(&o);
	}
}
END_TEST

/* Many tensors, the last first: the sort must not depend on the order that it is given. */
START_TEST(data_in_any_order_is_tiled)
{
	char header[MAX_FILE];
	size_t n = 0;
	struct opened o;

	for (unsigned i = 0; i < 100; i++) {
		const unsigned at = (i * 37 + 11) % 100;

		n += (size_t)snprintf(header + n, sizeof header - n,
		                      "%s\"%u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":"
		                      "[%u,%u]}",
		                      i > 0 ? "," : "{", i, at, at + 1);
	}
	snprintf(header + n, sizeof header - n, "}");
	ck_assert_int_eq(open_header(&o, header, 100, NULL), HEFT_OK);
	opened_done(&o);
	ck_assert_int_eq(open_header(&o, header, 101, NULL), HEFT_E_CORRUPT);
	opened_done(&o);
}
END_TEST

START_TEST(the_recipe_gives_the_file_back)
{
	struct opened o;
	struct heft_origin origin;
	const struct heft_origin_file *file;
	const char *header = "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]},"
			     "\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[3,3]},"
			     "\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}} ";

	/* S6-1 S6-2 */
	ck_assert_int_eq(open_header(&o, header, 5, NULL), HEFT_OK);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "dir/the.safetensors", &origin, NULL), HEFT_OK);
	ck_assert_str_eq(origin.format, "safetensors");
	ck_assert_uint_eq(origin.n_files, 1);
	file = &origin.files[0];
	ck_assert_str_eq(file->name, "the.safetensors");
	ck_assert_uint_eq(file->size, heft_source_size(o.src));
	ck_assert_uint_eq(file->n_pieces, 3);
	ck_assert_uint_eq(file->pieces[0].size, 8 + strlen(header));
	ck_assert_mem_eq(file->pieces[0].literal + 8, header, strlen(header));
	ck_assert_ptr_null(file->pieces[1].literal);
	ck_assert_uint_eq(file->pieces[1].tensor, 2);
	ck_assert_uint_eq(file->pieces[1].size, 3);
	ck_assert_uint_eq(file->pieces[2].tensor, 0);
	ck_assert_uint_eq(file->pieces[2].size, 2);
	heft_origin_done(&origin);
	heft_origin_init(&origin);
	ck_assert_int_eq(o.f->origin(o.st, "a\\b", &origin, NULL), HEFT_OK);
	ck_assert_str_eq(origin.files[0].name, "model.safetensors");
	heft_origin_done(&origin);
	opened_done(&o);
}
END_TEST

static Suite *safetensors_suite(void)
{
	Suite *s = suite_create("format_safetensors");
	TCase *tc = tcase_create("read");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_header_that_breaks_a_rule_is_refused_at_its_place, 0,
	                    (int)(sizeof refused / sizeof *refused));
	tcase_add_loop_test(tc, text_that_is_not_utf8_is_refused, 0, 4);
	tcase_add_test(tc, a_header_that_nests_too_deep_is_a_limit);
	tcase_add_loop_test(tc, a_size_that_cannot_be_is_refused, 0,
	                    (int)(sizeof prefixes / sizeof *prefixes));
	tcase_add_test(tc, a_name_may_have_4096_bytes);
	tcase_add_loop_test(tc, limits_hold_at_the_first_key_past_them, 0,
	                    (int)(sizeof limited / sizeof *limited));
	tcase_add_loop_test(tc, every_fixture_gives_what_is_expected, 0, 2);
	tcase_add_test(tc, tensors_come_in_the_order_of_the_header);
	tcase_add_loop_test(tc, metadata_is_text_to_text, 0, 4);
	tcase_add_test(tc, every_dtype_is_read);
	tcase_add_test(tc, data_in_any_order_is_tiled);
	tcase_add_test(tc, the_recipe_gives_the_file_back);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(safetensors_suite());
}
