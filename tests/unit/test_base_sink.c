/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_sink.c - tests of lib/base/sink.c. */
#include "base/sink.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "scratch.h"
#include "sink_steps.h"
#include "unit.h"

static struct scratch scratch;
static char *target;

static void setup(void)
{
	scratch_init(&scratch);
	target = scratch_path(&scratch, "model.heft");
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static const struct heft_sink_options overwrite = { .overwrite = true };
static const struct heft_sink_options no_sync = { .no_sync = true };

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(a_new_file_appears_at_the_commit_and_alone)
{
	const mode_t mask = umask(027);
	struct heft_sink *s = open_sink(target, NULL);

	ck_assert(!heft_sink_is_stream(s));
	append(s, "hello");
	ck_assert_int_ne(access(target, F_OK), 0);
	ck_assert_int_eq(access(heft_sink_temp_path(s), F_OK), 0);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	umask(mask);
	scratch_check(target, "hello", 5);
	ck_assert_uint_eq(mode_of(target), 0640);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(without_sync_it_is_the_same)
{
	write_whole(target, &no_sync, "hello");
	scratch_check(target, "hello", 5);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(an_empty_file_can_be_written)
{
	ck_assert_int_eq(heft_sink_commit(open_sink(target, NULL), NULL), HEFT_OK);
	scratch_check(target, "", 0);
}
END_TEST

START_TEST(what_is_discarded_leaves_nothing)
{
	struct heft_sink *s = open_sink(target, NULL);

	append(s, "hello");
	heft_sink_discard(s);
	heft_sink_discard(NULL);
	ck_assert_uint_eq(scratch_n_files(&scratch), 0);
	scratch_write(target, "old", 3);
	s = open_sink(target, &overwrite);
	append(s, "new");
	heft_sink_discard(s);
	scratch_check(target, "old", 3);
	ck_assert_uint_eq(scratch_n_files(&scratch), 1);
}
END_TEST

START_TEST(appends_of_any_size_come_in_order)
{
	static const size_t sizes[] = { 1,     65535, 65536, 7, 131072, 0,
		                        65535, 65535, 65535, 1, 300000 };
	static char all[1000000];
	struct heft_sink *s = open_sink(target, &no_sync);
	size_t n = 0;

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (char)(i * 31 + i / 997);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		ck_assert_int_eq(heft_sink_append(s, all + n, sizes[i], NULL), HEFT_OK);
		n += sizes[i];
	}
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	scratch_check(target, all, n);
}
END_TEST

START_TEST(writes_at_offsets_and_appends_mix)
{
	struct heft_sink *s = open_sink(target, NULL);
	char b[8];

	append(s, "????");
	append(s, "data");
	ck_assert_int_eq(heft_sink_pwrite(s, 0, "head", 4, NULL), HEFT_OK);
	append(s, "more");
	ck_assert_int_eq(heft_sink_pwrite(s, 14, "far", 3, NULL), HEFT_OK);
	append(s, "end");
	ck_assert_int_eq(pread(heft_sink_fd(s), b, 8, 12), 8); /* what is appended is there */
	ck_assert_mem_eq(b, "\0\0farend", 8);
	append(s, "dropped");
	ck_assert_int_eq(heft_sink_truncate(s, 18, NULL), HEFT_OK);
	append(s, "!");
	ck_assert_int_eq(heft_sink_truncate(s, 21, NULL), HEFT_OK);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	scratch_check(target, "headdatamore\0\0fare!\0\0", 21);
}
END_TEST

START_TEST(an_offset_past_what_files_can_have_is_refused)
{
	struct heft_sink *s = open_sink(target, NULL);

	ck_assert_int_eq(heft_sink_pwrite(s, UINT64_MAX, "x", 1, NULL), HEFT_E_IO);
	ck_assert_int_eq(heft_sink_pwrite(s, INT64_MAX, "x", 1, NULL), HEFT_E_IO);
	ck_assert_int_eq(heft_sink_truncate(s, UINT64_MAX, NULL), HEFT_E_IO);
	heft_sink_discard(s);
}
END_TEST

struct part {
	struct heft_sink *sink;
	uint64_t i;
};

static void *write_part(void *arg)
{
	const struct part *part = arg;
	uint8_t bytes[1000];

	memset(bytes, (int)part->i + 1, sizeof bytes);
	for (uint64_t k = 0; k < 20; k++)
		ck_assert_int_eq(heft_sink_pwrite(part->sink, (k * 4 + part->i) * sizeof bytes,
		                                  bytes, sizeof bytes, NULL),
		                 HEFT_OK);
	return NULL;
}

START_TEST(threads_may_write_at_once)
{
	struct heft_sink *s = open_sink(target, &no_sync);
	struct part parts[4];
	pthread_t threads[4];
	size_t size;
	char *bytes;

	for (size_t i = 0; i < 4; i++) {
		parts[i] = (struct part){ .sink = s, .i = i };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_part, &parts[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	append(s, "e");
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	bytes = scratch_read(target, &size);
	ck_assert_uint_eq(size, 80001);
	for (size_t i = 0; i < 80000; i++)
		ck_assert(bytes[i] == (char)(i / 1000 % 4 + 1));
	free(bytes);
}
END_TEST

/* A limit on file sizes fails a write as a full disk does, without one. */
START_TEST(a_write_that_fails_leaves_the_old_file_and_no_temporary)
{
	static const char large[100000];
	void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit before;
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ .rlim_cur = 70000, .rlim_max = before.rlim_max };
	scratch_write(target, "old", 3);
	for (size_t piece = 1000; piece <= sizeof large; piece *= 100) {
		struct heft_sink *s = open_sink(target, &overwrite);
		enum heft_status st = HEFT_OK;
		struct heft_error err;

		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		for (size_t n = 0; n < sizeof large && st == HEFT_OK; n += piece)
			st = heft_sink_append(s, large, piece, &err);
		if (st == HEFT_OK) /* small pieces wait for the commit */
			st = heft_sink_commit(s, &err);
		else
			heft_sink_discard(s);
		ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
		ck_assert_int_eq(st, HEFT_E_IO);
		ck_assert_str_eq(err.msg, "cannot write: File too large");
		scratch_check(target, "old", 3);
		ck_assert_uint_eq(scratch_n_files(&scratch), 1);
	}
	signal(SIGXFSZ, handler);
}
END_TEST

/* Standard output becomes `fd` for as long as a test writes to it. */
static int redirect(int fd)
{
	const int before = dup(STDOUT_FILENO);

	ck_assert_int_ge(before, 0);
	ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
	return before;
}

static void restore(int before)
{
	dup2(before, STDOUT_FILENO);
	close(before);
}

START_TEST(a_stream_takes_bytes_in_order_only)
{
	int fds[2];
	int before;
	struct heft_sink *s;
	char b[12];

	ck_assert_int_eq(pipe(fds), 0);
	before = redirect(fds[1]);
	s = open_sink("-", NULL);
	ck_assert(heft_sink_is_stream(s));
	ck_assert_int_eq(heft_sink_fd(s), -1);
	ck_assert_ptr_null(heft_sink_temp_path(s));
	append(s, "hello ");
	append(s, "stream");
	ck_assert_int_eq(heft_sink_pwrite(s, 0, "x", 1, NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_sink_truncate(s, 0, NULL), HEFT_E_USAGE);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	restore(before);
	ck_assert_int_eq(read(fds[0], b, sizeof b), 12);
	ck_assert_mem_eq(b, "hello stream", 12);
	ck_assert_int_eq(read(fds[0], b, sizeof b), 0);
	close(fds[0]);
}
END_TEST

START_TEST(a_stream_that_nobody_reads_is_a_failure_to_write)
{
	static const char large[70000];
	void (*const handler)(int) = signal(SIGPIPE, SIG_IGN);
	int fds[2];
	int before;
	struct heft_sink *s;
	struct heft_error err;

	ck_assert_int_eq(pipe(fds), 0);
	before = redirect(fds[1]);
	s = open_sink("-", NULL);
	close(fds[0]);
	ck_assert_int_eq(heft_sink_append(s, large, sizeof large, &err), HEFT_E_IO);
	ck_assert_str_eq(err.msg, "cannot write to standard output: Broken pipe");
	ck_assert_int_eq(heft_sink_append(s, large, sizeof large, &err), HEFT_E_IO);
	append(s, "gathered");
	ck_assert_int_eq(heft_sink_commit(s, &err), HEFT_E_IO);
	restore(before);
	signal(SIGPIPE, handler);
}
END_TEST

START_TEST(a_full_device_behind_a_stream_is_told_at_the_commit)
{
	const int fd = open("/dev/full", O_WRONLY);
	int before;
	struct heft_sink *s;
	struct heft_error err;

	if (fd < 0)
		return;
	before = redirect(fd);
	s = open_sink("-", NULL);
	append(s, "x");
	ck_assert_int_eq(heft_sink_commit(s, &err), HEFT_E_IO);
	restore(before);
	ck_assert_str_eq(err.msg, "cannot write to standard output: No space left on device");
}
END_TEST

static void *read_slowly(void *arg)
{
	const int fd = *(int *)arg;
	static char b[10000];
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, b, sizeof b)) > 0) {
		n += (size_t)got;
		usleep(1000);
	}
	return (void *)n;
}

START_TEST(a_stream_that_does_not_block_is_waited_for)
{
	static const char large[500000];
	int fds[2];
	int before;
	struct heft_sink *s;
	pthread_t reader;
	void *n;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_slowly, &fds[0]), 0);
	before = redirect(fds[1]);
	s = open_sink("-", NULL);
	ck_assert_int_eq(heft_sink_append(s, large, sizeof large, NULL), HEFT_OK);
	ck_assert_int_eq(heft_sink_commit(s, NULL), HEFT_OK);
	restore(before);
	pthread_join(reader, &n);
	ck_assert_uint_eq((size_t)n, sizeof large);
	close(fds[0]);
}
END_TEST

static void add_stream_tests(TCase *t)
{
	tcase_add_test(t, a_stream_takes_bytes_in_order_only);
	tcase_add_test(t, a_stream_that_nobody_reads_is_a_failure_to_write);
	tcase_add_test(t, a_full_device_behind_a_stream_is_told_at_the_commit);
	tcase_add_test(t, a_stream_that_does_not_block_is_waited_for);
}

static Suite *sink_suite(void)
{
	Suite *s = suite_create("base_sink");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_new_file_appears_at_the_commit_and_alone);
	tcase_add_test(t, without_sync_it_is_the_same);
	tcase_add_test(t, an_empty_file_can_be_written);
	tcase_add_test(t, what_is_discarded_leaves_nothing);
	tcase_add_test(t, appends_of_any_size_come_in_order);
	tcase_add_test(t, writes_at_offsets_and_appends_mix);
	tcase_add_test(t, an_offset_past_what_files_can_have_is_refused);
	tcase_add_test(t, threads_may_write_at_once);
	tcase_add_test(t, a_write_that_fails_leaves_the_old_file_and_no_temporary);
	add_stream_tests(t);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(sink_suite());
}
