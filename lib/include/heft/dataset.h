/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/dataset.h - samples to train and to evaluate with: arrays that share their first dimension.
 *
 *	struct heft_dataset *ds;
 *	uint32_t x;
 *
 *	if (heft_dataset_open("digits.npz", NULL, &ds, &err) != HEFT_OK)
 *		...
 *	if (heft_dataset_find(ds, "x", &x) &&
 *	    heft_dataset_read(ds, x, (const uint64_t[]){ 7, 3 }, 2, rows, &err) == HEFT_OK)
 *		...
 *	heft_dataset_close(ds);
 *
 * What a path may be:
 * - a file that heft_open reads, npz and safetensors among them, or a folder that stands for one:
 *   its tensors of space `weights` are the arrays;
 * - a folder of .npy files, each an array that has the file's name;
 * - IDX as MNIST comes, packed by gzip or not: a folder with train-images-idx3-ubyte and
 *   train-labels-idx1-ubyte; FOLDER/t10k for another prefix there; the file of images or that of
 *   labels, which stands for both. The arrays are `x` and `y`; a lone IDX file is `x`;
 * - CSV (RFC 4180; .csv, .tsv, packed by gzip or not), its first line the names of its columns. `x`
 *   are the columns of numbers, F32; `y` is the target column: I64 where all of it are whole
 *   numbers, F32 where they are numbers, else I64 numbers of classes in the order in which their
 *   names appear.
 *
 * Arrays may be larger than memory: they are read where they lie, and what has to be unpacked first
 * goes into an unnamed temporary file. Nothing is mapped that somebody else could cut short.
 */
#ifndef HEFT_DATASET_H
#define HEFT_DATASET_H

#include "heft/run.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_dataset;

/* All zero: whatever recognises the path, the last column of a CSV file the target. */
struct heft_dataset_options {
	const char *kind; /* as heft_dataset_kind_at names them; NULL: whichever recognises it */
	/* Of CSV: the name of the target's column, or its number from 1 on where no column is
	 * called so; NULL: the last one. */
	const char *target;
	/* Of CSV: names of classes that are known, in their order, as from the data trained with.
	 * A target of text holds no other then. */
	const char *const *class_names;
	uint32_t n_class_names;
	/* Of CSV: the byte between fields; 0: a comma, or, where the first line has none, a
	 * semicolon or a tab that it has. */
	char separator;
	bool no_header; /* Of CSV: the first line is data, and columns have numbers alone. */
	bool reserved8[2];
	struct heft_limits limits;
	/* For unnamed temporary files; NULL: the system's. */
	const char *scratch_folder;
	uint64_t reserved[6];
};

/* One array, as a sample sees it. */
struct heft_dataset_array {
	const char *name;
	enum heft_dtype dtype;
	uint32_t rank; /* of ONE sample: 0 is a number */
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	uint64_t n_bytes; /* of one sample */
	uint64_t reserved[2];
};

/**
 * Open a data set. CSV is read through; of everything else only the description is.
 *
 * Owns:    the caller owns *ds and gives it back to heft_dataset_close; `options` is copied.
 * Units:   none. `options` may be NULL.
 * Errors:  HEFT_E_NOT_FOUND, HEFT_E_IO, HEFT_E_NOT_FORMAT, HEFT_E_CORRUPT (offset set; of CSV the
 *          line and the column are told), HEFT_E_UNSUPPORTED (arrays that do not share their first
 *          dimension; no samples; a dtype that is no number), HEFT_E_LIMIT, HEFT_E_USAGE (no such
 *          target, several files that it could be), HEFT_E_NOMEM. On failure *ds is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_dataset_open(const char *path,
                                            const struct heft_dataset_options *options,
                                            struct heft_dataset **ds, struct heft_error *err);

/**
 * Close a data set and free all that was borrowed from it.
 *
 * Owns:    takes `ds`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no other call on `ds` may be running.
 */
HEFT_API void heft_dataset_close(struct heft_dataset *ds);

/**
 * Name what kind of data set it is, as in "idx".
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API const char *heft_dataset_kind_name(const struct heft_dataset *ds);

/**
 * Walk through the kinds that there are, 0, 1, … until NULL.
 *
 * Owns:    nothing; the text is static.
 * Units:   none.
 * Errors:  NULL past the last one.
 * Threads: any.
 */
HEFT_API const char *heft_dataset_kind_at(uint32_t i);

/**
 * Count the samples, of which there is at least one.
 *
 * Owns:    nothing.
 * Units:   samples.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint64_t heft_dataset_n_samples(const struct heft_dataset *ds);

/**
 * Count the arrays.
 *
 * Owns:    nothing.
 * Units:   arrays.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_dataset_n_arrays(const struct heft_dataset *ds);

/**
 * Describe array `i`.
 *
 * Owns:    the name is borrowed and lives as long as `ds`.
 * Units:   see struct heft_dataset_array.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_dataset_array_at(const struct heft_dataset *ds, uint32_t i,
                                                struct heft_dataset_array *array,
                                                struct heft_error *err);

/**
 * Find an array by its exact name.
 *
 * Owns:    nothing; `i` may be NULL.
 * Units:   none.
 * Errors:  false: there is none, and *i is untouched.
 * Threads: any.
 */
HEFT_API bool heft_dataset_find(const struct heft_dataset *ds, const char *name, uint32_t *i);

/**
 * Give the names of a CSV target's classes, class 0 first.
 *
 * Owns:    the names are borrowed and live as long as `ds`.
 * Units:   *n names; it may not be NULL.
 * Errors:  NULL and 0 where classes have no names.
 * Threads: any.
 */
HEFT_API const char *const *heft_dataset_class_names(const struct heft_dataset *ds, uint32_t *n);

/**
 * Read samples of array `i`, as stored, one behind the other: little-endian, row-major. They may
 * come in any order and more than once.
 *
 * Owns:    nothing; `dst` stays the caller's.
 * Units:   `samples` has n numbers from 0 on; `dst` takes n times the array's n_bytes.
 * Errors:  HEFT_E_USAGE (no such array or sample), HEFT_E_IO, HEFT_E_CORRUPT (a file that became
 *          shorter, damaged packed bytes), HEFT_E_NOMEM. On failure `dst` holds anything.
 * Threads: any. The first read of an array that has to be unpacked takes long, and others of it
 *          wait.
 */
HEFT_API enum heft_status heft_dataset_read(struct heft_dataset *ds, uint32_t i,
                                            const uint64_t *samples, size_t n, void *dst,
                                            struct heft_error *err);

/**
 * Compute the digest of all arrays: the weights digest (spec/digest.md) of tensors of these names,
 * dtypes, shapes and bytes, so that the same arrays have the same one in whatever kind of file, and
 * that of an npz file is what heft_weights_digest says. Class names are no part of it.
 *
 * Owns:    nothing; `digest` takes 32 bytes.
 * Units:   none. `run` may be NULL.
 * Errors:  those of heft_dataset_read; HEFT_E_CANCELLED.
 * Threads: any.
 */
HEFT_API enum heft_status heft_dataset_digest(struct heft_dataset *ds, const struct heft_run *run,
                                              uint8_t *digest, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
