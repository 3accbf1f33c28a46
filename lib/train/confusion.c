/* SPDX-License-Identifier: Apache-2.0 */
/* confusion.c - counts of targets and predictions. */
#include "train/confusion.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

static size_t n_matrix(const struct heft_confusion *c)
{
	return (size_t)c->n_classes * c->n_classes;
}

enum heft_status heft_confusion_init(struct heft_confusion *c, uint32_t n_classes,
                                     struct heft_error *err)
{
	const bool has_matrix = n_classes <= HEFT_CONFUSION_MAX_MATRIX;

	*c = (struct heft_confusion){ .n_classes = n_classes };
	c->of_target = heft_zalloc_array(n_classes, sizeof *c->of_target);
	c->of_guess = heft_zalloc_array(n_classes, sizeof *c->of_guess);
	c->of_correct = heft_zalloc_array(n_classes, sizeof *c->of_correct);
	if (has_matrix)
		c->matrix = heft_zalloc_array(n_matrix(c), sizeof *c->matrix);
	if (c->of_target && c->of_guess && c->of_correct && (c->matrix || !has_matrix))
		return HEFT_OK;
	heft_confusion_done(c);
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for counts of %u classes",
	                 n_classes);
}

void heft_confusion_done(struct heft_confusion *c)
{
	heft_free(c->of_target);
	heft_free(c->of_guess);
	heft_free(c->of_correct);
	heft_free(c->matrix);
	memset(c, 0, sizeof *c);
}

void heft_confusion_clear(struct heft_confusion *c)
{
	const size_t n_bytes = c->n_classes * sizeof(uint64_t);

	c->n = 0;
	if (n_bytes == 0)
		return;
	memset(c->of_target, 0, n_bytes);
	memset(c->of_guess, 0, n_bytes);
	memset(c->of_correct, 0, n_bytes);
	if (c->matrix)
		memset(c->matrix, 0, n_matrix(c) * sizeof *c->matrix);
}

void heft_confusion_add(struct heft_confusion *c, uint32_t target, uint32_t predicted)
{
	c->n++;
	c->of_target[target]++;
	c->of_guess[predicted]++;
	if (target == predicted)
		c->of_correct[target]++;
	if (c->matrix)
		c->matrix[(size_t)target * c->n_classes + predicted]++;
}

static double share(uint64_t part, uint64_t all)
{
	return all > 0 ? (double)part / (double)all : 0;
}

double heft_confusion_precision(const struct heft_confusion *c, uint32_t k)
{
	return share(c->of_correct[k], c->of_guess[k]);
}

double heft_confusion_recall(const struct heft_confusion *c, uint32_t k)
{
	return share(c->of_correct[k], c->of_target[k]);
}

double heft_confusion_f1(const struct heft_confusion *c, uint32_t k)
{
	return share(2 * c->of_correct[k], c->of_guess[k] + c->of_target[k]);
}

double heft_confusion_mean(const struct heft_confusion *c,
                           double (*of_class)(const struct heft_confusion *c, uint32_t k))
{
	uint64_t n_met = 0;
	double sum = 0;

	for (uint32_t k = 0; k < c->n_classes; k++) {
		if (c->of_target[k] > 0 || c->of_guess[k] > 0) {
			sum += of_class(c, k);
			n_met++;
		}
	}
	return n_met > 0 ? sum / (double)n_met : 0;
}
