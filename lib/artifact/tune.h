/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/tune.h - a training from model to result, as the files tune*.c share it. */
#ifndef ARTIFACT_TUNE_H
#define ARTIFACT_TUNE_H

#include "artifact/course.h"
#include "heft/tune.h"

struct heft_tuning {
	const char *path; /* of the result */
	struct heft_tune_options options;
	struct heft_dataset *train;
	struct heft_dataset *val; /* NULL: a share of `train`, or none */
	struct heft_file *base;   /* the model, or `headed` */
	struct heft_file *headed; /* the model with a new head; NULL: it keeps its own */
	struct heft_trainer *trainer;
	struct heft_course course;
	struct heft_lineage_data data[2];
	uint32_t n_data;
	uint64_t saved_at;   /* nanoseconds: when the last checkpoint was written, or it began */
	uint64_t saved_step; /* UINT64_MAX: never */
	char *checkpoint;    /* its path, owned */
	struct heft_tune_report *report;
};

/* tune_data.c: digests of the data, and which arrays of it are read. */
enum heft_status heft_tuning_describe_data(struct heft_tuning *u, struct heft_error *err);
void heft_tuning_forget_data(struct heft_tuning *u);

/* tune_result.c: the lineage, and the file. */
enum heft_status heft_tuning_write(struct heft_tuning *u, struct heft_error *err);

#endif
