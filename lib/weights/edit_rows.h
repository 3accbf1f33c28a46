/* SPDX-License-Identifier: Apache-2.0 */
/* weights/edit_rows.h - an edit of the tensors of a heft file in place: rules over names become
 * changes of rows. */
#ifndef WEIGHTS_EDIT_ROWS_H
#define WEIGHTS_EDIT_ROWS_H

#include "container/update.h"
#include "heft/convert.h"

struct heft_edit_rows;

/* `update` is borrowed. */
enum heft_status heft_edit_rows_new(struct heft_update *update, struct heft_edit_rows **out,
                                    struct heft_error *err);
void heft_edit_rows_free(struct heft_edit_rows *r);

/* As the functions of heft/edit.h. */
enum heft_status heft_edit_rows_rename(struct heft_edit_rows *r, const struct heft_rename *rule,
                                       struct heft_error *err);
enum heft_status heft_edit_rows_delete(struct heft_edit_rows *r, const char *pattern,
                                       struct heft_error *err);
enum heft_status heft_edit_rows_tie(struct heft_edit_rows *r, const char *name, const char *first,
                                    struct heft_error *err);
enum heft_status heft_edit_rows_untie(struct heft_edit_rows *r, const char *name,
                                      struct heft_error *err);
/* Whether every rule still has a tensor to rename, and what the graph says to the changes; the rest
 * is found when the tables are made. */
enum heft_status heft_edit_rows_check(struct heft_edit_rows *r, struct heft_error *err);

#endif
