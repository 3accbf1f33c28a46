/* SPDX-License-Identifier: Apache-2.0 */
/* train/dataset.h - the vtable of a kind of data set, and what an open one is. A new kind is one
 * file here, `dataset_<kind>.c` with a `const struct heft_dataset_kind heft_dataset_kind_<kind>`,
 * and one word in lib/train/meson.build. */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "base/large_bytes.h"
#include "heft/dataset.h"

#define HEFT_DATASET_HEAD_SIZE 16u

/* What a kind is recognised by. */
struct heft_dataset_place {
	const char *path;
	bool is_folder;
	bool is_file; /* neither: there is nothing of that name */
	/* of a file: its first bytes, those that gzip packed where it did */
	uint8_t head[HEFT_DATASET_HEAD_SIZE];
	size_t head_size;
	bool is_gzip;
};

struct heft_dataset_kind {
	const char *name;
	/* How sure it is, from 0: not at all, which *sure is already. */
	enum heft_status (*probe)(const struct heft_dataset_place *place, unsigned *sure,
	                          struct heft_error *err);
	/* Adds its arrays by heft_dataset_add. The state is put into *st at once, and is closed
	 * whatever the result. */
	enum heft_status (*open)(const struct heft_dataset_place *place,
	                         const struct heft_dataset_options *options,
	                         struct heft_dataset *ds, void **st, struct heft_error *err);
	/* Bytes [off, off + n) of array i, all samples behind one another; the range was checked.
	 * Of a packed array all of it. Any thread. NULL: heft_dataset_set_bytes gave every array
	 * its bytes. */
	enum heft_status (*read)(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
	                         struct heft_error *err);
	/* The digest of all arrays, by several threads. NULL: they are hashed in turn, and were
	 * added in ascending order of their names' bytes. */
	enum heft_status (*digest)(void *st, const struct heft_run *run, uint8_t *digest,
	                           struct heft_error *err);
	void (*close)(void *st); /* takes NULL; NULL itself: there is no state */
};

/* One array of an open data set. */
struct heft_dataset_part {
	struct heft_dataset_array array;
	char *name;
	uint64_t n_samples;
	uint64_t n_bytes;              /* of all samples */
	bool is_packed;                /* it can only be read whole */
	atomic_bool is_loaded;         /* then all of it lies in `bytes` */
	struct heft_large_bytes bytes; /* under the mutex until it is loaded */
};

struct heft_dataset {
	const struct heft_dataset_kind *kind;
	void *st;
	struct heft_dataset_part *parts;
	uint32_t n_parts;
	uint64_t max_bytes; /* of all arrays together */
	uint64_t n_bytes;
	char **class_names;
	uint32_t n_class_names;
	char *scratch_folder;  /* NULL: the system's */
	pthread_mutex_t mutex; /* held while an array is loaded */
};

/* For a kind that opens: an array of this shape, its first dimension the samples; `place` is in the
 * file, of what states it. UNSUPPORTED: no numbers, or no samples. */
enum heft_status heft_dataset_add(struct heft_dataset *ds, const char *name, enum heft_dtype dtype,
                                  uint32_t rank, const uint64_t *dims, bool is_packed,
                                  uint64_t place, struct heft_error *err);
/* Gives array i its bytes; takes them. */
void heft_dataset_set_bytes(struct heft_dataset *ds, uint32_t i, struct heft_large_bytes *bytes);

/* dataset_load.c: puts array i into memory, or into a temporary file that is mapped, where it is
 * packed, or small rows of it are to be read again and again. *bytes: NULL where it stays where it
 * is. */
enum heft_status heft_dataset_load(struct heft_dataset *ds, uint32_t i, const uint8_t **bytes,
                                   struct heft_error *err);

/* Appends "x U8 [60000,28,28], y U8 [60000]". */
void heft_dataset_list(const struct heft_dataset *ds, struct heft_buffer *text);
/* Appends "[60000,28,28]"; first UINT64_MAX: a shape without it. */
void heft_dataset_add_shape(struct heft_buffer *text, uint64_t first, uint32_t rank,
                            const uint64_t *dims);

#endif
