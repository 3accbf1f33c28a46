/* SPDX-License-Identifier: Apache-2.0 */
/* train/csv_number.h - numbers as CSV has them. */
#ifndef TRAIN_CSV_NUMBER_H
#define TRAIN_CSV_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The nearest binary64 of a decimal, whatever the locale is; false: no finite number. */
bool heft_csv_real(const char *text, size_t n, double *value);
/* Digits alone, with or without a sign, that fit. */
bool heft_csv_whole(const char *text, size_t n, int64_t *value);

#endif
