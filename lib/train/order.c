/* SPDX-License-Identifier: Apache-2.0 */
/* order.c - sorts samples by their draws: by radix, which keeps samples of one draw as they came,
 * that is by their number. */
#include "train/order.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "kernel/philox.h"

#define DIGIT_BITS 11
#define N_DIGITS 6 /* of 64 bits */
#define N_BUCKETS (1u << DIGIT_BITS)

struct keyed {
	uint64_t key;
	uint64_t sample;
};

struct heft_order {
	uint64_t n;
	uint64_t *samples; /* ascending */
	uint64_t *ordered;
	struct keyed *from;
	struct keyed *to;
	uint64_t buckets[N_BUCKETS];
};

enum heft_status heft_order_new(const uint64_t *samples, uint64_t n, struct heft_order **out,
                                struct heft_error *err)
{
	struct heft_order *o;

	if (n > HEFT_ORDER_MAX_SAMPLES || (n > 0 && samples[n - 1] >= HEFT_ORDER_MAX_SAMPLES))
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "more samples than 2^32 - 1, which is what an order is drawn of");
	o = heft_zalloc(sizeof *o);
	if (o) {
		o->n = n;
		o->samples = heft_alloc_array((size_t)n, sizeof *o->samples);
		o->ordered = heft_alloc_array((size_t)n, sizeof *o->ordered);
		o->from = heft_alloc_array((size_t)n, sizeof *o->from);
		o->to = heft_alloc_array((size_t)n, sizeof *o->to);
	}
	if (!o || !o->samples || !o->ordered || !o->from || !o->to) {
		heft_order_free(o);
		return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET,
		                 "no memory for the order of the samples");
	}
	if (n > 0)
		memcpy(o->samples, samples, (size_t)n * sizeof *samples);
	*out = o;
	return HEFT_OK;
}

void heft_order_free(struct heft_order *o)
{
	if (!o)
		return;
	heft_free(o->samples);
	heft_free(o->ordered);
	heft_free(o->from);
	heft_free(o->to);
	heft_free(o);
}

static uint32_t digit_of(const struct keyed *k, unsigned digit)
{
	return (uint32_t)(k->key >> digit * DIGIT_BITS) & (N_BUCKETS - 1);
}

/* One digit, the order of equal ones kept. */
static void sort_digit(struct heft_order *o, unsigned digit)
{
	struct keyed *from = o->from;
	uint64_t at = 0;

	memset(o->buckets, 0, sizeof o->buckets);
	for (uint64_t i = 0; i < o->n; i++)
		o->buckets[digit_of(&from[i], digit)]++;
	for (uint32_t b = 0; b < N_BUCKETS; b++) {
		const uint64_t n = o->buckets[b];

		o->buckets[b] = at;
		at += n;
	}
	for (uint64_t i = 0; i < o->n; i++)
		o->to[o->buckets[digit_of(&from[i], digit)]++] = from[i];
	o->from = o->to;
	o->to = from;
}

const uint64_t *heft_order_of_epoch(struct heft_order *o, uint64_t seed, uint32_t epoch)
{
	const struct heft_random_place at = { .seed = seed,
		                              .stream = HEFT_RANDOM_ORDER,
		                              .epoch = epoch };

	for (uint64_t i = 0; i < o->n; i++)
		o->from[i] = (struct keyed){
			.key = heft_random_u64(&at, (uint32_t)o->samples[i]),
			.sample = o->samples[i],
		};
	for (unsigned digit = 0; digit < N_DIGITS; digit++)
		sort_digit(o, digit);
	for (uint64_t i = 0; i < o->n; i++)
		o->ordered[i] = o->from[i].sample;
	return o->ordered;
}
