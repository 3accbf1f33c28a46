/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/scan.h - what the files of the scan share: the walk through a model's messages, and what it
 * finds of a tensor before that becomes a row of the model. */
#ifndef ONNX_SCAN_H
#define ONNX_SCAN_H

#include "base/buffer.h"
#include "onnx/model.h"

#define HEFT_ONNX_MAX_DEPTH 64u /* of subgraphs */
/* Messages around the innermost: a graph, a node and an attribute a level, and what a function or a
 * training run, a sparse tensor and its values add. */
#define HEFT_ONNX_MAX_OPEN (3 * (HEFT_ONNX_MAX_DEPTH + 1) + 4)

/* A string, where it lies in the file. */
struct heft_onnx_span {
	uint64_t off;
	uint64_t size;
};

struct heft_onnx_open {
	uint64_t len_off;
	uint64_t off;
	uint64_t size;
	uint32_t frame; /* NONE until a weight is found in it */
};

struct heft_onnx_walk {
	struct heft_wire_input *in;
	const struct heft_limits *limits;
	struct heft_onnx_model *model;
	bool is_graph;
	bool is_main;            /* in the model's own graph */
	uint8_t space;           /* enum heft_space */
	unsigned depth;          /* of graphs */
	struct heft_buffer name; /* what stands before a tensor's name here, or the name */
	struct heft_onnx_open open[HEFT_ONNX_MAX_OPEN];
	unsigned n_open;
	uint64_t names_size; /* of all tensors so far */
	uint32_t *n_same;    /* one a tensor: the number behind `#` that comes next; 0: none came */
	size_t weights_capacity;
	size_t frames_capacity;
	size_t externals_capacity;
	bool has_fields; /* a weight is in FIELDS */
};

/* --- scan_walk.c: where the walk is --- */

void heft_onnx_enter(struct heft_onnx_walk *w, const struct heft_wire_field *field);
void heft_onnx_leave(struct heft_onnx_walk *w);
/* The next field that is not passed over. types[number] is the set of wire types that a field may
 * have, a bit each, and 0 for one that is passed over, as those from 32 on are; types[0] is for
 * HEFT_ONNX_N_FLOATS. Another wire type is CORRUPT. */
#define HEFT_ONNX_VARINT (1u << HEFT_WIRE_VARINT)
#define HEFT_ONNX_FIXED64 (1u << HEFT_WIRE_FIXED64)
#define HEFT_ONNX_BYTES (1u << HEFT_WIRE_BYTES)
#define HEFT_ONNX_FIXED32 (1u << HEFT_WIRE_FIXED32)
enum heft_status heft_onnx_next(struct heft_onnx_walk *w, struct heft_wire_message *message,
                                const uint8_t types[32], struct heft_wire_field *field, bool *has,
                                struct heft_error *err);
/* A message that is no list: UNSUPPORTED when *seen already is one of it. */
enum heft_status heft_onnx_once(struct heft_wire_field *seen, const struct heft_wire_field *field,
                                struct heft_error *err);
static inline struct heft_onnx_span heft_onnx_span(const struct heft_wire_field *field)
{
	return (struct heft_onnx_span){ field->off, field->size };
}
/* Whether the text is this word, which is short. */
enum heft_status heft_onnx_is(struct heft_onnx_walk *w, struct heft_onnx_span span,
                              const char *word, bool *is, struct heft_error *err);
/* Put text behind the name, which is cut a byte past the longest. */
enum heft_status heft_onnx_name_span(struct heft_onnx_walk *w, struct heft_onnx_span span,
                                     struct heft_error *err);
void heft_onnx_name_text(struct heft_onnx_walk *w, const char *text);
void heft_onnx_name_number(struct heft_onnx_walk *w, uint32_t number);

/* --- scan_row.c: what becomes of a tensor --- */

/* Adds a tensor of the name in `w`; its number is *i. The caller fills in the weight. */
enum heft_status heft_onnx_add_row(struct heft_onnx_walk *w, enum heft_dtype dtype, uint32_t rank,
                                   const uint64_t *dims, uint64_t at, uint32_t *i,
                                   struct heft_error *err);
enum heft_status heft_onnx_add_external(struct heft_onnx_walk *w, struct heft_onnx_external *e,
                                        uint32_t *i, struct heft_error *err);

/* --- scan_tensor.c --- */

/* The numbers of a typed field. */
struct heft_onnx_numbers {
	uint32_t field; /* 0: there are none */
	uint32_t n_runs;
	uint64_t at;  /* of the first one's tag */
	uint64_t off; /* of the first run */
	uint64_t packed_size;
	uint64_t n_single;  /* runs of one that are not packed */
	uint32_t odd_sizes; /* the packed runs' sizes, or'ed: whether all are whole numbers */
	bool is_mixed;      /* another typed field holds numbers, too */
};

/* A TensorProto as it lies in the file. */
struct heft_onnx_tensor {
	struct heft_wire_field field;
	struct heft_onnx_span name;
	uint64_t dims[HEFT_MAX_RANK];
	uint64_t data_type;
	uint64_t location;  /* data_location */
	uint64_t n_entries; /* of external_data */
	uint64_t n_raws;    /* raw_data that holds something */
	struct heft_wire_field raw;
	struct heft_wire_field segment; /* number 0: none */
	struct heft_onnx_numbers numbers;
	uint8_t rank;
};

enum heft_status heft_onnx_parse_tensor(struct heft_onnx_walk *w,
                                        const struct heft_wire_field *field,
                                        struct heft_onnx_tensor *t, struct heft_error *err);
void heft_onnx_note_numbers(struct heft_onnx_numbers *numbers, const struct heft_wire_field *field);
/* A tensor of the name in `w`, whose data type is one. */
enum heft_status heft_onnx_take_tensor(struct heft_onnx_walk *w, const struct heft_onnx_tensor *t,
                                       bool is_initializer, struct heft_error *err);
/* A Constant's value_floats, in the attribute that is open. */
enum heft_status heft_onnx_take_floats(struct heft_onnx_walk *w,
                                       const struct heft_onnx_numbers *numbers, uint64_t n_taken,
                                       struct heft_error *err);

/* --- scan_weight.c, scan_node.c, scan.c: messages where they begin --- */

enum heft_status heft_onnx_scan_initializer(struct heft_onnx_walk *w,
                                            const struct heft_wire_field *field,
                                            struct heft_error *err);
/* The `value` of a Constant of this name. */
enum heft_status heft_onnx_scan_value(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_onnx_span name, struct heft_error *err);
/* `name` is a Constant's; NULL: that of the values. */
enum heft_status heft_onnx_scan_sparse(struct heft_onnx_walk *w,
                                       const struct heft_wire_field *field,
                                       const struct heft_onnx_span *name, struct heft_error *err);
enum heft_status heft_onnx_scan_node(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                     struct heft_error *err);
enum heft_status heft_onnx_scan_graph(struct heft_onnx_walk *w, const struct heft_wire_field *field,
                                      struct heft_error *err);

/* --- scan_external.c, scan_meta.c --- */

/* Reads the entries of t, whose bytes are n_bytes. */
enum heft_status heft_onnx_parse_external(struct heft_onnx_walk *w,
                                          const struct heft_onnx_tensor *t, uint64_t n_bytes,
                                          struct heft_onnx_external *e, struct heft_error *err);
/* *json (heft_free): metadata_props of the model. */
enum heft_status heft_onnx_parse_metadata(struct heft_onnx_walk *w, char **json,
                                          struct heft_error *err);

#endif
