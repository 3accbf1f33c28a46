/* SPDX-License-Identifier: Apache-2.0 */
/* train/split.h - which samples are trained with and which only validate, where one data set gives
 * both. They depend on the seed and on the number of samples alone. */
#ifndef TRAIN_SPLIT_H
#define TRAIN_SPLIT_H

#include "heft/error.h"

struct heft_split {
	uint64_t *train; /* ascending */
	uint64_t *val;   /* ascending; NULL with n_val 0 */
	uint64_t n_train;
	uint64_t n_val;
};

/* The samples 0 to n - 1 in the order of epoch 2^32 - 1 (numerics F5-5): the first of them, as many
 * as n * fraction rounds to (a half to the even number), validate. USAGE: the fraction is not from
 * 0 to 1, or leaves nothing on one side; 0 is allowed, and then all of them train. LIMIT: as
 * heft_order_new. */
enum heft_status heft_split_new(uint64_t n, double fraction, uint64_t seed, struct heft_split *out,
                                struct heft_error *err);
void heft_split_done(struct heft_split *s); /* all zero, or after _new */

#endif
