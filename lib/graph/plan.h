/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph/plan.h - a model with the shapes of its inputs: which operators run in which order, on what
 * memory.
 *
 * Made in passes, a file each: plan_nodes.c walks the nodes, computes what is constant and makes a
 * step of the rest; plan_gradient.c, where it is to be trained, adds the loss and what runs
 * backward; plan_fuse.c lets a step do what only its output is read for; plan_layout.c lets
 * convolutions and what is between them work channels last; plan_memory.c gives every value its
 * place in one arena, so that nothing is allocated when it runs. None of them changes a bit of a
 * result. A node whose shapes follow from values, and what depends on it, is left to dynamic.c.
 */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "base/buffer.h"
#include "graph/eval.h"
#include "heft/run.h"

enum heft_slot_kind {
	HEFT_SLOT_NONE,    /* nothing makes it, or what makes it cannot be computed */
	HEFT_SLOT_DYNAMIC, /* known when the model runs, or no array of numbers (kinds.h) */
	HEFT_SLOT_CONSTANT,
	HEFT_SLOT_INPUT, /* the caller's array: an input of the model, a parameter, the target */
	HEFT_SLOT_STEP
};

/* A value of the plan. */
struct heft_slot {
	struct heft_array array; /* dims as ONNX has them; bytes of a constant */
	enum heft_slot_kind kind;
	uint32_t input;  /* INPUT: which; behind the model's come those of struct heft_learning */
	uint32_t value;  /* of the model, for messages; NONE */
	uint32_t other;  /* the slot with the same elements in the other layout; NONE */
	uint32_t wide;   /* the slot with the same elements as F32; NONE */
	uint32_t buffer; /* plan_memory.c */
	bool is_last;    /* lies channels last */
	bool is_kept;    /* until the next run: an output, or something that a dynamic node reads */
};

struct heft_step {
	const struct heft_ir_node *node; /* NULL: the planner's own */
	const struct heft_op *op;
	uint32_t opset;
	struct heft_attrs attrs;
	uint64_t seed;
	uint32_t n_in;
	uint32_t n_out;
	uint32_t *slots; /* inputs, then outputs; NONE: left out */
	uint32_t bias;   /* slots that `end` names; NONE */
	uint32_t residual;
	struct heft_call_end end; /* without its arrays */
	struct heft_call *call;   /* since plan_memory.c */
	char label[64];           /* "Conv+Add+Relu" */
	bool is_dead;
	bool is_last;     /* call->channels_last */
	bool is_permuted; /* elementwise, on arrays whose dims stand in the order they lie in */
	bool is_prefix;   /* depends on the model's inputs and on no parameter */
	uint64_t n_runs;
	uint64_t nanoseconds;
};

/* What dynamic.c does, in order: a node, or (node NONE) the value `to` becomes `from`. */
struct heft_dynamic {
	uint32_t node;
	uint32_t from;
	uint32_t to;
};

/* An array of a call that is the caller's. */
struct heft_patch {
	struct heft_array *array;
	uint32_t input;
};

struct heft_problems {
	heft_problem_fn *fn;
	void *ctx;
	uint32_t n;
	struct heft_error first;
};

/* What a plan that trains is made for. */
struct heft_learning {
	const uint32_t *tensors; /* of the file, that come with every run: inputs n_inputs + k */
	uint32_t n_tensors;
	uint32_t output;  /* of the model, that the loss looks at */
	const char *loss; /* an operator: "heft.CrossEntropyLoss" */
	struct heft_attrs loss_attrs;
	struct heft_array target;               /* input n_inputs + n_tensors; no bytes */
	const struct heft_array *class_weights; /* NULL */
	bool takes_scores;
	bool forward_only;

	/* Told by the plan: slots. */
	uint32_t prediction;
	uint32_t loss_sum;
	uint32_t divisor;
	uint32_t *gradients; /* room for n_tensors; NONE: the loss does not depend on it */
	const char *stripped;
};

struct heft_plan {
	const struct heft_model *model;
	struct heft_learning *learning; /* NULL: it runs forward, and gives the model's outputs */
	const struct heft_engine *engine;
	struct heft_memory memory;
	struct heft_buffer slots;   /* struct heft_slot */
	struct heft_buffer steps;   /* struct heft_step */
	struct heft_buffer dynamic; /* struct heft_dynamic */
	struct heft_buffer patches; /* struct heft_patch */
	struct heft_buffer arrays;  /* struct heft_array: of one call, for infer */
	uint32_t *slot_of;          /* one a value of the model */
	uint64_t arena_bytes;
	uint64_t packed_bytes;
	uint64_t n_multiply_adds;
	struct heft_problems problems;
};

/* Plans for inputs of these dtypes and shapes, one an input of the model; nothing is held after a
 * failure. */
enum heft_status heft_plan_make(struct heft_plan *p, const struct heft_model *m,
                                const struct heft_engine *engine, const struct heft_array *inputs,
                                struct heft_learning *learning, uint64_t max_bytes,
                                struct heft_problems problems, struct heft_error *err);
void heft_plan_done(struct heft_plan *p);

/* As heft_session_facts and heft_session_step. */
void heft_plan_facts(const struct heft_plan *p, struct heft_session_facts *facts);
enum heft_status heft_plan_describe(const struct heft_plan *p, uint32_t i,
                                    struct heft_session_step *step, struct heft_error *err);

/* --- between the passes --- */

static inline struct heft_slot *heft_plan_slot(const struct heft_plan *p, uint32_t i)
{
	return (struct heft_slot *)(void *)p->slots.bytes + i;
}
static inline uint32_t heft_plan_n_slots(const struct heft_plan *p)
{
	return (uint32_t)(p->slots.size / sizeof(struct heft_slot));
}
static inline struct heft_step *heft_plan_step(const struct heft_plan *p, uint32_t i)
{
	return (struct heft_step *)(void *)p->steps.bytes + i;
}
static inline uint32_t heft_plan_n_steps(const struct heft_plan *p)
{
	return (uint32_t)(p->steps.size / sizeof(struct heft_step));
}

/* A new slot of this dtype and shape. */
enum heft_status heft_plan_add_slot(struct heft_plan *p, const struct heft_array *array,
                                    enum heft_slot_kind kind, uint32_t value, uint32_t *slot,
                                    struct heft_error *err);
/* A new last step: what `s` says but its slots, which are copied. */
enum heft_status heft_plan_add_step(struct heft_plan *p, struct heft_step *s, const uint32_t *in,
                                    const uint32_t *out, struct heft_error *err);
void heft_step_set_label(struct heft_step *s, const char *text);
/* A new last step of the planner's own: one input, one output. */
enum heft_status heft_plan_add_own(struct heft_plan *p, const struct heft_op *op,
                                   struct heft_attrs attrs, uint32_t in, uint32_t out,
                                   struct heft_error *err);
/* Says what is wrong with a node, and goes on; only NOMEM ends the plan at once. */
enum heft_status heft_plan_problem(struct heft_plan *p, const struct heft_ir_node *node,
                                   const struct heft_error *what, struct heft_error *err);
static inline uint32_t heft_plan_slot_of(const struct heft_plan *p, uint32_t value)
{
	return value == HEFT_IR_NONE ? HEFT_IR_NONE : p->slot_of[value];
}
/* A new slot for a value. */
enum heft_status heft_plan_set_value(struct heft_plan *p, uint32_t value,
                                     const struct heft_array *array, enum heft_slot_kind kind,
                                     struct heft_error *err);
/* Its bytes stay until the next run. */
void heft_plan_keep(struct heft_plan *p, uint32_t value);
/* How many steps read each slot, those kept counted once more: one a slot, in memory of the
 * plan. */
enum heft_status heft_plan_count_readers(struct heft_plan *p, uint32_t **counts,
                                         struct heft_error *err);

/* The nodes of a block, in order. */
enum heft_status heft_plan_walk(struct heft_plan *p, uint32_t block, struct heft_error *err);
/* The loss, and the gradients of its tensors: p->learning. */
enum heft_status heft_plan_learn(struct heft_plan *p, struct heft_error *err);
/* Marks steps that depend on nothing but the model's inputs. */
enum heft_status heft_plan_mark_prefix(struct heft_plan *p, struct heft_error *err);
enum heft_status heft_plan_fuse(struct heft_plan *p, struct heft_error *err);
enum heft_status heft_plan_lay_out(struct heft_plan *p, struct heft_error *err);
enum heft_status heft_plan_place(struct heft_plan *p, struct heft_error *err);

/* The order in which an array of this rank lies channels last: place i has dimension order[i]. */
void heft_last_order(uint32_t rank, uint32_t *order);
/* Whether it lies in both layouts at once, as one channel or one pixel does. */
bool heft_lies_both(const struct heft_array *a);

#endif
