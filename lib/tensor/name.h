/* SPDX-License-Identifier: Apache-2.0 */
/* tensor/name.h - what a tensor's name may be, and what it tells of the tensor's role. */
#ifndef TENSOR_NAME_H
#define TENSOR_NAME_H

#include "heft/tensor.h"

/* NULL, or what is wrong with the name: longer than max_size, not well-formed UTF-8, a NUL
 * inside. */
const char *heft_name_fault(const void *name, size_t name_size, size_t max_size);

/* Guesses from the name's last parts and the rank: ".bias", "running_mean", "LayerNorm.weight",
 * "embed", … */
enum heft_role heft_role_from_name(const char *name, uint32_t rank);

#endif
