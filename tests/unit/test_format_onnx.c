/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_onnx.c - ONNX models as files: told, read and refused. */
#include "alloc_fail.h"
#include "format/format.h"
#include "heft/digest.h"
#include "onnx_file.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static const struct heft_open_options as_onnx = { .format = "onnx" };

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

/* --- fixtures: tests/vectors/make_onnx.py --- */

static void tell(const char *path, char *told, size_t told_size)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file = NULL;
	enum heft_status st = heft_open(path, &as_onnx, &file, &err);
	size_t n;

	if (st == HEFT_OK)
		st = heft_weights_digest(file, NULL, digest, &err);
	heft_close(file);
	if (st != HEFT_OK) {
		snprintf(told, told_size, "%s %llu", heft_status_name(err.code),
		         (unsigned long long)err.offset);
		return;
	}
	n = (size_t)snprintf(told, told_size, "ok ");
	for (size_t i = 0; i < sizeof digest; i++)
		n += (size_t)snprintf(told + n, told_size - n, "%02x", digest[i]);
}

static void check_fixture(const char *folder, const char *name)
{
	char path[1024];
	char told[128];
	char *expected;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	tell(path, told, sizeof told);
	snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)(strlen(name) - 5), name);
	expected = scratch_read(path, NULL);
	expected[strcspn(expected, "\n")] = '\0';
	ck_assert_msg(strcmp(expected, told) == 0, "%s: %s (%s) not %s", name, told, err.msg,
	              expected);
	free(expected);
}

static DIR *open_fixtures(const char *name, char *path, size_t path_size)
{
	const char *fixtures = getenv("FIXTURES");
	DIR *folder;

	snprintf(path, path_size, "%s/%s", fixtures ? fixtures : "fixtures", name);
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	return folder;
}

static bool is_onnx(const char *name)
{
	const size_t n = strlen(name);

	return n > 5 && strcmp(name + n - 5, ".onnx") == 0;
}

/* Valid: O1-2 (fields-in-another-order), O1-4 (subgraphs-64-deep), O2-1 and O2-3 (constants), O2-2
 * (sparse), O2-4 (qualified-names), O2-5 (training), O2-6 (same-names), O2-8 and O3-2 (types-raw),
 * O2-10 (empties), O3-3 (types-packed, types-not-packed, types-in-several-runs), O3-4 (external).
 * Invalid: O1-1 (no-graph), O1-3 (graph-twice and others), O1-4 (subgraphs-65-deep), O2-7 (name-…),
 * O2-8 (type-…), O2-10 (dimension-negative, rank-33), O3-1 (two-places, no-bytes, segment), O3-4
 * (external-…). */
START_TEST(every_fixture_gives_what_is_expected)
{
	static const char *const folders[] = { "valid", "invalid" };
	unsigned n = 0;
	struct dirent *entry;
	char path[512];
	DIR *folder = open_fixtures(folders[_i], path, sizeof path);

	while ((entry = readdir(folder))) {
		if (is_onnx(entry->d_name)) {
			check_fixture(path, entry->d_name);
			n++;
		}
	}
	closedir(folder);
	ck_assert_uint_gt(n, 10);
}
END_TEST

/* spec O1-1 */
START_TEST(a_model_is_told_by_its_first_fields_and_nothing_else_is_one)
{
	const struct heft_format *onnx = heft_format_by_name("onnx");
	struct dirent *entry;
	char path[512];
	DIR *folder = open_fixtures("valid", path, sizeof path);

	while ((entry = readdir(folder))) {
		char *name = scratch_join(path, entry->d_name);
		struct stat st;
		size_t size;
		char *bytes;
		unsigned bits;

		ck_assert_int_eq(stat(name, &st), 0);
		if (S_ISREG(st.st_mode) && !strstr(name, ".expect")) {
			bytes = scratch_read(name, &size);
			bits = onnx->probe((const uint8_t *)bytes,
			                   size < onnx->head_size ? size : onnx->head_size, size);
			ck_assert_msg((bits > 0) == is_onnx(name), "%s: %u", name, bits);
			ck_assert_uint_lt(bits, 32); /* whatever has a magic comes first */
			free(bytes);
		}
		free(name);
	}
	closedir(folder);
}
END_TEST

START_TEST(a_head_of_any_length_is_looked_at_within_its_bounds)
{
	const struct heft_format *onnx = heft_format_by_name("onnx");
	struct heft_buffer graph = made_empty();
	struct heft_buffer b;

	onnx_add_tensor(&graph, "w", 1, 2, 9, "\1\2\3\4\5\6\7\10", 8);
	b = made_model(&graph);
	ck_assert_uint_gt(onnx->probe(b.bytes, b.size, b.size), 0);
	for (size_t n = 0; n < b.size; n++) {
		uint8_t *head = malloc(n + 1); /* so that a sanitizer sees its end */

		ck_assert_ptr_nonnull(head);
		memcpy(head, b.bytes, n);
		onnx->probe(head, n, n);
		onnx->probe(head, n, b.size);
		free(head);
	}
	ck_assert_uint_eq(onnx->probe((const uint8_t *)"", 0, 0), 0);
	heft_buffer_done(&b);
}
END_TEST

/* --- reading --- */

/* raw, a typed run of floats, varints, a half byte with bits behind it, external */
static void write_all_kinds(void)
{
	struct heft_buffer graph = made_empty();

	scratch_write(scratch_path(&s, "data"), "ABCDEFGH", 8);
	onnx_add_tensor(&graph, "raw", 1, 2, 9, "\1\2\3\4\5\6\7\10", 8);
	onnx_add_tensor(&graph, "run", 1, 2, 4, "\1\2\3\4\5\6\7\10", 8);
	onnx_add_tensor(&graph, "numbers", 10, 2, 5, "\x80\x78\x80\x80\x03", 5);
	onnx_add_tensor(&graph, "clean", 22, 3, 9, "\x21\x03", 2);
	onnx_add_tensor(&graph, "unclean", 22, 3, 9, "\x21\xf3", 2);
	onnx_add_external(&graph, "outside", "data");
	onnx_write(&s, "model.onnx", &graph);
}

START_TEST(bytes_are_read_from_wherever_they_are)
{
	static const uint32_t flags[] = { 0, HEFT_OPEN_PREAD };
	struct heft_file *file;
	uint32_t n_files;

	write_all_kinds();
	file = onnx_open(s.paths[1], flags[_i]);
	onnx_check(file, "raw", "\1\2\3\4\5\6\7\10", 8);
	onnx_check(file, "run", "\1\2\3\4\5\6\7\10", 8);
	onnx_check(file, "numbers", "\x00\x3c\x00\xc0", 4);
	onnx_check(file, "clean", "\x21\x03", 2);
	onnx_check(file, "unclean", "\x21\x03", 2); /* O3-2 */
	onnx_check(file, "outside", "CDEF", 4);
	heft_file_size(file, &n_files);
	ck_assert_uint_eq(n_files, 2);
	heft_close(file);
}
END_TEST

START_TEST(what_lies_as_it_is_is_given_without_a_copy)
{
	const void *bytes;
	struct heft_file *file;

	write_all_kinds();
	file = onnx_open(s.paths[1], 0);
	ck_assert_int_eq(onnx_map(file, "raw", &bytes), HEFT_OK);
	ck_assert_mem_eq(bytes, "\1\2\3\4\5\6\7\10", 8);
	ck_assert_int_eq(onnx_map(file, "run", &bytes), HEFT_OK);
	ck_assert_mem_eq(bytes, "\1\2\3\4\5\6\7\10", 8);
	ck_assert_int_eq(onnx_map(file, "clean", &bytes), HEFT_OK);
	ck_assert_int_eq(onnx_map(file, "outside", &bytes), HEFT_OK);
	ck_assert_mem_eq(bytes, "CDEF", 4);
	ck_assert_int_eq(onnx_map(file, "numbers", &bytes), HEFT_E_UNSUPPORTED);
	ck_assert_int_eq(onnx_map(file, "unclean", &bytes), HEFT_E_UNSUPPORTED);
	heft_close(file);
	file = onnx_open(s.paths[1], HEFT_OPEN_PREAD);
	ck_assert_int_eq(onnx_map(file, "raw", &bytes), HEFT_E_UNSUPPORTED);
	ck_assert_int_eq(onnx_map(file, "outside", &bytes), HEFT_E_UNSUPPORTED);
	heft_close(file);
}
END_TEST

START_TEST(a_file_that_is_cut_short_while_it_is_open_is_corrupt)
{
	struct heft_file *file;
	struct heft_tensor t;
	uint8_t got[8];

	write_all_kinds();
	file = onnx_open(s.paths[1], 0);
	ck_assert_int_eq(truncate(s.paths[1], 20), 0);
	ck_assert_int_eq(truncate(s.paths[0], 3), 0);
	t = onnx_find(file, "numbers");
	ck_assert_int_eq(heft_read(file, &t, 0, got, 4, &err), HEFT_E_CORRUPT);
	t = onnx_find(file, "raw");
	ck_assert_int_eq(heft_read(file, &t, 0, got, 8, &err), HEFT_E_CORRUPT);
	t = onnx_find(file, "outside");
	ck_assert_int_eq(heft_read(file, &t, 0, got, 4, &err), HEFT_E_CORRUPT);
	heft_close(file);
}
END_TEST

#define LARGE (UINT64_C(5) << 30)

/* A tensor of 5 GiB, which is a hole in the file, and a small one behind it. */
START_TEST(a_file_of_more_than_4_gib_is_opened_and_read)
{
	struct heft_buffer large = made_tensor("large", 2, LARGE, 0);
	struct heft_buffer rest = made_empty();
	struct heft_buffer b = made_empty();
	struct heft_buffer inner = made_empty();
	struct heft_tensor t;
	struct heft_file *file;
	uint8_t last = 1;
	uint64_t end;
	int fd;

	heft_wire_add_tag(&large, 9, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&large, LARGE);
	onnx_add_tensor(&rest, "small", 1, 2, 9, "\1\2\3\4\5\6\7\10", 8);
	heft_wire_add_tag(&inner, 5, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&inner, large.size + LARGE);
	made_uint(&b, 1, 8);
	heft_wire_add_tag(&b, 7, HEFT_WIRE_BYTES);
	heft_wire_add_varint(&b, inner.size + large.size + LARGE + rest.size);
	heft_buffer_add(&b, inner.bytes, inner.size);
	heft_buffer_add(&b, large.bytes, large.size);
	fd = open(scratch_path(&s, "model.onnx"), O_RDWR | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	end = b.size + LARGE;
	ck_assert_int_eq(pwrite(fd, b.bytes, b.size, 0), (ssize_t)b.size);
	ck_assert_int_eq(pwrite(fd, rest.bytes, rest.size, (off_t)end), (ssize_t)rest.size);
	close(fd);
	file = onnx_open(s.paths[0], 0);
	onnx_check(file, "small", "\1\2\3\4\5\6\7\10", 8);
	t = onnx_find(file, "large");
	ck_assert_uint_eq(t.n_bytes, LARGE);
	ck_assert_int_eq(heft_read(file, &t, LARGE - 1, &last, 1, &err), HEFT_OK);
	ck_assert_uint_eq(last, 0);
	heft_close(file);
	heft_buffer_done(&b);
	heft_buffer_done(&inner);
	heft_buffer_done(&rest);
	heft_buffer_done(&large);
}
END_TEST

/* --- no memory --- */

static enum heft_status use(struct heft_source *src, const char *path)
{
	const struct heft_format *f = heft_format_by_name("onnx");
	const uint8_t *graph;
	struct heft_tensor t;
	uint8_t bytes[64];
	const char *json;
	uint64_t size;
	void *st = NULL;
	enum heft_status status = f->open(src, path, NULL, &st, NULL);

	for (uint32_t i = 0; status == HEFT_OK && i < f->n_tensors(st); i++) {
		status = f->tensor_at(st, i, &t, NULL);
		if (status == HEFT_OK)
			status = f->read(st, i, 1, bytes, (size_t)t.n_bytes - 1, NULL);
	}
	if (status == HEFT_OK)
		status = f->metadata(st, &json, NULL);
	if (status == HEFT_OK)
		status = f->graph(st, &graph, &size, NULL);
	if (status == HEFT_OK)
		status = f->check_data(st, NULL, NULL);
	f->close(st);
	return status;
}

START_TEST(a_reader_without_memory_says_so_and_leaks_nothing)
{
	const unsigned before = onnx_n_open();
	enum heft_status st = HEFT_E_NOMEM;
	struct heft_source *src;

	write_all_kinds();
	ck_assert_int_eq(heft_source_open(s.paths[1], true, &src, &err), HEFT_OK);
	for (size_t n = 1; st != HEFT_OK; n++) {
		alloc_fail_at(n);
		st = use(src, s.paths[1]);
		ck_assert_int_eq(st, alloc_fail_done() ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_source_close(src);
	ck_assert_uint_eq(onnx_n_open(), before);
}
END_TEST

static Suite *onnx_suite(void)
{
	Suite *suite = suite_create("format_onnx");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_fixture_gives_what_is_expected, 0, 2);
	tcase_add_test(t, a_model_is_told_by_its_first_fields_and_nothing_else_is_one);
	tcase_add_test(t, a_head_of_any_length_is_looked_at_within_its_bounds);
	tcase_add_loop_test(t, bytes_are_read_from_wherever_they_are, 0, 2);
	tcase_add_test(t, what_lies_as_it_is_is_given_without_a_copy);
	tcase_add_test(t, a_file_that_is_cut_short_while_it_is_open_is_corrupt);
	tcase_add_test(t, a_file_of_more_than_4_gib_is_opened_and_read);
	tcase_add_test(t, a_reader_without_memory_says_so_and_leaks_nothing);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(onnx_suite());
}
