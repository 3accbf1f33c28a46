/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.c - notes that a signal came. A handler can reach nothing but a variable of the whole
 * program.
 */
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t noted_signal;

static void note_signal(int number)
{
	noted_signal = number;
}

void interrupt_watch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	/* Without SA_RESTART a read from a terminal or a pipe comes back. */
	struct sigaction action = { .sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND };
	struct sigaction old;

	sigemptyset(&action.sa_mask);
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
