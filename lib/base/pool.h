/* SPDX-License-Identifier: Apache-2.0 */
/* base/pool.h - threads that work through numbered pieces. What the pieces are never depends on the
 * number of threads, so neither does a result. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/threads.h"
#include "heft/error.h"

struct heft_pool;

/* n_threads counts the caller's thread; 0: heft_cpu_count(). Threads are made here (256 KiB stacks)
 * and sleep between runs. With 1 no thread is made. Where the system refuses more threads, past
 * 256, and where their stacks would take more than a quarter of RLIMIT_DATA, fewer are used. */
enum heft_status heft_pool_new(uint32_t n_threads, struct heft_pool **out, struct heft_error *err);
void heft_pool_free(struct heft_pool *p);
uint32_t heft_pool_n_threads(const struct heft_pool *p);

/* Called for piece i by worker worker_i (0 to n_threads - 1; a worker runs one piece at a time, so
 * what is kept per worker needs no lock). A status that is not HEFT_OK, with err filled, stops the
 * run. */
typedef enum heft_status (*heft_piece_fn)(void *ctx, uint64_t i, uint32_t worker_i,
                                          struct heft_error *err);

/* Runs pieces 0 to n - 1; they begin in ascending order, and the caller's thread works along.
 * Returns the failure of the lowest piece that failed. While another run
 * has the threads, be it around this one or beside it, the caller's thread works alone. */
enum heft_status heft_pool_run(struct heft_pool *p, uint64_t n, heft_piece_fn fn, void *ctx,
                               struct heft_error *err);

/* A turnstile inside a run: piece i passes after 0 to i - 1 have left it. A piece that fails,
 * before its turn or during it, must be told by heft_turn_fail instead of leaving: pieces below it
 * still pass in their turn and none above it does. So the lowest piece that fails is the same
 * whatever the number of threads. */
struct heft_turn;
enum heft_status heft_turn_new(struct heft_turn **out, struct heft_error *err);
void heft_turn_free(struct heft_turn *t);
/* False: a piece below i failed; do not go on (and do not leave). What piece i returns then is of
 * no importance. */
bool heft_turn_wait(struct heft_turn *t, uint64_t i);
void heft_turn_leave(struct heft_turn *t);
void heft_turn_fail(struct heft_turn *t, uint64_t i);

#endif
