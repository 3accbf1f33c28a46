/* SPDX-License-Identifier: Apache-2.0 */
/* format/npy_literal.h - reads the Python literal that an array's header is, item by item. */
#ifndef FORMAT_NPY_LITERAL_H
#define FORMAT_NPY_LITERAL_H

#include "format/npy_header.h"

struct heft_npy_literal {
	const uint8_t *bytes;
	size_t size;
	size_t pos;
	uint64_t off;  /* file offset of bytes[0] for messages */
	bool is_exact; /* else every message names `off` */
	bool is_utf8;  /* else Latin-1 */
	/* the last string, in UTF-8, without its quotes */
	size_t string_size;
	char string[HEFT_MAX_NAME];
};

/* What is wrong, at a byte of the literal. */
enum heft_status heft_npy_literal_fault(const struct heft_npy_literal *l, enum heft_status code,
                                        size_t at, const char *what, struct heft_error *err);
/* The next byte that is not white space; -1 at the end. */
int heft_npy_literal_peek(struct heft_npy_literal *l);
/* Passes over `c`, and white space before it, where it comes next. */
bool heft_npy_literal_take(struct heft_npy_literal *l, char c);
enum heft_status heft_npy_literal_expect(struct heft_npy_literal *l, char c,
                                         struct heft_error *err);
bool heft_npy_literal_is_string(struct heft_npy_literal *l);
enum heft_status heft_npy_literal_string(struct heft_npy_literal *l, struct heft_error *err);
/* True or False */
enum heft_status heft_npy_literal_bool(struct heft_npy_literal *l, bool *value,
                                       struct heft_error *err);
/* A tuple of whole numbers, HEFT_MAX_RANK at most. */
enum heft_status heft_npy_literal_shape(struct heft_npy_literal *l, uint64_t *dims, uint32_t *rank,
                                        struct heft_error *err);

#endif
