/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_find_file.c - folders that are opened as the file in them. */
#include "weights/find_file.h"

#include "alloc_fail.h"
#include "base/alloc.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;

static void set_up(void)
{
	scratch_init(&s);
}

static void tear_down(void)
{
	scratch_done(&s);
}

static void touch(const char *name)
{
	scratch_write(scratch_path(&s, name), "", 0);
}

static void check_found(const char *folder, const char *name)
{
	char expected[256];
	char *path;

	snprintf(expected, sizeof expected, "%s%s%s", folder,
	         folder[strlen(folder) - 1] == '/' ? "" : "/", name);
	ck_assert_msg(heft_find_file(folder, &path, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_str_eq(path, expected);
	heft_free(path);
}

static void check_refused(const char *message)
{
	char *path;

	ck_assert_int_eq(heft_find_file(s.folder, &path, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, message);
}

/* spec H1-4 */
START_TEST(the_only_file_is_found)
{
	touch("config.json");
	touch(".hidden.heft");
	check_refused("a folder without a file of weights");
	touch("a.npy");
	check_found(s.folder, "a.npy");
	check_found(scratch_path(&s, ""), "a.npy");
	touch("x.safetensors.index.json");
	touch("b.heft");
	check_found(s.folder, "x.safetensors.index.json");
}
END_TEST

/* spec H1-4 */
START_TEST(several_files_are_named)
{
	static const char *const names[] = { "b.heft", "d.npy", "a.safetensors", "e.heft",
		                             "c.npz" };

	for (size_t i = 0; i < 5; i++)
		touch(names[i]);
	check_refused("a folder with 5 files of weights, of which one is to be named: "
	              "a.safetensors, b.heft, c.npz, d.npy, ...");
	touch("y.safetensors.index.json");
	touch("x.safetensors.index.json");
	check_refused("a folder with 2 files of weights, of which one is to be named: "
	              "x.safetensors.index.json, y.safetensors.index.json");
}
END_TEST

START_TEST(without_memory_it_says_so)
{
	char *path = NULL;
	bool has_failed = true;

	touch("a.heft");
	for (size_t n = 1; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = heft_find_file(s.folder, &path, NULL);
		has_failed = alloc_fail_done();
		/* The C library needs memory as well, and says it with errno. */
		ck_assert_int_eq(st, has_failed ? HEFT_E_NOMEM : HEFT_OK);
	}
	heft_free(path);
}
END_TEST

START_TEST(a_folder_that_cannot_be_listed_is_told)
{
	struct heft_file *file;
	char *path;

	ck_assert_int_eq(heft_find_file(scratch_path(&s, "absent"), &path, &err), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_open(s.folder, NULL, &file, &err), HEFT_E_USAGE);
}
END_TEST

/* --- fixtures: tests/vectors/make_shards.py --- */

/* What heft_open says of the folder, as its file `expect` has it. */
static void tell(const char *folder, char *told, size_t size)
{
	uint8_t digest[HEFT_DIGEST_SIZE];
	struct heft_file *file;
	size_t n;

	if (heft_open(folder, NULL, &file, &err) != HEFT_OK) {
		if (err.offset == HEFT_NO_OFFSET)
			snprintf(told, size, "%s -\n", heft_status_name(err.code));
		else
			snprintf(told, size, "%s %llu\n", heft_status_name(err.code),
			         (unsigned long long)err.offset);
		return;
	}
	ck_assert_int_eq(heft_weights_digest(file, NULL, digest, &err), HEFT_OK);
	heft_close(file);
	n = (size_t)snprintf(told, size, "ok ");
	for (size_t i = 0; i < sizeof digest; i++)
		n += (size_t)snprintf(told + n, size - n, "%02x", digest[i]);
	snprintf(told + n, size - n, "\n");
}

START_TEST(every_fixture_gives_what_is_expected)
{
	const char *fixtures = getenv("FIXTURES");
	unsigned n = 0;
	struct dirent *entry;
	char path[512];
	char told[128];
	DIR *folder;

	snprintf(path, sizeof path, "%s/shards", fixtures ? fixtures : "fixtures");
	folder = opendir(path);
	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder))) {
		char *set = scratch_join(path, entry->d_name);
		char *expect = scratch_join(set, "expect");

		if (entry->d_name[0] != '.') {
			char *expected = scratch_read(expect, NULL);

			tell(set, told, sizeof told);
			ck_assert_msg(strcmp(told, expected) == 0, "%s: %snot %s", entry->d_name,
			              told, expected);
			free(expected);
			n++;
		}
		free(expect);
		free(set);
	}
	closedir(folder);
	ck_assert_uint_gt(n, 10);
}
END_TEST

/* spec H1-3 */
START_TEST(a_shard_opens_as_itself)
{
	const char *fixtures = getenv("FIXTURES");
	struct heft_file *file;
	char path[512];

	snprintf(path, sizeof path, "%s/shards/missing-shard/model-00001-of-00002.safetensors",
	         fixtures ? fixtures : "fixtures");
	file = model_open(path);
	ck_assert_str_eq(heft_format_name(file), "safetensors");
	ck_assert_uint_eq(heft_n_tensors(file), 2);
	heft_close(file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights find file");
	TCase *tc = tcase_create("folders");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, the_only_file_is_found);
	tcase_add_test(tc, several_files_are_named);
	tcase_add_test(tc, without_memory_it_says_so);
	tcase_add_test(tc, a_folder_that_cannot_be_listed_is_told);
	tcase_add_test(tc, every_fixture_gives_what_is_expected);
	tcase_add_test(tc, a_shard_opens_as_itself);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
