/* SPDX-License-Identifier: Apache-2.0 */
/* container/update_rows.h - what an update makes of the rows of TENSORS: other names, ties, and
 * which of them go. Rows are numbered as the generation that was opened has them. */
#ifndef CONTAINER_UPDATE_ROWS_H
#define CONTAINER_UPDATE_ROWS_H

#include "container/index.h"

struct heft_row_change {
	char *name; /* NULL: as it was */
	uint32_t name_size;
	uint32_t group; /* of its tie group: the number of one of its rows */
	uint32_t next;  /* row of its tie group, in a ring; its own when alone */
	uint32_t run;   /* the row whose bytes it takes: its own, or of a tie */
	bool is_deleted;
};

struct heft_row_changes {
	struct heft_index *ix;
	struct heft_row_change *rows;
	uint32_t n;
	/* none of those that are renamed or deleted is named by the file's graph: for who knows the
	 * graph to say */
	bool keeps_graph;
};

/* `ix` was opened with all checks, and is borrowed. */
enum heft_status heft_row_changes_new(struct heft_index *ix, struct heft_row_changes **out,
                                      struct heft_error *err);
void heft_row_changes_free(struct heft_row_changes *c);

/* The name is copied; whether it may be one, and is there but once, is found when the tables are
 * made. */
enum heft_status heft_row_rename(struct heft_row_changes *c, uint32_t row_i, const char *name,
                                 struct heft_error *err);
void heft_row_keep_name(struct heft_row_changes *c, uint32_t row_i); /* takes a rename back */
void heft_row_delete(struct heft_row_changes *c, uint32_t row_i);
/* The row, and all that are tied to it, become one parameter with `first_i`. HEFT_E_USAGE when
 * dtype, shape or stated values differ (spec R8.2-7). */
enum heft_status heft_row_tie(struct heft_row_changes *c, uint32_t row_i, uint32_t first_i,
                              struct heft_error *err);
/* The row becomes a parameter of its own; its bytes may be shared still. HEFT_E_USAGE when it is
 * tied to none. */
enum heft_status heft_row_untie(struct heft_row_changes *c, uint32_t row_i, struct heft_error *err);

#endif
