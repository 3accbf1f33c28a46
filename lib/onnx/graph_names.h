/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/graph_names.h - the names of a graph: each text once, and which value it means where the
 * reader is. */
#ifndef ONNX_GRAPH_NAMES_H
#define ONNX_GRAPH_NAMES_H

#include "base/siphash.h"
#include "onnx/graph.h"

struct heft_onnx_names {
	struct heft_buffer *texts; /* the graph's */
	uint32_t *slots;           /* open addressing: 0 is free, else a text */
	size_t n_slots;            /* 0 or a power of two */
	size_t n_texts;
	struct heft_buffer meanings; /* what names meant outside, to be put back: two uint32_t */
	struct heft_sip_seed seed;
};

enum heft_status heft_onnx_names_init(struct heft_onnx_names *names, struct heft_buffer *texts,
                                      struct heft_error *err);
void heft_onnx_names_done(struct heft_onnx_names *names);

/* The text of a field of bytes; 0 where it is empty. LIMIT: longer than HEFT_ONNX_MAX_TEXT. */
enum heft_status heft_onnx_names_add(struct heft_onnx_names *names, struct heft_wire_input *in,
                                     const struct heft_wire_field *field, uint32_t *text,
                                     struct heft_error *err);

/* The value that a text means; NONE. */
uint32_t heft_onnx_names_get(const struct heft_onnx_names *names, uint32_t text);
/* From here on the text means `value`. */
enum heft_status heft_onnx_names_set(struct heft_onnx_names *names, uint32_t text, uint32_t value,
                                     struct heft_error *err);
/* What is set behind a mark is taken back by going back to it. */
size_t heft_onnx_names_mark(const struct heft_onnx_names *names);
void heft_onnx_names_back(struct heft_onnx_names *names, size_t mark);

#endif
