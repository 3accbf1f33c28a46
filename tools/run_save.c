/* SPDX-License-Identifier: Apache-2.0 */
/* run_save.c - a model's outputs as files of arrays. */
#include "run_save.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "new_file.h"
#include "report.h"

#define ONE_ARRAY "npy"

/* The format that writes files of this extension; NULL. */
static const char *format_of(const char *path)
{
	const char *extensions;
	const char *format;
	bool can_write;

	for (uint32_t i = 0; (format = heft_format_at(i, &extensions, &can_write, NULL)); i++) {
		for (const char *at = extensions; can_write && *at; at += strspn(at, " ")) {
			const size_t n = strcspn(at, " ");

			if (strlen(path) > n && strncmp(path + strlen(path) - n, at, n) == 0)
				return format;
			at += n;
		}
	}
	return NULL;
}

int run_save_check(const char *path)
{
	if (format_of(path))
		return STATUS_DONE;
	report_words("%s: no format goes by that extension: .npz, .safetensors, .heft, .npy", path);
	return STATUS_USAGE;
}

static enum heft_status write_arrays(struct heft_writer *w, const struct heft_value *values,
                                     uint32_t n, struct heft_error *err)
{
	enum heft_status st = HEFT_OK;

	for (uint32_t i = 0; i < n && st == HEFT_OK; i++) {
		struct heft_tensor t = { .name = values[i].name,
			                 .dtype = values[i].dtype,
			                 .rank = values[i].rank };

		memcpy(t.dims, values[i].dims, sizeof values[i].dims);
		st = heft_declare(w, &t, err);
	}
	for (uint32_t i = 0; i < n && st == HEFT_OK; i++)
		st = heft_put(w, i, values[i].bytes, values[i].n_bytes, err);
	return st;
}

static int save(const char *path, const char *format, const struct heft_value *values, uint32_t n,
                const struct heft_write_options *options)
{
	struct heft_writer *w;
	struct heft_error err;
	enum heft_status st;

	if (new_file_check(path, options->overwrite) != STATUS_DONE)
		return STATUS_USAGE;
	st = heft_create(path, format, options, &w, &err);
	if (st != HEFT_OK)
		return report_error(path, &err);
	st = write_arrays(w, values, n, &err);
	if (st == HEFT_OK)
		st = heft_commit(w, NULL, &err);
	else
		heft_discard(w);
	return st == HEFT_OK ? STATUS_DONE : report_error(path, &err);
}

int run_save_file(const char *path, const struct heft_value *values, uint32_t n,
                  const struct heft_write_options *options)
{
	const char *format = format_of(path);

	if (n != 1 && strcmp(format, ONE_ARRAY) == 0) {
		report_words("%s: a .npy holds one array, and there are %u: .npz holds all of them",
		             path, n);
		return STATUS_USAGE;
	}
	return save(path, format, values, n, options);
}

/* --- a folder --- */

/* Letters, digits, '.', '-' and '_' stay; no file is hidden, and none leads out of the folder. */
static char *safe_path(const char *folder, const char *name, uint32_t ordinal)
{
	struct output out;
	char *path;

	output_init(&out, -1);
	output_format(&out, "%s/", folder);
	for (const char *c = name; *c; c++) {
		const bool is_safe = isalnum((unsigned char)*c) || *c == '-' || *c == '_' ||
		                     (*c == '.' && c > name);

		output_char(&out, is_safe ? *c : '_');
	}
	if (ordinal > 0)
		output_format(&out, "-%u", ordinal);
	output_text(&out, ".npy");
	path = memory_copy_text(output_string(&out), strlen(output_string(&out)));
	output_done(&out);
	return path;
}

static bool is_taken(char *const *paths, uint32_t n, const char *path)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(paths[i], path) == 0)
			return true;
	return false;
}

/* All names are chosen, and found free, before the first file is written. */
static int choose_paths(const char *folder, const struct heft_value *values, uint32_t n,
                        bool overwrite, char **paths)
{
	for (uint32_t i = 0; i < n; i++) {
		paths[i] = safe_path(folder, values[i].name, 0);
		for (uint32_t k = 2; is_taken(paths, i, paths[i]); k++) {
			free(paths[i]);
			paths[i] = safe_path(folder, values[i].name, k);
		}
		if (new_file_check(paths[i], overwrite) != STATUS_DONE)
			return STATUS_USAGE;
	}
	return STATUS_DONE;
}

int run_save_folder(const char *folder, const struct heft_value *values, uint32_t n,
                    const struct heft_write_options *options)
{
	char **paths = memory_new(n, sizeof *paths);
	int status = STATUS_DONE;

	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		status = report_system(folder, "cannot create", errno);
	if (status == STATUS_DONE)
		status = choose_paths(folder, values, n, options->overwrite, paths);
	for (uint32_t i = 0; i < n && status == STATUS_DONE; i++)
		status = save(paths[i], ONE_ARRAY, &values[i], 1, options);
	for (uint32_t i = 0; i < n; i++)
		free(paths[i]);
	free(paths);
	return status;
}
