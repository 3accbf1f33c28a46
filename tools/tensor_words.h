/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tensor_words.h - a tensor's properties in words; what this version has no name for goes by
 * number.
 */
#ifndef TOOLS_TENSOR_WORDS_H
#define TOOLS_TENSOR_WORDS_H

#include "heft/tensor.h"
#include "output.h"

void tensor_words_dtype(struct output *out, enum heft_dtype dtype);
void tensor_words_space(struct output *out, enum heft_space space);
void tensor_words_shape(struct output *out, const struct heft_tensor *tensor); /* "[768, 3072]" */

#endif
