/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/tune.h - a whole training: a model, a recipe and data go in, and out comes a file with the
 * weights that were best and the lineage that tells what they were made from.
 *
 *	struct heft_tune_report report;
 *
 *	if (heft_tune(model, "tuned.heft", recipe, train, val, NULL, &report, &err) != HEFT_OK)
 *		...
 *
 * The file's bytes do not depend on threads, on the CPU, or on how often the run was interrupted
 * and resumed. Where the recipe asks for a new head, the model gets one first, and the lineage has
 * a step for it.
 *
 * A checkpoint is one file, replaced each time, and taken away when the result is written. It is
 * written as the recipe's checkpoint_every says, or else at the end of an epoch when a minute has
 * passed since the last one; and when the run is stopped, or its result could not be written.
 */
#ifndef HEFT_TUNE_H
#define HEFT_TUNE_H

#include "heft/train.h"
#include "heft/tuned.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each may be NULL. All are called by the thread that called heft_tune. */
struct heft_tune_calls {
	/* Before the first step, and where it is resumed: the trainer may be asked for its facts,
	 * notes and tensors. */
	void (*begin)(void *user, const struct heft_trainer *trainer);
	/* Behind each step; true stops the run there. */
	bool (*step)(void *user, const struct heft_step_report *step);
	/* While features of a frozen prefix are computed: samples; true stops. */
	heft_progress_fn features;
	void (*epoch)(void *user, const struct heft_epoch_report *epoch);
	/* A sentence on what went wrong and does not end the run. */
	void (*warn)(void *user, const char *words);
	void *user;
	uint64_t reserved[4];
};

/* All zero: as the three above. `progress` and `user` of `trainer` are not looked at. */
struct heft_tune_options {
	struct heft_trainer_options trainer;
	struct heft_tuned_options target; /* its `run` tells threads for digests */
	struct heft_tune_calls calls;
	const char *checkpoint; /* a path; NULL: the target's, and ".ckpt" */
	const char *resume;     /* a checkpoint to go on from; NULL */
	bool keep_checkpoint;
	bool dry_run; /* nothing behind `begin` */
	bool reserved8[6];
	uint64_t reserved[4];
};

struct heft_tune_report {
	uint64_t n_epochs;
	uint64_t n_steps;
	uint64_t kept_epoch; /* the weights are those of its end */
	uint64_t kept_step;
	uint8_t weights_digest[HEFT_DIGEST_SIZE];
	uint8_t artifact_digest[HEFT_DIGEST_SIZE];
	bool has_artifact_digest; /* a heft file was written */
	bool has_checkpoint;      /* one is left behind */
	bool is_best;             /* the best epoch was kept, and not the last */
	bool reserved8[5];
	uint64_t reserved[4];
};

/**
 * Train and write the result, with its lineage.
 *
 * Owns:    nothing; `val` and `options` may be NULL.
 * Units:   none.
 * Errors:  those of heft_trainer_new, heft_trainer_epoch, heft_trainer_resume, heft_head_write,
 *          heft_dataset_digest and heft_tuned_write; HEFT_E_USAGE as well where the target exists,
 *          before anything is computed; HEFT_E_CANCELLED: behind a whole step a checkpoint was
 *          written, of which `report` tells. `report` is set in every case.
 * Threads: any; `train` and `val` are read meanwhile.
 */
HEFT_API enum heft_status heft_tune(struct heft_file *model, const char *path,
                                    const struct heft_recipe *recipe, struct heft_dataset *train,
                                    struct heft_dataset *val,
                                    const struct heft_tune_options *options,
                                    struct heft_tune_report *report, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
