/* SPDX-License-Identifier: Apache-2.0 */
/* base/threads.h - how many threads there are beside the caller's, and how they begin: what pools
 * and teams share. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

uint32_t heft_cpu_count(void); /* CPUs this process may run on, at least 1 */

/* How many threads to start, where n_threads counts the caller's; 0: heft_cpu_count(). At most
 * 255, and their stacks (256 KiB) count as data: under a limit on that, they may take a quarter of
 * it. */
uint32_t heft_threads_beside(uint32_t n_threads);

/* Starts one thread with these attributes; false where the system refuses. */
typedef bool heft_thread_start_fn(void *ctx, const pthread_attr_t *attr);
/* Calls `start` until it has started n or is refused. A signal must find the program's own threads,
 * so these take none. */
void heft_threads_start(uint32_t n, heft_thread_start_fn *start, void *ctx);

#endif
