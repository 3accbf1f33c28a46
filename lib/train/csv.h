/* SPDX-License-Identifier: Apache-2.0 */
/* train/csv.h - the fields of a CSV file one by one (RFC 4180), packed by gzip or not. Lines end by
 * LF or CR LF; a line of nothing is passed over; blanks around a field are no part of it. */
#ifndef TRAIN_CSV_H
#define TRAIN_CSV_H

#include "base/source.h"

#define HEFT_CSV_MAX_FIELD ((size_t)1 << 16) /* bytes */

struct heft_csv;

struct heft_csv_field {
	const char *text; /* until the next call; ends with NUL; NULL: the file has ended */
	size_t size;
	uint64_t line;   /* from 1; where the field begins */
	uint32_t column; /* from 1 */
	uint64_t off;    /* in the file; of a packed one, of its unpacked bytes */
	bool is_quoted;
	bool is_last; /* of its record */
};

/* `src` is borrowed and outlives the reader. separator 0: a comma, or, where the first line has
 * none outside of quotes, a semicolon or a tab that it has. */
enum heft_status heft_csv_new(struct heft_source *src, char separator, struct heft_csv **out,
                              struct heft_error *err);
void heft_csv_free(struct heft_csv *c); /* takes NULL */
/* CORRUPT with line, column and offset: quotes that do not fit, a NUL, bytes that are no UTF-8.
 * LIMIT: a field is too long, a line has too many. */
enum heft_status heft_csv_next(struct heft_csv *c, struct heft_csv_field *field,
                               struct heft_error *err);

#endif
