/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/run.h - running a model: its graph imported once, then computed on arrays.
 *
 *	struct heft_model *model;
 *	struct heft_session *session;
 *	struct heft_value x = { .name = "input", .dtype = HEFT_DTYPE_F32, .rank = 4, ... };
 *	const struct heft_value *y;
 *	uint32_t n;
 *
 *	if (heft_model_import(file, NULL, &model, &err) != HEFT_OK ||
 *	    heft_session_new(model, NULL, &session, &err) != HEFT_OK ||
 *	    heft_session_run(session, &x, 1, &y, &n, &err) != HEFT_OK)
 *		...
 *	heft_session_free(session);
 *	heft_model_free(model);
 *
 * What comes out are the same bits for any number of threads and on any CPU (spec/numerics.md). A
 * model is immutable: any number of sessions, each in a thread of its own, run it at once. A
 * session plans its memory when the shapes of its inputs are first seen, and again when they
 * change.
 */
#ifndef HEFT_RUN_H
#define HEFT_RUN_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEFT_VALUE_MAX_RANK 8
#define HEFT_IMPORT_NOTE_SIZE 200

struct heft_model;
struct heft_session;

/* An array: row-major, packed, in the host's byte order. An output whose dtype heft_dtype_describe
 * does not know is none, but strings, a sequence, or an optional value without an element; what its
 * bytes are is not told here. */
struct heft_value {
	const char *name;
	enum heft_dtype dtype;
	uint32_t rank;
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	const void *bytes; /* aligned as the dtype asks */
	uint64_t n_bytes;
	uint64_t reserved[2];
};

/* A node that cannot be computed, and why. Texts live for the call. */
struct heft_problem {
	const char *node; /* "": it has no name */
	const char *op;
	const char *reason; /* one impersonal sentence */
};

typedef void heft_problem_fn(void *ctx, const struct heft_problem *problem);

/* All zero: nothing is pinned. */
struct heft_import_options {
	/* Inputs whose values are known now, as a sampling rate that an If asks for: they are no
	 * inputs any more, and what follows from them is computed once. */
	const struct heft_value *pins;
	uint32_t n_pins;
	uint32_t n_keep;
	/* A file whose tensors take the place of those of the model, as heft_convert_plan's `into`
	 * binds them, cast to the model's floating dtype where it has one alone; NULL. It stays
	 * open as long as the model's file. */
	struct heft_file *weights;
	const char *const *keep; /* with `weights`: patterns of those that keep their bytes */
	bool allow_transpose;    /* with `weights`: of a matrix that fits only so */
	bool keep_dropout;       /* Dropout stays where it is, for training */
	bool reserved8[2];
	uint32_t reserved32;
	/* With `weights`: room for HEFT_IMPORT_NOTE_SIZE bytes, for what a person should know of
	 * how they were bound; NULL. */
	char *note;
	/* Called for every node that cannot be computed, before the import fails; NULL. */
	heft_problem_fn *problem;
	void *problem_ctx;
	uint64_t reserved[2];
};

/* Which of the CPU's instructions a session leaves alone; the results are the same. */
enum heft_run_cpu {
	HEFT_RUN_BEST = 0,
	HEFT_RUN_AVX2 = 1 << 2, /* nothing better than AVX2 */
	HEFT_RUN_SCALAR = 0x7fffffff
};

/* All zero: every processor, the best instructions that there are. */
struct heft_session_options {
	uint32_t n_threads; /* 0: as many as there are processors */
	uint32_t cpu_mask;  /* enum heft_run_cpu */
	uint64_t seed;      /* of operators that draw numbers */
	uint64_t max_bytes; /* of the session's memory; 0: as much as the machine has */
	/* Called for every node that cannot be computed with the shapes given, before it fails. */
	heft_problem_fn *problem;
	void *problem_ctx;
	bool plan_only; /* heft_session_plan and what tells of it, without the weights' bytes */
	bool reserved8[7];
	uint64_t reserved[3];
};

/* An input that a model asks for, or an output. */
struct heft_model_value {
	const char *name;
	enum heft_dtype dtype; /* HEFT_DTYPE_NONE: the file does not tell */
	bool has_shape;
	uint32_t rank;
	uint64_t dims[HEFT_VALUE_MAX_RANK];       /* 0: not fixed; then see `symbols` */
	const char *symbols[HEFT_VALUE_MAX_RANK]; /* NULL: fixed; "": free, without a name */
	uint64_t reserved[2];
};

/* One step of the plan, and what it took, over all runs. */
struct heft_session_step {
	const char *node;  /* "": made by the planner, or without a name */
	const char *op;    /* op_type, with what was fused into it: "Conv+Add+Relu" */
	const char *value; /* the first that the node makes, by its name in the file; "" */
	uint64_t n_runs;
	uint64_t nanoseconds;
	uint64_t n_multiply_adds; /* of one run; of products */
	uint64_t n_bytes;         /* of one run: inputs and outputs, constants among them */
	uint64_t n_output_bytes;  /* what one run leaves in the workspace */
	uint32_t rank;            /* of its first output */
	uint32_t reserved32;
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	uint64_t reserved[1];
};

struct heft_session_facts {
	uint32_t n_steps;
	uint32_t n_dynamic; /* nodes that are planned anew in every run: their shapes follow from
	                           * values */
	uint64_t workspace_bytes; /* activations and scratch, as planned for the last shapes */
	uint64_t packed_bytes;    /* weights in the order that kernels want */
	uint64_t n_multiply_adds; /* of one run */
	uint64_t reserved[4];
};

/**
 * Read a file's graph and weights, ready to run.
 *
 * Owns:    the caller owns *model and gives it to heft_model_free before `file`, and the file of
 *          weights, are closed; names and bytes in `options` are copied.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (the file has no graph; no input of a pin's name), HEFT_E_UNSUPPORTED
 *          (operators that heft does not compute: all of them are named), HEFT_E_USAGE (a pin of
 *          another dtype or shape than its input; weights that do not fit the model),
 *          HEFT_E_CORRUPT, HEFT_E_LIMIT, HEFT_E_NOMEM, HEFT_E_IO. On failure *model is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_model_import(struct heft_file *file,
                                            const struct heft_import_options *options,
                                            struct heft_model **model, struct heft_error *err);

/**
 * Free a model.
 *
 * Owns:    takes `model`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no session of it may exist.
 */
HEFT_API void heft_model_free(struct heft_model *model);

/**
 * Tell how many inputs must be given.
 *
 * Owns:    nothing.
 * Units:   inputs.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_model_n_inputs(const struct heft_model *model);

/**
 * Tell how many outputs there are.
 *
 * Owns:    nothing.
 * Units:   outputs.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API uint32_t heft_model_n_outputs(const struct heft_model *model);

/**
 * Describe input `i`, as the file declares it.
 *
 * Owns:    texts are borrowed and live as long as `model`.
 * Units:   elements a dimension.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_model_input(const struct heft_model *model, uint32_t i,
                                           struct heft_model_value *value, struct heft_error *err);

/**
 * Describe output `i`, as the file declares it.
 *
 * Owns:    texts are borrowed and live as long as `model`.
 * Units:   elements a dimension.
 * Errors:  HEFT_E_USAGE (no such one).
 * Threads: any.
 */
HEFT_API enum heft_status heft_model_output(const struct heft_model *model, uint32_t i,
                                            struct heft_model_value *value, struct heft_error *err);

/**
 * Make what runs a model: threads, and later memory for activations.
 *
 * Owns:    the caller owns *session and gives it to heft_session_free before the model is freed.
 * Units:   none.
 * Errors:  HEFT_E_NOMEM. On failure *session is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_session_new(const struct heft_model *model,
                                           const struct heft_session_options *options,
                                           struct heft_session **session, struct heft_error *err);

/**
 * Free a session and the outputs of its last run.
 *
 * Owns:    takes `session`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: no other call on `session` may be running.
 */
HEFT_API void heft_session_free(struct heft_session *session);

/**
 * Plan for inputs of these shapes, without running: their bytes are not looked at.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  those of heft_session_run.
 * Threads: one call on `session` at a time.
 */
HEFT_API enum heft_status heft_session_plan(struct heft_session *session,
                                            const struct heft_value *inputs, uint32_t n_inputs,
                                            struct heft_error *err);

/**
 * Compute the outputs. Inputs are found by name, in any order; all must be given.
 *
 * Owns:    *outputs and what it points to is borrowed and lives until the next call on `session`;
 *          outputs come in the model's order.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (an input is missing, or of another dtype or shape: what was expected and
 *          what was given is told; shapes do not go together inside the graph: the node is told),
 *          HEFT_E_UNSUPPORTED (a node's inputs are of a kind that is not computed), HEFT_E_LIMIT
 *          (max_bytes), HEFT_E_NOMEM.
 * Threads: one call on `session` at a time.
 */
HEFT_API enum heft_status heft_session_run(struct heft_session *session,
                                           const struct heft_value *inputs, uint32_t n_inputs,
                                           const struct heft_value **outputs, uint32_t *n_outputs,
                                           struct heft_error *err);

/**
 * Tell what was planned last.
 *
 * Owns:    nothing.
 * Units:   bytes, counts.
 * Errors:  none.
 * Threads: one call on `session` at a time.
 */
HEFT_API void heft_session_facts(const struct heft_session *session,
                                 struct heft_session_facts *facts);

/**
 * Describe step `i` of the plan, 0 to n_steps - 1. Times are taken only after
 * heft_session_set_profile.
 *
 * Owns:    texts are borrowed and live until the next run with other shapes.
 * Units:   nanoseconds, bytes, counts.
 * Errors:  HEFT_E_USAGE (no such step).
 * Threads: one call on `session` at a time.
 */
HEFT_API enum heft_status heft_session_step(const struct heft_session *session, uint32_t i,
                                            struct heft_session_step *step, struct heft_error *err);

/**
 * Take the time of every step from now on, or no longer.
 *
 * Owns:    nothing.
 * Units:   none.
 * Errors:  none.
 * Threads: one call on `session` at a time.
 */
HEFT_API void heft_session_set_profile(struct heft_session *session, bool is_on);

#ifdef __cplusplus
}
#endif
#endif
