/* SPDX-License-Identifier: Apache-2.0 */
/* container/pager.h - a table of the file that comes into memory page by page, each when it is
 * first looked at, and stays there: what was checked is what is used. Any number of threads, and no
 * lock: where two read one page at once, one copy is kept. */
#ifndef CONTAINER_PAGER_H
#define CONTAINER_PAGER_H

#include <stdatomic.h>

#include "base/source.h"

#define HEFT_PAGER_ROWS 1024u /* of a page */

struct heft_pager {
	struct heft_source *src;
	uint64_t off; /* of the table in the file */
	uint64_t n_rows;
	uint32_t row_size;
	_Atomic(uint8_t *) *pages; /* NULL without rows */
};

/* The table must lie within the file. */
enum heft_status heft_pager_init(struct heft_pager *p, struct heft_source *src, uint64_t off,
                                 uint64_t n_rows, uint32_t row_size, struct heft_error *err);
void heft_pager_done(struct heft_pager *p);
/* Borrows the rows from `row` to the end of its page, *n of them and at least one. A row past the
 * table is HEFT_E_CORRUPT. */
enum heft_status heft_pager_rows(struct heft_pager *p, uint64_t row, const uint8_t **rows,
                                 uint64_t *n, struct heft_error *err);

#endif
