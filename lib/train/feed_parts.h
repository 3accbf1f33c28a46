/* SPDX-License-Identifier: Apache-2.0 */
/* train/feed_parts.h - what the files that feed a model share. */
#ifndef TRAIN_FEED_PARTS_H
#define TRAIN_FEED_PARTS_H

#include "base/buffer.h"
#include "train/feed.h"

#define HEFT_FEED_NONE UINT32_MAX
#define HEFT_FEED_MAX_NOTES 16u

/* An input of the model, or the target, and the array that it comes from. */
struct heft_feed_slot {
	const char *name; /* of the input; "target" */
	uint32_t array;   /* NONE: not bound yet, or no target */
	struct heft_dataset_array from;
	enum heft_dtype dtype; /* what it becomes */
	uint32_t rank;         /* of a sample, as it becomes */
	uint64_t dims[HEFT_VALUE_MAX_RANK];
	uint64_t n_elements; /* of a sample */
	uint64_t n_bytes;    /* of a sample, as it becomes */
	bool is_scaled;
	/* (x / scale - mean) / std of each channel, in F64 where that is the dtype, else in F32 */
	double scale;
	const double *mean; /* n_channels; NULL: 0 */
	const double *std;  /* likewise; NULL: 1 */
	uint64_t n_channels;
	/* What each of the 256 numbers of U8 becomes, channel by channel; NULL: not used. */
	void *table;
};

struct heft_feed {
	const struct heft_model *model;
	struct heft_dataset *ds;
	const struct heft_feed_options *options;
	struct heft_model_value *wants; /* what the inputs ask for, n_inputs */
	struct heft_model_value output;
	struct heft_feed_slot *slots; /* the inputs, then the target */
	uint32_t n_inputs;
	enum heft_feed_target target_kind;
	char *notes[HEFT_FEED_MAX_NOTES];
	uint32_t n_notes;
};

/* feed_bind.c: fills `array` of every slot. */
enum heft_status heft_feed_bind_arrays(struct heft_feed *f, struct heft_error *err);
/* feed_shape.c: the shape that samples of `from` take where `want` is asked for, its dimension 0
 * the batch and not counted; false: they do not fit. */
bool heft_feed_fit(const struct heft_dataset_array *from, const struct heft_model_value *want,
                   uint32_t *rank, uint64_t *dims);
/* Appends "image F32 [N,3,32,32]". */
void heft_feed_list_value(struct heft_buffer *text, const struct heft_model_value *want);
/* feed_convert.c: decides how numbers are converted, with what the options say. */
enum heft_status heft_feed_set_conversion(struct heft_feed *f, struct heft_feed_slot *slot,
                                          bool may_scale, struct heft_error *err);
/* n samples from `raw`, as stored, to `dst`. */
void heft_feed_convert(const struct heft_feed_slot *slot, const void *raw, void *dst, size_t n);
static inline bool heft_feed_is_copied(const struct heft_feed_slot *slot)
{
	return slot->dtype == slot->from.dtype && !slot->is_scaled;
}
/* feed.c */
enum heft_status heft_feed_add_note(struct heft_feed *f, struct heft_error *err, const char *fmt,
                                    ...) __attribute__((format(printf, 3, 4)));

#endif
