/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_update.c - tests of lib/container/update.c and locked.c: changes in place. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "container/generation.h"
#include "container/layout.h"
#include "heft/edit.h"
#include "make_heft.h"
#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;
static char *other;

static void setup(void)
{
	const struct make_heft m = { .tensors = make_all, .n = MAKE_ALL_N };

	scratch_init(&scratch);
	path = scratch_path(&scratch, "a.heft");
	other = scratch_path(&scratch, "b.heft");
	make_heft(&m, path);
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static const struct heft_edit_options quick = { .lock_ms = 1, .no_sync = true };

static struct heft_edit *begin(const struct heft_edit_options *options)
{
	struct heft_edit *edit = NULL;
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_edit_open(path, options, &edit, &err) == HEFT_OK, "%s", err.msg);
	return edit;
}

static void set(const char *key, const char *value)
{
	struct heft_edit *edit = begin(&quick);
	struct heft_error err;

	err.msg[0] = '\0';
	ck_assert_msg(heft_edit_set_metadata(edit, key, value, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_msg(heft_edit_commit(edit, &err) == HEFT_OK, "%s", err.msg);
}

static void unset(const char *key)
{
	struct heft_edit *edit = begin(&quick);

	ck_assert_int_eq(heft_edit_unset_metadata(edit, key, NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
}

/* NULL: there is no META. */
static void check_meta(const char *file, const char *text)
{
	struct heft_section s;
	uint8_t *bytes;
	struct made f;

	made_open(&f, file);
	ck_assert_int_eq(heft_index_find_section(f.ix, HEFT_SECTION_META, &s), text != NULL);
	if (text) {
		ck_assert_int_eq(heft_index_read_section(f.ix, &s, UINT64_MAX, &bytes, NULL),
		                 HEFT_OK);
		ck_assert_str_eq((const char *)bytes, text);
		free(bytes);
	}
	made_close(&f);
}

static void check_generation(uint64_t generation)
{
	struct made f;

	made_open(&f, path);
	ck_assert_uint_eq(heft_index_page(f.ix)->generation, generation);
	made_check(&f, make_all, MAKE_ALL_N);
	made_close(&f);
}

static uint64_t committed_end(void)
{
	struct made f;
	uint64_t end;

	made_open(&f, path);
	end = heft_index_page(f.ix)->dir_off + heft_index_page(f.ix)->dir_size;
	made_close(&f);
	return end;
}

START_TEST(members_are_set_and_unset)
{
	set("a", "1");
	check_meta(path, "{\"a\":1}");
	check_generation(2);
	made_verify(path, false);
	set("a", "\"x\"");
	check_meta(path, "{\"a\":\"x\"}");
	check_generation(3);
	made_verify(path, false);
	unset("a");
	check_meta(path, NULL); /* an empty object is no section */
	check_generation(4);
	made_verify(path, false);
}
END_TEST

START_TEST(several_changes_are_one_generation)
{
	struct heft_edit *edit = begin(&quick);

	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "b", "[2]", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "3", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_unset_metadata(edit, "c", NULL), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "d", "[", NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "d", "", NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "d", "1 2", NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "\xff", "1", NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	check_meta(path, "{\"a\":3,\"b\":[2]}");
	check_generation(2);
}
END_TEST

START_TEST(without_a_change_nothing_is_written)
{
	struct heft_edit *edit;
	size_t n;
	char *bytes;

	set("a", "1");
	bytes = scratch_read(path, &n);
	set("a", "1");
	edit = begin(&quick);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	edit = begin(&quick);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "2", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	edit = begin(&quick);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "2", NULL), HEFT_OK);
	heft_edit_discard(edit);
	heft_edit_discard(NULL);
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

START_TEST(a_large_text_is_packed)
{
	static char value[400000];
	size_t before;
	size_t after;

	memset(value, 'x', sizeof value - 1);
	value[0] = value[sizeof value - 2] = '"';
	free(scratch_read(path, &before));
	set("a", value);
	free(scratch_read(path, &after));
	ck_assert_uint_lt(after - before, 4096);
	made_verify(path, false);
}
END_TEST

/* [R8.2-2] [R2.2-3]: a reader keeps what it opened, mapped or not; the previous one can be asked
 * for. */
/* A reader that knew the size from before, and reads the page that an update has written since. */
START_TEST(an_update_may_come_between_a_readers_first_steps)
{
	struct heft_source *src;
	struct heft_index *ix;
	struct heft_error err;
	const uint8_t *map;

	ck_assert_int_eq(heft_source_open(path, true, &src, NULL), HEFT_OK);
	set("a", "1");
	err.msg[0] = '\0';
	ck_assert_msg(heft_index_open(src, NULL, &ix, &err) == HEFT_OK, "%s", err.msg);
	ck_assert_uint_eq(heft_index_page(ix)->generation, 2);
	ck_assert_uint_eq(heft_index_pages(ix)->file_size, heft_source_size(src));
	ck_assert_int_eq(heft_source_map(src, &map, NULL), HEFT_OK);
	/* else SIGBUS */
	ck_assert_uint_le(((const volatile uint8_t *)map)[heft_source_size(src) - 1], 255);
	heft_index_close(ix);
	heft_source_close(src);
}
END_TEST

START_TEST(open_readers_keep_their_generation)
{
	const struct heft_index_options previous = { .previous = true };
	struct heft_section s;
	struct heft_index *ix;
	const uint8_t *map;
	uint8_t *bytes;
	struct made f;
	uint64_t end;

	set("a", "1");
	end = committed_end();
	bytes = malloc(end);
	made_open(&f, path);
	ck_assert_int_eq(heft_source_map(f.src, &map, NULL), HEFT_OK);
	memcpy(bytes, map, end);
	for (int i = 0; i < 5; i++)
		set("a", i % 2 ? "[1]" : "[2]");
	made_check(&f, make_all, MAKE_ALL_N);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	/* all but the pages */
	ck_assert_mem_eq(bytes + HEFT_DATA_START, map + HEFT_DATA_START, end - HEFT_DATA_START);
	free(bytes);
	made_close(&f);

	ck_assert_int_eq(heft_source_open(path, false, &f.src, NULL), HEFT_OK);
	ck_assert_int_eq(heft_index_open(f.src, &previous, &ix, NULL), HEFT_OK);
	ck_assert_uint_eq(heft_index_page(ix)->generation, 6);
	heft_index_close(ix);
	heft_source_close(f.src);
}
END_TEST

static void append_junk(size_t n)
{
	FILE *f = fopen(path, "ab");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < n; i++)
		fputc((int)(i * 7 + 1) & 0xff, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* [R5-2] [R2.2-5]: the new generation lies behind a tail, apart from the committed end, and the
 * tail may hold anything. */
START_TEST(a_tail_is_kept)
{
	static const size_t sizes[] = { 1, 7, 8, 63, 64, 65, 5000 };
	const size_t n = sizes[_i];
	const uint64_t end = committed_end();
	size_t size;
	char *before;
	char *after;

	append_junk(n);
	before = scratch_read(path, &size);
	set("a", "1");
	after = scratch_read(path, NULL);
	ck_assert_mem_eq(before + HEFT_DATA_START, after + HEFT_DATA_START, size - HEFT_DATA_START);
	free(before);
	free(after);
	check_generation(2);
	ck_assert_uint_ge(committed_end(), end + 64);
	made_verify(path, false);
	set("a", "2");
	made_verify(path, false);
}
END_TEST

/* [R8.2-3]: unknown content is carried, bound or not; an unknown layout section is dropped. */
START_TEST(unknown_sections_are_carried_or_dropped)
{
	static const uint8_t bytes[5] = "abcd";
	static const struct heft_section_out sections[] = {
		{ 0x00000001, bytes, 5 },
		{ 0x00000abcu, bytes, 4 },
		{ 0x1fffffff, bytes, 5 },
		{ 0x3fffffff, bytes, 5 },
		{ HEFT_SECTION_SIGNATURES, bytes, 5 },
		{ 0x50000001, bytes, 5 },
	};
	const struct make_heft m = {
		.tensors = make_all, .n = MAKE_ALL_N, .sections = sections, .n_sections = 6
	};
	struct heft_section s;
	struct made f;

	make_heft(&m, path);
	set("a", "1");
	made_open(&f, path);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(heft_index_find_section(f.ix, sections[i].type, &s), i < 4);
	ck_assert(heft_index_find_section(f.ix, HEFT_SECTION_META, &s));
	made_close(&f);
	made_verify(path, false);
}
END_TEST

START_TEST(a_second_edit_is_told_that_it_must_wait)
{
	struct heft_edit *first = begin(&quick);
	struct heft_edit *second;
	struct heft_error err;

	ck_assert_int_eq(heft_edit_open(path, &quick, &second, &err), HEFT_E_BUSY);
	ck_assert_int_eq(heft_compact(path, &quick, NULL, &err), HEFT_E_BUSY);
	ck_assert_int_eq(heft_recover(path, other, &quick, NULL, &err), HEFT_E_BUSY);
	heft_edit_discard(first);
	second = begin(&quick);
	heft_edit_discard(second);
}
END_TEST

/* A process that was forked while an edit was open shares its descriptor. */
START_TEST(a_forked_process_does_not_keep_the_lock)
{
	struct heft_edit *edit = begin(&quick);
	const pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	heft_edit_discard(edit);
	set("a", "1");
	ck_assert_int_eq(heft_compact(path, &quick, NULL, NULL), HEFT_OK);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
END_TEST

/* [R8.2-4] */
START_TEST(a_file_of_several_names_is_copied)
{
	const struct heft_edit_options keep = { .no_sync = true, .keep_links = true };
	struct heft_edit *edit;

	set("a", "1");
	ck_assert_int_eq(link(path, other), 0);
	set("a", "2");
	check_meta(path, "{\"a\":2}");
	check_meta(other, "{\"a\":1}");
	made_verify(path, false);
	made_verify(other, false);
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);

	ck_assert_int_eq(unlink(other), 0);
	ck_assert_int_eq(link(path, other), 0);
	edit = begin(&keep);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "3", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_OK);
	check_meta(path, "{\"a\":3}");
	check_meta(other, "{\"a\":3}");
}
END_TEST

static bool stop(void *user, uint64_t n_done, uint64_t n_total)
{
	(void)user, (void)n_done, (void)n_total;
	return true;
}

START_TEST(a_copy_can_be_cancelled)
{
	const struct heft_edit_options options = { .no_sync = true, .run.progress = stop };
	struct heft_edit *edit;
	size_t n;
	char *bytes;

	ck_assert_int_eq(link(path, other), 0);
	bytes = scratch_read(path, &n);
	edit = begin(&options);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, NULL), HEFT_E_CANCELLED);
	scratch_check(path, bytes, n);
	free(bytes);
	ck_assert_uint_eq(scratch_n_files(&scratch), 2);
}
END_TEST

START_TEST(a_link_to_the_file_will_do)
{
	ck_assert_int_eq(symlink(path, other), 0);
	path = other;
	set("a", "1");
	check_generation(2);
}
END_TEST

START_TEST(other_files_are_refused)
{
	static const uint8_t zeros[16384];
	struct heft_edit *edit;
	struct heft_error err;

	ck_assert_int_eq(heft_edit_open(other, &quick, &edit, &err), HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_edit_open(scratch.folder, &quick, &edit, &err), HEFT_E_USAGE);
	scratch_write(other, zeros, 0);
	ck_assert_int_eq(heft_edit_open(other, &quick, &edit, &err), HEFT_E_NOT_FORMAT);
	scratch_write(other, zeros, sizeof zeros);
	ck_assert_int_eq(heft_edit_open(other, &quick, &edit, &err), HEFT_E_NOT_FORMAT);
	ck_assert_int_eq(heft_compact(other, &quick, NULL, &err), HEFT_E_UNSUPPORTED);
	ck_assert_int_eq(heft_recover(other, NULL, &quick, NULL, &err), HEFT_E_UNSUPPORTED);
	scratch_check(other, zeros, sizeof zeros);
}
END_TEST

/* The old page is damaged: the file is still changed, and the page is good again. */
START_TEST(a_bad_other_page_is_written_over)
{
	char *bytes;
	size_t n;

	bytes = scratch_read(path, &n);
	memset(bytes + HEFT_PAGE_SIZE, 0x55, 100);
	scratch_write(path, bytes, n);
	free(bytes);
	set("a", "1");
	check_generation(2);
	made_verify(path, false);
}
END_TEST

/* [R8.2-1] in a full file system, as a limit on the file's size plays it */
START_TEST(without_room_the_file_stays_as_it_was)
{
	struct rlimit limit;
	struct heft_edit *edit;
	struct heft_error err;
	size_t n;
	char *bytes;

	append_junk(_i ? 100 : 0);
	bytes = scratch_read(path, &n);
	signal(SIGXFSZ, SIG_IGN);
	edit = begin(&quick);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "1", NULL), HEFT_OK);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = n + 150;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_IO);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	scratch_check(path, bytes, n);
	free(bytes);
	check_generation(1);
}
END_TEST

START_TEST(generations_never_wrap)
{
	uint8_t page[HEFT_PAGE_SIZE];
	struct heft_error err;
	struct heft_edit *edit;
	struct heft_sha256 *h;
	struct heft_page p;
	struct made f;
	char *bytes;
	size_t n;

	set("a", "1");
	made_open(&f, path);
	p = *heft_index_page(f.ix);
	made_close(&f);
	bytes = scratch_read(path, &n);
	ck_assert_int_eq(heft_sha256_new(&h, NULL), HEFT_OK);
	p.generation = UINT64_MAX; /* odd, so page 0 */
	heft_page_encode(&p, h, page);
	memcpy(bytes, page, sizeof page);
	memset(bytes + HEFT_PAGE_SIZE, 0, HEFT_PAGE_SIZE);
	heft_sha256_free(h);
	scratch_write(path, bytes, n);
	edit = begin(&quick);
	ck_assert_int_eq(heft_edit_set_metadata(edit, "a", "2", NULL), HEFT_OK);
	ck_assert_int_eq(heft_edit_commit(edit, &err), HEFT_E_LIMIT);
	scratch_check(path, bytes, n);
	free(bytes);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("container_update");
	TCase *t = tcase_create("update");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, members_are_set_and_unset);
	tcase_add_test(t, several_changes_are_one_generation);
	tcase_add_test(t, without_a_change_nothing_is_written);
	tcase_add_test(t, a_large_text_is_packed);
	tcase_add_test(t, open_readers_keep_their_generation);
	tcase_add_test(t, an_update_may_come_between_a_readers_first_steps);
	tcase_add_loop_test(t, a_tail_is_kept, 0, 7);
	tcase_add_test(t, unknown_sections_are_carried_or_dropped);
	tcase_add_test(t, a_second_edit_is_told_that_it_must_wait);
	tcase_add_test(t, a_forked_process_does_not_keep_the_lock);
	tcase_add_test(t, a_file_of_several_names_is_copied);
	tcase_add_test(t, a_copy_can_be_cancelled);
	tcase_add_test(t, a_link_to_the_file_will_do);
	tcase_add_test(t, other_files_are_refused);
	tcase_add_test(t, a_bad_other_page_is_written_over);
	tcase_add_loop_test(t, without_room_the_file_stays_as_it_was, 0, 2);
	tcase_add_test(t, generations_never_wrap);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(suite());
}
