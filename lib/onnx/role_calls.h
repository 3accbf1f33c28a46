/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/role_calls.h - which graphs a node has or calls, and which end where. */
#ifndef ONNX_ROLE_CALLS_H
#define ONNX_ROLE_CALLS_H

#include "base/siphash.h"
#include "onnx/graph.h"

struct heft_onnx_calls {
	uint32_t *bodies;    /* one a node: the first of its subgraphs */
	uint32_t *endings;   /* one a node and one behind: the outermost graph that ends there */
	uint32_t *next_body; /* one a graph */
	uint32_t *next_ending;
	uint32_t *functions; /* a hash of (domain, name, overload); NONE is free */
	size_t n_slots;
	uint32_t n_functions;
	struct heft_sip_seed seed;
};

enum heft_status heft_onnx_calls_init(struct heft_onnx_calls *calls,
                                      const struct heft_onnx_graph *g, struct heft_error *err);
void heft_onnx_calls_done(struct heft_onnx_calls *calls); /* takes a zeroed one */

/* The function that the node calls; NONE. */
uint32_t heft_onnx_calls_find(const struct heft_onnx_calls *calls, const struct heft_onnx_graph *g,
                              const struct heft_onnx_node *node);

static inline uint32_t heft_onnx_calls_body(const struct heft_onnx_calls *calls, uint32_t node)
{
	return calls->bodies[node];
}

static inline uint32_t heft_onnx_calls_next(const struct heft_onnx_calls *calls, uint32_t graph)
{
	return calls->next_body[graph];
}

static inline uint32_t heft_onnx_calls_ending(const struct heft_onnx_calls *calls, uint32_t node)
{
	return calls->endings[node];
}

static inline uint32_t heft_onnx_calls_next_ending(const struct heft_onnx_calls *calls,
                                                   uint32_t graph)
{
	return calls->next_ending[graph];
}

#endif
