/* SPDX-License-Identifier: Apache-2.0 */
/* base/scratch.c - an unnamed temporary file: it is gone with its descriptor, however the process
 * ends. Regions are allocated before they are used, so that a write through a map cannot meet a
 * full disk, which would be a SIGBUS. */
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/lock.h"

struct heft_scratch {
	char *folder; /* NULL: the system's */
	pthread_mutex_t mutex;
	int fd;       /* -1: not made yet. Under the mutex, like `end`, until it is made */
	uint64_t end; /* of the last region */
};

/* The system's folders: first the one that is meant for large files, since the other may lie in
 * memory. */
static const char *const usual_folders[] = { "/var/tmp", "/tmp" };

enum heft_status heft_scratch_new(const char *folder, struct heft_scratch **out,
                                  struct heft_error *err)
{
	struct heft_scratch *s = heft_zalloc(sizeof *s);

	if (s && folder) {
		s->folder = heft_strdup(folder[0] ? folder : ".");
		if (!s->folder) {
			heft_free(s);
			s = NULL;
		}
	}
	if (!s)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for a temporary file");
	s->fd = -1;
	pthread_mutex_init(&s->mutex, NULL);
	*out = s;
	return HEFT_OK;
}

void heft_scratch_free(struct heft_scratch *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	pthread_mutex_destroy(&s->mutex);
	heft_free(s->folder);
	heft_free(s);
}

/* For file systems that make no unnamed files: a named one whose name is taken away at once. */
static int open_named(const char *folder)
{
	char path[4096];
	const int n = snprintf(path, sizeof path, "%s/.heft-XXXXXX", folder);
	int fd;

	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	unlink(path);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int open_in(const char *folder)
{
	int fd = -1;

#ifdef O_TMPFILE
	fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
#endif
	return fd >= 0 ? fd : open_named(folder);
}

/* With the mutex held. */
static enum heft_status make_file(struct heft_scratch *s, struct heft_error *err)
{
	if (s->folder)
		s->fd = open_in(s->folder);
	for (size_t i = 0; !s->folder && s->fd < 0 && i < 2; i++)
		s->fd = open_in(usual_folders[i]);
	if (s->fd >= 0)
		return HEFT_OK;
	return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "cannot make a temporary file in '%s'",
	                 s->folder ? s->folder : usual_folders[1]);
}

static int allocate(int fd, uint64_t off, uint64_t n)
{
	int errnum;

	do
		errnum = posix_fallocate(fd, (off_t)off, (off_t)n);
	while (errnum == EINTR);
	return errnum;
}

/* With the mutex held. A region begins with a page, so that it can be mapped. */
static enum heft_status add_region(struct heft_scratch *s, uint64_t n, uint64_t *off,
                                   struct heft_error *err)
{
	const uint64_t begin = heft_align_up(s->end, (uint64_t)sysconf(_SC_PAGESIZE));
	int errnum;

	if (!heft_in_range(begin, n, INT64_MAX))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a temporary file would be too large");
	if (s->fd < 0)
		HEFT_TRY(make_file(s, err));
	errnum = n > 0 ? allocate(s->fd, begin, n) : 0;
	if (errnum != 0)
		return heft_fail_errno(err, errnum, HEFT_NO_OFFSET,
		                       "no room for %llu bytes in a temporary file",
		                       (unsigned long long)n);
	s->end = begin + n;
	*off = begin;
	return HEFT_OK;
}

enum heft_status heft_scratch_add(struct heft_scratch *s, uint64_t n, uint64_t *off,
                                  struct heft_error *err)
{
	enum heft_status st;

	pthread_mutex_lock(&s->mutex);
	st = add_region(s, n, off, err);
	pthread_mutex_unlock(&s->mutex);
	return st;
}

void heft_scratch_drop(struct heft_scratch *s, uint64_t off, uint64_t n)
{
#ifdef FALLOC_FL_PUNCH_HOLE
	if (n > 0 &&
	    fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)n) == 0)
		return;
#else
	(void)s;
	(void)off;
	(void)n;
#endif
	/* Where that is not possible the bytes are given back with the file. */
}

enum heft_status heft_scratch_read(struct heft_scratch *s, uint64_t off, void *dst, size_t n,
                                   struct heft_error *err)
{
	size_t n_read;

	HEFT_TRY(heft_fd_pread(s->fd, off, dst, n, &n_read, err));
	if (n_read != n)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "a temporary file was cut short");
	return HEFT_OK;
}

enum heft_status heft_scratch_write(struct heft_scratch *s, uint64_t off, const void *bytes,
                                    size_t n, struct heft_error *err)
{
	return heft_fd_pwrite(s->fd, off, bytes, n, err);
}

/* A shared map, which is no memory of this process' own. */
enum heft_status heft_scratch_map(struct heft_scratch *s, uint64_t off, uint64_t n, uint8_t **bytes,
                                  struct heft_error *err)
{
	size_t size;
	void *map;

	if (!heft_to_size(n, &size))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "%llu bytes cannot be mapped on this machine",
		                 (unsigned long long)n);
	if (size == 0) {
		*bytes = NULL;
		return HEFT_OK;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)off);
	if (map == MAP_FAILED)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot map a temporary file");
	*bytes = map;
	return HEFT_OK;
}

void heft_scratch_unmap(uint8_t *bytes, uint64_t n)
{
	if (n > 0)
		munmap(bytes, (size_t)n);
}
