/* SPDX-License-Identifier: Apache-2.0 */
/* container/update.h - an update of a heft file in the making: its lock, the generation that was
 * found, and the changes that become the next one (spec/container.md 8.2). */
#ifndef CONTAINER_UPDATE_H
#define CONTAINER_UPDATE_H

#include "container/update_rows.h"
#include "heft/edit.h"

struct heft_update;

/* Locks the file and reads its current generation; a file that is no heft file is
 * HEFT_E_UNSUPPORTED. */
enum heft_status heft_update_open(const char *path, const struct heft_edit_options *options,
                                  struct heft_update **out, struct heft_error *err);
void heft_update_discard(struct heft_update *u); /* releases the lock; NULL is allowed */
struct heft_index *heft_update_index(struct heft_update *u);

/* As heft_edit_set_metadata and heft_edit_unset_metadata. */
enum heft_status heft_update_set_metadata(struct heft_update *u, const char *key,
                                          const char *json_value, struct heft_error *err);
enum heft_status heft_update_unset_metadata(struct heft_update *u, const char *key,
                                            struct heft_error *err);
/* What becomes of the tensors; made by the first call. Borrowed. */
enum heft_status heft_update_rows(struct heft_update *u, struct heft_row_changes **rows,
                                  struct heft_error *err);

/* Makes the generation and throws it away. Of the report, the counts of ties are not touched. */
enum heft_status heft_update_check(struct heft_update *u, struct heft_edit_report *report,
                                   struct heft_error *err);
/* Steps 4 to 8. The update is then good for nothing but heft_update_discard. */
enum heft_status heft_update_commit(struct heft_update *u, struct heft_error *err);

#endif
