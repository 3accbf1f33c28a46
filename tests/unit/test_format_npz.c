/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_npz.c - .npz files: read, refused, kept, and written. */
#include "format/npy.h"
#include "format/zip.h"
#include "heft/convert.h"
#include "heft/digest.h"
#include "made.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

static const struct heft_open_options as_npz = { .format = "npz" };

/* --- fixtures: tests/vectors/make_npz.py --- */

/* What is said of a file: "ok" and its weights digest, or the status and the offset. */
static void tell(const char *path, char *told, size_t told_size)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file = NULL;
	struct heft_error err;
	enum heft_status st = heft_open(path, &as_npz, &file, &err);
	size_t n;

	if (st == HEFT_OK)
		st = heft_weights_digest(file, NULL, digest, &err);
	heft_close(file);
	if (st != HEFT_OK) {
		snprintf(told, told_size, "%s %llu\n", heft_status_name(err.code),
		         (unsigned long long)err.offset);
		return;
	}
	n = (size_t)snprintf(told, told_size, "ok ");
	for (size_t i = 0; i < sizeof digest; i++)
		n += (size_t)snprintf(told + n, told_size - n, "%02x", digest[i]);
	snprintf(told + n, told_size - n, "\n");
}

static void check_fixture(const char *folder, const char *name)
{
	char path[1024];
	char told[128];
	char *expected;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	tell(path, told, sizeof told);
	snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)(strlen(name) - 4), name);
	expected = scratch_read(path, NULL);
	ck_assert_msg(strcmp(expected, told) == 0, "%s: %s not %s", name, told, expected);
	free(expected);
}

/* Among them P2-5 (npz-two-of-a-name, npz-bytes-of-a-name), P2-6 (npz-bytes-behind-an-array), P2-7
 * (npz-object-array). */
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

		if (ext && strcmp(ext, ".npz") == 0) {
			check_fixture(path, entry->d_name);
			n++;
		}
	}
	closedir(folder);
	ck_assert_uint_gt(n, 10);
}
END_TEST

/* --- reading --- */

/* An array's header; the name is of no use to it. */
static void add_head(struct heft_buffer *b, enum heft_dtype dtype, uint64_t n)
{
	const struct heft_tensor t = {
		.name = "t", .dtype = dtype, .rank = 1, .n_elements = n, .dims = { n }
	};

	heft_npy_write_header(&t, 1, b);
}

/* A structured array's: NumPy writes such a header for records of u1 and <f4. */
static void add_records(struct heft_buffer *b, size_t n)
{
	char text[118];
	const int used = snprintf(text, sizeof text,
	                          "{'descr': [('a', '|u1'), ('b', '<f4')], 'fortran_order': "
	                          "False, 'shape': (%zu,), }",
	                          n);

	memset(text + used, ' ', sizeof text - (size_t)used);
	text[sizeof text - 1] = '\n';
	heft_buffer_add(b, "\x93NUMPY\1\0\x76\0", 10);
	heft_buffer_add(b, text, sizeof text);
	for (size_t i = 0; i < 5 * n; i++)
		heft_buffer_add_u8(b, (uint8_t)i);
}

static struct heft_file *open_bytes(struct scratch *s, const struct zip_bytes *z)
{
	struct heft_file *file;
	struct heft_error err;

	scratch_init(s);
	scratch_write(scratch_path(s, "m.npz"), z->b.bytes, z->b.size);
	ck_assert_msg(heft_open(s->paths[0], &as_npz, &file, &err) == HEFT_OK, "%s", err.msg);
	return file;
}

/* P2-1 P2-2 P2-3 P2-4 P2-8: names, order, fields, bytes; what is stored is mapped where it lies. */
START_TEST(members_become_tensors)
{
	static const char *const names[] = {
		"layer/0/k", "rec.a", "rec.b", "note.txt", "", "bare"
	};
	struct heft_buffer array;
	struct heft_buffer records;
	struct heft_buffer none;
	struct heft_file *file;
	struct heft_tensor t;
	struct zip_bytes z;
	struct scratch s;
	const char *json;
	const void *bytes;

	heft_buffer_init(&array);
	heft_buffer_init(&records);
	heft_buffer_init(&none);
	add_head(&array, HEFT_DTYPE_U8, 5);
	heft_buffer_add(&array, "abcde", 5);
	add_records(&records, 3);
	add_head(&none, HEFT_DTYPE_F64, 0);
	zip_begin(&z);
	zip_add(&z, &(struct zip_part){
			    .name = "layer/0/k.npy", .bytes = array.bytes, .size = array.size });
	zip_add(&z, &(struct zip_part){
			    .name = "rec.npy", .bytes = records.bytes, .size = records.size });
	zip_add(&z, &(struct zip_part){ .name = "folder/", .bytes = "", .size = 0 });
	zip_add(&z, &(struct zip_part){ .name = "note.txt", .bytes = "hello", .size = 5 });
	zip_add(&z, &(struct zip_part){ .name = ".npy", .bytes = none.bytes, .size = none.size });
	zip_add(&z, &(struct zip_part){ .name = "bare", .bytes = array.bytes, .size = array.size });
	zip_finish(&z);
	file = open_bytes(&s, &z);
	ck_assert_str_eq(heft_format_name(file), "npz");
	ck_assert_uint_eq(heft_n_tensors(file), 6);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_int_eq(heft_tensor_at(file, i, &t, NULL), HEFT_OK);
		ck_assert_str_eq(t.name, names[i]);
		ck_assert_uint_eq(t.tie, i);
		ck_assert_int_eq(t.space, HEFT_SPACE_WEIGHTS);
	}
	ck_assert_int_eq(heft_find(file, "layer/0/k", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_map(file, &t, &bytes, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "abcde", 5);
	ck_assert_int_eq(heft_find(file, "rec.b", &t, NULL), HEFT_OK);
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_F32);
	ck_assert_int_eq(heft_map(file, &t, &bytes, NULL), HEFT_E_UNSUPPORTED);
	ck_assert_int_eq(heft_find(file, "note.txt", &t, NULL), HEFT_OK);
	ck_assert_int_eq(t.dtype, HEFT_DTYPE_U8);
	ck_assert_int_eq(heft_map(file, &t, &bytes, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "hello", 5);
	ck_assert_int_eq(heft_metadata(file, &json, NULL), HEFT_OK);
	ck_assert_str_eq(json, "{}");
	heft_close(file);
	scratch_done(&s);
	zip_done(&z);
	heft_buffer_done(&none);
	heft_buffer_done(&records);
	heft_buffer_done(&array);
}
END_TEST

/* P1-1, P1-2 */
START_TEST(a_zip_archive_of_something_else_is_no_npz)
{
	const struct heft_format *f = heft_format_by_name("npz");
	struct heft_file *file;
	struct heft_error err;
	struct zip_bytes z;
	struct scratch s;

	ck_assert_uint_gt(f->probe((const uint8_t *)"PK\3\4", 4, 100), 0);
	ck_assert_uint_gt(f->probe((const uint8_t *)"PK\5\6", 4, 22), 0);
	ck_assert_uint_eq(f->probe((const uint8_t *)"PK\1\2", 4, 100), 0);
	ck_assert_uint_eq(f->probe((const uint8_t *)"PK\3", 3, 3), 0);
	zip_begin(&z);
	zip_add(&z, &(struct zip_part){ .name = "archive/notes.txt", .bytes = "x", .size = 1 });
	zip_finish(&z);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.zip"), z.b.bytes, z.b.size);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, &err), HEFT_E_NOT_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.msg, ".npy"));
	scratch_done(&s);
	zip_done(&z);
}
END_TEST

/* Limits on tensors and bytes hold for members that are no arrays, too. */
START_TEST(limits_are_kept)
{
	struct heft_open_options options = { .format = "npz" };
	struct heft_buffer array;
	struct heft_file *file;
	struct zip_bytes z;
	struct scratch s;

	heft_buffer_init(&array);
	add_head(&array, HEFT_DTYPE_U8, 5);
	heft_buffer_add(&array, "abcde", 5);
	zip_begin(&z);
	zip_add(&z,
	        &(struct zip_part){ .name = "a.npy", .bytes = array.bytes, .size = array.size });
	zip_add(&z, &(struct zip_part){ .name = "note", .bytes = "12345678", .size = 8 });
	zip_finish(&z);
	file = open_bytes(&s, &z);
	heft_close(file);
	options.limits.max_tensors = 1;
	ck_assert_int_eq(heft_open(s.paths[0], &options, &file, NULL), HEFT_E_LIMIT);
	options.limits.max_tensors = 2;
	options.limits.max_logical_bytes = 12;
	ck_assert_int_eq(heft_open(s.paths[0], &options, &file, NULL), HEFT_E_LIMIT);
	options.limits.max_logical_bytes = 13;
	options.limits.max_name_size = 3;
	ck_assert_int_eq(heft_open(s.paths[0], &options, &file, NULL), HEFT_E_LIMIT);
	options.limits.max_name_size = 4;
	ck_assert_int_eq(heft_open(s.paths[0], &options, &file, NULL), HEFT_OK);
	heft_close(file);
	scratch_done(&s);
	zip_done(&z);
	heft_buffer_done(&array);
}
END_TEST

/* --- the recipe --- */

static uint32_t n_recipe_files(const char *path, char *format)
{
	const struct heft_format *f = heft_format_by_name("npz");
	struct heft_origin origin;
	struct heft_source *src;
	void *st;
	uint32_t n;

	heft_origin_init(&origin);
	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	ck_assert_int_eq(f->open(src, path, NULL, &st, NULL), HEFT_OK);
	ck_assert_int_eq(f->origin(st, path, &origin, NULL), HEFT_OK);
	n = origin.n_files;
	snprintf(format, 16, "%.15s", n ? origin.format : "");
	if (n) {
		uint64_t size = 0;

		for (uint64_t k = 0; k < origin.files[0].n_pieces; k++)
			size += origin.files[0].pieces[k].size;
		ck_assert_uint_eq(size, heft_source_size(src));
	}
	heft_origin_done(&origin);
	f->close(st);
	heft_source_close(src);
	return n;
}

/* P3-1, P3-2 */
START_TEST(only_plain_stored_arrays_have_a_recipe)
{
	static const struct {
		const char *name;
		uint32_t n_files;
	} known[] = {
		{ "npz-stored", 1 },      { "npz-deflated", 0 },    { "npz-empty", 1 },
		{ "npz-bytes", 1 },       { "zip-descriptors", 0 }, { "zip-another-order", 0 },
		{ "zip-local-zip64", 1 },
	};
	const char *fixtures = getenv("FIXTURES");
	char format[16];
	char path[512];

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		snprintf(path, sizeof path, "%s/valid/%s.npz", fixtures ? fixtures : "fixtures",
		         known[i].name);
		ck_assert_uint_eq(n_recipe_files(path, format), known[i].n_files);
		if (known[i].n_files)
			ck_assert_str_eq(format, "npz");
	}
}
END_TEST

/* P3-1: byte for byte, by way of a heft file. */
START_TEST(a_stored_file_comes_back)
{
	const struct heft_convert_plan plan = { .write = { .no_sync = true } };
	const char *fixtures = getenv("FIXTURES");
	struct heft_convert_report report;
	struct heft_file *file;
	struct heft_error err;
	struct scratch s;
	char path[512];
	char *bytes;
	size_t size;

	snprintf(path, sizeof path, "%s/valid/npz-stored.npz", fixtures ? fixtures : "fixtures");
	scratch_init(&s);
	scratch_path(&s, "kept.heft");
	scratch_path(&s, "back.npz");
	ck_assert_int_eq(heft_open(path, NULL, &file, NULL), HEFT_OK);
	ck_assert_msg(heft_convert(file, s.paths[0], &plan, &report, &err) == HEFT_OK, "%s",
	              err.msg);
	heft_close(file);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	ck_assert_msg(heft_convert(file, s.paths[1], &plan, &report, &err) == HEFT_OK, "%s",
	              err.msg);
	heft_close(file);
	ck_assert(report.is_restored);
	bytes = scratch_read(path, &size);
	scratch_check(s.paths[1], bytes, size);
	free(bytes);
	scratch_done(&s);
}
END_TEST

/* --- writing --- */

/* Two chunks, an empty tensor, a scalar, and one whose bytes seldom repeat. */
static void add_all(struct made *m)
{
	made_add(m, "w", HEFT_DTYPE_F32, 2, 3, 100000);
	made_add(m, "empty", HEFT_DTYPE_F64, 2, 0, 7);
	made_add(m, "a/b", HEFT_DTYPE_I64, 0, 0, 0);
	made_add(m, "\xc3\xbc", HEFT_DTYPE_U8, 1, 2000000, 0);
	made_add(m, "last", HEFT_DTYPE_C128, 1, 0, 0);
}

/* P4-1 P4-2 P4-3 */
START_TEST(what_is_written_is_read)
{
	struct heft_file *file;
	struct heft_tensor t;
	struct scratch s;
	struct made m;

	scratch_init(&s);
	made_init(&m);
	add_all(&m);
	m.plan.options.compress = (enum heft_compress)_i;
	made_write(&m, "npz", scratch_path(&s, "m.npz"));
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_n_tensors(file), heft_listing_n(m.tensors));
	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		const void *mapped;
		uint8_t *bytes;

		ck_assert_int_eq(heft_tensor_at(file, i, &t, NULL), HEFT_OK);
		ck_assert_str_eq(t.name, heft_listing_name(m.tensors, i));
		ck_assert_int_eq(t.dtype, heft_listing_row(m.tensors, i)->dtype);
		bytes = malloc((size_t)t.n_bytes + 1);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_int_eq(heft_read(file, &t, 0, bytes, (size_t)t.n_bytes, NULL), HEFT_OK);
		for (uint64_t k = 0; k < t.n_bytes; k++)
			ck_assert_uint_eq(bytes[k], made_byte(i, k));
		free(bytes);
		if (_i == HEFT_COMPRESS_NONE) {
			ck_assert_int_eq(heft_map(file, &t, &mapped, NULL), HEFT_OK);
			ck_assert_uint_eq(t.alignment % 64, 0);
		}
	}
	heft_close(file);
	made_done(&m);
	scratch_done(&s);
}
END_TEST

/* P4-4, P4-5 */
START_TEST(what_npz_cannot_hold_is_said_before)
{
	const struct heft_format *f = heft_format_by_name("npz");
	struct heft_error err;
	struct made m;

	made_init(&m);
	made_add(&m, "w", HEFT_DTYPE_F32, 1, 3, 0);
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_OK);
	m.plan.metadata = "{}";
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_OK);
	m.plan.metadata = "{\"heft.wrapper\":\"model\",\"heft.versions\":{\"a\":1}}";
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_OK);
	m.plan.metadata = "{\"k\":\"v\"}";
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "--no-metadata"));
	m.plan.metadata = NULL;
	made_add(&m, "b", HEFT_DTYPE_BF16, 1, 3, 0);
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "'b'"));
	made_done(&m);
	made_init(&m);
	made_add_in(&m, "o", HEFT_DTYPE_F32, HEFT_SPACE_OPTIMIZER, 1, 3, 0);
	ck_assert_int_eq(f->check(&m.plan, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "--weights-only"));
	made_done(&m);
}
END_TEST

/* P4-6: stored ones may come late; packed ones could not be read back. */
START_TEST(a_tied_tensor_is_stored_again)
{
	struct heft_write_options options = { .no_sync = true };
	struct heft_tensor t = { .name = "a", .dtype = HEFT_DTYPE_U8, .rank = 1, .dims = { 4 } };
	struct heft_writer *w;
	struct heft_file *file;
	struct scratch s;
	char bytes[4];

	scratch_init(&s);
	scratch_path(&s, "m.npz");
	ck_assert_int_eq(heft_create(s.paths[0], "npz", &options, &w, NULL), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, NULL), HEFT_OK);
	t.name = "b";
	ck_assert_int_eq(heft_declare_tied(w, &t, 0, NULL), HEFT_OK);
	t.name = "c";
	ck_assert_int_eq(heft_declare(w, &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 0, "abcd", 4, NULL), HEFT_OK);
	ck_assert_int_eq(heft_put(w, 2, "efgh", 4, NULL), HEFT_OK);
	ck_assert_int_eq(heft_commit(w, NULL, NULL), HEFT_OK);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "b", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, 4, NULL), HEFT_OK);
	ck_assert_mem_eq(bytes, "abcd", 4);
	heft_close(file);

	options.compress = HEFT_COMPRESS_FAST;
	options.overwrite = true;
	t.name = "a";
	ck_assert_int_eq(heft_create(s.paths[0], "npz", &options, &w, NULL), HEFT_OK);
	ck_assert_int_eq(heft_declare(w, &t, NULL), HEFT_OK);
	t.name = "b";
	ck_assert_int_eq(heft_declare_tied(w, &t, 0, NULL), HEFT_E_USAGE);
	heft_discard(w);
	scratch_done(&s);
}
END_TEST

/* The bytes never depend on the threads. */
START_TEST(any_number_of_threads_writes_the_same_file)
{
	static const uint32_t n_threads[] = { 1, 2, 5 };
	struct heft_convert_plan plan = { .write = { .no_sync = true } };
	struct heft_file *file;
	struct scratch s;
	struct made m;
	char *first = NULL;
	size_t size = 0;

	scratch_init(&s);
	made_init(&m);
	add_all(&m);
	made_add(&m, "more", HEFT_DTYPE_U8, 1, 9000000, 0);
	made_write(&m, "npz", scratch_path(&s, "m.npz"));
	made_done(&m);
	plan.write.compress = (enum heft_compress)_i;
	for (size_t i = 0; i < sizeof n_threads / sizeof *n_threads; i++) {
		char name[16];
		char *path;

		snprintf(name, sizeof name, "%zu.npz", i);
		path = scratch_path(&s, name);
		plan.run.n_threads = n_threads[i];
		/* Other names, so that the file is written anew and not restored. */
		plan.renames = &(const struct heft_rename){ .from = "w", .to = "x" };
		plan.n_renames = 1;
		ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
		ck_assert_int_eq(heft_convert(file, path, &plan, NULL, NULL), HEFT_OK);
		heft_close(file);
		if (first)
			scratch_check(path, first, size);
		else
			first = scratch_read(path, &size);
	}
	free(first);
	scratch_done(&s);
}
END_TEST

static Suite *npz_suite(void)
{
	Suite *s = suite_create("format_npz");
	TCase *tc = tcase_create("npz");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_fixture_gives_what_is_expected, 0, 2);
	tcase_add_test(tc, members_become_tensors);
	tcase_add_test(tc, a_zip_archive_of_something_else_is_no_npz);
	tcase_add_test(tc, limits_are_kept);
	tcase_add_test(tc, only_plain_stored_arrays_have_a_recipe);
	tcase_add_test(tc, a_stored_file_comes_back);
	tcase_add_loop_test(tc, what_is_written_is_read, HEFT_COMPRESS_NONE,
	                    HEFT_COMPRESS_BEST + 1);
	tcase_add_test(tc, what_npz_cannot_hold_is_said_before);
	tcase_add_test(tc, a_tied_tensor_is_stored_again);
	tcase_add_loop_test(tc, any_number_of_threads_writes_the_same_file, HEFT_COMPRESS_NONE,
	                    HEFT_COMPRESS_BEST + 1);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(npz_suite());
}
