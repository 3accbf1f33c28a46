/* SPDX-License-Identifier: Apache-2.0 */
/* weights/file.h - an open file, as the functions of this folder see it. */
#ifndef WEIGHTS_FILE_H
#define WEIGHTS_FILE_H

#include "format/format.h"

struct heft_file {
	const struct heft_format *format;
	struct heft_source *src;
	void *st;   /* the format's own */
	char *path; /* as given to heft_open, or of the file that a folder stands for */
	uint32_t flags;
	/* As given to heft_open, copied: a file that is written and looked at is to be read with
	 * the same ones. */
	struct heft_assume *assumes;
	uint32_t n_assumes;
};

/* The index of a heft file; NULL for every other format. */
static inline struct heft_index *heft_file_index(struct heft_file *file)
{
	return file->format->index ? file->format->index(file->st) : NULL;
}

#endif
