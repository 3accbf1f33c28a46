/* SPDX-License-Identifier: Apache-2.0 */
/* train/chain.h - the chain of digests that a training leaves behind: each link takes in the one
 * before, where the training was, its loss and its weights (spec/lineage.md, L3-1). */
#ifndef TRAIN_CHAIN_H
#define TRAIN_CHAIN_H

#include "heft/error.h"

/* `chain` is 32 bytes, as are weights digests: before the first link. `recipe` is the canonical
 * text. */
enum heft_status heft_chain_begin(const char *recipe, const uint8_t *weights_digest, uint8_t *chain,
                                  struct heft_error *err);
/* One link more. */
enum heft_status heft_chain_next(uint8_t *chain, uint64_t n_steps, double loss,
                                 const uint8_t *weights_digest, struct heft_error *err);

#endif
