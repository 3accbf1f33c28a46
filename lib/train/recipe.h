/* SPDX-License-Identifier: Apache-2.0 */
/* train/recipe.h - what a recipe holds (heft/recipe.h is its public face). Fields have their
 * defaults, or what was given; what depends on other keys is worked out by heft_recipe_resolve,
 * behind which every field is what the run does. */
#ifndef TRAIN_RECIPE_H
#define TRAIN_RECIPE_H

#include "base/buffer.h"
#include "heft/recipe.h"

struct heft_loss_rule;
struct heft_optimizer;
struct heft_schedule;

/* In canonical order: that of the rows in recipe_keys.c. */
enum heft_recipe_field {
	HEFT_RECIPE_LOSS,
	HEFT_RECIPE_CLASS_WEIGHTS,
	HEFT_RECIPE_LABEL_SMOOTHING,
	HEFT_RECIPE_IGNORE_INDEX,
	HEFT_RECIPE_POS_WEIGHT,
	HEFT_RECIPE_HUBER_DELTA,
	HEFT_RECIPE_OPTIMIZER,
	HEFT_RECIPE_LR,
	HEFT_RECIPE_MOMENTUM,
	HEFT_RECIPE_DAMPENING,
	HEFT_RECIPE_NESTEROV,
	HEFT_RECIPE_BETA1,
	HEFT_RECIPE_BETA2,
	HEFT_RECIPE_EPSILON,
	HEFT_RECIPE_WEIGHT_DECAY,
	HEFT_RECIPE_DECAY_ALL,
	HEFT_RECIPE_SCHEDULE,
	HEFT_RECIPE_WARMUP,
	HEFT_RECIPE_STEP_SIZE,
	HEFT_RECIPE_GAMMA,
	HEFT_RECIPE_MIN_LR,
	HEFT_RECIPE_CLIP_NORM,
	HEFT_RECIPE_CLIP_VALUE,
	HEFT_RECIPE_EPOCHS,
	HEFT_RECIPE_BATCH,
	HEFT_RECIPE_MICRO_BATCH,
	HEFT_RECIPE_SEED,
	HEFT_RECIPE_SPLIT,
	HEFT_RECIPE_PATIENCE,
	HEFT_RECIPE_MONITOR,
	HEFT_RECIPE_KEEP,
	HEFT_RECIPE_FREEZE,
	HEFT_RECIPE_TRAIN,
	HEFT_RECIPE_GROUPS,
	HEFT_RECIPE_HEAD,
	HEFT_RECIPE_HEAD_INIT,
	HEFT_RECIPE_SKIP_NONFINITE,
	HEFT_RECIPE_NORMALIZE,
	HEFT_RECIPE_DROPOUT,
	HEFT_RECIPE_CHECKPOINT_EVERY,
	HEFT_RECIPE_N_FIELDS
};

enum heft_recipe_keep {
	HEFT_KEEP_BEST,
	HEFT_KEEP_LAST
};

enum heft_recipe_head_init {
	HEFT_HEAD_HE,
	HEFT_HEAD_XAVIER,
	HEFT_HEAD_ZERO
};

enum heft_recipe_every {
	HEFT_EVERY_NOTHING,
	HEFT_EVERY_STEPS,
	HEFT_EVERY_EPOCHS,
	HEFT_EVERY_MINUTES
};

struct heft_reals {
	double *values;
	uint32_t n;
};

struct heft_patterns {
	char **texts; /* fnmatch on a tensor's whole name */
	uint32_t n;
};

/* What the tensors that match have for themselves; the first group that matches counts. */
struct heft_recipe_group {
	char *pattern;
	bool has_lr;
	bool has_weight_decay;
	double lr;
	double weight_decay;
};

struct heft_recipe_groups {
	struct heft_recipe_group *rows;
	uint32_t n;
};

/* What becomes of an input: (x / scale - mean) / std, of each channel (one value: of all). */
struct heft_normalize {
	bool is_given;
	double scale; /* 0: by the array: 255 of U8, else 1 */
	struct heft_reals mean;
	struct heft_reals std;
};

struct heft_checkpoint_every {
	enum heft_recipe_every unit;
	double n; /* steps and epochs are whole */
};

struct heft_recipe {
	uint64_t given; /* bit heft_recipe_field: it was set */
	/* NULL: by the kind of the targets; the trainer sets it once that is known. */
	const struct heft_loss_rule *loss;
	struct heft_reals class_weights; /* n 0: none */
	double label_smoothing;
	int64_t ignore_index;
	struct heft_reals pos_weight; /* n 0: none; 1: of every output */
	double huber_delta;
	const struct heft_optimizer *optimizer;
	double lr;
	double momentum;
	double dampening;
	bool nesterov;
	double beta1;
	double beta2;
	double epsilon;
	double weight_decay;
	bool decay_all; /* biases and norms, too */
	const struct heft_schedule *schedule;
	uint64_t warmup;    /* steps */
	uint64_t step_size; /* epochs */
	double gamma;
	double min_lr;
	double clip_norm;  /* 0: none */
	double clip_value; /* 0: none */
	uint64_t epochs;
	uint64_t batch;
	uint64_t micro_batch; /* 0: the batch; resolved: never 0 */
	uint64_t seed;
	double split;      /* share of the samples that is for validation; 0: none */
	uint64_t patience; /* epochs without a better `monitor`; 0: no early stop */
	char *monitor;     /* "train_loss", "val_loss", or "val_" and a metric; NULL: val_loss */
	enum heft_recipe_keep keep;
	struct heft_patterns freeze;
	struct heft_patterns train; /* n 0: all */
	struct heft_recipe_groups groups;
	uint64_t head; /* classes of a new last layer; 0: the one that is there */
	enum heft_recipe_head_init head_init;
	bool skip_nonfinite;
	struct heft_normalize normalize;
	bool dropout;
	struct heft_checkpoint_every checkpoint_every;
};

/* Another one of the same, resolved or not. */
enum heft_status heft_recipe_copy(const struct heft_recipe *from, struct heft_recipe **out,
                                  struct heft_error *err);
static inline bool heft_recipe_has(const struct heft_recipe *r, enum heft_recipe_field field)
{
	return (r->given >> field & 1) != 0;
}
/* Works out what was not given and depends on other keys, and checks all of them. */
enum heft_status heft_recipe_resolve(struct heft_recipe *r, struct heft_error *err);
/* The JSON of heft_recipe_print, appended; fails only as a buffer does. */
void heft_recipe_add_text(const struct heft_recipe *r, uint32_t flags, struct heft_buffer *to);
/* What "monitor" names. */
const char *heft_recipe_monitor(const struct heft_recipe *r);

#endif
