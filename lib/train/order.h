/* SPDX-License-Identifier: Apache-2.0 */
/* train/order.h - the order in which an epoch goes through the samples. Written from
 * spec/numerics.md, F5-5: sorted by a draw that each sample has for itself, so that no epoch
 * depends on the one before. */
#ifndef TRAIN_ORDER_H
#define TRAIN_ORDER_H

#include "heft/error.h"

/* Draws are numbered with 32 bits. */
#define HEFT_ORDER_MAX_SAMPLES ((uint64_t)UINT32_MAX)

struct heft_order;

/* `samples`: n numbers, ascending, each below HEFT_ORDER_MAX_SAMPLES; copied. */
enum heft_status heft_order_new(const uint64_t *samples, uint64_t n, struct heft_order **out,
                                struct heft_error *err);
void heft_order_free(struct heft_order *o); /* takes NULL */
/* The n samples as this epoch takes them; borrowed, until the next call. */
const uint64_t *heft_order_of_epoch(struct heft_order *o, uint64_t seed, uint32_t epoch);

#endif
