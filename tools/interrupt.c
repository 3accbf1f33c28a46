/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.c - notes that a signal came. A handler can reach nothing but a variable of the whole
 * program.
 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile sig_atomic_t noted_signal;
static struct timespec noted_at; /* written before noted_signal, and read only by the handler */

/* The first signal asks the work to stop, which removes what it has begun to write. Whoever has
 * waited for a second and signals again wants it dead. The second signal may also come at once,
 * meant as one: a terminal and `timeout` both signal the whole group. */
static void note_signal(int number)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!noted_signal) {
		noted_at = now;
		noted_signal = number;
	} else if (now.tv_sec - noted_at.tv_sec > 1) {
		signal(number, SIG_DFL);
		raise(number);
	}
}

void interrupt_watch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	/* Without SA_RESTART a read from a terminal or a pipe comes back. */
	struct sigaction action = { .sa_handler = note_signal };
	struct sigaction old;

	sigfillset(&action.sa_mask); /* one at a time, whichever they are */
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

bool interrupt_pending(void)
{
	return noted_signal != 0;
}

int interrupt_status(void)
{
	return 128 + (noted_signal != 0 ? noted_signal : SIGINT);
}
