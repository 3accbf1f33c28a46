/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.c - guesses what a misspelled word was meant to be, by counting slips of the finger. */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

#define MAX_WORD 32
#define TOO_FAR 99

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop, change or swap with their neighbour (optimal string alignment). What
 * both begin and end with costs nothing and is left out, so that long names can be compared. */
static size_t slips(const char *a, const char *b)
{
	size_t n_a = strlen(a);
	size_t n_b = strlen(b);
	size_t cost[MAX_WORD + 1][MAX_WORD + 1];

	for (; n_a > 0 && n_b > 0 && *a == *b; n_a--, n_b--, a++, b++)
		;
	for (; n_a > 0 && n_b > 0 && a[n_a - 1] == b[n_b - 1]; n_a--, n_b--)
		;
	if (n_a > MAX_WORD || n_b > MAX_WORD)
		return TOO_FAR;
	for (size_t i = 0; i <= n_a; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= n_b; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		for (size_t j = 1; j <= n_b; j++) {
			const bool is_same = a[i - 1] == b[j - 1];
			const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			                     a[i - 2] == b[j - 1];

			cost[i][j] = smaller(cost[i - 1][j], cost[i][j - 1]) + 1;
			cost[i][j] = smaller(cost[i][j], cost[i - 1][j - 1] + (is_same ? 0 : 1));
			if (is_swap)
				cost[i][j] = smaller(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[n_a][n_b];
}

void nearest_init(struct nearest *n, const char *word)
{
	*n = (struct nearest){ .word = word, .best_cost = TOO_FAR };
}

void nearest_offer(struct nearest *n, const char *candidate)
{
	const size_t size = strlen(n->word);
	size_t cost = slips(n->word, candidate);

	/* A word that was begun right is a likelier guess than one with as many slips. */
	if (size >= 2 && strncmp(candidate, n->word, size) == 0)
		cost = 1;
	if (cost <= strlen(candidate) / 3 + (size > 2 ? 1 : 0) && cost < n->best_cost) {
		n->best = candidate;
		n->best_cost = cost;
	}
}
