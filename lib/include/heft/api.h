/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/api.h - what every public header needs: the mark of an exported function.
 */
#ifndef HEFT_API_H
#define HEFT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HEFT_API __attribute__((visibility("default")))
#else
#define HEFT_API
#endif

#endif
