/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_write.h - what the files share that write a PyTorch file. */
#ifndef FORMAT_TORCH_WRITE_H
#define FORMAT_TORCH_WRITE_H

#include "base/json_pull.h"
#include "container/write_plan.h"
#include "format/torch_emit.h"
#include "format/torch_paths.h"

/* A pickle that is being written. */
struct heft_torch_pickler {
	const struct heft_write_plan *plan;
	struct heft_torch_emitter *e;
	struct heft_torch_paths paths;
	uint32_t *keys; /* by tensor: the number of its storage */
	uint32_t n_storages;
};

/* torch_root.c: writes data.pkl. Storages are numbered in the order of the tensors; tied ones have
 * one. USAGE: something has no place in it. */
enum heft_status heft_torch_pickle(const struct heft_write_plan *plan, struct heft_torch_emitter *e,
                                   struct heft_error *err);

void heft_torch_pickle_tensor(struct heft_torch_pickler *p, uint32_t i);

/* torch_value.c: a value of the metadata, whose first token was taken, and with it the tensors
 * below a node of the paths (or none). */
enum heft_status heft_torch_pickle_value(struct heft_torch_pickler *p, struct heft_json *j,
                                         const struct heft_json_token *token, uint32_t node,
                                         struct heft_error *err);
/* The key of a member and its value; those of a dict at a node. */
enum heft_status heft_torch_pickle_member(struct heft_torch_pickler *p, struct heft_json *j,
                                          const struct heft_json_token *key, uint32_t node,
                                          struct heft_error *err);
/* What lies below a node and was not written yet: keys and values. */
void heft_torch_pickle_children(struct heft_torch_pickler *p, uint32_t node);

#endif
