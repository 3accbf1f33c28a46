/* SPDX-License-Identifier: Apache-2.0 */
/* test_format_onnx_external.c - weights of an ONNX model in files beside it (spec O3-4, O3-5). */
#include "format/format.h"
#include "onnx_file.h"
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

enum trap {
	LINK,
	LINK_WITHIN,
	LINK_OF_A_FOLDER,
	HARD_LINK,
	PIPE,
	FOLDER,
	MISSING,
	FILE_AS_A_FOLDER,
	N_TRAPS
};

static const struct {
	const char *location;
	const char *what;
} traps[N_TRAPS] = {
	[LINK] = { "trap", "symbolic link" },
	[LINK_WITHIN] = { "trap", "symbolic link" },
	[LINK_OF_A_FOLDER] = { "trap/data", "symbolic link" },
	[HARD_LINK] = { "trap", "hard links" },
	[PIPE] = { "trap", "no regular file" },
	[FOLDER] = { "trap", "no regular file" },
	[MISSING] = { "trap", "does not lie beside the model" },
	[FILE_AS_A_FOLDER] = { "data/data", "no folder" },
};

static int set_trap(enum trap trap, const char *data)
{
	const char *path = scratch_path(&s, "trap");

	switch (trap) {
	case LINK:
		return symlink("/etc/passwd", path);
	case LINK_WITHIN:
		return symlink("data", path);
	case LINK_OF_A_FOLDER:
		return symlink(".", path);
	case HARD_LINK:
		return link(data, path);
	case PIPE:
		return mkfifo(path, 0600);
	case FOLDER:
		return mkdir(path, 0700);
	default:
		return 0;
	}
}

START_TEST(no_link_and_nothing_but_a_regular_file_is_followed)
{
	struct heft_buffer graph = made_empty();
	struct heft_file *file = NULL;

	scratch_write(scratch_path(&s, "data"), "ABCDEFGH", 8);
	ck_assert_int_eq(set_trap((enum trap)_i, s.paths[0]), 0);
	onnx_add_external(&graph, "w", traps[_i].location);
	onnx_write(&s, "model.onnx", &graph);
	ck_assert_int_eq(heft_open(s.paths[2], NULL, &file, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, traps[_i].what) != NULL, "%s", err.msg);
	ck_assert_uint_ne(err.offset, HEFT_NO_OFFSET);
}
END_TEST

START_TEST(the_model_itself_may_be_reached_through_links)
{
	struct heft_buffer graph = made_empty();
	struct heft_file *file;
	char *path;

	ck_assert_int_eq(mkdir(scratch_path(&s, "real"), 0700), 0);
	ck_assert_int_eq(mkdir(scratch_path(&s, "real/deep"), 0700), 0);
	ck_assert_int_eq(symlink("real", scratch_path(&s, "link")), 0);
	scratch_write(scratch_path(&s, "real/deep/data"), "ABCDEFGH", 8);
	onnx_add_external(&graph, "w", "deep/data");
	onnx_write(&s, "real/model.onnx", &graph);
	path = scratch_path(&s, "link/model.onnx");
	file = onnx_open(path, 0);
	onnx_check(file, "w", "CDEF", 4);
	heft_close(file);
	ck_assert_int_eq(chdir(s.paths[0]), 0);
	file = onnx_open("model.onnx", 0);
	onnx_check(file, "w", "CDEF", 4);
	heft_close(file);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

#define MANY 300u

/* More files than a process may have open, each of which holds two tensors. */
START_TEST(many_external_files_do_not_use_the_descriptors_up)
{
	const unsigned before = onnx_n_open();
	struct heft_buffer graph = made_empty();
	struct heft_file *file;
	const void *bytes;
	uint32_t n_files;
	char name[32];

	for (unsigned i = 0; i < 2 * MANY; i++) {
		char content[9];

		snprintf(name, sizeof name, "file%u", i % MANY);
		snprintf(content, sizeof content, "ab%06u", i % MANY);
		if (i < MANY) {
			char *path = scratch_join(s.folder, name);

			scratch_write(path, content, 8);
			free(path);
		}
		onnx_add_external(&graph, i < MANY ? name : "again", name);
	}
	onnx_write(&s, "model.onnx", &graph);
	file = onnx_open(s.paths[0], 0);
	ck_assert_uint_lt(onnx_n_open() - before, 100);
	heft_file_size(file, &n_files);
	ck_assert_uint_eq(n_files, MANY + 1);
	onnx_check(file, "file7", "0000", 4);
	onnx_check(file, "file299", "0002", 4);
	onnx_check(file, "again#300", "0002", 4);
	ck_assert_int_eq(onnx_map(file, "file7", &bytes), HEFT_OK);
	ck_assert_int_eq(onnx_map(file, "file299", &bytes), HEFT_E_UNSUPPORTED);
	heft_close(file);
	ck_assert_uint_eq(onnx_n_open(), before);
}
END_TEST

/* spec O3-5 */
START_TEST(a_checksum_is_compared_when_a_file_is_verified)
{
	const struct heft_format *onnx = heft_format_by_name("onnx");
	struct heft_buffer graph = made_empty();
	struct heft_source *src;
	void *st;

	scratch_write(scratch_path(&s, "data"), "abc", 3);
	scratch_write(scratch_path(&s, "unchecked"), "ABCDEFGH", 8);
	for (unsigned i = 0; i < 2; i++) {
		struct heft_buffer t = made_tensor("w", 2, 1, 0);

		onnx_add_entry(&t, "location", "data");
		onnx_add_entry(&t, "length", "1");
		onnx_add_entry(&t, "checksum", "A9993E364706816ABA3E25717850C26C9CD0D89D");
		made_uint(&t, 14, 1);
		made_message(&graph, 5, &t);
	}
	onnx_add_external(&graph, "x", "unchecked");
	onnx_write(&s, "model.onnx", &graph);
	ck_assert_int_eq(heft_source_open(s.paths[2], true, &src, &err), HEFT_OK);
	ck_assert_int_eq(onnx->open(src, s.paths[2], NULL, &st, &err), HEFT_OK);
	ck_assert_msg(onnx->check_data(st, NULL, &err) == HEFT_OK, "%s", err.msg);
	onnx->close(st);
	scratch_write(s.paths[0], "abd", 3);
	ck_assert_int_eq(onnx->open(src, s.paths[2], NULL, &st, &err), HEFT_OK);
	ck_assert_int_eq(onnx->check_data(st, NULL, &err), HEFT_E_CORRUPT);
	ck_assert_msg(strstr(err.msg, "'data' does not match its checksum") != NULL, "%s", err.msg);
	onnx->close(st);
	heft_source_close(src);
}
END_TEST

static Suite *external_suite(void)
{
	Suite *suite = suite_create("format_onnx_external");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, no_link_and_nothing_but_a_regular_file_is_followed, 0, N_TRAPS);
	tcase_add_test(t, the_model_itself_may_be_reached_through_links);
	tcase_add_test(t, many_external_files_do_not_use_the_descriptors_up);
	tcase_add_test(t, a_checksum_is_compared_when_a_file_is_verified);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return heft_unit_run(external_suite());
}
