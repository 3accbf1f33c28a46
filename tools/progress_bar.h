/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress_bar.h - the bar that long work shows on a terminal, and the way Ctrl-C stops that work.
 *
 *	struct progress_bar bar;
 *	struct heft_run run = progress_bar_start(&bar, "verify", "model.heft", n_threads);
 *	... the library's work ...
 *	progress_bar_done(&bar);
 */
#ifndef TOOLS_PROGRESS_BAR_H
#define TOOLS_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "heft/progress.h"

struct progress_bar {
	const char *verb;
	const char *file;
	uint64_t start; /* nanoseconds */
	uint64_t drawn; /* likewise; 0: nothing stands on the terminal */
	uint64_t next;  /* when to draw next */
};

/* Also begins to watch for interruptions. `n_threads` 0: as many as there are cores. */
struct heft_run progress_bar_start(struct progress_bar *bar, const char *verb, const char *file,
                                   uint32_t n_threads);

/* Wipes the bar off the terminal. Print nothing before. */
void progress_bar_done(struct progress_bar *bar);

#endif
