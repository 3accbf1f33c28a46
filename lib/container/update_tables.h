/* SPDX-License-Identifier: Apache-2.0 */
/* container/update_tables.h - the tables of a generation that differs from the one before in its
 * tensors' names, ties, or in that some are gone (spec/container.md 4 and R8.2-6). Stored bytes
 * stay where they are, and so does a table that comes out with the same bytes. */
#ifndef CONTAINER_UPDATE_TABLES_H
#define CONTAINER_UPDATE_TABLES_H

#include "container/runs.h"
#include "container/update_rows.h"
#include "tensor/listing.h"

#define HEFT_N_TABLES 6

/* Where a run comes to lie in LEAVES and EXTENTS; UINT64_MAX: in no row that stays. */
struct heft_laid_run {
	uint64_t first_leaf;
	uint64_t first_extent;
};

struct heft_new_tables {
	/* in ascending type; a size of 0: there is none */
	struct heft_section sections[HEFT_N_TABLES];
	bool is_new[HEFT_N_TABLES]; /* else the section is the one that the file has */
	bool is_changed;            /* some table is new, or gone */
	uint32_t n_renamed;
	uint32_t n_deleted;
	/* the making of them */
	struct heft_index *ix;
	const struct heft_row_changes *changes;
	struct heft_listing *tensors; /* those that stay, in the source's order; data_off: row */
	uint32_t *sorted;             /* tensors in the order of the new TENSORS */
	uint32_t *row_of;             /* of a tensor: its new row */
	uint32_t *tie_row;            /* of a tie group: its first new row */
	struct heft_runs runs;
	struct heft_laid_run *laid;
	uint32_t *order; /* runs in the order of their first new rows */
	uint32_t n_laid;
};

/* Takes the next n bytes of a table. */
typedef enum heft_status heft_take_fn(void *ctx, const void *bytes, size_t n,
                                      struct heft_error *err);

/* All zero before; heft_new_tables_done also after a failure. HEFT_E_USAGE: a name that is none, or
 * there twice. `changes` must outlive the tables. */
enum heft_status heft_new_tables_init(struct heft_new_tables *t,
                                      const struct heft_row_changes *changes, struct heft_sha256 *h,
                                      struct heft_error *err);
void heft_new_tables_done(struct heft_new_tables *t);
/* The bytes of a table, in as many pieces as there are rows. */
enum heft_status heft_new_tables_tell(struct heft_new_tables *t, size_t table_i, heft_take_fn *take,
                                      void *ctx, struct heft_error *err);

#endif
