/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - a folder of a test's own, and whole files in it.
 *
 *	struct scratch s;
 *
 *	scratch_init(&s);
 *	scratch_write(scratch_path(&s, "a.bin"), "abc", 3);
 *	scratch_done(&s);
 */
#ifndef HEFT_SCRATCH_H
#define HEFT_SCRATCH_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH_N_PATHS 64

struct scratch {
	char *folder;
	char *paths[SCRATCH_N_PATHS]; /* those that were asked for */
	unsigned n_paths;
};

static inline char *scratch_join(const char *folder, const char *name)
{
	char *path;

	ck_assert_int_gt(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

static inline void scratch_init(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	memset(s, 0, sizeof *s);
	s->folder = scratch_join(base ? base : "/tmp", "heft-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->folder));
}

/* A path in the folder; it lives as long as the folder does. */
static inline char *scratch_path(struct scratch *s, const char *name)
{
	char *path = scratch_join(s->folder, name);

	ck_assert_uint_lt(s->n_paths, SCRATCH_N_PATHS);
	s->paths[s->n_paths++] = path;
	return path;
}

static inline void scratch_write(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

/* The file's bytes, ended by NUL; the caller frees them. */
static inline char *scratch_read(const char *path, size_t *size)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	char *bytes;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fstat(fileno(f), &st), 0);
	bytes = calloc(1, (size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(fread(bytes, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	if (size)
		*size = (size_t)st.st_size;
	return bytes;
}

static inline void scratch_check(const char *path, const void *bytes, size_t n)
{
	size_t size;
	char *found = scratch_read(path, &size);

	ck_assert_uint_eq(size, n);
	ck_assert_mem_eq(found, bytes, n);
	free(found);
}

static inline unsigned scratch_n_files(const struct scratch *s)
{
	DIR *folder = opendir(s->folder);
	struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(folder);
	while ((entry = readdir(folder)))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(folder);
	return n;
}

/* Removes a file, or a folder with all that is in it. */
static inline void scratch_remove(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char *child = scratch_join(path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlink(child) != 0)
			scratch_remove(child);
		free(child);
	}
	if (folder)
		closedir(folder);
	rmdir(path);
}

static inline void scratch_done(struct scratch *s)
{
	chmod(s->folder, 0700);
	scratch_remove(s->folder);
	for (unsigned i = 0; i < s->n_paths; i++)
		free(s->paths[i]);
	free(s->folder);
}

#endif
