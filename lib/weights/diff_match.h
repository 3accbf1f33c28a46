/* SPDX-License-Identifier: Apache-2.0 */
/* weights/diff_match.h - which tensor of one file is compared with which of the other. */
#ifndef WEIGHTS_DIFF_MATCH_H
#define WEIGHTS_DIFF_MATCH_H

#include "base/meter.h"
#include "base/pool.h"
#include "heft/diff.h"
#include "weights/diff_values.h"

#define HEFT_DIFF_NONE UINT32_MAX

/* A tensor of A. */
struct heft_diff_entry {
	uint32_t a;
	uint32_t b;    /* of B, under the same name or renamed; HEFT_DIFF_NONE: there is none */
	uint32_t same; /* the first entry that compares the same bytes; its own index */
	uint32_t kept; /* where such an entry's result is kept for the others, else NONE */
	bool is_renamed;
	bool is_compared; /* its elements can be */
};

struct heft_diff_match {
	struct heft_file *file[2];
	const struct heft_diff_options *options;
	struct heft_diff_entry *entries; /* in the order of A */
	uint32_t n_entries;
	uint32_t *only_b; /* in the order of B */
	uint32_t n_only_b;
	uint32_t n_looked_at[2];
	uint64_t n_bytes; /* of both sides of all entries that are compared */
	uint32_t n_kept;
	uint32_t n_tied_otherwise;
	uint32_t failed_file; /* after a failure: as heft_diff_summary has it */
};

/* Two tensors, and how they are compared. */
struct heft_diff_pair {
	struct heft_tensor tensor[2];
	uint32_t unit[2];
	struct heft_diff_way way; /* when is_compared */
	uint64_t n;               /* likewise: elements */
	uint32_t reasons;         /* HEFT_DIFF_DTYPE, HEFT_DIFF_SHAPE */
	bool is_compared;
};

/* Matches by space and name. The options' files and patterns are borrowed. */
enum heft_status heft_diff_match_make(struct heft_diff_match *m, struct heft_file *a,
                                      struct heft_file *b, const struct heft_diff_options *options,
                                      struct heft_error *err);
void heft_diff_match_done(struct heft_diff_match *m);
/* Finds the entries that compare the same bytes as an earlier one: a heft file may store a gigabyte
 * once for a thousand tensors. */
enum heft_status heft_diff_match_shared(struct heft_diff_match *m, struct heft_error *err);
/* Describes both tensors of an entry that has two. */
enum heft_status heft_diff_pair_make(struct heft_diff_match *m, uint32_t entry_i,
                                     struct heft_diff_pair *pair, struct heft_error *err);

/* diff_content.c: what is only in A and what is only in B, matched by tensor digest. */
struct heft_diff_content;
enum heft_status heft_diff_content_new(struct heft_diff_match *m, struct heft_diff_content **out,
                                       struct heft_error *err);
void heft_diff_content_free(struct heft_diff_content *c);
uint64_t heft_diff_content_bytes(const struct heft_diff_content *c); /* that it has to read */
/* Marks the renamed ones and takes them out of only_b. */
enum heft_status heft_diff_content_match(struct heft_diff_content *c, struct heft_pool *pool,
                                         struct heft_meter *meter, struct heft_error *err);

#endif
