/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_pytorch.c - PyTorch's archives and legacy files: told, opened, refused, read. */
#include "base/alloc.h"
#include "format/format.h"
#include "heft/digest.h"
#include "heft/file.h"
#include "scratch.h"
#include "unit.h"
#include "zip_bytes.h"

static const struct heft_open_options as_pytorch = { .format = "pytorch" };
static const struct heft_open_options by_pread = { .format = "pytorch", .flags = HEFT_OPEN_PREAD };

static void fixture_path(char *path, size_t size, const char *name)
{
	const char *fixtures = getenv("FIXTURES");

	snprintf(path, size, "%s/%s.pt", fixtures ? fixtures : "fixtures", name);
}

static struct heft_file *open_fixture(const char *name, const struct heft_open_options *options)
{
	struct heft_file *file;
	struct heft_error err;
	char path[512];

	fixture_path(path, sizeof path, name);
	ck_assert_msg(heft_open(path, options, &file, &err) == HEFT_OK, "%s: %s", name, err.msg);
	return file;
}

/* --- fixtures: tests/vectors/make_pytorch.py --- */

/* What is said of a file: "ok" and its weights digest, or the status and the offset. */
static void tell(const char *path, const struct heft_open_options *options, char *told,
                 size_t told_size)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file = NULL;
	struct heft_error err;
	enum heft_status st = heft_open(path, options, &file, &err);
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

static void check_fixture(const char *folder, const char *name,
                          const struct heft_open_options *options)
{
	char path[1024];
	char told[128];
	char *expected;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	tell(path, options, told, sizeof told);
	snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)(strlen(name) - 3), name);
	expected = scratch_read(path, NULL);
	ck_assert_msg(strcmp(expected, told) == 0, "%s: %s not %s", name, told, expected);
	free(expected);
}

/* Y1-1 to Y1-5, Y2-2, Y2-3: by maps, by reads, and without naming the format. */
START_TEST(every_fixture_gives_what_is_expected)
{
	static const char *const folders[] = { "valid", "invalid" };
	static const struct heft_open_options *const ways[] = { &as_pytorch, &by_pread, NULL };
	const char *fixtures = getenv("FIXTURES");
	unsigned n = 0;
	struct dirent *entry;
	char path[512];
	DIR *folder;

	snprintf(path, sizeof path, "%s/%s", fixtures ? fixtures : "fixtures", folders[_i % 2]);
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		const char *ext = strrchr(entry->d_name, '.');

		if (ext && strcmp(ext, ".pt") == 0 && strncmp(entry->d_name, "pytorch-", 8) == 0) {
			check_fixture(path, entry->d_name, ways[_i / 2]);
			n++;
		}
	}
	closedir(folder);
	ck_assert_uint_gt(n, 10);
}
END_TEST

/* Every part of every tensor, byte by byte, is that of the whole. */
START_TEST(any_part_of_a_tensor_can_be_read)
{
	static const char *const names[] = { "valid/pytorch-views",
		                             "valid/pytorch-views-big-endian",
		                             "valid/pytorch-deflated", "valid/pytorch-legacy",
		                             "valid/pytorch-big-endian" };
	struct heft_file *file = open_fixture(names[_i / 2], _i % 2 ? &by_pread : &as_pytorch);
	uint8_t whole[512];
	uint8_t part[512];
	struct heft_tensor t;

	for (uint32_t i = 0; i < heft_n_tensors(file); i++) {
		ck_assert_int_eq(heft_tensor_at(file, i, &t, NULL), HEFT_OK);
		ck_assert_uint_le(t.n_bytes, sizeof whole);
		ck_assert_int_eq(heft_read(file, &t, 0, whole, (size_t)t.n_bytes, NULL), HEFT_OK);
		for (size_t off = 0; off < t.n_bytes; off++) {
			const size_t most = (size_t)t.n_bytes - off;

			for (size_t n = 1; n <= most; n += n < 9 ? 1 : 13) {
				memset(part, 0x5a, sizeof part);
				ck_assert_int_eq(heft_read(file, &t, off, part, n, NULL), HEFT_OK);
				ck_assert_mem_eq(part, whole + off, n);
				ck_assert(n == sizeof part || part[n] == 0x5a);
			}
		}
	}
	heft_close(file);
}
END_TEST

/* What lies together, stored and little-endian, is mapped where it lies. */
START_TEST(only_what_lies_as_it_is_wanted_is_mapped)
{
	static const struct {
		const char *file;
		const char *tensor;
		bool is_mapped;
	} cases[] = {
		{ "valid/pytorch-views", "whole", true },
		{ "valid/pytorch-views", "one", true },
		{ "valid/pytorch-views", "none", true },
		{ "valid/pytorch-views", "slice", false },
		{ "valid/pytorch-views", "transposed", false },
		{ "valid/pytorch-views", "expanded", false },
		{ "valid/pytorch-legacy", "whole", true },
		{ "valid/pytorch-legacy", "other", false },
		{ "valid/pytorch-deflated", "whole", false },
		{ "valid/pytorch-big-endian", "float", false },
		{ "valid/pytorch-big-endian", "complexdouble", false },
		{ "valid/pytorch-big-endian", "char", true },
		{ "valid/pytorch-big-endian", "bool", true },
		{ "valid/pytorch-script", "weight", true },
	};
	uint8_t bytes[512];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct heft_file *file = open_fixture(cases[i].file, &as_pytorch);
		enum heft_status st;
		struct heft_tensor t;
		const void *map;

		ck_assert_int_eq(heft_find(file, cases[i].tensor, &t, NULL), HEFT_OK);
		st = heft_map(file, &t, &map, NULL);
		ck_assert_int_eq(st, cases[i].is_mapped ? HEFT_OK : HEFT_E_UNSUPPORTED);
		if (cases[i].is_mapped && t.n_bytes > 0) {
			ck_assert_int_eq(heft_read(file, &t, 0, bytes, (size_t)t.n_bytes, NULL),
			                 HEFT_OK);
			ck_assert_mem_eq(map, bytes, (size_t)t.n_bytes);
			ck_assert_uint_eq((uintptr_t)map % t.alignment, 0);
		} else if (!cases[i].is_mapped) {
			ck_assert_uint_eq(t.alignment, 1);
		}
		heft_close(file);
	}
}
END_TEST

/* Y2-6 */
START_TEST(views_that_look_alike_are_tied)
{
	struct heft_file *file = open_fixture("valid/pytorch-views", NULL);
	struct heft_tensor first;
	struct heft_tensor t;

	ck_assert_str_eq(heft_format_name(file), "pytorch");
	ck_assert_int_eq(heft_find(file, "whole", &first, NULL), HEFT_OK);
	ck_assert_uint_eq(first.tie, first.index);
	ck_assert_int_eq(heft_find(file, "again", &t, NULL), HEFT_OK);
	ck_assert_uint_eq(t.tie, first.index);
	ck_assert_int_eq(heft_find(file, "transposed", &t, NULL), HEFT_OK);
	ck_assert_uint_eq(t.tie, t.index);
	heft_close(file);
}
END_TEST

/* --- probing --- */

/* The local header of a first member, as far as a probe looks. */
static size_t add_local(uint8_t *head, const char *name, size_t extra_size)
{
	memset(head, 0, 30);
	memcpy(head, "PK\3\4", 4);
	heft_put_le16(head + 26, (uint16_t)strlen(name));
	heft_put_le16(head + 28, (uint16_t)extra_size);
	memcpy(head + 30, name, strlen(name));
	memset(head + 30 + strlen(name), 'Z', extra_size);
	return 30 + strlen(name) + extra_size;
}

/* Y1-1: neither npz archives nor others are mistaken for PyTorch's. */
START_TEST(the_first_member_tells_what_an_archive_is)
{
	static const struct {
		const char *name;
		bool is_pytorch;
	} cases[] = {
		{ "archive/data.pkl", true },
		{ "m/version", true },
		{ "m/data/0", true },
		{ "m/code/__torch__.py", true },
		{ "m/constants.pkl", true },
		{ "m/.data/serialization_id", true },
		{ "m/data/0.npy", false },
		{ "data.pkl", false },
		{ "/data.pkl", false },
		{ "a/b/data.pkl", false },
		{ "weight.npy", false },
		{ "layer/weight.npy", false },
		{ "m/config.json", false },
		{ "model.weights.h5", false },
		{ "m/database", false },
		{ "[Content_Types].xml", false },
		{ "META-INF/MANIFEST.MF", false },
	};
	const struct heft_format *f = heft_format_by_name("pytorch");
	const struct heft_format *npz = heft_format_by_name("npz");
	uint8_t head[200];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const size_t n = add_local(head, cases[i].name, 7);
		const unsigned bits = f->probe(head, n, 9999);

		ck_assert_msg((bits > npz->probe(head, n, 9999)) == cases[i].is_pytorch, "%s",
		              cases[i].name);
		for (size_t less = 0; less < 30 + strlen(cases[i].name); less++)
			ck_assert_uint_eq(f->probe(head, less, 9999), 0);
	}
}
END_TEST

START_TEST(folders_before_the_first_member_are_passed_over)
{
	const struct heft_format *f = heft_format_by_name("pytorch");
	uint8_t head[300];
	size_t n = add_local(head, "m/", 3);

	ck_assert_uint_eq(f->probe(head, n, 9999), 0);
	n += add_local(head + n, "m/data/", 0);
	ck_assert_uint_eq(f->probe(head, n, 9999), 0);
	n += add_local(head + n, "m/data/0", 20);
	ck_assert_uint_gt(f->probe(head, n, 9999), 32);
}
END_TEST

/* Y1-2 Y1-3 */
START_TEST(legacy_files_are_told_by_their_magic)
{
	static const uint8_t legacy[] = { 0x80, 2,    0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46,
		                          0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.' };
	static const char text[] = "L119547037146038801333356L\n.";
	const struct heft_format *f = heft_format_by_name("pytorch");

	ck_assert_uint_ge(f->probe(legacy, sizeof legacy, 9999), 100);
	ck_assert_uint_lt(f->probe(legacy, 13, 9999), 100);
	ck_assert_uint_eq(f->probe(legacy, 2, 9999), 0);
	ck_assert_uint_ge(f->probe((const uint8_t *)text, sizeof text - 1, 9999), 100);
	ck_assert_uint_gt(f->probe((const uint8_t *)"\x80\2}q\0.", 6, 6), 0);
	/* the size of a header of safetensors */
	ck_assert_uint_eq(f->probe((const uint8_t *)"\x80\2\0\0\0\0\0\0{\"a\"", 12, 9999), 0);
	ck_assert_uint_eq(f->probe((const uint8_t *)"storages", 9, 9), 0);
}
END_TEST

/* --- CRCs --- */

static const char small_pickle[] = "\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0"
				   "storagectorch\nByteStorage\nX\1\0\0\0000X\3\0\0\0cpuJ";
static const char rest_of_it[] = "\x89}tRs.";

/* A tensor `w` of bytes, n_rows by n_columns, whose columns lie together. */
static void add_pickle(struct heft_buffer *b, uint32_t n_rows, uint32_t n_columns)
{
	heft_buffer_add(b, small_pickle, sizeof small_pickle - 1);
	heft_buffer_add_le32(b, n_rows * n_columns);
	heft_buffer_add(b, "tQK\0J", 5);
	heft_buffer_add_le32(b, n_rows);
	heft_buffer_add(b, "J", 1);
	heft_buffer_add_le32(b, n_columns);
	heft_buffer_add(b, "\x86K\1J", 4);
	heft_buffer_add_le32(b, n_rows);
	heft_buffer_add(b, "\x86", 1);
	heft_buffer_add(b, rest_of_it, sizeof rest_of_it - 1);
}

static void build(struct zip_bytes *z, const uint8_t *bytes, uint32_t n_rows, uint32_t n_columns,
                  bool is_deflated)
{
	struct heft_buffer pickle;

	heft_buffer_init(&pickle);
	add_pickle(&pickle, n_rows, n_columns);
	zip_begin(z);
	zip_add(z, &(struct zip_part){
			   .name = "m/data.pkl", .bytes = pickle.bytes, .size = pickle.size });
	zip_add(z, &(struct zip_part){ .name = "m/data/0",
	                               .bytes = bytes,
	                               .size = (size_t)n_rows * n_columns,
	                               .is_deflated = is_deflated });
	heft_buffer_done(&pickle);
}

static bool is_verified(const char *path, uint64_t *fault_off)
{
	const struct heft_open_options options = { .flags = HEFT_OPEN_PREAD };
	const struct heft_format *f = heft_format_by_name("pytorch");
	struct heft_source *src;
	struct heft_error err = { .code = HEFT_OK };
	void *st = NULL;

	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	ck_assert_int_eq(f->open(src, path, &options, &st, &err), HEFT_OK);
	if (f->check_data(st, NULL, &err) != HEFT_OK)
		ck_assert_int_eq(err.code, HEFT_E_CORRUPT);
	*fault_off = err.offset;
	f->close(st);
	heft_source_close(src);
	return err.code == HEFT_OK;
}

/* Y1-4: of records larger than what one worker takes, too; and no CRC is none. */
START_TEST(a_wrong_crc_is_seen_by_whoever_verifies)
{
	const uint32_t n = _i == 0 ? 100 : 20000000;
	uint8_t *bytes = malloc(n);
	uint8_t *read = malloc(n);
	struct heft_file *file;
	struct heft_tensor t;
	struct zip_bytes z;
	struct scratch s;
	uint64_t off;

	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1000);
	build(&z, bytes, n, 1, false);
	zip_finish(&z);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.pt"), z.b.bytes, z.b.size);
	ck_assert(is_verified(s.paths[0], &off));
	z.b.bytes[z.data[1] + n - 1] ^= 1;
	scratch_write(s.paths[0], z.b.bytes, z.b.size);
	ck_assert(!is_verified(s.paths[0], &off));
	ck_assert_uint_eq(off, z.data[1]);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "w", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, read, n, NULL), HEFT_OK);
	ck_assert(read[n - 1] == (bytes[n - 1] ^ 1));
	heft_close(file);
	heft_put_le32(z.b.bytes + z.local[1] + 14, 0);
	heft_put_le32(z.b.bytes + z.entry[1] + 16, 0);
	scratch_write(s.paths[0], z.b.bytes, z.b.size);
	ck_assert(is_verified(s.paths[0], &off));
	scratch_done(&s);
	zip_done(&z);
	free(read);
	free(bytes);
}
END_TEST

START_TEST(a_wrong_crc_of_a_pickle_is_seen_too)
{
	static const uint8_t bytes[3] = { 1, 2, 3 };
	struct zip_bytes z;
	struct scratch s;
	uint64_t off;

	build(&z, bytes, sizeof bytes, 1, false);
	zip_finish(&z);
	heft_put_le32(z.b.bytes + z.local[0] + 14, 99);
	heft_put_le32(z.b.bytes + z.entry[0] + 16, 99);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.pt"), z.b.bytes, z.b.size);
	ck_assert(!is_verified(s.paths[0], &off));
	ck_assert_uint_eq(off, z.data[0]);
	scratch_done(&s);
	zip_done(&z);
}
END_TEST

/* Y1-4: a deflated one's when all of it has been read. */
START_TEST(a_wrong_crc_of_a_deflated_record_is_seen_by_whoever_reads_it)
{
	static uint8_t bytes[50000];
	struct heft_file *file;
	struct heft_error err;
	struct heft_tensor t;
	struct zip_bytes z;
	struct scratch s;
	uint64_t off;

	build(&z, bytes, sizeof bytes, 1, true);
	zip_finish(&z);
	heft_put_le32(z.b.bytes + z.local[1] + 14, 99);
	heft_put_le32(z.b.bytes + z.entry[1] + 16, 99);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.pt"), z.b.bytes, z.b.size);
	ck_assert(!is_verified(s.paths[0], &off));
	ck_assert_uint_eq(off, z.data[1]);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "w", &t, NULL), HEFT_OK);
	ck_assert_int_eq(heft_read(file, &t, 0, bytes, sizeof bytes, &err), HEFT_E_CORRUPT);
	ck_assert_uint_eq(err.offset, z.data[1]);
	heft_close(file);
	scratch_done(&s);
	zip_done(&z);
}
END_TEST

/* A record that cannot be unpacked is no matter before somebody reads it. */
START_TEST(opening_reads_no_records)
{
	static const uint8_t bytes[3] = { 1, 2, 3 };
	struct heft_file *file;
	struct zip_bytes z;
	struct scratch s;

	build(&z, bytes, sizeof bytes, 1, true);
	zip_finish(&z);
	memset(z.b.bytes + z.data[1], 0xff, z.stored_size[1]); /* no deflate stream */
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.pt"), z.b.bytes, z.b.size);
	ck_assert_int_eq(heft_open(s.paths[0], NULL, &file, NULL), HEFT_OK);
	heft_close(file);
	scratch_done(&s);
	zip_done(&z);
}
END_TEST

/* Large ones by way of a copy, where they can be neither mapped nor read piece by piece. */
START_TEST(a_large_transposed_tensor_is_read_in_every_way)
{
	enum {
		N_ROWS = 1031,
		N_COLUMNS = 1500
	};
	const struct heft_open_options *ways[] = { &as_pytorch, &by_pread };
	uint8_t *bytes = malloc((size_t)N_ROWS * N_COLUMNS);
	uint8_t *read = malloc((size_t)N_ROWS * N_COLUMNS);
	struct heft_file *file;
	struct heft_tensor t;
	struct zip_bytes z;
	struct scratch s;

	for (size_t i = 0; i < (size_t)N_ROWS * N_COLUMNS; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 1000);
	build(&z, bytes, N_ROWS, N_COLUMNS, _i / 2);
	zip_finish(&z);
	scratch_init(&s);
	scratch_write(scratch_path(&s, "m.pt"), z.b.bytes, z.b.size);
	ck_assert_int_eq(heft_open(s.paths[0], ways[_i % 2], &file, NULL), HEFT_OK);
	ck_assert_int_eq(heft_find(file, "w", &t, NULL), HEFT_OK);
	for (size_t off = 0; off < t.n_bytes; off += 100000) {
		const size_t n = t.n_bytes - off < 100000 ? (size_t)t.n_bytes - off : 100000;

		ck_assert_int_eq(heft_read(file, &t, off, read + off, n, NULL), HEFT_OK);
	}
	for (size_t i = 0; i < (size_t)N_ROWS * N_COLUMNS; i++)
		ck_assert(read[i] == bytes[i % N_COLUMNS * N_ROWS + i / N_COLUMNS]);
	heft_close(file);
	scratch_done(&s);
	zip_done(&z);
	free(read);
	free(bytes);
}
END_TEST

static Suite *pytorch_suite(void)
{
	Suite *s = suite_create("format_pytorch");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, every_fixture_gives_what_is_expected, 0, 6);
	tcase_add_loop_test(tc, any_part_of_a_tensor_can_be_read, 0, 10);
	tcase_add_test(tc, only_what_lies_as_it_is_wanted_is_mapped);
	tcase_add_test(tc, views_that_look_alike_are_tied);
	suite_add_tcase(s, tc);
	tc = tcase_create("probing");
	tcase_add_test(tc, the_first_member_tells_what_an_archive_is);
	tcase_add_test(tc, folders_before_the_first_member_are_passed_over);
	tcase_add_test(tc, legacy_files_are_told_by_their_magic);
	suite_add_tcase(s, tc);
	tc = tcase_create("crcs");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_wrong_crc_is_seen_by_whoever_verifies, 0, 2);
	tcase_add_test(tc, a_wrong_crc_of_a_pickle_is_seen_too);
	tcase_add_test(tc, a_wrong_crc_of_a_deflated_record_is_seen_by_whoever_reads_it);
	tcase_add_test(tc, opening_reads_no_records);
	tcase_add_loop_test(tc, a_large_transposed_tensor_is_read_in_every_way, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return heft_unit_run(pytorch_suite());
}
