/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_npy_folder.c - a data set that is a folder of .npy files, an array each. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/folder.h"
#include "train/dataset_tensors.h"

#define EXTENSION ".npy"
#define MAX_FILES 256u /* all of them stay open */

struct names {
	char **names; /* without the extension */
	size_t n;
};

static void names_done(struct names *s)
{
	for (size_t i = 0; i < s->n; i++)
		heft_free(s->names[i]);
	heft_free(s->names);
}

/* A hidden file is nobody's data. */
static size_t stem_size(const char *name)
{
	const size_t n = strlen(name);
	const size_t n_ext = strlen(EXTENSION);

	if (name[0] == '.' || n <= n_ext || strcmp(name + n - n_ext, EXTENSION) != 0)
		return 0;
	return n - n_ext;
}

static enum heft_status find_one(void *ctx, const char *name, struct heft_error *err)
{
	bool *found = ctx;

	(void)err;
	*found = *found || stem_size(name) > 0;
	return HEFT_OK;
}

static enum heft_status npy_folder_probe(const struct heft_dataset_place *place, unsigned *sure,
                                         struct heft_error *err)
{
	bool found = false;

	if (place->is_folder)
		HEFT_TRY(heft_folder_walk(place->path, find_one, &found, err));
	*sure = found ? 8 : 0;
	return HEFT_OK;
}

static enum heft_status note_name(void *ctx, const char *name, struct heft_error *err)
{
	struct names *s = ctx;
	const size_t n = stem_size(name);
	char **more;

	if (n == 0)
		return HEFT_OK;
	if (s->n == MAX_FILES)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "a folder of more than %u arrays", MAX_FILES);
	more = heft_realloc_array(s->names, s->n + 1, sizeof *more);
	if (more) {
		s->names = more;
		more[s->n] = heft_strndup(name, n);
	}
	if (!more || !more[s->n])
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a name");
	s->n++;
	return HEFT_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum heft_status add_file(struct heft_dataset_tensors *s, struct heft_dataset *ds,
                                 const struct heft_dataset_options *options, const char *path,
                                 const char *name, struct heft_error *err)
{
	struct heft_tensor t;
	struct heft_file *file;

	HEFT_TRY(heft_dataset_tensors_open(s, path, options, &file, err));
	if (heft_n_tensors(file) != 1)
		return heft_fail(err, HEFT_E_UNSUPPORTED, HEFT_NO_OFFSET,
		                 "a record of %u fields, where numbers are needed",
		                 heft_n_tensors(file));
	HEFT_TRY(heft_tensor_at(file, 0, &t, err));
	return heft_dataset_tensors_add(s, ds, file, &t, name, err);
}

/* The message names the file, which the caller does not know. */
static enum heft_status add_name(struct heft_dataset_tensors *s, struct heft_dataset *ds,
                                 const struct heft_dataset_options *options, const char *folder,
                                 const char *name, struct heft_error *err)
{
	struct heft_error why = { .code = HEFT_OK };
	struct heft_buffer b;
	enum heft_status st;
	char *path;

	heft_buffer_init(&b);
	heft_buffer_addf(&b, "%s" EXTENSION, name);
	heft_buffer_add_u8(&b, 0);
	path = b.ok ? heft_path_join(folder, (const char *)b.bytes) : NULL;
	heft_buffer_done(&b);
	if (!path)
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a path");
	st = add_file(s, ds, options, path, name, &why);
	heft_free(path);
	if (st == HEFT_OK)
		return HEFT_OK;
	return heft_fail(err, st, why.offset, "%.60s" EXTENSION ": %s", name, why.msg);
}

static enum heft_status npy_folder_open(const struct heft_dataset_place *place,
                                        const struct heft_dataset_options *options,
                                        struct heft_dataset *ds, void **st, struct heft_error *err)
{
	struct names found = { .names = NULL };
	struct heft_dataset_tensors *s;
	enum heft_status result;

	HEFT_TRY(heft_dataset_tensors_new(&s, err));
	*st = s;
	result = heft_folder_walk(place->path, note_name, &found, err);
	if (found.n > 0)
		qsort(found.names, found.n, sizeof *found.names, by_bytes);
	for (size_t i = 0; result == HEFT_OK && i < found.n; i++)
		result = add_name(s, ds, options, place->path, found.names[i], err);
	names_done(&found);
	return result;
}

const struct heft_dataset_kind heft_dataset_kind_npy_folder = {
	.name = "npy_folder",
	.probe = npy_folder_probe,
	.open = npy_folder_open,
	.read = heft_dataset_tensors_read,
	.close = heft_dataset_tensors_close,
};
