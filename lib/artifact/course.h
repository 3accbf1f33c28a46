/* SPDX-License-Identifier: Apache-2.0 */
/*
 * artifact/course.h - how a training goes: the links of its lineage and its table of epochs, in
 * memory, and in checkpoints, so that a run that was resumed tells the same as one that was not.
 *
 * A link stands behind each epoch, and behind each step at which the recipe's checkpoint_every
 * counts steps: what minutes and interruptions do leaves no link.
 */
#ifndef ARTIFACT_COURSE_H
#define ARTIFACT_COURSE_H

#include "base/buffer.h"
#include "heft/lineage.h"
#include "heft/train.h"

#define HEFT_COURSE_MAX_COLUMNS (5 + HEFT_TRAIN_MAX_METRICS)

struct heft_course {
	struct heft_buffer links; /* struct heft_lineage_link */
	struct heft_buffer cells; /* double, a row an epoch */
	const char *columns[HEFT_COURSE_MAX_COLUMNS];
	uint32_t n_columns; /* 0: no epoch has ended yet */
	struct heft_lineage_metric metrics[1 + HEFT_TRAIN_MAX_METRICS]; /* of the epoch kept */
	uint32_t n_metrics;
	bool keeps_last; /* the epoch kept is the last one, and not the best */
	void *blocks;    /* names that were read */
};

void heft_course_init(struct heft_course *c);
void heft_course_done(struct heft_course *c);

/* Whether a link is due behind the trainer's last step, which did not end an epoch's work. */
bool heft_course_is_due(const struct heft_trainer *t);
/* Adds that link: the weights are hashed. */
enum heft_status heft_course_add_step(struct heft_course *c, struct heft_trainer *t,
                                      struct heft_error *err);
enum heft_status heft_course_add_epoch(struct heft_course *c, const struct heft_trainer *t,
                                       const struct heft_epoch_report *r, struct heft_error *err);

uint32_t heft_course_n_links(const struct heft_course *c);
const struct heft_lineage_link *heft_course_link(const struct heft_course *c, uint32_t i);
/* The table, as heft_tuned_write takes it; borrowed. */
struct heft_epochs heft_course_epochs(const struct heft_course *c);

/* As bytes that go into a checkpoint: `data` is what was read, so that other data is found out. */
enum heft_status heft_course_keep(const struct heft_course *c, const struct heft_lineage_data *data,
                                  uint32_t n_data, struct heft_trainer *t, struct heft_error *err);
/* What the checkpoint had from which `t` was resumed; USAGE: it was of other data. */
enum heft_status heft_course_recall(struct heft_course *c, const struct heft_lineage_data *data,
                                    uint32_t n_data, const struct heft_trainer *t,
                                    struct heft_error *err);

#endif
