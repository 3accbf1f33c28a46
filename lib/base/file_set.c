/* SPDX-License-Identifier: Apache-2.0 */
/* file_set.c - several new files that get their names together. */
#include "base/file_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"
#include "base/target.h"

#define N_NAMES_MAX 100
#define TEMP_NAME_MAX 200 /* bytes of the folder's name in the temporary's */

struct list {
	char **names;
	size_t n;
};

struct heft_file_set {
	bool overwrite;
	bool no_sync;
	int folder_fd;  /* where the files go; -1: the folder is new */
	char *new_name; /* the new folder's name, in the folder below; NULL: it is there */
	int parent_fd;  /* of the folder that the temporary lies in */
	char *temp_name;
	char *temp_path;
	int temp_fd;
	struct list files;
	struct list cleaned;
	char *removed; /* NULL: none */
};

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for new files");
}

/* --- the folder --- */

static enum heft_status fail_to_open(int errnum, struct heft_error *err)
{
	if (errnum == ENOENT)
		return heft_fail(err, HEFT_E_NOT_FOUND, HEFT_NO_OFFSET,
		                 "the folder to write into does not exist");
	if (errnum == ENOTDIR)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a file, where a folder is to be written");
	return heft_fail_errno(err, errnum, HEFT_NO_OFFSET, "cannot open the folder to write into");
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Opens what the temporary is to lie in: the folder, or its parent where it is new. `path` is the
 * folder without a slash at its end, and becomes what is opened. */
static enum heft_status find_place(struct heft_file_set *s, char *path, struct heft_error *err)
{
	char *slash = strrchr(path, '/');

	s->folder_fd = open_folder(path);
	if (s->folder_fd >= 0) {
		s->parent_fd = fcntl(s->folder_fd, F_DUPFD_CLOEXEC, 0);
		return s->parent_fd >= 0 ? HEFT_OK : fail_to_open(errno, err);
	}
	if (errno != ENOENT)
		return fail_to_open(errno, err);
	s->new_name = heft_strdup(slash ? slash + 1 : path);
	if (!s->new_name)
		return no_memory(err);
	if (slash)
		slash[slash == path ? 1 : 0] = '\0';
	else
		memcpy(path, ".", 2); /* a name has a byte at least */
	s->parent_fd = open_folder(path);
	return s->parent_fd >= 0 ? HEFT_OK : fail_to_open(errno, err);
}

/* Private where it lies among others' files; a new folder will have this one's mode. */
static enum heft_status make_temp(struct heft_file_set *s, const char *parent,
                                  struct heft_error *err)
{
	const mode_t mode = s->new_name ? 0777 : 0700;

	for (unsigned i = 0; i < N_NAMES_MAX; i++) {
		char *name = heft_temp_name(s->new_name ? s->new_name : "set", TEMP_NAME_MAX, i);

		if (!name)
			return no_memory(err);
		if (mkdirat(s->parent_fd, name, mode) == 0) {
			s->temp_name = name;
			s->temp_path = heft_path_join(parent, name);
			s->temp_fd = openat(s->parent_fd, name,
			                    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			if (!s->temp_path)
				return no_memory(err);
			return s->temp_fd >= 0 ? HEFT_OK : fail_to_open(errno, err);
		}
		heft_free(name);
		if (errno != EEXIST && errno != EINTR)
			break;
	}
	return heft_fail_errno(err, errno == ENOENT ? EIO : errno, HEFT_NO_OFFSET,
	                       "cannot make a folder in the folder");
}

enum heft_status heft_file_set_new(const char *folder, const struct heft_sink_options *options,
                                   struct heft_file_set **out, struct heft_error *err)
{
	size_t n = strlen(folder);
	struct heft_file_set *s = heft_zalloc(sizeof *s);
	char *path;
	enum heft_status st;

	if (!s)
		return no_memory(err);
	s->folder_fd = -1;
	s->parent_fd = -1;
	s->temp_fd = -1;
	s->overwrite = options && options->overwrite;
	s->no_sync = options && options->no_sync;
	while (n > 1 && folder[n - 1] == '/')
		n--;
	path = n > 0 ? heft_strndup(folder, n) : heft_strdup(".");
	st = path ? find_place(s, path, err) : no_memory(err);
	if (st == HEFT_OK)
		st = make_temp(s, path, err);
	heft_free(path);
	if (st != HEFT_OK) {
		heft_file_set_discard(s);
		return st;
	}
	*out = s;
	return HEFT_OK;
}

/* --- the files --- */

/* What may not be where a name is to be. */
static enum heft_status look(const struct heft_file_set *s, const char *name,
                             struct heft_error *err)
{
	struct stat st;

	if (s->new_name || fstatat(s->folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return HEFT_OK;
	if (!s->overwrite)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%.200s' exists already",
		                 name);
	if (S_ISDIR(st.st_mode))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "'%.150s' is a folder, where a file is to be written", name);
	return HEFT_OK;
}

static enum heft_status add_name(struct list *l, const char *name, struct heft_error *err)
{
	char **names = heft_realloc_array(l->names, l->n + 1, sizeof *names);

	if (!names)
		return no_memory(err);
	l->names = names;
	names[l->n] = heft_strdup(name);
	if (!names[l->n])
		return no_memory(err);
	l->n++;
	return HEFT_OK;
}

enum heft_status heft_file_set_add(struct heft_file_set *s, const char *name, char **path,
                                   struct heft_error *err)
{
	char *joined;
	enum heft_status st;

	HEFT_TRY(look(s, name, err));
	joined = heft_path_join(s->temp_path, name);
	st = joined ? add_name(&s->files, name, err) : no_memory(err);
	if (st == HEFT_OK)
		*path = joined;
	else
		heft_free(joined);
	return st;
}

enum heft_status heft_file_set_clean(struct heft_file_set *s, const char *name,
                                     struct heft_error *err)
{
	return add_name(&s->cleaned, name, err);
}

enum heft_status heft_file_set_remove(struct heft_file_set *s, const char *name,
                                      struct heft_error *err)
{
	char *copy;

	HEFT_TRY(look(s, name, err));
	copy = heft_strdup(name);
	if (!copy)
		return no_memory(err);
	heft_free(s->removed);
	s->removed = copy;
	return HEFT_OK;
}

/* --- the end --- */

static enum heft_status sync_folder(const struct heft_file_set *s, int fd, struct heft_error *err)
{
	/* EINVAL: this file system syncs no folders. */
	if (!s->no_sync && fsync(fd) != 0 && errno != EINVAL && errno != EINTR && errno != ENOTSUP)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "the folder cannot be synced");
	return HEFT_OK;
}

static enum heft_status fail_to_move(int errnum, const char *name, struct heft_error *err)
{
	if (errnum == EEXIST || errnum == ENOTEMPTY)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "'%.200s' appeared meanwhile",
		                 name);
	return heft_fail_errno(err, errnum == ENOENT ? EIO : errnum, HEFT_NO_OFFSET,
	                       "cannot give '%.150s' its name", name);
}

static enum heft_status move_folder(struct heft_file_set *s, struct heft_error *err)
{
	if (heft_rename_new(s->parent_fd, s->temp_name, s->parent_fd, s->new_name) != 0)
		return fail_to_move(errno, s->new_name, err);
	heft_free(s->temp_name);
	s->temp_name = NULL;
	return sync_folder(s, s->parent_fd, err);
}

/* The new file is not open to more people than the one that it replaces. */
static void take_mode(const struct heft_file_set *s, const char *name)
{
	struct stat st;

	if (fstatat(s->folder_fd, name, &st, 0) == 0 && S_ISREG(st.st_mode))
		(void)!fchmodat(s->temp_fd, name, st.st_mode & 0777, 0);
}

static enum heft_status move_file(const struct heft_file_set *s, const char *name,
                                  struct heft_error *err)
{
	int r;

	if (s->overwrite) {
		take_mode(s, name);
		r = renameat(s->temp_fd, name, s->folder_fd, name);
	} else {
		r = heft_rename_new(s->temp_fd, name, s->folder_fd, name);
	}
	return r == 0 ? HEFT_OK : fail_to_move(errno, name, err);
}

/* The last file waits until the others' names are on disk. */
static enum heft_status move_files(const struct heft_file_set *s, size_t *n_moved,
                                   struct heft_error *err)
{
	if (s->overwrite && s->removed) {
		if (unlinkat(s->folder_fd, s->removed, 0) == 0)
			HEFT_TRY(sync_folder(s, s->folder_fd, err));
		else if (errno != ENOENT)
			return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot remove '%.150s'",
			                       s->removed);
	}
	for (size_t i = 0; i < s->files.n; i++) {
		if (i > 0 && i + 1 == s->files.n)
			HEFT_TRY(sync_folder(s, s->folder_fd, err));
		HEFT_TRY(move_file(s, s->files.names[i], err));
		*n_moved = i + 1;
	}
	return sync_folder(s, s->folder_fd, err);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What cannot be removed does no harm. */
static void clean(struct heft_file_set *s)
{
	if (s->cleaned.n == 0 || s->files.n == 0)
		return;
	qsort(s->files.names, s->files.n, sizeof *s->files.names, compare_names);
	for (size_t i = 0; i < s->cleaned.n; i++)
		if (!bsearch(&s->cleaned.names[i], s->files.names, s->files.n,
		             sizeof *s->files.names, compare_names))
			unlinkat(s->folder_fd, s->cleaned.names[i], 0);
}

static enum heft_status move_into_folder(struct heft_file_set *s, struct heft_error *err)
{
	size_t n_moved = 0;
	const enum heft_status st = move_files(s, &n_moved, err);

	/* What was there before cannot come back, but what was not can go. */
	if (st != HEFT_OK && !s->overwrite)
		while (n_moved > 0)
			unlinkat(s->folder_fd, s->files.names[--n_moved], 0);
	if (st == HEFT_OK)
		clean(s);
	return st;
}

enum heft_status heft_file_set_commit(struct heft_file_set *s, struct heft_error *err)
{
	const enum heft_status st = s->new_name ? move_folder(s, err) : move_into_folder(s, err);

	heft_file_set_discard(s);
	return st;
}

static void list_done(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		heft_free(l->names[i]);
	heft_free(l->names);
}

/* Removes what was not moved. */
void heft_file_set_discard(struct heft_file_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->temp_name && s->temp_fd >= 0 && i < s->files.n; i++)
		unlinkat(s->temp_fd, s->files.names[i], 0);
	if (s->temp_fd >= 0)
		close(s->temp_fd);
	if (s->temp_name)
		unlinkat(s->parent_fd, s->temp_name, AT_REMOVEDIR);
	if (s->parent_fd >= 0)
		close(s->parent_fd);
	if (s->folder_fd >= 0)
		close(s->folder_fd);
	list_done(&s->files);
	list_done(&s->cleaned);
	heft_free(s->removed);
	heft_free(s->temp_name);
	heft_free(s->temp_path);
	heft_free(s->new_name);
	heft_free(s);
}
