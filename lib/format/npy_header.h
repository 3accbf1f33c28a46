/* SPDX-License-Identifier: Apache-2.0 */
/* format/npy_header.h - what an array's header says: where the bytes of its tensors lie among the
 * data. */
#ifndef FORMAT_NPY_HEADER_H
#define FORMAT_NPY_HEADER_H

#include "format/npy.h"

/* A tensor of the array. Its logical bytes are runs, each one together in the file; the runs lie
 * where the levels say, the last of them counting fastest. */
struct heft_npy_field {
	uint64_t off;      /* of the first run in the data */
	uint64_t run_size; /* all of the tensor where there are no levels */
	size_t level_at;   /* in the layout's levels */
	uint32_t n_levels;
	uint32_t swap; /* bytes of a number that lies the other way round; 1: none does */
	bool is_item;  /* its elements are those of the array */
};

struct heft_npy_level {
	uint64_t count;
	uint64_t stride; /* bytes */
};

struct heft_npy_layout {
	uint64_t data_off; /* from the magic */
	uint64_t data_size;
	uint64_t item_size; /* of an element, which may be a record */
	uint64_t *dims; /* owned: of the elements, where their order is not row-major; else NULL */
	struct heft_npy_field *fields; /* owned, as the listing has them */
	struct heft_npy_level *levels; /* owned */
	uint32_t n_fields;
	uint32_t rank;
};

struct heft_npy_text {
	const uint8_t *bytes; /* the literal, to the data */
	size_t size;
	uint64_t off;     /* of the literal, from the magic */
	unsigned version; /* 1, 2 or 3 */
};

/* Adds the tensors to `tensors` and fills `out`. On failure `out` is untouched. */
enum heft_status heft_npy_parse(const struct heft_npy_text *text, const struct heft_npy_input *in,
                                const struct heft_npy_options *options, const char *name,
                                size_t name_size, struct heft_listing *tensors,
                                struct heft_npy_layout *out, struct heft_error *err);
void heft_npy_layout_done(struct heft_npy_layout *l);

/* npy_type.c: the types that a header names */
struct heft_npy_type {
	enum heft_dtype dtype;
	uint32_t swap;
	uint64_t size; /* of an element */
	bool is_void;  /* NumPy's V: with an empty name it is padding */
};

/* `err` is filled without a name and without an offset. */
enum heft_status heft_npy_type(const char *text, size_t size,
                               const struct heft_npy_options *options, struct heft_npy_type *out,
                               struct heft_error *err);

#endif
