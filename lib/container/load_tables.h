/* SPDX-License-Identifier: Apache-2.0 */
/* load_tables.h - brings the tables that an open file needs into memory, hashed and checked. */
#ifndef CONTAINER_LOAD_TABLES_H
#define CONTAINER_LOAD_TABLES_H

#include "container/index.h"

/* A table: where it is in the file and where it goes. A size of 0: there is none. */
struct heft_table_load {
	const struct heft_section *section;
	uint8_t *dst;
};

/* Reads n tables, compares their CRCs and digests (spec R3-8), and runs heft_index_check,
 * which works on the memory that they go to. */
enum heft_status heft_tables_load(struct heft_index *ix, const struct heft_table_load *loads,
                                  size_t n, struct heft_error *err);

#endif
