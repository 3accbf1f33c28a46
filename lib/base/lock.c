/* SPDX-License-Identifier: Apache-2.0 */
/* base/lock.c - locks a file that is updated or replaced, and does the reads and writes of an
 * update. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"

#define SLEEP_MS_MIN 1U
#define SLEEP_MS_MAX 50U

enum locked {
	LOCKED,
	HELD_BY_ANOTHER,
	LOCK_FAILED
};

struct wait {
	uint32_t limit_ms;
	uint32_t sleep_ms;
	uint64_t began_ms;
};

static uint64_t now_ms(void)
{
	return heft_clock() / 1000000;
}

/* Sleeps, longer each time; false when the time is over. */
static bool sleep_a_little(struct wait *w)
{
	const uint64_t spent_ms = now_ms() - w->began_ms;
	uint64_t ms = w->sleep_ms;
	struct timespec t;

	if (spent_ms >= w->limit_ms)
		return false;
	if (ms > w->limit_ms - spent_ms)
		ms = w->limit_ms - spent_ms;
	t = (struct timespec){ .tv_nsec = (long)(ms * 1000000) };
	nanosleep(&t, NULL);
	w->sleep_ms = w->sleep_ms * 2 < SLEEP_MS_MAX ? w->sleep_ms * 2 : SLEEP_MS_MAX;
	return true;
}

static enum locked try_flock(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return HELD_BY_ANOTHER;
		if (errno != EINTR)
			return LOCK_FAILED;
	}
	return LOCKED;
}

/* An OFD lock belongs to this open descriptor; fcntl's older ones belong to the process, which
 * would let two threads through and would be lost as soon as anybody in the process closes the
 * file. */
static enum locked try_ofd(int fd, short type)
{
#ifdef F_OFD_SETLK
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
		if (errno == EAGAIN || errno == EACCES)
			return HELD_BY_ANOTHER;
		if (errno != EINTR)
			return LOCK_FAILED;
	}
	return LOCKED;
#else
	(void)fd;
	(void)type;
	errno = EINVAL;
	return LOCK_FAILED;
#endif
}

static enum locked try_lock_writable(int fd)
{
	const enum locked r = try_ofd(fd, F_WRLCK);

	return r == LOCK_FAILED && errno == EINVAL ? try_flock(fd) : r;
}

/* An exclusive OFD lock wants a descriptor that may write. One that may only read takes a shared
 * one, which keeps writers out, and flock, which keeps the others out that may only read; where
 * flock is built on the first kind (NFS) it is refused, and the shared lock is all there is. */
static enum locked try_lock_readable(int fd)
{
	enum locked r = try_ofd(fd, F_RDLCK);
	const bool is_shared = r == LOCKED;

	if (r == HELD_BY_ANOTHER || (r == LOCK_FAILED && errno != EINVAL))
		return r;
	r = try_flock(fd);
	return r == LOCK_FAILED && is_shared ? LOCKED : r;
}

static void unlock_ofd(int fd)
{
#ifdef F_OFD_SETLK
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &whole);
#else
	(void)fd;
#endif
}

static enum heft_status wait_for_lock(int fd, bool is_writable, struct wait *w,
                                      struct heft_error *err)
{
	for (;;) {
		const enum locked r = is_writable ? try_lock_writable(fd) : try_lock_readable(fd);

		if (r == LOCKED)
			return HEFT_OK;
		if (r == LOCK_FAILED)
			return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot lock the file");
		if (!is_writable)
			unlock_ofd(fd); /* half a lock must not keep writers out meanwhile */
		if (!sleep_a_little(w))
			return heft_fail(err, HEFT_E_BUSY, HEFT_NO_OFFSET,
			                 "the file is locked by another process (waited %u ms)",
			                 (unsigned)w->limit_ms);
	}
}

static enum heft_status check_regular(int fd, struct stat *st, struct heft_error *err)
{
	if (fstat(fd, st) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot read the file's state");
	if (!S_ISREG(st->st_mode))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "not a regular file, so it cannot be changed");
	return HEFT_OK;
}

/* O_NONBLOCK: the open of a pipe must not wait; for a regular file it means nothing. */
static enum heft_status open_for(const char *path, bool may_be_read_only, int *fd,
                                 bool *is_writable, struct heft_error *err)
{
	const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	*is_writable = true;
	*fd = open(path, O_RDWR | flags);
	if (*fd < 0 && may_be_read_only && (errno == EACCES || errno == EROFS || errno == EPERM)) {
		*is_writable = false;
		*fd = open(path, O_RDONLY | flags);
	}
	if (*fd >= 0)
		return HEFT_OK;
	if (errno == EISDIR)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a folder, where a file is needed");
	return heft_fail_errno(err, errno, HEFT_NO_OFFSET,
	                       may_be_read_only ? "cannot open" : "cannot open for writing");
}

/* Opens and locks once. *is_same: the path still names what was locked. */
static enum heft_status open_once(const char *path, bool may_be_read_only, struct wait *w, int *fd,
                                  bool *is_same, struct heft_error *err)
{
	struct stat locked;
	struct stat named;
	bool is_writable;
	enum heft_status st;

	HEFT_TRY(open_for(path, may_be_read_only, fd, &is_writable, err));
	st = check_regular(*fd, &locked, err);
	if (st == HEFT_OK)
		st = wait_for_lock(*fd, is_writable, w, err);
	if (st != HEFT_OK) {
		close(*fd);
		return st;
	}
	*is_same = stat(path, &named) == 0 && named.st_dev == locked.st_dev &&
	           named.st_ino == locked.st_ino;
	if (!*is_same)
		close(*fd);
	return HEFT_OK;
}

static enum heft_status open_locked(const char *path, bool may_be_read_only, uint32_t wait_ms,
                                    int *out, struct heft_error *err)
{
	struct wait w = { .limit_ms = wait_ms, .sleep_ms = SLEEP_MS_MIN, .began_ms = now_ms() };
	bool is_same = false;
	int fd = -1;

	/* Another round only follows a rename by somebody else, and the last word is the path's:
	 * gone is NOT_FOUND. */
	while (!is_same)
		HEFT_TRY(open_once(path, may_be_read_only, &w, &fd, &is_same, err));
	*out = fd;
	return HEFT_OK;
}

enum heft_status heft_lock_open(const char *path, uint32_t wait_ms, int *fd, struct heft_error *err)
{
	return open_locked(path, false, wait_ms, fd, err);
}

enum heft_status heft_lock_open_read(const char *path, uint32_t wait_ms, int *fd,
                                     struct heft_error *err)
{
	return open_locked(path, true, wait_ms, fd, err);
}

void heft_lock_release(int fd)
{
	unlock_ofd(fd);
	flock(fd, LOCK_UN);
}

void heft_lock_close(int fd)
{
	if (fd < 0)
		return;
	heft_lock_release(fd);
	close(fd);
}

uint64_t heft_fd_n_links(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint64_t)st.st_nlink : 0;
}

enum heft_status heft_fd_size(int fd, uint64_t *size, struct heft_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot read the file's size");
	*size = (uint64_t)st.st_size;
	return HEFT_OK;
}

enum heft_status heft_fd_pwrite(int fd, uint64_t off, const void *bytes, size_t n,
                                struct heft_error *err)
{
	const uint8_t *from = bytes;
	size_t n_done = 0;

	if (!heft_in_range(off, n, INT64_MAX))
		return heft_fail_errno(err, EFBIG, off, "cannot write");
	while (n_done < n) {
		const ssize_t wrote = pwrite(fd, from + n_done, n - n_done, (off_t)(off + n_done));

		if (wrote > 0)
			n_done += (size_t)wrote;
		else if (wrote == 0 || errno != EINTR)
			return heft_fail_errno(err, wrote == 0 ? ENOSPC : errno, off + n_done,
			                       "cannot write");
	}
	return HEFT_OK;
}

enum heft_status heft_fd_pread(int fd, uint64_t off, void *dst, size_t n, size_t *n_read,
                               struct heft_error *err)
{
	uint8_t *to = dst;
	size_t n_done = 0;

	while (n_done < n && heft_in_range(off, n_done, INT64_MAX)) {
		const ssize_t got = pread(fd, to + n_done, n - n_done, (off_t)(off + n_done));

		if (got == 0)
			break;
		if (got > 0)
			n_done += (size_t)got;
		else if (errno != EINTR)
			return heft_fail_errno(err, errno, off + n_done, "cannot read");
	}
	*n_read = n_done;
	return HEFT_OK;
}

enum heft_status heft_fd_sync(int fd, struct heft_error *err)
{
	while (fsync(fd) != 0) {
		if (errno != EINTR)
			return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot sync the file");
	}
	return HEFT_OK;
}

void heft_fd_write_back(int fd, uint64_t off, size_t n)
{
#ifdef SYNC_FILE_RANGE_WRITE
	(void)sync_file_range(fd, (off_t)off, (off_t)n, SYNC_FILE_RANGE_WRITE);
#else
	(void)fd;
	(void)off;
	(void)n;
#endif
}

enum heft_status heft_fd_truncate(int fd, uint64_t size, struct heft_error *err)
{
	if (size > INT64_MAX)
		return heft_fail_errno(err, EFBIG, size, "cannot set the file's size");
	while (ftruncate(fd, (off_t)size) != 0) {
		if (errno != EINTR)
			return heft_fail_errno(err, errno, size, "cannot set the file's size");
	}
	return HEFT_OK;
}
