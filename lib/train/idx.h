/* SPDX-License-Identifier: Apache-2.0 */
/* train/idx.h - an IDX file, as MNIST's are: a magic number with the type and the rank, the
 * dimensions, the elements, all big-endian; as it is or packed by gzip. */
#ifndef TRAIN_IDX_H
#define TRAIN_IDX_H

#include "heft/run.h"

struct heft_idx;

/* Whether a file begins so, unpacked. */
bool heft_idx_is(const uint8_t *head, size_t n);
/* Reads the header. CORRUPT with the offset: no IDX; another number of bytes than it states. */
enum heft_status heft_idx_open(const char *path, struct heft_idx **out, struct heft_error *err);
void heft_idx_close(struct heft_idx *x); /* takes NULL */
enum heft_dtype heft_idx_dtype(const struct heft_idx *x);
uint32_t heft_idx_rank(const struct heft_idx *x);
const uint64_t *heft_idx_dims(const struct heft_idx *x);
bool heft_idx_is_packed(const struct heft_idx *x); /* then it is read whole */
/* Logical bytes [off, off + n), within the array; whole elements. Any thread. */
enum heft_status heft_idx_read(struct heft_idx *x, uint64_t off, void *dst, size_t n,
                               struct heft_error *err);

#endif
