/* SPDX-License-Identifier: Apache-2.0 */
/* train/confusion.h - how often a sample of one class was taken for one of another, in counts. */
#ifndef TRAIN_CONFUSION_H
#define TRAIN_CONFUSION_H

#include "heft/error.h"

/* Up to so many classes the whole matrix is kept (8 MiB); of more, its sums and its diagonal. */
#define HEFT_CONFUSION_MAX_MATRIX 1024

struct heft_confusion {
	uint32_t n_classes;
	uint64_t n;           /* samples */
	uint64_t *matrix;     /* [target][predicted], or NULL */
	uint64_t *of_target;  /* samples that are of a class */
	uint64_t *of_guess;   /* samples that were taken for one */
	uint64_t *of_correct; /* both */
};

enum heft_status heft_confusion_init(struct heft_confusion *c, uint32_t n_classes,
                                     struct heft_error *err);
void heft_confusion_done(struct heft_confusion *c);
void heft_confusion_clear(struct heft_confusion *c); /* for another pass */
/* Both below n_classes. */
void heft_confusion_add(struct heft_confusion *c, uint32_t target, uint32_t predicted);

/* Of one class; 0 where there is nothing to divide by. */
double heft_confusion_precision(const struct heft_confusion *c, uint32_t k);
double heft_confusion_recall(const struct heft_confusion *c, uint32_t k);
double heft_confusion_f1(const struct heft_confusion *c, uint32_t k);
/* The mean of one of these over the classes that are among the targets or the predictions, added in
 * ascending order; 0 of none. */
double heft_confusion_mean(const struct heft_confusion *c,
                           double (*of_class)(const struct heft_confusion *c, uint32_t k));

#endif
