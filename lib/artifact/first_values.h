/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/first_values.h - numbers to train from (spec/lineage.md, section 5). */
#ifndef ARTIFACT_FIRST_VALUES_H
#define ARTIFACT_FIRST_VALUES_H

#include "heft/tuned.h"

/* How one tensor gets its values. */
struct heft_first {
	enum heft_first_values first;
	bool is_constant; /* all of them `value` */
	double value;
	double deviation; /* of HEFT_FIRST_NORMAL */
	uint64_t fan_in;  /* 0 counts as 1 */
	uint64_t fan_out;
};

/* Fills `dst` with the tensor's logical bytes: tensor->index tells which numbers are drawn. Its
 * dtype is a real floating one. */
enum heft_status heft_first_fill(const struct heft_first *first, uint64_t seed,
                                 const struct heft_tensor *tensor, void *dst,
                                 struct heft_error *err);
const char *heft_first_name(enum heft_first_values first); /* "he" */

#endif
