/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/lineage.h - what a file of weights was made from, step by step, and how the last training
 * went. spec/lineage.md defines the sections LINEAGE and RUN of a heft file.
 *
 *	struct heft_lineage *lineage;
 *	struct heft_lineage_step step;
 *
 *	if (heft_lineage_read(file, &lineage, &err) != HEFT_OK)
 *		...                     // HEFT_E_NOT_FOUND: the file tells none
 *	for (uint32_t i = 0; i < heft_lineage_n_steps(lineage); i++) {
 *		heft_lineage_step_at(lineage, i, &step);
 *		puts(step.recipe);
 *	}
 *	heft_lineage_free(lineage);
 *
 * A lineage never tells where a file lay, when it was made or by how many threads: the same work
 * gives the same bytes.
 */
#ifndef HEFT_LINEAGE_H
#define HEFT_LINEAGE_H

#include "heft/file.h"

#ifdef __cplusplus
extern "C" {
#endif

struct heft_lineage;

/* The version of spec/numerics.md by which this library computes. */
#define HEFT_LINEAGE_NUMERICS 1

enum heft_lineage_kind {
	HEFT_LINEAGE_TUNE, /* trained by gradients */
	HEFT_LINEAGE_INIT, /* given new first values */
	HEFT_LINEAGE_HEAD  /* the last linear layer replaced by a new one */
};

/* A data set that training or validation read. */
struct heft_lineage_data {
	const char *use; /* "train" or "val" */
	uint8_t digest[HEFT_DIGEST_SIZE];
	uint64_t n_samples; /* that were used of it */
	uint32_t n_arrays;
	uint32_t reserved32;
	const char *const *arrays; /* names of those that were read */
};

/* What was done to the graph for the training, as in { "strip", "/fc/Softmax" }. */
struct heft_lineage_rewrite {
	const char *what;
	const char *where; /* a node or a value; "" */
};

struct heft_lineage_metric {
	const char *name;
	double value; /* a NaN: there is none */
};

/* Where the training was, at an epoch's end or a checkpoint. */
struct heft_lineage_link {
	uint64_t n_steps; /* so far */
	uint64_t n_epochs;
	double loss;
	uint8_t weights_digest[HEFT_DIGEST_SIZE]; /* of the weights as they were then */
	uint8_t chain[HEFT_DIGEST_SIZE];          /* spec/lineage.md, L3-1 */
};

/* One step from weights to other weights. Texts are UTF-8 and never NULL when read; when appended
 * NULL counts as "", and every number of items may be 0. */
struct heft_lineage_step {
	enum heft_lineage_kind kind;
	uint32_t numerics;                       /* version of spec/numerics.md */
	const char *heft;                        /* version of the library that did it */
	const char *revision;                    /* of its source; "" */
	uint8_t parent_digest[HEFT_DIGEST_SIZE]; /* weights digest of what it began from */
	uint8_t parent_artifact[HEFT_DIGEST_SIZE];
	bool has_parent_artifact; /* it was a heft file */
	const char *recipe;       /* one JSON object: every hyperparameter, defaults as well */
	uint64_t seed;
	const struct heft_lineage_data *data;
	const char *const *changed; /* names of the tensors that were trained, or made anew */
	const char *const *frozen;  /* of those that could have been, and were not */
	const struct heft_lineage_rewrite *rewrites;
	const struct heft_lineage_metric *metrics; /* of the weights that were kept */
	const struct heft_lineage_link *links;
	uint32_t n_data;
	uint32_t n_changed;
	uint32_t n_frozen;
	uint32_t n_rewrites;
	uint32_t n_metrics;
	uint32_t n_links;
	const char *kept; /* "best" or "last" of a training; "" */
	uint64_t kept_epoch;
	uint64_t kept_step;
	uint8_t result_digest[HEFT_DIGEST_SIZE]; /* weights digest of what came out */
	uint64_t reserved[4];
};

/* How a training went: a table of numbers, a row an epoch. */
struct heft_epochs {
	const char *const *columns; /* "epoch", "step", "loss", ... */
	const double *cells;        /* n_rows x n_columns; a NaN: no number */
	uint32_t n_columns;
	uint32_t n_rows;
};

enum heft_lineage_answer {
	HEFT_LINEAGE_NONE, /* the file tells no lineage */
	HEFT_LINEAGE_AGREES,
	HEFT_LINEAGE_DIFFERS
};

struct heft_lineage_report {
	enum heft_lineage_answer answer;
	uint32_t n_steps;
	uint64_t n_links; /* of all steps */
	char msg[240];    /* of HEFT_LINEAGE_DIFFERS: what does not agree */
};

/**
 * Make a lineage without steps.
 *
 * Owns:    the caller owns *lineage and gives it to heft_lineage_free.
 * Units:   none.
 * Errors:  HEFT_E_NOMEM. On failure *lineage is untouched.
 * Threads: any; one lineage belongs to one thread at a time.
 */
HEFT_API enum heft_status heft_lineage_new(struct heft_lineage **lineage, struct heft_error *err);

/**
 * Free a lineage and all that was borrowed from it.
 *
 * Owns:    takes `lineage`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: see heft_lineage_new.
 */
HEFT_API void heft_lineage_free(struct heft_lineage *lineage);

/**
 * Read the lineage of an open file.
 *
 * Owns:    the caller owns *lineage and gives it to heft_lineage_free; it needs `file` no more.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (another format, or the file tells none), HEFT_E_CORRUPT (not what
 *          spec/lineage.md says), HEFT_E_UNSUPPORTED (a later version), HEFT_E_LIMIT, HEFT_E_IO,
 *          HEFT_E_NOMEM. On failure *lineage is untouched.
 * Threads: any.
 */
HEFT_API enum heft_status heft_lineage_read(struct heft_file *file, struct heft_lineage **lineage,
                                            struct heft_error *err);

/**
 * Count the steps of a lineage.
 *
 * Owns:    nothing.
 * Units:   steps.
 * Errors:  none.
 * Threads: see heft_lineage_new.
 */
HEFT_API uint32_t heft_lineage_n_steps(const struct heft_lineage *lineage);

/**
 * Describe step `i`, 0 to heft_lineage_n_steps - 1, the oldest first.
 *
 * Owns:    what `step` points to is borrowed and lives as long as `lineage`.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (no such step).
 * Threads: see heft_lineage_new.
 */
HEFT_API enum heft_status heft_lineage_step_at(const struct heft_lineage *lineage, uint32_t i,
                                               struct heft_lineage_step *step,
                                               struct heft_error *err);

/**
 * Work out the chain of digests of a training that has been so far: `chain` of each link in turn
 * (spec/lineage.md, L3-1).
 *
 * Owns:    nothing; `chain` of the links is written. `weights_digest` is that of the weights which
 *          the training began from, 32 bytes; `recipe` its canonical JSON, as a step has it.
 * Units:   links.
 * Errors:  HEFT_E_NOMEM.
 * Threads: any.
 */
HEFT_API enum heft_status heft_lineage_chain(const char *recipe, const uint8_t *weights_digest,
                                             struct heft_lineage_link *links, uint32_t n_links,
                                             struct heft_error *err);

/**
 * Add a step behind the others. Its parent is what the step before gave.
 *
 * Owns:    nothing; everything is copied.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (what spec/lineage.md does not allow), HEFT_E_LIMIT, HEFT_E_NOMEM. On
 *          failure `lineage` is as it was.
 * Threads: see heft_lineage_new.
 */
HEFT_API enum heft_status heft_lineage_append(struct heft_lineage *lineage,
                                              const struct heft_lineage_step *step,
                                              struct heft_error *err);

/**
 * Give a lineage as the text of section LINEAGE: canonical JSON.
 *
 * Owns:    *text is borrowed, ends with NUL and lives until `lineage` is changed or freed.
 * Units:   none.
 * Errors:  HEFT_E_NOMEM.
 * Threads: see heft_lineage_new.
 */
HEFT_API enum heft_status heft_lineage_text(struct heft_lineage *lineage, const char **text,
                                            struct heft_error *err);

/**
 * Read how the last training of an open file went: its section RUN.
 *
 * Owns:    the caller owns *epochs and gives it to heft_epochs_free.
 * Units:   none.
 * Errors:  as heft_lineage_read.
 * Threads: any.
 */
HEFT_API enum heft_status heft_epochs_read(struct heft_file *file, struct heft_epochs **epochs,
                                           struct heft_error *err);

/**
 * Free a table of epochs that was read.
 *
 * Owns:    takes `epochs`; NULL is allowed.
 * Units:   none.
 * Errors:  none.
 * Threads: any.
 */
HEFT_API void heft_epochs_free(struct heft_epochs *epochs);

/**
 * Check that what a file tells of its lineage agrees with itself and with the file: that it is
 * canonical, that each step begins with what the one before gave, the chains of digests, that the
 * last step gave `weights_digest`, and that the tensors it names are there. heft_verify looks at
 * bytes alone and does not do it.
 *
 * Owns:    nothing; `weights_digest` is the file's, 32 bytes, as heft_verify computes it.
 * Units:   none.
 * Errors:  only what kept the check from being made: HEFT_E_IO, HEFT_E_NOMEM. What does not agree
 *          is no error.
 * Threads: any.
 */
HEFT_API enum heft_status heft_lineage_verify(struct heft_file *file, const uint8_t *weights_digest,
                                              struct heft_lineage_report *report,
                                              struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
