/* SPDX-License-Identifier: Apache-2.0 */
/* train/csv_classes.h - names of classes, numbered as they come, and found by their name. */
#ifndef TRAIN_CSV_CLASSES_H
#define TRAIN_CSV_CLASSES_H

#include "heft/error.h"

#define HEFT_CSV_MAX_CLASSES 65536u

/* All zero: none yet. */
struct heft_csv_classes {
	char **names;
	uint32_t *order; /* numbers in the order of their names' bytes */
	uint32_t n;
	uint32_t n_room;
};

bool heft_csv_classes_find(const struct heft_csv_classes *c, const char *name, uint32_t *i);
/* The name is not there yet. */
enum heft_status heft_csv_classes_add(struct heft_csv_classes *c, const char *name,
                                      struct heft_error *err);
/* Hands the names over, each and their array the caller's to heft_free. */
char **heft_csv_classes_take(struct heft_csv_classes *c, uint32_t *n);
void heft_csv_classes_done(struct heft_csv_classes *c);

#endif
