/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_walk.h - the state of a walk through the values of a PyTorch pickle: the path that
 * names what is met, and what keeps shared and cyclic values from becoming endless. */
#ifndef FORMAT_TORCH_WALK_H
#define FORMAT_TORCH_WALK_H

#include "format/torch_tree.h"

struct heft_torch_walker {
	const struct heft_pickle *p;
	bool is_constant; /* the pickle is constants.pkl */
	bool is_counting; /* tensors of space `weights` are counted, and nothing is added */
	uint64_t n_weights;
	uint64_t steps_left;
	uint32_t depth;
	/* a bit a value */
	uint8_t *on_path;
	uint8_t *seen;   /* in space `state` */
	uint8_t *barren; /* there is no tensor below */
	uint64_t n_met;  /* tensors, and values that the path is in already */
	/* from the root to the value, joined by dots; it has room for HEFT_MAX_NAME bytes, and more
	 * for a number and a NUL */
	struct heft_buffer path;
	uint32_t n_parts;
	bool is_too_long;  /* parts are missing */
	size_t n_left_out; /* bytes at the path's begin that the names of `weights` do without */
	struct heft_buffer name;
	struct heft_torch_adder *adder;
	const struct heft_torch_storages *storages;
	struct heft_torch_notes *notes;
};

/* Where a path was before a part was appended. */
struct heft_torch_step {
	size_t size;
	uint32_t n_parts;
	bool is_too_long;
};

/* Fills what belongs to the pickle; the caller sets the rest. done: whatever init said. */
enum heft_status heft_torch_walker_init(struct heft_torch_walker *w, const struct heft_pickle *p,
                                        struct heft_error *err);
void heft_torch_walker_done(struct heft_torch_walker *w);
/* Makes it ready for another walk, from no path. */
void heft_torch_walker_restart(struct heft_torch_walker *w);

struct heft_torch_step heft_torch_push(struct heft_torch_walker *w, const void *text, size_t n);
/* Of the i-th pair of a dict. */
struct heft_torch_step heft_torch_push_key(struct heft_torch_walker *w, heft_pickle_ref key,
                                           uint32_t i);
void heft_torch_pop(struct heft_torch_walker *w, struct heft_torch_step was);

bool heft_torch_is_optimizer(const struct heft_pickle *p, heft_pickle_ref v);
enum heft_status heft_torch_walk_value(struct heft_torch_walker *w, heft_pickle_ref v,
                                       uint8_t space, struct heft_error *err);

/* torch_found.c: a tensor at the walk's path */
enum heft_status heft_torch_found(struct heft_torch_walker *w, enum heft_torch_what what,
                                  const struct heft_torch_call *call, uint8_t space,
                                  struct heft_error *err);

#endif
