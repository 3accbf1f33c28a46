/* SPDX-License-Identifier: Apache-2.0 */
/* weights/rename.h - what a rename rule says: an exact name, or a pattern with one '*', whose part
 * of the name goes where the new name has its own. */
#ifndef WEIGHTS_RENAME_H
#define WEIGHTS_RENAME_H

#include "heft/convert.h"

/* HEFT_E_USAGE unless both sides have one '*', or the left has none. */
enum heft_status heft_rename_check(const struct heft_rename *rule, struct heft_error *err);
/* Whether `rule` is for this name; then fills *part, the bytes that its '*' stands for. */
bool heft_rename_matches(const struct heft_rename *rule, const char *name, const char **part,
                         size_t *part_size);
/* Fills `to`, which has room for HEFT_MAX_NAME + 1 bytes. HEFT_E_USAGE: longer than that. */
enum heft_status heft_rename_fill(const struct heft_rename *rule, const char *part,
                                  size_t part_size, char *to, struct heft_error *err);

#endif
