/* SPDX-License-Identifier: Apache-2.0 */
/* format/torch_paths.h - where tensors that are no weights stand in a PyTorch file: their names,
 * cut at the dots, as a tree (spec/foreign/pytorch.md, Y5-3). */
#ifndef FORMAT_TORCH_PATHS_H
#define FORMAT_TORCH_PATHS_H

#include "base/siphash.h"
#include "tensor/listing.h"

#define HEFT_TORCH_NO_NODE UINT32_MAX
#define HEFT_TORCH_ROOT 0u

struct heft_torch_node {
	const char *key; /* borrowed of the listing; not NUL-ended */
	uint32_t key_size;
	uint32_t parent;
	uint32_t first_child;
	uint32_t last_child;
	uint32_t next;     /* child of the same parent */
	uint32_t tensor_i; /* HEFT_TORCH_NO_NODE: it has children */
	bool is_written;
};

struct heft_torch_paths {
	struct heft_torch_node *nodes;
	uint32_t *slots; /* open addressing over (parent, key): 0 or node + 1 */
	uint32_t n_nodes;
	uint32_t nodes_capacity;
	uint32_t n_slots;
	struct heft_sip_seed seed;
};

/* All tensors of the listing but the weights; USAGE: one has no place. */
enum heft_status heft_torch_paths_init(struct heft_torch_paths *t,
                                       const struct heft_listing *tensors, struct heft_error *err);
void heft_torch_paths_done(struct heft_torch_paths *t);
/* HEFT_TORCH_NO_NODE: there is none. `parent` may be none. */
uint32_t heft_torch_paths_find(const struct heft_torch_paths *t, uint32_t parent, const char *key,
                               size_t key_size);
/* Whether a key of the dict at a node is a number: the parameters' in an optimiser's state. */
bool heft_torch_paths_is_number(const struct heft_torch_paths *t, uint32_t parent, const char *key,
                                size_t key_size, int64_t *number);

#endif
