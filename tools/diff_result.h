/* SPDX-License-Identifier: Apache-2.0 */
/* diff_result.h - what `heft diff` found, and how it is shown to people and to scripts. */
#ifndef TOOLS_DIFF_RESULT_H
#define TOOLS_DIFF_RESULT_H

#include "heft/diff.h"
#include "output.h"

/* A tensor that changed: its place in both files, and the measures of struct heft_difference. */
struct diff_row {
	uint32_t a;
	uint32_t b;
	uint32_t reasons;
	bool is_compared;
	bool has_measures;
	uint64_t n_compared;
	uint64_t n_different;
	uint64_t n_not_finite;
	double max_abs;
	double rms;
	double relative;
	double cosine;
};

/* A tensor under two names, or one that is in one file alone. */
struct diff_place {
	uint32_t a;
	uint32_t b;
};

struct diff_places {
	struct diff_place *items;
	uint32_t n;
	uint32_t size;
};

/* A member of the metadata, its key as it stands in JSON. */
struct diff_member {
	const char *key;
	size_t key_size;
	bool is_in_a;
	bool is_in_b; /* in both: with other values */
};

/* The metadata's members that differ, in the order of their keys. */
struct diff_metadata {
	struct diff_member *items;
	size_t n;
};

struct diff_result {
	struct heft_file *file[2];
	const char *name[2];
	struct heft_diff_summary summary;
	struct diff_row *rows; /* in the order of A */
	uint32_t n_rows;
	uint32_t rows_size;
	struct diff_places only[2];
	struct diff_places renamed;
	struct diff_metadata metadata;
};

/* Adds what heft_diff reports. */
void diff_result_add(struct diff_result *r, const struct heft_difference *d);
/* Compares the metadata of both files. */
enum heft_status diff_result_compare_metadata(struct diff_result *r, uint32_t *failed,
                                              struct heft_error *err);
void diff_result_done(struct diff_result *r);

/* diff_metadata.c: the members of two JSON objects that differ; blanks between values do not
 * count. The texts are borrowed. */
void diff_metadata_init(struct diff_metadata *m, const char *a, const char *b);
void diff_metadata_done(struct diff_metadata *m);

/* diff_text.c: summary, then tables, of which each has some rows or, with all_rows, all. Sorts
 * r->rows. */
enum heft_status diff_text_print(struct output *out, struct diff_result *r, bool all_rows,
                                 struct heft_error *err);
/* diff_json.c */
enum heft_status diff_json_print(struct output *out, const struct diff_result *r,
                                 struct heft_error *err);

#endif
