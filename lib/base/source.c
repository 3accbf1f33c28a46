/* SPDX-License-Identifier: Apache-2.0 */
/* base/source.c - a file that is read, by pread or through a map made on demand. */
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

/* More than this at once is not read ahead faster, and pushes other files out of memory. */
#define READ_AHEAD_MAX (UINT64_C(16) << 20)

struct heft_source {
	int fd;
	bool may_map;
	uint64_t size;
	dev_t device;
	ino_t inode;
	pthread_mutex_t map_mutex; /* over the two below */
	const uint8_t *map;        /* NULL: not made yet */
	size_t map_size;
};

/* What stands where a regular file is wanted. */
static const char *kind_name(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a folder";
	if (S_ISFIFO(mode))
		return "a pipe";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a device";
}

static enum heft_status check_kind(const struct stat *st, struct heft_error *err)
{
	if (S_ISREG(st->st_mode))
		return HEFT_OK;
	return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "%s, where a file is needed",
	                 kind_name(st->st_mode));
}

enum heft_status heft_source_open(const char *path, bool may_map, struct heft_source **out,
                                  struct heft_error *err)
{
	/* O_NONBLOCK: a pipe without a writer would make open wait; for a file it means nothing. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENXIO)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a socket or device, where a file is needed");
	if (fd < 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot open");
	return heft_source_open_fd(fd, may_map, out, err);
}

static enum heft_status describe(struct heft_source *s, struct heft_error *err)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot read the file's size");
	HEFT_TRY(check_kind(&st, err));
	s->size = (uint64_t)st.st_size;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return HEFT_OK;
}

enum heft_status heft_source_open_fd(int fd, bool may_map, struct heft_source **out,
                                     struct heft_error *err)
{
	struct heft_source *s = heft_zalloc(sizeof *s);
	enum heft_status st;

	if (!s) {
		close(fd);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for an open file");
	}
	s->fd = fd;
	s->may_map = may_map;
	pthread_mutex_init(&s->map_mutex, NULL);
	st = describe(s, err);
	if (st != HEFT_OK) {
		heft_source_close(s);
		return st;
	}
	*out = s;
	return HEFT_OK;
}

void heft_source_close(struct heft_source *s)
{
	if (!s)
		return;
	if (s->map && s->map_size > 0)
		munmap((void *)(uintptr_t)s->map, s->map_size);
	pthread_mutex_destroy(&s->map_mutex);
	close(s->fd);
	heft_free(s);
}

int heft_source_fd(const struct heft_source *s)
{
	return s->fd;
}

uint64_t heft_source_size(const struct heft_source *s)
{
	return s->size;
}

void heft_source_look_again(struct heft_source *s)
{
	struct stat st;

	if (!s->map && fstat(s->fd, &st) == 0 && (uint64_t)st.st_size > s->size)
		s->size = (uint64_t)st.st_size;
}

/* The file ends before `want_end`: where, as far as can be told, since it may have been cut after
 * it was opened. */
static enum heft_status fail_at_end(const struct heft_source *s, uint64_t off, uint64_t n,
                                    struct heft_error *err)
{
	struct stat st;
	const uint64_t end = fstat(s->fd, &st) == 0 ? (uint64_t)st.st_size : s->size;

	return heft_fail(err, HEFT_E_CORRUPT, end,
	                 "the file ends at %llu, before the %llu bytes at %llu that are needed",
	                 (unsigned long long)end, (unsigned long long)n, (unsigned long long)off);
}

enum heft_status heft_source_read(struct heft_source *s, uint64_t off, void *dst, size_t n,
                                  struct heft_error *err)
{
	uint8_t *to = dst;
	size_t n_done = 0;

	if (!heft_in_range(off, n, INT64_MAX))
		return fail_at_end(s, off, n, err);
	while (n_done < n) {
		const ssize_t got = pread(s->fd, to + n_done, n - n_done, (off_t)(off + n_done));

		if (got > 0)
			n_done += (size_t)got;
		else if (got == 0)
			return fail_at_end(s, off, n, err);
		else if (errno != EINTR)
			return heft_fail_errno(err, errno, off + n_done, "cannot read");
	}
	return HEFT_OK;
}

/* With map_mutex held. A map of no bytes is not possible, but a pointer to none is. */
static enum heft_status make_map(struct heft_source *s, struct heft_error *err)
{
	void *map;

	if (s->size == 0) {
		s->map = (const uint8_t *)"";
		return HEFT_OK;
	}
	if (!heft_to_size(s->size, &s->map_size))
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the file is too large to be mapped");
	map = mmap(NULL, s->map_size, PROT_READ, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED) {
		heft_fail_errno(err, errno, HEFT_NO_OFFSET, "the file cannot be mapped");
		if (err) /* whatever the reason: the caller can still read */
			err->code = HEFT_E_UNSUPPORTED;
		return HEFT_E_UNSUPPORTED;
	}
	s->map = map;
	return HEFT_OK;
}

enum heft_status heft_source_map(struct heft_source *s, const uint8_t **bytes,
                                 struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	if (!s->may_map)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "the file was opened not to be mapped");
	pthread_mutex_lock(&s->map_mutex);
	if (!s->map)
		st = make_map(s, err);
	if (st == HEFT_OK)
		*bytes = s->map;
	pthread_mutex_unlock(&s->map_mutex);
	return st;
}

void heft_source_drop(const struct heft_source *s, uint64_t off, uint64_t n)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t begin;
	uint64_t end;

	if (!heft_in_range(off, n, s->map_size))
		return;
	begin = heft_align_up(off, page);
	end = (off + n) / page * page;
#ifdef MADV_DONTNEED
	if (begin < end)
		madvise((void *)(uintptr_t)(s->map + begin), (size_t)(end - begin), MADV_DONTNEED);
#endif
}

bool heft_source_is(const struct heft_source *s, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

void heft_source_will_need(struct heft_source *s, uint64_t off, uint64_t n)
{
	if (!heft_in_range(off, n, INT64_MAX))
		return;
#ifdef POSIX_FADV_SEQUENTIAL
	posix_fadvise(s->fd, (off_t)off, (off_t)n, POSIX_FADV_SEQUENTIAL);
	posix_fadvise(s->fd, (off_t)off, (off_t)(n < READ_AHEAD_MAX ? n : READ_AHEAD_MAX),
	              POSIX_FADV_WILLNEED);
#endif
}
