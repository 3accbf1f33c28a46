/* SPDX-License-Identifier: Apache-2.0 */
/* base/team.h - threads for short loops: they spin for at most 50 microseconds before they
 * sleep, so that a graph of many small operators does not pay for waking them. What the tasks
 * are never depends on how many threads there are. */
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

#include "heft/error.h"

struct heft_team;

/* n_threads counts the caller's; 0: heft_cpu_count(). Where the system refuses more threads,
 * past 256, and where their stacks (256 KiB) would take more than a quarter of RLIMIT_DATA,
 * fewer are used. */
enum heft_status heft_team_new(uint32_t n_threads, struct heft_team **out, struct heft_error *err);
void heft_team_free(struct heft_team *t);                /* takes NULL */
uint32_t heft_team_n_threads(const struct heft_team *t); /* 1 for NULL */

typedef void (*heft_task_fn)(void *ctx, uint64_t task, uint32_t worker);
/* Runs tasks 0 to n - 1, each once, in any order, by any worker (below n_threads; the caller is
 * 0); returns when all are done. Allocates nothing and cannot fail. team NULL, or n 1: by the
 * caller alone. One run at a time. Each thread, the caller's too, checks for every run its
 * rounding mode and that subnormals are not flushed, and sets them right for its work and back
 * behind it (spec/numerics.md, F1-3). */
void heft_team_run(struct heft_team *t, uint64_t n, heft_task_fn fn, void *ctx);

#endif
