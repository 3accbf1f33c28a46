/* SPDX-License-Identifier: Apache-2.0 */
/* train/dataset_tensors.h - arrays that are tensors of files which heft_open reads: what the kinds
 * have in common whose arrays lie so. */
#ifndef TRAIN_DATASET_TENSORS_H
#define TRAIN_DATASET_TENSORS_H

#include "heft/digest.h"
#include "train/dataset.h"

struct heft_dataset_tensor {
	struct heft_file *file; /* borrowed */
	struct heft_tensor tensor;
};

/* The state of such a kind. */
struct heft_dataset_tensors {
	struct heft_file **files;
	struct heft_dataset_tensor *tensors; /* as the data set's arrays are numbered */
	uint32_t n_files;
	uint32_t n_tensors;
};

enum heft_status heft_dataset_tensors_new(struct heft_dataset_tensors **out,
                                          struct heft_error *err);
/* Opens a file; it is closed with the state. */
enum heft_status heft_dataset_tensors_open(struct heft_dataset_tensors *s, const char *path,
                                           const struct heft_dataset_options *options,
                                           struct heft_file **file, struct heft_error *err);
/* Adds a tensor of an open file as an array; name NULL: the tensor's own. */
enum heft_status heft_dataset_tensors_add(struct heft_dataset_tensors *s, struct heft_dataset *ds,
                                          struct heft_file *file, const struct heft_tensor *t,
                                          const char *name, struct heft_error *err);
/* Members of a kind's vtable. */
enum heft_status heft_dataset_tensors_read(void *st, uint32_t i, uint64_t off, void *dst, size_t n,
                                           struct heft_error *err);
void heft_dataset_tensors_close(void *st);

#endif
