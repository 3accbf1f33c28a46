/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_meta.h - telling the values of a PyTorch pickle as JSON: what a walk through them
 * needs so that shared and cyclic ones end. */
#ifndef FORMAT_TORCH_META_H
#define FORMAT_TORCH_META_H

#include "format/torch_tree.h"

struct heft_torch_teller {
	const struct heft_pickle *p;
	struct heft_buffer *b;
	uint8_t *on_path;    /* a bit a value */
	uint64_t steps_left; /* values; what comes behind them is cut */
};

enum heft_status heft_torch_teller_init(struct heft_torch_teller *t, const struct heft_pickle *p,
                                        struct heft_buffer *b, struct heft_error *err);
void heft_torch_teller_done(struct heft_torch_teller *t);

/* Appends a value; `depth`: of its own braces, 1 for those of META. False: it is a tensor, or holds
 * nothing but tensors, and nothing was appended. */
bool heft_torch_tell_value(struct heft_torch_teller *t, heft_pickle_ref v, unsigned depth);
/* "MODULE.NAME" of a GLOBAL; "?" for NONE. */
void heft_torch_tell_class(struct heft_torch_teller *t, heft_pickle_ref class);
void heft_torch_tell_key(struct heft_torch_teller *t, heft_pickle_ref key);
/* Whether a dict can be a JSON object. A key "t" means something but at the root. */
bool heft_torch_has_plain_keys(const struct heft_pickle *p, heft_pickle_ref dict, bool is_root);
/* Whether it is something that every module's state has and that says nothing: no hooks. */
bool heft_torch_is_idle(const struct heft_pickle *p, heft_pickle_ref key, heft_pickle_ref value);

#endif
