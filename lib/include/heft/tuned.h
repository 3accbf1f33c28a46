/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heft/tuned.h - write a model with new weights: what a training made of it, with its lineage; a
 * new last layer for other classes; new first values.
 *
 *	const struct heft_head_options head = { .n_classes = 5, .seed = 7 };
 *
 *	heft_head_write(model, "five.heft", &head, NULL, &err);
 *
 * Tensors keep their names and order, the graph and the metadata stay. Tensors of space `optimizer`
 * are left out: they speak of the old weights.
 */
#ifndef HEFT_TUNED_H
#define HEFT_TUNED_H

#include "heft/lineage.h"
#include "heft/write.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives a tensor's new logical bytes, tensor->n_bytes of them, which stay where they are until the
 * next call; NULL: it keeps those that it has. */
typedef enum heft_status (*heft_tensor_bytes_fn)(void *user, const struct heft_tensor *tensor,
                                                 const void **bytes, struct heft_error *err);

struct heft_tuned_options {
	const char *format; /* of the target; NULL: by the path's extension */
	struct heft_write_options write;
	struct heft_run run;
	uint64_t reserved[4];
};

/**
 * Write what a training made of `parent`. A heft file gets `step` behind the parent's own lineage,
 * and `epochs`; of the step `heft`, `revision`, the digests of the parent and of the result are
 * worked out here.
 *
 * Owns:    nothing. `options` and `epochs` may be NULL; `weights_digest` takes 32 bytes or is NULL.
 * Units:   none.
 * Errors:  HEFT_E_USAGE (the step does not agree with the weights, what the format cannot hold,
 *          target exists), HEFT_E_CORRUPT (the parent's lineage is not that of its weights, as
 *          well), those of `bytes`, of heft_read, heft_create and heft_commit. On failure nothing
 *          stays behind.
 * Threads: any.
 */
HEFT_API enum heft_status heft_tuned_write(struct heft_file *parent, const char *path,
                                           heft_tensor_bytes_fn bytes, void *user,
                                           const struct heft_lineage_step *step,
                                           const struct heft_epochs *epochs,
                                           const struct heft_tuned_options *options,
                                           uint8_t *weights_digest, struct heft_error *err);

enum heft_first_values {
	HEFT_FIRST_HE = 0, /* normal, of deviation sqrt(2 / fan in) */
	HEFT_FIRST_XAVIER, /* uniform, up to sqrt(6 / (fan in + fan out)) */
	HEFT_FIRST_NORMAL, /* normal, of a given deviation */
	HEFT_FIRST_ZERO
};

struct heft_head_options {
	uint64_t n_classes;           /* at least 1 */
	enum heft_first_values first; /* all but NORMAL */
	uint32_t reserved32;
	uint64_t seed;
	struct heft_tuned_options target;
	uint64_t reserved[4];
};

/* Which layer it was. */
struct heft_head_report {
	uint64_t n_old;                           /* classes */
	char weight[160];                         /* its tensors, cut where they are longer */
	char bias[160];                           /* "" where it has none */
	char layer_op[32];                        /* "Gemm", "MatMul", "Conv" */
	uint8_t weights_digest[HEFT_DIGEST_SIZE]; /* of what was written */
};

/**
 * Write `file` with a new last layer: the linear layer nearest to the output, a Gemm, a MatMul or a
 * 1x1 Conv, gets n_classes outputs, a new weight and a bias of zeros. What stands behind it must
 * work with any number of classes.
 *
 * Owns:    nothing; `report` may be NULL.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (no graph), HEFT_E_UNSUPPORTED (no such layer, or a node behind it that
 *          is made for the old number; named), and those of heft_tuned_write.
 * Threads: any.
 */
HEFT_API enum heft_status heft_head_write(struct heft_file *file, const char *path,
                                          const struct heft_head_options *options,
                                          struct heft_head_report *report, struct heft_error *err);

struct heft_init_options {
	enum heft_first_values first;
	uint32_t n_only;
	uint64_t seed;
	double deviation;        /* of HEFT_FIRST_NORMAL: above 0 */
	const char *const *only; /* patterns of names, as fnmatch(3) has them; none: all */
	const char *const *keep; /* of those that stay as they are */
	uint32_t n_keep;
	uint32_t reserved32;
	struct heft_tuned_options target;
	uint64_t reserved[4];
};

struct heft_init_report {
	uint32_t n_weights;   /* that were drawn, or made zero for HEFT_FIRST_ZERO */
	uint32_t n_constants; /* biases, scales, statistics: 0 and 1 */
	uint32_t n_kept;
	uint32_t reserved32;
	uint64_t n_values;                        /* that are new */
	uint8_t weights_digest[HEFT_DIGEST_SIZE]; /* of what was written */
};

/**
 * Write `file` with first values to train from: each weight by what the graph does with it, its fan
 * in and its fan out (spec/lineage.md, section 5); biases 0, scales of normalisations 1, running
 * means 0 and variances 1. Whole numbers, and single ones that are no parameter, stay.
 *
 * Owns:    nothing; `report` may be NULL.
 * Units:   none.
 * Errors:  HEFT_E_NOT_FOUND (no graph), HEFT_E_UNSUPPORTED (a floating tensor whose use does not
 *          tell its first values; named), HEFT_E_USAGE (a pattern that matches nothing), and those
 *          of heft_tuned_write.
 * Threads: any.
 */
HEFT_API enum heft_status heft_init_write(struct heft_file *file, const char *path,
                                          const struct heft_init_options *options,
                                          struct heft_init_report *report, struct heft_error *err);

#ifdef __cplusplus
}
#endif
#endif
