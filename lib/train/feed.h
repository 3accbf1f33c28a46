/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train/feed.h - samples of a data set as a model takes them: which array goes to which input and
 * which is the target, their dtypes and shapes, and batches of them.
 *
 * An array feeds the input of its name. The target is the array that is called y, label, labels,
 * target or targets, or the one that is left over. One input that is then without an array takes
 * the one array that is left, or of several `x`, or the only one whose shape fits.
 *
 * Numbers become what the input holds: U8 divided by 255 where that is floating, unless
 * `normalize` says otherwise; every operation in the input's dtype (F16, BF16: in F32) and rounded.
 * A sample [H,W] becomes [1,H,W] where the input wants that, and is put in a row, or taken out of
 * one, where the number of elements says so.
 *
 * The batch is dimension 0 and is free here, whatever the model says of it.
 */
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "heft/dataset.h"

struct heft_normalize;
struct heft_feed;

enum heft_feed_target {
	HEFT_TARGET_BY_DTYPE, /* whole numbers are classes, others values */
	HEFT_TARGET_CLASSES,  /* I64 */
	HEFT_TARGET_VALUES,   /* in the dtype of the output, and of its shape */
	HEFT_TARGET_NONE
};

struct heft_feed_bind {
	const char *input;
	const char *array;
};

/* All zero: all by name, and output 0. */
struct heft_feed_options {
	const struct heft_feed_bind *binds; /* what goes where in spite of its name */
	uint32_t n_binds;
	uint32_t output;    /* of the model, that the target is compared with */
	const char *target; /* array; NULL: by its name */
	enum heft_feed_target target_as;
	/* Of floating inputs; NULL, or one that is not given: U8 / 255. Its `scale` not above 0:
	 * 255 for U8, else 1. */
	const struct heft_normalize *normalize;
};

/* `model`, `ds` and `options` outlive the feed. USAGE: nothing fits, and what there is; an array or
 * input that does not exist. */
enum heft_status heft_feed_new(const struct heft_model *model, struct heft_dataset *ds,
                               const struct heft_feed_options *options, struct heft_feed **out,
                               struct heft_error *err);
void heft_feed_free(struct heft_feed *f); /* takes NULL */

struct heft_dataset *heft_feed_dataset(const struct heft_feed *f);
/* CLASSES, VALUES or NONE. */
enum heft_feed_target heft_feed_target_kind(const struct heft_feed *f);
/* Input i of the model, or the target, in a batch of n samples; without bytes. */
void heft_feed_describe_input(const struct heft_feed *f, uint32_t i, uint64_t n,
                              struct heft_value *value);
void heft_feed_describe_target(const struct heft_feed *f, uint64_t n, struct heft_value *value);
/* Names of the arrays that feed them. */
const char *heft_feed_input_array(const struct heft_feed *f, uint32_t i);
const char *heft_feed_target_array(const struct heft_feed *f); /* NULL: none */
/* What a person should know of how arrays were taken, a sentence each: NULL past the last one. */
const char *heft_feed_note(const struct heft_feed *f, uint32_t i);

/* --- batches --- */

/* Memory for a batch; each may be filled by a thread of its own. */
struct heft_feed_batch {
	uint64_t n;                /* samples in it */
	struct heft_value *inputs; /* in the model's order */
	const void **input_bytes;  /* theirs, as heft_backprop_run takes them */
	struct heft_value target;  /* without bytes where there is none */
	uint64_t n_room;           /* the rest is the feed's own */
	uint32_t n_inputs;
	uint8_t **room; /* of each input, and of the target */
	uint8_t *raw;   /* as stored */
};

enum heft_status heft_feed_batch_new(const struct heft_feed *f, uint64_t n_room,
                                     struct heft_feed_batch **out, struct heft_error *err);
void heft_feed_batch_free(struct heft_feed_batch *b); /* takes NULL */
/* n at most n_room. Errors as of heft_dataset_read. */
enum heft_status heft_feed_fill(const struct heft_feed *f, struct heft_feed_batch *b,
                                const uint64_t *samples, size_t n, struct heft_error *err);

/* --- what is looked at before the first step --- */

struct heft_feed_check {
	const uint64_t *samples; /* NULL: all of them */
	uint64_t n_samples;
	uint64_t n_classes;  /* 0: the model does not tell */
	bool has_ignored;    /* such a label is none */
	bool must_be_shares; /* target values from 0 to 1, as a binary loss wants them */
	int64_t ignored;
	struct heft_run run; /* its progress counts samples */
};

struct heft_feed_report {
	uint64_t *n_of_class; /* samples, or labels where a sample has several */
	uint64_t n_classes;   /* as given, or the largest label and one */
	uint64_t n_ignored;
	uint64_t n_missing; /* classes without a sample */
	char note[240];     /* a sentence about them; "": none is missing */
};

/* Goes through the samples: USAGE with the sample, the array and the value for a label that is no
 * class of the model, a NaN or an infinity, a number that the input's dtype cannot hold. `report`
 * may be NULL; else heft_feed_report_done. */
enum heft_status heft_feed_check(const struct heft_feed *f, const struct heft_feed_check *check,
                                 struct heft_feed_report *report, struct heft_error *err);
void heft_feed_report_done(struct heft_feed_report *r);

#endif
