/* SPDX-License-Identifier: Apache-2.0 */
/* beneath.c - files that another file names, opened part by part without following a link. */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"

/* A folder may be one that can be passed through and not be listed. */
#ifdef O_PATH
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

enum heft_status heft_beneath_folder(const char *path, int *fd, struct heft_error *err)
{
	char *folder = heft_path_beside(path, ".");
	int opened;
	int errnum;

	if (!folder)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	opened = open(folder, FOLDER_FLAGS);
	errnum = errno;
	heft_free(folder);
	if (opened < 0)
		return heft_fail_errno(err, errnum, HEFT_NO_OFFSET, "cannot open its folder");
	*fd = opened;
	return HEFT_OK;
}

static enum heft_status check_kind(const struct stat *st, bool is_last, struct heft_error *err)
{
	const char *what = NULL;

	if (S_ISLNK(st->st_mode))
		what = "a part of the path is a symbolic link";
	else if (!is_last && !S_ISDIR(st->st_mode))
		what = "a part of the path is no folder";
	else if (is_last && !S_ISREG(st->st_mode))
		what = "it is no regular file";
	else if (is_last && st->st_nlink > 1)
		what = "the file has other names: hard links are not followed";
	return what ? heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET, "%s", what) : HEFT_OK;
}

/* Opens one name in the folder. It is looked at before, because to open a device can do something,
 * and after, because it may have changed. */
static enum heft_status open_part(int folder, const char *name, bool is_last, int *fd,
                                  struct heft_error *err)
{
	const int flags = is_last ? O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK : FOLDER_FLAGS;
	enum heft_status status;
	struct stat before;
	struct stat now;
	int opened;

	if (fstatat(folder, name, &before, AT_SYMLINK_NOFOLLOW) != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot open");
	HEFT_TRY(check_kind(&before, is_last, err));
	opened = openat(folder, name, flags | O_NOFOLLOW);
	if (opened < 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot open");
	if (fstat(opened, &now) != 0)
		status = heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot open");
	else if (now.st_dev != before.st_dev || now.st_ino != before.st_ino)
		status = heft_fail(err, HEFT_E_CORRUPT, HEFT_NO_OFFSET,
		                   "the file changed while it was opened");
	else
		status = check_kind(&now, is_last, err);
	if (status == HEFT_OK)
		*fd = opened;
	else
		close(opened);
	return status;
}

/* `parts` is cut into names. */
static enum heft_status open_parts(int folder, char *parts, int *fd, struct heft_error *err)
{
	int at = folder;
	enum heft_status st = HEFT_OK;

	for (char *name = parts; st == HEFT_OK && name;) {
		char *slash = strchr(name, '/');
		int next = -1;

		if (slash)
			*slash = '\0';
		st = open_part(at, name, !slash, &next, err);
		if (at != folder)
			close(at);
		at = next;
		name = slash ? slash + 1 : NULL;
	}
	if (st == HEFT_OK)
		*fd = at;
	return st;
}

enum heft_status heft_beneath_open(int folder, const char *path, int *fd, struct heft_error *err)
{
	char *parts = heft_strdup(path);
	enum heft_status st;

	if (!parts)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	st = open_parts(folder, parts, fd, err);
	heft_free(parts);
	return st;
}
