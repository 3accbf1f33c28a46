/* SPDX-License-Identifier: Apache-2.0 */
/* sort_keys.c - runs of one, of two, of four, merged from one place to the other and back. */
#include "graph/sort_keys.h"

#include <string.h>

static bool is_less(const void *ctx, uint64_t b, uint64_t a)
{
	(void)ctx;
	return b < a;
}

void heft_sort_by(uint64_t *numbers, uint64_t *room, uint64_t n, heft_is_before_fn *is_before,
                  const void *ctx)
{
	uint64_t *from = numbers;
	uint64_t *to = room;

	for (uint64_t run = 1; run < n; run *= 2) {
		uint64_t *swapped = from;

		for (uint64_t at = 0; at < n; at += 2 * run) {
			const uint64_t middle = n - at < run ? n : at + run;
			const uint64_t end = n - at < 2 * run ? n : at + 2 * run;
			uint64_t a = at;
			uint64_t b = middle;

			for (uint64_t k = at; k < end; k++) {
				const bool takes_b = a == middle ||
				                     (b < end && is_before(ctx, from[b], from[a]));

				to[k] = takes_b ? from[b++] : from[a++];
			}
		}
		from = to;
		to = swapped;
	}
	if (from != numbers && n > 0)
		memcpy(numbers, from, n * sizeof *numbers);
}

void heft_sort_keys(uint64_t *keys, uint64_t *room, uint64_t n)
{
	heft_sort_by(keys, room, n, is_less, NULL);
}
