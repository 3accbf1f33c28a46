/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - guesses what a misspelled word was meant to be. */
#ifndef TOOLS_NEAREST_H
#define TOOLS_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word;
	const char *best; /* NULL: nothing is near */
	size_t best_cost;
};

void nearest_init(struct nearest *n, const char *word);
void nearest_offer(struct nearest *n, const char *candidate);

#endif
