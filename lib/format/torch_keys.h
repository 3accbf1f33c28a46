/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_keys.h - what the keys of a PyTorch file's root mean (spec/foreign/pytorch.md,
 * section 3). */
#ifndef FORMAT_TORCH_KEYS_H
#define FORMAT_TORCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The space of the tensors below a key, enum heft_space (Y3-4, Y3-5). */
uint8_t heft_torch_space_of_key(const char *key, size_t key_size);
/* Whether a key may be left out of the names of all weights (Y3-3). */
bool heft_torch_is_wrapper(const char *key, size_t key_size);

#endif
