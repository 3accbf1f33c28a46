/* SPDX-License-Identifier: Apache-2.0 */
/* container/locked.h - a heft file that is to be changed or replaced: opened under its lock, which
 * the source's descriptor holds until the source is closed. */
#ifndef CONTAINER_LOCKED_H
#define CONTAINER_LOCKED_H

#include "base/source.h"
#include "container/index.h"
#include "heft/edit.h"

/* What stands for NULL, and for a lock_ms of 0. */
struct heft_edit_options heft_edit_options_fill(const struct heft_edit_options *options);

/* `in_place`: for writing; else for somebody who replaces the file by renaming. */
enum heft_status heft_locked_open(const char *path, const struct heft_edit_options *options,
                                  bool in_place, struct heft_source **out, struct heft_error *err);

/* Releases the lock; NULL is allowed. */
void heft_locked_close(struct heft_source *src);

/* heft_index_open with all checks; a file that is no heft file is HEFT_E_UNSUPPORTED. */
enum heft_status heft_locked_index(struct heft_source *src, bool previous, struct heft_index **out,
                                   struct heft_error *err);

#endif
