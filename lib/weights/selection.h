/* SPDX-License-Identifier: Apache-2.0 */
/* weights/selection.h - which tensors of a file a conversion writes, under which names and in which
 * dtypes. */
#ifndef WEIGHTS_SELECTION_H
#define WEIGHTS_SELECTION_H

#include "heft/convert.h"
#include "tensor/listing.h"

/* Whether one of n patterns matches the name; used[i] is set of all that do. */
bool heft_match_any(const char *const *patterns, uint32_t n, const char *name, bool *used);

struct heft_selection {
	uint32_t *source; /* for each chosen tensor, its index in the file */
	uint16_t *source_dtype;
	uint32_t n;
	uint32_t n_cast;
	uint32_t n_renamed;
	bool is_changed; /* some tensor was left out, renamed or cast */
};

/* Adds the chosen tensors to `tensors`. HEFT_E_USAGE: a rule that matches nothing, a name twice, a
 * cast that is none. */
enum heft_status heft_selection_make(struct heft_selection *s, struct heft_file *file,
                                     const struct heft_convert_plan *plan,
                                     struct heft_listing *tensors, struct heft_error *err);
void heft_selection_done(struct heft_selection *s);

#endif
