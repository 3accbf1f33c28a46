/* SPDX-License-Identifier: Apache-2.0 */
/* tune_show.h - how a training is told of while it runs: notes, a live line and a table on standard
 * error, or JSON on standard output, a line an epoch. */
#ifndef TOOLS_TUNE_SHOW_H
#define TOOLS_TUNE_SHOW_H

#include "heft/tune.h"
#include "output.h"

#define TUNE_SHOW_METRICS 2

struct tune_show {
	struct output *out; /* for JSON; NULL: a table */
	bool is_quiet;
	bool is_live; /* standard error is a terminal */
	bool has_begun;
	bool has_titles;
	bool has_warned;
	uint64_t n_train;
	uint64_t n_steps;    /* of the run */
	uint64_t first_step; /* where this process began */
	uint64_t n_before;   /* samples of the epoch that another process did */
	double began;        /* seconds */
	double epoch_began;
	double drawn;
};

/* The calls of heft_tune; an interruption stops behind the step. */
struct heft_tune_calls tune_show_calls(struct tune_show *show);

/* Wipes the live line: print nothing before. */
void tune_show_wipe(struct tune_show *show);
/* What was kept, where it is and how it is verified. */
void tune_show_end(struct tune_show *show, const char *path, const struct heft_tune_report *r);

#endif
