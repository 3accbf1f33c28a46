/* SPDX-License-Identifier: Apache-2.0 */
/* base/sink.c - writes a new file that appears whole or not at all, or a stream. */
#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/target.h"

/* Appends below SMALL are gathered, so that a writer of fields makes no system call for each; a
 * larger one is written from where it lies. */
#define SMALL ((size_t)64 << 10)
#define GATHER_SIZE ((size_t)128 << 10)
/* Of what is written at once, from here on the disk begins early. Left to the sync at the end,
 * 1 GiB took 1.0 to 2.9 s; begun early, 0.53 to 0.68 s (cp and sync: 0.53 to 0.71 s). */
#define WRITE_BACK_SIZE ((size_t)256 << 10)

struct heft_sink {
	int fd; /* -1: closed */
	bool is_stream;
	bool overwrite;
	bool no_sync;
	struct heft_target target; /* not for a stream */
	struct heft_sink *companion;
	pthread_mutex_t mutex; /* over the rest */
	uint64_t end;          /* of what was written, gathered bytes included */
	size_t n_gathered;     /* they belong right before `end` */
	int errnum; /* of a write to the stream that failed: what came through is not known */
	uint8_t gathered[GATHER_SIZE];
};

static enum heft_status open_stream(struct heft_sink *s, struct heft_error *err)
{
	s->is_stream = true;
	s->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	if (s->fd < 0)
		return heft_fail(err, HEFT_E_IO, HEFT_NO_OFFSET, "standard output is closed");
	return HEFT_OK;
}

static enum heft_status open_file(struct heft_sink *s, const char *path, struct heft_error *err)
{
	HEFT_TRY(heft_target_init(&s->target, path, s->overwrite, err));
	return heft_target_create_temp(&s->target, &s->fd, err);
}

/* Frees a sink whose temporary was renamed or shall not be. */
static void free_file(struct heft_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	heft_target_remove_temp(&s->target);
	heft_target_done(&s->target);
	pthread_mutex_destroy(&s->mutex);
	heft_free(s);
}

static void free_sink(struct heft_sink *s)
{
	if (s->companion)
		free_file(s->companion);
	free_file(s);
}

static enum heft_status new_sink(bool overwrite, bool no_sync, struct heft_sink **out,
                                 struct heft_error *err)
{
	struct heft_sink *s = heft_zalloc(sizeof *s);

	if (!s)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a new file");
	s->fd = -1;
	s->target.folder_fd = -1;
	s->overwrite = overwrite;
	s->no_sync = no_sync;
	pthread_mutex_init(&s->mutex, NULL);
	*out = s;
	return HEFT_OK;
}

enum heft_status heft_sink_open(const char *path, const struct heft_sink_options *options,
                                struct heft_sink **out, struct heft_error *err)
{
	struct heft_sink *s = NULL;
	enum heft_status st;

	HEFT_TRY(new_sink(options && options->overwrite, options && options->no_sync, &s, err));
	st = strcmp(path, "-") == 0 ? open_stream(s, err) : open_file(s, path, err);
	if (st != HEFT_OK) {
		free_sink(s);
		return st;
	}
	*out = s;
	return HEFT_OK;
}

enum heft_status heft_sink_add_companion(struct heft_sink *s, const char *suffix,
                                         struct heft_sink **out, struct heft_error *err)
{
	struct heft_sink *c = NULL;
	enum heft_status st;

	if (s->is_stream || s->companion)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "there is no second file beside this one");
	HEFT_TRY(new_sink(s->overwrite, s->no_sync, &c, err));
	st = heft_target_init_beside(&c->target, &s->target, suffix, s->overwrite, err);
	if (st == HEFT_OK)
		st = heft_target_create_temp(&c->target, &c->fd, err);
	if (st != HEFT_OK) {
		free_file(c);
		return st;
	}
	s->companion = c;
	*out = c;
	return HEFT_OK;
}

const char *heft_sink_name(const struct heft_sink *s)
{
	return s->target.name;
}

static void count_file(struct heft_sink *s, uint32_t *n_files, uint64_t *n_bytes)
{
	uint64_t size = 0;

	heft_fd_size(heft_sink_fd(s), &size, NULL);
	*n_files += 1;
	*n_bytes += size;
}

void heft_sink_total(struct heft_sink *s, uint32_t *n_files, uint64_t *n_bytes)
{
	*n_files = 0;
	*n_bytes = 0;
	if (s->is_stream)
		return;
	count_file(s, n_files, n_bytes);
	if (s->companion)
		count_file(s->companion, n_files, n_bytes);
}

bool heft_sink_is_stream(const struct heft_sink *s)
{
	return s->is_stream;
}

/* Somebody may have made standard output non-blocking, as a terminal's other user does. */
static void wait_until_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

static enum heft_status stream_write(struct heft_sink *s, const uint8_t *bytes, size_t n,
                                     struct heft_error *err)
{
	size_t n_done = 0;

	while (n_done < n && s->errnum == 0) {
		const ssize_t wrote = write(s->fd, bytes + n_done, n - n_done);

		if (wrote >= 0)
			n_done += (size_t)wrote;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_until_writable(s->fd);
		else if (errno != EINTR)
			s->errnum = errno;
	}
	if (s->errnum != 0)
		return heft_fail_errno(err, s->errnum, HEFT_NO_OFFSET,
		                       "cannot write to standard output");
	return HEFT_OK;
}

static enum heft_status write_at(struct heft_sink *s, uint64_t off, const void *bytes, size_t n,
                                 struct heft_error *err)
{
	if (s->is_stream)
		return stream_write(s, bytes, n, err);
	HEFT_TRY(heft_fd_pwrite(s->fd, off, bytes, n, err));
	if (n >= WRITE_BACK_SIZE && !s->no_sync)
		heft_fd_write_back(s->fd, off, n);
	return HEFT_OK;
}

/* With the mutex held. What cannot be written stays gathered, so that the commit fails as well. */
static enum heft_status flush(struct heft_sink *s, struct heft_error *err)
{
	if (s->n_gathered == 0)
		return HEFT_OK;
	HEFT_TRY(write_at(s, s->end - s->n_gathered, s->gathered, s->n_gathered, err));
	s->n_gathered = 0;
	return HEFT_OK;
}

static enum heft_status flush_locked(struct heft_sink *s, struct heft_error *err)
{
	enum heft_status st;

	pthread_mutex_lock(&s->mutex);
	st = flush(s, err);
	pthread_mutex_unlock(&s->mutex);
	return st;
}

/* With the mutex held: what is gathered goes first, lest it come over these bytes later. */
static enum heft_status reserve(struct heft_sink *s, uint64_t off, size_t n, struct heft_error *err)
{
	uint64_t end;

	if (!heft_add_u64(off, n, &end))
		return heft_fail_errno(err, EFBIG, off, "cannot write");
	HEFT_TRY(flush(s, err));
	if (s->end < end)
		s->end = end;
	return HEFT_OK;
}

enum heft_status heft_sink_pwrite(struct heft_sink *s, uint64_t off, const void *bytes, size_t n,
                                  struct heft_error *err)
{
	enum heft_status st;

	if (s->is_stream)
		return heft_fail(err, HEFT_E_USAGE, off,
		                 "standard output takes bytes in order only");
	pthread_mutex_lock(&s->mutex);
	st = reserve(s, off, n, err);
	pthread_mutex_unlock(&s->mutex);
	return st == HEFT_OK ? write_at(s, off, bytes, n, err) : st;
}

/* With the mutex held. */
static enum heft_status gather(struct heft_sink *s, const void *bytes, size_t n,
                               struct heft_error *err)
{
	if (n > GATHER_SIZE - s->n_gathered)
		HEFT_TRY(flush(s, err));
	memcpy(s->gathered + s->n_gathered, bytes, n);
	s->n_gathered += n;
	s->end += n;
	return HEFT_OK;
}

/* With the mutex held. */
static enum heft_status append_large(struct heft_sink *s, const void *bytes, size_t n,
                                     struct heft_error *err)
{
	HEFT_TRY(flush(s, err));
	HEFT_TRY(write_at(s, s->end, bytes, n, err));
	s->end += n;
	return HEFT_OK;
}

enum heft_status heft_sink_append(struct heft_sink *s, const void *bytes, size_t n,
                                  struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	if (n == 0)
		return HEFT_OK;
	pthread_mutex_lock(&s->mutex);
	st = n < SMALL ? gather(s, bytes, n, err) : append_large(s, bytes, n, err);
	pthread_mutex_unlock(&s->mutex);
	return st;
}

int heft_sink_fd(struct heft_sink *s)
{
	if (s->is_stream)
		return -1;
	flush_locked(s, NULL); /* a failure comes back at the commit */
	return s->fd;
}

const char *heft_sink_temp_path(const struct heft_sink *s)
{
	return s->is_stream ? NULL : s->target.temp_path;
}

enum heft_status heft_sink_truncate(struct heft_sink *s, uint64_t size, struct heft_error *err)
{
	enum heft_status st;

	if (s->is_stream)
		return heft_fail(err, HEFT_E_USAGE, size,
		                 "standard output takes bytes in order only");
	pthread_mutex_lock(&s->mutex);
	st = flush(s, err);
	if (st == HEFT_OK)
		st = heft_fd_truncate(s->fd, size, err);
	if (st == HEFT_OK)
		s->end = size;
	pthread_mutex_unlock(&s->mutex);
	return st;
}

/* Some file systems tell only now that they could not write. After EINTR the descriptor is closed
 * all the same. */
static enum heft_status close_checked(struct heft_sink *s, struct heft_error *err)
{
	const int r = close(s->fd);

	s->fd = -1;
	if (r != 0 && errno != EINTR)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot write");
	return HEFT_OK;
}

/* All that can fail for want of room fails here, before any name is given. */
static enum heft_status seal(struct heft_sink *s, struct heft_error *err)
{
	HEFT_TRY(flush_locked(s, err));
	HEFT_TRY(heft_target_take_mode(&s->target, s->fd, err));
	if (!s->no_sync)
		HEFT_TRY(heft_fd_sync(s->fd, err));
	return close_checked(s, err);
}

static enum heft_status sync_folder(const struct heft_sink *s, struct heft_error *err)
{
	return s->no_sync ? HEFT_OK : heft_target_sync_folder(&s->target, err);
}

static enum heft_status commit_alone(struct heft_sink *s, struct heft_error *err)
{
	HEFT_TRY(seal(s, err));
	HEFT_TRY(heft_target_publish(&s->target, s->overwrite, err));
	return sync_folder(s, err);
}

/* The companion's name is on the disk before the one of the file that tells of it. */
static enum heft_status publish_both(struct heft_sink *s, struct heft_error *err)
{
	struct heft_target *beside = &s->companion->target;
	enum heft_status st;

	HEFT_TRY(heft_target_publish_for_now(beside, s->overwrite, err));
	st = sync_folder(s, err);
	if (st == HEFT_OK)
		st = heft_target_publish(&s->target, s->overwrite, err);
	if (st != HEFT_OK) {
		heft_target_withdraw(beside);
		return st;
	}
	heft_target_settle(beside);
	return sync_folder(s, err);
}

static enum heft_status commit_both(struct heft_sink *s, struct heft_error *err)
{
	HEFT_TRY(seal(s->companion, err));
	HEFT_TRY(seal(s, err));
	return publish_both(s, err);
}

static enum heft_status commit_stream(struct heft_sink *s, struct heft_error *err)
{
	HEFT_TRY(flush_locked(s, err));
	return close_checked(s, err);
}

enum heft_status heft_sink_commit(struct heft_sink *s, struct heft_error *err)
{
	enum heft_status st;

	if (s->is_stream)
		st = commit_stream(s, err);
	else
		st = s->companion ? commit_both(s, err) : commit_alone(s, err);
	free_sink(s);
	return st;
}

void heft_sink_discard(struct heft_sink *s)
{
	if (s)
		free_sink(s);
}
