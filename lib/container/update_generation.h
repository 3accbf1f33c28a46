/* SPDX-License-Identifier: Apache-2.0 */
/* container/update_generation.h - the generation that an update appends: what it keeps of the one
 * before, what is new, and where that goes. */
#ifndef CONTAINER_UPDATE_GENERATION_H
#define CONTAINER_UPDATE_GENERATION_H

#include "container/generation.h"
#include "container/update_tables.h"

/* What is to be different. */
struct heft_next_plan {
	struct heft_index *ix;
	uint64_t file_size;
	bool sets_metadata;
	const char *metadata;                   /* with sets_metadata; NULL: none */
	const struct heft_row_changes *changes; /* NULL: the tensors stay */
};

struct heft_next {
	bool is_changed; /* else there is nothing to write, and what follows is not filled */
	uint64_t at;     /* where the new bytes begin */
	struct heft_packed_section meta;
	bool has_new_meta;
	struct heft_new_tables tables;
	struct heft_directory directory;
	struct heft_page page;
	uint8_t page_bytes[HEFT_PAGE_SIZE];
	uint32_t dropped; /* type of a section that spoke of the old tensors; 0: none but ORIGIN */
};

/* `plan` and what it points to must outlive the generation; heft_next_done also after a failure. */
enum heft_status heft_next_init(struct heft_next *g, const struct heft_next_plan *plan,
                                struct heft_error *err);
void heft_next_done(struct heft_next *g);
/* Writes all but the page; few and large writes. */
enum heft_status heft_next_write(struct heft_next *g, int fd, struct heft_error *err);
/* Where the page goes. */
uint64_t heft_next_page_off(const struct heft_next *g);

#endif
