/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c - counts the threads that a pool or a team may have, and starts them. */
#include "base/threads.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_SIZE ((size_t)256 << 10)
#define N_THREADS_MAX 256U

uint32_t heft_cpu_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef __linux__
	cpu_set_t set;

	/* Fails on a machine with more CPUs than the set has bits: the count above will do. */
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
#endif
	return n < 1 ? 1 : (uint32_t)n;
}

uint32_t heft_threads_beside(uint32_t n_threads)
{
	const uint32_t n = n_threads > 0 ? n_threads : heft_cpu_count();
	const uint32_t n_beside = (n < N_THREADS_MAX ? n : N_THREADS_MAX) - 1;
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur / 4 / STACK_SIZE < n_beside)
		return (uint32_t)(limit.rlim_cur / 4 / STACK_SIZE);
	return n_beside;
}

void heft_threads_start(uint32_t n, heft_thread_start_fn *start, void *ctx)
{
	uint32_t n_started = 0;
	pthread_attr_t attr;
	sigset_t all;
	sigset_t before;

	if (n == 0 || pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	/* a thread inherits the mask */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n_started < n && start(ctx, &attr))
		n_started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
}
