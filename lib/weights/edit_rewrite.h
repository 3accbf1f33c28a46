/* SPDX-License-Identifier: Apache-2.0 */
/* weights/edit_rewrite.h - an edit of a file that cannot be changed in place: what it is to be is
 * gathered as a plan of a conversion onto itself. */
#ifndef WEIGHTS_EDIT_REWRITE_H
#define WEIGHTS_EDIT_REWRITE_H

#include "heft/convert.h"
#include "heft/edit.h"

struct heft_edit_rewrite;

/* Locks and opens the file. HEFT_E_USAGE: a format that is only read. */
enum heft_status heft_edit_rewrite_open(const char *path, const struct heft_edit_options *options,
                                        struct heft_edit_rewrite **out, struct heft_error *err);
void heft_edit_rewrite_discard(struct heft_edit_rewrite *r); /* NULL is allowed */

/* As the functions of heft/edit.h. */
enum heft_status heft_edit_rewrite_set(struct heft_edit_rewrite *r, const char *key,
                                       const char *json_value, struct heft_error *err);
enum heft_status heft_edit_rewrite_unset(struct heft_edit_rewrite *r, const char *key,
                                         struct heft_error *err);
enum heft_status heft_edit_rewrite_rename(struct heft_edit_rewrite *r,
                                          const struct heft_rename *rule, struct heft_error *err);
enum heft_status heft_edit_rewrite_delete(struct heft_edit_rewrite *r, const char *pattern,
                                          struct heft_error *err);
/* Why there is no tie to be made. */
enum heft_status heft_edit_rewrite_tie(const struct heft_edit_rewrite *r, struct heft_error *err);
enum heft_status heft_edit_rewrite_check(struct heft_edit_rewrite *r,
                                         struct heft_edit_report *report, struct heft_error *err);
enum heft_status heft_edit_rewrite_commit(struct heft_edit_rewrite *r, struct heft_error *err);

#endif
