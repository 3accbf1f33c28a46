/* SPDX-License-Identifier: Apache-2.0 */
/* folder.c - paths, and the names in a folder. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/error.h"

bool heft_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The first `size` bytes of `folder`, a slash where wanted, and the name. */
static char *join(const char *folder, size_t size, bool wants_slash, const char *name)
{
	const size_t name_size = strlen(name);
	char *path = heft_alloc(size + wants_slash + name_size + 1);

	if (!path)
		return NULL;
	memcpy(path, folder, size);
	if (wants_slash)
		path[size] = '/';
	memcpy(path + size + wants_slash, name, name_size + 1);
	return path;
}

char *heft_path_join(const char *folder, const char *name)
{
	const size_t n = strlen(folder);

	return join(folder, n, n == 0 || folder[n - 1] != '/', name);
}

char *heft_path_beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return join(path, slash ? (size_t)(slash - path) + 1 : 0, false, name);
}

static enum heft_status walk(DIR *folder, heft_folder_fn fn, void *ctx, struct heft_error *err)
{
	const struct dirent *entry;

	for (;;) {
		errno = 0;
		entry = readdir(folder);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			HEFT_TRY(fn(ctx, entry->d_name, err));
	}
	if (errno != 0)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot list the folder");
	return HEFT_OK;
}

enum heft_status heft_folder_walk(const char *path, heft_folder_fn fn, void *ctx,
                                  struct heft_error *err)
{
	DIR *folder = opendir(path);
	enum heft_status st;

	if (!folder)
		return heft_fail_errno(err, errno, HEFT_NO_OFFSET, "cannot open the folder");
	st = walk(folder, fn, ctx, err);
	closedir(folder);
	return st;
}
