/* SPDX-License-Identifier: Apache-2.0 */
/* weights/same_bytes.h - which tensors of an open file are stored once for several, so that their
 * bytes are read once. */
#ifndef WEIGHTS_SAME_BYTES_H
#define WEIGHTS_SAME_BYTES_H

#include "weights/file.h"

/* Fills leader[0] to [n - 1], for the file's tensors from `first` on, with the position among them
 * of the first one that stores the same bytes in the same chunks; its own when alone. */
enum heft_status heft_same_bytes(struct heft_file *file, uint32_t first, uint32_t n,
                                 uint32_t *leader, struct heft_error *err);

#endif
