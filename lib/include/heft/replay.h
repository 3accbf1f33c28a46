/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/replay.h - does a training again as a file's lineage tells of it, and says whether the same
 * weights come out.
 *
 *	struct heft_replay_report report;
 *
 *	if (heft_replay(tuned, model, train, val, &options, &report, &err) != HEFT_OK)
 *		...
 *	if (!report.is_same)
 *		puts(report.msg);
 */
#ifndef HEFT_REPLAY_H
#define HEFT_REPLAY_H

#include "heft/lineage.h"
#include "heft/train.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_replay_options {
	struct heft_trainer_options trainer; /* its progress counts steps of the run here */
	struct heft_run run;                 /* for digests */
	const char *checkpoint;              /* of this run, to begin from; NULL: the beginning */
	uint32_t n_links;                    /* the last one that is looked at; 0: all of them */
	uint32_t reserved32;
	/* Where a new head was asked for: beside this path stands the model with it, for a moment
	 * and without a name. */
	const char *beside;
	uint64_t reserved[4];
};

struct heft_replay_report {
	bool is_same;
	bool was_whole; /* it went to the end, and the result was compared */
	bool reserved8[6];
	uint64_t n_steps;   /* that were done again */
	uint32_t n_links;   /* that agreed */
	uint32_t bad_link;  /* the first that did not, from 1; 0: none */
	uint64_t good_step; /* it agreed there; 0: at the beginning */
	uint64_t bad_step;
	char tensor
		[160]; /* the first of the result that differs; "": none, or it was not looked at */
	char msg[240]; /* what differs, in a sentence */
	uint64_t reserved[2];
};

/**
 * Do the last step of a file's lineage again. Where the weights are not those of a link, it goes on
 * to the end all the same, so that a tensor can be named.
 *
 * Owns:    nothing; `val` is NULL where the run had none of its own.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (no lineage), HEFT_E_USAGE (its last step is no training; a base, or
 *          data, of another digest than it tells: both are named; a checkpoint of another run),
 *          HEFT_E_UNSUPPORTED (another version of spec/numerics.md), HEFT_E_CANCELLED, those of
 *          heft_trainer_new and heft_trainer_epoch. Weights that differ are no error.
 * Threads: any.
 */
HEFT_API enum heft_status heft_replay(struct heft_file *tuned, struct heft_file *base,
                                      struct heft_dataset *train, struct heft_dataset *val,
                                      const struct heft_replay_options *options,
                                      struct heft_replay_report *report, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
