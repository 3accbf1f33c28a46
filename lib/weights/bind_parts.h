/* SPDX-License-Identifier: Apache-2.0 */
/* weights/bind_parts.h - a binding in the making: what its parts share. Tensors are numbered as in
 * the two listings. */
#ifndef WEIGHTS_BIND_PARTS_H
#define WEIGHTS_BIND_PARTS_H

#include "base/buffer.h"
#include "weights/bind.h"

#define HEFT_UNBOUND UINT32_MAX

struct heft_binder {
	const struct heft_convert_plan *plan;
	struct heft_file *file;
	struct heft_listing *model; /* the tensors that want bytes */
	struct heft_listing
		*chosen;           /* of the file, under their new names and in their new dtypes */
	struct heft_selection own; /* of the model: all of it */
	struct heft_selection selection;
	uint32_t *found; /* of each of the model's: which of the chosen; HEFT_UNBOUND: none yet */
	bool *is_turned; /* and whether transposed */
	bool *is_kept;   /* by a pattern of plan->keep */
	/* what the model's graph does with them; NULL: it has none */
	enum heft_role *roles;
	bool *is_alone; /* nothing of its shape is left */
	bool *is_taken; /* of each of the chosen */
	struct heft_binding *result;
};

/* Whether the model's tensor i may not go without bytes of the file: floating, of rank 1 or more,
 * not empty, a weight. */
bool heft_bind_must_find(const struct heft_binder *b, uint32_t i);
bool heft_bind_same_shape(const struct heft_binder *b, uint32_t i, uint32_t k);
/* Whether chosen tensor k is a matrix of the model's tensor i's shape reversed, of elements that
 * are whole bytes. No square one is. */
bool heft_bind_reversed_shape(const struct heft_binder *b, uint32_t i, uint32_t k);
void heft_bind_take(struct heft_binder *b, uint32_t i, uint32_t k, bool is_turned);

/* bind_shape.c: pairs what is left and has but one counterpart. */
enum heft_status heft_bind_by_shape(struct heft_binder *b, struct heft_error *err);
/* Then marks what has no counterpart of any dtype, transposed or not. */
enum heft_status heft_bind_find_alone(struct heft_binder *b, struct heft_error *err);

/* bind_report.c */
/* HEFT_E_USAGE: the model's tensor i and its namesake k do not fit together. */
enum heft_status heft_bind_misfit(const struct heft_binder *b, uint32_t i, uint32_t k,
                                  struct heft_error *err);
/* HEFT_E_USAGE when a tensor has found none that must; all of them are told to plan->unbound. */
enum heft_status heft_bind_check_found(const struct heft_binder *b, struct heft_error *err);
void heft_bind_note(const struct heft_binder *b, char *note, size_t note_size);

#endif
