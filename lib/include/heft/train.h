/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/train.h - training a model: its graph, a recipe and data go in, and step by step the weights
 * change.
 *
 *	struct heft_trainer *t;
 *	struct heft_epoch_report epoch;
 *
 *	if (heft_trainer_new(file, recipe, train, val, NULL, &t, &err) != HEFT_OK)
 *		...
 *	do
 *		st = heft_trainer_epoch(t, &epoch, &err);
 *	while (st == HEFT_OK && !epoch.is_last);
 *	heft_trainer_free(t);
 *
 * What comes out are the same bits for any number of threads and on any CPU (spec/numerics.md,
 * sections 2 and 7), and whether a run was interrupted and resumed or not.
 */
#ifndef HEFT_TRAIN_H
#define HEFT_TRAIN_H

#include "heft/dataset.h"
#include "heft/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_TRAIN_MAX_METRICS 16
#define HEFT_TRAIN_DIGEST_SIZE 32

struct heft_trainer;

/* What array goes where in spite of its name. */
struct heft_train_bind {
	const char *input;
	const char *array;
};

/* All zero: every processor, names tell which array is what, and output 0 is trained. */
struct heft_trainer_options {
	uint32_t n_threads;
	uint32_t cpu_mask; /* enum heft_run_cpu */
	/* of activations, gradients and kept features; 0: what the machine has */
	uint64_t max_bytes;
	const struct heft_train_bind *binds;
	uint32_t n_binds;
	uint32_t output;    /* of the model */
	const char *target; /* array; NULL: by its name */
	/* Inputs of the model whose values are known, as in struct heft_import_options. */
	const struct heft_value *pins;
	uint32_t n_pins;
	uint32_t reserved32;
	/* Called between batches with the samples done in this epoch and all of it; true stops
	 * behind the step: HEFT_E_CANCELLED, and the trainer may be saved. */
	heft_progress_fn progress;
	void *user;
	heft_problem_fn *problem; /* every node that blocks training; NULL */
	void *problem_ctx;
	bool no_features; /* the frozen prefix is computed in every epoch */
	bool reserved8[7];
	uint64_t reserved[6];
};

/* What a trainer was made to do. */
struct heft_trainer_facts {
	uint64_t n_params;  /* floating elements of the weights that the graph uses */
	uint64_t n_trained; /* of them */
	uint32_t n_tensors;
	uint32_t n_trained_tensors;
	uint64_t n_train; /* samples */
	uint64_t n_val;
	uint64_t n_steps; /* of the whole run */
	uint64_t steps_per_epoch;
	uint64_t workspace_bytes; /* activations and gradients of one micro-batch */
	uint64_t state_bytes;     /* weights that change, what the optimiser keeps, the best ones */
	uint64_t feature_bytes;   /* kept of the frozen prefix; 0: nothing is */
	uint64_t n_multiply_adds; /* of a micro-batch, forward and backward */
	uint64_t n_classes;       /* 0: the target holds no classes */
	const char *loss;
	const char *stripped;    /* the last node, left out for the loss: "Softmax"; NULL */
	const char *train_array; /* the target's */
	uint64_t reserved[4];
};

/* A tensor of the model's file that could be trained. */
struct heft_trainer_tensor {
	struct heft_tensor tensor;
	bool is_trained;
	bool reserved8[7];
	double lr; /* before the schedule */
	double weight_decay;
	uint64_t reserved[2];
};

struct heft_metric_value {
	const char *name;
	double value;
};

struct heft_evaluation {
	uint64_t n;  /* samples */
	double loss; /* their mean; a NaN where there is no target */
	uint32_t n_metrics;
	uint32_t reserved32;
	struct heft_metric_value metrics[HEFT_TRAIN_MAX_METRICS];
	uint64_t reserved[2];
};

struct heft_step_report {
	uint64_t step;   /* this one, from 1 */
	uint64_t epoch;  /* from 1 */
	uint64_t n_done; /* samples of the epoch so far */
	uint64_t n_all;
	double loss; /* the mean over the batch */
	double lr;
	double norm;      /* of the gradient, before it is clipped; a NaN: it was not asked for */
	bool was_skipped; /* not finite, and the recipe says so */
	bool ends_epoch;
	bool reserved8[6];
	uint64_t reserved[2];
};

struct heft_epoch_report {
	uint64_t epoch;             /* from 1 */
	uint64_t step;              /* of the run, so far */
	double train_loss;          /* the mean over the epoch, as it went */
	struct heft_evaluation val; /* n 0: there is no validation data */
	double lr;                  /* of the last step */
	double monitored;
	bool is_best;    /* so far: its weights are kept */
	bool is_last;    /* of the recipe, or because patience ended */
	bool is_stopped; /* patience ended */
	bool worsens;    /* validation does, while training improves, for three epochs by now */
	bool reserved8[4];
	uint64_t n_skipped;                             /* steps */
	uint8_t weights_digest[HEFT_TRAIN_DIGEST_SIZE]; /* of all weights, as they are now */
	uint64_t reserved[4];
};

/**
 * Make a trainer. All of the data is looked at first: labels, NaNs, shapes.
 *
 * Owns:    the caller owns *t and gives it to heft_trainer_free before `file`, `train` and `val`
 *          are closed; `recipe` and `options` are copied. `val` may be NULL: then the recipe's
 *          split decides.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (the file has no graph), HEFT_E_UNSUPPORTED (nodes without a gradient,
 *          all of them told; operators that are not computed), HEFT_E_USAGE (data that does not fit
 *          the model, patterns that match nothing, a recipe that does not go with either),
 *          HEFT_E_LIMIT, HEFT_E_NOMEM, HEFT_E_CANCELLED, those of heft_dataset_read. On failure *t
 *          is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_trainer_new(struct heft_file *file, const struct heft_recipe *recipe,
                                           struct heft_dataset *train, struct heft_dataset *val,
                                           const struct heft_trainer_options *options,
                                           struct heft_trainer **t, struct heft_error *err);

/**
 * Free a trainer and its weights.
 *
 * Owns:    takes `t`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no other call on `t` may be running.
 */
HEFT_API void heft_trainer_free(struct heft_trainer *t);

/**
 * Tell what will be done.
 *
 * Owns:    texts are borrowed and live as long as `t`.
 * Units:   elements, samples, bytes.
 * Errors:  none.
 * Threads: one call on `t` at a time, as for all functions here.
 */
HEFT_API void heft_trainer_facts(const struct heft_trainer *t, struct heft_trainer_facts *facts);

/**
 * Tell what a person should know of how the data and the model were taken, a sentence each.
 *
 * Owns:    borrowed, lives as long as `t`.
 * Units:   none.
 * Errors:  NULL past the last one.
 * Threads: one call on `t` at a time.
 */
HEFT_API const char *heft_trainer_note(const struct heft_trainer *t, uint32_t i);

/**
 * Describe tensor `i` of those that could be trained, 0 to facts.n_tensors - 1, in the file's
 * order.
 *
 * Owns:    the name lives as long as the file.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_tensor_at(const struct heft_trainer *t, uint32_t i,
                                                 struct heft_trainer_tensor *tensor,
                                                 struct heft_error *err);

/**
 * Give the recipe as it is run: every key worked out, the loss among them.
 *
 * Owns:    borrowed, lives as long as `t`.
 * Units:   none.
 * Errors:  none.
 * Threads: one call on `t` at a time.
 */
HEFT_API const struct heft_recipe *heft_trainer_recipe(const struct heft_trainer *t);

/**
 * Train one batch.
 *
 * Owns:    nothing; `report` may be NULL.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (the run is over), HEFT_E_UNSUPPORTED (a loss, gradient or weight that is
 *          not finite: the step and the tensor are told), those of heft_dataset_read, HEFT_E_LIMIT,
 *          HEFT_E_NOMEM. After the first kind of failure the weights are those before the step,
 *          unless a weight itself became infinite.
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_step(struct heft_trainer *t, struct heft_step_report *report,
                                            struct heft_error *err);

/**
 * Train to the end of the epoch, evaluate, and decide what is best and whether it goes on.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  those of heft_trainer_step, HEFT_E_CANCELLED (behind a whole step: the same call goes
 *          on).
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_epoch(struct heft_trainer *t,
                                             struct heft_epoch_report *report,
                                             struct heft_error *err);

/**
 * Tell of the last step, as a progress callback wants to.
 *
 * Owns:    borrowed, lives as long as `t`.
 * Units:   none.
 * Errors:  none; zeros before the first one.
 * Threads: one call on `t` at a time; the callback may.
 */
HEFT_API const struct heft_step_report *heft_trainer_last_step(const struct heft_trainer *t);

/**
 * Evaluate the weights as they are now on the validation data.
 *
 * Owns:    names are static.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (there is none), those of heft_dataset_read.
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_evaluate(struct heft_trainer *t,
                                                struct heft_evaluation *evaluation,
                                                struct heft_error *err);

/**
 * Give the bytes of a tensor as the run's result has them: of the best epoch, or of the last one,
 * as the recipe's `keep` says.
 *
 * Owns:    *bytes is borrowed and lives until the next step; NULL: the tensor is not trained.
 * Units:   tensor->n_bytes bytes.
 * Errors:  none.
 * Threads: one call on `t` at a time.
 */
HEFT_API const void *heft_trainer_result(const struct heft_trainer *t,
                                         const struct heft_tensor *tensor);

/**
 * Tell which epoch and step the result is of, from 1; 0 before the first.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  none.
 * Threads: one call on `t` at a time.
 */
HEFT_API void heft_trainer_result_at(const struct heft_trainer *t, uint64_t *epoch, uint64_t *step);

/**
 * Save all that is needed to go on from here: a heft file, which appears whole or not at all.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  those of heft_create and heft_commit.
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_save(struct heft_trainer *t, const char *path,
                                            struct heft_error *err);

/**
 * Go on from where a trainer of the same model, recipe and data was saved.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  those of heft_open; HEFT_E_USAGE (a checkpoint of another model, recipe or data: what
 *          differs is told), HEFT_E_CORRUPT. On failure `t` is as it was.
 * Threads: one call on `t` at a time.
 */
HEFT_API enum heft_status heft_trainer_resume(struct heft_trainer *t, const char *path,
                                              struct heft_error *err);

/* One class of an evaluation: of BINARY losses no (0) and yes (1). */
struct heft_class_report {
	uint64_t n;         /* samples that are of it */
	uint64_t n_guessed; /* that were taken for it */
	uint64_t n_correct;
	double precision; /* 0 where there is nothing to divide by, as the other two */
	double recall;
	double f1;
	uint64_t reserved[2];
};

/* How well a model does on data. */
struct heft_evaluated;

/**
 * Evaluate a model as it lies in a file: its loss and metrics on every sample, nothing trained. Of
 * the recipe the loss with its settings, normalize and micro_batch count.
 *
 * Owns:    the caller owns *evaluated and gives it to heft_evaluated_free; it needs `file` and
 *          `data` no more. Of `options` what is for training is not looked at.
 * Units:   none.
 * Errors:  those of heft_trainer_new and heft_dataset_read. On failure *evaluated is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_evaluate(struct heft_file *file, const struct heft_recipe *recipe,
                                        struct heft_dataset *data,
                                        const struct heft_trainer_options *options,
                                        struct heft_evaluated **evaluated, struct heft_error *err);

/**
 * Free an evaluation.
 *
 * Owns:    takes `evaluated`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API void heft_evaluated_free(struct heft_evaluated *evaluated);

/**
 * Give the loss and the metrics.
 *
 * Owns:    borrowed, lives as long as `evaluated`; names are static.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API const struct heft_evaluation *heft_evaluated_numbers(const struct heft_evaluated *e);

/**
 * Name the loss, as a recipe does.
 *
 * Owns:    static.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API const char *heft_evaluated_loss(const struct heft_evaluated *evaluated);

/**
 * Tell what a person should know of how the data and the model were taken, a sentence each.
 *
 * Owns:    borrowed, lives as long as `evaluated`.
 * Units:   none.
 * Errors:  NULL past the last one.
 * Threads: any.
 */
HEFT_API const char *heft_evaluated_note(const struct heft_evaluated *evaluated, uint32_t i);

/**
 * Count the classes; 0 where the target holds none.
 *
 * Owns:    nothing.
 * Units:   classes.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_evaluated_n_classes(const struct heft_evaluated *evaluated);

/**
 * Describe class `k`.
 *
 * Owns:    nothing.
 * Units:   samples.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_evaluated_class(const struct heft_evaluated *evaluated, uint32_t k,
                                               struct heft_class_report *report,
                                               struct heft_error *err);

/**
 * Give row `k` of the confusion matrix: how many samples of class `k` were taken for each class.
 *
 * Owns:    borrowed, lives as long as `evaluated`.
 * Units:   samples, one number a class.
 * Errors:  NULL: no such class, or so many (above 1024) that there is no matrix.
 * Threads: any.
 */
HEFT_API const uint64_t *heft_evaluated_confusion(const struct heft_evaluated *evaluated,
                                                  uint32_t k);

#ifdef __cplusplus
}
#endif
#endif
