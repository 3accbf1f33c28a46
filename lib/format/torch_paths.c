/* SPDX-License-Identifier: Apache-2.0 */
/* torch_paths.c - the tree that the names of an optimiser's and other tensors spell. */
#include "format/torch_paths.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "format/torch_keys.h"

/* Dicts in dicts; what a name has behind them is one key with dots, which gives the same name. */
#define MAX_DEPTH 24u
#define QUOTED 80 /* bytes of a name in a message */
#define NUMBER_SIZE_MAX 18u

/* --- nodes --- */

static uint32_t slot_of(const struct heft_torch_paths *t, uint32_t parent, const char *key,
                        size_t key_size)
{
	const uint32_t mask = t->n_slots - 1;
	uint32_t i = (uint32_t)(heft_siphash(&t->seed, parent, key, key_size) >> 16) & mask;

	for (; t->slots[i] != 0; i = (i + 1) & mask) {
		const struct heft_torch_node *n = &t->nodes[t->slots[i] - 1];

		if (n->parent == parent && n->key_size == key_size &&
		    memcmp(n->key, key, key_size) == 0)
			break;
	}
	return i;
}

uint32_t heft_torch_paths_find(const struct heft_torch_paths *t, uint32_t parent, const char *key,
                               size_t key_size)
{
	uint32_t slot;

	if (parent == HEFT_TORCH_NO_NODE || t->n_slots == 0)
		return HEFT_TORCH_NO_NODE;
	slot = t->slots[slot_of(t, parent, key, key_size)];
	return slot == 0 ? HEFT_TORCH_NO_NODE : slot - 1;
}

static enum heft_status no_memory(struct heft_error *err)
{
	return heft_fail(err, HEFT_E_NOMEM, HEFT_NO_OFFSET, "no memory for the paths of tensors");
}

static enum heft_status reserve_slots(struct heft_torch_paths *t, struct heft_error *err)
{
	const uint32_t n_slots = t->n_slots > 0 ? t->n_slots * 2 : 64;
	uint32_t *slots;

	if (t->n_nodes < t->n_slots / 2)
		return HEFT_OK;
	slots = heft_zalloc_array(n_slots, sizeof *slots);
	if (!slots)
		return no_memory(err);
	heft_free(t->slots);
	t->slots = slots;
	t->n_slots = n_slots;
	for (uint32_t i = 1; i < t->n_nodes; i++) {
		const struct heft_torch_node *n = &t->nodes[i];

		slots[slot_of(t, n->parent, n->key, n->key_size)] = i + 1;
	}
	return HEFT_OK;
}

static enum heft_status reserve_nodes(struct heft_torch_paths *t, struct heft_error *err)
{
	const uint32_t capacity = t->nodes_capacity > 0 ? t->nodes_capacity * 2 : 32;
	struct heft_torch_node *nodes;

	if (t->n_nodes < t->nodes_capacity)
		return HEFT_OK;
	if (capacity > UINT32_MAX / 4)
		return heft_fail(err, HEFT_E_LIMIT, HEFT_NO_OFFSET, "too many paths");
	nodes = heft_realloc_array(t->nodes, capacity, sizeof *nodes);
	if (!nodes)
		return no_memory(err);
	t->nodes = nodes;
	t->nodes_capacity = capacity;
	return HEFT_OK;
}

static void link_child(struct heft_torch_paths *t, uint32_t parent, uint32_t child)
{
	struct heft_torch_node *p = &t->nodes[parent];

	if (p->last_child == HEFT_TORCH_NO_NODE)
		p->first_child = child;
	else
		t->nodes[p->last_child].next = child;
	p->last_child = child;
}

static enum heft_status add_node(struct heft_torch_paths *t, uint32_t parent, const char *key,
                                 size_t key_size, uint32_t *node, struct heft_error *err)
{
	HEFT_TRY(reserve_nodes(t, err));
	HEFT_TRY(reserve_slots(t, err));
	*node = t->n_nodes;
	t->nodes[t->n_nodes++] = (struct heft_torch_node){
		.key = key,
		.key_size = (uint32_t)key_size,
		.parent = parent,
		.first_child = HEFT_TORCH_NO_NODE,
		.last_child = HEFT_TORCH_NO_NODE,
		.next = HEFT_TORCH_NO_NODE,
		.tensor_i = HEFT_TORCH_NO_NODE,
	};
	if (parent == HEFT_TORCH_NO_NODE)
		return HEFT_OK;
	link_child(t, parent, *node);
	t->slots[slot_of(t, parent, key, key_size)] = *node + 1;
	return HEFT_OK;
}

static enum heft_status find_or_add(struct heft_torch_paths *t, uint32_t parent, const char *key,
                                    size_t key_size, uint32_t *node, struct heft_error *err)
{
	*node = heft_torch_paths_find(t, parent, key, key_size);
	return *node != HEFT_TORCH_NO_NODE ? HEFT_OK
	                                   : add_node(t, parent, key, key_size, node, err);
}

/* --- names --- */

static bool is_part(const char *part, size_t n, const char *of_optimizer)
{
	return n == strlen(of_optimizer) && memcmp(part, of_optimizer, n) == 0;
}

/* A part that only an optimiser's dict has (Y3-4). */
static bool has_state(const char *name, size_t n)
{
	for (size_t i = 0; i < n;) {
		const char *dot = memchr(name + i, '.', n - i);
		const size_t k = dot ? (size_t)(dot - name) - i : n - i;

		if (is_part(name + i, k, "state") || is_part(name + i, k, "param_groups"))
			return true;
		i += k + 1;
	}
	return false;
}

/* Whether a tensor lies in dicts in dicts, or else under its whole name in the root: a tensor that
 * the root holds beside the weights is of space `state` (Y3-5). */
static enum heft_status is_nested(uint8_t space, const char *name, size_t n, bool has_weights,
                                  bool *nested, struct heft_error *err)
{
	const char *dot = memchr(name, '.', n);
	const uint8_t of_key = heft_torch_space_of_key(name, dot ? (size_t)(dot - name) : n);

	*nested = true;
	if (space == HEFT_SPACE_STATE) {
		*nested = of_key == HEFT_SPACE_STATE;
		if (*nested || (has_weights && (dot || of_key == HEFT_SPACE_WEIGHTS)))
			return HEFT_OK;
	} else if (space == HEFT_SPACE_OPTIMIZER &&
	           (of_key == HEFT_SPACE_OPTIMIZER || has_state(name, n))) {
		return HEFT_OK;
	}
	return heft_fail(
		err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		"tensor '%.*s' is of space %s, and its name has no place for it in a "
		"PyTorch file: --rename gives it another one, --weights-only leaves it out",
		QUOTED, name, heft_space_name((enum heft_space)space));
}

/* A dict lies at every dot, but where another tensor has that name. */
static enum heft_status add_path(struct heft_torch_paths *t, const struct heft_listing *tensors,
                                 uint32_t i, bool has_weights, struct heft_error *err)
{
	const char *name = heft_listing_name(tensors, i);
	const struct heft_listed *row = heft_listing_row(tensors, i);
	uint32_t parent = HEFT_TORCH_ROOT;
	uint32_t node;
	size_t from = 0;
	bool nested;

	HEFT_TRY(is_nested(row->space, name, row->name_size, has_weights, &nested, err));
	for (unsigned depth = 0; nested && depth < MAX_DEPTH; depth++) {
		const char *dot = memchr(name + from, '.', row->name_size - from);
		const size_t to = dot ? (size_t)(dot - name) : 0;
		uint32_t other;

		if (!dot || heft_listing_find(tensors, row->space, name, to, &other))
			break;
		HEFT_TRY(find_or_add(t, parent, name + from, to - from, &parent, err));
		from = to + 1;
	}
	if (t->nodes[parent].tensor_i != HEFT_TORCH_NO_NODE ||
	    heft_torch_paths_find(t, parent, name + from, row->name_size - from) !=
	            HEFT_TORCH_NO_NODE)
		return heft_fail(err, HEFT_E_USAGE, HEFT_NO_OFFSET,
		                 "tensor '%.*s' would have the place of another one in a PyTorch "
		                 "file: --rename gives it another name",
		                 QUOTED, name);
	HEFT_TRY(add_node(t, parent, name + from, row->name_size - from, &node, err));
	t->nodes[node].tensor_i = i;
	return HEFT_OK;
}

static bool has_any_weights(const struct heft_listing *tensors)
{
	for (uint32_t i = 0; i < heft_listing_n(tensors); i++) {
		if (heft_listing_row(tensors, i)->space == HEFT_SPACE_WEIGHTS)
			return true;
	}
	return false;
}

enum heft_status heft_torch_paths_init(struct heft_torch_paths *t,
                                       const struct heft_listing *tensors, struct heft_error *err)
{
	const bool has_weights = has_any_weights(tensors);
	uint32_t root;

	*t = (struct heft_torch_paths){ .n_nodes = 0 };
	heft_sip_seed_init(&t->seed, t);
	HEFT_TRY(add_node(t, HEFT_TORCH_NO_NODE, "", 0, &root, err));
	for (uint32_t i = 0; i < heft_listing_n(tensors); i++) {
		if (heft_listing_row(tensors, i)->space != HEFT_SPACE_WEIGHTS)
			HEFT_TRY(add_path(t, tensors, i, has_weights, err));
	}
	return HEFT_OK;
}

void heft_torch_paths_done(struct heft_torch_paths *t)
{
	heft_free(t->nodes);
	heft_free(t->slots);
}

bool heft_torch_paths_is_number(const struct heft_torch_paths *t, uint32_t parent, const char *key,
                                size_t key_size, int64_t *number)
{
	const struct heft_torch_node *p = &t->nodes[parent];
	int64_t v = 0;

	if (p->key_size != 5 || memcmp(p->key, "state", 5) != 0)
		return false;
	if (key_size == 0 || key_size > NUMBER_SIZE_MAX || (key[0] == '0' && key_size > 1))
		return false;
	for (size_t i = 0; i < key_size; i++) {
		if (key[i] < '0' || key[i] > '9')
			return false;
		v = v * 10 + (key[i] - '0');
	}
	*number = v;
	return true;
}
