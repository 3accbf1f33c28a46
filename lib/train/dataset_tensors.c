/* SPDX-License-Identifier: Apache-2.0 */
/* dataset_tensors.c - arrays that are tensors of open files. */
#include "train/dataset_tensors.h"

#include "base/alloc.h"
#include "base/error.h"
#include "weights/file.h"

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for a data set");
}

enum heft_status heft_dataset_tensors_new(struct heft_dataset_tensors **out, struct heft_error *err)
{
	struct heft_dataset_tensors *s = heft_zalloc(sizeof *s);

	if (!s)
		return no_memory(err);
	*out = s;
	return HEFT_OK;
}

enum heft_status heft_dataset_tensors_open(struct heft_dataset_tensors *s, const char *path,
                                           const struct heft_dataset_options *options,
                                           struct heft_file **file, struct heft_error *err)
{
	/* Data may lie where others write, and must not end the run by SIGBUS. */
	const struct heft_open_options open = {
		.flags = HEFT_OPEN_PREAD,
		.limits = options->limits,
		.scratch_folder = options->scratch_folder,
	};
	struct heft_file **more = heft_realloc_array(s->files, (size_t)s->n_files + 1,
	                                             sizeof *more);

	if (!more)
		return no_memory(err);
	s->files = more;
	HEFT_TRY(heft_open(path, &open, file, err));
	s->files[s->n_files++] = *file;
	return HEFT_OK;
}

/* Whether rows are read where they lie; what is coded or mixed up has to be read whole. */
static enum heft_status look_for(struct heft_file *file, const struct heft_tensor *t,
                                 bool *is_packed, struct heft_error *err)
{
	struct heft_place place;
	struct heft_error why;
	const enum heft_status st = file->format->locate(file->st, t->index, &place, &why);

	if (st != HEFT_OK && st != HEFT_E_UNSUPPORTED) {
		if (err)
			*err = why;
		return st;
	}
	*is_packed = st != HEFT_OK || place.transform;
	return HEFT_OK;
}

enum heft_status heft_dataset_tensors_add(struct heft_dataset_tensors *s, struct heft_dataset *ds,
                                          struct heft_file *file, const struct heft_tensor *t,
                                          const char *name, struct heft_error *err)
{
	struct heft_dataset_tensor *more = heft_realloc_array(s->tensors, (size_t)s->n_tensors + 1,
	                                                      sizeof *more);
	bool is_packed;

	if (!more)
		return no_memory(err);
	s->tensors = more;
	HEFT_TRY(look_for(file, t, &is_packed, err));
	HEFT_TRY(heft_dataset_add(ds, name ? name : t->name, t->dtype, t->rank, t->dims, is_packed,
	                          HEFT_NO_OFFSET, err));
	s->tensors[s->n_tensors++] = (struct heft_dataset_tensor){ .file = file, .tensor = *t };
	return HEFT_OK;
}

enum heft_status heft_dataset_tensors_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                           struct heft_error *err)
{
	const struct heft_dataset_tensors *s = st;

	return heft_read(s->tensors[i].file, &s->tensors[i].tensor, off, dst, n, err);
}

void heft_dataset_tensors_close(void *st)
{
	struct heft_dataset_tensors *s = st;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_files; i++)
		heft_close(s->files[i]);
	heft_free(s->files);
	heft_free(s->tensors);
	heft_free(s);
}
