/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/backprop.h - the loss of a model and its gradients, for one shape of the inputs.
 *
 * Planned once: forward, loss and backward are steps of one plan, on one arena. Running it cannot
 * fail and allocates nothing. Parameters come with every run, in the caller's memory; what is not
 * trained is a constant of the plan, which is folded and packed, and has no backward.
 *
 * What depends on the inputs alone, and not on parameters, is the frozen prefix. Where its results
 * (the features) are kept by whoever calls, a run can begin behind it.
 */
#ifndef GRAPH_BACKPROP_H
#define GRAPH_BACKPROP_H

#include "graph/op.h"
#include "heft/run.h"

/* A floating tensor of the model that may be trained. */
struct heft_param {
	uint32_t tensor;         /* of the file, by number */
	struct heft_array array; /* with its bytes as the file has them, borrowed from the model */
};

/* All of a model, in the file's order: *params is an array of *n, the caller's to heft_free. */
enum heft_status heft_model_params(const struct heft_model *m, struct heft_param **params,
                                   uint32_t *n, struct heft_error *err);

struct heft_backprop;

struct heft_backprop_options {
	/* Tensors of the file that come with every run, ascending. */
	const uint32_t *tensors;
	uint32_t n_tensors;
	uint32_t output;  /* of the model, that the loss looks at */
	const char *loss; /* an operator: "heft.CrossEntropyLoss" */
	struct heft_attrs loss_attrs;
	const struct heft_array *class_weights; /* input 2 of the loss, with bytes; NULL */
	/* Where the output is made by a Softmax, LogSoftmax or Sigmoid, the loss looks at what that
	 * reads: scores. */
	bool takes_scores;
	bool forward_only;  /* the loss, without gradients */
	bool trains;        /* Dropout drops */
	bool plan_only;     /* nothing can be run: facts and shapes alone */
	uint32_t n_threads; /* as of heft_session_options */
	uint32_t cpu_mask;
	uint64_t seed;
	uint64_t max_bytes;
	struct heft_team *team; /* to be used by this one too, in place of n_threads; NULL */
	heft_problem_fn *problem;
	void *problem_ctx;
};

/* `inputs`: one of each input of the model, in its order, dtype and shape; target likewise. Errors
 * as of heft_session_run, and USAGE where the loss reaches no parameter, UNSUPPORTED where a node
 * on the way to one has no gradient: all such nodes are told. `model` and the options' texts and
 * arrays outlive it. */
enum heft_status heft_backprop_new(const struct heft_model *model,
                                   const struct heft_backprop_options *options,
                                   const struct heft_value *inputs, const struct heft_value *target,
                                   struct heft_backprop **b, struct heft_error *err);
void heft_backprop_free(struct heft_backprop *b);

struct heft_backprop_run {
	const void *const *inputs; /* one an input of the model; NULL with `features` */
	const void *target;
	const void *const *tensors;  /* one a tensor of the options */
	const void *const *features; /* one a feature: then the prefix is not run; NULL */
	uint32_t epoch;              /* where Dropout draws */
	uint32_t step;
};

void heft_backprop_run(struct heft_backprop *b, const struct heft_backprop_run *run);
/* The prefix alone: afterwards heft_backprop_feature's arrays have bytes. */
void heft_backprop_run_prefix(struct heft_backprop *b, const struct heft_backprop_run *run);

/* Results live until the next run. The sum of the losses, and what it is to be divided by. */
double heft_backprop_loss(const struct heft_backprop *b);
double heft_backprop_divisor(const struct heft_backprop *b);
/* Of tensor i of the options: the gradient of the sum, in the tensor's shape; NULL: it is 0, since
 * the loss does not depend on it. */
const struct heft_array *heft_backprop_gradient(const struct heft_backprop *b, uint32_t i);
/* What the loss looks at: scores, or the output itself. */
const struct heft_array *heft_backprop_prediction(const struct heft_backprop *b);
/* The type of the last node that was left out because of takes_scores; NULL. */
const char *heft_backprop_stripped(const struct heft_backprop *b);

/* Features: what the prefix makes and the rest reads. 0: there is no prefix worth it. */
uint32_t heft_backprop_n_features(const struct heft_backprop *b);
const struct heft_array *heft_backprop_feature(const struct heft_backprop *b, uint32_t i);
/* What the prefix costs. */
uint64_t heft_backprop_prefix_multiply_adds(const struct heft_backprop *b);

void heft_backprop_facts(const struct heft_backprop *b, struct heft_session_facts *facts);
/* As heft_session_step, and heft_session_set_profile. */
enum heft_status heft_backprop_step(const struct heft_backprop *b, uint32_t i,
                                    struct heft_session_step *step, struct heft_error *err);
void heft_backprop_set_profile(struct heft_backprop *b, bool is_on);

#endif
