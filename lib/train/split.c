/* SPDX-License-Identifier: Apache-2.0 */
/* split.c - parts samples into those that train and those that validate. */
#include "train/split.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "train/order.h"

#define EPOCH_OF_SPLIT UINT32_MAX

/* n * fraction to the nearest whole number, a half to the even one. */
static uint64_t part_of(uint64_t n, double fraction)
{
	const double exact = (double)n * fraction;
	const uint64_t below = (uint64_t)exact;
	const double rest = exact - (double)below;

	return below + (rest > 0.5 || (rest == 0.5 && below % 2 == 1));
}

static enum heft_status check(uint64_t n, double fraction, uint64_t *n_val, struct heft_error *err)
{
	if (!(fraction >= 0 && fraction < 1))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a split of %g, which is to be between 0 and 1", fraction);
	if (n > HEFT_ORDER_MAX_SAMPLES)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET,
		                 "more samples than 2^32 - 1, which is what an order is drawn of");
	*n_val = part_of(n, fraction);
	if (fraction > 0 && (*n_val == 0 || *n_val == n))
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "a split of %g leaves nothing of %llu samples to %s", fraction,
		                 (unsigned long long)n, *n_val == 0 ? "validate" : "train");
	return HEFT_OK;
}

/* Both parts, ascending: `is_val` has a byte a sample. */
static void fill(struct heft_split *s, const uint8_t *is_val, uint64_t n)
{
	uint64_t n_train = 0;
	uint64_t n_val = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (is_val[i])
			s->val[n_val++] = i;
		else
			s->train[n_train++] = i;
	}
}

static enum heft_status mark(uint8_t *is_val, uint64_t *all, uint64_t n, uint64_t n_val,
                             uint64_t seed, struct heft_error *err)
{
	struct heft_order *order;
	const uint64_t *ordered;

	for (uint64_t i = 0; i < n; i++)
		all[i] = i;
	if (n_val == 0)
		return HEFT_OK;
	HEFT_TRY(heft_order_new(all, n, &order, err));
	ordered = heft_order_of_epoch(order, seed, EPOCH_OF_SPLIT);
	for (uint64_t i = 0; i < n_val; i++)
		is_val[ordered[i]] = 1;
	heft_order_free(order);
	return HEFT_OK;
}

enum heft_status heft_split_new(uint64_t n, double fraction, uint64_t seed, struct heft_split *out,
                                struct heft_error *err)
{
	struct heft_split s = { .train = NULL };
	uint8_t *is_val;
	enum heft_status st;

	HEFT_TRY(check(n, fraction, &s.n_val, err));
	s.n_train = n - s.n_val;
	is_val = heft_zalloc_array((size_t)n, 1);
	s.train = heft_alloc_array((size_t)n, sizeof *s.train); /* all of them, at first */
	if (s.n_val > 0)
		s.val = heft_alloc_array((size_t)s.n_val, sizeof *s.val);
	if (!is_val || !s.train || (s.n_val > 0 && !s.val))
		st = heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory to split the samples");
	else
		st = mark(is_val, s.train, n, s.n_val, seed, err);
	if (st == HEFT_OK) {
		fill(&s, is_val, n);
		*out = s;
	} else {
		heft_split_done(&s);
	}
	heft_free(is_val);
	return st;
}

void heft_split_done(struct heft_split *s)
{
	heft_free(s->train);
	heft_free(s->val);
	*s = (struct heft_split){ .train = NULL };
}
