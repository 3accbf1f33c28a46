/* SPDX-License-Identifier: Apache-2.0 */
/* nearest_tensor.h - guesses which tensor of a file a misspelled name was meant to be. */
#ifndef TOOLS_NEAREST_TENSOR_H
#define TOOLS_NEAREST_TENSOR_H

#include "heft/file.h"

/* A copy of the nearest name (free); NULL when nothing is near, the name is there, or it is a
 * pattern. */
char *nearest_tensor(const char *path, const char *name);

#endif
