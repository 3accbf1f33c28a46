/* SPDX-License-Identifier: Apache-2.0 */
/* test_weights_edit.c - tests of lib/weights/edit.c and edit_rewrite.c: a file of another format is
 * written anew, and a heft file is not. */
#include "heft/edit.h"

#include "alloc_fail.h"
#include "heft/convert.h"
#include "model.h"
#include "scratch.h"
#include "unit.h"

static struct scratch s;
static struct heft_error err;
static struct heft_edit *edit;
static char *path;
static char *other;

static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true, .run.n_threads = 1 };

static void set_up(void)
{
	scratch_init(&s);
	path = scratch_path(&s, "a.safetensors");
	other = scratch_path(&s, "b.safetensors");
	model_write(path, "safetensors", NULL, false, NULL);
	edit = NULL;
}

static void tear_down(void)
{
	scratch_done(&s);
}

static void ok(enum heft_status st)
{
	ck_assert_msg(st == HEFT_OK, "%s", st == HEFT_OK ? "" : err.msg);
}

static void begin(void)
{
	ok(heft_edit_open(path, &quick, &edit, &err));
}

static void commit(void)
{
	ok(heft_edit_commit(edit, &err));
}

static void check_metadata(const char *file, const char *wanted)
{
	struct heft_file *f = model_open(file);
	const char *json;

	ok(heft_metadata(f, &json, &err));
	ck_assert_str_eq(json, wanted);
	heft_close(f);
}

static void check_there(const char *file, const char *name, bool is_there)
{
	struct heft_file *f = model_open(file);
	struct heft_tensor t;

	ck_assert_int_eq(heft_find(f, name, &t, NULL), is_there ? HEFT_OK : HEFT_E_NOT_FOUND);
	heft_close(f);
}

static void convert(const char *from, const char *to)
{
	struct heft_file *f = model_open(from);

	ok(heft_convert(f, to, NULL, NULL, &err));
	heft_close(f);
}

/* Everything that both kinds of files can take. */
static enum heft_status change_all(struct heft_edit *e)
{
	enum heft_status st = heft_edit_set_metadata(e, "license", "\"CC0\"", &err);

	if (st == HEFT_OK)
		st = heft_edit_unset_metadata(e, "step", &err);
	if (st == HEFT_OK)
		st = heft_edit_set_metadata(e, "by", "\"me\"", &err);
	if (st == HEFT_OK)
		st = heft_edit_rename(e, "layer.*", "*", &err);
	if (st == HEFT_OK)
		st = heft_edit_rename(e, "ids", "mask", &err);
	if (st == HEFT_OK)
		st = heft_edit_rename(e, "mask", "ids", &err);
	if (st == HEFT_OK)
		st = heft_edit_delete(e, "e*y", &err);
	return st;
}

/* One way or the other, what is in the file is the same. */
START_TEST(both_ways_give_the_same_file)
{
	char *heft = scratch_path(&s, "a.heft");
	uint8_t digests[2][HEFT_DIGEST_SIZE];
	struct heft_edit_report report;

	convert(path, heft);
	begin();
	ok(change_all(edit));
	ok(heft_edit_check(edit, &report, &err));
	ck_assert(report.is_rewrite && report.is_changed && report.changes_metadata);
	ck_assert_uint_eq(report.n_renamed, 4);
	ck_assert_uint_eq(report.n_deleted, 1);
	commit();
	model_digest(path, digests[0]);

	ok(heft_edit_open(heft, &quick, &edit, &err));
	ok(change_all(edit));
	ok(heft_edit_check(edit, &report, &err));
	ck_assert(!report.is_rewrite && report.is_changed && report.changes_metadata);
	ck_assert_uint_eq(report.n_renamed, 4);
	ck_assert_uint_eq(report.n_deleted, 1);
	commit();
	model_digest(heft, digests[1]);
	ck_assert_mem_eq(digests[0], digests[1], HEFT_DIGEST_SIZE);
	check_metadata(path, "{\"by\":\"me\",\"license\":\"CC0\"}"); /* which sorts */
	check_metadata(heft, "{\"license\":\"CC0\",\"by\":\"me\"}");
	check_there(path, "weight", true);
	check_there(path, "layer.weight", false);
	check_there(path, "empty", false);
	ck_assert_uint_eq(scratch_n_files(&s), 2);
}
END_TEST

/* The recipe in a heft file speaks of other names, and of other metadata. */
START_TEST(an_edited_heft_file_gives_its_own_content)
{
	char *heft = scratch_path(&s, "a.heft");
	char *back = scratch_path(&s, "back.safetensors");

	convert(path, heft);
	ok(heft_edit_open(heft, &quick, &edit, &err));
	if (_i)
		ok(heft_edit_rename(edit, "big", "large", &err));
	else
		ok(heft_edit_set_metadata(edit, "step", "\"13\"", &err));
	commit();
	convert(heft, back);
	check_there(back, _i ? "large" : "big", true);
	check_metadata(back, _i ? MODEL_METADATA : "{\"license\":\"MIT\",\"step\":\"13\"}");
}
END_TEST

START_TEST(metadata_can_all_go)
{
	begin();
	ok(heft_edit_unset_metadata(edit, "step", &err));
	ok(heft_edit_unset_metadata(edit, "license", &err));
	ck_assert_int_eq(heft_edit_unset_metadata(edit, "license", &err), HEFT_E_NOT_FOUND);
	commit();
	check_metadata(path, "{}");
	begin();
	ok(heft_edit_set_metadata(edit, "a", "\"b\"", &err));
	commit();
	check_metadata(path, "{\"a\":\"b\"}");
}
END_TEST

START_TEST(nothing_has_to_be_left)
{
	struct heft_file *f;

	begin();
	ok(heft_edit_delete(edit, "*", &err));
	commit();
	f = model_open(path);
	ck_assert_uint_eq(heft_n_tensors(f), 0);
	heft_close(f);
	check_metadata(path, MODEL_METADATA);
}
END_TEST

/* What cannot be is told before anything is written. */
START_TEST(mistakes_change_nothing)
{
	struct heft_edit_report report;
	enum heft_status st = HEFT_OK;
	size_t n;
	char *bytes = scratch_read(path, &n);

	begin();
	switch (_i) {
	case 0:
		st = heft_edit_rename(edit, "nothing", "x", &err);
		break;
	case 1:
		st = heft_edit_rename(edit, "n*", "x*", &err);
		break;
	case 2:
		st = heft_edit_rename(edit, "*", "x", &err);
		break;
	case 3:
		st = heft_edit_delete(edit, "nothing", &err);
		break;
	case 4:
		st = heft_edit_tie(edit, "big", "empty", &err);
		break;
	case 5:
		st = heft_edit_untie(edit, "big", &err);
		break;
	case 6:
		ok(heft_edit_rename(edit, "big", "empty", &err));
		break;
	case 7:
		ok(heft_edit_rename(edit, "big", "\xff", &err));
		break;
	case 8:
		ok(heft_edit_rename(edit, "big", "large", &err));
		ok(heft_edit_delete(edit, "b*", &err));
		break;
	case 9:
		ok(heft_edit_rename(edit, "big", "large", &err));
		ok(heft_edit_rename(edit, "b*", "B*", &err));
		break;
	case 10:
		ok(heft_edit_rename(edit, "big", "__metadata__", &err));
		break;
	default:
		ok(heft_edit_set_metadata(edit, "n", "1", &err));
		break;
	}
	ck_assert_int_eq(st, _i < 6 ? HEFT_E_USAGE : HEFT_OK);
	if (_i >= 6) {
		ck_assert_int_eq(heft_edit_check(edit, &report, &err), HEFT_E_USAGE);
		ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_USAGE);
	} else {
		commit();
	}
	scratch_check(path, bytes, n);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	free(bytes);
}
END_TEST

static ino_t inode(const char *file)
{
	struct stat st;

	ck_assert_int_eq(stat(file, &st), 0);
	return st.st_ino;
}

START_TEST(what_changes_nothing_writes_nothing)
{
	const ino_t before = inode(path);

	begin();
	commit();
	begin();
	ok(heft_edit_set_metadata(edit, "license", "\"MIT\"", &err));
	ok(heft_edit_rename(edit, "big", "big", &err));
	commit();
	begin();
	ok(heft_edit_delete(edit, "*", &err));
	heft_edit_discard(edit);
	ck_assert_uint_eq(inode(path), before);
	begin();
	ok(heft_edit_rename(edit, "big", "large", &err));
	commit();
	ck_assert_uint_ne(inode(path), before);
}
END_TEST

START_TEST(a_second_edit_is_told_that_it_must_wait)
{
	struct heft_edit *second;

	begin();
	ck_assert_int_eq(heft_edit_open(path, &quick, &second, &err), HEFT_E_BUSY);
	ok(heft_edit_rename(edit, "big", "large", &err));
	commit();
	begin();
	heft_edit_discard(edit);
}
END_TEST

START_TEST(links_and_modes_stay)
{
	const struct heft_edit_options keep = { .no_sync = true, .keep_links = true };
	char *soft = scratch_path(&s, "soft");
	struct stat st;

	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(symlink(path, soft), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(heft_edit_open(path, &keep, &edit, &err), HEFT_E_USAGE);
	ok(heft_edit_open(soft, &quick, &edit, &err));
	ok(heft_edit_rename(edit, "big", "large", &err));
	commit();
	check_there(path, "large", true);
	check_there(soft, "large", true);
	check_there(other, "large", false);
	ck_assert_int_eq(lstat(soft, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(scratch_n_files(&s), 3);
}
END_TEST

static bool stop(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user, (void)n_done, (void)n_total;
	return true;
}

START_TEST(a_rewrite_can_be_cancelled)
{
	const struct heft_edit_options options = { .no_sync = true, .run.progress = stop };
	size_t n;
	char *bytes = scratch_read(path, &n);

	ok(heft_edit_open(path, &options, &edit, &err));
	ok(heft_edit_rename(edit, "big", "large", &err));
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_CANCELLED);
	scratch_check(path, bytes, n);
	ck_assert_uint_eq(scratch_n_files(&s), 1);
	free(bytes);
}
END_TEST

START_TEST(what_is_no_file_of_weights_is_refused)
{
	static const uint8_t zeros[100];

	scratch_write(path, zeros, _i ? sizeof zeros : 0);
	ck_assert_int_eq(heft_edit_open(path, &quick, &edit, &err), HEFT_E_NOT_FORMAT);
	ck_assert_int_eq(heft_edit_open(other, &quick, &edit, &err), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_edit_open(s.folder, &quick, &edit, &err), HEFT_E_USAGE);
}
END_TEST

/* --- a set of shards --- */

/* Four files of a set, in the only folder of the test's. */
static char *make_set(void)
{
	char *folder = scratch_path(&s, "set");
	char *index = scratch_path(&s, "set/model.safetensors.index.json");
	const struct heft_convert_plan plan = { .format = "safetensors-shards", .shard_size = 100 };
	struct heft_file *f = model_open(path);

	ck_assert_int_eq(mkdir(folder, 0777), 0);
	ok(heft_convert(f, index, &plan, NULL, &err));
	heft_close(f);
	ck_assert_int_eq(unlink(path), 0);
	path = index;
	return folder;
}

static unsigned count_files(const char *folder)
{
	char *const own = s.folder;
	unsigned n;

	s.folder = (char *)(uintptr_t)folder;
	n = scratch_n_files(&s);
	s.folder = own;
	return n;
}

START_TEST(a_set_is_written_anew)
{
	uint8_t before[HEFT_DIGEST_SIZE];
	uint8_t after[HEFT_DIGEST_SIZE];
	const char *folder = make_set();
	const unsigned n = count_files(folder);

	ck_assert_uint_ge(n, 3);
	model_digest(path, before);
	begin();
	ok(heft_edit_set_metadata(edit, "license", "\"CC0\"", &err));
	commit();
	model_digest(path, after);
	ck_assert_mem_eq(before, after, sizeof before);
	ck_assert_uint_eq(count_files(folder), n);
	check_metadata(path, "{\"license\":\"CC0\",\"step\":\"12\"}");
	begin();
	ok(heft_edit_rename(edit, "big", "ids", &err));
	ok(heft_edit_rename(edit, "ids", "big", &err));
	commit();
	check_there(path, "ids", true);
	ck_assert_uint_eq(count_files(folder), n);
	begin();
	ok(heft_edit_set_metadata(edit, "n", "1", &err));
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_USAGE);
	ck_assert_uint_eq(count_files(folder), n);
}
END_TEST

START_TEST(a_set_of_one_shard_has_no_index)
{
	const char *folder = make_set();

	begin();
	ok(heft_edit_delete(edit, "big", &err));
	commit();
	ck_assert_uint_eq(count_files(folder), 1);
	path = scratch_path(&s, "set/model.safetensors");
	check_there(path, "ids", true);
	check_there(path, "big", false);
}
END_TEST

/* They would stay beside the new ones. */
START_TEST(shards_of_other_names_are_refused)
{
	const char *folder = make_set();
	char *index = scratch_path(&s, "set/other.safetensors.index.json");

	ck_assert_int_eq(rename(path, index), 0);
	ck_assert_int_eq(heft_edit_open(index, &quick, &edit, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "not called after the index"));
	ck_assert_uint_ge(count_files(folder), 3);
}
END_TEST

START_TEST(an_array_without_a_name_is_not_renamed)
{
	static const struct heft_tensor t = {
		.name = "x", .dtype = HEFT_DTYPE_F32, .rank = 1, .dims = { 2 }
	};
	static const float values[] = { 1, 2 };
	struct heft_writer *w;

	path = scratch_path(&s, "x.npy");
	ok(heft_create(path, "npy", NULL, &w, &err));
	ok(heft_declare(w, &t, &err));
	ok(heft_put(w, 0, values, sizeof values, &err));
	ok(heft_commit(w, NULL, &err));
	begin();
	ck_assert_int_eq(heft_edit_rename(edit, "arr_0", "y", &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "npy keeps no names");
	commit();
}
END_TEST

/* After a failure that may have left half a change, nothing more is taken. */
START_TEST(an_edit_that_failed_takes_no_more)
{
	struct heft_edit_report report;
	size_t n;
	char *bytes;

	model_write(path, "heft", &(struct heft_write_options){ .overwrite = true }, false, NULL);
	bytes = scratch_read(path, &n);
	begin();
	ok(heft_edit_rename(edit, "layer.bias", "x", &err));
	alloc_fail_at(1);
	ck_assert_int_eq(heft_edit_rename(edit, "big", "large", &err), HEFT_E_NOMEM);
	ck_assert(alloc_fail_done());
	ck_assert_int_eq(heft_edit_rename(edit, "big", "large", &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_check(edit, &report, &err), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "failed before"));
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

/* --- without memory --- */

/* No assertion in here: Check allocates too. */
static enum heft_status edit_all(void)
{
	struct heft_edit *e;
	enum heft_status st = heft_edit_open(path, &quick, &e, &err);

	if (st != HEFT_OK)
		return st;
	st = change_all(e);
	if (st == HEFT_OK && strstr(path, ".heft"))
		st = heft_edit_untie(e, "tied.weight", &err);
	if (st == HEFT_OK && strstr(path, ".heft"))
		st = heft_edit_tie(e, "tied.weight", "layer.weight", &err);
	if (st == HEFT_OK)
		return heft_edit_commit(e, &err);
	heft_edit_discard(e);
	return st;
}

START_TEST(without_memory_nothing_changes)
{
	bool has_failed = true;
	size_t n = 1;
	char *bytes;
	size_t size;

	if (_i == 1) {
		ck_assert_int_eq(unlink(path), 0);
		path = scratch_path(&s, "a.heft");
		model_write(path, "heft", NULL, true, NULL);
	} else if (_i == 2) {
		make_set();
	}
	bytes = scratch_read(path, &size);
	for (; has_failed; n++) {
		enum heft_status st;

		alloc_fail_at(n);
		st = edit_all();
		has_failed = alloc_fail_done();
		ck_assert_uint_eq(scratch_n_files(&s), 1);
		if (st == HEFT_OK && _i == 2)
			break;
		if (st == HEFT_OK) { /* some do without, as one that only makes it faster */
			scratch_write(path, bytes, size);
			continue;
		}
		ck_assert_msg(has_failed && st == HEFT_E_NOMEM, "allocation %zu: %d, %s", n,
		              (int)st, err.msg);
		scratch_check(path, bytes, size);
	}
	ck_assert_uint_gt(n, 20);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weights edit");
	TCase *tc = tcase_create("edit");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, both_ways_give_the_same_file);
	tcase_add_loop_test(tc, an_edited_heft_file_gives_its_own_content, 0, 2);
	tcase_add_test(tc, metadata_can_all_go);
	tcase_add_test(tc, nothing_has_to_be_left);
	tcase_add_loop_test(tc, mistakes_change_nothing, 0, 12);
	tcase_add_test(tc, what_changes_nothing_writes_nothing);
	tcase_add_test(tc, a_second_edit_is_told_that_it_must_wait);
	tcase_add_test(tc, links_and_modes_stay);
	tcase_add_test(tc, a_rewrite_can_be_cancelled);
	tcase_add_loop_test(tc, what_is_no_file_of_weights_is_refused, 0, 2);
	tcase_add_test(tc, a_set_is_written_anew);
	tcase_add_test(tc, a_set_of_one_shard_has_no_index);
	tcase_add_test(tc, shards_of_other_names_are_refused);
	tcase_add_test(tc, an_array_without_a_name_is_not_renamed);
	tcase_add_test(tc, an_edit_that_failed_takes_no_more);
	tcase_add_loop_test(tc, without_memory_nothing_changes, 0, 3);
	suite_add_tcase(suite, tc);
	return heft_unit_run(suite);
}
