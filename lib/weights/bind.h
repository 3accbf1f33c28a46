/* SPDX-License-Identifier: Apache-2.0 */
/* weights/bind.h - which tensor of a file each tensor of a model gets its bytes from: by its name,
 * else by its shape, else its own. */
#ifndef WEIGHTS_BIND_H
#define WEIGHTS_BIND_H

#include "heft/convert.h"
#include "tensor/listing.h"
#include "weights/selection.h"

struct heft_binding {
	/* Of each tensor of the model, in its order: */
	uint32_t *source; /* the index in the file, or of its own in the model */
	uint16_t *source_dtype;
	uint8_t *ways; /* enum heft_way; HEFT_WAY_OTHER: its own */
	uint32_t n;
	uint32_t n_cast;
	uint32_t n_by_shape;
	uint32_t n_transposed;
	uint32_t n_kept;   /* keep their own bytes, and nobody asked for it */
	uint32_t n_placed; /* of the file's chosen tensors, which are n_chosen */
	uint32_t n_chosen;
};

/* Adds the tensors of plan->into to `tensors`, with those of its ties that stay. HEFT_E_USAGE: what
 * heft_selection_make says, a tensor that finds none or one that does not fit. A note of what a
 * person should know is written to `note`, of note_size bytes. */
enum heft_status heft_bind(struct heft_binding *b, struct heft_file *file,
                           const struct heft_convert_plan *plan, struct heft_listing *tensors,
                           char *note, size_t note_size, struct heft_error *err);
void heft_binding_done(struct heft_binding *b); /* all zero, or after heft_bind */

#endif
