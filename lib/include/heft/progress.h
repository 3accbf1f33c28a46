/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/progress.h - how long work tells its caller where it is, and how the caller stops it.
 */
#ifndef HEFT_PROGRESS_H
#define HEFT_PROGRESS_H

#include "heft/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called now and then, never by two threads at once, with the bytes done so far and all there are.
 * Returning true stops the work, which then fails with HEFT_E_CANCELLED and leaves nothing behind.
 */
typedef bool (*heft_progress_fn)(void *user, uint64_t n_done, uint64_t n_total);

/* A part of every options struct of long work; zero means: all cores, no calls. */
struct heft_run {
	uint32_t n_threads; /* 0: as many as there are cores. Results never depend on it. */
	uint32_t reserved;
	heft_progress_fn progress;
	void *user;
};

#ifdef __cplusplus
}
#endif
#endif
