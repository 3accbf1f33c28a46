/* SPDX-License-Identifier: Apache-2.0 */
/* base/target.c - where a new file appears, and how it gets its name there. */
#include "base/target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

#define N_LINKS_MAX 40
#define N_NAMES_MAX 100
#define TEMP_SUFFIX_SIZE 16 /* ".heft-" and six characters and ".tmp" */
#define NAME_SIZE_MAX \
	255 /* of the usual file systems; a shorter name is tried where this is too long */

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
}

/* Bytes of the folder's part of a path, with its slash; 0: the current folder. */
static size_t folder_size(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Replaces *path, a heap string, by what it points to for as long as it is a link, be there a file
 * at the end or not. */
static enum heft_status follow_links(char **path, struct heft_error *err)
{
	char to[PATH_MAX];

	for (int i = 0; i < N_LINKS_MAX; i++) {
		const ssize_t n = readlink(*path, to, sizeof to - 1);
		char *next;

		if (n < 0) /* not a link, or nothing: what it is is found out later */
			return HEFT_OK;
		to[n] = '\0';
		next = to[0] == '/' ? heft_strdup(to) : heft_path_beside(*path, to);
		if (!next)
			return no_memory(err);
		heft_free(*path);
		*path = next;
	}
	return heft_fail_errno(err, ELOOP, HEFT_NO_OFFSET, "cannot follow the link");
}

/* What is at the path now. */
static enum heft_status look(struct heft_target *t, const char *path, bool overwrite,
                             struct heft_error *err)
{
	struct stat st;

	if (stat(path, &st) != 0) /* also for a reason that keeps the folder from being opened */
		return HEFT_OK;
	if (S_ISDIR(st.st_mode))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a folder, where a file is to be written");
	if (!S_ISREG(st.st_mode))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a device or pipe, where a file is to be written");
	if (!overwrite)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the file exists already");
	t->replaces = true;
	t->mode = st.st_mode & 0777;
	t->uid = st.st_uid;
	t->gid = st.st_gid;
	return HEFT_OK;
}

static enum heft_status open_folder(struct heft_target *t, const char *path, struct heft_error *err)
{
	const size_t n = folder_size(path);
	char *folder = n > 0 ? heft_strndup(path, n) : heft_strdup(".");
	int errnum;

	if (!folder)
		return no_memory(err);
	t->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->folder_fd < 0 && errno == EACCES) /* it may be open to writing and not to listing */
		t->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	errnum = errno;
	heft_free(folder);
	if (t->folder_fd >= 0)
		return HEFT_OK;
	if (errnum == ENOENT)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the folder to write into does not exist");
	if (errnum == ENOTDIR)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the folder to write into is not a folder");
	return heft_fail_errno(err, errnum, HEFT_NO_OFFSET, "cannot open the folder to write into");
}

/* With `path` a heap string that this takes. */
static enum heft_status init_at(struct heft_target *t, char *path, bool overwrite,
                                struct heft_error *err)
{
	/* Looked at through its links first: those below /proc lead to a pipe by a text that is no
	 * path. */
	enum heft_status st = look(t, path, overwrite, err);

	if (st == HEFT_OK)
		st = follow_links(&path, err);
	if (st == HEFT_OK)
		st = open_folder(t, path, err);
	if (st == HEFT_OK && path[folder_size(path)] == '\0')
		st = heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "the path names no file");
	if (st == HEFT_OK) {
		t->name = heft_strdup(path + folder_size(path));
		t->temp_path = path; /* its folder, until there is a temporary */
		if (t->name)
			return HEFT_OK;
		return no_memory(err);
	}
	heft_free(path);
	return st;
}

enum heft_status heft_target_init(struct heft_target *t, const char *path, bool overwrite,
                                  struct heft_error *err)
{
	char *copy = heft_strdup(path);
	enum heft_status st;

	*t = (struct heft_target){ .folder_fd = -1 };
	if (!copy)
		return no_memory(err);
	st = init_at(t, copy, overwrite, err);
	if (st != HEFT_OK)
		heft_target_done(t);
	return st;
}

static enum heft_status look_beside(struct heft_target *t, const struct heft_target *first,
                                    bool overwrite, struct heft_error *err)
{
	struct stat st;

	t->replaces = first->replaces;
	t->mode = first->mode;
	t->uid = first->uid;
	t->gid = first->gid;
	if (fstatat(t->folder_fd, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENAMETOOLONG)
			return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
			                 "the name is too long for a file beside, called so with "
			                 "more behind it");
		return HEFT_OK;
	}
	if (!S_ISREG(st.st_mode))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'%s' beside is no regular file, where one is to be written",
		                 t->name);
	if (!overwrite)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "the file '%s' beside exists already", t->name);
	t->replaces = true;
	t->mode = st.st_mode & 0777;
	t->uid = st.st_uid;
	t->gid = st.st_gid;
	return HEFT_OK;
}

static char *name_with(const char *name, const char *suffix)
{
	const size_t n = strlen(name);
	const size_t suffix_size = strlen(suffix);
	char *s = heft_alloc(n + suffix_size + 1);

	if (!s)
		return NULL;
	memcpy(s, name, n);
	memcpy(s + n, suffix, suffix_size + 1);
	return s;
}

enum heft_status heft_target_init_beside(struct heft_target *t, const struct heft_target *first,
                                         const char *suffix, bool overwrite, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	*t = (struct heft_target){ .folder_fd = fcntl(first->folder_fd, F_DUPFD_CLOEXEC, 0) };
	if (t->folder_fd < 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET,
		                       "cannot open the folder to write into");
	t->name = name_with(first->name, suffix);
	t->temp_path = heft_strdup(first->temp_path); /* its folder counts */
	if (!t->name || !t->temp_path)
		st = no_memory(err);
	if (st == HEFT_OK)
		st = look_beside(t, first, overwrite, err);
	if (st != HEFT_OK)
		heft_target_done(t);
	return st;
}

void heft_target_done(struct heft_target *t)
{
	heft_target_settle(t);
	if (t->folder_fd >= 0)
		close(t->folder_fd);
	heft_free(t->name);
	heft_free(t->temp_name);
	heft_free(t->temp_path);
	*t = (struct heft_target){ .folder_fd = -1 };
}

/* Six characters that differ from try to try and from process to process; O_EXCL does the rest. */
static void add_suffix(char *to, unsigned try_i)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	struct timespec now;
	uint64_t v;

	clock_gettime(CLOCK_REALTIME, &now);
	v = ((uint64_t)now.tv_nsec << 24) ^ (uint64_t)now.tv_sec ^ ((uint64_t)getpid() << 32);
	v = (v + try_i) * UINT64_C(0x9e3779b97f4a7c15);
	v ^= v >> 29;
	memcpy(to, ".heft-", 6);
	for (int i = 6; i < 12; i++, v >>= 5)
		to[i] = digits[v & 31];
	memcpy(to + 12, ".tmp", 5);
}

char *heft_temp_name(const char *name, size_t name_size_max, unsigned try_i)
{
	size_t n = strlen(name);
	char *temp = heft_alloc(1 + name_size_max + TEMP_SUFFIX_SIZE + 1);

	if (!temp)
		return NULL;
	if (n > name_size_max) {
		n = name_size_max;
		while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--;
	}
	temp[0] = '.';
	memcpy(temp + 1, name, n);
	add_suffix(temp + 1 + n, try_i);
	return temp;
}

/* Takes over `temp_name`, under which the file was made. */
static enum heft_status keep_temp(struct heft_target *t, char *temp_name, struct heft_error *err)
{
	char *path = heft_path_beside(t->temp_path, temp_name);

	if (!path) {
		unlinkat(t->folder_fd, temp_name, 0);
		heft_free(temp_name);
		return no_memory(err);
	}
	heft_free(t->temp_path);
	t->temp_path = path;
	t->temp_name = temp_name;
	return HEFT_OK;
}

enum heft_status heft_target_create_temp(struct heft_target *t, int *out, struct heft_error *err)
{
	/* The new file's bytes are as private as the old one's, from the first on. */
	const mode_t mode = t->replaces ? 0600 : 0666;
	size_t name_size_max = NAME_SIZE_MAX - 1 - TEMP_SUFFIX_SIZE;

	for (unsigned i = 0; i < N_NAMES_MAX; i++) {
		char *temp_name = heft_temp_name(t->name, name_size_max, i);
		enum heft_status st;
		int fd;

		if (!temp_name)
			return no_memory(err);
		fd = openat(t->folder_fd, temp_name,
		            O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (fd >= 0) {
			st = keep_temp(t, temp_name, err);
			if (st == HEFT_OK)
				*out = fd;
			else
				close(fd);
			return st;
		}
		heft_free(temp_name);
		if (errno == ENAMETOOLONG && name_size_max > 0)
			name_size_max = 0;
		else if (errno != EEXIST && errno != EINTR)
			break;
	}
	return heft_fail_errno(err, errno == ENOENT ? EIO : errno, HEFT_NO_OFFSET,
	                       "cannot make a file in the folder");
}

void heft_target_remove_temp(struct heft_target *t)
{
	if (t->temp_name)
		unlinkat(t->folder_fd, t->temp_name, 0);
	heft_free(t->temp_name);
	t->temp_name = NULL;
}

enum heft_status heft_target_take_mode(const struct heft_target *t, int fd, struct heft_error *err)
{
	mode_t mode = t->mode;
	struct stat st;

	if (!t->replaces)
		return HEFT_OK;
	if (fstat(fd, &st) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot read the file's state");
	/* Only root may give a file away; a group of one's own works. What was for another group is
	 * not for this one. */
	if ((st.st_uid != t->uid || st.st_gid != t->gid) && fchown(fd, t->uid, t->gid) != 0 &&
	    (st.st_gid != t->gid && fchown(fd, (uid_t)-1, t->gid) != 0))
		mode &= ~(mode_t)0070 | (mode & 07) << 3;
	if (fchmod(fd, mode) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot set the file's mode");
	return HEFT_OK;
}

/* EINVAL or ENOSYS where there is no such rename. */
static int rename_no_replace(int from_fd, const char *from, int to_fd, const char *to)
{
#if defined(__linux__) && defined(SYS_renameat2)
	const unsigned no_replace = 1;

	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, no_replace);
#else
	(void)from_fd;
	(void)from;
	(void)to_fd;
	(void)to;
	errno = ENOSYS;
	return -1;
#endif
}

/* Where the file system has no such rename: by a second link, else (no links either, or a folder)
 * by looking first. */
int heft_rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat st;

	if (rename_no_replace(from_fd, from, to_fd, to) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (linkat(from_fd, from, to_fd, to, 0) == 0) {
		unlinkat(from_fd, from, 0);
		return 0;
	}
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
		return -1;
	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_fd, from, to_fd, to);
}

enum heft_status heft_target_publish(struct heft_target *t, bool overwrite, struct heft_error *err)
{
	const int r = overwrite
	                      ? renameat(t->folder_fd, t->temp_name, t->folder_fd, t->name)
	                      : heft_rename_new(t->folder_fd, t->temp_name, t->folder_fd, t->name);

	if (r != 0 && errno == EEXIST)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a file of this name appeared meanwhile");
	if (r != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET,
		                       "cannot give the new file its name");
	heft_free(t->temp_name);
	t->temp_name = NULL;
	return HEFT_OK;
}

/* Gives the file that is there, if any, a second name, as hidden as a temporary's; none where the
 * file system has no links. */
static enum heft_status keep_old(struct heft_target *t, struct heft_error *err)
{
	for (unsigned i = 0; i < N_NAMES_MAX; i++) {
		/* Of a short name, as this one may be as long as names can be. */
		char *old_name = heft_temp_name("old", NAME_SIZE_MAX - 1 - TEMP_SUFFIX_SIZE, i);

		if (!old_name)
			return no_memory(err);
		if (linkat(t->folder_fd, t->name, t->folder_fd, old_name, 0) == 0) {
			t->old_name = old_name;
			break;
		}
		heft_free(old_name);
		if (errno != EEXIST)
			break;
	}
	return HEFT_OK;
}

enum heft_status heft_target_publish_for_now(struct heft_target *t, bool overwrite,
                                             struct heft_error *err)
{
	enum heft_status st;

	if (overwrite)
		HEFT_TRY(keep_old(t, err));
	st = heft_target_publish(t, overwrite, err);
	if (st != HEFT_OK)
		heft_target_settle(t);
	return st;
}

void heft_target_withdraw(struct heft_target *t)
{
	if (t->old_name && renameat(t->folder_fd, t->old_name, t->folder_fd, t->name) == 0) {
		heft_free(t->old_name);
		t->old_name = NULL;
		return;
	}
	unlinkat(t->folder_fd, t->name, 0);
}

void heft_target_settle(struct heft_target *t)
{
	if (t->old_name)
		unlinkat(t->folder_fd, t->old_name, 0);
	heft_free(t->old_name);
	t->old_name = NULL;
}

enum heft_status heft_target_sync_folder(const struct heft_target *t, struct heft_error *err)
{
	/* EINVAL: this file system syncs no folders; EBADF: one that may not be listed cannot be
	 * synced. */
	if (fsync(t->folder_fd) != 0 && errno != EINVAL && errno != EBADF && errno != EINTR &&
	    errno != ENOTSUP)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET,
		                       "the file is written, but its folder cannot be synced");
	return HEFT_OK;
}
