/* SPDX-License-Identifier: Apache-2.0 */
/* train/trainer_state.h - a trainer, as the files trainer*.c share it. */
#ifndef TRAIN_TRAINER_STATE_H
#define TRAIN_TRAINER_STATE_H

#include "base/buffer.h"
#include "graph/backprop.h"
#include "heft/train.h"
#include "train/clip.h"
#include "train/feed.h"
#include "train/gradient_tree.h"
#include "train/metric.h"
#include "train/optimizer.h"
#include "train/order.h"
#include "train/outcomes.h"
#include "train/recipe.h"
#include "train/schedule.h"
#include "train/split.h"

#define HEFT_TRAINER_MAX_PLANS 4
#define HEFT_TRAINER_MAX_NOTES 16
#define HEFT_TRAINER_NOTE_SIZE 240
#define HEFT_TRAINER_HISTORY "heft.history"

/* A tensor that could be trained. */
struct heft_trained {
	struct heft_tensor tensor;
	struct heft_param param;
	bool is_trained;
	double lr;
	double weight_decay;
	/* of those that are trained: */
	uint32_t number; /* among them */
	uint64_t first;  /* its first element in a gradient of all of them */
	void *values;    /* as they are now */
	void *best;      /* NULL: the last ones are kept */
	void *states[HEFT_OPTIMIZER_MAX_STATES];
};

/* Plans for batches of different sizes, of one kind. */
struct heft_trainer_plans {
	struct heft_backprop *plans[HEFT_TRAINER_MAX_PLANS];
	uint64_t sizes[HEFT_TRAINER_MAX_PLANS];
	uint32_t n;
	bool trains; /* with gradients */
};

/* What the frozen prefix makes of every sample. */
struct heft_trainer_features {
	uint32_t n;           /* arrays; 0: none are kept */
	uint64_t n_bytes[16]; /* of a sample */
	uint8_t *rows[16];    /* a row a sample, in the order of `samples` */
	uint8_t *batch[16];
	uint64_t total;
};

/* One side of the data. */
struct heft_trainer_side {
	struct heft_feed *feed;
	struct heft_feed_batch *batch;
	const uint64_t *samples; /* numbers in the data set, ascending */
	uint64_t n;
	struct heft_trainer_plans plans;
	struct heft_trainer_features features;
};

struct heft_trainer {
	struct heft_file *file;
	struct heft_model *model;
	struct heft_recipe *recipe;
	struct heft_trainer_options options;
	struct heft_team *team;
	uint32_t cpu_bits;
	uint64_t max_bytes;

	struct heft_trained *tensors; /* in the file's order */
	uint32_t n_tensors;
	uint32_t n_trained;
	uint32_t *numbers;     /* of the trained tensors, in the file, ascending */
	const void **values;   /* theirs, as heft_backprop_run takes them */
	enum heft_dtype dtype; /* of all that is trained */
	uint64_t n_elements;   /* of a gradient of all */

	struct heft_loss_attrs loss_attrs;
	char loss_op[64];
	struct heft_array class_weights;
	struct heft_trainer_side train;
	struct heft_trainer_side val;
	struct heft_split split;
	struct heft_split val_all; /* of validation data of its own: every sample */
	struct heft_order *order;
	struct heft_gradient_tree *tree;
	struct heft_gradient_values *norm_rows;
	double *norm_room;
	struct heft_outcomes outcomes;
	bool has_outcomes;
	uint64_t n_classes;
	struct heft_monitor monitor;
	uint8_t *tensor_digests; /* of every tensor of the file, 32 bytes each */
	uint8_t start_digest[HEFT_TRAIN_DIGEST_SIZE];
	char notes[HEFT_TRAINER_MAX_NOTES][HEFT_TRAINER_NOTE_SIZE];
	uint32_t n_notes;

	/* Where it is: all of this goes into a checkpoint. */
	uint64_t step;     /* steps done */
	uint64_t epoch;    /* epochs done */
	uint64_t position; /* samples of this epoch done */
	double loss_sum;   /* of this epoch */
	double divisor_sum;
	struct heft_optimizer_clock clock;
	uint64_t n_skipped;
	double best;
	uint64_t best_epoch;
	uint64_t best_step;
	uint64_t n_bad;   /* epochs since the best one */
	uint64_t n_worse; /* epochs in a row in which validation worsened and training improved */
	double last_lr;
	double last_train; /* losses of the epoch before */
	double last_val;
	bool is_over;

	/* What the caller wants to find in a checkpoint: its own bytes, "" for nothing. */
	struct heft_buffer history;
	bool has_begun; /* features are kept */
	struct heft_step_report last_step;
};

/* --- trainer.c: the model, and one side of the data --- */
enum heft_status heft_trainer_import(struct heft_trainer *t, struct heft_error *err);
enum heft_status heft_trainer_open_side(struct heft_trainer *t, struct heft_dataset *ds,
                                        struct heft_trainer_side *side, struct heft_error *err);
enum heft_status heft_trainer_check_side(struct heft_trainer *t,
                                         const struct heft_trainer_side *side, const char *what,
                                         struct heft_error *err);

/* --- trainer_select.c: which tensors are trained, and how --- */
enum heft_status heft_trainer_select(struct heft_trainer *t, struct heft_error *err);
void heft_trainer_tensors_free(struct heft_trainer *t);
void heft_trainer_add_note(struct heft_trainer *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- trainer_plan.c: plans for batches --- */
/* The plan for a batch of n samples, made where there is none yet. */
enum heft_status heft_trainer_plan(struct heft_trainer *t, struct heft_trainer_side *side,
                                   uint64_t n, struct heft_backprop **plan, struct heft_error *err);
/* One that is not kept, and not run: for its shapes. */
enum heft_status heft_trainer_plan_only(struct heft_trainer *t,
                                        const struct heft_trainer_side *side, uint64_t n,
                                        struct heft_backprop **plan, struct heft_error *err);
void heft_trainer_plans_free(struct heft_trainer_plans *plans);
/* Loss, classes, outcomes: what follows from the first plan. */
enum heft_status heft_trainer_set_loss(struct heft_trainer *t, struct heft_error *err);

/* --- trainer_features.c: the frozen prefix, computed once --- */
enum heft_status heft_trainer_keep_features(struct heft_trainer *t, struct heft_trainer_side *side,
                                            struct heft_error *err);
/* Runs n samples of `side`, by number, on their plan. */
enum heft_status heft_trainer_run(struct heft_trainer *t, struct heft_trainer_side *side,
                                  const uint64_t *samples, uint64_t n, uint32_t epoch,
                                  uint32_t step, struct heft_backprop **plan,
                                  struct heft_error *err);
void heft_trainer_features_free(struct heft_trainer_features *f);

/* --- trainer_digest.c --- */
/* Digests of all tensors as the file has them, and start_digest. */
enum heft_status heft_trainer_digest_start(struct heft_trainer *t, struct heft_error *err);
/* The weights digest with the trained tensors as they are now. */
enum heft_status heft_trainer_digest(struct heft_trainer *t, uint8_t *digest,
                                     struct heft_error *err);

/* --- trainer_checkpoint.c: save and resume --- */

/* --- trainer_step.c --- */
uint64_t heft_trainer_steps_per_epoch(const struct heft_trainer *t);

#endif
