/* SPDX-License-Identifier: Apache-2.0 */
/* test_base_lock.c - tests of lib/base/lock.c. */
#include "base/lock.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#include "scratch.h"
#include "unit.h"

static struct scratch scratch;
static char *path;

static void setup(void)
{
	scratch_init(&scratch);
	path = scratch_path(&scratch, "file");
	scratch_write(path, "0123456789", 10);
}

static void teardown(void)
{
	scratch_done(&scratch);
}

static int lock_it(void)
{
	int fd = -1;

	ck_assert_int_eq(heft_lock_open(path, 5000, &fd, NULL), HEFT_OK);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_busy(void)
{
	struct heft_error err;
	int fd;
	const enum heft_status st = heft_lock_open(path, 0, &fd, &err);

	if (st == HEFT_OK)
		heft_lock_close(fd);
	else
		ck_assert_int_eq(st, HEFT_E_BUSY);
	return st != HEFT_OK;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(a_locked_file_is_busy_until_it_is_closed)
{
	const int fd = lock_it();
	struct heft_error err;
	double began = seconds();
	int second;

	ck_assert(is_busy());
	ck_assert_int_eq(heft_lock_open_read(path, 0, &second, NULL), HEFT_E_BUSY);
	ck_assert_int_eq(heft_lock_open(path, 120, &second, &err), HEFT_E_BUSY);
	ck_assert(seconds() - began >= 0.119);
	ck_assert_str_eq(err.msg, "the file is locked by another process (waited 120 ms)");
	close(open(path, O_RDWR)); /* which would end a lock of the older kind */
	ck_assert(is_busy());
	heft_lock_close(fd);
	ck_assert(!is_busy());
	heft_lock_close(-1);
}
END_TEST

START_TEST(another_process_is_kept_out_and_its_death_unlocks)
{
	int ready[2];
	char b;
	pid_t child;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd;

		if (heft_lock_open(path, 1000, &fd, NULL) == HEFT_OK &&
		    write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(ready[0], &b, 1), 1);
	ck_assert(is_busy());
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert(!is_busy());
	close(ready[0]);
	close(ready[1]);
}
END_TEST

static void *close_later(void *arg)
{
	usleep(60000);
	heft_lock_close(*(int *)arg);
	return NULL;
}

START_TEST(a_lock_is_waited_for)
{
	int fd = lock_it();
	int second;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, close_later, &fd), 0);
	ck_assert_int_eq(heft_lock_open(path, 10000, &second, NULL), HEFT_OK);
	pthread_join(thread, NULL);
	ck_assert(is_busy());
	heft_lock_close(second);
}
END_TEST

static void *replace_later(void *arg)
{
	char *fresh = scratch_path(&scratch, "fresh");

	usleep(60000);
	scratch_write(fresh, "fresh", 5);
	ck_assert_int_eq(rename(fresh, path), 0);
	heft_lock_close(*(int *)arg);
	return NULL;
}

START_TEST(a_file_that_was_replaced_meanwhile_is_opened_again)
{
	int fd = lock_it();
	int second;
	uint64_t size;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, replace_later, &fd), 0);
	ck_assert_int_eq(heft_lock_open(path, 10000, &second, NULL), HEFT_OK);
	pthread_join(thread, NULL);
	ck_assert_int_eq(heft_fd_size(second, &size, NULL), HEFT_OK);
	ck_assert_uint_eq(size, 5);
	ck_assert_uint_eq(heft_fd_n_links(second), 1);
	heft_lock_close(second);
}
END_TEST

#define N_ROUNDS 100

static void *count_up(void *arg)
{
	(void)arg;
	for (int i = 0; i < N_ROUNDS; i++) {
		int fd;
		uint8_t n;
		size_t n_read;

		ck_assert_int_eq(heft_lock_open(path, 60000, &fd, NULL), HEFT_OK);
		ck_assert_int_eq(heft_fd_pread(fd, 0, &n, 1, &n_read, NULL), HEFT_OK);
		n++;
		ck_assert_int_eq(heft_fd_pwrite(fd, 0, &n, 1, NULL), HEFT_OK);
		heft_lock_close(fd);
	}
	return NULL;
}

START_TEST(threads_of_one_process_keep_each_other_out)
{
	pthread_t threads[2];
	char *bytes;

	scratch_write(path, "\0", 1);
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	bytes = scratch_read(path, NULL);
	ck_assert_int_eq((uint8_t)bytes[0], 2 * N_ROUNDS);
	free(bytes);
}
END_TEST

START_TEST(a_file_that_may_only_be_read_is_locked_against_all)
{
	const uid_t user = geteuid();
	struct heft_error err;
	int fd;
	int second;

	ck_assert_int_eq(chmod(scratch.folder, 0755), 0);
	ck_assert_int_eq(chmod(path, 0444), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(heft_lock_open(path, 0, &fd, &err), HEFT_E_IO);
	ck_assert_str_eq(err.msg, "cannot open for writing: Permission denied");
	ck_assert_int_eq(heft_lock_open_read(path, 0, &fd, NULL), HEFT_OK);
	ck_assert_int_eq(heft_lock_open_read(path, 0, &second, NULL), HEFT_E_BUSY);
	if (user == 0) {
		ck_assert_int_eq(seteuid(0), 0);
		ck_assert(is_busy()); /* root may write, and must wait */
	}
	heft_lock_close(fd);
	ck_assert_int_eq(heft_lock_open_read(path, 0, &fd, NULL), HEFT_OK);
	heft_lock_close(fd);
}
END_TEST

START_TEST(links_are_followed)
{
	char *link_path = scratch_path(&scratch, "link");
	int fd;

	ck_assert_int_eq(symlink("file", link_path), 0);
	ck_assert_int_eq(heft_lock_open(link_path, 0, &fd, NULL), HEFT_OK);
	ck_assert(is_busy());
	heft_lock_close(fd);
}
END_TEST

START_TEST(what_cannot_be_locked_is_refused_in_words)
{
	char *pipe_path = scratch_path(&scratch, "pipe");
	struct heft_error err;
	int fd;

	ck_assert_int_eq(heft_lock_open(scratch_path(&scratch, "none"), 0, &fd, &err),
	                 HEFT_E_NOT_FOUND);
	ck_assert_int_eq(heft_lock_open(scratch.folder, 0, &fd, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "a folder, where a file is needed");
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	ck_assert_int_eq(heft_lock_open(pipe_path, 0, &fd, &err), HEFT_E_USAGE);
	ck_assert_str_eq(err.msg, "not a regular file, so it cannot be changed");
}
END_TEST

START_TEST(bytes_are_written_read_and_cut)
{
	const int fd = lock_it();
	struct heft_error err;
	uint64_t size;
	size_t n_read;
	char b[20];

	ck_assert_int_eq(heft_fd_pwrite(fd, 8, "abcd", 4, NULL), HEFT_OK);
	ck_assert_int_eq(heft_fd_pread(fd, 6, b, sizeof b, &n_read, NULL), HEFT_OK);
	ck_assert_uint_eq(n_read, 6);
	ck_assert_mem_eq(b, "67abcd", 6);
	ck_assert_int_eq(heft_fd_pread(fd, 12, b, sizeof b, &n_read, NULL), HEFT_OK);
	ck_assert_uint_eq(n_read, 0);
	ck_assert_int_eq(heft_fd_pread(fd, UINT64_MAX, b, sizeof b, &n_read, NULL), HEFT_OK);
	ck_assert_uint_eq(n_read, 0);
	ck_assert_int_eq(heft_fd_truncate(fd, 9, NULL), HEFT_OK);
	ck_assert_int_eq(heft_fd_size(fd, &size, NULL), HEFT_OK);
	ck_assert_uint_eq(size, 9);
	ck_assert_int_eq(heft_fd_sync(fd, NULL), HEFT_OK);
	ck_assert_int_eq(heft_fd_pwrite(fd, INT64_MAX, "ab", 2, &err), HEFT_E_IO);
	ck_assert_int_eq(heft_fd_truncate(fd, UINT64_MAX, &err), HEFT_E_IO);
	heft_lock_close(fd);
	ck_assert_int_eq(heft_fd_pwrite(-1, 0, "a", 1, &err), HEFT_E_IO);
	ck_assert_int_eq(heft_fd_pread(-1, 0, b, 1, &n_read, &err), HEFT_E_IO);
	ck_assert_int_eq(heft_fd_sync(-1, &err), HEFT_E_IO);
	ck_assert_int_eq(heft_fd_truncate(-1, 0, &err), HEFT_E_IO);
	ck_assert_int_eq(heft_fd_size(-1, &size, &err), HEFT_E_IO);
	ck_assert_uint_eq(heft_fd_n_links(-1), 0);
}
END_TEST

static Suite *lock_suite(void)
{
	Suite *s = suite_create("base_lock");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_locked_file_is_busy_until_it_is_closed);
	tcase_add_test(t, another_process_is_kept_out_and_its_death_unlocks);
	tcase_add_test(t, a_lock_is_waited_for);
	tcase_add_test(t, a_file_that_was_replaced_meanwhile_is_opened_again);
	tcase_add_test(t, threads_of_one_process_keep_each_other_out);
	tcase_add_test(t, a_file_that_may_only_be_read_is_locked_against_all);
	tcase_add_test(t, links_are_followed);
	tcase_add_test(t, what_cannot_be_locked_is_refused_in_words);
	tcase_add_test(t, bytes_are_written_read_and_cut);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return heft_unit_run(lock_suite());
}
