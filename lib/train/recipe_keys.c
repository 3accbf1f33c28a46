/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_keys.c - the table of a recipe's keys. */
#include "train/recipe_keys.h"

#include <float.h>
#include <string.h>

#include "base/error.h"

#define N_KEY_MAX 64 /* letters of a key that is compared */

static const char *const keeps[] = { "best", "last", NULL };
static const char *const head_inits[] = { "he", "xavier", "zero", NULL };

#define MOST DBL_MAX
#define MOST_COUNT 1e15 /* steps, epochs: more is a slip */
#define MOST_SAMPLES 1e9

#define ROW(id, field, kind_word, form_text, help_text, ...)              \
	[HEFT_RECIPE_##id] = { .name = #field,                            \
		               .kind = HEFT_KEY_##kind_word,              \
		               .at = offsetof(struct heft_recipe, field), \
		               .form = form_text,                         \
		               .help = help_text,                         \
		               __VA_ARGS__ }

static const struct heft_recipe_row rows[HEFT_RECIPE_N_FIELDS] = {
	ROW(LOSS, loss, LOSS, "NAME",
	    "cross_entropy, bce, mse, l1, huber, or auto: by the targets, integers or not (auto)",
	    .low = 0),
	ROW(CLASS_WEIGHTS, class_weights, REALS, "W,W...", "weight of each class in cross_entropy",
	    .high = MOST),
	ROW(LABEL_SMOOTHING, label_smoothing, REAL, "SHARE",
	    "share of a target that all classes divide (0)", .high = 1),
	ROW(IGNORE_INDEX, ignore_index, INTEGER, "CLASS",
	    "class number of targets that do not count (-100)", .low = 0),
	ROW(POS_WEIGHT, pos_weight, REALS, "W,W...",
	    "weight of what is positive, of all outputs or of each, in bce (1)", .high = MOST),
	ROW(HUBER_DELTA, huber_delta, REAL, "REAL", "where huber becomes linear (1)", .high = MOST,
	    .excludes_low = true),
	ROW(OPTIMIZER, optimizer, OPTIMIZER, "NAME", "sgd, adam, adamw or amsgrad (adamw)",
	    .low = 0),
	ROW(LR, lr, REAL, "RATE", "learning rate (sgd 0.01, others 0.001)", .high = MOST),
	ROW(MOMENTUM, momentum, REAL, "SHARE", "of sgd (0)", .high = 1, .excludes_high = true),
	ROW(DAMPENING, dampening, REAL, "SHARE", "of sgd's momentum (0)", .high = 1),
	ROW(NESTEROV, nesterov, SWITCH, "true|false", "Nesterov's momentum, of sgd (false)",
	    .low = 0),
	ROW(BETA1, beta1, REAL, "SHARE", "of Adam's mean (0.9)", .high = 1, .excludes_high = true),
	ROW(BETA2, beta2, REAL, "SHARE", "of Adam's mean of squares (0.999)", .high = 1,
	    .excludes_high = true),
	ROW(EPSILON, epsilon, REAL, "REAL", "added to Adam's divisor (1e-8)", .high = MOST),
	ROW(WEIGHT_DECAY, weight_decay, REAL, "REAL", "of weights (adamw 0.01, others 0)",
	    .high = MOST),
	ROW(DECAY_ALL, decay_all, SWITCH, "true|false", "decays biases and norms as well (false)",
	    .low = 0),
	ROW(SCHEDULE, schedule, SCHEDULE, "NAME",
	    "constant, step, exponential, cosine or linear (constant)", .low = 0),
	ROW(WARMUP, warmup, COUNT, "STEPS",
	    "steps in which the rate grows from lr / STEPS to lr (0)", .high = MOST_COUNT),
	ROW(STEP_SIZE, step_size, COUNT, "EPOCHS", "schedule step: epochs from one to the next",
	    .low = 1, .high = MOST_COUNT),
	ROW(GAMMA, gamma, REAL, "FACTOR", "schedules step (0.1) and exponential: factor of a step",
	    .high = MOST, .excludes_low = true),
	ROW(MIN_LR, min_lr, REAL, "RATE", "schedules cosine and linear: the rate at the end (0)",
	    .high = MOST),
	ROW(CLIP_NORM, clip_norm, REAL, "REAL", "greatest norm of all gradients; 0: any (0)",
	    .high = MOST),
	ROW(CLIP_VALUE, clip_value, REAL, "REAL",
	    "greatest size of a gradient's element; 0: any (0)", .high = MOST),
	ROW(EPOCHS, epochs, COUNT, "N", "how often the data is gone through (10)", .low = 1,
	    .high = MOST_SAMPLES),
	ROW(BATCH, batch, COUNT, "N", "samples of a step (32)", .low = 1, .high = MOST_SAMPLES),
	ROW(MICRO_BATCH, micro_batch, COUNT, "N",
	    "samples at a time, whose gradients are added; 0: a batch (0)", .high = MOST_SAMPLES),
	ROW(SEED, seed, COUNT, "N", "of everything that is drawn (0)", .high = 0x1p64),
	ROW(SPLIT, split, REAL, "SHARE", "share of the data that is kept for validation (0)",
	    .high = 1, .excludes_high = true),
	ROW(PATIENCE, patience, COUNT, "EPOCHS",
	    "stops after EPOCHS without a better one; 0: never (0)", .high = MOST_COUNT),
	ROW(MONITOR, monitor, MONITOR, "NAME",
	    "what makes an epoch the best: train_loss, val_loss, val_accuracy, ... (val_loss)",
	    .low = 0),
	ROW(KEEP, keep, CHOICE, "best|last", "the epoch whose weights are written (best)",
	    .choices = keeps),
	ROW(FREEZE, freeze, PATTERNS, "PATTERN", "tensors that stay as they are", .low = 0),
	ROW(TRAIN, train, PATTERNS, "PATTERN", "tensors that alone are trained", .low = 0),
	ROW(GROUPS, groups, GROUPS, "PATTERN:lr=R,decay=R",
	    "tensors with a rate or a decay of their own", .low = 0),
	ROW(HEAD, head, COUNT, "N", "puts a new last layer for N classes; 0: none (0)",
	    .high = MOST_SAMPLES),
	ROW(HEAD_INIT, head_init, CHOICE, "he|xavier|zero", "its first weights (he)",
	    .choices = head_inits),
	ROW(SKIP_NONFINITE, skip_nonfinite, SWITCH, "true|false",
	    "leaves out a step whose gradients are not finite, and goes on (false)", .low = 0),
	ROW(NORMALIZE, normalize, NORMALIZE, "mean=M,M;std=S,S;scale=X",
	    "inputs become (x / scale - mean) / std; scale: 255 of U8, else 1", .low = 0),
	ROW(DROPOUT, dropout, SWITCH, "true|false", "whether the model's dropout drops (true)",
	    .low = 0),
	ROW(CHECKPOINT_EVERY, checkpoint_every, EVERY, "N steps|epochs|minutes",
	    "how often a checkpoint is written", .low = 0),
};

const struct heft_recipe_row *heft_recipe_row_at(enum heft_recipe_field field)
{
	return &rows[field];
}

enum heft_recipe_field heft_recipe_field_find(const char *name, size_t n)
{
	int i;

	for (i = 0; i < HEFT_RECIPE_N_FIELDS; i++)
		if (strlen(rows[i].name) == n && memcmp(rows[i].name, name, n) == 0)
			break;
	return (enum heft_recipe_field)i;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to insert, drop or change. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t cost[N_KEY_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		cost[j] = j;
	for (size_t i = 0; i < n_a; i++) {
		size_t corner = cost[0];

		cost[0] = i + 1;
		for (size_t j = 0; j < n_b; j++) {
			const size_t changed = corner + (a[i] == b[j] ? 0 : 1);

			corner = cost[j + 1];
			cost[j + 1] = smaller(smaller(cost[j], corner) + 1, changed);
		}
	}
	return cost[n_b];
}

static const char *nearest(const char *name, size_t n)
{
	const char *best = NULL;
	size_t least = n / 3 + 2; /* farther ones would be guesses */

	for (int i = 0; i < HEFT_RECIPE_N_FIELDS; i++) {
		const size_t d = distance(name, n, rows[i].name, strlen(rows[i].name));

		if (d < least) {
			least = d;
			best = rows[i].name;
		}
	}
	return best;
}

enum heft_status heft_recipe_unknown_key(const char *name, size_t n, uint64_t off,
                                         struct heft_error *err)
{
	const char *near = n <= N_KEY_MAX ? nearest(name, n) : NULL;

	if (near)
		return heft_fail(err, HEFT_E_USAGE, off,
		                 "a recipe has no key '%.*s'; the nearest one is '%s'", (int)n,
		                 name, near);
	return heft_fail(err, HEFT_E_USAGE, off, "a recipe has no key '%.*s'",
	                 (int)(n < N_KEY_MAX ? n : N_KEY_MAX), name);
}

uint32_t heft_recipe_n_keys(void)
{
	return HEFT_RECIPE_N_FIELDS;
}

enum heft_status heft_recipe_key_at(uint32_t i, struct heft_recipe_key *key, struct heft_error *err)
{
	const struct heft_recipe_row *row = &rows[i < HEFT_RECIPE_N_FIELDS ? i : 0];

	if (i >= HEFT_RECIPE_N_FIELDS)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET, "a recipe has no key %u", i);
	*key = (struct heft_recipe_key){
		.name = row->name,
		.form = row->form,
		.help = row->help,
		.is_list = row->kind == HEFT_KEY_PATTERNS || row->kind == HEFT_KEY_GROUPS,
		.is_switch = row->kind == HEFT_KEY_SWITCH,
	};
	return HEFT_OK;
}
